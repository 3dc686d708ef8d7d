"""Side-by-side timing: every call has a turn in each round, so disturbances of the machine affect all calls.

Rounds go back and forth, A B C C B A.
"""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# A function that takes the number of the call, by which it picks its query. Its result is discarded.
Call = Callable[[int], object]


@dataclass(frozen=True)
class Effort:
    """How long to measure: the number of rounds, their minimum number, and the seconds after which no new round
    starts."""

    rounds: int = 15
    at_least: int = 3
    seconds: float = 60.0
    # Faster calls are repeated within their turn.
    turn: float = 0.05
    # The rest between two turns. OpenBLAS and OpenMP keep the cores busy for about 30 ms after a call while they wait for
    # the next one. Without a rest, the next call took twice as long with two threads.
    rest: float = 0.1


class Ratio(NamedTuple):
    median: float
    low: float
    high: float


def interleave(calls: Mapping[str, Call], effort: Effort) -> dict[str, list[float]]:
    """Returns the seconds of each call, one number per round: the median of its turn."""
    repeats = {name: repeats_of(call, effort.turn) for name, call in calls.items()}
    times: dict[str, list[float]] = {name: [] for name in calls}
    counts = dict.fromkeys(calls, 0)
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        for done in range(effort.rounds):
            if done >= effort.at_least and time.perf_counter() - start > effort.seconds:
                break
            # Goes back and forth, A B C C B A, so that no call always follows the same one.
            turns = list(calls.items())
            for name, call in reversed(turns) if done % 2 else turns:
                time.sleep(effort.rest)
                # The first call is not timed. It warms the caches that the previous library left cold.
                if repeats[name] > 1:
                    call(counts[name])
                turn = []
                for _ in range(repeats[name]):
                    counts[name] += 1
                    turn.append(seconds(call, counts[name]))
                times[name].append(statistics.median(turn))
    finally:
        gc.enable()
    return times


def repeats_of(call: Call, turn: float) -> int:
    call(0)
    return max(1, min(200, round(turn / max(seconds(call, 1), 1e-9))))


def seconds(call: Call, count: int) -> float:
    start = time.perf_counter()
    call(count)
    return time.perf_counter() - start


def ratio(times: Sequence[float], base: Sequence[float]) -> Ratio:
    """Returns how many times as long as `base` a call takes: the median over the rounds, and its 95 % bootstrap
    interval.
    """
    ratios = np.asarray(times) / np.asarray(base)
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(ratios, (2000, len(ratios))), axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return Ratio(float(np.median(ratios)), float(low), float(high))
