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
import signal
import subprocess
import sys
from pathlib import Path

from environment import REPOSITORY, ensure, say, target_folder

# Set where the environment is there; what could not be installed, as JSON.
INSIDE = "PIXELPLAY_COMPARE_LEFT_OUT"


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
    add(
        "--work",
        type=Path,
        metavar="FOLDER",
        help="environment and vectors; at a million rows 5 GB and more (target/compare)",
    )
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
    if sys.version_info < (3, 11):
        sys.exit("Python 3.11 or newer is needed for the versions in requirements.txt; run it with that one")
    if INSIDE in os.environ:
        return compare(asked, json.loads(os.environ[INSIDE]))
    # The rest needs numpy and PixelPlay, which live in an environment of their own.
    asked.work.mkdir(parents=True, exist_ok=True)
    python, left_out = ensure(asked.work / "venv", asked.wheel)
    environment = {**os.environ, INSIDE: json.dumps(left_out)}
    with subprocess.Popen([python, __file__, *sys.argv[1:]], env=environment) as inside:
        # Ctrl-C reaches the other one too, which removes its files and says how it ended.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return inside.wait()


def compare(asked: argparse.Namespace, left_out: dict[str, str]) -> int:
    from comparison import Comparison
    from rivals import RIVALS

    known = [rival.name for rival in RIVALS]
    if unknown := set(asked.rivals or []) - set(known):
        sys.exit(f"no rival is named {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    command = shlex.join(["python", "benches/compare/search.py", *without_paths(sys.argv[1:])])
    comparison = Comparison(asked, command, left_out)
    comparison.run()
    return publish(comparison.results, asked)


def publish(results: dict, asked: argparse.Namespace) -> int:
    import report

    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n")
    text = report.markdown(results)
    print(text)
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
        say(f"FAILED: {failure}")
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
