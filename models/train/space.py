"""The checkpoint's space: the target vectors (places) of sentences and pictures.

A place combines the sentence teacher's vector, centred on the mean caption and reduced to the 382 directions in which
captions differ most, with two mood dimensions: valence and energy. A fixed rotation spreads these over all 384
dimensions, so that none of them is large."""

from dataclasses import asdict, dataclass

import moods
import numpy as np
from model import DIM

WEIGHT = 0.3  # the size of a mood one standard deviation from the mean, relative to a sentence vector of length 1
LIMIT = 2.5  # the maximum size of a mood, in standard deviations
# The mood of a text counts only beyond this many standard deviations of captions. Most texts do not express a mood, and
# their estimated moods must not separate a picture from its caption.
NEUTRAL = 0.5
SHOWN = DIM - 2


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def rotation() -> np.ndarray:
    """Returns a fixed orthonormal matrix (384, 384). The last two rows are the mood directions; the rows before are the
    content."""
    return np.linalg.qr(np.random.default_rng(384).standard_normal((DIM, DIM)))[0].astype(np.float32)


@dataclass
class Space:
    mean: np.ndarray  # (384,), the mean sentence vector of the training captions
    basis: np.ndarray  # (384, 382), the directions in which the captions differ most
    weights: np.ndarray  # (384, 2), from a sentence vector to its mood in standard deviations of captions
    offset: np.ndarray  # (2,)

    @classmethod
    def from_captions(cls, vectors: np.ndarray, embed) -> "Space":
        """Computes the space from the sentence vectors of the training captions."""
        mean = vectors.mean(0)
        apart = (vectors - mean).astype(np.float64)
        basis = np.linalg.eigh(apart.T @ apart)[1][:, ::-1][:, :SHOWN].astype(np.float32)
        return cls(mean, basis, *moods.of_sentences(vectors, embed))

    def moods(self, vectors: np.ndarray) -> np.ndarray:
        """Returns valence and energy (n, 2) of sentence vectors."""
        return vectors @ self.weights + self.offset

    def shown(self, vectors: np.ndarray) -> np.ndarray:
        """Returns the content of sentence vectors, without their moods, as unit vectors (n, 382)."""
        return unit((vectors - self.mean) @ self.basis)

    def place(self, shown: np.ndarray, moods: np.ndarray) -> np.ndarray:
        """Combines content vectors, of any length, and moods into places: unit vectors (n, 384)."""
        return unit(np.concatenate([unit(shown), WEIGHT * np.clip(moods, -LIMIT, LIMIT)], 1)) @ rotation()

    def texts(self, vectors: np.ndarray) -> np.ndarray:
        """Returns the places of texts, given their sentence vectors (n, 384)."""
        moods = self.moods(vectors)
        return self.place(self.shown(vectors), np.sign(moods) * np.maximum(0, np.abs(moods) - NEUTRAL))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {f"space_{name}": np.asarray(value) for name, value in asdict(self).items()}

    @classmethod
    def from_arrays(cls, arrays) -> "Space":
        return cls(*(arrays[f"space_{name}"] for name in ("mean", "basis", "weights", "offset")))
