"""Creates the README's benchmark table and plot from the records. See --help."""

import argparse
import json
from pathlib import Path

from report import PIXELPLAY

HELP = """Writes the table between the marks in README.md, and docs/images/benchmark.svg: the time of one exact query
with 512 dimensions, by catalogue size. Each library uses one or two threads, whichever was faster.

  pip install -r benches/compare/requirements.txt
  python benches/compare/front_page.py
"""
ROOT = Path(__file__).resolve().parents[2]
RECORDS = [ROOT / f"benches/record/search-amd-epyc-2026-11-26-{size}.json" for size in ("100k", "1m")]
BEGIN, END = "<!-- benchmark -->\n", "<!-- /benchmark -->"
PLOT = ROOT / "docs/images/benchmark.svg"


def best() -> dict[int, dict[str, float]]:
    """Returns, for each catalogue size, the seconds that each library took with its faster number of threads."""
    found: dict[int, dict[str, float]] = {}
    for path in RECORDS:
        for record in json.loads(path.read_text())["records"]:
            if (record["shape"], record["scenario"]) == ("clip", "one query"):
                times = found.setdefault(record["rows"], {})
                times[record["name"]] = min(record["seconds"], times.get(record["name"], float("inf")))
    return dict(sorted(found.items()))


def table() -> str:
    lines = ["| songs | PixelPlay | fastest other | times faster |", "|---:|---:|---:|---:|"]
    for rows, times in best().items():
        ours = times[PIXELPLAY]
        name, other = min(((n, s) for n, s in times.items() if n != PIXELPLAY), key=lambda pair: pair[1])
        lines.append(f"| {rows:,} | {1e3 * ours:.2g} ms | {1e3 * other:.2g} ms ({name}) | {other / ours:.1f} |")
    return "\n".join(lines) + "\n"


def with_table(readme: str) -> str:
    before, rest = readme.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


def plot(file: Path) -> None:
    import matplotlib

    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "pixelplay", "font.size": 9})
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    found = best()
    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    # A white background, so that the plot can be read on a dark page.
    figure.set_facecolor("white")
    for name in sorted({name for times in found.values() for name in times}, key=lambda n: n != PIXELPLAY):
        points = [(rows, 1e3 * times[name]) for rows, times in found.items() if name in times]
        ours = name == PIXELPLAY
        style = {"color": "#c2185b", "linewidth": 2.5, "zorder": 3} if ours else {"linewidth": 1.2, "alpha": 0.8}
        axes.plot(*zip(*points), marker="o", markersize=4, label=name, **style)
    axes.set(xscale="log", yscale="log", xlabel="songs", ylabel="milliseconds")
    axes.set_title("One exact query, top 10 (lower is better)", fontsize=9)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8, ncols=2)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text()))
    plot(PLOT)


if __name__ == "__main__":
    main()
