"""Writes the OpenCLIP folder and checks that open_clip reads back the trained model."""

import json
import os
import sys
import tempfile
from pathlib import Path

import model as m
import numpy as np
import open_clip
import tokenizer
import torch
from safetensors.numpy import save

sys.path.append(str(Path(__file__).resolve().parents[1]))
import eight_bits  # noqa: E402

LIMIT = 10_000_000  # the maximum size of a published crate, in bytes
PREPROCESS = {"mean": m.MEAN, "std": m.STD, "interpolation": "bicubic", "resize_mode": "shortest"}
# These settings make transformers, and therefore open_clip, read tokenizer.json.
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


def export(model, tokenizer_json: Path, out: Path) -> None:
    """Writes the folder with eight-bit weights, and sets the weights of `model` to the rounded values."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {
        k: v.detach().float().contiguous().numpy()
        for k, v in model.state_dict().items()
        if not k.endswith("num_batches_tracked")
    }
    if not all(np.isfinite(v).all() for v in tensors.values()):
        raise SystemExit("a weight is not finite, so nothing was exported")
    packed = eight_bits.pack(tensors)
    model.load_state_dict({k: torch.from_numpy(v) for k, v in eight_bits.unpack(packed).items()}, strict=False)
    settings = {"model_cfg": m.config(), "preprocess_cfg": PREPROCESS}
    _put(out / "open_clip_config.json", (json.dumps(settings, indent=2) + "\n").encode())
    _put(out / "tokenizer_config.json", (json.dumps(TOKENIZER, indent=2) + "\n").encode())
    _put(out / "tokenizer.json", tokenizer_json.read_bytes())
    _put(out / eight_bits.WEIGHTS, save(packed, metadata={"format": "pt"}))
    size = sum(f.stat().st_size for f in out.iterdir() if f.suffix in (".json", ".safetensors"))
    if size >= LIMIT:
        raise SystemExit(f"{out} contains {size} bytes, but the limit is {LIMIT}")
    check(model, out)
    print(f"exported {out}: {size} bytes, {sum(v.size for v in tensors.values())} numbers", flush=True)


@torch.inference_mode()
def check(model, out: Path) -> None:
    """Checks that open_clip, reading the folder of floats and using its own tokenizer, returns the vectors of the model
    in memory."""
    with tempfile.TemporaryDirectory() as floats:
        eight_bits.float_folder(out, Path(floats))
        loaded = open_clip.create_model(f"local-dir:{floats}", precision="fp32").eval()
        of_open_clip = open_clip.get_tokenizer(f"local-dir:{floats}")
    sentences = ["", "a dog runs on the beach at sunset", "rainy night drive " * 40]
    ids = tokenizer.Encode(out / "tokenizer.json")(sentences)
    pixels = m.normalize(255 * torch.rand(2, 3, m.IMAGE, m.IMAGE, generator=torch.Generator().manual_seed(0)))
    theirs = of_open_clip(sentences)
    for got, want in (
        (loaded.encode_image(pixels, normalize=True), m.encode_images(model.eval(), pixels)),
        (loaded.encode_text(theirs, normalize=True), m.encode_texts(model, ids)),
    ):
        cosine = (got * want).sum(1).min().item()
        if not cosine > 0.99999:
            raise SystemExit(f"{out} does not read back as the trained model: cosine {cosine:.4f}")
