"""Pictures, labels and splits of the training sets. The model card lists their sources and terms."""

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
# More kinds of pictures, from `train2`: all pictures with a caption, or with a label that says what they show.
MORE = """sysu-scene coco-mini cc-sbu food sentibank imagenet-samples caltech101 pacs-art sports events corel houses
weather5""".split()
# The maximum number of training pictures from sets with few kinds and many pictures. The pictures used are those with the
# smallest hashes of their file names.
MOST = {"intel-scenes": 1800, "scene15-grey": 750, "flowers5": 500, "day-night-amos": 120}
# The numbers in Intel's file names are shuffled over the classes, so neighbouring numbers are not related pictures. Any
# fixed block can serve as the test part; near twins are found by comparing pixels (see `near_twins`).
INTEL_TEST_BELOW = 2700
TWIN_BITS = 6


@dataclass
class Picture:
    set: str
    file: str
    split: str  # train | tune (held out for tuning) | test | unused
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
        raise SystemExit(f"{path} is missing: --data must be the folder that contains train/ and teacher/")
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
    """Returns the pictures of a `train2` set that have captions or a label."""
    found = []
    for row in _rows(folder / f"{name}.labels.csv"):
        captions = tuple(c.strip() for c in (row.get("caption") or "").split(" | ") if c.strip())
        if captions or row["label"]:
            found.append(Picture(name, row["file"], "train", row["label"] or None, captions))
    return found


def pictures(data: Path) -> list[Picture]:
    """Returns all pictures of `train` in a fixed order: set by set, in the order of each set's table."""
    folder = data / "train"
    out = _flickr(folder)
    for name in SETS[1:]:
        out += _labelled(folder, name)
    return out


def learnt(data: Path, tuning: bool) -> list[Picture]:
    """Returns the pictures that training uses: all splits except `unused`, at most MOST pictures per set, and `train2`.

    With `tuning`, an eighth of Flickr8k's and of Intel's training pictures and a fifth of OASIS's themes are held out for
    choosing settings; otherwise a twentieth of Flickr8k's pictures, for monitoring the run."""
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
    """Returns every picture of a set's tar file, decoded to RGB, by file name."""
    out = {}
    with tarfile.open(data / ("train2" if name in MORE else "train") / f"{name}.tar") as tar:
        for member in tar:
            if member.isfile():
                image = Image.open(io.BytesIO(tar.extractfile(member).read()))
                out[Path(member.name).name] = image.convert("RGB")
    return out


def square(image: Image.Image, side: int) -> np.ndarray:
    """Resizes the shortest side to `side` (bicubic) and crops the centre, like the checkpoint's preprocessor.

    Returns uint8 (side, side, 3)."""
    w, h = image.size
    # as in transformers, the longer side and the offset of the crop are truncated
    w2, h2 = (side, int(side * h / w)) if w <= h else (int(side * w / h), side)
    if (w2, h2) != (w, h):
        image = image.resize((w2, h2), Image.Resampling.BICUBIC)
    left, top = (w2 - side) // 2, (h2 - side) // 2
    return np.asarray(image)[top : top + side, left : left + side]


def dhash(pixels: np.ndarray) -> int:
    """Returns the 64-bit difference hash of a square picture."""
    grey = np.asarray(Image.fromarray(pixels).convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes(), "big")


def near_twins(hashes: np.ndarray, tests: np.ndarray) -> np.ndarray:
    """Returns for each hash whether it differs from that of a test picture by at most TWIN_BITS bits."""
    out = np.zeros(len(hashes), bool)
    for t in tests:
        out |= np.bitwise_count(hashes ^ t) <= TWIN_BITS
    return out


def load_pixels(data: Path, items: list[Picture]) -> np.ndarray:
    """Returns the pixels of `items`, in order, as uint8 (n, SIDE, SIDE, 3)."""
    out = np.empty((len(items), SIDE, SIDE, 3), np.uint8)
    for name in SETS + MORE:
        images = open_set(data, name)
        for i, p in enumerate(items):
            if p.set == name:
                out[i] = square(images[p.file], SIDE)
    return out


def mark_twins(items: list[Picture], pixels: np.ndarray) -> int:
    """Marks training pictures that are near twins of a test picture as unused, and returns their number.

    Test pictures of day-night-amos are ignored: they are near twins of training pictures by design."""
    hashes = np.array([dhash(x) for x in pixels], np.uint64)
    tests = hashes[[i for i, p in enumerate(items) if p.split == "test" and p.set != "day-night-amos"]]
    twins = near_twins(hashes, tests)
    dropped = 0
    for p, twin in zip(items, twins):
        if twin and p.split in ("train", "tune"):
            p.split, dropped = "unused", dropped + 1
    return dropped
