"""Goes from a photo's file to its ten best songs, with complete software stacks, both warm and in a new process.

python photo.py STACK CHECKPOINT MATERIAL PHOTO THREADS OUT.json     # a new process, from its first import to the answer
"""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from checkpoint import Checkpoint
from machine import allow_cores, resident
from material import Material
from truth import Array

K = 10
# The vector of the photo, and the ids of the songs.
Answer = tuple[Array, list[str]]


class PixelPlay:
    how = "`SongIndex.open`, `Encoder(path)`, `search(encode_image(path))`; the hits contain songs, not only rows"

    def __init__(self, checkpoint: Checkpoint, material: Material, threads: int) -> None:
        import pixelplay

        self.encoder = pixelplay.Encoder(checkpoint.model)
        self.index = pixelplay.SongIndex.open(material.index)
        self.threads = threads

    def answer(self, path: Path) -> Answer:
        vector = self.encoder.encode_image(path)
        hits = self.index.search(vector, k=K, threads=self.threads)
        return np.asarray(vector), [hit.row for hit in hits]


class Numpy:
    """Returns the best rows of a matrix of vectors."""

    def __init__(self, material: Material) -> None:
        self.vectors = np.load(material.vectors, mmap_mode="r")

    def rows(self, vector: Array) -> list[int]:
        scores = self.vectors @ (vector / np.linalg.norm(vector))
        top = np.argpartition(scores, -K)[-K:]
        return top[np.argsort(-scores[top])].tolist()


class PyTorch:
    how = (
        "Pillow, transformers' `CLIPImageProcessorPil`, `CLIPVisionModelWithProjection` (without the text tower), "
        "numpy: `np.load(mmap_mode='r')`, `@`, `argpartition`"
    )
    processor = "CLIPImageProcessorPil"

    def __init__(self, checkpoint: Checkpoint, material: Material, threads: int) -> None:
        import torch
        import transformers
        from PIL import Image

        torch.set_num_threads(threads)
        self.torch, self.open = torch, Image.open
        self.model: Any = transformers.CLIPVisionModelWithProjection.from_pretrained(checkpoint.model).eval()
        self.process = getattr(transformers, self.processor).from_pretrained(checkpoint.model)
        self.songs = Numpy(material)

    def answer(self, path: Path) -> Answer:
        pixels = self.process(self.open(path).convert("RGB"), return_tensors="pt")["pixel_values"]
        with self.torch.inference_mode():
            vector = self.model(pixel_values=pixels).image_embeds[0].numpy()
        return vector, self.songs.rows(vector)


class PyTorchVision(PyTorch):
    how = "the same with `CLIPImageProcessor`, which resizes by torchvision"
    processor = "CLIPImageProcessor"


class OnnxRuntime:
    how = "Pillow (`convert`, `resize`, `crop`), numpy (normalising), the image tower of the comparison, numpy as above"

    def __init__(self, checkpoint: Checkpoint, material: Material, threads: int) -> None:
        import onnxruntime
        from PIL import Image

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.image = Image
        self.session = onnxruntime.InferenceSession(
            checkpoint.onnx("image"), options, providers=["CPUExecutionProvider"]
        )
        settings = json.loads((checkpoint.model / "preprocessor_config.json").read_text())
        self.mean, self.std = (np.array(settings[key], np.float32) for key in ("image_mean", "image_std"))
        self.songs = Numpy(material)

    def answer(self, path: Path) -> Answer:
        photo = self.image.open(path).convert("RGB")
        shorter = min(photo.size)
        width, height = (224 * side // shorter for side in photo.size)
        left, top = (width - 224) // 2, (height - 224) // 2
        photo = photo.resize((width, height), self.image.Resampling.BICUBIC).crop((left, top, left + 224, top + 224))
        pixels = (np.asarray(photo, np.float32) / 255 - self.mean) / self.std
        asked = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])
        vector = self.session.run(None, {"pixel_values": asked})[0][0]
        return vector, self.songs.rows(vector)


STACKS = {
    "PixelPlay": PixelPlay,
    "PyTorch": PyTorch,
    "PyTorch, torchvision": PyTorchVision,
    "ONNX Runtime": OnnxRuntime,
}


def main() -> None:
    start = time.perf_counter()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    stack, checkpoint, material, photo, threads, out = sys.argv[1:]
    allow_cores(int(threads))
    made = STACKS[stack](Checkpoint(Path(checkpoint)), Material(Path(material)), int(threads))
    vector, rows = made.answer(Path(photo))
    result = {"seconds": time.perf_counter() - start, "rows": rows, "vector": vector.tolist(), **resident()}
    Path(out).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
