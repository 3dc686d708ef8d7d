"""Checks that the figures in the documentation are those of the records."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "benches/record"
# Seconds may be written as ms and µs, bytes as GB and GiB, and shares as per cent.
UNITS = (1, 1e3, 1e6, 1e2, 1e-9, 1e-6, 2**-20, 2**-30)
DECIMAL = re.compile(r"(?<![\w.])\d[\d,]*\.\d+(?!\w)")


def recorded() -> tuple[set[float], set[str]]:
    """Returns the numbers in all JSON records, and those in the Markdown records."""
    numbers: set[float] = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                walk(each)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers.add(float(value))

    for path in RECORDS.glob("*.json"):
        walk(json.loads(path.read_text()))
    written = " ".join(path.read_text() for path in RECORDS.glob("*.md"))
    return numbers, set(DECIMAL.findall(written))


def unrecorded(page: str) -> list[str]:
    """Returns the decimal numbers in tables that no record contains, except in sections that say that no record was
    kept."""
    numbers, written = recorded()
    missing = []
    for section in re.split(r"^#+ ", page, flags=re.MULTILINE):
        if "no record was kept" in " ".join(section.lower().split()):
            continue
        rows = [line for line in section.splitlines() if line.startswith("|")]
        for text in DECIMAL.findall("\n".join(rows)):
            value, places = float(text.replace(",", "")), len(text.split(".")[1])
            near = 0.5001 * 10**-places
            if text not in written and not any(abs(n * unit - value) <= near for n in numbers for unit in UNITS):
                missing.append(f"{section.splitlines()[0]}: {text}")
    return missing


def test_every_figure_is_in_a_record() -> None:
    for page in ("docs/benchmarks.md", "models/pixelplay-mini/README.md"):
        text = (ROOT / page).read_text()
        # The model card's tables of experiments and of OpenCLIP's results are printed by the recipe and not recorded.
        text = re.sub(r"### What was tried.*?^## |### By OpenCLIP.*?^## ", "## ", text, flags=re.MULTILINE | re.DOTALL)
        assert not (missing := unrecorded(text)), missing


def test_a_figure_without_a_record_is_found() -> None:
    assert unrecorded("## Made up\n\n| rows | time |\n|---|---|\n| 10 | 123.45678 ms |\n") == ["Made up: 123.45678"]
    assert unrecorded("## Told\n\nNo record was kept.\n\n| 123.45678 ms |\n") == []
