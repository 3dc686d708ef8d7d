"""Creates the vectors to search, from a seed and chunk by chunk. They are the same for all libraries.

python dataset.py SHAPE ROWS QUERIES SHARED FOLDER     # creates one data set; comparison.py calls it
"""

import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from machine import resident
from truth import Array, Truth, brute_force

SHAPES = ("clip", "songs", "uniform")
K = 10
DIM = 512
CHUNK = 65_536
# A filter `duration_ms <= n` keeps n of this many.
SHARES = 10_000


class Skipped(Exception):
    """The reason why a data set cannot be created here."""


@dataclass(frozen=True)
class Dataset:
    """A data set in `folder`."""

    folder: Path

    @cached_property
    def about(self) -> dict:
        return json.loads((self.folder / "about.json").read_text())

    @cached_property
    def vectors(self) -> Array:
        """Returns float32 vectors of unit length, shape `(rows, dim)`, in memory."""
        return np.load(self.folder / "vectors.npy")

    @cached_property
    def queries(self) -> Array:
        return np.load(self.folder / "queries.npy")

    @cached_property
    def truth(self) -> Truth:
        return Truth(np.load(self.folder / "truth_rows.npy"), np.load(self.folder / "truth_scores.npy"))

    @cached_property
    def shares(self) -> Array:
        """Returns a number from 1 to `SHARES` for each row, used by filters."""
        return np.random.default_rng(4).integers(1, SHARES + 1, self.rows)

    @property
    def index_path(self) -> Path:
        return self.folder / "songs.arrow"

    @property
    def shape(self) -> str:
        return self.about["shape"]

    @property
    def rows(self) -> int:
        return self.about["rows"]

    @property
    def dim(self) -> int:
        return self.about["dim"]


def unit(vectors: Array) -> Array:
    vectors = np.asarray(vectors, np.float64)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def uniform(rows: int, rng: np.random.Generator) -> Iterator[Array]:
    """Draws vectors uniformly on the sphere. None is near another, which is the worst case for every screen and graph."""
    for start in range(0, rows, CHUNK):
        yield unit(rng.standard_normal((min(CHUNK, rows - start), DIM)))


class ClipTexts:
    """Vectors with the mean and covariance of CLIP's text vectors. The queries are held-out real vectors."""

    def __init__(self, shared: Path, queries: int, rng: np.random.Generator) -> None:
        files = sorted((shared / "data/clip_text_vectors").glob("*.npy"))
        if not files:
            raise Skipped("the shared folder has no data/clip_text_vectors/*.npy")
        texts = rng.permutation(np.unique(unit(np.concatenate([np.load(file) for file in files])), axis=0))
        # Fitting a covariance needs at least as many texts as dimensions.
        held_out = min(queries, len(texts) - 2 * DIM)
        self.texts = texts[held_out:].astype(np.float64)
        self.mean = self.texts.mean(axis=0)
        spread, axes = np.linalg.eigh(np.cov(self.texts.T))
        self.axes = np.sqrt(spread.clip(0))[:, None] * axes.T
        self.queries = np.resize(texts[:held_out], (queries, DIM)).astype(np.float64)
        # Vectors of pictures lie to one side of those of texts, so most of the mean is removed from every second query.
        direction = self.mean / np.linalg.norm(self.mean)
        self.queries[1::2] -= 0.75 * (self.queries[1::2] @ direction)[:, None] * direction

    def rows(self, rows: int, rng: np.random.Generator) -> Iterator[Array]:
        for start in range(0, rows, CHUNK):
            chunk = rng.standard_normal((min(CHUNK, rows - start), DIM))
            yield unit(self.mean + chunk @ self.axes)


def build_songs(folder: Path, rows: int, queries: int, shared: Path) -> str:
    """Builds a real catalogue with the embedded checkpoint. The queries are photos, and then some songs of the
    catalogue."""
    import pixelplay as pp
    import pyarrow as pa

    csv = shared / "data/songs/tidytuesday_spotify_songs.csv.gz"
    if not csv.exists():
        raise Skipped("the shared folder has no data/songs/tidytuesday_spotify_songs.csv.gz")
    encoder = pp.Encoder()
    songs = pa.table(pp.clean(csv)[0]).slice(0, rows)
    pp.build_index(songs, folder / "songs.arrow", encoder=encoder)
    vectors = np.concatenate(pp.SongIndex.open(folder / "songs.arrow").vector_chunks)
    np.save(folder / "vectors.npy", vectors)
    photos = sorted((shared / "data/photos").rglob("*.jpg"))[:queries]
    asked = np.asarray(encoder.encode_images(photos)) if photos else np.empty((0, DIM), np.float32)
    own = np.linspace(0, len(vectors) - 1, queries - len(asked)).astype(int)
    np.save(folder / "queries.npy", np.concatenate([asked, vectors[own]]))
    distinct = len(np.unique(vectors, axis=0))
    return f"{len(vectors):,} songs with {distinct:,} distinct descriptions, queried with {len(photos)} photos and {len(own)} songs"


def build_vectors(folder: Path, shape: str, rows: int, queries: int, shared: Path) -> str:
    if shape == "clip":
        clip = ClipTexts(shared, queries, np.random.default_rng(1))
        asked, chunks = unit(clip.queries), clip.rows(rows, np.random.default_rng(2))
        note = f"the mean and covariance of {len(clip.texts):,} text vectors of CLIP ViT-B/32"
    else:
        asked, chunks = next(uniform(queries, np.random.default_rng(3))), uniform(rows, np.random.default_rng(2))
        note = "uniform on the sphere"
    np.save(folder / "queries.npy", asked)
    file = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.float32, (rows, DIM))
    start = 0
    for chunk in chunks:
        file[start : start + len(chunk)] = chunk
        start += len(chunk)
    file.flush()
    return note


def write_index(data: Dataset) -> None:
    import pixelplay as pp
    import pyarrow as pa

    ids = [str(row) for row in range(data.rows)]
    vectors = np.load(data.folder / "vectors.npy", mmap_mode="r")
    # Filters need only this column of whole numbers, which PixelPlay reads as milliseconds.
    songs = pa.table({"id": ids, "duration_ms": data.shares})
    pp.write_index(data.index_path, ids, vectors, songs=songs)


def make(shape: str, rows: int, queries: int, shared: Path, folder: Path) -> dict:
    folder.mkdir(parents=True)
    if shape == "songs":
        note = build_songs(folder, rows, queries, shared)
    else:
        note = build_vectors(folder, shape, rows, queries, shared)
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    about = {"shape": shape, "rows": len(vectors), "dim": vectors.shape[1], "note": note}
    (folder / "about.json").write_text(json.dumps(about))
    data = Dataset(folder)
    if shape != "songs":
        write_index(data)
    about["writing_peak"] = resident()["peak"]
    truth = brute_force(vectors, data.queries, K)
    np.save(folder / "truth_rows.npy", truth.rows)
    np.save(folder / "truth_scores.npy", truth.scores)
    (folder / "about.json").write_text(json.dumps(about))
    return about


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    shape, rows, queries, shared, folder = sys.argv[1:]
    try:
        make(shape, int(rows), int(queries), Path(shared), Path(folder))
    except Skipped as reason:
        Path(folder, "skipped.txt").write_text(str(reason))


if __name__ == "__main__":
    main()
