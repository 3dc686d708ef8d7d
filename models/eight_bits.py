"""Weights in eight bits: what PixelPlay's own checkpoint is stored in, and the folder of floats that open_clip reads.

A tensor `name` of signed bytes has a tensor `name.scale` beside it, with a number for each of its rows (its first axis):
a value is the byte times the number. PixelPlay reads both folders, to the same vectors.

  pip install numpy safetensors
  python models/eight_bits.py models/pixelplay-mini OUT
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

WEIGHTS = "open_clip_model.safetensors"
SCALE = ".scale"
LEAST = 1024  # numbers of a tensor that is worth it; biases and norms stay as they are


def pack(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Matrices and kernels in eight bits, everything else as it is."""
    packed = {}
    for name, x in tensors.items():
        if x.ndim < 2 or x.size < LEAST:
            packed[name] = x
            continue
        x = x.astype(np.float32)
        greatest = np.abs(x.reshape(len(x), -1)).max(1)
        scale = np.where(greatest > 0, greatest / 127, 1).astype(np.float32)
        packed[name] = np.rint(x / scale.reshape(-1, *[1] * (x.ndim - 1))).astype(np.int8)
        packed[name + SCALE] = scale
    return packed


def unpack(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Floats; what is not in eight bits stays as it is."""
    floats = {}
    for name, x in tensors.items():
        scale = tensors.get(name + SCALE)
        if scale is not None and x.dtype == np.int8:
            floats[name] = x.astype(np.float32) * scale.reshape(-1, *[1] * (x.ndim - 1))
        elif tensors.get(name.removesuffix(SCALE), x).dtype != np.int8:
            floats[name] = x
    return floats


def float_folder(folder: Path, out: Path) -> None:
    """Writes the OpenCLIP folder that `folder` holds in eight bits."""
    out.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.json"):
        shutil.copyfile(file, out / file.name)
    save_file(unpack(load_file(folder / WEIGHTS)), out / WEIGHTS, metadata={"format": "pt"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder with weights in eight bits")
    parser.add_argument("out", type=Path, help="the folder to write")
    a = parser.parse_args()
    if not (a.folder / WEIGHTS).is_file():
        raise SystemExit(f"{a.folder / WEIGHTS} is missing: name the folder that holds it")
    if a.folder.resolve() == a.out.resolve():
        raise SystemExit("OUT must be another folder")
    float_folder(a.folder, a.out)


if __name__ == "__main__":
    main()
