"""Rank correlation, recall, accuracy and area under the curve, with their uncertainty."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
SAMPLES = 2000


def ranks(values: npt.ArrayLike) -> Floats:
    """Returns ranks from 0; equal values share the mean of their ranks."""
    _, place, count = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return (ends - (count + 1) / 2)[place]


def spearman(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Returns Spearman's correlation, or 0 if all values of one side are equal."""
    a, b = ranks(one), ranks(other)
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length > 0 else 0.0


def hits(scores: Floats, k: int) -> Floats:
    """Returns for each row whether its diagonal column is among the k greatest; a tie counts as a miss."""
    own = scores.diagonal()[:, None]
    return ((scores >= own).sum(1) <= k).astype(float)


def auc(scores: npt.ArrayLike, fits: npt.ArrayLike) -> float:
    """Returns how likely a fitting item is ranked above one that does not fit; ties count half."""
    scores, fits = np.asarray(scores, float), np.asarray(fits, bool)
    higher = scores[fits][:, None] - scores[~fits][None, :]
    return float((higher > 0).mean() + (higher == 0).mean() / 2)


def bootstrap(
    measure: Callable[[npt.NDArray[np.intp]], float], groups: npt.ArrayLike, seed: int = 1
) -> tuple[float, float]:
    """Returns the interval that contains 95 % of the samples. Whole groups are resampled, because pictures of one theme
    are related.
    """
    r = np.random.default_rng(seed)
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(group == g) for g in range(group.max() + 1)]
    drawn = [
        measure(np.concatenate([members[g] for g in r.integers(len(members), size=len(members))]))
        for _ in range(SAMPLES)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)
