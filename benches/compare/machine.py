"""The measuring machine: its description, the number of usable cores, and the speed at which it reads memory."""

import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

import numpy as np

# Each library reads its own variable, and only on import.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "TOKIO_WORKER_THREADS",
    "LANCE_CPU_THREADS",
    "LANCE_IO_THREADS",
)
# Silences libraries' messages and their checks for updates.
SILENCE = {
    "LANCE_LOG": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_OFFLINE": "1",
    "TQDM_DISABLE": "1",
}
MIB = 1 << 20


def environment_for(threads: int) -> dict[str, str]:
    """Returns the environment of a process that should use this many threads."""
    return {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(threads)), **SILENCE}


def cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def allow_cores(threads: int) -> bool:
    """Limits the process to this many cores, no matter how a library interprets its thread setting. Returns false if that
    is not supported.
    """
    if not hasattr(os, "sched_setaffinity"):
        return False
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    return True


class OtherWork:
    """Tracks how much other work the machine does from now on, according to Linux."""

    def __init__(self) -> None:
        self.start = self.now()

    def cores(self) -> float | None:
        """Returns how many cores other programs used on average, including time taken by other guests of the host."""
        now = self.now()
        if self.start is None or now is None:
            return None
        wall, busy, own = (after - before for before, after in zip(self.start, now))
        return max(0.0, (busy - own) / wall)

    def notes(self) -> list[str]:
        """Returns the load by other programs in words, with a warning if it is too high."""
        cores = self.cores()
        if cores is None:
            return []
        notes = [f"other programs used {cores:.2f} cores on average while this ran"]
        return notes if cores <= 0.1 else [*notes, "that is too much: do not quote these numbers"]

    @staticmethod
    def now() -> tuple[float, float, float] | None:
        """Returns three times in seconds: the clock, that of all busy cores, and that of this process and its ended
        children."""
        status = Path("/proc/stat")
        if not status.exists():
            return None
        user, nice, system, _idle, _iowait, *rest = map(int, status.read_text().split("\n", 1)[0].split()[1:])
        interrupts, soft, stolen = rest[:3]
        ticks = user + nice + system + interrupts + soft + stolen
        return time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), sum(os.times()[:4])


def resident() -> dict[str, int]:
    """Returns the memory of this process in bytes, according to Linux: its own memory, that of mapped files, and the
    peak. Returns zeros on other systems.
    """
    names = {"RssAnon": "own", "RssFile": "file", "VmHWM": "peak"}
    sizes = dict.fromkeys(names.values(), 0)
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else []:
        name, _, value = line.partition(":")
        if name in names:
            sizes[names[name]] = int(value.split()[0]) << 10
    return sizes


def describe(packages: list[str], repository: Path) -> dict:
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "cpu": cpu(),
        "cores": cores(),
        "caches": caches(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version for name in packages if (version := version_of(name))},
        "commit": commit(repository),
    }


def cpu() -> str:
    information = Path("/proc/cpuinfo")
    for line in information.read_text().splitlines() if information.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def caches() -> list[str]:
    found = []
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        found.append(f"L{level} {kind.lower()} {size}")
    return found


def version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def commit(repository: Path) -> str:
    def git(*arguments: str) -> str:
        result = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True)
        return result.stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if git("status", "--porcelain") else "")
    except FileNotFoundError:
        return "unknown"


READERS = {
    "BLAS dot": lambda block: np.dot(block, block),
    "integer or": lambda block: np.bitwise_or.reduce(block.view(np.int64)),
    "sum": lambda block: block.sum(),
    "BLAS matrix and vector": lambda block: block.reshape(-1, 1024) @ np.ones(1024, np.float32),
}


def bandwidth(threads: int, size: int = 1024 * MIB, times: int = 4) -> tuple[float, str]:
    """Returns the bytes per second that this many threads read from a block of `size` bytes each, and the fastest
    reader.
    """
    blocks = [np.ones(size // 4, np.float32) for _ in range(threads)]
    best = (0.0, "")
    for name, reader in READERS.items():
        for _ in range(times):
            # numpy releases the interpreter's lock inside each of these calls.
            workers = [threading.Thread(target=reader, args=(block,)) for block in blocks]
            start = time.perf_counter()
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            best = max(best, (threads * size / (time.perf_counter() - start), name))
    return best


def main() -> None:
    """`python machine.py THREADS OUT`: BLAS must have one thread here, because each thread calls it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    allow_cores(int(sys.argv[1]))
    speed, reader = bandwidth(int(sys.argv[1]))
    Path(sys.argv[2]).write_text(json.dumps({"bytes_a_second": speed, "reader": reader}))


if __name__ == "__main__":
    main()
