"""Tests of the comparison's arithmetic: which answers count as right, and which times as faster."""

import front_page
import numpy as np
import pytest
from report import duration, times
from timing import Effort, interleave, ratio
from truth import CHUNK, Truth, brute_force, check, dots

K = 10
# The first and last rows of the chunks that brute force processes.
TIED = [0, CHUNK - 1, CHUNK, 2 * CHUNK - 1, 69_999]


def unit_vectors(rows: int, dim: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((rows, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    made = unit_vectors(70_000, 24, seed=1)
    made[TIED] = made[9]
    return made


@pytest.fixture(scope="module")
def queries(vectors: np.ndarray) -> np.ndarray:
    return np.concatenate([vectors[:1], unit_vectors(3, 24, seed=2)])


@pytest.fixture(scope="module")
def truth(vectors: np.ndarray, queries: np.ndarray) -> Truth:
    return brute_force(vectors, queries, K)


@pytest.mark.parametrize("rows", [K, 1000, CHUNK, 70_000])
def test_brute_force_is_a_sort_of_all_scores(rows, vectors, queries) -> None:
    found = brute_force(vectors[:rows], queries, K)
    for query, best, scores in zip(queries, found.rows, found.scores):
        everything = dots(vectors[:rows], query)
        np.testing.assert_array_equal(best, np.argsort(-everything, kind="stable")[:K])
        np.testing.assert_array_equal(scores, everything[best])


def test_ties_are_in_the_order_of_rows(truth) -> None:
    assert truth.rows[0, :6].tolist() == sorted([9, *TIED])


def test_dots_sum_as_documented() -> None:
    a, b = unit_vectors(2, 37, seed=3)
    sums = [0.0] * 16
    for at, (x, y) in enumerate(zip(a.tolist(), b.tolist())):
        sums[at % 16] += x * y
    while len(sums) > 1:
        half = len(sums) // 2
        sums = [x + y for x, y in zip(sums[:half], sums[half:])]
    assert dots(a, b) == sums[0]
    assert abs(dots(a, b) - a.astype(np.float64) @ b.astype(np.float64)) < 1e-15


def test_fewer_rows_than_asked_for(vectors, queries) -> None:
    few = brute_force(vectors, queries, K, keep=np.array([5, 9, CHUNK]))
    assert few.rows[0, :3].tolist() == [9, CHUNK, 5]
    assert (few.rows[:, 3:] == -1).all() and np.isnan(few.scores[:, 3:]).all()
    assert check(few.rows, few, vectors, queries).exact


def test_the_truth_passes(vectors, queries, truth) -> None:
    found = check(truth.rows, truth, vectors, queries)
    assert (found.exact, found.places, found.recall) == (True, 4 * K, 1.0)


def test_a_wrong_row_is_caught(vectors, queries, truth) -> None:
    answer = truth.rows.copy()
    answer[2, K - 1] = np.argmin(dots(vectors, queries[2]))
    found = check(answer, truth, vectors, queries)
    assert (found.wrong, found.near_ties) == (1, 0)
    assert found.recall == pytest.approx(1 - 1 / (4 * K))


def test_ties_in_another_order_are_no_exact_answer(vectors, queries, truth) -> None:
    answer = truth.rows.copy()
    answer[0, [0, 1]] = answer[0, [1, 0]]
    found = check(answer, truth, vectors, queries)
    assert (found.wrong, found.near_ties, found.exact, found.recall) == (0, 2, False, 1.0)


def test_the_order_counts(vectors, queries, truth) -> None:
    answer = truth.rows.copy()
    answer[1, [0, 9]] = answer[1, [9, 0]]
    found = check(answer, truth, vectors, queries)
    assert (found.wrong, found.recall) == (2, 1.0)


def test_the_same_row_twice_is_wrong(vectors, queries, truth) -> None:
    answer = truth.rows.copy()
    answer[0, 1] = answer[0, 0]  # its score is right
    found = check(answer, truth, vectors, queries)
    assert found.wrong == 1 and found.recall < 1


def test_a_missing_row_is_wrong(vectors, queries, truth) -> None:
    answer = truth.rows.copy()
    answer[3, K - 1] = -1
    assert check(answer, truth, vectors, queries).wrong == 1
    with pytest.raises(ValueError, match="shape"):
        check(answer[:, 1:], truth, vectors, queries)


def test_ratios_are_paired() -> None:
    # The machine was slow in the second round, for both calls.
    assert ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == (2.0, 2.0, 2.0)
    median, low, high = ratio([1.0, 2.0, 3.0, 4.0, 5.0], [1.0] * 5)
    assert median == 3 and 1 <= low < median < high <= 5


def test_every_round_has_every_call_there_and_back() -> None:
    order: list[str] = []
    calls = {name: lambda _, name=name: order.append(name) for name in "ab"}
    # The turn is too short for a second call.
    found = interleave(calls, Effort(rounds=4, turn=0.0, rest=0.0))
    assert {name: len(seconds) for name, seconds in found.items()} == {"a": 4, "b": 4}
    assert order[-8:] == list("abbaabba")


def test_numbers_are_printed_with_three_digits() -> None:
    assert [duration(seconds) for seconds in (1234, 0.9999, 0.012345, 9.999e-4, 1e-6)] == [
        "1234 s",
        "1 s",
        "12.3 ms",
        "1 ms",
        "1 µs",
    ]
    assert times([1.0, 1.0, 1.0]) == "1" and times([12.34, 9.876, 123.4]) == "12.3 (9.88-123)"


def test_the_front_page_says_what_the_records_say() -> None:
    readme = (front_page.ROOT / "README.md").read_text()
    assert front_page.with_table(readme) == readme, "run benches/compare/front_page.py"
    ours = {rows: times[front_page.PIXELPLAY] for rows, times in front_page.best().items()}
    assert list(ours) == [10_000, 100_000, 1_000_000]
    assert all(times[name] >= ours[rows] for rows, times in front_page.best().items() for name in times)
