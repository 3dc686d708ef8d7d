"""The checkpoint's space: where a sentence belongs, and where a picture does.

The sentence teacher's 384 dimensions, centred on the mean caption, and two of mood: valence and energy. They are carried to
the checkpoint's width by a fixed isometry, so cosines stay what they are."""

from dataclasses import asdict, dataclass

import moods
import numpy as np
import sentences

WEIGHT = 0.2  # of a mood that is one standard deviation from the mean, beside a sentence vector of length one
LIMIT = 2.5  # standard deviations


def unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def isometry(dim: int) -> np.ndarray:
    """A fixed orthonormal map (386, dim)."""
    wide = np.random.default_rng(384).standard_normal((dim, sentences.WIDTH + 2))
    return np.linalg.qr(wide)[0].T.astype(np.float32)


@dataclass
class Space:
    dim: int
    mean: np.ndarray  # (384,), of the training captions' sentence vectors
    weights: np.ndarray  # (384, 2), from a sentence vector to its mood in standard deviations of captions
    offset: np.ndarray  # (2,)

    @classmethod
    def from_captions(cls, vectors: np.ndarray, dim: int) -> "Space":
        """By the sentence vectors of the training captions."""
        return cls(dim, vectors.mean(0), *moods.of_sentences(vectors))

    def moods(self, vectors: np.ndarray) -> np.ndarray:
        """Valence and energy (n, 2) of sentence vectors."""
        return vectors @ self.weights + self.offset

    def place(self, centred: np.ndarray, moods: np.ndarray) -> np.ndarray:
        """Unit vectors (n, dim) of centred sentence vectors, whatever their length, and moods."""
        moods = np.clip(moods, -LIMIT, LIMIT)
        return unit(np.concatenate([unit(centred), WEIGHT * moods], 1)) @ isometry(self.dim)

    def texts(self, vectors: np.ndarray) -> np.ndarray:
        """Where texts belong, by their sentence vectors (n, 384)."""
        return self.place(vectors - self.mean, self.moods(vectors))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {f"space_{name}": np.asarray(value) for name, value in asdict(self).items()}

    @classmethod
    def from_arrays(cls, arrays) -> "Space":
        return cls(int(arrays["space_dim"]), *(arrays[f"space_{name}"] for name in ("mean", "weights", "offset")))
