"""The libraries that PixelPlay's search is compared with, one class each, with `name`, `how`, `exact`, `build` and
`search`.

Imports are inside the classes, so that a library that is not installed does not affect the others.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from dataset import Dataset
from truth import Array


class Rival:
    name: str
    package: str
    how: str
    # Whether the library guarantees the best k, up to the rounding of f32.
    exact = True
    # The seconds taken to build a graph, if there is one.
    build_seconds: float | None = None

    def build(self, data: Dataset, threads: int) -> None:
        """Loads the vectors of `data`, and sets the number of threads with the library's own API."""
        raise NotImplementedError

    def search(self, queries: Array, k: int) -> Array:
        """Returns the best `k` rows for each query, best first, shape `(queries, k)`."""
        raise NotImplementedError


class PixelPlay(Rival):
    name = "PixelPlay"
    package = "pixelplay"
    how = "`SongIndex.search` for one query, `search_many` for a batch; mapped file, `threads=`"

    def build(self, data: Dataset, threads: int) -> None:
        import pixelplay

        self.index = pixelplay.SongIndex.open(data.index_path)
        self.threads = threads

    def search(self, queries: Array, k: int) -> Array:
        if len(queries) > 1:
            return self.index.search_many(queries, k=k, threads=self.threads)[0]
        return self.filtered(queries[0], k, None)

    def filtered(self, query: Array, k: int, where: str | None) -> Array:
        hits = self.index.search(query, k=k, where=where, threads=self.threads)
        return np.array([[hit.row for hit in hits]])

    def scores(self, queries: Array, k: int) -> Array:
        return self.index.search_many(queries, k=k, threads=self.threads)[1]


class Numpy(Rival):
    name = "numpy"
    package = "numpy"
    how = "`@` (OpenBLAS), `argpartition`, best k sorted; f32; `OPENBLAS_NUM_THREADS`"

    def build(self, data: Dataset, threads: int) -> None:
        self.vectors = data.vectors

    def search(self, queries: Array, k: int) -> Array:
        # The product with a single vector uses a different, faster BLAS routine.
        if len(queries) == 1:
            return top_k((self.vectors @ queries[0])[None], k)
        return top_k(queries @ self.vectors.T, k)


def top_k(scores: Array, k: int) -> Array:
    """Returns the positions of the `k` greatest values in each row, in order."""
    k = min(k, scores.shape[1])
    top = np.argpartition(scores, scores.shape[1] - k, axis=1)[:, -k:]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


