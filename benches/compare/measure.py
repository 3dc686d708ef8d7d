"""Measures one data set with one number of threads, in this process alone: `python measure.py JOB.json OUT.json`.

comparison.py starts it with the thread settings of every library in its environment, because they are read on import.
"""

import json
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from dataset import SHARES, Dataset, K
from machine import allow_cores
from rivals import RIVALS, Graph, LanceDB, Numpy, PixelPlay, Rival, top_k
from timing import Call, Effort, interleave, ratio
from truth import Array, Check, Truth, brute_force, check

# The number of rows returned for one query.
Answer = Callable[[Array], Array]
# Above this many bytes of vectors, the rivals are built one at a time, so that at most three copies are in memory.
TOGETHER = 512 << 20
# Rivals are checked with this many single queries, PixelPlay with all of them.
CHECKED = 32


class Measurement:
    """Runs a job, and records its results."""

    def __init__(self, job: dict) -> None:
        self.data = Dataset(Path(job["folder"]))
        self.threads: int = job["threads"]
        self.rivals = [rival for rival in RIVALS if rival.name in job["rivals"]]
        self.effort = Effort(**job["effort"])
        self.batch: bool = job["batch"]
        self.graphs: bool = job["graphs"]
        self.records: list[dict] = []
        self.left_out: dict[str, str] = {}
        # Descriptions of cases in which PixelPlay broke a promise.
        self.failures: list[str] = []
        self.pixelplay = PixelPlay()
        self.pixelplay.build(self.data, self.threads)

    def search(self) -> None:
        """Measures one query, and a batch if requested."""
        ours = self.check_pixelplay()
        base: dict[str, list[float]] = {}
        for group in self.groups():
            for scenario, seconds in self.side_by_side(group).items():
                base.setdefault(scenario, []).extend(seconds)
        for scenario, seconds in base.items():
            self.record(scenario, self.pixelplay, seconds, seconds, ours)

    def side_by_side(self, group: list[Rival]) -> dict[str, list[float]]:
        """Measures and records the rivals of a group. Returns PixelPlay's seconds measured alongside, by scenario."""
        say(f"{self.where()}: {', '.join(rival.name for rival in group) or 'PixelPlay alone'}")
        scenarios = {"one query": one_by_one, "batch": at_once} if self.batch else {"one query": one_by_one}
        base = {}
        for scenario, calls_of in scenarios.items():
            checks = {rival: self.check_rival(rival, scenario) for rival in group}
            there = {rival: answers for rival, answers in checks.items() if answers}
            calls = {rival.name: calls_of(rival, self.data.queries) for rival in [self.pixelplay, *there]}
            seconds = interleave(calls, self.effort)
            base[scenario] = seconds[PixelPlay.name]
            for rival, answers in there.items():
                self.record(scenario, rival, seconds[rival.name], base[scenario], answers)
        return base

    def groups(self) -> Iterator[list[Rival]]:
        """Builds the rivals: all at once, or one at a time if there are many vectors."""
        rivals = [rival for rival in self.rivals if self.graphs or not issubclass(rival, Graph)]
        size = len(rivals) if self.data.vectors.nbytes <= TOGETHER else 1
        for start in range(0, max(1, len(rivals)), max(1, size)):
            group = []
            for rival in rivals[start : start + size]:
                if built := self.build(rival):
                    group.append(built)
                del built
            yield group

    def build(self, kind: type[Rival]) -> Rival | None:
        rival = kind()
        try:
            if issubclass(kind, Graph):
                say(f"{self.where()}: building {kind.name}, which can take minutes")
            rival.build(self.data, self.threads)
        except Exception as error:  # not installed, out of memory, or an error of the rival
            self.leave_out(kind.name, error)
            return None
        return rival

    def leave_out(self, name: str, error: Exception) -> None:
        self.left_out[name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        say(f"{name} is left out: {self.left_out[name]}")

    def check_rival(self, rival: Rival, scenario: str) -> Check | None:
        try:
            return self.check(rival, slice(None) if scenario == "batch" else slice(CHECKED), scenario == "batch")
        except Exception as error:  # an error of a rival must not end the comparison
            self.leave_out(rival.name, error)
            return None

    def check(self, rival: Rival, which: slice, batch: bool) -> Check:
        queries = self.data.queries[which]
        truth = Truth(self.data.truth.rows[which], self.data.truth.scores[which])
        if batch:
            answer = rival.search(queries, K)
        else:
            answer = np.concatenate([rival.search(query[None], K) for query in queries])
        return check(answer, truth, self.data.vectors, queries)

    def check_pixelplay(self) -> Check:
        """Checks the rows of single queries and of a batch, and every bit of the scores."""
        checks = [self.check(self.pixelplay, slice(None), batch) for batch in (False, True)]
        worst = max(checks, key=lambda answers: answers.wrong + answers.near_ties)
        self.must_be_exact(worst, "search")
        scores, truth = self.pixelplay.scores(self.data.queries, K), self.data.truth.scores
        if not np.array_equal(scores, truth):
            self.failures.append(f"{self.where()}: scores differ by up to {np.abs(scores - truth).max():.3g}")
        return worst

    def must_be_exact(self, answers: Check, what: str) -> None:
        if not answers.exact:
            places = answers.wrong + answers.near_ties
            self.failures.append(f"{self.where()}: {what}: {places} of {answers.places} rows differ")

    def filters(self) -> None:
        """Measures one query with a filter, and compares it with the same query without a filter, and with rivals."""
        data, queries = self.data, self.data.queries
        lance = self.build(LanceDB) if LanceDB in self.rivals else None
        for share in (1, SHARES // 100, SHARES // 2, SHARES):
            kept = np.flatnonzero(data.shares <= share)
            few = queries[:CHECKED]
            truth = brute_force(data.vectors, few, K, kept)
            answers: dict[str, Answer] = {
                PixelPlay.name: partial(self.pixelplay.filtered, k=K, where=f"duration_ms <= {share}"),
                Numpy.name: partial(filtered_by_numpy, data=data, share=share),
            }
            if lance:
                answers[LanceDB.name] = partial(lance.filtered, k=K, where=f"share <= {share}")
            say(f"{self.where()}: filter that keeps {len(kept):,} of {data.rows:,}")
            checks = {}
            for name, answer in answers.items():
                found = np.full(truth.rows.shape, -1)
                for at, query in enumerate(few):
                    rows = answer(query)[0]
                    found[at, : len(rows)] = rows
                checks[name] = check(found, truth, data.vectors, few)
            self.must_be_exact(checks[PixelPlay.name], f"filter that keeps {len(kept)}")
            answers["PixelPlay, no filter"] = partial(self.pixelplay.filtered, k=K, where=None)
            calls = {name: asked_in_turn(answer, queries) for name, answer in answers.items()}
            times = interleave(calls, self.effort)
            for name, seconds in times.items():
                self.add(
                    scenario="filter",
                    name=name,
                    kept=len(kept) / data.rows,
                    seconds=statistics.median(seconds),
                    ratio=ratio(seconds, times[PixelPlay.name]),
                    rounds=len(seconds),
                    check=described(checks.get(name)),
                )

    def call(self) -> None:
        """Measures the overhead of a call from Python: searching 16 songs takes practically no time."""
        import pixelplay as pp

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "few.arrow")
            pp.write_index(path, [str(row) for row in range(16)], self.data.vectors[:16])
            index = pp.SongIndex.open(path)
            queries = self.data.queries
            calls: dict[str, Call] = {
                "search": lambda count: index.search(queries[count % len(queries)], threads=self.threads),
                "search_many, 1 query": lambda count: index.search_many(queries[:1], threads=self.threads),
                f"search_many, {len(queries)} queries": lambda count: index.search_many(queries, threads=self.threads),
            }
            for name, seconds in interleave(calls, self.effort).items():
                self.add(scenario="call", name=name, seconds=statistics.median(seconds), rounds=len(seconds))

    def record(self, scenario: str, rival: Rival, seconds: list[float], base: list[float], answers: Check) -> None:
        self.add(
            scenario=scenario,
            name=rival.name,
            exact=rival.exact,
            seconds=statistics.median(seconds),
            ratio=ratio(seconds, base),
            rounds=len(seconds),
            build_seconds=rival.build_seconds,
            check=described(answers),
        )

    def add(self, **record: object) -> None:
        about = self.data.about
        self.records.append({"shape": about["shape"], "rows": about["rows"], "threads": self.threads, **record})

    def where(self) -> str:
        return f"{self.data.about['shape']}, {self.data.rows:,} rows, {self.threads} thread(s)"


def one_by_one(subject: Rival, queries: Array) -> Call:
    return lambda count: subject.search(queries[count % len(queries)][None], K)


def at_once(subject: Rival, queries: Array) -> Call:
    return lambda _: subject.search(queries, K)


def asked_in_turn(answer: Answer, queries: Array) -> Call:
    return lambda count: answer(queries[count % len(queries)])


def filtered_by_numpy(query: Array, data: Dataset, share: int) -> Array:
    """Uses the better of two methods: copies the rows that pass if they are few; otherwise scores all rows and removes
    others."""
    passes = data.shares <= share
    kept = np.flatnonzero(passes)
    if len(kept) < data.rows // 10:
        return kept[top_k((data.vectors[kept] @ query)[None], K)]
    return top_k(np.where(passes, data.vectors @ query, -np.inf)[None], K)


def described(answers: Check | None) -> dict | None:
    return None if answers is None else asdict(answers)


def say(text: str) -> None:
    print(f"compare: {text}", file=sys.stderr, flush=True)


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # search.py reports that it was stopped
    allowed = allow_cores(job["threads"])
    measurement = Measurement(job)
    for scenario in job["scenarios"]:
        getattr(measurement, scenario)()
    result = {
        "records": measurement.records,
        "left_out": measurement.left_out,
        "failures": measurement.failures,
        "cores_limited": allowed,
    }
    Path(sys.argv[2]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
