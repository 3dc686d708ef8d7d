"""Computes the maps of the tower's frozen stages for every picture, in several views. They never change, so once is
enough."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import model as m
import numpy as np
import torch
import torch.nn.functional as F
from tower import Front, Runtime

BLOCK = 256
SMALLEST = 0.5  # the minimum share of a picture's area that a crop shows


def crop(picture: np.ndarray, r: np.random.Generator) -> np.ndarray:
    """Returns a random part of a square picture, possibly mirrored, with changed brightness and contrast."""
    side = len(picture)
    area, shape = r.uniform(SMALLEST, 1.0), np.exp(r.uniform(-0.25, 0.25))
    h, w = (min(side, int(side * area**0.5 * f)) for f in (shape, 1 / shape))
    top, left = r.integers(0, side - h + 1), r.integers(0, side - w + 1)
    part = picture[top : top + h, left : left + w]
    if r.random() < 0.5:
        part = part[:, ::-1]
    gain, shift = np.exp(r.normal(0, 0.15)), r.normal(0, 12)
    return np.clip((part.astype(np.float32) - 128) * gain + 128 + shift, 0, 255)


def inputs(pixels: np.ndarray, rows: np.ndarray, view: int) -> torch.Tensor:
    """Returns the tower's input for some pictures. View 0 is the whole picture, as the encoder sees it. Every other
    view is a crop, which is always the same for a given picture and view."""
    if view == 0:
        return m.normalize(torch.from_numpy(pixels[rows]).permute(0, 3, 1, 2))
    parts = [crop(pixels[i], np.random.default_rng([view, int(i)])) for i in rows]
    resized = [
        F.interpolate(
            torch.from_numpy(p.copy()).permute(2, 0, 1)[None], (m.IMAGE, m.IMAGE), mode="bicubic", antialias=True
        )
        for p in parts
    ]
    return m.normalize(torch.cat(resized).clamp(0, 255))


def compute(work: Path, trunk: torch.nn.Module, pixels: np.ndarray, view: int, threads: int) -> np.ndarray:
    """Computes maps, float16 (n, c, 7, 7), of all pictures in a memory-mapped file. Continues where it was stopped."""
    path, counter = work / f"maps-{view}.npy", work / f"maps-{view}.done"
    net = Front(trunk).eval()
    with torch.inference_mode():
        shape = (len(pixels), *net(torch.zeros(1, 3, m.IMAGE, m.IMAGE)).shape[1:])
    done = int(counter.read_text()) if counter.is_file() else 0
    found = np.lib.format.open_memmap(path, "r+" if done else "w+", np.float16, shape)
    if found.shape != shape:
        raise SystemExit(f"{path} was made from other pictures: delete it or pass another --work")
    if done < len(pixels):
        run, start, first = Runtime(net, m.IMAGE, m.IMAGE, 3), time.time(), done
        workers = ThreadPoolExecutor(threads)
        while done < len(pixels):
            some = np.arange(done, min(done + BLOCK, len(pixels)))
            parts = [some[i : i + 4] for i in range(0, len(some), 4)]
            seen = workers.map(lambda part: run(inputs(pixels, part, view).numpy()), parts)
            found[done : done + len(some)] = np.concatenate(list(seen))
            done += len(some)
            found.flush()
            temporary = counter.with_suffix(".tmp")
            temporary.write_text(str(done))
            os.replace(temporary, counter)
            rate = (done - first) / (time.time() - start)
            print(f"  view {view}: {done}/{len(pixels)} {rate:.0f}/s", file=sys.stderr, flush=True)
    return found
