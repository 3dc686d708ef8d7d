"""Measures one part with one number of threads, in this process alone: `python measure_encode.py JOB.json OUT.json`.

encode.py starts it with the thread settings of every library in its environment, because they are read on import.
"""

import json
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import gemm
import numpy as np
from checkpoint import Checkpoint
from encoders import ENCODERS, Encoder, PixelPlay, PixelPlayInt8, PyTorch, Texts, cosines, load, unit
from environment import say
from machine import allow_cores
from material import Material
from photo import STACKS
from rivals import top_k
from timing import Call, Effort, interleave, ratio
from truth import Array

K = 10
# The minimum cosine between PixelPlay's and PyTorch's vectors.
AGREE = 0.99999
# At 77 tokens every text costs the same, so one batch shows the cost of the others.
PART = 31
# The number of rounds for calls that take seconds.
SLOW_ROUNDS = 3
# sentence-transformers embeds the sentences of every `SAMPLE`th song.
SAMPLE = 100


class Measurement:
    def __init__(self, job: dict) -> None:
        self.checkpoint = Checkpoint(Path(job["checkpoint"]))
        self.material = Material(Path(job["material"]))
        self.threads: int = job["threads"]
        self.encoders = [kind for kind in ENCODERS if kind.name in job["encoders"]]
        self.effort = Effort(**job["effort"])
        self.records: list[dict] = []
        self.left_out: dict[str, str] = {}
        # Descriptions of cases in which PixelPlay broke a promise.
        self.failures: list[str] = []
        self.products: dict = {}

    def images(self, batch: int) -> None:
        pictures = self.material.pictures.first(batch)
        encoders = self.loaded()
        checks = self.checked({name: encoder.images(pictures) for name, encoder in encoders.items()})
        calls: dict[str, Call] = {
            name: lambda _, encoder=encoder: encoder.images(pictures) for name, encoder in encoders.items()
        }
        self.take_turns(f"images, batch {batch}", calls, checks, batch)

    def texts(self, batch: int, which: str) -> None:
        """Measures `batch` texts per call; each call with a small batch gets different ones."""
        texts: Texts = getattr(self.material, which)
        encoders = self.loaded()
        checked = texts.slice(0, 256)
        ways: dict[str, tuple[Callable[[Texts], Array], int]] = {}
        for name, encoder in encoders.items():
            ways[name] = (encoder.texts, 1)
            if (way := encoder.padded_texts()) and encoder.exact:
                ways[f"{name}, 77 tokens"] = (way, PART if batch > 256 else 1)
        checks = self.checked({name: way(checked.slice(0, 64)) for name, (way, _) in ways.items()})

        def call(way: Callable[[Texts], Array], part: int) -> Call:
            size = min(batch, len(texts.ids)) // part
            # Each call gets different texts, until all have been used.
            starts = max(1, len(texts.ids) // size)
            return lambda count: way(texts.slice(at := count % starts * size, at + size))

        calls = {name: call(way, part) for name, (way, part) in ways.items()}
        parts = {name: part for name, (_, part) in ways.items()}
        size = min(batch, len(texts.ids))
        what = {"mixed": "", "equal": " of equal length"}[which]
        self.take_turns(f"texts, batch {size}{what}", calls, checks, size, parts)

    def photo(self) -> None:
        """Measures the path from a file to the ten best songs, with everything loaded."""
        for path in (self.material.small_photo, self.material.large_photo):
            stacks = self.built(STACKS)
            answers = {name: stack.answer(path) for name, stack in stacks.items()}
            checks = self.checked({name: vector[None] for name, (vector, _) in answers.items()}, agree=0.9999)
            for name, (_, ids) in answers.items():
                checks[name]["overlap"] = len({*ids} & {*answers[PyTorch.name][1]})
            calls: dict[str, Call] = {name: asked(stack, path) for name, stack in stacks.items()}
            self.take_turns(f"photo, {path.stem.removeprefix('photo-')}", calls, checks, 1)

    def built(self, stacks: dict) -> dict:
        found = {}
        for name, kind in stacks.items():
            try:
                found[name] = kind(self.checkpoint, self.material, self.threads)
            except Exception as error:
                self.leave_out(name, error)
        return found

    def index(self) -> None:
        """Measures turning 10,000 songs into vectors: with all sentences, most of which many songs share, and with only
        the distinct ones.
        """
        import pixelplay as pp
        from sentence_transformers import SentenceTransformer

        sentences = [sentence for song in self.material.sentences for sentence in song]
        different = list(dict.fromkeys(sentences))
        sample = [sentence for song in self.material.sentences[::SAMPLE] for sentence in song]
        encoder = load(PixelPlay, self.checkpoint, self.threads).encoder
        model = SentenceTransformer(str(self.checkpoint.model), device="cpu")
        songs = pyarrow_table(self.material.songs)
        few = different[:64]
        encode = lambda texts: model.encode(texts, batch_size=32, show_progress_bar=False)  # noqa: E731
        ours, theirs = np.asarray(encoder.encode_texts(few)), encode(few)
        check = {"cosine": float(cosines(ours, theirs).min())}
        with tempfile.TemporaryDirectory() as folder:
            calls: dict[str, Call] = {
                "PixelPlay": lambda _: encoder.encode_texts(different),
                "sentence-transformers": lambda _: encode(different),
                "build_index": lambda _: pp.build_index(songs, Path(folder, "songs.arrow"), encoder=encoder),
                "sample": lambda _: encode(sample),
            }
            times = few_turns(calls, self.effort.rest, rounds=1)
        scale = len(sentences) / len(sample)
        times["all by sentence-transformers"] = [seconds * scale for seconds in times.pop("sample")]
        notes = {
            "PixelPlay": f"`encode_texts`, the {len(different):,} different sentences",
            "sentence-transformers": f"`SentenceTransformer(path).encode(batch_size=32)`, the {len(different):,} different ones",
            "build_index": f"PixelPlay, {len(self.material.sentences):,} songs described, encoded, written",
            "all by sentence-transformers": f"all {len(sentences):,} sentences, repeats too; those of every {SAMPLE}th song "
            f"measured ({len(sample):,}), times {scale:.2f}",
        }
        for name, seconds in times.items():
            self.add("build index", name, seconds, times["PixelPlay"], check | {"note": notes[name]})

    def int8(self) -> None:
        """Measures how int8 changes the results: cosines to f32, and how many of a photo's ten best songs stay the
        same."""
        import pixelplay as pp

        if PixelPlayInt8.name not in {kind.name for kind in self.encoders}:
            return
        photos = [*map(Path, json.loads((self.material.folder / "photos.json").read_text()))]
        texts = list(dict.fromkeys(sentence for song in self.material.sentences for sentence in song))
        for name, arguments in {"random ViT-B/32": [self.checkpoint.model], "pixelplay-mini": []}.items():
            exact, small = pp.Encoder(*arguments), pp.Encoder(*arguments, precision="int8")
            songs = [np.asarray(encoder.encode_texts(texts)) for encoder in (exact, small)]
            images = [np.asarray(encoder.encode_images(photos)) for encoder in (exact, small)]
            at = {text: row for row, text in enumerate(texts)}
            whole = [
                unit(np.stack([vectors[[at[text] for text in song]].mean(axis=0) for song in self.material.sentences]))
                for vectors in songs
            ]
            best = [top_k(unit(asked) @ index.T, K) for asked, index in zip(images, whole)]
            overlap = statistics.mean(len({*a} & {*b}) / K for a, b in zip(*map(np.ndarray.tolist, best)))
            self.records.append(
                {
                    "scenario": "int8",
                    "name": name,
                    "threads": self.threads,
                    "images": float(cosines(*images).min()),
                    "texts": float(cosines(*songs).min()),
                    "overlap": overlap,
                    "photos": len(photos),
                }
            )

    def gemm(self) -> None:
        """Measures how fast the best library multiplies at the shapes of a batch of 32 pictures."""
        self.products = gemm.measure(self.threads, batch=32)

    def loaded(self) -> dict[str, Encoder]:
        """Returns PixelPlay, the reference, and the other available encoders, by name."""
        found = {PixelPlay.name: load(PixelPlay, self.checkpoint, self.threads)}
        for kind in self.encoders:
            try:
                found[kind.name] = load(kind, self.checkpoint, self.threads)
            except Exception as error:  # not installed, or an error of the rival
                self.leave_out(kind.name, error)
        return found

    def checked(self, vectors: dict[str, Array], agree: float = AGREE) -> dict[str, dict]:
        """Returns cosines to PyTorch, and records a failure if PixelPlay's f32 vectors do not agree."""
        checks = {
            name: {"cosine": float(cosines(found, vectors[PyTorch.name]).min())} for name, found in vectors.items()
        }
        if not checks[PixelPlay.name]["cosine"] >= agree:
            self.failures.append(
                f"PixelPlay's vectors have a cosine of {checks[PixelPlay.name]['cosine']:.7f} to PyTorch's"
            )
        return checks

    def take_turns(
        self, scenario: str, calls: dict[str, Call], checks: dict, size: int, parts: dict[str, int] | None = None
    ) -> None:
        """Measures calls in turns and records seconds per picture or text. If only a part is measured, it represents
        the whole."""
        say(f"{scenario}, {self.threads} thread(s): {', '.join(calls)}")
        # The checks have warmed up all libraries; a call that takes seconds needs no further warm-up.
        slow = size > 256
        times = few_turns(calls, self.effort.rest, SLOW_ROUNDS) if slow else interleave(calls, self.effort)
        each = {name: of_one(seconds, size, (parts or {}).get(name, 1)) for name, seconds in times.items()}
        for name, seconds in each.items():
            self.add(scenario, name, seconds, each[PixelPlay.name], checks[name])

    def add(self, scenario: str, name: str, seconds: list[float], base: list[float], check: dict) -> None:
        self.records.append(
            {
                "scenario": scenario,
                "name": name,
                "threads": self.threads,
                "seconds": statistics.median(seconds),
                "ratio": ratio(seconds, base),
                "rounds": len(seconds),
                "check": check,
            }
        )

    def leave_out(self, name: str, error: Exception) -> None:
        self.left_out[name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        say(f"{name} is left out: {self.left_out[name]}")


def asked(stack, path: Path) -> Call:
    return lambda _: stack.answer(path)


def of_one(seconds: list[float], size: int, part: int) -> list[float]:
    """Returns the seconds per picture or text, for calls with one `part`-th of `size` of them."""
    return [second / (size // part) for second in seconds]


def few_turns(calls: Mapping[str, Call], rest: float, rounds: int) -> dict[str, list[float]]:
    """Returns the seconds of slow calls, one number per round, without warming up."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(rounds):
        for name, call in calls.items():
            time.sleep(rest)
            start = time.perf_counter()
            call(turn)
            times[name].append(time.perf_counter() - start)
    return times


def pyarrow_table(path: Path):
    import pyarrow as pa

    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def has_int8() -> bool:
    import pixelplay

    return "precision" in str(pixelplay.Encoder.__text_signature__)


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text())
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # encode.py reports that it was stopped
    allow_cores(job["threads"])
    measurement = Measurement(job)
    getattr(measurement, job["part"])(*job["arguments"])
    result = {
        "records": measurement.records,
        "left_out": measurement.left_out,
        "failures": measurement.failures,
        "products": measurement.products,
    }
    Path(sys.argv[2]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
