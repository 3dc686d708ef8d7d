"""Writes the Hugging Face directory and proves that transformers reads back what was trained."""

import json
import os
from pathlib import Path

import model as m
import tokenizer
import torch
from safetensors.torch import save
from transformers import CLIPModel

LIMIT = 9_000_000
PREPROCESSOR = {
    "image_processor_type": "CLIPImageProcessor",
    "do_convert_rgb": True,
    "do_resize": True,
    "size": {"shortest_edge": m.IMAGE},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": m.IMAGE, "width": m.IMAGE},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": m.MEAN,
    "image_std": m.STD,
}


def _put(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def export(model: CLIPModel, tokenizer_json: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    tensors = {
        k: v.detach().to(torch.float16).contiguous()
        for k, v in model.state_dict().items()
        if not k.endswith("position_ids")
    }
    if not all(torch.isfinite(v).all() for v in tensors.values()):
        raise SystemExit("a weight is not finite in float16: nothing was exported")
    written = json.loads(model.config.to_json_string(use_diff=False))
    settings = {k: written[k] for k in ("projection_dim", "logit_scale_init_value", "initializer_factor")}
    keys = [
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "hidden_act",
        "layer_norm_eps",
        "attention_dropout",
        "projection_dim",
    ]
    towers = {
        "text_config": [*keys, "vocab_size", "max_position_embeddings", "bos_token_id", "eos_token_id", "pad_token_id"],
        "vision_config": [*keys, "image_size", "patch_size", "num_channels"],
    }
    for tower, wanted in towers.items():
        kind = "clip_text_model" if tower == "text_config" else "clip_vision_model"
        settings[tower] = {"model_type": kind, **{k: written[tower][k] for k in wanted}}
    settings = {"architectures": ["CLIPModel"], "model_type": "clip", "dtype": "float16", **settings}
    _put(out / "config.json", (json.dumps(settings, indent=2) + "\n").encode())
    _put(out / "preprocessor_config.json", (json.dumps(PREPROCESSOR, indent=2) + "\n").encode())
    _put(out / "tokenizer.json", tokenizer_json.read_bytes())
    _put(out / "model.safetensors", save(tensors, metadata={"format": "pt"}))
    size = sum(
        (out / f).stat().st_size
        for f in ("config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors")
    )
    if size >= LIMIT:
        raise SystemExit(f"{out} holds {size} bytes: the limit is {LIMIT}")
    check(model, out)
    print(f"exported {out}: {size} bytes, {sum(v.numel() for v in tensors.values())} parameters", flush=True)


@torch.inference_mode()
def check(model: CLIPModel, out: Path) -> None:
    """The directory, read by transformers, must answer as the model in memory does."""
    loaded = CLIPModel.from_pretrained(out, dtype=torch.float32).eval()
    ids = tokenizer.Encode(out / "tokenizer.json")(["", "a dog runs on the beach at sunset", "rainy night drive " * 40])
    pixels = torch.rand(2, 3, m.IMAGE, m.IMAGE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    pooled = loaded.vision_model(pixel_values=pixels).pooler_output
    image = torch.nn.functional.normalize(loaded.visual_projection(pooled), dim=1)
    for got, want in (
        (image, m.encode_images(model, pixels)[0]),
        (m.encode_texts(loaded, ids), m.encode_texts(model, ids)),
    ):
        cosine = (got * want).sum(1).min().item()
        if not cosine > 0.999:
            raise SystemExit(f"{out} does not read back as it was trained: cosine {cosine:.4f}")
