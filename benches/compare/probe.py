"""The new process that opens an index and searches it: `python probe.py INDEX QUERIES.npy SEARCHES THREADS OUT.json`."""

import json
import signal
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from machine import allow_cores, resident


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    path, queries_path, searches, threads, out = sys.argv[1:]
    allow_cores(int(threads))
    queries = np.load(queries_path)
    start = time.perf_counter()
    import pixelplay

    imported = time.perf_counter()
    before = resident()
    opening = time.perf_counter()
    index = pixelplay.SongIndex.open(path)
    opened = time.perf_counter()
    index.search(queries[0], threads=int(threads))
    answered = time.perf_counter()
    warm = []
    for count in range(1, int(searches)):
        asked = time.perf_counter()
        index.search(queries[count % len(queries)], threads=int(threads))
        warm.append(time.perf_counter() - asked)
    after = resident()
    result = {
        "import": imported - start,
        "open": opened - opening,
        "first": answered - opened,
        "warm": statistics.median(warm),
        "own": after["own"] - before["own"],
        "file": after["file"] - before["file"],
        "peak": after["peak"],
        "whole_own": after["own"],
        "whole_file": after["file"],
    }
    Path(out).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
