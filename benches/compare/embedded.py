"""Compares the embedded checkpoint's vision tower with ONNX Runtime and torch, and measures a cold process. See --help."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Read before numpy starts its own threads.
THREADS = int(sys.argv[sys.argv.index("--threads") + 1]) if "--threads" in sys.argv else 1
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "models"))

HELP = """Encodes one picture of the tower's size with the same weights in PixelPlay, ONNX Runtime and torch. They take
turns in this process, on as many cores as --threads says (on Linux). PixelPlay's time includes its checks and
pre-processing. Then starts new processes that import pixelplay and encode one picture.

  pip install ./pixelplay-py -r models/train/requirements.txt
  python benches/compare/embedded.py --threads 1
"""
COLD = """
import time; start = time.perf_counter()
import pixelplay as pp
pp.Encoder().encode_image(__import__("sys").argv[1])
print(time.perf_counter() - start)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1, help="number of threads and cores (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=31, help="number of turns for each (default: %(default)s)")
    a = parser.parse_args()
    import eight_bits
    import numpy as np
    import onnxruntime
    import open_clip
    import pixelplay as pp
    import torch
    from timing import Effort, interleave, ratio

    torch.set_num_threads(a.threads)
    with tempfile.TemporaryDirectory() as folder:
        eight_bits.float_folder(ROOT / "models/pixelplay-mini", Path(folder))
        model = open_clip.create_model(f"local-dir:{folder}", precision="fp32").eval().visual
        side = model.image_size[0] if isinstance(model.image_size, tuple) else model.image_size
        graph = Path(folder) / "vision.onnx"
        torch.onnx.export(model, (torch.zeros(1, 3, side, side),), graph, input_names=["x"], dynamo=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = a.threads
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)
    pixels = (picture.transpose(2, 0, 1)[None] / 127.5 - 1).astype(np.float32)
    tensor = torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last)
    encoder = pp.Encoder()
    ours, theirs = np.asarray(encoder.encode_image(picture), float), session.run(None, {"x": pixels})[0][0]
    cosine = float(ours @ theirs / np.linalg.norm(theirs))

    def of_torch(_):
        with torch.inference_mode():
            return model(tensor)

    calls = {
        "PixelPlay": lambda _: encoder.encode_image(picture),
        "ONNX Runtime": lambda _: session.run(None, {"x": pixels}),
        "torch": of_torch,
    }
    times = interleave(calls, Effort(rounds=a.rounds, seconds=120.0))
    cold = []
    for _ in range(9):
        sample = str(ROOT / "data/samples/coffee.jpg")
        found = subprocess.run([sys.executable, "-c", COLD, sample], capture_output=True, text=True, check=True)
        cold.append(float(found.stdout))
    report = {
        "threads": a.threads,
        "cosine with ONNX Runtime": cosine,
        "milliseconds": {name: round(1e3 * float(np.median(each)), 2) for name, each in times.items()},
        "PixelPlay / other": {
            name: [round(x, 2) for x in ratio(times["PixelPlay"], each)]
            for name, each in times.items()
            if name != "PixelPlay"
        },
        "cold process, import to first vector, ms": round(1e3 * float(np.median(cold)), 1),
        "date": time.strftime("%Y-%m-%d"),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
