"""Writes the OpenCLIP folder and proves that open_clip reads back what was trained."""

import json
import os
from pathlib import Path

import model as m
import open_clip
import tokenizer
import torch
from safetensors.torch import save

LIMIT = 20_000_000
PREPROCESS = {"mean": m.MEAN, "std": m.STD, "interpolation": "bicubic", "resize_mode": "shortest"}
# What makes transformers, and with it open_clip, read tokenizer.json.
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "model_max_length": m.CONTEXT,
    "bos_token": tokenizer.START,
    "eos_token": tokenizer.END,
    "pad_token": tokenizer.END,
    "unk_token": tokenizer.END,
}


def _put(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def export(model, tokenizer_json: Path, out: Path, dtype: torch.dtype) -> None:
    out.mkdir(parents=True, exist_ok=True)
    tensors = {
        k: (v.detach().to(dtype) if v.is_floating_point() else v).contiguous()
        for k, v in model.state_dict().items()
        if not k.endswith("num_batches_tracked")
    }
    if not all(torch.isfinite(v).all() for v in tensors.values()):
        raise SystemExit(f"a weight is not finite in {dtype}: nothing was exported")
    settings = {"model_cfg": m.config(), "preprocess_cfg": PREPROCESS}
    _put(out / "open_clip_config.json", (json.dumps(settings, indent=2) + "\n").encode())
    _put(out / "tokenizer_config.json", (json.dumps(TOKENIZER, indent=2) + "\n").encode())
    _put(out / "tokenizer.json", tokenizer_json.read_bytes())
    _put(out / "open_clip_model.safetensors", save(tensors, metadata={"format": "pt"}))
    size = sum(f.stat().st_size for f in out.iterdir() if f.suffix in (".json", ".safetensors"))
    if dtype == torch.float16 and size >= LIMIT:
        raise SystemExit(f"{out} holds {size} bytes: the limit is {LIMIT}")
    check(model, out)
    print(f"exported {out}: {size} bytes, {sum(v.numel() for v in tensors.values())} numbers", flush=True)


@torch.inference_mode()
def check(model, out: Path) -> None:
    """The folder, read by open_clip, must answer as the model in memory does, also to its own tokens."""
    loaded = open_clip.create_model(f"local-dir:{out.resolve()}", precision="fp32").eval()
    sentences = ["", "a dog runs on the beach at sunset", "rainy night drive " * 40]
    ids = tokenizer.Encode(out / "tokenizer.json")(sentences)
    pixels = m.normalize(255 * torch.rand(2, 3, m.IMAGE, m.IMAGE, generator=torch.Generator().manual_seed(0)))
    theirs = open_clip.get_tokenizer(f"local-dir:{out.resolve()}")(sentences)
    for got, want in (
        (loaded.encode_image(pixels, normalize=True), m.encode_images(model.eval(), pixels)),
        (loaded.encode_text(theirs, normalize=True), m.encode_texts(model, ids)),
    ):
        cosine = (got * want).sum(1).min().item()
        if not cosine > 0.999:
            raise SystemExit(f"{out} does not read back as it was trained: cosine {cosine:.4f}")
