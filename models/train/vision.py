"""Stage 1: the vision tower learns sentence-space targets and the teacher's features, whole and cell by cell."""

from pathlib import Path

import loop
import model as m
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from autocast import autocast
from losses import alignment_loss, soft_contrastive_loss
from targets import DENSE, GLOBAL

import data

BATCH = 128
KEPT_PATCHES = 36  # of 64 patches are kept, until the last part of the run: half the work, and it regularises
ALL_PATCHES_AFTER = 0.85


class Student(nn.Module):
    """The CLIP model with the two heads that only training needs."""

    def __init__(self, clip):
        super().__init__()
        self.clip = clip
        width = clip.config.vision_config.hidden_size
        self.to_global = nn.Linear(m.DIM, GLOBAL)
        self.to_dense = nn.Linear(width, DENSE)


def augment(
    pixels: torch.Tensor, rows: np.ndarray, r: np.random.Generator, smallest: float = 0.55
) -> tuple[torch.Tensor, torch.Tensor]:
    """Random crops of one size and shape for the batch, own place, flip, light and contrast for each picture.

    Returns normalised pixels (n, 3, 96, 96) and the affine maps (n, 2, 3) from a crop to its picture."""
    area, shape = r.uniform(smallest, 1.0), np.exp(r.uniform(-0.22, 0.22))
    h, w = (min(data.SIDE, int(data.SIDE * (area**0.5) * f)) for f in (shape, 1 / shape))
    top, left = r.integers(0, data.SIDE - h + 1, len(rows)), r.integers(0, data.SIDE - w + 1, len(rows))
    flip = r.random(len(rows)) < 0.5
    x = torch.stack([pixels[i, t : t + h, s : s + w] for i, t, s in zip(rows, top, left)]).permute(0, 3, 1, 2)
    x = F.interpolate(x, (m.IMAGE, m.IMAGE), mode="bilinear", antialias=True)
    x = torch.where(torch.from_numpy(flip)[:, None, None, None], x.flip(3), x).float() / 127.5 - 1
    gain = torch.from_numpy(np.exp(r.normal(0, 0.2, (len(rows), 1, 1, 1))).astype(np.float32))
    shift = torch.from_numpy(r.normal(0, 0.1, (len(rows), 1, 1, 1)).astype(np.float32))
    theta = np.zeros((len(rows), 2, 3), np.float32)
    theta[:, 0, 0], theta[:, 0, 2] = np.where(flip, -w, w) / data.SIDE, (2 * left + w) / data.SIDE - 1
    theta[:, 1, 1], theta[:, 1, 2] = h / data.SIDE, (2 * top + h) / data.SIDE - 1
    return (x * gain + shift).clamp(-1, 1), torch.from_numpy(theta)


def centre(pixels: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
    x = F.interpolate(pixels[rows].permute(0, 3, 1, 2), (m.IMAGE, m.IMAGE), mode="bicubic", antialias=True)
    return x.float() / 127.5 - 1


def recall(queries: torch.Tensor, targets: torch.Tensor, k: int = 10) -> float:
    score = queries @ targets.T
    return ((score > score.diagonal()[:, None]).sum(1) < k).float().mean().item()


def train(clip, work: Path, items: list[data.Picture], pixels: np.ndarray, maps: np.ndarray, targets: dict, steps: int):
    train_rows = np.array([i for i, p in enumerate(items) if p.split == "train"])
    x, image_targets, global_targets = (
        torch.from_numpy(pixels),
        torch.from_numpy(targets["image"]),
        torch.from_numpy(targets["global"]),
    )
    tune, captions = targets["tune"], torch.from_numpy(targets["tune_captions"])
    net = Student(clip)
    for p in [*clip.text_model.parameters(), *clip.text_projection.parameters(), clip.logit_scale]:
        p.requires_grad_(False)

    def loss_of(step: int, progress: float, r: np.random.Generator) -> torch.Tensor:
        rows = r.choice(train_rows, BATCH, replace=False)
        images, theta = augment(x, rows, r)
        kept = None
        if progress < ALL_PATCHES_AFTER:
            kept = torch.from_numpy(r.random((BATCH, m.GRID**2)).argsort(1)[:, :KEPT_PATCHES].copy())
        with autocast():
            image_embeddings, patches = m.encode_images(net.clip, images, kept)
            predicted_dense = net.to_dense(patches).float()
            predicted_global = net.to_global(image_embeddings).float()
        grid = F.affine_grid(theta, (BATCH, 1, m.GRID, m.GRID), align_corners=False)
        dense_targets = (
            F.grid_sample(torch.from_numpy(maps[rows]).float(), grid, padding_mode="border", align_corners=False)
            .flatten(2)
            .mT
        )
        if kept is not None:
            dense_targets = dense_targets.gather(1, kept[..., None].expand(-1, -1, DENSE))
        target = image_targets[rows]
        loss = alignment_loss(image_embeddings, target) + 0.2 * soft_contrastive_loss(image_embeddings, target)
        return (
            loss
            + 0.1 * F.smooth_l1_loss(predicted_global * 4, global_targets[rows])
            + 0.3 * F.smooth_l1_loss(predicted_dense, dense_targets)
        )

    def validate(averaged: Student) -> str:
        with autocast():
            image_embeddings = m.encode_images(averaged.clip, centre(x, tune))[0]
        return f"tune: target cosine {(image_embeddings * image_targets[tune]).sum(1).mean():.3f}, recall@10 of {len(tune)}: {recall(image_embeddings, captions):.3f}"

    averaged = loop.fit(
        "vision", work, net, loss_of, steps=steps, seed=6, rate=1e-3, batch=BATCH, validate=validate, validate_every=500
    )
    return averaged.clip.requires_grad_(True)
