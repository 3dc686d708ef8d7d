"""A whole comparison: one data set after another, each measured in its own processes."""

import argparse
import json
import shutil
import statistics
import tempfile
from pathlib import Path

import machine
from child import ChildFailed, child, run
from dataset import Dataset
from environment import REPOSITORY, say
from rivals import RIVALS, PixelPlay

# How many new processes open an index, and how many searches each makes.
PROCESSES = 5
SEARCHES = 20
# A batch is measured at the largest size up to this one. Beyond it, the scores alone would take gigabytes.
BATCH_ROWS = 100_000
ALL_SONGS = 1_000_000


class Comparison:
    def __init__(self, asked: argparse.Namespace, command: str, left_out: dict[str, str]) -> None:
        self.asked = asked
        cores = machine.cores()
        self.threads = [count for count in asked.threads if count <= cores] or [cores]
        installed = [rival.name for rival in RIVALS if rival.package not in left_out]
        self.rivals = [name for name in installed if name in (asked.rivals or installed)]
        packages = [PixelPlay.package, *dict.fromkeys(rival.package for rival in RIVALS)]
        self.results = {
            "command": command,
            "machine": machine.describe(packages, REPOSITORY),
            "queries": asked.queries,
            "how": {
                rival.name: rival.how for rival in [PixelPlay, *RIVALS] if rival.name in {PixelPlay.name, *self.rivals}
            },
            "bandwidth": {},
            "datasets": [],
            "records": [],
            "opening": [],
            "left_out": dict(left_out),
            "failures": [],
            "notes": [],
        }
        for count in sorted(set(asked.threads) - set(self.threads)):
            self.note(f"not measured with {count} threads: {cores} core(s) may be used")

    def note(self, text: str) -> None:
        if text not in self.results["notes"]:
            self.results["notes"].append(text)

    def run(self) -> None:
        others = machine.OtherWork()
        with tempfile.TemporaryDirectory(prefix="data-", dir=self.asked.work) as folder:
            for count in self.threads:
                say(f"memory bandwidth, {count} thread(s)")
                reading = child(Path(folder, "out.json"), "machine.py", count, threads=1)
                self.results["bandwidth"][str(count)] = reading
            for shape, rows in self.datasets():
                self.compare(Path(folder, f"{shape}-{rows}"), shape, rows)
        for note in others.notes():
            self.note(note)

    def datasets(self) -> list[tuple[str, int]]:
        vectors = [(shape, rows) for rows in self.asked.rows for shape in self.asked.shapes if shape != "songs"]
        # All songs, or only the first ones in a quick run.
        songs = self.asked.rows[0] if self.asked.quick else ALL_SONGS
        return [("songs", songs), *vectors] if "songs" in self.asked.shapes else vectors

    def compare(self, folder: Path, shape: str, rows: int) -> None:
        """Creates a data set, measures it, and removes it."""
        say(f"{shape}, {rows:,} rows: creating vectors, index and float64 answers")
        try:
            run("dataset.py", shape, rows, self.asked.queries, self.asked.shared, folder, threads=max(self.threads))
            if (skipped := folder / "skipped.txt").exists():
                self.note(f"skipped {shape}: {skipped.read_text()}")
                return
            data = Dataset(folder)
            self.results["datasets"].append(data.about | screen(data))
            self.measure(data)
        except ChildFailed as error:
            self.results["failures"].append(f"{shape}, {rows:,} rows: {error}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def measure(self, data: Dataset) -> None:
        once = self.is_measured_once(data)
        # The first process builds the graphs, so the highest number of threads comes first.
        for count in sorted(self.threads, reverse=True):
            parts = ["filters"] if once else []
            if once and count == self.threads[0]:
                parts.append("call")
            job = {
                "folder": str(data.folder),
                "threads": count,
                "rivals": self.rivals,
                "effort": {"rounds": self.asked.rounds, "seconds": 20.0 if self.asked.quick else 60.0},
                "batch": data.rows == self.batch_rows() or (data.shape == "songs" and data.rows <= BATCH_ROWS),
                "graphs": data.rows <= self.asked.approximate_rows,
                "scenarios": ["search", *parts],
            }
            (data.folder / "job.json").write_text(json.dumps(job))
            found = child(data.folder / "result.json", "measure.py", data.folder / "job.json", threads=count)
            self.results["records"] += found["records"]
            self.results["left_out"].update(found["left_out"])
            self.results["failures"] += found["failures"]
            if not found["cores_limited"]:
                self.note("cores could not be limited here: the number of threads depends on each library")
            if once:
                self.results["opening"].append(opening(data, count))
        if data.rows > self.asked.approximate_rows:
            self.note(f"graphs are not built above {self.asked.approximate_rows:,} rows (--approximate-rows)")

    def is_measured_once(self, data: Dataset) -> bool:
        """Returns whether filters, opening, memory and the call itself are measured on this data set: only on the first
        of the largest data sets.
        """
        largest = [at for at in self.datasets() if at[0] != "songs" and at[1] == self.asked.rows[-1]]
        return (data.shape, data.rows) in largest[:1]

    def batch_rows(self) -> int:
        return max((rows for rows in self.asked.rows if rows <= BATCH_ROWS), default=0)


def screen(data: Dataset) -> dict:
    """Returns how many bytes a search reads: the int8 codes, scale and two bounds of each row, if the index has them."""
    import pyarrow as pa

    with pa.OSFile(str(data.index_path)) as file:
        twin = "_pp_rotated" in pa.ipc.open_file(file).schema.names
    return {"twin": twin, "screen_bytes": data.rows * (data.dim + 12 if twin else data.dim * 4)}


def opening(data: Dataset, threads: int) -> dict:
    """Measures new processes that open the index and search; the file is in the page cache from earlier searches."""
    say(f"{data.shape}, {data.rows:,} rows: {PROCESSES} new processes, {threads} thread(s)")
    arguments = (data.index_path, data.folder / "queries.npy", SEARCHES, threads)
    probes = [child(data.folder / "probe.json", "probe.py", *arguments, threads=threads) for _ in range(PROCESSES)]
    medians = {name: statistics.median(probe[name] for probe in probes) for name in probes[0]}
    how = {"shape": data.shape, "rows": data.rows, "threads": threads}
    return {**how, "processes": PROCESSES, "searches": SEARCHES, **medians}
