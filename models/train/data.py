"""Pictures, labels and splits of the training sets; sources and terms stand in the model card."""

import csv
import hashlib
import io
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 128
SETS = ["flickr8k", "intel-scenes", "weather4", "oasis", "scene15-grey", "flowers5", "day-night-amos"]
# More kinds of pictures, from `train2`: all that have a caption or a label that says what they show.
MORE = """sysu-scene coco-mini cc-sbu food sentibank imagenet-samples caltech101 pacs-art sports events corel houses
weather5""".split()
# Of sets with few kinds and many pictures, so many are learnt from: the first by a hash of their names.
MOST = {"intel-scenes": 1800, "scene15-grey": 750, "flowers5": 500, "day-night-amos": 120}
# Numbers in Intel's file names are shuffled over the classes, so they say nothing about siblings: any fixed
# block is as good as another, and near twins are dropped by their look (see `near_twins`).
INTEL_TEST_BELOW = 2700
TWIN_BITS = 6


@dataclass
class Picture:
    set: str
    file: str
    split: str  # train | tune (kept aside for tuning) | test | unused
    label: str | None = None
    captions: tuple[str, ...] = ()
    valence: float | None = None
    arousal: float | None = None


def hashed(text: str) -> int:
    return int(hashlib.sha1(text.encode()).hexdigest(), 16)


def _bucket(text: str, n: int) -> int:
    return hashed(text) % n


def _rows(path: Path) -> list[dict]:
    if not path.is_file():
        raise SystemExit(f"{path} is missing: --data must name the folder that holds train/ and teacher/")
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def _flickr(folder: Path) -> list[Picture]:
    captions: dict[str, list[str]] = {}
    split: dict[str, str] = {}
    for row in _rows(folder / "flickr8k.captions.csv"):
        captions.setdefault(row["file"], []).append(row["caption"])
        split[row["file"]] = row["split"]
    names = {"dev": "test", "none": "unused"}
    return [
        Picture("flickr8k", f, names.get(split[f]) or ("tune" if _bucket(f, 20) == 0 else "train"), captions=tuple(c))
        for f, c in captions.items()
    ]


def _labelled(folder: Path, name: str) -> list[Picture]:
    pictures = []
    for row in _rows(folder / f"{name}.labels.csv"):
        p = Picture(name, row["file"], row.get("split", "train"), row["label"])
        if name == "intel-scenes":
            number = int(re.search(r"(\d+)\.jpg$", p.file).group(1))
            p.split = "test" if number < INTEL_TEST_BELOW else "train"
        if name == "oasis":
            p.valence, p.arousal = float(row["valence_mean_1to7"]), float(row["arousal_mean_1to7"])
            p.split = "test" if _bucket(p.label, 5) == 0 else "train"
        pictures.append(p)
    return pictures


def _more(folder: Path, name: str) -> list[Picture]:
    """Pictures of `train2` with captions or a label; what has neither is left out."""
    found = []
    for row in _rows(folder / f"{name}.labels.csv"):
        captions = tuple(c.strip() for c in (row.get("caption") or "").split(" | ") if c.strip())
        if captions or row["label"]:
            found.append(Picture(name, row["file"], "train", row["label"] or None, captions))
    return found


def pictures(data: Path) -> list[Picture]:
    """All pictures of `train` in a fixed order: set by set, in the order of each set's table."""
    folder = data / "train"
    out = _flickr(folder)
    for name in SETS[1:]:
        out += _labelled(folder, name)
    return out


def learnt(data: Path, tuning: bool) -> list[Picture]:
    """What training takes: all splits but `unused`, at most MOST of a set, and `train2`.

    With `tuning` an eighth of Flickr8k's training pictures, an eighth of Intel's and a fifth of OASIS's themes are kept aside,
    to choose by; otherwise a twentieth of Flickr8k's, to watch the run."""
    out = pictures(data)
    for name, most in MOST.items():
        mine = sorted((p for p in out if p.set == name and p.split == "train"), key=lambda p: hashed(p.file))
        for p in mine[most:]:
            p.split = "unused"
    for p in out if tuning else []:
        eighth = _bucket(p.file, 8) == 0 and p.set in ("flickr8k", "intel-scenes")
        if p.split == "train" and (eighth or (p.set == "oasis" and _bucket(f"tune {p.label}", 5) == 0)):
            p.split = "tune"
    for name in MORE:
        out += _more(data / "train2", name)
    return [p for p in out if p.split != "unused"]


def open_set(data: Path, name: str) -> dict[str, Image.Image]:
    """Every picture of one tar, decoded to RGB, by file name."""
    out = {}
    with tarfile.open(data / ("train2" if name in MORE else "train") / f"{name}.tar") as tar:
        for member in tar:
            if member.isfile():
                image = Image.open(io.BytesIO(tar.extractfile(member).read()))
                out[Path(member.name).name] = image.convert("RGB")
    return out


def square(image: Image.Image, side: int) -> np.ndarray:
    """Shortest side to `side` by bicubic, centre crop: uint8 (side, side, 3), as the checkpoint's preprocessor does."""
    w, h = image.size
    # transformers: the longer side is truncated, the crop's offset too
    w2, h2 = (side, int(side * h / w)) if w <= h else (int(side * w / h), side)
    if (w2, h2) != (w, h):
        image = image.resize((w2, h2), Image.Resampling.BICUBIC)
    left, top = (w2 - side) // 2, (h2 - side) // 2
    return np.asarray(image)[top : top + side, left : left + side]


def dhash(pixels: np.ndarray) -> int:
    """64-bit difference hash of a square picture."""
    grey = np.asarray(Image.fromarray(pixels).convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes(), "big")


def near_twins(hashes: np.ndarray, tests: np.ndarray) -> np.ndarray:
    """For each hash: does a test picture lie within TWIN_BITS of it?"""
    out = np.zeros(len(hashes), bool)
    for t in tests:
        out |= np.bitwise_count(hashes ^ t) <= TWIN_BITS
    return out


def load_pixels(data: Path, items: list[Picture]) -> np.ndarray:
    """uint8 (n, SIDE, SIDE, 3) in the order of `items`."""
    out = np.empty((len(items), SIDE, SIDE, 3), np.uint8)
    for name in SETS + MORE:
        images = open_set(data, name)
        for i, p in enumerate(items):
            if p.set == name:
                out[i] = square(images[p.file], SIDE)
    return out


def mark_twins(items: list[Picture], pixels: np.ndarray) -> int:
    """Leave out training pictures that are near twins of a test picture; day-night-amos is all twins by design."""
    hashes = np.array([dhash(x) for x in pixels], np.uint64)
    tests = hashes[[i for i, p in enumerate(items) if p.split == "test" and p.set != "day-night-amos"]]
    twins = near_twins(hashes, tests)
    dropped = 0
    for p, twin in zip(items, twins):
        if twin and p.split in ("train", "tune"):
            p.split, dropped = "unused", dropped + 1
    return dropped
