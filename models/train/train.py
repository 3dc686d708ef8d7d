"""Trains pixelplay-mini from the data folder. See --help."""

import os

# Set before torch is imported: threads that spin while they wait are several times slower on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import sys
from pathlib import Path

HELP = """Trains pixelplay-mini and writes it as an OpenCLIP folder with its weights in eight bits.

Steps; each is done once, and its results are stored in --work:
  inputs   decode the pictures; compute the output of the frozen stages, sentence vectors, space and tokenizer
  vision   train the last stages of an ImageNet tower, and a head, to predict the places of pictures
  text     train the text tower to predict the places of sentences
  joint    train the head and the text tower contrastively on captions, anchored to their places
  export   write weights, config and tokenizer, and read them back with open_clip

You can kill a run at any point. The same command continues from the last checkpoint, and at most two minutes are lost.
Ctrl-C saves first. Budgets are in optimiser steps, so that runs with the same seeds are comparable.
To start over, delete --work.

  pip install -r models/train/requirements.txt
  python models/train/train.py --data ../shared/data
  python models/train/evaluate.py --data ../shared/data --checkpoint models/train/.checkpoint
"""
STAGES = ["inputs", "vision", "text", "joint", "export"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).parent
    parser.add_argument("--data", type=Path, required=True, help="the folder that contains train/, train2/ and songs/")
    parser.add_argument(
        "--out", type=Path, default=here / ".checkpoint", help="the directory to write (default: %(default)s)"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=here / ".work",
        help="scratch data and checkpoints, about 1.5 GB (default: %(default)s)",
    )
    parser.add_argument("--views", type=int, default=1, help="number of views of each picture (default: %(default)s)")
    parser.add_argument("--vision-steps", type=int, default=500, help="batches of 256 pictures (default: %(default)s)")
    parser.add_argument("--text-steps", type=int, default=1200, help="batches of 256 sentences (default: %(default)s)")
    parser.add_argument("--joint-steps", type=int, default=300, help="batches of 272 pairs (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="for initial weights and batches (default: %(default)s)")
    parser.add_argument("--tuning", action="store_true", help="hold out pictures for choosing settings (see data.py)")
    parser.add_argument("--until", choices=STAGES, default="export", help="stop after this step (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads (default: all cores, %(default)s)")
    return parser.parse_args()


def main() -> None:
    a = arguments()
    a.work.mkdir(parents=True, exist_ok=True)
    sys.stdout.reconfigure(line_buffering=True)
    try:
        import export
        import features
        import inputs
        import joint
        import model
        import text
        import tokenizer
        import torch
        import vision
    except ImportError as error:
        raise SystemExit(f"{error}: run `pip install -r {Path(__file__).parent / 'requirements.txt'}`") from error
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    last = STAGES.index(a.until)

    known = inputs.Inputs(a.data, a.work, a.tuning)
    clip = model.new_model(a.seed)
    views = features.views(a.work, clip, known, a.views, a.threads)
    targets = features.targets(a.work, clip, known, views[0], a.threads)
    if last < 1:
        return
    net = vision.train(clip, a.work, known.items, views, targets, a.vision_steps, a.seed)
    net.put_into(clip)
    if last < 2:
        return
    encode = tokenizer.Encode(known.tokenizer)
    tune, places = known.tune_sentences(), known.places()
    clip = text.train(clip, a.work, tune, known.texts, places, encode, a.text_steps, a.seed)
    if last < 3:
        return
    pooled = features.pooled(a.work, clip, views, a.threads)
    clip = joint.train(clip, a.work, known.items, pooled, targets, known.texts, places, encode, a.joint_steps, a.seed)
    if last < 4:
        return
    export.export(clip.eval(), known.tokenizer, a.out)


if __name__ == "__main__":
    main()
