"""Stage 2: the text tower learns where sentences belong."""

import functools
from pathlib import Path

import loop
import model as m
import numpy as np
import torch
from autocast import autocast
from losses import alignment_loss, relational_loss
from tokenizer import Encode

BATCH = 256
RELATIONAL_WEIGHT = 4.0
POOL = 16  # batches that are sorted by length together, so that little padding is computed


@functools.lru_cache(maxsize=1)
def epoch_batches(lengths: tuple[int, ...], epoch: int) -> np.ndarray:
    """Every sentence once, neighbours of like length: (batches, BATCH) rows."""
    r = np.random.default_rng([2, epoch])
    lengths, order = np.array(lengths), r.permutation(len(lengths))
    order = order[: len(order) // BATCH * BATCH]
    pools = np.array_split(order, np.arange(BATCH * POOL, len(order), BATCH * POOL))
    batches = np.concatenate([p[np.argsort(lengths[p], kind="stable")] for p in pools]).reshape(-1, BATCH)
    return r.permutation(batches)


def train(
    clip, work: Path, items: list, targets: dict, texts: list[str], vectors: np.ndarray, encode: Encode, steps: int
):
    tokens = encode(texts)
    lengths = tuple(map(len, tokens))
    per_epoch = len(tokens) // BATCH
    text_targets = torch.from_numpy(vectors)
    tune_tokens = encode([items[i].captions[0] for i in targets["tune"]])
    tune_targets = torch.from_numpy(targets["tune_captions"])
    for p in clip.parameters():
        p.requires_grad_(False)
    for p in [*clip.text_model.parameters(), *clip.text_projection.parameters()]:
        p.requires_grad_(True)

    def loss_of(step: int, progress: float, r: np.random.Generator) -> torch.Tensor:
        rows = epoch_batches(lengths, step // per_epoch)[step % per_epoch]
        with autocast():
            text_embeddings = m.encode_texts(clip, [tokens[i] for i in rows])
        return alignment_loss(text_embeddings, text_targets[rows]) + RELATIONAL_WEIGHT * relational_loss(
            text_embeddings, text_targets[rows]
        )

    def validate(averaged) -> str:
        return f"tune: cosine with the targets of captions not seen {(m.encode_texts(averaged, tune_tokens) * tune_targets).sum(1).mean():.3f}"

    return loop.fit(
        "text",
        work,
        clip,
        loss_of,
        steps=steps,
        seed=4,
        rate=1.5e-3,
        batch=BATCH,
        validate=validate,
        validate_every=500,
    ).requires_grad_(True)
