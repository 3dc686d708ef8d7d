"""What the vision tower learns for each picture: a sentence-space vector and the teacher's features."""

import sys
import time
from pathlib import Path

import numpy as np
import sentences
import torch
import torch.nn.functional as F
from autocast import autocast
from prompts import prompts
from teacher import POOLED, SIDE, Teacher, dense

import data

DENSE = 96  # principal components of the teacher's maps
GLOBAL = 256  # principal components of its pooled features
RIDGE = 0.5  # penalty as a share of the number of pictures, on standardised features
MOOD = 0.2  # weight of the predicted valence and arousal in a target

HAPPY = [
    "a happy, joyful and beautiful scene",
    "a pleasant and lovely moment",
    "cheerful, uplifting",
    "something people love",
]
UNHAPPY = [
    "a sad, gloomy and ugly scene",
    "an unpleasant and painful moment",
    "miserable, depressing",
    "something people hate",
]
EXCITED = [
    "an exciting, intense and energetic scene",
    "a thrilling moment of action",
    "energetic, wild",
    "danger and adrenaline",
]
CALM = ["a calm, quiet and peaceful scene", "a boring moment of stillness", "calm, relaxing", "rest and silence"]


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
    start = told = time.time()
    for at in range(0, len(pixels), 64):
        rows = slice(at, at + 64)
        a, b = maps(rows)
        pooled[rows] = torch.cat([a.mean((2, 3)), b.mean((2, 3))], 1)
        cells = dense(a, b).permute(0, 2, 3, 1) - mean
        components[rows] = (cells @ basis).clamp(-8, 8).permute(0, 3, 1, 2).to(torch.float16)
        if time.time() - told > 20:
            told, rate = time.time(), (at + 64) / (time.time() - start)
            print(
                f"  teacher {at + 64}/{len(pixels)} {rate:.0f}/s, {(len(pixels) - at) / rate:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
    return pooled, components


def ridge(x: np.ndarray, y: np.ndarray, penalty: float = RIDGE) -> np.ndarray:
    return np.linalg.solve(x.T @ x + penalty * len(x) * np.eye(x.shape[1], dtype=x.dtype), x.T @ (y - y.mean(0)))


def build(folder: Path, items: list[data.Picture], pooled: np.ndarray, dim: int) -> dict[str, np.ndarray]:
    """Targets `image` (n, dim) and `global` (n, 256); `mean` (384,) of the captions; the training captions, their
    vectors and the picture that owns each; the pictures kept aside for tuning, with their first captions' vectors."""
    texts = sorted({c for p in items for c in (p.captions or prompts(p))} | {*HAPPY, *UNHAPPY, *EXCITED, *CALM})
    vectors = dict(zip(texts, sentences.embed(texts)))
    captioned = [i for i, p in enumerate(items) if p.captions and p.split == "train"]
    mean = np.mean([vectors[c] for i in captioned for c in items[i].captions], 0)

    def centred(some) -> np.ndarray:
        return sentences.unit(np.mean([vectors[t] for t in some], 0) - mean)

    known = np.stack([centred(p.captions or prompts(p)) for p in items])
    x = (pooled - pooled[captioned].mean(0)) / (pooled[captioned].std(0) + 1e-6)
    own = np.stack([np.mean([vectors[c] for c in items[i].captions], 0) for i in captioned])
    bridge = sentences.unit(x @ ridge(x[captioned], own))

    # Valence and arousal, predicted for every picture from the OASIS norms and laid along two mood directions.
    rated = [i for i, p in enumerate(items) if p.valence is not None and p.split == "train"]
    norms = np.array([[items[i].valence, items[i].arousal] for i in rated], np.float32)
    mood = x @ ridge(x[rated], norms, 3.0)
    mood = np.clip((mood - mood.mean(0)) / mood.std(0), -2, 2)
    axes = np.stack([sentences.unit(centred(a) - centred(b)) for a, b in ((HAPPY, UNHAPPY), (EXCITED, CALM))])

    image = sentences.unit(sentences.unit(known + bridge) + MOOD * mood @ axes)
    flat = x - x.mean(0)
    _, s, v = np.linalg.svd(flat[:: max(1, len(flat) // 6000)], full_matrices=False)
    components = flat @ v[:GLOBAL].T
    tune = [i for i, p in enumerate(items) if p.captions and p.split == "tune"]
    used = [t for i in captioned for t in items[i].captions]
    lift = sentences.isometry(dim)
    return {
        "image": image @ lift,
        "bridge": bridge @ lift,
        "mood": mood.astype(np.float32),
        "global": (components / components.std(0)).astype(np.float32),
        "tune": np.array(tune),
        "tune_captions": np.stack([centred(items[i].captions[:1]) for i in tune]) @ lift,
        "mean": mean.astype(np.float32),
        "captions": np.array(used),
        "caption_vectors": sentences.unit(np.stack([vectors[t] for t in used]) - mean) @ lift,
        "owner": np.array([i for i in captioned for _ in items[i].captions]),
    }
