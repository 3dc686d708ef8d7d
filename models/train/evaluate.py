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
Moods and music are what benches/quality measures. Takes a minute or two. --json prints the same figures as one JSON object.

  python models/train/evaluate.py --data ../shared/data --checkpoint models/pixelplay-mini
"""
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

    def encode_images(self, pictures: list):
        import model as m
        import torch

        parts = []
        for at in range(0, len(pictures), BATCH):
            pixels = self.process(images=pictures[at : at + BATCH], return_tensors="pt")["pixel_values"]
            parts.append(m.encode_images(self.model, pixels)[0])
        return torch.cat(parts).numpy()

    def encode_texts(self, texts: list[str]):
        import model as m
        import torch

        ids = self.encode(texts)
        return torch.cat([m.encode_texts(self.model, ids[at : at + BATCH]) for at in range(0, len(ids), BATCH)]).numpy()

    def encode_prompts(self, texts: list[str]):
        from space import unit

        return unit(self.encode_texts(texts).mean(0))


def recalls(rank, ks=(1, 5, 10)) -> list[float]:
    return [float((rank < k).mean()) for k in ks]


def flickr(checkpoint: Checkpoint, items: list, images: dict) -> tuple[list[tuple], list[str]]:
    """Retrieval among the 1,000 test pictures; `rank` counts the rivals that score strictly higher."""
    import numpy as np

    test = [p for p in items if p.set == "flickr8k" and p.split == "test"]
    z = checkpoint.encode_images([images["flickr8k"][p.file] for p in test])
    captions = [c for p in test for c in p.captions]
    owner = np.repeat(np.arange(len(test)), [len(p.captions) for p in test])
    words = checkpoint.encode_texts(captions)
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
    from prompts import prompts

    test = [p for p in items if p.set == name and p.split == "test"]
    classes = sorted({p.label for p in test})
    words = np.stack([checkpoint.encode_prompts(next(prompts(p) for p in test if p.label == c)) for c in classes])
    z = checkpoint.encode_images([images[name][p.file] for p in test])
    right = (z @ words.T).argmax(1) == [classes.index(p.label) for p in test]
    return f"{name}, {len(test)} pictures, {len(classes)} classes: accuracy", float(right.mean()), 1 / len(classes)


def sanity(checkpoint: Checkpoint, items: list, captions: list[str], data_folder: Path) -> list[tuple]:
    """Is the space collapsed, and does the text tower agree with its teacher on sentences it never saw?"""
    import numpy as np
    import sentences
    import text_corpus
    from prompts import prompts
    from space import Space

    known = list(dict.fromkeys(c for p in items if p.captions and p.split == "train" for c in p.captions))
    used = [c for p in items if p.captions and p.split == "train" for c in p.captions]
    asked = sorted({t for p in items if not p.captions for t in prompts(p)})
    trained = set(text_corpus.corpus(data_folder, known, asked, text_corpus.GENERATED))
    r = random.Random(text_corpus.SEED + 1)
    fresh = [s for s in dict.fromkeys(text_corpus.sentence(r) for _ in range(2500)) if s not in trained][:2000]
    teacher = dict(zip(known, sentences.embed(known)))
    space = Space.from_captions(np.stack([teacher[c] for c in used]), checkpoint.model.config.projection_dim)
    rows = []
    for name, texts in (("test captions", captions), ("generated sentences not in the corpus", fresh)):
        embeddings, targets = checkpoint.encode_texts(texts), space.texts(sentences.embed(texts))
        agreement = (embeddings * targets).sum(1)
        rows.append(
            (
                f"{len(texts)} {name}: mean cosine with the teacher's place",
                float(agreement.mean()),
                float((embeddings * targets[::-1]).sum(1).mean()),
            )
        )
        other = (embeddings * np.roll(embeddings, len(embeddings) // 2, 0)).sum(1)
        rows.append((f"{len(texts)} {name}: mean cosine of unrelated pairs", float(other.mean()), 0.0))
        rows.append((f"{len(texts)} {name}: 99th percentile of the same", float(np.percentile(other, 99)), 0.0))
    return rows


def main() -> None:
    a = arguments()
    import torch

    import data

    items = data.pictures(a.data)
    data.mark_twins(items, data.load_pixels(a.data, items))
    images = {name: data.open_set(a.data, name) for name in ("flickr8k", "intel-scenes", "day-night-amos")}
    checkpoint = Checkpoint(a.checkpoint)
    with torch.inference_mode():
        rows, captions = flickr(checkpoint, items, images)
        rows += [zero_shot(checkpoint, items, images, name) for name in ("intel-scenes", "day-night-amos")]
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
