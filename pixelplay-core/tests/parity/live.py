"""Compares the encoder with transformers on full-size models of random weights.

    cargo xtask parity                  # makes an environment with requirements.txt, then runs this

Each model is made by transformers, saved as anybody would save it, run on real photos (those of
../shared/data/photos, or noise) and on texts of many lengths, and handed to the test
`live::a_full_size_checkpoint_agrees_with_transformers`, which prints the differences.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
import transformers
from PIL import Image, ImageOps
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer
from vocabulary import SHARED, tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[3]


def vision(width, layers, heads, patch, image=224, **more):
    return {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "patch_size": patch,
        "image_size": image,
        **more,
    }


def text(width, heads, layers=12, **more):
    return {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        **more,
    }


MODELS = {
    # name: (text, vision, projection, type the weights are saved in)
    "b32": (text(512, 8), vision(768, 12, 12, 32), 512, torch.float32),
    "b32-openai-legacy": (text(512, 8, eos_token_id=2), vision(768, 12, 12, 32), 512, torch.float32),
    "b32-gelu": (
        text(512, 8, hidden_act="gelu"),
        vision(768, 12, 12, 32, hidden_act="gelu"),
        512,
        torch.float32,
    ),
    "b32-half-precision": (text(512, 8), vision(768, 12, 12, 32), 512, torch.float16),
    "b16": (text(512, 8), vision(768, 12, 12, 16), 512, torch.float32),
    "small-wide": (text(384, 6, 6), vision(640, 8, 10, 28, image=336), 640, torch.bfloat16),
    "l14": (text(768, 12), vision(1024, 24, 16, 14), 768, torch.float32),
}

TEXTS = [
    "",
    "a photo of a cat",
    "Hello World!",
    "  rainy\tnight   drive\n",
    "don't stop believin' 99 red balloons",
    "caf\u00e9 cafe\u0301 na\u00efve \u00dcber",
    "\u96e8\u306e\u591c \u6771\u4eac",
    "\U0001f3b8\U0001f3b6 music!!! ... #hashtag @you 50% (live)",
    "it's we're I'd they'll you've I'm",
    "<|startoftext|> and <|endoftext|> in the middle",
    "\u0130stanbul \u01c5 \ufb01n \u00df \u1e9e",
    "word " * 200,
    "x" * 500,
    "1234567890",
]


def photos() -> list[Image.Image]:
    """Of several shapes; one tall and one wide beside the real ones."""
    found = sorted((SHARED / "photos/oasis").glob("*.jpg"))[::30]
    found += sorted((SHARED / "photos/skimage").glob("*.[jp][pn]g"))
    if not found:
        print(f"skipped: real photos ({SHARED / 'photos'} is missing)")
    images = [ImageOps.exif_transpose(Image.open(path)).convert("RGB") for path in found]
    noise = np.random.default_rng(7)
    for size in ((640, 480), (480, 640), (1500, 211), (233, 1200), (30, 40)):
        pixels = noise.integers(0, 256, (size[1] // 8 + 1, size[0] // 8 + 1, 3), dtype=np.uint8)
        images.append(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    return images


def check(name: str, tokenizer: CLIPTokenizer, images: list[Image.Image]) -> None:
    text_config, vision_config, dim, dtype = MODELS[name]
    torch.manual_seed(len(name))
    config = CLIPConfig(text_config=text_config, vision_config=vision_config, projection_dim=dim)
    model = CLIPModel(config).eval().to(dtype)
    with tempfile.TemporaryDirectory(prefix="pixelplay-parity-") as folder:
        out = pathlib.Path(folder)
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)
        side = vision_config["image_size"]
        processor = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
        processor.save_pretrained(out)

        rows = []
        for at, image in enumerate(images):
            (out / f"{at}.rgb").write_bytes(image.tobytes())
            rows.append({"width": image.width, "height": image.height, "rgb": f"{at}.rgb"})
        pixels = processor(images, return_tensors="pt")["pixel_values"].to(torch.float32)
        (out / "pixel_values.f32").write_bytes(pixels.numpy().astype("<f4").tobytes())
        tokens = tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
        # Weights saved in fewer bits run in float32, here as there.
        model = model.to(torch.float32)
        with torch.inference_mode():
            answer = model(
                input_ids=tokens["input_ids"],
                attention_mask=tokens["attention_mask"],
                pixel_values=pixels,
            )
        reference = {
            "name": name,
            "token_ids": tokens["input_ids"].tolist(),
            "text_embeds": answer.text_embeds.tolist(),
            "image_embeds": answer.image_embeds.tolist(),
            "image_std": list(processor.image_std),
            "photos": rows,
            "tokenized": [{"text": text, "ids": tokenizer(text, truncation=True)["input_ids"]} for text in TEXTS],
        }
        (out / "reference.json").write_text(json.dumps(reference))
        del model, answer
        subprocess.run(
            [
                os.environ.get("CARGO", "cargo"),
                "test",
                "--quiet",
                "--package=pixelplay-core",
                "--test=encoder",
                "--",
                "--nocapture",
                "--exact",
                "live::a_full_size_checkpoint_agrees_with_transformers",
            ],
            check=True,
            cwd=ROOT,
            env={**os.environ, "PIXELPLAY_LIVE_PARITY": folder},
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)}")
    names = parser.parse_args().models or list(MODELS)
    if unknown := set(names) - set(MODELS):
        sys.exit(f"no such models: {', '.join(sorted(unknown))}")
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    tokens, images = tokenizer(), photos()
    for name in names:
        check(name, tokens, images)
    print(f"{len(names)} models agree")


if __name__ == "__main__":
    main()
