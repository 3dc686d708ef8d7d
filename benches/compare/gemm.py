"""Measures how fast the machine multiplies f32 matrices, at the shapes of CLIP ViT-B/32's image tower."""

import time

import numpy as np

WIDTH, MLP, LAYERS, PATCHES, PATCH, DIM = 768, 3072, 12, 49, 3 * 32 * 32, 512
TOKENS = PATCHES + 1
# The products inside attention, which are small and numerous, are counted but not measured.
TIMES = 7


def products(batch: int) -> list[tuple[int, int, int, int]]:
    """Returns rows, depth and columns of each product with weights, and how often a batch needs it."""
    rows = batch * TOKENS
    return [
        (batch * PATCHES, PATCH, WIDTH, 1),
        (rows, WIDTH, 3 * WIDTH, LAYERS),
        (rows, WIDTH, WIDTH, LAYERS),
        (rows, WIDTH, MLP, LAYERS),
        (rows, MLP, WIDTH, LAYERS),
        (batch, WIDTH, DIM, 1),
    ]


def operations(batch: int) -> float:
    """Returns the floating point operations of the products with weights and of attention, for a batch."""
    weights = sum(2.0 * m * k * n * times for m, k, n, times in products(batch))
    return weights + 2.0 * 2 * batch * LAYERS * TOKENS * TOKENS * WIDTH


def measure(threads: int, batch: int) -> dict:
    """Returns the operations per second over all products, each computed by the fastest library for it, and those of the
    fastest product.
    """
    rng = np.random.default_rng(1)
    seconds = total = 0.0
    best, libraries = 0.0, set()
    for m, k, n, times in products(batch):
        a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((m, k), (k, n)))
        took, library = min(candidates(a, b, threads))
        libraries.add(library)
        total += 2.0 * m * k * n * times
        seconds += took * times
        best = max(best, 2.0 * m * k * n / took)
    return {"rate": total / seconds, "best": best, "by": sorted(libraries), "batch": batch}


def candidates(a: np.ndarray, b: np.ndarray, threads: int) -> list[tuple[float, str]]:
    import torch

    torch.set_num_threads(threads)
    left, right, weights = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(np.ascontiguousarray(b.T))
    with torch.inference_mode():
        return [
            (fastest(lambda: a @ b), "numpy"),
            (fastest(lambda: left @ right), "torch"),
            (fastest(lambda: torch.nn.functional.linear(left, weights)), "torch"),
        ]


def fastest(product) -> float:
    product()
    times = []
    for _ in range(TIMES):
        # The threads of numpy and torch spin for a while after their work and occupy each other's cores.
        time.sleep(0.05)
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return min(times)
