"""Measures a checkpoint on the pictures that training left out. See --help."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import json
import math
import random
import sys
from pathlib import Path

HELP = """Prints how well a checkpoint does on pictures kept out of training, with chance beside each figure.

The checkpoint is read by transformers and the pictures go through its own preprocessor_config.json, as any user's would.
Takes a minute or two. --json prints the same figures as one JSON object.

  python models/train/evaluate.py --data ../shared/data --checkpoint models/pixelplay-mini
"""
# Not among the sentences that training used for its mood directions.
ANCHORS = {
    "valence": (
        ["a photo that makes people feel good", "wonderful and delightful", "a cute, lovely picture"],
        ["a photo that makes people feel bad", "horrible and disturbing", "a grim, depressing picture"],
    ),
    "arousal": (
        ["a photo that gets the heart racing", "intense action and excitement", "fast and dramatic"],
        ["a photo that makes people sleepy", "quiet stillness", "slow and uneventful"],
    ),
}
BATCH = 64


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds train/")
    parser.add_argument("--checkpoint", type=Path, required=True, help="a Hugging Face CLIPModel directory")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args()


class Checkpoint:
    def __init__(self, folder: Path):
        import tokenizer
        from transformers import CLIPImageProcessorPil, CLIPModel

        if not (folder / "model.safetensors").is_file():
            raise SystemExit(f"{folder} holds no model.safetensors: --checkpoint must name a CLIPModel directory")
        self.model = CLIPModel.from_pretrained(folder, dtype="float32").eval()
        self.process = CLIPImageProcessorPil.from_pretrained(folder)
        self.encode = tokenizer.Encode(folder / "tokenizer.json")

    def images(self, pictures: list):
        import model as m
        import torch

        parts = []
        for at in range(0, len(pictures), BATCH):
            pixels = self.process(images=pictures[at : at + BATCH], return_tensors="pt")["pixel_values"]
            parts.append(m.see(self.model, pixels)[0])
        return torch.cat(parts).numpy()

    def texts(self, texts: list[str]):
        import model as m
        import torch

        ids = self.encode(texts)
        return torch.cat([m.read(self.model, ids[at : at + BATCH]) for at in range(0, len(ids), BATCH)]).numpy()

    def prompt(self, texts: list[str]):
        from sentences import unit

        return unit(self.texts(texts).mean(0))


def spearman(a, b) -> float:
    import numpy as np

    ranks = [np.unique(x, return_inverse=True, return_counts=True) for x in (a, b)]
    ranks = [(np.cumsum(count) - (count - 1) / 2)[inverse] for _, inverse, count in ranks]
    return float(np.corrcoef(*ranks)[0, 1])


def recalls(rank, ks=(1, 5, 10)) -> list[float]:
    return [float((rank < k).mean()) for k in ks]


def flickr(checkpoint: Checkpoint, items: list, images: dict) -> tuple[list[tuple], list[str]]:
    """Retrieval among the 1,000 test pictures; `rank` counts the rivals that score strictly higher."""
    import numpy as np

    test = [p for p in items if p.set == "flickr8k" and p.split == "test"]
    z = checkpoint.images([images["flickr8k"][p.file] for p in test])
    captions = [c for p in test for c in p.captions]
    owner = np.repeat(np.arange(len(test)), [len(p.captions) for p in test])
    words = checkpoint.texts(captions)
    score = z @ words.T
    best = np.array([score[i, owner == i].max() for i in range(len(test))])
    any_of_five = (score > best[:, None]).sum(1)
    to_picture = (score.T > score[owner, np.arange(len(owner))][:, None]).sum(1)
    first = np.searchsorted(owner, np.arange(len(test)))
    single = score[:, first]
    n, m = len(test), len(captions)
    rows = []
    one = [k / n for k in (1, 5, 10)]
    five = [1 - math.comb(m - 5, k) / math.comb(m, k) for k in (1, 5, 10)]
    for name, rank, chance in (
        (f"image -> first caption, {n} pictures, {n} captions", (single > single.diagonal()[:, None]).sum(1), one),
        (f"first caption -> image, {n} captions, {n} pictures", (single.T > single.diagonal()[:, None]).sum(1), one),
        (f"image -> any of its captions, {n} pictures, {m} captions", any_of_five, five),
        (f"caption -> image, {m} captions, {n} pictures", to_picture, one),
    ):
        rows += [(f"{name}: recall@{k}", value, c) for k, value, c in zip((1, 5, 10), recalls(rank), chance)]
    return rows, captions


def zero_shot(checkpoint: Checkpoint, items: list, images: dict, name: str) -> tuple:
    """Accuracy over the test part; each class is the mean of its prompts' vectors."""
    import numpy as np
    import targets

    test = [p for p in items if p.set == name and p.split == "test"]
    classes = sorted({p.label for p in test})
    words = np.stack([checkpoint.prompt(next(targets.prompts(p) for p in test if p.label == c)) for c in classes])
    z = checkpoint.images([images[name][p.file] for p in test])
    right = (z @ words.T).argmax(1) == [classes.index(p.label) for p in test]
    return f"{name}, {len(test)} pictures, {len(classes)} classes: accuracy", float(right.mean()), 1 / len(classes)


