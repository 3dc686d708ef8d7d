"""Converts weights from eight bits, the form of PixelPlay's own checkpoint, to the floats that open_clip reads.

For each tensor `name` of signed bytes there is a tensor `name.scale` with one number per row (first axis). A value is its
byte times the number of its row. PixelPlay reads both kinds of folders and returns the same vectors.

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
LEAST = 1024  # the minimum size of a tensor to convert; biases and norms are not converted


def pack(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Converts matrices and kernels to eight bits. Does not change other tensors."""
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
    """Converts eight-bit tensors to floats. Does not change other tensors."""
    floats = {}
    for name, x in tensors.items():
        scale = tensors.get(name + SCALE)
        if scale is not None and x.dtype == np.int8:
            floats[name] = x.astype(np.float32) * scale.reshape(-1, *[1] * (x.ndim - 1))
        elif tensors.get(name.removesuffix(SCALE), x).dtype != np.int8:
            floats[name] = x
    return floats


def float_folder(folder: Path, out: Path) -> None:
    """Writes the OpenCLIP folder `folder`, whose weights are in eight bits, with float weights to `out`."""
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
        raise SystemExit(f"{a.folder / WEIGHTS} is missing: pass the folder that contains it")
    if a.folder.resolve() == a.out.resolve():
        raise SystemExit("OUT must be another folder")
    float_folder(a.folder, a.out)


if __name__ == "__main__":
    main()
