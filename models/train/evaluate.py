"""Evaluates a checkpoint on pictures that were left out of training. See --help."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import json
import math
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
import eight_bits  # noqa: E402

HELP = """Prints how well a checkpoint does on pictures that were left out of training, and the chance level of each figure.

open_clip reads the checkpoint, and its own transform and tokenizer process the pictures and texts, as for any user.
Moods and music are measured by benches/quality. Takes a minute or two. --json prints the same figures as one JSON object.

  python models/train/evaluate.py --data ../shared/data --checkpoint models/train/.checkpoint
"""
BATCH = 64


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that contains train/")
    parser.add_argument("--checkpoint", type=Path, required=True, help="an OpenCLIP folder")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args()


class Checkpoint:
    def __init__(self, folder: Path):
        import open_clip

        if not (folder / eight_bits.WEIGHTS).is_file():
            raise SystemExit(f"{folder} does not contain {eight_bits.WEIGHTS}: --checkpoint must be an OpenCLIP folder")
        with tempfile.TemporaryDirectory() as floats:
            eight_bits.float_folder(folder, Path(floats))
            name = f"local-dir:{floats}"
            self.model, _, self.transform = open_clip.create_model_and_transforms(name, precision="fp32")
            self.tokenizer = open_clip.get_tokenizer(name)
        self.model.eval()

    def encode_images(self, pictures: list):
        import torch

        parts = []
        for at in range(0, len(pictures), BATCH):
            pixels = torch.stack([self.transform(picture) for picture in pictures[at : at + BATCH]])
            parts.append(self.model.encode_image(pixels, normalize=True))
        return torch.cat(parts).numpy()

    def encode_texts(self, texts: list[str]):
        import torch

        parts = [self.tokenizer(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
        return torch.cat([self.model.encode_text(ids, normalize=True) for ids in parts]).numpy()

    def encode_prompts(self, texts: list[str]):
        from space import unit

        return unit(self.encode_texts(texts).mean(0))


def recalls(rank, ks=(1, 5, 10)) -> list[float]:
    return [float((rank < k).mean()) for k in ks]


def flickr(checkpoint: Checkpoint, items: list, images: dict) -> tuple[list[tuple], list[str]]:
    """Measures retrieval among the 1,000 test pictures. `rank` is the number of rivals with a strictly higher score."""
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
    """Measures the accuracy on the test part. Each class is represented by the mean of its prompts' vectors."""
    import numpy as np
    from prompts import prompts

    test = [p for p in items if p.set == name and p.split == "test"]
    classes = sorted({p.label for p in test})
    words = np.stack([checkpoint.encode_prompts(next(prompts(p) for p in test if p.label == c)) for c in classes])
    z = checkpoint.encode_images([images[name][p.file] for p in test])
    right = (z @ words.T).argmax(1) == [classes.index(p.label) for p in test]
    return f"{name}, {len(test)} pictures, {len(classes)} classes: accuracy", float(right.mean()), 1 / len(classes)


def sanity(checkpoint: Checkpoint, captions: list[str], data_folder: Path) -> list[tuple]:
    """Measures cosines of unrelated texts, which show whether the space has collapsed."""
    import numpy as np
    import text_corpus

    rows = []
    fresh = text_corpus.titles(data_folder, learnt=False)
    for name, texts in (("test captions", captions), ("names of songs that were not learnt", fresh)):
        embeddings = checkpoint.encode_texts(texts)
        other = (embeddings * np.roll(embeddings, len(embeddings) // 2, 0)).sum(1)
        rows.append((f"{len(texts)} {name}: mean cosine of unrelated pairs", float(other.mean()), 0.0))
        rows.append((f"{len(texts)} {name}: 99th percentile of the same", float(np.percentile(other, 99)), 0.0))
    return rows


def main() -> None:
    a = arguments()
    import torch

    import data

    items = data.pictures(a.data)
    images = {name: data.open_set(a.data, name) for name in ("flickr8k", "intel-scenes", "day-night-amos")}
    checkpoint = Checkpoint(a.checkpoint)
    with torch.inference_mode():
        rows, captions = flickr(checkpoint, items, images)
        rows += [zero_shot(checkpoint, items, images, name) for name in ("intel-scenes", "day-night-amos")]
        rows += sanity(checkpoint, captions, a.data)
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
