"""What the vision tower learns for each picture: a sentence-space vector and the teacher's features."""

import sys
import time
from pathlib import Path

import moods
import numpy as np
import sentences
import torch
import torch.nn.functional as F
from autocast import autocast
from prompts import prompts
from space import Space, unit
from teacher import POOLED, SIDE, Teacher, dense

import data

DENSE = 96  # principal components of the teacher's maps
GLOBAL = 256  # principal components of its pooled features
RIDGE = 0.5  # penalty as a share of the number of pictures, on standardised features


def teacher_features(folder: Path, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pooled features (n, 1536) float32 and principal components of the maps (n, 96, 10, 10) float16."""
    net = Teacher(folder)
    pooled = np.empty((len(pixels), POOLED), np.float32)

    def maps(rows):
        x = torch.from_numpy(pixels[rows]).permute(0, 3, 1, 2).float()
        x = F.interpolate(x, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 255) / 127.5 - 1
        with autocast():
            a, b = net.maps(x.contiguous(memory_format=torch.channels_last))
        return a.float(), b.float()

    sample = np.random.default_rng(1).permutation(len(pixels))[:512]
    cells = torch.cat([dense(*maps(sample[i : i + 64])) for i in range(0, 512, 64)])
    cells = cells.permute(0, 2, 3, 1).reshape(-1, POOLED)
    mean, std = cells.mean(0), cells.std(0) + 1e-3
    _, s, v = torch.linalg.svd(torch.cov(((cells - mean) / std).T))
    basis = (v[:DENSE] / s[:DENSE, None].sqrt()).T / std[:, None]  # whitened

    components = np.empty((len(pixels), DENSE, 10, 10), np.float16)
    start = logged = time.time()
    for at in range(0, len(pixels), 64):
        rows = slice(at, at + 64)
        a, b = maps(rows)
        pooled[rows] = torch.cat([a.mean((2, 3)), b.mean((2, 3))], 1)
        cells = dense(a, b).permute(0, 2, 3, 1) - mean
        components[rows] = (cells @ basis).clamp(-8, 8).permute(0, 3, 1, 2).to(torch.float16)
        if time.time() - logged > 20:
            logged, rate = time.time(), (at + 64) / (time.time() - start)
            print(
                f"  teacher {at + 64}/{len(pixels)} {rate:.0f}/s, {(len(pixels) - at) / rate:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
    return pooled, components


def build(
    folder: Path, items: list[data.Picture], pixels: np.ndarray, pooled: np.ndarray, dim: int
) -> dict[str, np.ndarray]:
    """Targets `image` (n, dim) and `global` (n, 256); the space; the training captions, their places in it and the picture
    that owns each; the pictures kept aside for tuning, with the places of their first captions."""
    texts = sorted({c for p in items for c in (p.captions or prompts(p))})
    vectors = dict(zip(texts, sentences.embed(texts)))
    captioned = [i for i, p in enumerate(items) if p.captions and p.split == "train"]
    used = [t for i in captioned for t in items[i].captions]
    caption_vectors = np.stack([vectors[t] for t in used])
    space = Space.from_captions(caption_vectors, dim)

    # What a picture shows: its captions or its label's prompts, and what a regression from the teacher's features would say.
    known = unit(np.stack([np.mean([vectors[t] for t in p.captions or prompts(p)], 0) for p in items]) - space.mean)
    x = (pooled - pooled[captioned].mean(0)) / (pooled[captioned].std(0) + 1e-6)
    own = np.stack([np.mean([vectors[c] for c in items[i].captions], 0) for i in captioned])
    weights, _ = moods.ridge(x[captioned], own, RIDGE)
    bridge = unit((x - x[captioned].mean(0)) @ weights)
    mood, agreement = moods.of_pictures(items, pixels, x, space.moods(bridge + space.mean))
    print(
        f"  valence and arousal of OASIS's training pictures, told without their themes: {agreement.round(3)}",
        flush=True,
    )

    # What the recipe drew: its caption tells the mood, or the colours that people rated.
    for i, p in enumerate(items):
        if p.set == "rendered":
            mood[i] = space.moods(vectors[prompts(p)[0]]) if p.tint is None else (p.tint, mood[i, 1])

    flat = x - x.mean(0)
    components = flat @ np.linalg.svd(flat[:: max(1, len(flat) // 6000)], full_matrices=False)[2][:GLOBAL].T
    tune = [i for i, p in enumerate(items) if p.captions and p.split == "tune"]
    return {
        "image": space.place(known + bridge, mood),
        "global": (components / components.std(0)).astype(np.float32),
        "tune": np.array(tune),
        "tune_captions": space.texts(np.stack([vectors[items[i].captions[0]] for i in tune])),
        "captions": np.array(used),
        "caption_vectors": space.texts(caption_vectors),
        "owner": np.array([i for i in captioned for _ in items[i].captions]),
        **space.to_arrays(),
    }
