"""Computes the right answers by float64 brute force in numpy, and compares answers with them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

CHUNK = 32_768
# Far above the differences between float64 sums of 512 products in different orders, and far below those between songs.
MARGIN = 1e-9
# The error that f32 sums of unit vectors may have. Rows whose scores differ by less may change places.
NEAR_TIE = 1e-6


@dataclass(frozen=True)
class Truth:
    """The rows, `(queries, k)`, best first and ties by row, and their scores; -1 and NaN if there are fewer rows."""

    rows: Array
    scores: Array


@dataclass(frozen=True)
class Check:
    """The comparison of answers with the truth, counted in ranking places."""

    places: int
    near_ties: int
    wrong: int
    recall: float

    @property
    def exact(self) -> bool:
        return self.near_ties + self.wrong == 0


def dots(vectors: Array, queries: Array) -> Array:
    """Returns dot products over the last axis in the order that PixelPlay documents, so that the last bit can be
    compared.

    Product `i` goes to sum `i % 16`; then 8 sums are added to the other 8, 4 to 4, and so on.
    """
    # The product of two f32 is exact in f64.
    products = vectors.astype(np.float64) * queries.astype(np.float64)
    padding = -products.shape[-1] % 16
    products = np.pad(products, [(0, 0)] * (products.ndim - 1) + [(0, padding)])
    sums = np.zeros((*products.shape[:-1], 16))
    for start in range(0, products.shape[-1], 16):
        sums += products[..., start : start + 16]
    while (half := sums.shape[-1] // 2) > 0:
        sums = sums[..., :half] + sums[..., half:]
    return sums[..., 0]


def brute_force(vectors: Array, queries: Array, k: int, keep: Array | None = None) -> Truth:
    """Returns the `k` best rows for each query, among the rows `keep` (ascending) or all of them."""
    keep = np.arange(len(vectors)) if keep is None else keep
    queries64 = queries.astype(np.float64)
    least = np.full(len(queries), -np.inf)
    candidates: list[list[Array]] = [[] for _ in queries]
    for start in range(0, len(keep), CHUNK):
        rows = keep[start : start + CHUNK]
        # BLAS may sum equal rows in different orders, so this only finds candidates.
        scores = queries64 @ vectors[rows].astype(np.float64).T
        if len(rows) >= k:
            np.maximum(least, np.partition(scores, -k, axis=1)[:, -k], out=least)
        for found, score, floor in zip(candidates, scores, least):
            found.append(rows[score >= floor - MARGIN])
    best = Truth(np.full((len(queries), k), -1), np.full((len(queries), k), np.nan))
    for at, (query, found) in enumerate(zip(queries, candidates)):
        rows = np.concatenate(found) if found else np.empty(0, np.int64)
        scores = dots(vectors[rows], query)
        order = np.argsort(-scores, kind="stable")[:k]
        best.rows[at, : len(order)], best.scores[at, : len(order)] = rows[order], scores[order]
    return best


def check(answer: Array, truth: Truth, vectors: Array, queries: Array) -> Check:
    """Compares rows `(queries, k)`, which contain -1 if there are fewer. Rows with nearly equal scores may be swapped."""
    answer = np.asarray(answer, np.int64)
    if answer.shape != truth.rows.shape:
        raise ValueError(f"the answer has the shape {answer.shape}, not {truth.rows.shape}")
    scores = np.where(answer < 0, np.nan, dots(vectors[answer], queries[:, None, :]))
    ordered = np.sort(answer, axis=1)
    repeated = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    differs = answer != truth.rows
    near = differs & (np.abs(scores - truth.scores) < NEAR_TIE) & ~repeated.any(axis=1)[:, None]
    there = truth.rows >= 0
    # A row with the same score as the last true row counts as found.
    last = np.nanmin(truth.scores, axis=1, keepdims=True, initial=np.inf)
    found = (scores >= last - NEAR_TIE).sum() - repeated.sum()
    return Check(
        places=int(there.sum()),
        near_ties=int(near.sum()),
        wrong=int((differs & ~near).sum()),
        recall=float(found / max(1, there.sum())),
    )