def mood(checkpoint: Checkpoint, items: list, images: dict) -> list[tuple]:
    import numpy as np
    import targets

    test = [p for p in items if p.set == "oasis" and p.split == "test"]
    themes = len({p.label for p in test})
    z = checkpoint.images([images["oasis"][p.file] for p in test])
    trained = {"valence": (targets.HAPPY, targets.UNHAPPY), "arousal": (targets.EXCITED, targets.CALM)}
    rows = []
    for source, anchors in (("training's anchors", trained), ("other anchors", ANCHORS)):
        for norm, (high, low) in anchors.items():
            axis = checkpoint.prompt(high) - checkpoint.prompt(low)
            value = spearman(z @ axis, np.array([getattr(p, norm) for p in test]))
            rows.append(
                (f"OASIS {norm}, {len(test)} pictures of {themes} held-out themes, {source}: Spearman", value, 0.0)
            )
    return rows


def sanity(checkpoint: Checkpoint, items: list, captions: list[str], data_folder: Path) -> list[tuple]:
    """Is the space collapsed, and does the text tower agree with its teacher on sentences it never saw?"""
    import numpy as np
    import sentences
    import targets
    import text_corpus

    known = list(dict.fromkeys(c for p in items if p.captions and p.split == "train" for c in p.captions))
    used = [c for p in items if p.captions and p.split == "train" for c in p.captions]
    prompts = sorted({t for p in items if not p.captions for t in targets.prompts(p)})
    trained = set(text_corpus.corpus(data_folder, known, prompts, 90_000))
    r = random.Random(text_corpus.SEED + 1)
    fresh = [s for s in dict.fromkeys(text_corpus.sentence(r) for _ in range(2500)) if s not in trained][:2000]
    teacher = dict(zip(known, sentences.embed(known)))
    mean = np.mean([teacher[c] for c in used], 0)
    rows = []
    for name, texts in (("test captions", captions), ("generated sentences not in the corpus", fresh)):
        got = checkpoint.texts(texts)
        want = sentences.unit(sentences.embed(texts) - mean) @ sentences.isometry(got.shape[1])
        agreement = (got * want).sum(1)
        rows.append(
            (
                f"{len(texts)} {name}: mean cosine with MiniLM",
                float(agreement.mean()),
                float((got * want[::-1]).sum(1).mean()),
            )
        )
        other = (got * np.roll(got, len(got) // 2, 0)).sum(1)
        rows.append((f"{len(texts)} {name}: mean cosine of unrelated pairs", float(other.mean()), 0.0))
        rows.append((f"{len(texts)} {name}: 99th percentile of the same", float(np.percentile(other, 99)), 0.0))
    return rows


def main() -> None:
    a = arguments()
    import torch

    import data

    items = data.pictures(a.data)
    data.mark_twins(items, data.load_pixels(a.data, items))
    images = {name: data.open_set(a.data, name) for name in ("flickr8k", "intel-scenes", "day-night-amos", "oasis")}
    checkpoint = Checkpoint(a.checkpoint)
    with torch.inference_mode():
        rows, captions = flickr(checkpoint, items, images)
        rows += [zero_shot(checkpoint, items, images, name) for name in ("intel-scenes", "day-night-amos")]
        rows += mood(checkpoint, items, images)
        rows += sanity(checkpoint, items, captions, a.data)
    if a.json:
        json.dump(
            [{"metric": n, "value": round(v, 4), "chance": round(c, 4)} for n, v, c in rows], sys.stdout, indent=1
        )
        print()
        return
    width = max(len(n) for n, _, _ in rows)
    print(f"{'metric':<{width}}  value   chance")
    for name, value, chance in rows:
        print(f"{name:<{width}}  {value:6.3f}  {chance:6.3f}")


if __name__ == "__main__":
    main()
