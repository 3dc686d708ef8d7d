"""Compares PixelPlay's encoder with other ways to run CLIP on a CPU, with the same weights.

    python benches/compare/encode.py --quick       # minutes: one thread, few rounds, the most telling parts
    python benches/compare/encode.py --record      # an hour on a quiet machine: everything, kept in benches/record/

Creates its own virtual environment under target/, a checkpoint with random weights, and the wheel of PixelPlay, and
prints Markdown. README.md next to this file says what is measured and how.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import command
from environment import REPOSITORY, say

# Each part is measured in its own process: its name, and the measurement with its arguments.
PARTS: dict[str, tuple[str, list]] = {
    "images-1": ("images", [1]),
    "images-8": ("images", [8]),
    "images-32": ("images", [32]),
    "texts-1": ("texts", [1, "mixed"]),
    "texts-32": ("texts", [32, "mixed"]),
    "texts-equal": ("texts", [992, "equal"]),
    "texts-mixed": ("texts", [992, "mixed"]),
    "photo": ("photo", []),
    "gemm": ("gemm", []),
    "index": ("index", []),
    "int8": ("int8", []),
    "cold": ("cold", []),
}
QUICK = ["images-1", "images-32", "texts-32", "photo", "gemm"]
# The number of new processes of each stack that go from a photo to songs.
PROCESSES = 5


def arguments() -> argparse.Namespace:
    parser = command.parser(
        __doc__, "Exit code 1: PixelPlay's vectors differ from PyTorch's, or could not be measured."
    )
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, metavar="PART", help=f"measure only these: {', '.join(PARTS)}")
    add(
        "--encoders",
        nargs="+",
        metavar="NAME",
        help="measure only these libraries, named as in the table, next to PixelPlay and PyTorch",
    )
    add("--seconds", type=command.positive, default=40, metavar="N", help="start no new round after N s (%(default)s)")
    add("--quick", action="store_true", help=f"defaults: one thread, 5 rounds, {', '.join(QUICK)}")
    add("--record", action="store_true", help="keep the results as benches/record/encode-CPU-DATE.md, .json and .svg")
    asked = command.parse(parser)
    asked.parts = asked.parts or (QUICK if asked.quick else list(PARTS))
    return asked


def main() -> int:
    asked = arguments()

    def compare(left_out: dict[str, str]) -> int:
        import report_encode

        results = Comparison(asked, left_out).run()
        return command.publish(results, asked, "encode", report_encode.markdown, report_encode.plot)

    return command.run(asked, "requirements-encode.txt", compare)


class Comparison:
    """A whole comparison, part by part."""

    def __init__(self, asked: argparse.Namespace, left_out: dict[str, str]) -> None:
        import machine
        from checkpoint import Checkpoint
        from encoders import ENCODERS, PixelPlay, PixelPlayInt8, PyTorch
        from material import Material
        from measure_encode import has_int8
        from photo import STACKS

        self.asked = asked
        self.checkpoint = Checkpoint(asked.work / "encode/checkpoint")
        self.material = Material(asked.work / "encode/material")
        cores = machine.cores()
        self.threads = [count for count in asked.threads if count <= cores] or [cores]
        known = [kind.name for kind in ENCODERS]
        if unknown := set(asked.encoders or []) - set(known):
            sys.exit(f"unknown encoder {', '.join(sorted(unknown))}; the encoders are {', '.join(known)}")
        there = [
            kind for kind in ENCODERS if kind.package not in left_out and (has_int8() or kind is not PixelPlayInt8)
        ]
        wanted = {PyTorch.name, *(asked.encoders or known)}
        self.encoders = [kind.name for kind in there if kind.name in wanted]
        packages = [
            "pixelplay",
            "torch",
            "transformers",
            "onnxruntime",
            "sentence-transformers",
            "torchvision",
            "pillow",
            "numpy",
        ]
        self.results = {
            "command": command.line(),
            "machine": machine.describe(packages, REPOSITORY),
            "how": {
                kind.name: kind.how for kind in [PixelPlay, *ENCODERS] if kind.name in {"PixelPlay", *self.encoders}
            },
            "stacks": {name: stack.how for name, stack in STACKS.items()},
            "products": {},
            "records": [],
            "left_out": dict(left_out),
            "failures": [],
            "notes": [
                f"not measured with {count} threads: {cores} core(s)"
                for count in set(asked.threads) - set(self.threads)
            ],
        }
        if not has_int8():
            self.results["notes"].append("this PixelPlay has no int8")

    def run(self) -> dict:
        import machine
        from child import ChildFailed

        self.prepare()
        others = machine.OtherWork()
        for threads in sorted(self.threads, reverse=True):
            for part in self.asked.parts:
                try:
                    self.cold(threads) if part == "cold" else self.measure(part, threads)
                except ChildFailed as error:
                    self.results["failures"].append(str(error))
        self.results["notes"] += others.notes()
        return self.results

    def prepare(self) -> None:
        """Returns the checkpoint and the material, creating them if needed."""
        from child import run

        most = max(self.threads)
        if not self.checkpoint.done:
            say("a checkpoint with random weights, in torch's and ONNX's formats")
            run("checkpoint.py", self.asked.shared, self.checkpoint.folder, threads=most)
        if not self.material.done(self.checkpoint):
            say("10,000 songs, pictures and texts")
            run("material.py", self.asked.shared, self.checkpoint.folder, self.material.folder, threads=most)
        if not self.material.done(self.checkpoint):
            sys.exit(f"nothing to encode: {(self.material.folder / 'skipped.txt').read_text()}")

    def measure(self, part: str, threads: int) -> None:
        from child import child

        name, parameters = PARTS[part]
        effort = {"rounds": self.asked.rounds, "seconds": float(self.asked.seconds)}
        job = {
            "part": name,
            "arguments": parameters,
            "checkpoint": str(self.checkpoint.folder),
            "material": str(self.material.folder),
            "threads": threads,
            "encoders": self.encoders,
            "effort": effort,
        }
        with tempfile.TemporaryDirectory(dir=self.asked.work) as folder:
            file = Path(folder, "job.json")
            file.write_text(json.dumps(job))
            found = child(Path(folder, "out.json"), "measure_encode.py", file, threads=threads)
        self.results["records"] += found["records"]
        self.results["left_out"].update(found["left_out"])
        self.results["failures"] += [f"{part}, {threads} thread(s): {failure}" for failure in found["failures"]]
        if found["products"]:
            self.results["products"][str(threads)] = found["products"]

    def cold(self, threads: int) -> None:
        """Measures new processes in turns, from start to end. All files that they read are in the page cache."""
        from child import child
        from photo import STACKS
        from timing import ratio

        say(f"{PROCESSES} new processes of each stack, {threads} thread(s)")
        stacks = [name for name in STACKS if name != "PyTorch, torchvision"]
        found: dict[str, list[dict]] = {name: [] for name in stacks}
        with tempfile.TemporaryDirectory(dir=self.asked.work) as folder:
            paths = (self.checkpoint.folder, self.material.folder, self.material.small_photo)
            # The first process of each stack only fills the page cache.
            for _ in range(PROCESSES + 1):
                for name in stacks:
                    start = time.perf_counter()
                    one = child(Path(folder, "out.json"), "photo.py", name, *paths, threads, threads=threads)
                    found[name].append({**one, "wall": time.perf_counter() - start})
        base = [one["wall"] for one in found["PixelPlay"][1:]]
        for name, all_of_it in found.items():
            kept = all_of_it[1:]
            walls = [one["wall"] for one in kept]
            self.results["records"].append(
                {
                    "scenario": "cold",
                    "name": name,
                    "threads": threads,
                    "seconds": statistics.median(walls),
                    "ratio": ratio(walls, base),
                    "rounds": len(walls),
                    "check": {
                        **{key: statistics.median(one[key] for one in kept) for key in ("peak", "own", "file")},
                        "overlap": len({*kept[0]["rows"]} & {*found["PyTorch"][1]["rows"]}),
                    },
                }
            )


if __name__ == "__main__":
    command.end(main)
