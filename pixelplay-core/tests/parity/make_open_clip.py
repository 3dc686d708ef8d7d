"""Writes ../fixtures/encoder/open_clip*.json: the results of OpenCLIP and timm for inputs from a formula.

    python make_open_clip.py         # with the packages of requirements.txt

Run it again only when a case is added: the results do not change.
"""

import json
import pathlib

import formula
import numpy as np
import open_clip
import timm
import torch
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "encoder"
LITES = [f"tf_efficientnet_lite{size}" for size in range(5)]


def lites():
    """Every block of the five networks: name, input, inner and output channels, kernel and stride."""
    found = {}
    for name in LITES:
        net = timm.create_model(name)
        blocks = []
        for stage, of_stage in enumerate(net.blocks):
            for at, block in enumerate(of_stage):
                expanded = hasattr(block, "conv_pwl")
                first = block.conv_pw if expanded else block.conv_dw
                last = block.conv_pwl if expanded else block.conv_pw
                depthwise = block.conv_dw
                blocks.append(
                    [
                        f"blocks.{stage}.{at}",
                        first.in_channels,
                        depthwise.out_channels,
                        last.out_channels,
                        depthwise.kernel_size[0],
                        depthwise.stride[0],
                        block.has_skip,
                    ]
                )
        parameters = sum(tensor.numel() for tensor in net.parameters())
        found[name] = {"stem": net.conv_stem.out_channels, "head": net.num_features, "blocks": blocks}
        found[name]["parameters"] = parameters - net.classifier.weight.numel() - net.classifier.bias.numel()
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(of)}" for name, of in found.items())
    (OUT / "efficientnet_lite.json").write_text("{\n" + lines + "\n}\n")


def vision(lite, side, proj="mlp", **more):
    return {"timm_model_name": LITES[lite], "timm_pool": "", "timm_proj": proj, "image_size": side, **more}


def text(**more):
    return {"context_length": 16, "vocab_size": 64, "width": 32, "heads": 4, "layers": 2, **more}


TOWERS = {
    # name: (model_cfg, dtype of the weights)
    "lite0-mlp": ({"embed_dim": 40, "vision_cfg": vision(0, 64), "text_cfg": text()}, "F32"),
    "lite0-odd-size": (
        {"embed_dim": 24, "vision_cfg": vision(0, 75, "linear"), "text_cfg": text(mlp_ratio=2.5, heads=2)},
        "F32",
    ),
    "lite0-smallest": ({"embed_dim": 16, "vision_cfg": vision(0, 32), "text_cfg": text(layers=1)}, "F32"),
    "lite1-half-precision": (
        {"embed_dim": 32, "vision_cfg": vision(1, 64, timm_proj_bias=True), "text_cfg": text()},
        "F16",
    ),
    "lite2-quick-gelu": (
        {
            "embed_dim": 24,
            "quick_gelu": True,
            "vision_cfg": vision(2, 52, "linear", timm_proj_bias=True),
            "text_cfg": text(),
        },
        "F32",
    ),
    "lite3-custom-text": (
        {"embed_dim": 24, "custom_text": True, "vision_cfg": vision(3, 40), "text_cfg": text()},
        "F32",
    ),
    "lite4-classifier": (
        {"embed_dim": 20, "vision_cfg": vision(4, 45, "", timm_pool="avg"), "text_cfg": text()},
        "F32",
    ),
}


def build(name, raw, dtype):
    raw = json.loads(json.dumps(raw))
    kind = open_clip.CustomTextCLIP if raw.pop("custom_text", False) else open_clip.CLIP
    model = kind(**raw)
    kept = {"F32": torch.float32, "F16": torch.float16}[dtype]
    with torch.no_grad():
        for tensor_name, tensor in model.state_dict().items():
            if tensor_name == "logit_scale" or tensor.dtype == torch.int64:
                continue
            values = formula.open_clip_weight(f"{name}/{tensor_name}", tuple(tensor.shape))
            tensor.copy_(torch.from_numpy(values).to(kept).to(torch.float32))
    return model.eval()


def towers():
    cases = []
    for name, (raw, dtype) in TOWERS.items():
        model = build(name, raw, dtype)
        side, texts = raw["vision_cfg"]["image_size"], raw["text_cfg"]
        start, end, length = texts["vocab_size"] - 2, texts["vocab_size"] - 1, texts["context_length"]
        ordinary = (formula.level(f"{name}/ids", length) % start).tolist()
        ids = [[start, end], [start, *ordinary[:5], end], [start, *ordinary[2:], end]]
        padded = [row + [end] * (length - len(row)) for row in ids]
        pixels = formula.uniform(f"{name}/pixels", 3 * 3 * side * side) * np.float32(2)
        with torch.no_grad():
            images = model.encode_image(torch.from_numpy(pixels.reshape(3, 3, side, side)), normalize=True)
            words = model.encode_text(torch.tensor(padded), normalize=True)
        number = lambda rows: [[float(f"{v:.9g}") for v in row] for row in rows.tolist()]  # noqa: E731
        cases.append(
            {
                "name": name,
                "dtype": dtype,
                "model_cfg": raw,
                "token_ids": ids,
                "images": 3,
                "text_embeds": number(words),
                "image_embeds": number(images),
            }
        )
    lines = ",\n".join(json.dumps(case) for case in cases)
    (OUT / "open_clip.json").write_text(f"[\n{lines}\n]\n")


RESIZES = [
    # width, height, pattern, contents of preprocess_cfg
    *[
        (width, height, pattern, {"resize_mode": mode})
        for mode in ("shortest", "longest", "squash")
        for width, height, pattern in (
            (97, 61, "waves"),
            (61, 97, "noise"),
            (48, 51, "noise"),
            (55, 48, "checks"),
            (640, 427, "waves"),
            (31, 400, "noise"),
            (33, 20, "noise"),
        )
    ],
    (97, 61, "noise", {"interpolation": "bilinear"}),
    (200, 117, "checks", {"interpolation": "bilinear", "resize_mode": "squash"}),
    (61, 97, "noise", {"resize_mode": "longest", "fill_color": 200}),
    (50, 41, "noise", {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}),
]


def resizes():
    """Stacks OpenCLIP's results for pictures from a formula, before normalisation."""
    rows, sheet = [], []
    for at, (width, height, pattern, settings) in enumerate(RESIZES):
        picture = formula.picture(f"open_clip/{at}", width, height, pattern)
        plain = {**settings, "mean": [0.0] * 3, "std": [1.0] * 3}
        transform = open_clip.transform.image_transform_v2(
            open_clip.transform.PreprocessCfg(**{"size": 48, **plain}), is_train=False
        )
        pixels = (transform(Image.fromarray(picture)).numpy().transpose(1, 2, 0) * 255).round()
        assert pixels.shape == (48, 48, 3)
        sheet.append(pixels.astype(np.uint8))
        rows.append(json.dumps({"width": width, "height": height, "pattern": pattern, "settings": settings}))
    Image.fromarray(np.concatenate(sheet)).save(OUT / "open_clip_resizes.png", optimize=True)
    (OUT / "open_clip_resizes.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    print(f"open_clip {open_clip.__version__}, timm {timm.__version__}, torch {torch.__version__}")
    torch.set_num_threads(1)
    lites()
    resizes()
    towers()
