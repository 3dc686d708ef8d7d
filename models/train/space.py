"""The checkpoint's space: where a sentence belongs, and where a picture does.

The sentence teacher's vectors, centred on the mean caption and told by the 382 directions in which captions differ most, and two
dimensions of mood: valence and energy. A fixed rotation spreads them over all 384, so that no one is large."""

from dataclasses import asdict, dataclass

import moods
import numpy as np
from model import DIM

WEIGHT = 0.3  # of a mood that is one standard deviation from the mean, beside a sentence vector of length one
LIMIT = 2.5  # standard deviations
# Standard deviations of captions that the mood of a text must pass to count. Most texts do not speak of moods, and theirs
# must not stand between a picture and its caption.
NEUTRAL = 0.5
SHOWN = DIM - 2


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def rotation() -> np.ndarray:
    """A fixed orthonormal map (384, 384): what is shown comes first, the moods are the last two rows."""
    return np.linalg.qr(np.random.default_rng(384).standard_normal((DIM, DIM)))[0].astype(np.float32)


@dataclass
class Space:
    mean: np.ndarray  # (384,), of the training captions' sentence vectors
    basis: np.ndarray  # (384, 382), the directions in which they differ most
    weights: np.ndarray  # (384, 2), from a sentence vector to its mood in standard deviations of captions
    offset: np.ndarray  # (2,)

    @classmethod
    def from_captions(cls, vectors: np.ndarray, embed) -> "Space":
        """By the sentence vectors of the training captions."""
        mean = vectors.mean(0)
        apart = (vectors - mean).astype(np.float64)
        basis = np.linalg.eigh(apart.T @ apart)[1][:, ::-1][:, :SHOWN].astype(np.float32)
        return cls(mean, basis, *moods.of_sentences(vectors, embed))

    def moods(self, vectors: np.ndarray) -> np.ndarray:
        """Valence and energy (n, 2) of sentence vectors."""
        return vectors @ self.weights + self.offset

    def shown(self, vectors: np.ndarray) -> np.ndarray:
        """Unit vectors (n, 382) of sentence vectors, without their moods."""
        return unit((vectors - self.mean) @ self.basis)

    def place(self, shown: np.ndarray, moods: np.ndarray) -> np.ndarray:
        """Unit vectors (n, 384) of what is shown, whatever its length, and moods."""
        return unit(np.concatenate([unit(shown), WEIGHT * np.clip(moods, -LIMIT, LIMIT)], 1)) @ rotation()

    def texts(self, vectors: np.ndarray) -> np.ndarray:
        """Where texts belong, by their sentence vectors (n, 384)."""
        moods = self.moods(vectors)
        return self.place(self.shown(vectors), np.sign(moods) * np.maximum(0, np.abs(moods) - NEUTRAL))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {f"space_{name}": np.asarray(value) for name, value in asdict(self).items()}

    @classmethod
    def from_arrays(cls, arrays) -> "Space":
        return cls(*(arrays[f"space_{name}"] for name in ("mean", "basis", "weights", "offset")))
