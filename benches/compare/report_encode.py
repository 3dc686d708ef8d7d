"""Formats the results of encode.py as Markdown and as a plot."""

from collections.abc import Iterator
from pathlib import Path

import gemm
from report import PIXELPLAY, draw, duration, head, ours_first, size, table, times

OF_ONE = {"images": "a picture", "texts": "a text", "photo": "a photo", "cold": "a process"}


def markdown(results: dict) -> str:
    parts = [
        head("encoding", results, []),
        *turns(results),
        speed(results),
        *index(results),
        int8(results),
        how(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def scenarios(results: dict) -> dict[str, list[dict]]:
    """Returns the timing records of one kind, grouped by scenario, in the order shown."""
    found: dict[str, list[dict]] = {}
    for kind in OF_ONE:
        for record in results["records"]:
            if record["scenario"].partition(",")[0] == kind:
                found.setdefault(record["scenario"], []).append(record)
    return found


def turns(results: dict) -> Iterator[str]:
    for scenario, records in scenarios(results).items():
        title = scenario.replace("photo, ", "photo to ten songs, everything loaded, ")
        title = title.replace("cold", "photo to ten songs of 10,000, a new process, weights in the page cache")
        yield f"## {title}: time of {OF_ONE[scenario.partition(',')[0]]}"
        yield table(records, [answers(record) for record in ours_first(records)])


def answers(record: dict) -> str:
    check = record["check"]
    words = []
    if "cosine" in check:
        words.append(f"cosine to PyTorch at least {cosine(check['cosine'])}")
    if "overlap" in check:
        words.append(f"{check['overlap']} of PyTorch's 10 songs")
    if "peak" in check:
        words.append(f"peak {size(check['peak'])}; at the end {size(check['own'])} own, {size(check['file'])} of files")
    return "; ".join(words)


def cosine(value: float) -> str:
    return f"{min(value, 1.0):.6f}"


def speed(results: dict) -> str:
    """Returns the share of the machine's speed that PixelPlay reaches."""
    lines = []
    for threads, product in results["products"].items():
        lines.append(
            f"* {threads} thread(s): {product['rate'] / 1e9:.0f} GFLOP/s over the products of a batch of {product['batch']}, each by "
            f"the faster of numpy and torch ({product['best'] / 1e9:.0f} at the best of them)."
        )
        for record in results["records"]:
            if record["scenario"].startswith("images") and record["threads"] == int(threads) and record["name"] in (
                PIXELPLAY, "PyTorch", "ONNX Runtime",
            ):  # fmt: skip
                batch = int(record["scenario"].split()[-1])
                rate = gemm.operations(batch) / (record["seconds"] * batch)
                lines.append(
                    f"  {record['name']}, {record['scenario']}: {rate / 1e9:.0f} GFLOP/s, {rate / product['rate']:.0%}."
                )
    return "\n".join(["## Share of the machine's f32 speed\n", *lines]) if lines else ""


def index(results: dict) -> Iterator[str]:
    records = [record for record in results["records"] if record["scenario"] == "build index"]
    for threads in sorted({record["threads"] for record in records}):
        here = {record["name"]: record for record in records if record["threads"] == threads}
        yield f"## 10,000 songs to an index, {threads} thread(s)"
        lines = ["|  | time | / PixelPlay's `encode_texts` |", "| --- | ---: | ---: |"]
        lines += [
            f"| {record['check']['note']} | {duration(record['seconds'])} | {times(record['ratio'])} |"
            for record in here.values()
        ]
        yield "\n".join(lines)
        everything, different = (
            here[name]["seconds"] for name in ("all by sentence-transformers", "sentence-transformers")
        )
        built, encoded = (here[name]["seconds"] for name in ("build_index", "PixelPlay"))
        yield (
            f"`build_index` takes {everything / built:.1f} times less than sentence-transformers for all sentences: a factor of "
            f"{everything / different:.1f} for encoding equal sentences once, which any program can do, and {different / built:.2f} beyond that "
            f"({different / encoded:.2f} without describing and writing). Cosine of the vectors at least "
            f"{cosine(here['PixelPlay']['check']['cosine'])}."
        )


def int8(results: dict) -> str:
    lines = {
        f"* {record['name']}: cosine of int8 to f32 at least {cosine(record['images'])} for {record['photos']} photos and "
        f"{cosine(record['texts'])} for the songs' sentences; {record['overlap']:.1%} of the ten best songs of a photo stay."
        for record in results["records"]
        if record["scenario"] == "int8"
    }
    return "\n".join(["## What int8 changes\n", *sorted(lines)]) if lines else ""


def how(results: dict) -> str:
    lines = [f"* {name}: {called}" for name, called in results["how"].items()]
    stacks = [f"* {name}: {called}" for name, called in results["stacks"].items()]
    return "\n".join(["## How they were called\n", *lines, "\nFrom photo to songs:\n", *stacks])


def plot(results: dict, file: Path) -> None:
    """Draws one panel per scenario: how many times as long as PixelPlay each library takes."""
    panels = {
        scenario: [record | {"filled": "int8" not in record["name"]} for record in records]
        for scenario, records in scenarios(results).items()
    }
    draw(panels, file, ("f32", "int8"))
