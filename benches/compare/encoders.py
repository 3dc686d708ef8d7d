"""The libraries that run CLIP, one class each. All use the weights of one checkpoint and the same number of threads.

Imports are inside the classes, so that a library that is not installed does not affect the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from checkpoint import CONTEXT, Checkpoint
from truth import Array

END = 49407
# The number of texts that go through a model at once, in all libraries.
BATCH = 32
Encode = Callable[[], Array]


@dataclass(frozen=True)
class Pictures:
    """The same pictures in two forms: decoded pixels, `(n, 224, 224, 3)` uint8, and the input of the vision tower."""

    rgb: Array
    pixels: Array

    def first(self, count: int) -> "Pictures":
        return Pictures(self.rgb[:count], self.pixels[:count])


@dataclass(frozen=True)
class Texts:
    """The same texts in two forms: strings, and token ids from the start token to the end token."""

    texts: list[str]
    ids: list[list[int]]

    def slice(self, start: int, end: int) -> "Texts":
        return Texts(self.texts[start:end], self.ids[start:end])

    def batches(self, length: int | None = None) -> list[Array]:
        """Returns batches in order, padded to the longest text of each, or to `length`."""
        starts = range(0, len(self.ids), BATCH)
        return [padded(self.ids[start : start + BATCH], length) for start in starts]


def padded(ids: list[list[int]], length: int | None = None) -> Array:
    length = length or max(map(len, ids))
    return np.array([row + [END] * (length - len(row)) for row in ids], np.int64)


class Encoder:
    name: str
    package: str
    how: str
    # Whether the library computes in f32 and must agree with PyTorch.
    exact = True

    def load(self, checkpoint: Checkpoint, threads: int) -> None:
        raise NotImplementedError

    def images(self, pictures: Pictures) -> Array:
        """Returns vectors `(n, dim)`, not necessarily of unit length."""
        raise NotImplementedError

    def texts(self, texts: Texts) -> Array:
        raise NotImplementedError

    def padded_texts(self) -> Callable[[Texts], Array] | None:
        """Returns a function that encodes texts padded to 77 tokens, as CLIP's own code does, if that differs from
        `texts`."""
        return None


class PixelPlay(Encoder):
    name = "PixelPlay"
    package = "pixelplay"
    how = (
        "`Encoder.encode_images` on decoded 224x224 pixels, so that its time includes normalising them; `encode_texts` on strings, "
        "so that it includes tokenizing"
    )
    options: dict[str, Any] = {}

    def load(self, checkpoint: Checkpoint, threads: int) -> None:
        import pixelplay

        self.encoder = pixelplay.Encoder(checkpoint.model, **self.options)

    def images(self, pictures: Pictures) -> Array:
        return np.asarray(self.encoder.encode_images(list(pictures.rgb), batch_size=len(pictures.rgb)))

    def texts(self, texts: Texts) -> Array:
        return np.asarray(self.encoder.encode_texts(texts.texts))


class PixelPlayInt8(PixelPlay):
    name = "PixelPlay int8"
    exact = False
    how = '`Encoder(path, precision="int8")`; else as PixelPlay'
    options = {"precision": "int8"}


class PyTorch(Encoder):
    name = "PyTorch"
    package = "torch"
    how = (
        "transformers' `CLIPModel.get_image_features`, `get_text_features`, `eval`, `inference_mode`, f32, eager, its default "
        "attention (SDPA); texts in batches of 32 padded to the longest of the batch"
    )

    def load(self, checkpoint: Checkpoint, threads: int) -> None:
        import torch
        from transformers import CLIPModel

        torch.set_num_threads(threads)
        self.torch = torch
        self.model = CLIPModel.from_pretrained(checkpoint.model).eval()

    def images(self, pictures: Pictures) -> Array:
        with self.torch.inference_mode():
            asked = self.torch.from_numpy(pictures.pixels)
            return self.model.get_image_features(pixel_values=asked).pooler_output.numpy()

    def texts(self, texts: Texts) -> Array:
        return np.concatenate([self.batch(ids) for ids in texts.batches()])

    def padded_texts(self) -> Callable[[Texts], Array]:
        return lambda texts: np.concatenate([self.batch(ids) for ids in texts.batches(CONTEXT)])

    def batch(self, ids: Array) -> Array:
        with self.torch.inference_mode():
            return self.model.get_text_features(input_ids=self.torch.from_numpy(ids)).pooler_output.numpy()


class OnnxRuntime(Encoder):
    name = "ONNX Runtime"
    package = "onnxruntime"
    how = (
        "both towers exported by `torch.onnx.export(dynamo=True)`, opset 20, all graph optimizations, f32; texts in batches of "
        "32 padded to the longest of the batch; at 77 tokens, a separate graph for that length"
    )
    precision = "f32"

    def load(self, checkpoint: Checkpoint, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.sessions: dict[str, Any] = {}
        self.open = lambda tower: onnxruntime.InferenceSession(
            checkpoint.onnx(tower, self.precision), options, providers=["CPUExecutionProvider"]
        )

    def run(self, tower: str, asked: Array) -> Array:
        # Opened on first use, so that a process that needs one tower does not load all three.
        session = self.sessions.get(tower) or self.sessions.setdefault(tower, self.open(tower))
        return session.run(None, {session.get_inputs()[0].name: asked})[0]

    def images(self, pictures: Pictures) -> Array:
        return self.run("image", pictures.pixels)

    def texts(self, texts: Texts) -> Array:
        return np.concatenate([self.run("text", ids) for ids in texts.batches()])

    def padded_texts(self) -> Callable[[Texts], Array]:
        return lambda texts: np.concatenate([self.run("text77", ids) for ids in texts.batches(CONTEXT)])


class OnnxRuntimeInt8(OnnxRuntime):
    name = "ONNX Runtime int8"
    exact = False
    how = "`quantize_dynamic`, weights int8 per channel, products only; else as ONNX Runtime"
    precision = "int8"


ENCODERS: list[type[Encoder]] = [PixelPlayInt8, PyTorch, OnnxRuntime, OnnxRuntimeInt8]


def load(kind: type[Encoder], checkpoint: Checkpoint, threads: int) -> Encoder:
    encoder = kind()
    encoder.load(checkpoint, threads)
    return encoder


def unit(vectors: Array) -> Array:
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def cosines(vectors: Array, reference: Array) -> Array:
    """Returns the cosine of each vector with its reference."""
    return (unit(vectors) * unit(reference)).sum(axis=1)
