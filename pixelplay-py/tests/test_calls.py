"""Long calls release the GIL, respond to Ctrl-C and report progress."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pixelplay as pp
import pytest
from conftest import SAMPLES, unit_vectors, write_random


def steps_of_another_thread(work: Callable[[], object], wanted: int) -> int:
    """Repeats `work` until another Python thread has run `wanted` times, and returns how often it ran.

    The interpreter never takes the GIL away during this, so a call that keeps it blocks the other thread.
    """
    count, over = 0, threading.Event()

    def turn() -> None:
        nonlocal count
        while not over.is_set():
            count += 1
            time.sleep(0)

    thread = threading.Thread(target=turn)
    interval = sys.getswitchinterval()
    thread.start()
    try:
        sys.setswitchinterval(1000)
        before = count
        for _ in range(200):
            work()
            if count - before >= wanted:
                break
        return count - before
    finally:
        sys.setswitchinterval(interval)
        over.set()
        thread.join()


@pytest.mark.parametrize("what", ["encode", "search", "long search", "build", "verify"])
def test_other_threads_go_on(what: str, enc: pp.Encoder, csv: Path, tmp_path: Path) -> None:
    path = tmp_path / "songs.arrow"
    write_random(path, 20_000, 64)
    index, query = pp.SongIndex.open(path), unit_vectors(100, 64)
    # Not an array, because numpy would release the GIL itself while converting it.
    one = pp.Embedding(query[0])
    work = {
        "encode": lambda: enc.encode_images(SAMPLES * 2),
        "search": lambda: index.search(one, threads=1),
        "long search": lambda: index.search_many(query, threads=1),
        "build": lambda: pp.build_index(csv, tmp_path / "built.arrow", encoder=enc),
        "verify": index.verify,
    }[what]
    assert steps_of_another_thread(work, wanted=10) >= 10


def test_that_a_held_gil_would_be_noticed() -> None:
    digits = "7" * 20_000
    assert steps_of_another_thread(lambda: int(digits[:4000]) * int(digits[:4000]), wanted=10) < 10


def test_one_encoder_and_index_in_many_threads(enc: pp.Encoder, songs: pp.SongIndex) -> None:
    expected = [songs.search(enc.encode_text(f"text {n}")).scores for n in range(8)]
    found: list[list[float] | None] = [None] * 8

    def ask(n: int) -> None:
        found[n] = songs.search(enc.encode_text(f"text {n}")).scores

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def test_progress_is_told_to_the_end(enc: pp.Encoder) -> None:
    told: list[tuple[str, int, int | None]] = []
    owner = threading.get_ident()

    def tell(stage: str, done: int, total: int | None) -> None:
        assert threading.get_ident() == owner  # front ends can draw only in their own thread
        told.append((stage, done, total))

    enc.encode_texts([f"text {n}" for n in range(10)], batch_size=3, progress=tell)
    of_texts = [done for stage, done, _ in told if stage == "encoding texts"]
    assert of_texts == [0, 3, 6, 9, 10] and told[-1][2] == 10


def test_an_exception_in_progress_stops_the_work(enc: pp.Encoder, csv: Path, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def tell(stage: str, done: int, total: int | None) -> None:
        if stage == "building the index":
            raise Enough

    out = tmp_path / "songs.arrow"
    with pytest.raises(Enough):
        pp.build_index(csv, out, encoder=enc, batch_size=1, progress=tell)
    assert not out.exists()


def test_bars(enc: pp.Encoder, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    enc.encode_texts(["a", "b"], progress=True)
    assert "encoding texts" in capfd.readouterr().err  # tqdm's

    class Recorder:
        def __init__(self, *, total: int | None, desc: str, leave: bool) -> None:
            self.n, self.name = 0, (desc, total)

        def update(self, n: int) -> None:
            self.n += n

        def close(self) -> None:
            closed[self.name] = self.n

    closed: dict[tuple[str, int | None], int] = {}
    with monkeypatch.context() as patch:
        patch.setattr("tqdm.auto.tqdm", Recorder)
        enc.encode_texts(["a", "b", "c"], batch_size=2, progress=True)
    assert closed["encoding texts", 3] == 3
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr("pixelplay._progress._EVERY", 0.0)
    enc.encode_texts(["a", "b"], batch_size=1, progress=True)
    assert "encoding texts: 1 of 2\n" in capfd.readouterr().err
    enc.encode_texts(["a"], progress=False)
    assert capfd.readouterr().err == ""
    with pytest.raises(TypeError, match="progress"):
        enc.encode_texts(["a"], progress="yes")  # type: ignore[arg-type]


# Work that takes many minutes or never ends; each must stop with KeyboardInterrupt.
FOR_EVER = {
    "texts": "enc.encode_texts([f'text {n}' for n in range(1_000_000)], progress=started)",
    "images": "enc.encode_images([image] * 100_000, batch_size=1, progress=started)",
    "build": "pp.build_index(table(), out, encoder=enc, progress=started)",
    "generator": "enc.encode_images(endless())",
    # Without a callback, in which Python itself would check for signals.
    "silent": "texts = [f'text {n}' for n in range(1_000_000)]; started(); enc.encode_texts(texts)",
    # This cannot be cancelled either.
    "search": "queries = many(); started(); pp.SongIndex.open(index).search_many(queries)",
}


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on Unix")
@pytest.mark.parametrize("work", FOR_EVER)
def test_ctrl_c_is_answered(work: str, tmp_path: Path) -> None:
    index = tmp_path / "index" / "songs.arrow"
    index.parent.mkdir()
    write_random(index, 100_000 if work == "search" else 1, 64)
    program = f"""
import itertools, signal, sys
import numpy as np
import pixelplay as pp

signal.signal(signal.SIGINT, signal.default_int_handler)
enc = pp.Encoder()
image = np.zeros((32, 32, 3), np.uint8)
out = {str(tmp_path / "songs.arrow")!r}
index = {str(index)!r}

def started(*_):
    print("started", flush=True)

def many():
    return np.random.default_rng(0).permutation(np.eye(64, dtype=np.float32).repeat(5000, axis=0))

def endless():
    started()
    for _ in itertools.count():
        yield image

def table():
    lines = ["id,title,artist,description"]
    lines += [f"{{n}},t{{n}},a,number {{n}} of many" for n in range(300_000)]
    return "\\n".join(lines).encode()

try:
    {FOR_EVER[work]}
except KeyboardInterrupt:
    sys.exit(77)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None and child.stdout.readline() == b"started\n"
            # Give the child time to enter the call.
            time.sleep(0.5)
            child.send_signal(signal.SIGINT)
            # Keep reading its output until it stops.
            child.communicate(timeout=60)
            assert child.returncode == 77
            assert list(tmp_path.iterdir()) == [index.parent]
        finally:
            child.kill()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is not available")
def test_a_forked_child_is_told_and_does_not_hang() -> None:
    program = """
import os, sys, warnings
import numpy as np
import pixelplay as pp

warnings.simplefilter("ignore")  # Python 3.12 and newer warn about forking with threads
enc = pp.Encoder()
if os.fork() == 0:
    try:
        enc.encode_text("x")
    except RuntimeError as error:
        os._exit(77 if "spawn" in str(error) else 1)
    os._exit(2)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 77
