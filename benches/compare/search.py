"""Compares PixelPlay's search with what people use.

    python benches/compare/search.py --quick       # minutes: 10,000 rows, one thread
    python benches/compare/search.py --record      # hours on a quiet machine: everything, kept in benches/record/

Makes its own virtual environment under target/, builds the wheel of PixelPlay, and prints Markdown. README.md beside
this file says what is measured and how.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import HERE, REPOSITORY, ensure, say, target_folder

INSIDE = "PIXELPLAY_COMPARE_LEFT_OUT"
PROCESSES = 5
SEARCHES = 20


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit code 1: PixelPlay gave another answer than float64 brute force, or could not be measured.",
    )
    add = parser.add_argument
    add("--rows", type=positive, nargs="+", metavar="N", help="sizes of the catalogues (10000 100000 1000000)")
    add("--threads", type=positive, nargs="+", metavar="N", help="numbers of threads (1 2; no more than cores)")
    add("--queries", type=positive, metavar="N", help="different queries, and the size of a batch (256)")
    add("--shapes", nargs="+", choices=["clip", "songs", "uniform"], default=["clip", "songs", "uniform"])
    add("--rivals", nargs="+", metavar="NAME", help="only these, by their names in the table")
    add("--approximate-rows", type=positive, default=100_000, metavar="N", help="graphs up to here only (%(default)s)")
    add("--rounds", type=positive, metavar="N", help="how often everybody has a turn (15)")
    add(
        "--quick", action="store_true", help="10,000 rows, one thread, 64 queries, 5 rounds, where nothing else is said"
    )
    add("--wheel", type=Path, metavar="FILE", help="a wheel of PixelPlay; by default it is built from this repository")
    add("--shared", type=Path, metavar="FOLDER", default=os.environ.get("PIXELPLAY_SHARED", REPOSITORY / "../shared"),
        help="real vectors, songs and photos (PIXELPLAY_SHARED, ../shared); what is missing is skipped")  # fmt: skip
    add("--work", type=Path, metavar="FOLDER", help="environment and vectors; 5 GB at a million rows (target/compare)")
    add("--json", type=Path, metavar="FILE", help="write the results as JSON")
    add("--plot", type=Path, metavar="FILE", help="draw them: .svg or .png")
    add("--record", action="store_true", help="keep them as benches/record/search-CPU-DATE.md, .json and .svg")
    asked = parser.parse_args()
    quick = asked.quick
    asked.rows = sorted(asked.rows or ([10_000] if quick else [10_000, 100_000, 1_000_000]))
    asked.threads = sorted(asked.threads or ([1] if quick else [1, 2]))
    asked.queries = asked.queries or (64 if quick else 256)
    asked.rounds = asked.rounds or (5 if quick else 15)
    if asked.rows[0] < 1000:
        parser.error("--rows: at least 1000; there is nothing to measure in fewer")
    if asked.wheel and not asked.wheel.is_file():
        parser.error(f"--wheel: {asked.wheel} does not exist")
    for file in (asked.json, asked.plot):
        if file and not file.absolute().parent.is_dir():
            parser.error(f"the folder of {file} does not exist")
    asked.work = (asked.work or target_folder() / "compare").absolute()
    asked.shared = Path(asked.shared).absolute()
    return asked


def positive(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise ValueError
    return number


def main() -> int:
    asked = arguments()
    if INSIDE in os.environ:
        return compare(asked, json.loads(os.environ[INSIDE]))
    # The rest needs numpy and PixelPlay, which live in an environment of their own.
    asked.work.mkdir(parents=True, exist_ok=True)
    python, left_out = ensure(asked.work / "venv", asked.wheel)
    environment = {**os.environ, INSIDE: json.dumps(left_out)}
    return subprocess.run([python, __file__, *sys.argv[1:]], env=environment).returncode


def compare(asked: argparse.Namespace, left_out: dict[str, str]) -> int:
    import machine
    import report
    from rivals import RIVALS, PixelPlay

    known = [rival.name for rival in RIVALS]
    if unknown := set(asked.rivals or []) - set(known):
        sys.exit(f"no rival is named {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    threads = [count for count in asked.threads if count <= machine.cores()]
    if not threads:
        sys.exit(f"this machine has {machine.cores()} core(s); ask for no more with --threads")
    packages = [PixelPlay.package, *dict.fromkeys(rival.package for rival in RIVALS)]
    results = {
        "command": shlex.join(["python", "benches/compare/search.py", *without_paths(sys.argv[1:])]),
        "machine": machine.describe(packages, REPOSITORY),
        "queries": asked.queries,
        "bandwidth": {},
        "datasets": [],
        "records": [],
        "opening": [],
        "left_out": left_out,
        "failures": [],
        "notes": [],
    }
    if skipped := sorted(set(asked.threads) - set(threads)):
        results["notes"].append(f"not measured with {skipped} threads: {machine.cores()} core(s) may be used")
    if (load := machine.load()) is not None and load > 0.3:
        note = f"the machine was busy with other work (load {load:.1f} on {machine.cores()} cores): do not quote this"
        results["notes"].append(note)
        say(note)
    names = asked.rivals or [rival.name for rival in RIVALS if rival.package not in left_out]
    with tempfile.TemporaryDirectory(prefix="data-", dir=asked.work) as folder:
        for count in threads:
            say(f"memory bandwidth, {count} thread(s)")
            results["bandwidth"][str(count)] = child(Path(folder, "out.json"), "machine.py", count, threads=1)
        for shape, rows, is_largest in datasets(asked):
            measure(results, asked, Path(folder, f"{shape}-{rows}"), shape, rows, threads, names, is_largest)
    return publish(results, asked, report)


def datasets(asked: argparse.Namespace) -> list[tuple[str, int, bool]]:
    """Shape, rows, and whether to measure there what is measured once: filters, opening, memory, the call itself."""
    vectors = [(shape, rows) for rows in asked.rows for shape in asked.shapes if shape != "songs"]
    # As many as there are; in a quick run the first of them.
    songs = [("songs", asked.rows[0] if asked.quick else 1_000_000)] if "songs" in asked.shapes else []
    largest = next((at for at in vectors if at[1] == asked.rows[-1]), None)
    return [(*at, at == largest) for at in songs + vectors]


def measure(results, asked, folder: Path, shape: str, rows: int, threads: list[int], names, is_largest: bool) -> None:
    """Makes a data set, measures it with each number of threads in a process of its own, and removes it."""
    say(f"{shape}, {rows:,} rows: making vectors, index and float64 answers")
    run("dataset.py", shape, rows, asked.queries, asked.shared, folder, threads=max(threads))
    if (skipped := folder / "skipped.txt").exists():
        results["notes"].append(f"skipped {shape}: {skipped.read_text()}")
        shutil.rmtree(folder)
        return
    about = json.loads((folder / "about.json").read_text())
    about.update(screen(folder / "songs.arrow", about["rows"], about["dim"]))
    results["datasets"].append(about)
    # Graphs are built by the first, so the most threads go first.
    for count in sorted(threads, reverse=True):
        job = {
            "folder": str(folder),
            "threads": count,
            "rivals": names,
            "effort": {"rounds": asked.rounds, "seconds": 20.0 if asked.quick else 60.0},
            # The size nearest to what a server answers at once, and no gigabytes of scores.
            "batch": about["rows"] <= 100_000 and (shape == "songs" or rows == batch_rows(asked.rows)),
            "graphs": about["rows"] <= asked.approximate_rows,
            "scenarios": ["search", *(["filters", "call"] if is_largest else [])],
            "out": str(folder / "result.json"),
        }
        (folder / "job.json").write_text(json.dumps(job))
        found = child(folder / "result.json", "measure.py", folder / "job.json", threads=count, out_last=False)
        results["records"] += found["records"]
        results["left_out"].update(found["left_out"])
        results["failures"] += found["failures"]
        note = "the cores could not be limited here: threads are what each library makes of its setting"
        if not found["cores_limited"] and note not in results["notes"]:
            results["notes"].append(note)
    if is_largest:
        results["opening"] += [opening(folder, about, count) for count in threads]
    if about["rows"] > asked.approximate_rows:
        note = f"graphs are not built above {asked.approximate_rows:,} rows (--approximate-rows)"
        if note not in results["notes"]:
            results["notes"].append(note)
    shutil.rmtree(folder)


def batch_rows(rows: list[int]) -> int:
    return max((count for count in rows if count <= 100_000), default=0)


def screen(path: Path, rows: int, dim: int) -> dict:
    """How many bytes a search reads of every row: the int8 codes with scale and error norm where the index has them."""
    import pyarrow as pa

    with pa.OSFile(str(path)) as file:
        twin = "_pp_codes" in pa.ipc.open_file(file).schema.names
    return {"twin": twin, "screen_bytes": rows * (dim + 8 if twin else dim * 4)}


def opening(folder: Path, about: dict, threads: int) -> dict:
    """New processes that open the index and search; the file is in the page cache, where the searches left it."""
    say(f"{about['shape']}, {about['rows']:,} rows: {PROCESSES} new processes, {threads} thread(s)")
    command = ("probe.py", folder / "songs.arrow", folder / "queries.npy", SEARCHES, threads)
    probes = [child(folder / "probe.json", *command, threads=threads) for _ in range(PROCESSES)]
    medians = {name: statistics.median(probe[name] for probe in probes) for name in probes[0]}
    how = {"shape": about["shape"], "rows": about["rows"], "threads": threads}
    return {**how, "processes": PROCESSES, "searches": SEARCHES, **medians}


def child(out: Path, script: str, *arguments: object, threads: int, out_last: bool = True) -> dict:
    """Runs a script that leaves its result in `out`."""
    out.unlink(missing_ok=True)
    run(script, *arguments, *([out] if out_last else []), threads=threads)
    return json.loads(out.read_text())


def run(script: str, *arguments: object, threads: int) -> None:
    from machine import environment_for

    command = [sys.executable, HERE / script, *map(str, arguments)]
    code = subprocess.run(command, env=environment_for(threads)).returncode
    if code:
        end = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        sys.exit(f"{shlex.join(map(str, command[1:]))} {end}; --rivals leaves libraries out, should one of them crash")


def publish(results: dict, asked: argparse.Namespace, report) -> int:
    text = report.markdown(results)
    print(text)
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n")
    if asked.plot:
        report.plot(results, asked.plot)
    if asked.record:
        folder = REPOSITORY / "benches/record"
        folder.mkdir(exist_ok=True)
        cpu = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", results["machine"]["cpu"].lower())).strip("-")
        name = f"search-{cpu}-{results['machine']['date']}"
        (folder / f"{name}.md").write_text(f"{text}\n![the same as a picture]({name}.svg)\n")
        (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
        report.plot(results, folder / f"{name}.svg")
        say(f"recorded as benches/record/{name}.md")
    for failure in results["failures"]:
        say(f"PixelPlay failed its check: {failure}")
    return 1 if results["failures"] else 0


def without_paths(arguments: list[str]) -> list[str]:
    """The command line to print, without folders of this machine."""
    return [Path(argument).name if os.sep in argument else argument for argument in arguments]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} failed with exit code {error.returncode}; its own words are above")
