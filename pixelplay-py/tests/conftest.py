"""Shared fixtures: one encoder, one small index, and the paths of the repository's pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pixelplay as pp
import pytest

REPOSITORY = Path(__file__).parents[2]
SAMPLES = sorted((REPOSITORY / "data" / "samples").glob("*.jpg"))

CSV = """id,title,artist,genre,year,energy,valence,danceability,acousticness,explicit,label
a,Storm,Ada,rock,1979,0.9,0.1,0.3,0.1,true,Blue
b,Dawn,Ben,folk,1999,0.2,0.7,0.4,0.9,false,
c,"Night, Drive",Ada,pop,2009,0.6,0.5,0.8,0.2,,Red
d,Rain,Dan,folk,,0.1,0.2,0.2,0.8,false,Blue
"""


@pytest.fixture(scope="session")
def enc() -> pp.Encoder:
    return pp.Encoder()


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Builds the starter index in a temporary folder, not in the user's cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIXELPLAY_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "songs.csv"
    path.write_text(CSV)
    return path


@pytest.fixture(scope="session")
def songs(csv: Path, enc: pp.Encoder) -> pp.SongIndex:
    """An index of the four songs in the table, with vectors from the embedded checkpoint."""
    out = csv.with_name("songs.arrow")
    pp.build_index(csv, out, encoder=enc)
    return pp.SongIndex.open(out)


def unit_vectors(n: int, dim: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_random(path: Path, n: int, dim: int, seed: int = 0) -> np.ndarray:
    """Writes an index of random vectors, and returns them."""
    vectors = unit_vectors(n, dim, seed)
    pp.write_index(path, [f"song-{row}" for row in range(n)], vectors)
    return vectors
