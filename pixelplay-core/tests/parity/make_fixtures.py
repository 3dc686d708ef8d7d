"""Writes ../fixtures/encoder: the results of transformers and Pillow for inputs from a formula.

    python make_fixtures.py          # with the packages of requirements.txt

Run it again only when a case is added: the results do not change.
"""

import json
import pathlib

import formula
import numpy as np
import torch
from PIL import Image
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "encoder"


def transformer(width, mlp, layers, heads, act="quick_gelu", **more):
    return {
        "hidden_size": width,
        "intermediate_size": mlp,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "hidden_act": act,
        **more,
    }


def text(*args, vocab=64, positions=16, **more):
    return {
        **transformer(*args, **more),
        "vocab_size": vocab,
        "max_position_embeddings": positions,
        "eos_token_id": vocab - 1,
        "bos_token_id": vocab - 2,
        "pad_token_id": vocab - 1,
    }


def vision(*args, image=32, patch=16, **more):
    return {**transformer(*args, **more), "image_size": image, "patch_size": patch}


def config(text_config, vision_config, dim):
    return {
        "model_type": "clip",
        "architectures": ["CLIPModel"],
        "projection_dim": dim,
        "text_config": text_config,
        "vision_config": vision_config,
    }


def legacy(base):
    """Like OpenAI's first configs: with copies that take precedence, and the end token 2."""
    base = json.loads(json.dumps(base))
    base["text_config"]["eos_token_id"] = 2
    base["text_config_dict"] = base["text_config"]
    base["vision_config_dict"] = base["vision_config"]
    base["text_config"] = {**base["text_config"], "hidden_act": "gelu", "num_hidden_layers": 1}
    base["vision_config"] = {**base["vision_config"], "hidden_act": "gelu"}
    return base


TOWERS = {
    # name: (config, dtype of the weights)
    "b32-geometry": (
        config(text(32, 128, 3, 4), vision(48, 192, 3, 4, image=224, patch=32), 32),
        "F32",
    ),
    "b16-patches": (
        config(text(32, 64, 2, 2), vision(32, 96, 2, 2, image=64, patch=16), 24),
        "F32",
    ),
    "gelu": (
        config(text(40, 100, 2, 5, act="gelu"), vision(24, 64, 3, 3, act="gelu", image=32, patch=8), 16),
        "F32",
    ),
    "gelu-tanh": (
        config(
            text(24, 60, 2, 3, act="gelu_new"),
            vision(24, 64, 2, 3, act="gelu_pytorch_tanh", image=32, patch=8),
            16,
        ),
        "F32",
    ),
    "l14-like": (
        config(
            text(48, 192, 4, 6, vocab=90, positions=77),
            vision(64, 256, 6, 8, image=56, patch=14),
            48,
        ),
        "F32",
    ),
    "half-precision": (config(text(32, 128, 2, 4), vision(32, 128, 2, 4), 32), "F16"),
    "bfloat16": (config(text(32, 128, 2, 4), vision(32, 128, 2, 4), 32), "BF16"),
    "another-epsilon": (
        config(text(32, 128, 2, 4, layer_norm_eps=1e-2), vision(32, 128, 2, 4, layer_norm_eps=3e-2), 8),
        "F32",
    ),
    "legacy-openai": (legacy(config(text(32, 128, 2, 4), vision(32, 128, 2, 4), 16)), "F32"),
    "one-layer-one-head": (config(text(16, 16, 1, 1), vision(16, 8, 1, 1), 40), "F32"),
}


def build(name, raw, dtype):
    model = CLIPModel(CLIPConfig(**json.loads(json.dumps(raw)), attn_implementation="eager"))
    kept = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}[dtype]
    with torch.no_grad():
        for tensor_name, tensor in model.state_dict().items():
            if tensor_name == "logit_scale" or tensor_name.endswith("position_ids"):
                continue
            values = formula.weight(f"{name}/{tensor_name}", tuple(tensor.shape))
            tensor.copy_(torch.from_numpy(values).to(kept).to(torch.float32))
    return model.eval()


