"""Stage 1: trains the last stages of the tower and the head to predict the places of pictures. The first stages stay
frozen."""

from collections.abc import Callable
from pathlib import Path

import loop
import numpy as np
import torch
import torch.nn as nn
from autocast import autocast
from losses import MOOD_AXES, contrastive_loss, cosine_loss, mood_loss
from moods import spearman
from targets import Targets
from tower import Back

import data

PAIRS, LABELLED, RATED = 160, 80, 16  # pictures per batch: with captions, with labels, with mood ratings
OTHERS = 2048  # the number of texts of other pictures, which serve as wrong answers
DROPOUT = 0.2
SMALLEST = 5  # the minimum height and width of the part of a map used in a step, out of 7 cells
SCALE = 20.0  # the initial scale of cosines
ALIGNMENT, MOOD = 0.3, 8.0
RATE = 3e-4


class Student(nn.Module):
    """The trained part of the vision tower, from maps of the frozen stages to unit image vectors."""

    def __init__(self, clip):
        super().__init__()
        self.back = Back(clip.visual.trunk)
        self.head = clip.visual.head
        self.logit_scale = clip.logit_scale
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return nn.functional.normalize(self.head(self.dropout(self.back(maps))).float(), dim=1)

    def put_into(self, clip) -> None:
        """Copies tower, head and scale into `clip`."""
        mine = (Back(clip.visual.trunk), clip.visual.head)
        with torch.no_grad():
            for theirs, own in zip(mine, (self.back, self.head)):
                theirs.load_state_dict(own.state_dict())
            clip.logit_scale.copy_(self.logit_scale)

    def train(self, mode: bool = True) -> "Student":
        """Sets the mode, but keeps batch norms in evaluation mode, so that their means and deviations do not change."""
        super().train(mode)
        self.back.eval()
        return self


def as_input(maps: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32)).contiguous(memory_format=torch.channels_last)


def augment(maps: np.ndarray, r: np.random.Generator) -> np.ndarray:
    """Returns a random part of each map, possibly mirrored. All parts of a batch have the same size."""
    side = maps.shape[-1]
    h, w = r.integers(SMALLEST, side + 1, 2)
    top, left = r.integers(side - h + 1, size=len(maps)), r.integers(side - w + 1, size=len(maps))
    parts = np.stack([x[:, t : t + h, s : s + w] for x, t, s in zip(maps, top, left)])
    flip = r.random(len(maps)) < 0.5
    parts[flip] = parts[flip][..., ::-1]
    return parts


@torch.inference_mode()
def embed(net: Student, maps: np.ndarray, rows: np.ndarray) -> np.ndarray:
    net.eval()
    with autocast():
        parts = [net(as_input(maps[np.sort(rows)[i : i + 64]])) for i in range(0, len(rows), 64)]
    found = torch.cat(parts).numpy()
    return found[np.argsort(np.argsort(rows))]


class Rated:
    """Compares predicted moods with people's ratings, on held-out pictures of themes that are not trained on."""

    def __init__(self, items: list[data.Picture]):
        self.rows = np.array([i for i, p in enumerate(items) if p.split == "tune" and p.valence is not None], int)
        self.felt = np.array([[items[i].valence, items[i].arousal] for i in self.rows])

    def agreement(self, vectors_of: Callable[[np.ndarray], np.ndarray]) -> str:
        if len(self.rows) == 0:
            return ""
        moods = vectors_of(self.rows) @ MOOD_AXES.numpy()
        found = [spearman(moods[:, axis], self.felt[:, axis]) for axis in range(2)]
        return f", valence and arousal of {len(self.rows)} {found[0]:.3f} {found[1]:.3f}"


def recall(queries: np.ndarray, targets: np.ndarray, k: int = 10) -> float:
    score = queries @ targets.T
    return float(((score >= score.diagonal()[:, None]).sum(1) <= k).mean())


class Batches:
    """Draws the pictures of a step, and one of each picture's texts."""

    def __init__(self, items: list[data.Picture], targets: Targets):
        train = [i for i, p in enumerate(items) if p.split == "train"]
        self.captioned = np.array([i for i in train if items[i].captions])
        self.rated = np.array([i for i in train if items[i].valence is not None])
        self.labelled = np.array([i for i in train if not items[i].captions and items[i].valence is None])
        self.owned = targets.owned

    def draw(self, r: np.random.Generator, pairs: int, labelled: int, rated: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the rows of pictures, and the row of one text of each."""
        rows = np.concatenate(
            [
                r.choice(kind, n, replace=False)
                for kind, n in ((self.captioned, pairs), (self.labelled, labelled), (self.rated, rated))
            ]
        )
        return rows, np.array([self.owned[i][r.integers(len(self.owned[i]))] for i in rows])


def train(clip, work: Path, items: list, views: list[np.ndarray], targets: Targets, steps: int, seed: int):
    """Trains the vision tower. `views` has the maps of the pictures, one array per view."""
    with torch.no_grad():
        clip.visual.head.proj.weight.copy_(torch.from_numpy(targets.head[0].T))
        clip.visual.head.proj.bias.copy_(torch.from_numpy(targets.head[1]))
        clip.logit_scale.fill_(np.log(SCALE))
    net, batches = Student(clip).requires_grad_(True), Batches(items, targets)
    places, pictures = torch.from_numpy(targets.places), torch.from_numpy(targets.pictures)
    tune = np.array([i for i, p in enumerate(items) if p.split == "tune" and p.captions])
    wanted = targets.places[[targets.owned[i][0] for i in tune]]
    rated = Rated(items)

    def loss_of(step: int, progress: float, r: np.random.Generator) -> torch.Tensor:
        rows, texts = batches.draw(r, PAIRS, LABELLED, RATED)
        chosen = r.integers(len(views), size=len(rows))
        maps = np.stack([views[v][i] for v, i in zip(chosen, rows)])
        with autocast():
            images = net(as_input(augment(maps, r)))
        said = places[texts]
        others = r.integers(len(places), size=OTHERS)
        return (
            contrastive_loss(images, said, net.logit_scale.exp().clamp(max=100), said, places[others])
            + ALIGNMENT * cosine_loss(images, said)
            + MOOD * mood_loss(images, pictures[rows])
        )

    def validate(averaged: Student) -> str:
        found = embed(averaged, views[0], tune)
        return f"tune: recall@1/10 of {len(tune)} {recall(found, wanted, 1):.3f} {recall(found, wanted):.3f}, from text {recall(wanted, found):.3f}, cosine {(found * wanted).sum(1).mean():.3f}, scale {averaged.logit_scale.exp():.1f}{rated.agreement(lambda rows: embed(averaged, views[0], rows))}"

    loop.log(f"vision, before: {validate(net)}")
    return loop.fit(
        "vision",
        work,
        net,
        loss_of,
        steps=steps,
        seed=(6, seed),
        rate=RATE,
        batch=PAIRS + LABELLED + RATED,
        validate=validate,
    )