class Torch(Rival):
    name = "torch"
    package = "torch"
    how = "`@` (MKL or OpenBLAS), `topk`; f32, CPU, `inference_mode`; `set_num_threads`"

    def build(self, data: Dataset, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self.torch = torch
        self.vectors = torch.from_numpy(data.vectors)

    def search(self, queries: Array, k: int) -> Array:
        with self.torch.inference_mode():
            asked = self.torch.from_numpy(queries)
            scores = (self.vectors @ asked[0])[None] if len(asked) == 1 else asked @ self.vectors.T
            return scores.topk(k).indices.numpy()


class Faiss(Rival):
    name = "faiss"
    package = "faiss-cpu"
    how = "`IndexFlatIP.search`; f32; `omp_set_num_threads`"

    def build(self, data: Dataset, threads: int) -> None:
        import faiss

        faiss.omp_set_num_threads(threads)
        self.index = faiss.IndexFlatIP(data.dim)
        self.index.add(data.vectors)

    def search(self, queries: Array, k: int) -> Array:
        return self.index.search(queries, k)[1]


class ScikitLearn(Rival):
    name = "scikit-learn"
    package = "scikit-learn"
    # For unit vectors, this gives the order of the cosine. `metric="cosine"` takes about three times as long.
    how = '`NearestNeighbors(algorithm="brute", metric="sqeuclidean").kneighbors`; f32; `n_jobs=`, `OMP_NUM_THREADS`'

    def build(self, data: Dataset, threads: int) -> None:
        from sklearn.neighbors import NearestNeighbors

        neighbours = NearestNeighbors(algorithm="brute", metric="sqeuclidean", n_jobs=threads)
        self.neighbours = neighbours.fit(data.vectors)

    def search(self, queries: Array, k: int) -> Array:
        return self.neighbours.kneighbors(queries, k, return_distance=False)


class Usearch(Rival):
    name = "usearch"
    package = "usearch"
    how = "`usearch.index.search(exact=True)`, inner product; f32; `threads=`"

    def build(self, data: Dataset, threads: int) -> None:
        self.threads = threads
        self.vectors = self.convert(data.vectors)

    def convert(self, vectors: Array) -> Array:
        return vectors

    def search(self, queries: Array, k: int) -> Array:
        from usearch.index import MetricKind, search

        asked = self.convert(queries)
        found = search(self.vectors, asked, k, MetricKind.IP, exact=True, threads=self.threads)
        return found.keys.reshape(len(queries), k)


class UsearchHalf(Usearch):
    name = "usearch f16"
    how = "the same on float16, without going back to f32"
    exact = False

    def convert(self, vectors: Array) -> Array:
        return vectors.astype(np.float16)


class UsearchBytes(Usearch):
    name = "usearch int8"
    how = "the same on int8 (`round(127 x)`), without going back to f32"
    exact = False

    def convert(self, vectors: Array) -> Array:
        converted = np.empty(vectors.shape, np.int8)
        for start in range(0, len(vectors), 65_536):
            converted[start : start + 65_536] = np.round(vectors[start : start + 65_536] * 127)
        return converted


class LanceDB(Rival):
    name = "LanceDB"
    package = "lancedb"
    how = "a table on disk, no index, `search().distance_type('dot')`; f32; `LANCE_CPU_THREADS` and cores allowed"

    def build(self, data: Dataset, threads: int) -> None:
        import lancedb
        import pyarrow as pa

        folder = data.folder / "lancedb"
        new = not folder.exists()
        database = lancedb.connect(folder)
        if new:
            numbers = pa.array(data.vectors.reshape(-1))
            columns = {
                "row": np.arange(data.rows),
                "share": data.shares,
                "vector": pa.FixedSizeListArray.from_arrays(numbers, data.dim),
            }
            database.create_table("songs", pa.table(columns))
        self.table = database.open_table("songs")

    def search(self, queries: Array, k: int) -> Array:
        asked = queries[0] if len(queries) == 1 else list(queries)
        found = self.question(asked, k).to_arrow()
        rows = found["row"].to_numpy()
        if len(queries) > 1:
            # The answers for all queries come in one table, whose order is not guaranteed.
            rows = rows[np.lexsort((found["_distance"].to_numpy(), found["query_index"].to_numpy()))]
        return rows.reshape(len(queries), -1)

    def filtered(self, query: Array, k: int, where: str) -> Array:
        return self.question(query, k).where(where, prefilter=True).to_arrow()["row"].to_numpy()[None]

    def question(self, asked: Any, k: int) -> Any:
        return self.table.search(asked).distance_type("dot").select(["row", "_distance"]).limit(k)


class Graph(Rival):
    """A graph (HNSW). Building takes minutes, so it is built once for all thread counts, and then read from its
    file.
    """

    exact = False

    def build(self, data: Dataset, threads: int) -> None:
        file = data.folder / f"{self.package}.graph"
        note = file.with_suffix(".json")
        if not note.exists():
            start = time.perf_counter()
            self.make(data.vectors, file, threads)
            note.write_text(json.dumps(time.perf_counter() - start))
        self.build_seconds = json.loads(note.read_text())
        self.load(file, data, threads)

    def make(self, vectors: Array, file: Path, threads: int) -> None:
        raise NotImplementedError

    def load(self, file: Path, data: Dataset, threads: int) -> None:
        raise NotImplementedError


class Hnswlib(Graph):
    name = "hnswlib"
    package = "hnswlib"
    how = "`knn_query`, inner product, M = 16, ef_construction = 200, ef = 100; f32; `num_threads=`"

    def make(self, vectors: Array, file: Path, threads: int) -> None:
        import hnswlib

        index = hnswlib.Index(space="ip", dim=vectors.shape[1])
        index.init_index(max_elements=len(vectors), M=16, ef_construction=200, random_seed=1)
        index.add_items(vectors, num_threads=threads)
        index.save_index(str(file))

    def load(self, file: Path, data: Dataset, threads: int) -> None:
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=data.dim)
        self.index.load_index(str(file))
        self.index.set_ef(100)
        self.threads = threads

    def search(self, queries: Array, k: int) -> Array:
        return self.index.knn_query(queries, k, num_threads=self.threads)[0]


class Voyager(Graph):
    name = "voyager"
    package = "voyager"
    how = "`Index.query`, inner product, M = 16, ef_construction = 200, query_ef = 100; f32; `num_threads=`"

    def make(self, vectors: Array, file: Path, threads: int) -> None:
        import voyager

        index = voyager.Index(voyager.Space.InnerProduct, vectors.shape[1], M=16, ef_construction=200, random_seed=1)
        index.add_items(vectors, num_threads=threads)
        index.save(str(file))

    def load(self, file: Path, data: Dataset, threads: int) -> None:
        import voyager

        self.index = voyager.Index.load(str(file))
        self.threads = threads

    def search(self, queries: Array, k: int) -> Array:
        return self.index.query(queries, k, num_threads=self.threads, query_ef=100)[0]


RIVALS: list[type[Rival]] = [
    Numpy,
    Torch,
    Faiss,
    ScikitLearn,
    Usearch,
    UsearchHalf,
    UsearchBytes,
    LanceDB,
    Hnswlib,
    Voyager,
]
