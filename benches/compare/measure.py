"""Measures one data set with one number of threads, in this process alone: `python measure.py JOB.json`.

search.py starts it with the thread settings of every library in its environment, since they are read on import.
"""

import gc
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from data import K, SHARES, Dataset
from machine import allow_cores
from rivals import RIVALS, Graph, LanceDB, Numpy, PixelPlay, Rival, top_k
from timing import Call, Effort, interleave, ratio
from truth import Array, Check, Truth, brute_force, check

# Above this many bytes of vectors the rivals are built one at a time, so that three copies are the most in memory.
TOGETHER = 512 << 20
# Rivals are checked with so many questions asked singly; PixelPlay with all.
CHECKED = 32


class Measurement:
    """What is asked for, and the records of what was found."""

    def __init__(self, job: dict) -> None:
        self.data = Dataset(Path(job["folder"]))
        self.threads: int = job["threads"]
        self.rivals = [rival for rival in RIVALS if rival.name in job["rivals"]]
        self.effort = Effort(**job["effort"])
        self.batch: bool = job["batch"]
        self.graphs: bool = job["graphs"]
        self.records: list[dict] = []
        self.left_out: dict[str, str] = {}
        self.pixelplay = PixelPlay()
        self.pixelplay.build(self.data, self.threads)

    def search(self) -> None:
        """One query, and a batch where it is asked for."""
        data, queries, truth = self.data, self.data.queries, self.data.truth
        ours = self.check_pixelplay()
        times = {"one query": [], "batch": []}
        for group in self.groups():
            subjects = {rival.name: rival for rival in [self.pixelplay, *group]}
            say(f"{self.where()}: {', '.join(rival.name for rival in group) or 'PixelPlay alone'}")
            checks = {}
            for rival in list(group):
                try:
                    singly = self.check(rival, slice(CHECKED), batch=False)
                    checks[rival.name] = {"one query": singly}
                    if self.batch:
                        checks[rival.name]["batch"] = self.check(rival, slice(None), batch=True)
                except Exception as error:  # a rival's fault must not end the comparison
                    self.leave_out(rival.name, error)
                    del subjects[rival.name]
            calls = {name: one_by_one(subject, queries) for name, subject in subjects.items()}
            found = {"one query": interleave(calls, self.effort)}
            if self.batch:
                found["batch"] = interleave({name: at_once(s, queries) for name, s in subjects.items()}, self.effort)
            for scenario, seconds in found.items():
                base = seconds[PixelPlay.name]
                times[scenario] += base
                for rival in group:
                    if rival.name in subjects:
                        answers = checks[rival.name][scenario]
                        self.record(scenario, rival, seconds[rival.name], base, answers)
            del subjects, calls, group
            gc.collect()
        for scenario, seconds in times.items():
            if seconds:
                self.record(scenario, self.pixelplay, seconds, seconds, ours)
        assert len(truth.rows) == len(queries), data.folder

    def groups(self) -> Iterator[list[Rival]]:
        """Rivals, built: all at once, or one at a time where the vectors are many."""
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
        except Exception as error:  # not installed, out of memory, or its own fault
            self.leave_out(kind.name, error)
            return None
        return rival

    def leave_out(self, name: str, error: Exception) -> None:
        self.left_out[name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        say(f"{name} is left out: {self.left_out[name]}")

    def check(self, rival: Rival, which: slice, *, batch: bool) -> Check:
        queries = self.data.queries[which]
        truth = Truth(self.data.truth.rows[which], self.data.truth.scores[which])
        if batch:
            answer = rival.search(queries, K)
        else:
            answer = np.concatenate([rival.search(queries[at : at + 1], K) for at in range(len(queries))])
        return check(answer, truth, self.data.vectors, queries)

    def check_pixelplay(self) -> Check:
        """The rows one by one and in a batch, and every bit of the scores."""
        checks = [self.check(self.pixelplay, slice(None), batch=batch) for batch in (False, True)]
        scores = self.pixelplay.scores(self.data.queries, K)
        if not np.array_equal(scores, self.data.truth.scores):
            difference = np.abs(scores - self.data.truth.scores).max()
            raise SystemExit(f"{self.where()}: scores of PixelPlay differ from float64 brute force by {difference:.3g}")
        return max(checks, key=lambda answers: answers.wrong + answers.near_ties)

    def filters(self) -> None:
        """One query among the rows that pass a filter, against the same without one, and against rivals."""
        data, queries = self.data, self.data.queries
        lance = self.build(LanceDB) if LanceDB in self.rivals else None
        for share in (1, SHARES // 100, SHARES // 2, SHARES):
            kept = np.flatnonzero(data.shares <= share)
            few = queries[:CHECKED]
            truth = brute_force(data.vectors, few, K, kept)
            where = f"duration_ms <= {share}"
            answers = {
                PixelPlay.name: lambda query: self.pixelplay.filtered(query, K, where),
                Numpy.name: lambda query: filtered_by_numpy(data, query, share),
            }
            if lance:
                answers[LanceDB.name] = lambda query: lance.filtered(query, K, f"share <= {share}")
            say(f"{self.where()}: filter that keeps {len(kept):,} of {data.rows:,}")
            checks = {}
            for name, answer in answers.items():
                found = np.full(truth.rows.shape, -1)
                for at, query in enumerate(few):
                    rows = answer(query)[0]
                    found[at, : len(rows)] = rows
                checks[name] = check(found, truth, data.vectors, few)
            # No list of answers to check: `search` has done that.
            answers["PixelPlay, no filter"] = lambda query: self.pixelplay.filtered(query, K, None)
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
        """What a call from Python takes by itself: 16 songs, which take no time to search."""
        import pixelplay as pp

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "few.arrow")
            pp.write_index(path, [str(row) for row in range(16)], self.data.vectors[:16])
            index = pp.SongIndex.open(path)
            queries = self.data.queries
            calls: dict[str, Call] = {
                "search": lambda count: index.search(queries[count % len(queries)], threads=1),
                "search_many, 1 query": lambda count: index.search_many(queries[:1], threads=1),
                f"search_many, {len(queries)} queries": lambda count: index.search_many(queries, threads=1),
            }
            for name, seconds in interleave(calls, self.effort).items():
                self.add(scenario="call", name=name, seconds=statistics.median(seconds), rounds=len(seconds))
            del index, calls

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


def asked_in_turn(answer, queries: Array) -> Call:
    return lambda count: answer(queries[count % len(queries)])


def filtered_by_numpy(data: Dataset, query: Array, share: int) -> Array:
    """The better of two ways: copy the rows that pass where they are few, else score all and strike out the others."""
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
    allowed = allow_cores(job["threads"])
    measurement = Measurement(job)
    for scenario in job["scenarios"]:
        getattr(measurement, scenario)()
    result = {"records": measurement.records, "left_out": measurement.left_out, "cores_limited": allowed}
    Path(job["out"]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
