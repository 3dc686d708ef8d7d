"""The targets that the vision tower learns for each picture: the content, described in words, and the mood."""

from dataclasses import dataclass

import moods
import numpy as np
from prompts import prompts
from space import WEIGHT, Space, rotation, unit

import data

RIDGE = 0.4  # the penalty, relative to the number of pictures, for standardised features


@dataclass
class Targets:
    texts: list[str]  # all captions and prompts of the pictures
    places: np.ndarray  # (texts, 384), the places of the texts
    owned: list[np.ndarray]  # the rows of each picture's texts
    pictures: np.ndarray  # (n, 384), the place of each picture, estimated from the frozen tower and the ratings
    head: tuple[np.ndarray, np.ndarray]  # the initial weights (1280, 384) and offset of the linear head


def build(
    items: list[data.Picture], pixels: np.ndarray, features: np.ndarray, early: np.ndarray, space: Space, embed
) -> Targets:
    """Computes the targets. `features` (n, 1280) come from the tower with ImageNet weights and `early` from its frozen
    stages; only training pictures are fitted."""
    texts = sorted({c for p in items for c in (p.captions or prompts(p))})
    number = {t: i for i, t in enumerate(texts)}
    vectors = embed(texts)
    owned = [np.array([number[t] for t in p.captions or prompts(p)]) for p in items]
    shown = space.shown(vectors)

    train = np.array([i for i, p in enumerate(items) if p.split == "train"])
    mean, deviation = features[train].mean(0), features[train].std(0) + 1e-6
    x = (features - mean) / deviation
    said = np.stack([shown[own].mean(0) for own in owned])
    captioned = np.array([i for i in train if items[i].captions])
    weights, offset = moods.ridge(x[captioned], said[captioned], RIDGE)
    bridge = unit(x @ weights + offset)
    early = (early - early[train].mean(0)) / (early[train].std(0) + 1e-6)
    said_moods = space.moods(bridge @ space.basis.T + space.mean)
    mood, agreement = moods.of_pictures(items, pixels, x, early, bridge, said_moods)
    print(
        f"  valence and arousal of OASIS's training pictures, estimated without their own themes: {agreement.round(3)}",
        flush=True,
    )

    # The head is initialised with a regression from features to places.
    of_shown, shown_offset = moods.ridge(x[train], said[train], RIDGE)
    of_mood, mood_offset = moods.ridge(x[train], mood[train], RIDGE)
    length = np.linalg.norm(x[train] @ of_shown + shown_offset, axis=1).mean()
    both = np.concatenate([of_shown / length, WEIGHT * of_mood], 1) @ rotation()
    whole = np.concatenate([shown_offset / length, WEIGHT * mood_offset]) @ rotation()
    start = (both / deviation[:, None]).astype(np.float32)
    pictures = space.place(bridge, mood)
    return Targets(texts, space.texts(vectors), owned, pictures, (start, (whole - mean @ start).astype(np.float32)))
