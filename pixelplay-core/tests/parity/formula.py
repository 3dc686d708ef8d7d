"""Generates tensors from a formula, so that fixtures hold expected results but no weights.

The counterpart of ../support/checkpoints.rs: element `i` of the tensor `name` is
`lowbias32(fnv1a32(name) + i * 0x9E3779B1)`, with its upper 24 bits read as a number in [-1, 1), times a scale plus an
offset, in float32.
"""

import numpy as np


def uniform(name: str, count: int) -> np.ndarray:
    """`count` float32 numbers in [-1, 1)."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 & 0xFFFFFFFF
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A weight of a CLIPModel, large enough that every part of the model matters."""
    offset = 0.0
    if name.endswith("bias"):
        scale = 0.2
    elif "norm" in name or "layrnorm" in name:
        scale, offset = 0.2, 1.0
    elif "embedding" in name and "patch" not in name:
        scale = 1.0
    else:
        scale = 2.0 / float(np.prod(shape[1:])) ** 0.5
    values = uniform(name, int(np.prod(shape))) * np.float32(scale) + np.float32(offset)
    return values.reshape(shape)


def open_clip_weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A weight or batch-norm statistic of an OpenCLIP model."""
    offset = 0.0
    if name.endswith(("bias", "running_mean")):
        scale = 0.2
    elif name.endswith("running_var"):
        scale, offset = 0.5, 1.0
    elif len(shape) == 1:
        scale, offset = 0.2, 1.0
    elif name.endswith(("token_embedding.weight", "positional_embedding")):
        scale = 1.0
    else:
        scale = 2.0 / float(np.prod(shape[1:])) ** 0.5
    values = uniform(name, int(np.prod(shape))) * np.float32(scale) + np.float32(offset)
    return values.reshape(shape)


def level(name: str, count: int) -> np.ndarray:
    """`count` bytes."""
    return np.floor((uniform(name, count) + np.float32(1)) * np.float32(128)).astype(np.uint8)


def picture(name, width, height, pattern):
    """8-bit RGB; the counterpart of `picture` in ../support/checkpoints.rs."""
    y, x = np.mgrid[0:height, 0:width]
    noise = level(name, width * height * 3).reshape(height, width, 3)
    if pattern == "noise":
        return noise
    if pattern == "checks":
        return np.repeat((((x // 3 + y // 2) % 2) * 255)[..., None], 3, axis=-1).astype(np.uint8)
    steps = ((11, 4), (2, 17), (7, 9))
    waves = [np.abs((x * a + y * b) % 480 - 240) for a, b in steps]
    return (np.stack(waves, axis=-1) + noise % 16).astype(np.uint8)
