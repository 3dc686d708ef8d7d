"""Code that the commands share: options, the environment they run in, and the output of results."""

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from environment import REPOSITORY, UNDER, ensure, say, target_folder

# Set inside the environment: the packages that could not be installed, as JSON.
INSIDE = "PIXELPLAY_COMPARE_LEFT_OUT"


def parser(doc: str | None, epilog: str) -> argparse.ArgumentParser:
    """Returns a parser with the options of every command."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=epilog)
    add = made.add_argument
    add(
        "--threads", type=positive, nargs="+", metavar="N", help="numbers of threads (1 2; at most the number of cores)"
    )
    add("--rounds", type=positive, metavar="N", help="number of turns for each library (15)")
    add(
        "--wheel", type=Path, metavar="FILE", help="a wheel of PixelPlay; by default, one is built from this repository"
    )
    add("--shared", type=Path, metavar="FOLDER", default=os.environ.get("PIXELPLAY_SHARED", REPOSITORY / "../shared"),
        help="real vectors, songs and photos (PIXELPLAY_SHARED, ../shared); missing parts are skipped")  # fmt: skip
    add(
        "--work",
        type=Path,
        metavar="FOLDER",
        help="folder for the environment and data; needs gigabytes (target/compare)",
    )
    add("--under", metavar="COMMAND", help="start the measuring processes under this command, such as 'nice -n -5'")
    add("--json", type=Path, metavar="FILE", help="write the results as JSON")
    add("--plot", type=Path, metavar="FILE", help="draw the results: .svg or .png")
    return made


def parse(made: argparse.ArgumentParser) -> argparse.Namespace:
    asked = made.parse_args()
    asked.threads = sorted(asked.threads or ([1] if asked.quick else [1, 2]))
    asked.rounds = asked.rounds or (5 if asked.quick else 15)
    if asked.wheel and not asked.wheel.is_file():
        made.error(f"--wheel: {asked.wheel} does not exist")
    if asked.under:
        os.environ[UNDER] = asked.under
    for file in (asked.json, asked.plot):
        if file and not file.absolute().parent.is_dir():
            made.error(f"the folder of {file} does not exist")
    asked.work = (asked.work or target_folder() / "compare").absolute()
    asked.shared = Path(asked.shared).absolute()
    return asked


def positive(text: str) -> int:
    number = int(text.replace("_", "").replace(",", ""))
    if number < 1:
        raise ValueError
    return number


def run(asked: argparse.Namespace, requirements: str, compare: Callable[[dict[str, str]], int]) -> int:
    """Creates the environment and runs `compare` inside it, with the packages that could not be installed."""
    if sys.version_info < (3, 11):
        sys.exit("Python 3.11 or newer is needed for the versions in requirements.txt; run this with a newer Python")
    if INSIDE in os.environ:
        return compare(json.loads(os.environ[INSIDE]))
    # The rest needs numpy and PixelPlay, which are in the environment.
    asked.work.mkdir(parents=True, exist_ok=True)
    python, left_out = ensure(asked.work / "venv", asked.wheel, ["requirements.txt", requirements])
    environment = {**os.environ, INSIDE: json.dumps(left_out)}
    with subprocess.Popen([python, *sys.argv], env=environment) as inside:
        # Ctrl-C reaches the child as well, which removes its files and reports how it ended.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return inside.wait()


def publish(results: dict, asked: argparse.Namespace, kind: str, markdown: Callable, plot: Callable) -> int:
    """Prints the results, stores them if requested, and returns the exit code."""
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1) + "\n")
    text = markdown(results)
    print(text)
    if asked.plot:
        plot(results, asked.plot)
    if asked.record:
        folder = REPOSITORY / "benches/record"
        folder.mkdir(exist_ok=True)
        cpu = re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", results["machine"]["cpu"].lower())).strip("-")
        name = f"{kind}-{cpu}-{results['machine']['date']}"
        (folder / f"{name}.md").write_text(f"{text}\n![the same as a picture]({name}.svg)\n")
        (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
        plot(results, folder / f"{name}.svg")
        say(f"recorded as benches/record/{name}.md")
    for failure in results["failures"]:
        say(f"FAILED: {failure}")
    return 1 if results["failures"] else 0


def line() -> str:
    """Returns the command line to print, without folders of this machine."""
    script = Path(sys.argv[0]).resolve().relative_to(REPOSITORY).as_posix()
    rest = [Path(argument).name if os.sep in argument else argument for argument in sys.argv[1:]]
    return shlex.join(["python", script, *rest])


def end(main: Callable[[], int]) -> None:
    """Runs a command's main function as a program and exits with its code."""
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} failed with exit code {error.returncode}; see its message above")
