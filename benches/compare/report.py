"""Formats the results as Markdown and as a plot."""

from collections.abc import Iterable, Iterator
from pathlib import Path

PIXELPLAY = "PixelPlay"


def markdown(results: dict) -> str:
    parts = [heading(results), *searches(results), *filters(results), *opening(results), *calls(results), how(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def heading(results: dict) -> str:
    about = []
    for threads, reading in results["bandwidth"].items():
        speed = f"{reading['bytes_a_second'] / 1e9:.1f} GB/s"
        about.append(f"memory read with {threads} thread(s): {speed} ({reading['reader']}, 1 GiB each)")
    for data in results["datasets"]:
        peak = f"; made with {size(data['writing_peak'])} of memory at most, mapped files included"
        about.append(f"{data['shape']}, {data['rows']:,} rows: {data['note']}{peak}")
    return head("search", results, about)


def head(subject: str, results: dict, about: list[str]) -> str:
    """Returns where and how the results were measured, and what went wrong."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    lines = [
        f"# PixelPlay and what people use: {subject}\n",
        f"* {machine['date']}, {machine['cpu']}, {machine['cores']} core(s) used at most, {', '.join(machine['caches'])}",
        f"* {machine['system']}, Python {machine['python']}, commit {machine['commit']}",
        f"* {versions}",
        f"* `{results['command']}`",
    ]
    lines += [f"* {line}" for line in about]
    lines += [f"* left out: {name}: {reason}" for name, reason in results["left_out"].items()]
    lines += [f"* {note}" for note in results["notes"]]
    lines += [f"* **failed**: {failure}" for failure in results["failures"]]
    return "\n".join(lines)


def searches(results: dict) -> Iterator[str]:
    for scenario in ("one query", "batch"):
        records = [record for record in results["records"] if record["scenario"] == scenario]
        for shape, rows in dict.fromkeys((record["shape"], record["rows"]) for record in records):
            here = [record for record in records if (record["shape"], record["rows"]) == (shape, rows)]
            what = "one query" if scenario == "one query" else f"a batch of {results['queries']} queries"
            yield f"## {shape}, {rows:,} rows: {what}"
            yield table(here, [answers(record) for record in ours_first(here)])
            if scenario == "one query":
                yield reading(results, here)


def table(records: list[dict], last: list[str]) -> str:
    """Returns one line per library, with its time and ratio for each number of threads; `last` is the last column."""
    threads = sorted({record["threads"] for record in records})
    header = ["", *(text for count in threads for text in (f"{count} thread(s)", "/ PixelPlay")), "answers"]
    lines = [header, ["---", *["---:"] * (2 * len(threads)), "---"]]
    names = list(dict.fromkeys(record["name"] for record in ours_first(records)))
    last_of = {record["name"]: text for record, text in zip(ours_first(records), last)}
    for name in names:
        cells = []
        for count in threads:
            found = [record for record in records if (record["name"], record["threads"]) == (name, count)]
            cells += [duration(found[0]["seconds"]), times(found[0]["ratio"])] if found else ["-", "-"]
        lines.append([f"**{name}**" if name == PIXELPLAY else name, *cells, last_of[name]])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ours_first(records: Iterable[dict]) -> list[dict]:
    return sorted(records, key=lambda record: record["name"] != PIXELPLAY)


def answers(record: dict) -> str:
    check = record["check"]
    if check is None:
        return ""
    if record["name"] == PIXELPLAY:
        differ = check["wrong"] + check["near_ties"]
        return "those of float64 brute force, ties too" if not differ else f"**{differ} of {check['places']} differ**"
    if record.get("exact", True):
        text = f"{check['near_ties']} of {check['places']} in another order (f64 scores within 1e-6)"
        return (text if check["near_ties"] else f"the same {check['places']}") + (
            f", **{check['wrong']} wrong**" if check["wrong"] else ""
        )
    built = record.get("build_seconds")
    return f"recall@10 {check['recall']:.3f}" + (f", built in {duration(built)}" if built else "")


def reading(results: dict, records: list[dict]) -> str:
    """Returns the share of the memory bandwidth that PixelPlay's screen reaches."""
    lines = []
    for record in sorted(records, key=lambda record: record["threads"]):
        bandwidth = results["bandwidth"].get(str(record["threads"]))
        if record["name"] != PIXELPLAY or not bandwidth:
            continue
        about = next(a for a in results["datasets"] if (a["shape"], a["rows"]) == (record["shape"], record["rows"]))
        speed = about["screen_bytes"] / record["seconds"]
        share = speed / bandwidth["bytes_a_second"]
        lines.append(
            f"{record['threads']} thread(s) {speed / 1e9:.1f} GB/s, {share:.0%} of the memory's{' (from a cache)' if share > 1 else ''}"
        )
    if not lines:
        return ""
    kind = "quantized vectors" if about["twin"] else "f32 vectors, not quantized"
    return f"PixelPlay's screen reads {about['screen_bytes'] / 1e6:,.0f} MB ({kind}): {'; '.join(lines)}."


def filters(results: dict) -> Iterator[str]:
    records = [record for record in results["records"] if record["scenario"] == "filter"]
    for kept in dict.fromkeys(record["kept"] for record in records):
        here = [record for record in records if record["kept"] == kept]
        yield f"## {here[0]['shape']}, {here[0]['rows']:,} rows: one query, a filter keeps {significant(100 * kept)} %"
        yield table(here, [answers(record) for record in ours_first(here)])


def opening(results: dict) -> Iterator[str]:
    for probe in sorted(results["opening"], key=lambda probe: probe["threads"]):
        yield f"## {probe['shape']}, {probe['rows']:,} rows: a new process, {probe['threads']} thread(s)"
        yield (
            f"`import pixelplay` {duration(probe['import'])} (numpy was already imported), open {duration(probe['open'])}, first answer "
            f"{duration(probe['first'])}; a query after that {duration(probe['warm'])}. The file was in the page "
            f"cache and is mapped. Medians of {probe['processes']} processes."
        )
        yield (
            f"After {probe['searches']} searches the process holds {size(probe['own'])} more of its own (RssAnon) than "
            f"before opening, and {size(probe['file'])} more of mapped files (RssFile), which it shares; in all "
            f"{size(probe['whole_own'])} and {size(probe['whole_file'])}."
        )


def calls(results: dict) -> Iterator[str]:
    records = [record for record in results["records"] if record["scenario"] == "call"]
    if records:
        found = ", ".join(f"`{record['name']}` {duration(record['seconds'])}" for record in records)
        yield "## The call from Python by itself"
        yield f"An index of 16 songs, {records[0]['threads']} thread(s): {found}."


def how(results: dict) -> str:
    lines = [f"* {name}: {called}" for name, called in results["how"].items()]
    return "\n".join(["## How they were called\n", *lines])


def duration(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 0.9995:
            return f"{significant(seconds * factor)} {unit}"
    return f"{significant(seconds * 1e6)} µs"


def significant(number: float) -> str:
    """Formats a number with three significant digits, or with all digits before the point if there are more."""
    return f"{number:.0f}" if abs(number) >= 99.95 else f"{number:.3g}"


def times(ratio: list[float]) -> str:
    median, low, high = ratio
    return "1" if low == high == 1 else f"{significant(median)} ({significant(low)}-{significant(high)})"


def size(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"


def plot(results: dict, file: Path) -> None:
    """Draws one panel per data set and scenario: how many times as long as PixelPlay each library takes."""
    records = [record for record in results["records"] if record["scenario"] in ("one query", "batch")]
    panels: dict[str, list[dict]] = {}
    for record in sorted(records, key=lambda record: record["scenario"] == "batch"):
        title = f"{record['shape']}, {record['rows']:,} rows, {record['scenario']}"
        panels.setdefault(title, []).append(record | {"filled": record["exact"]})
    draw(panels, file, ("exact", "approximate"))


def draw(panels: dict[str, list[dict]], file: Path, kinds: tuple[str, str]) -> None:
    """Draws the ratios of records, by panel. `kinds` has the names of filled and hollow marks."""
    import matplotlib

    # Text is stored as text, and the same results produce the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "pixelplay", "font.size": 8})
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rivals = {title: [r for r in records if r["name"] != PIXELPLAY] for title, records in panels.items()}
    names = list(dict.fromkeys(record["name"] for records in rivals.values() for record in records))
    counts = sorted({record["threads"] for records in panels.values() for record in records})
    if not names:
        return
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        lines,
        columns,
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
        figsize=(2.6 * columns + 1, (0.2 * len(names) + 0.6) * lines + 0.6),
    )
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (title, here) in zip(axes.flat, rivals.items()):
        draw_ratios(axis, here, names, counts, kinds)
        axis.axvline(1, color="grey", lw=0.8)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.tick_params(labelbottom=True)
        axis.set_title(title, fontsize=8)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].invert_yaxis()
    figure.supxlabel("time / PixelPlay's time (right of 1: PixelPlay is faster)", fontsize=8)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
    plt.close(figure)


def draw_ratios(axis, records: list[dict], names: list[str], counts: list[int], kinds: tuple[str, str]) -> None:
    for place, count in enumerate(counts):
        for filled, kind in zip((True, False), kinds):
            drawn = [record for record in records if record["threads"] == count and record["filled"] == filled]
            median, low, high = zip(*(record["ratio"] for record in drawn)) if drawn else ((), (), ())
            axis.errorbar(
                median,
                [names.index(record["name"]) + 0.25 * (place - (len(counts) - 1) / 2) for record in drawn],
                xerr=[[m - x for m, x in zip(median, low)], [x - m for m, x in zip(median, high)]],
                fmt="o",
                ms=4,
                lw=1,
                color=f"C{place}",
                mfc=f"C{place}" if filled else "white",
                label=f"{count} thread(s), {kind}",
            )
