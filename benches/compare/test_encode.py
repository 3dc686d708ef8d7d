"""Tests of the encoder comparison's arithmetic."""

import re

import gemm
import numpy as np
import pytest
import report_encode
from encoders import BATCH, END, Texts, cosines, padded
from environment import HERE
from material import alike
from measure_encode import of_one


def test_cosines_do_not_depend_on_lengths() -> None:
    a = np.array([[3.0, 4.0], [1.0, 0.0], [1.0, 1.0]], np.float32)
    b = np.array([[6.0, 8.0], [0.0, 2.0], [-1.0, 0.0]], np.float32)
    np.testing.assert_allclose(cosines(a, b), [1, 0, -(0.5**0.5)], atol=1e-12)


def test_texts_are_padded_to_the_longest_of_their_batch() -> None:
    ids = [[49406, *range(at % 5), END] for at in range(BATCH + 3)]
    batches = Texts([str(at) for at in range(len(ids))], ids).batches()
    assert [batch.shape for batch in batches] == [(BATCH, 6), (3, 2 + (BATCH + 2) % 5)]
    joined = [row[: len(own)].tolist() for row, own in zip([row for batch in batches for row in batch], ids)]
    assert joined == ids
    assert all((row[len(own) :] == END).all() for row, own in zip(batches[0], ids))
    assert padded(ids, 77).shape == (BATCH + 3, 77)


def test_a_part_counts_for_the_whole() -> None:
    # 1000 texts in two seconds, and an eighth of them in one second.
    assert of_one([2.0], 1000, 1) == [0.002]
    assert of_one([1.0], 1000, 8) == [0.008]


def test_operations_are_those_of_the_paper() -> None:
    # 4.4 billion multiplications and additions for a picture of 224 pixels (Radford et al. 2021, for ViT-B/32).
    assert gemm.operations(1) / 2 == pytest.approx(4.4e9, rel=0.02)
    assert gemm.operations(32) == pytest.approx(32 * gemm.operations(1))


def test_no_two_lists_disagree_about_a_version() -> None:
    pins: dict[str, str] = {}
    for file in HERE.glob("requirements*.txt"):
        for name, version in re.findall(r"^([a-z-]+)==(\S+)$", file.read_text(), re.MULTILINE):
            assert pins.setdefault(name, version) == version, (file, name)
    assert {"numpy", "torch", "onnxruntime"} <= set(pins)


def record(scenario: str, name: str, seconds: float, **check: object) -> dict:
    ratio = [seconds / 0.05] * 3
    return {
        "scenario": scenario,
        "name": name,
        "threads": 2,
        "seconds": seconds,
        "ratio": ratio,
        "rounds": 5,
        "check": check,
    }


@pytest.fixture
def results() -> dict:
    machine = {
        "date": "2026-01-01",
        "cpu": "x",
        "cores": 2,
        "caches": [],
        "system": "",
        "python": "",
        "versions": {},
        "commit": "",
    }
    index = {"PixelPlay": 2.0, "build_index": 4.0, "sentence-transformers": 6.0, "all by sentence-transformers": 60.0}
    records = [record("build index", name, seconds, cosine=0.9999999, note=name) for name, seconds in index.items()]
    records += [record("cold", "PixelPlay", 0.05, peak=3 << 20, own=1 << 20, file=1 << 20, overlap=10)]
    records += [
        record("images, batch 32", "PyTorch", 0.1, cosine=1.0),
        record("images, batch 32", "PixelPlay", 0.05, cosine=0.9999994),
    ]
    return {
        "machine": machine, "command": "", "left_out": {}, "notes": [], "failures": [], "how": {}, "stacks": {}, "records": records,
        "products": {"2": {"rate": gemm.operations(1) / 0.04, "best": 1e9, "by": ["numpy"], "batch": 32}},
    }  # fmt: skip


def test_the_report_says_what_was_measured(results) -> None:
    text = report_encode.markdown(results)
    assert "| **PixelPlay** | 50 ms | 1 | cosine to PyTorch at least 0.999999 |" in text
    assert "| PyTorch | 100 ms | 2 (2-2) | cosine to PyTorch at least 1.000000 |" in text
    # 40 ms at the machine's speed, but 50 and 100 ms measured.
    assert re.search(r"PixelPlay, images, batch 32: \d+ GFLOP/s, 80%\.", text)
    assert re.search(r"PyTorch, images, batch 32: \d+ GFLOP/s, 40%\.", text)
    # From 60 s to 4 s is a factor of 15: 10 for equal sentences, and 1.5 beyond that.
    assert "takes 15.0 times less" in text and "a factor of 10.0 for encoding equal sentences once" in text
    assert "and 1.50 beyond that (3.00 without describing and writing)" in text
    assert text.index("images, batch 32") < text.index("a new process") < text.index("machine's f32 speed")


def test_batches_of_equal_length_are_whole() -> None:
    lengths = [7] * (BATCH + 1) + [9] * (2 * BATCH + 5) + [8] * (BATCH - 1)
    found = alike(lengths)
    assert [lengths[at] for at in found] == [9] * (2 * BATCH) + [7] * BATCH
    assert len({*found}) == len(found)
