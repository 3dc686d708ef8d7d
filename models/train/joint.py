"""Stage 3: trains the head and the text tower together, contrastively on captions and labels, anchored to the places of
sentences."""

from pathlib import Path

import loop
import model as m
import numpy as np
import text
import torch
import torch.nn as nn
from autocast import autocast
from losses import alignment_loss, contrastive_loss, cosine_loss, mood_loss, relational_loss
from moods import ridge
from space import SHOWN, rotation
from targets import RIDGE, Targets
from tokenizer import Encode
from vision import Batches, Rated, recall

PAIRS, LABELLED, RATED, SENTENCES = 192, 64, 16, 128
DROPOUT, NOISE = 0.2, 0.1
ANCHOR_IMAGE, ANCHOR_TEXT, MOOD = 0.3, 2.0, 8.0
RATE = 5e-4


def train(
    clip,
    work: Path,
    items: list,
    pooled: list[np.ndarray],
    targets: Targets,
    texts: list[str],
    places: np.ndarray,
    encode: Encode,
    steps: int,
    seed: int,
):
    """Trains the head and the text tower. `pooled` has the features of the pictures by the trained tower, one array per
    view."""
    batches = Batches(items, targets)
    features = [torch.from_numpy(x) for x in pooled]
    noise = NOISE * features[0].std(0)
    known, sentences = encode(targets.texts), encode(texts)
    known_places, sentence_places = torch.from_numpy(targets.places), torch.from_numpy(places)
    pictures = torch.from_numpy(targets.pictures)
    for p in clip.parameters():
        p.requires_grad_(False)
    for p in [*m.text_parameters(clip), *clip.visual.head.parameters(), clip.logit_scale]:
        p.requires_grad_(True)
    dropout = nn.Dropout(DROPOUT)
    tune = np.array([i for i, p in enumerate(items) if p.split == "tune" and p.captions])
    rated = Rated(items)
    tune_tokens = [known[targets.owned[i][0]] for i in tune]

    def loss_of(step: int, progress: float, r: np.random.Generator) -> torch.Tensor:
        rows, own = batches.draw(r, PAIRS, LABELLED, RATED)
        chosen = r.integers(len(features), size=len(rows))
        x = torch.stack([features[v][i] for v, i in zip(chosen, rows)])
        x = x + noise * torch.from_numpy(r.standard_normal(x.shape, np.float32))
        some = r.integers(len(sentences), size=SENTENCES)
        with autocast():
            images = m.project(clip, dropout(x))
            found = m.encode_texts(clip, [known[i] for i in own] + [sentences[i] for i in some])
        said = known_places[own]
        wanted = torch.cat([said, sentence_places[some]])
        return (
            contrastive_loss(images, found[: len(rows)], clip.logit_scale.exp().clamp(max=100), said)
            + ANCHOR_IMAGE * cosine_loss(images, said)
            + MOOD * mood_loss(images, pictures[rows])
            + ANCHOR_TEXT * (alignment_loss(found, wanted) + text.RELATIONAL_WEIGHT * relational_loss(found, wanted))
        )

    def validate(averaged) -> str:

        def pictures_of(rows: np.ndarray) -> np.ndarray:
            return m.project(averaged, features[0][rows]).numpy()

        images = pictures_of(tune)
        found = torch.cat(
            [m.encode_texts(averaged, tune_tokens[i : i + 256]) for i in range(0, len(tune_tokens), 256)]
        ).numpy()
        return f"tune: recall@1/10 of {len(tune)} {recall(images, found, 1):.3f} {recall(images, found):.3f}, from text {recall(found, images):.3f}, scale {averaged.logit_scale.exp():.1f}{rated.agreement(pictures_of)}"

    with torch.inference_mode():
        loop.log(f"joint, before: {validate(clip)}")
    trained = loop.fit(
        "joint",
        work,
        clip,
        loss_of,
        steps=steps,
        seed=(5, seed),
        rate=RATE,
        batch=PAIRS + LABELLED + RATED,
        validate=validate,
    )
    settle_moods(trained.visual.head.proj, pooled[0], targets.pictures)
    with torch.inference_mode():
        loop.log(f"joint, after setting the moods: {validate(trained)}")
    return trained


@torch.no_grad()
def settle_moods(head: nn.Linear, pooled: np.ndarray, pictures: np.ndarray) -> None:
    """Replaces the two mood directions of the head with a regression from the trained tower's features to the moods of
    `pictures`, which are places in the space. So these directions depend only on mood, whatever contrastive training
    turned them into."""
    axes = rotation()
    shown, moods_of = axes[:SHOWN], axes[SHOWN:]
    placed = pictures @ axes.T
    wanted = placed[:, SHOWN:] / np.linalg.norm(placed[:, :SHOWN], axis=1, keepdims=True)
    weight, bias = head.weight.numpy(), head.bias.numpy()
    length = np.linalg.norm((pooled @ weight.T + bias) @ shown.T, axis=1, keepdims=True)
    mean, deviation = pooled.mean(0), pooled.std(0) + 1e-6
    slope, offset = ridge((pooled - mean) / deviation, wanted * length, RIDGE)
    slope = slope / deviation[:, None]
    keep = shown.T @ shown
    head.weight.copy_(torch.from_numpy(keep @ weight + moods_of.T @ slope.T))
    head.bias.copy_(torch.from_numpy(keep @ bias + moods_of.T @ (offset - mean @ slope)))
