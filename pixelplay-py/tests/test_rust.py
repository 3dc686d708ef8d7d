"""Python gives the same bytes, ids and scores as the command line, which uses the Rust library."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pixelplay as pp
import pytest
from conftest import SAMPLES

# Set by `cargo xtask test`, which builds the program.
PROGRAM = os.environ.get("PIXELPLAY_PROGRAM")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="PIXELPLAY_PROGRAM is not set to the command-line program")


def pixelplay(*arguments: object) -> str:
    command = [str(PROGRAM), *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_embeddings_are_bitwise_the_same(enc: pp.Encoder) -> None:
    lines = pixelplay("encode", *SAMPLES, "--text", "rainy night drive").splitlines()
    found = [enc.encode_image(path) for path in SAMPLES] + [enc.encode_text("rainy night drive")]
    for line, embedding in zip(map(json.loads, lines), found):
        # JSON contains the shortest digits that parse to the same float32.
        assert np.array_equal(np.array(line["embedding"], np.float32), np.asarray(embedding))
        assert line["encoder"] == embedding.fingerprint


def test_hits_are_the_same(enc: pp.Encoder) -> None:
    index = pp.starter_index(enc)
    question = ["--text", "slow and sad", "--like", index.ids[7], "--not-text", "party", "--unlike-weight", "0.2"]
    where = "year >= 1980 and energy < 0.8"
    answer = json.loads(pixelplay("match", SAMPLES[0], *question, "--where", where, "-k", "20", "--json"))
    query = pp.HybridQuery(enc.encode_image(SAMPLES[0]), enc.encode_text("slow and sad"))
    query = query.like(index.ids[7]).unlike(enc.encode_text("party"), weight=0.2)
    hits = query.search(index, k=20, where=where)
    assert [(hit["id"], hit["score"], hit["match_percent"]) for hit in answer["hits"]] == [
        (hit.id, hit.score, hit.match_percent) for hit in hits
    ]
    assert [hit["mood"] for hit in answer["hits"]] == [hit.song.words for hit in hits]


def test_indexes_are_bitwise_the_same(csv: Path, enc: pp.Encoder, tmp_path: Path) -> None:
    pixelplay("build-index", csv, tmp_path / "rust.arrow")
    pp.build_index(csv, tmp_path / "python.arrow", encoder=enc)
    assert (tmp_path / "rust.arrow").read_bytes() == (tmp_path / "python.arrow").read_bytes()
