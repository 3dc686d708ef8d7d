"""Computes what the tower sees in the pictures: maps of its frozen stages, pooled features, and the targets derived
from them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import maps
import numpy as np
import tower
from inputs import Inputs, once
from loop import log
from targets import Targets, build

BATCH = 8


def views(work: Path, clip, known: Inputs, number: int, threads: int) -> list[np.ndarray]:
    """Loads the ImageNet weights into `clip` and returns the maps of the tower's frozen stages, one array per view."""
    clip.visual.trunk.load_state_dict(tower.imagenet())
    return [maps.compute(work, clip.visual.trunk, known.pixels, view, threads) for view in range(number)]


def whole(clip, seen: np.ndarray, threads: int) -> np.ndarray:
    """Computes pooled features (n, 1280) from maps with the last stages of `clip`'s tower."""
    run = tower.Runtime(tower.Back(clip.visual.trunk).eval(), *seen.shape[2:], seen.shape[1])
    parts = [slice(i, i + BATCH) for i in range(0, len(seen), BATCH)]
    with ThreadPoolExecutor(threads) as workers:
        return np.concatenate(list(workers.map(lambda part: run(seen[part].astype(np.float32)), parts)))


def targets(work: Path, clip, known: Inputs, seen: np.ndarray, threads: int) -> Targets:
    """Returns the training targets. The tower of `clip` must still have its ImageNet weights."""

    def make(path: Path) -> None:
        with open(path, "wb") as f:
            np.save(f, whole(clip, seen, threads))

    features = np.load(once(work / "imagenet.npy", make))
    return build(known.items, known.pixels, features, spread(seen), known.space, known.sentences.embed)


def spread(seen: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of each channel of maps: (n, 2 * channels)."""
    parts = (seen[i : i + 512].astype(np.float32) for i in range(0, len(seen), 512))
    return np.concatenate([np.concatenate([x.mean((2, 3)), x.std((2, 3))], 1) for x in parts])


def pooled(work: Path, clip, seen: list[np.ndarray], threads: int) -> list[np.ndarray]:
    """Returns the features of every view, computed by the trained tower."""

    def make(path: Path) -> None:
        log("features of the trained tower")
        with open(path, "wb") as f:
            np.savez(f, *[whole(clip, view, threads) for view in seen])

    found = np.load(once(work / "trained.npz", make))
    return [found[name] for name in found.files]
