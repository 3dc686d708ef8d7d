"""Checks memory, as reported by Linux: no unexpected copies, and no leaks."""

import gc
import os
from pathlib import Path

import pixelplay as pp
import pytest
from conftest import SAMPLES, unit_vectors, write_random

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")

FULL = "PIXELPLAY_SOAK" in os.environ
MIB = 1 << 20


def anonymous_bytes() -> int:
    """Returns the resident memory that is not backed by a file."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    pytest.skip("this kernel does not report RssAnon")


def test_vectors_are_no_copy(tmp_path: Path) -> None:
    path = tmp_path / "songs.arrow"
    write_random(path, (2048 if FULL else 128) * 512, 256)
    size = path.stat().st_size
    assert size > (1000 if FULL else 64) * MIB
    gc.collect()
    before = anonymous_bytes()
    index = pp.SongIndex.open(path)
    vectors = index.vectors
    total = float(vectors.max())  # every page is read
    rows, _ = index.search_many(vectors[:3], k=1)
    assert rows.ravel().tolist() == [0, 1, 2] and total > 0
    assert anonymous_bytes() - before < 8 * MIB
    # Without mmap, the index is in anonymous memory, which the measurement must show.
    copied = pp.SongIndex.open(path, mmap=False)
    assert anonymous_bytes() - before > size // 2 and len(copied) == len(index)


@pytest.mark.parametrize("what", ["search", "encode", "song", "vectors", "errors", "arrow"])
def test_nothing_leaks(what: str, songs: pp.SongIndex, enc: pp.Encoder) -> None:
    query, queries = songs.embedding("a"), unit_vectors(4, songs.dim)
    where = (pp.col("energy") >= 0.1) & pp.col("genre").is_in(["folk", "rock"])
    picture = SAMPLES[0].read_bytes()

    def errors() -> None:
        for wrong in (lambda: songs.song("nobody"), lambda: pp.SongIndex.open("/nowhere"), lambda: pp.clean(b"")):
            with pytest.raises(pp.PixelPlayError):
                wrong()

    times, work = {
        "search": (2000, lambda: (songs.search(query, where=where).to_arrow(), songs.search_many(queries))),
        "encode": (40, lambda: enc.encode_image(picture)),
        "song": (2000, lambda: (dict(songs.song("a")), repr(songs.similar("a")), songs.song("a").radar())),
        "vectors": (2000, lambda: (songs.vectors, songs.embedding("b"), pp.SongIndex.open(songs.path).ids)),
        "errors": (500, errors),
        "arrow": (300, lambda: pp.clean(songs)),
    }[what]
    times *= 5 if FULL else 1
    # The allocator's fluctuations are larger than a small leak, so the minima are compared.
    lows = []
    for _ in range(8):
        for _ in range(times // 4):
            work()
        gc.collect()
        lows.append(anonymous_bytes())
    # A picture takes 0.6 MB, and so do its tensors; sometimes the allocator adds an arena for them.
    assert min(lows[4:]) - min(lows[:4]) < (8 if what == "encode" else 1) * MIB