def texts(name, raw):
    """Token ids: empty, short, an end token in the middle, and as long as the context allows."""
    config = raw["text_config"]
    vocab, positions = config["vocab_size"], config["max_position_embeddings"]
    start, end = vocab - 2, vocab - 1
    ordinary = (formula.level(f"{name}/ids", positions) % (vocab - 2)).tolist()
    return [
        [start, end],
        [start, *ordinary[:1], end],
        [start, *ordinary[1:6], end],
        [start, *ordinary[:2], end, *ordinary[2:4], end],
        [start, *ordinary[2:], end],
    ]


def towers():
    cases = []
    for name, (raw, dtype) in TOWERS.items():
        model = build(name, raw, dtype)
        ids = texts(name, raw)
        side = raw["vision_config"]["image_size"]
        pixels = formula.uniform(f"{name}/pixels", 3 * 3 * side * side) * np.float32(2)
        end = raw["text_config"]["vocab_size"] - 1
        longest = max(map(len, ids))
        padded = [row + [end] * (longest - len(row)) for row in ids]
        with torch.no_grad():
            out = model(
                input_ids=torch.tensor(padded),
                pixel_values=torch.from_numpy(pixels.reshape(3, 3, side, side)),
            )
        cases.append(
            {
                "name": name,
                "dtype": dtype,
                "config": raw,
                "token_ids": ids,
                "images": 3,
                "text_embeds": [[float(f"{v:.9g}") for v in row] for row in out.text_embeds.tolist()],
                "image_embeds": [[float(f"{v:.9g}") for v in row] for row in out.image_embeds.tolist()],
            }
        )
    lines = ",\n".join(json.dumps(case) for case in cases)
    (OUT / "towers.json").write_text(f"[\n{lines}\n]\n")


CROP_48 = {"size": {"shortest_edge": 48}, "crop_size": {"height": 48, "width": 48}}
SQUASH_48 = {"size": {"height": 48, "width": 48}, "do_center_crop": False}
RESIZES = [
    # width, height, pattern, contents of preprocessor_config.json
    (1, 1, "waves", CROP_48),
    (3000, 20, "waves", CROP_48),
    (20, 3000, "waves", CROP_48),
    (97, 61, "waves", CROP_48),
    (61, 97, "noise", CROP_48),
    (97, 61, "checks", CROP_48),
    (48, 48, "noise", CROP_48),
    (48, 70, "noise", CROP_48),
    (96, 72, "noise", CROP_48),
    (640, 427, "waves", CROP_48),
    (500, 400, "noise", CROP_48),
    (500, 400, "checks", CROP_48),
    (2, 47, "noise", CROP_48),
    (7, 5, "checks", CROP_48),
    (333, 333, "waves", SQUASH_48),
    (31, 400, "noise", SQUASH_48),
    (400, 31, "noise", SQUASH_48),
    (120, 260, "noise", CROP_48),
    (260, 120, "noise", CROP_48),
    (97, 61, "waves", {"do_resize": False, "crop_size": 48}),
    (61, 19, "noise", {"do_resize": False, "crop_size": 48}),
    (90, 70, "noise", {"size": 30, "crop_size": 48}),
    (401, 301, "waves", {"size": {"shortest_edge": 55}, "crop_size": 48}),
    *[
        (width, height, pattern, {**CROP_48, "resample": resample})
        for resample in (1, 2, 4, 5)
        for width, height, pattern in ((31, 23, "noise"), (200, 117, "checks"))
    ],
]


def resizes():
    """Resizes and crops pictures from a formula with Pillow, and stacks the results in one PNG."""
    cases = []
    for at, (width, height, pattern, settings) in enumerate(RESIZES):
        pixels = formula.picture(f"resize/{at}", width, height, pattern)
        processor = CLIPImageProcessorPil(**settings, do_rescale=False, do_normalize=False)
        out = processor(Image.fromarray(pixels), return_tensors="np")["pixel_values"][0]
        out = out.transpose(1, 2, 0)
        assert out.shape == (48, 48, 3) and (out == out.astype(np.uint8)).all()
        cases.append((out.astype(np.uint8), width, height, pattern, settings))
    # Stack all results in one picture, which is lossless, small and easy to inspect.
    sheet = np.concatenate([case[0] for case in cases])
    Image.fromarray(sheet).save(OUT / "resizes.png", optimize=True)
    rows = [
        json.dumps({"width": w, "height": h, "pattern": pattern, "settings": settings})
        for _, w, h, pattern, settings in cases
    ]
    (OUT / "resizes.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    towers()
    resizes()
