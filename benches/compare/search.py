"""Compares PixelPlay's search with other libraries.

    python benches/compare/search.py --quick       # minutes: 10,000 rows, one thread
    python benches/compare/search.py --record      # hours on a quiet machine: everything, kept in benches/record/

Creates its own virtual environment under target/, builds the wheel of PixelPlay, and prints Markdown. README.md next to
this file says what is measured and how.
"""

import argparse
import sys

import command
from command import positive


def arguments() -> argparse.Namespace:
    parser = command.parser(
        __doc__, "Exit code 1: an answer of PixelPlay differs from float64 brute force, or could not be measured."
    )
    add = parser.add_argument
    add("--rows", type=positive, nargs="+", metavar="N", help="sizes of the catalogues (10000 100000 1000000)")
    add("--queries", type=positive, metavar="N", help="number of different queries, and size of a batch (256)")
    add("--shapes", nargs="+", choices=["clip", "songs", "uniform"], default=["clip", "songs", "uniform"])
    add("--rivals", nargs="+", metavar="NAME", help="measure only these libraries, named as in the table")
    add(
        "--approximate-rows",
        type=positive,
        default=100_000,
        metavar="N",
        help="build graphs only up to this many rows (%(default)s)",
    )
    add("--quick", action="store_true", help="defaults: 10,000 rows, one thread, 64 queries, 5 rounds")
    add("--record", action="store_true", help="keep the results as benches/record/search-CPU-DATE.md, .json and .svg")
    asked = command.parse(parser)
    asked.rows = sorted(asked.rows or ([10_000] if asked.quick else [10_000, 100_000, 1_000_000]))
    asked.queries = asked.queries or (64 if asked.quick else 256)
    if asked.rows[0] < 1000:
        parser.error("--rows: at least 1000; fewer are too quick to measure")
    return asked


def main() -> int:
    asked = arguments()

    def compare(left_out: dict[str, str]) -> int:
        import report
        from comparison import Comparison
        from rivals import RIVALS

        known = [rival.name for rival in RIVALS]
        if unknown := set(asked.rivals or []) - set(known):
            sys.exit(f"no rival is named {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        comparison = Comparison(asked, command.line(), left_out)
        comparison.run()
        return command.publish(comparison.results, asked, "search", report.markdown, report.plot)

    return command.run(asked, "requirements-search.txt", compare)


if __name__ == "__main__":
    command.end(main)
