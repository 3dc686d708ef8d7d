"""Stage 2: the text tower learns the places of sentences. It is initialised to return the mean of the words' vectors."""

import functools
from pathlib import Path

import loop
import model as m
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from autocast import autocast
from losses import alignment_loss, relational_loss
from tokenizer import Encode

BATCH = 256
RELATIONAL_WEIGHT = 4.0
RATE = 1.2e-3
POOL = 16  # the number of batches that are sorted by length together, to reduce padding
WORD_EPOCHS = 4


@functools.lru_cache(maxsize=1)
def epoch_batches(lengths: tuple[int, ...], epoch: int) -> np.ndarray:
    """Returns the rows of one epoch, (batches, BATCH): every sentence once, with sentences of similar length in one
    batch."""
    r = np.random.default_rng([2, epoch])
    lengths, order = np.array(lengths), r.permutation(len(lengths))
    order = order[: len(order) // BATCH * BATCH]
    pools = np.array_split(order, np.arange(BATCH * POOL, len(order), BATCH * POOL))
    batches = np.concatenate([p[np.argsort(lengths[p], kind="stable")] for p in pools]).reshape(-1, BATCH)
    return r.permutation(batches)


def words(tokens: list[list[int]], targets: np.ndarray, size: int) -> np.ndarray:
    """Fits one vector per token, (size, 384), so that the mean over a sentence points to the sentence's place."""
    torch.manual_seed(8)
    bag = nn.EmbeddingBag(size, targets.shape[1], mode="mean")
    nn.init.normal_(bag.weight, std=0.02)
    alone = [i for i, ids in enumerate(tokens) if len(ids) == 3]  # words of one token, between start and end
    with torch.no_grad():
        bag.weight[torch.tensor([tokens[i][1] for i in alone])] = torch.from_numpy(targets[alone])
    rule = torch.optim.Adam(bag.parameters(), 2e-3)
    wanted, r = torch.from_numpy(targets), np.random.default_rng(9)
    for _ in range(WORD_EPOCHS):
        for rows in np.array_split(r.permutation(len(tokens)), max(1, len(tokens) // 1024)):
            some = [tokens[i][1:-1] or tokens[i] for i in rows]
            offsets = np.concatenate([[0], np.cumsum([len(s) for s in some])[:-1]])
            found = bag(torch.from_numpy(np.concatenate(some)), torch.from_numpy(offsets))
            loss = 1 - F.cosine_similarity(found, wanted[rows]).mean()
            rule.zero_grad()
            loss.backward()
            rule.step()
    loop.log(f"words: mean cosine of the mean of a sentence's words and its place {1 - loss.item():.3f}")
    return bag.weight.detach().numpy()


@torch.no_grad()
def begin(clip, vectors: np.ndarray) -> None:
    """Initialises the tower so that it returns the mean of the words' vectors: the first layer attends to all words
    equally, and the other layers add little."""
    width = clip.token_embedding.weight.shape[1]
    directions = torch.from_numpy(np.linalg.svd(vectors, full_matrices=False)[2][:width].copy())
    embedding = torch.from_numpy(vectors) @ directions.T
    clip.token_embedding.weight.copy_(0.2 * embedding / embedding.square().mean().sqrt())
    clip.token_embedding.weight[-2:] = 0  # start and end have no meaning
    clip.positional_embedding.normal_(std=0.005)
    clip.text_projection.copy_(directions * width**-0.5)
    for number, block in enumerate(clip.transformer.resblocks):
        for p in (block.attn.out_proj.weight, block.mlp.c_proj.weight):
            p.mul_(0.1)
        if number == 0:
            block.attn.in_proj_weight.mul_(0.1)
            block.attn.in_proj_weight[2 * width :].add_(torch.eye(width))
            block.attn.out_proj.weight.add_(torch.eye(width))


def train(
    clip,
    work: Path,
    tune: tuple[list[str], np.ndarray],
    texts: list[str],
    places: np.ndarray,
    encode: Encode,
    steps: int,
    seed: int,
):
    """Trains the text tower. `places` are the places of `texts`; `tune` has sentences that are not trained on, and
    their places."""
    tokens = encode(texts)
    lengths = tuple(map(len, tokens))
    per_epoch = len(tokens) // BATCH
    wanted = torch.from_numpy(places)
    tune_tokens, tune_places = encode(tune[0]), torch.from_numpy(tune[1])
    for p in clip.parameters():
        p.requires_grad_(False)
    for p in m.text_parameters(clip):
        p.requires_grad_(True)
    if not (work / "text.pt").is_file():
        begin(clip, words(tokens, places, m.VOCABULARY))

    def loss_of(step: int, progress: float, r: np.random.Generator) -> torch.Tensor:
        rows = epoch_batches(lengths, step // per_epoch)[step % per_epoch]
        with autocast():
            found = m.encode_texts(clip, [tokens[i] for i in rows])
        return alignment_loss(found, wanted[rows]) + RELATIONAL_WEIGHT * relational_loss(found, wanted[rows])

    def validate(averaged) -> str:
        found = torch.cat([m.encode_texts(averaged, tune_tokens[i : i + 256]) for i in range(0, len(tune_tokens), 256)])
        return f"tune: cosine with the places of unseen sentences {(found * tune_places).sum(1).mean():.3f}"

    with torch.inference_mode():
        loop.log(f"text, before: {validate(clip)}")
    return loop.fit(
        "text",
        work,
        clip,
        loss_of,
        steps=steps,
        seed=(4, seed),
        rate=RATE,
        batch=BATCH,
        validate=validate,
    ).requires_grad_(True)
