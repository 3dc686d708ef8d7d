"""Makes pixelplay-mini from nothing but the data folder. See --help."""

import os

# Before torch is imported: threads that spin while they wait are several times slower on a busy machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import hashlib
import sys
from collections import Counter
from pathlib import Path

HELP = """Trains the checkpoint pixelplay-mini and writes it as a Hugging Face CLIPModel directory.

Steps, each kept in --work and done once:
  inputs   decode and draw the pictures, teacher features, the space, tokenizer    (2 minutes)
  vision   the vision tower learns where pictures belong                           (20 minutes)
  text     the text tower learns where sentences belong; before, their vectors     (8 minutes)
  joint    both towers, contrastive on captions, anchored to their places          (10 minutes)
  export   float16 weights, config, tokenizer, read back with transformers

The times are those of two cores that compute in bfloat16; others take three to ten times as long.

Kill it at any point and run the same command again: it goes on from its last checkpoint (at most two minutes are lost).
Ctrl-C saves first. Budgets are in optimiser steps, so that the seeds mean something; the defaults made the committed
weights. To start afresh, delete --work.

  pip install -r models/train/requirements.txt
  python models/train/train.py --data ../shared/data --out models/pixelplay-mini
  python models/train/evaluate.py --data ../shared/data --checkpoint models/pixelplay-mini
"""
STAGES = ["inputs", "vision", "text", "joint", "export"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).parent
    parser.add_argument(
        "--data", type=Path, required=True, help="the folder that holds train/, teacher/ and clip_text_vectors/"
    )
    parser.add_argument(
        "--out", type=Path, default=here.parent / "pixelplay-mini", help="the directory to write (default: %(default)s)"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=here / ".work",
        help="scratch data and checkpoints, about 1 GB (default: %(default)s)",
    )
    parser.add_argument("--vision-steps", type=int, default=5000, help="batches of 128 pictures (default: %(default)s)")
    parser.add_argument("--text-steps", type=int, default=3600, help="batches of 256 sentences (default: %(default)s)")
    parser.add_argument(
        "--joint-steps", type=int, default=900, help="batches of 128 pictures with captions (default: %(default)s)"
    )
    parser.add_argument(
        "--sentences",
        type=int,
        default=110_000,
        help="generated sentences, beside captions and names (default: %(default)s)",
    )
    parser.add_argument(
        "--rendered", type=int, default=1860, help="pictures drawn by the recipe (default: %(default)s)"
    )
    parser.add_argument("--until", choices=STAGES, default="export", help="stop after this step (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="(default: all cores, %(default)s)")
    return parser.parse_args()


class Inputs:
    """Everything that is computed once: pictures, teacher features, targets, sentences, tokenizer."""

    def __init__(self, folder: Path, work: Path, generated: int, rendered_pictures: int):
        import model
        import numpy as np
        import prompts
        import rendered
        import sentences
        import targets
        import text_corpus
        import tokenizer
        from loop import log

        import data

        self.items = data.pictures(folder)
        self.pixels = data.load_pixels(folder, self.items)
        dropped = data.mark_twins(self.items, self.pixels)
        drawn, captions, tints = rendered.draw(folder, rendered_pictures, data.SIDE)
        self.items += [
            data.Picture("rendered", str(i), "train", caption, tint=None if np.isnan(tint) else tint)
            for i, (caption, tint) in enumerate(zip(captions, tints))
        ]
        self.pixels = np.concatenate([self.pixels, drawn])
        counts = Counter((p.set, p.split) for p in self.items)
        log(
            f"{len(self.items)} pictures, {dropped} near twins of test pictures left out; "
            + ", ".join(f"{s} {k}: {n}" for (s, k), n in sorted(counts.items()))
        )

        def once(name: str, make):
            path = work / name
            if not path.is_file():
                log(f"making {name}")
                temporary = work / f"tmp-{name}"
                make(temporary)
                os.replace(temporary, path)
            return path

        def features(path: Path) -> None:
            pooled, maps = targets.teacher_features(folder, self.pixels)
            with open(path, "wb") as f:
                np.savez(f, pooled=pooled, maps=maps)

        def whole_targets(path: Path) -> None:
            with open(path, "wb") as f:
                pooled = np.load(work / "teacher.npz")["pooled"]
                np.savez(f, **targets.build(folder, self.items, self.pixels, pooled, model.DIM))

        captions = [c for p in self.items if p.captions and p.split == "train" for c in p.captions]
        asked = sorted({t for p in self.items if not p.captions for t in prompts.prompts(p)})
        self.texts = text_corpus.corpus(folder, list(dict.fromkeys(captions)), asked, generated)
        self._same_data(work)

        self.maps = np.load(once("teacher.npz", features))["maps"]
        self.targets = dict(np.load(once("targets.npz", whole_targets)))
        self.tokenizer = once("tokenizer.json", lambda path: tokenizer.train(self.texts, model.VOCABULARY, path))

        def vectors(path: Path) -> None:
            with open(path, "wb") as f:
                np.save(f, sentences.embed(self.texts).astype(np.float16))

        self.sentence_path = lambda: once("sentences.npy", vectors)

    def _same_data(self, work: Path) -> None:
        """Everything in `work` depends on these, row by row: on other ones it must not go on."""
        import moods
        import vocabulary

        known = hashlib.sha256(self.pixels)
        for part in (self.items, self.texts, moods.lexicon(), moods.phrases(), vocabulary.ENERGETIC, vocabulary.CALM):
            known.update(repr(part).encode())
        now, path = known.hexdigest(), work / "inputs.sha256"
        if path.is_file() and path.read_text() != now:
            raise SystemExit(
                f"{work} was made from other data, words, --sentences or --rendered: delete it or give another --work"
            )
        path.write_text(now)

    def sentence_targets(self):
        """Where `texts` belong: unit vectors, float32 (n, dim)."""
        import numpy as np
        from space import Space

        return Space.from_arrays(self.targets).texts(np.load(self.sentence_path()).astype(np.float32))


def main() -> None:
    a = arguments()
    a.work.mkdir(parents=True, exist_ok=True)
    sys.stdout.reconfigure(line_buffering=True)
    try:
        import export
        import model
        import tokenizer
        import torch
        import vision
    except ImportError as error:
        raise SystemExit(f"{error}: run pip install -r {Path(__file__).parent / 'requirements.txt'}") from error
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    last = STAGES.index(a.until)

    inputs = Inputs(a.data, a.work, a.sentences, a.rendered)
    encode = tokenizer.Encode(inputs.tokenizer)
    if last < 1:
        return
    clip = model.new_model(encode.start, encode.end)
    clip = vision.train(clip, a.work, inputs.items, inputs.pixels, inputs.maps, inputs.targets, a.vision_steps)
    if last < 2:
        return
    import text

    clip = text.train(
        clip,
        a.work,
        inputs.items,
        inputs.targets,
        inputs.texts,
        inputs.sentence_targets(),
        encode,
        a.text_steps,
    )
    if last < 3:
        return
    import joint

    clip = joint.train(clip, a.work, inputs, encode, a.joint_steps)
    if last < 4:
        return
    export.export(clip.eval(), inputs.tokenizer, a.out)


if __name__ == "__main__":
    main()
