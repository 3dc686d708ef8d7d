"""Measures how many times faster the embedded checkpoint is than CLIP ViT-B/32. See --help."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

# Set before numpy starts its own threads. PixelPlay respects this limit too.
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path += [str(HERE.parent / "compare"), str(ROOT / "pixelplay-core/tests/parity")]

HELP = """Encodes one picture of 500x400 pixels and one short text repeatedly, alternating between the embedded checkpoint
and one with ViT-B/32's shape and random weights. PixelPlay runs both, in this process, on one core (on Linux).

Prints the times and the median ratio with its 95 % bootstrap interval. On a busy machine the ratio is more reliable than
the times. Needs torch and transformers, to create the checkpoint, and ../shared/data/tokenizer.

  python benches/quality/speed.py
"""
TEXT = "a rowing boat on a calm blue lake, gentle and warm"


def vit_b32(folder: Path, shared: Path) -> None:
    import checkpoint
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel
    from vocabulary import tokenizer

    torch.manual_seed(checkpoint.SEED)
    model = CLIPModel(CLIPConfig(projection_dim=512)).eval()
    checkpoint.widen(model)
    model.save_pretrained(folder)
    tokenizer(shared / "data").save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=31, help="turns of each checkpoint (default: %(default)s)")
    parser.add_argument("--encoder", type=Path, help="a CLIPModel folder instead of the embedded checkpoint")
    a = parser.parse_args()
    try:
        import numpy as np
        import pixelplay as pp
        from timing import Effort, interleave, ratio
    except ImportError as error:
        raise SystemExit(f"{error}: pip install ./pixelplay-py -r benches/quality/requirements.txt") from error

    picture = np.random.default_rng(1).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        vit_b32(Path(folder), a.shared)
        encoders = {"small": pp.Encoder(a.encoder), "ViT-B/32": pp.Encoder(folder)}
        effort = Effort(rounds=a.rounds, seconds=240.0)
        found = {}
        for what, given in (("encode_image", picture), ("encode_text", TEXT)):
            calls = {
                name: lambda _, encode=encode, given=given: encode(given)
                for name, encode in ((name, getattr(encoder, what)) for name, encoder in encoders.items())
            }
            times = interleave(calls, effort)
            faster = ratio(times["ViT-B/32"], times["small"])
            found[what] = {
                "rounds": len(times["small"]),
                "milliseconds": {name: round(1000 * float(np.median(each)), 3) for name, each in times.items()},
                "times_faster": [round(x, 2) for x in faster],
            }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
