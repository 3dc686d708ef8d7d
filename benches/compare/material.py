"""Creates real pictures and texts for the encoders, and a catalogue of 10,000 songs in the checkpoint's space.

python material.py SHARED CHECKPOINT FOLDER     # writes it; encode.py calls it once, and keeps the folder
"""

import json
import shutil
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from checkpoint import Checkpoint
from encoders import BATCH, Pictures, Texts

SONGS = 10_000
# The number of texts is a multiple of the batch size, so that whole batches of equal length can be formed.
TEXTS = 992
PICTURES = 32
LARGE = (4000, 3000)
DONE = "done.txt"


class Skipped(Exception):
    """The reason why the material cannot be created here."""


@dataclass(frozen=True)
class Material:
    folder: Path

    def done(self, checkpoint: Checkpoint) -> bool:
        """Returns whether the material is complete, and in the space that this PixelPlay assigns to the checkpoint."""
        done = self.folder / DONE
        return done.exists() and done.read_text() == fingerprint(checkpoint)

    @property
    def small_photo(self) -> Path:
        return self.folder / "photo-500x400.jpg"

    @property
    def large_photo(self) -> Path:
        return self.folder / "photo-4000x3000.jpg"

    @property
    def index(self) -> Path:
        return self.folder / "songs.arrow"

    @property
    def vectors(self) -> Path:
        return self.folder / "songs.npy"

    @property
    def songs(self) -> Path:
        """The cleaned table, without vectors."""
        return self.folder / "songs-cleaned.arrow"

    @cached_property
    def pictures(self) -> Pictures:
        return Pictures(np.load(self.folder / "rgb.npy"), np.load(self.folder / "pixels.npy"))

    @cached_property
    def sentences(self) -> list[list[str]]:
        """Returns the sentences that `build_index` encodes for each song: two to eight, most of them shared with other
        songs."""
        return json.loads((self.folder / "sentences.json").read_text())

    @cached_property
    def mixed(self) -> Texts:
        """Returns distinct sentences, in the order of the catalogue."""
        return Texts(**json.loads((self.folder / "mixed.json").read_text()))

    @cached_property
    def equal(self) -> Texts:
        """Returns distinct sentences, in whole batches of equal length."""
        return Texts(**json.loads((self.folder / "equal.json").read_text()))


def fingerprint(checkpoint: Checkpoint) -> str:
    import pixelplay as pp

    return pp.Encoder(checkpoint.model).fingerprint


def make(shared: Path, checkpoint: Checkpoint, material: Material) -> None:
    folder = material.folder
    csv = shared / "data/songs/tidytuesday_spotify_songs.csv.gz"
    photos = sorted((shared / "data/photos/oasis").glob("*.jpg"))
    if not csv.exists() or len(photos) < PICTURES:
        raise Skipped("the shared folder has no data/songs/tidytuesday_spotify_songs.csv.gz or data/photos/oasis")
    folder.mkdir(parents=True, exist_ok=True)
    make_pictures(photos, checkpoint, material)
    make_songs(csv, checkpoint, material)
    make_texts(checkpoint, material)
    (folder / DONE).write_text(fingerprint(checkpoint))


def make_pictures(photos: list[Path], checkpoint: Checkpoint, material: Material) -> None:
    from PIL import Image
    from transformers import CLIPImageProcessorPil

    processor = CLIPImageProcessorPil.from_pretrained(checkpoint.model)
    squares = []
    for path in photos[:PICTURES]:
        photo = Image.open(path).convert("RGB")
        side, left, top = min(photo.size), (photo.width - min(photo.size)) // 2, (photo.height - min(photo.size)) // 2
        square = photo.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC)
        squares.append(np.asarray(square))
    np.save(material.folder / "rgb.npy", np.stack(squares))
    pixels = processor([Image.fromarray(square) for square in squares], return_tensors="np")["pixel_values"]
    np.save(material.folder / "pixels.npy", np.ascontiguousarray(pixels, np.float32))

    (material.folder / "photos.json").write_text(json.dumps([str(path) for path in photos]))
    shutil.copy(photos[0], material.small_photo)
    # Imitates a camera's file: enlarged, with a sensor's noise, which takes most of the bytes of such a file.
    large = np.asarray(Image.open(photos[0]).convert("RGB").resize(LARGE, Image.Resampling.LANCZOS), np.float32)
    noise = np.random.default_rng(1).normal(0, 4, large.shape).astype(np.float32)
    noisy = Image.fromarray((large + noise).round().clip(0, 255).astype(np.uint8))
    noisy.save(material.large_photo, quality=90, subsampling="4:2:0")


def make_songs(csv: Path, checkpoint: Checkpoint, material: Material) -> None:
    import pixelplay as pp
    import pyarrow as pa

    songs = pa.table(pp.clean(csv)[0]).slice(0, SONGS)
    with pa.OSFile(str(material.songs), "wb") as file, pa.ipc.new_file(file, songs.schema) as writer:
        writer.write_table(songs)
    pp.build_index(songs, material.index, encoder=pp.Encoder(checkpoint.model))
    index = pp.SongIndex.open(material.index)
    np.save(material.vectors, np.concatenate(index.vector_chunks))
    descriptions = pa.table(index.to_arrow())["description"].to_pylist()
    sentences = [description.split("\n") for description in descriptions]
    (material.folder / "sentences.json").write_text(json.dumps(sentences))


def make_texts(checkpoint: Checkpoint, material: Material) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint.model)
    different = list(dict.fromkeys(sentence for song in material.sentences for sentence in song))
    ids = tokenizer(different, truncation=True)["input_ids"]
    for name, chosen in (("mixed", range(len(different))), ("equal", alike([*map(len, ids)]))):
        chosen = chosen[:TEXTS]
        texts = {"texts": [different[at] for at in chosen], "ids": [ids[at] for at in chosen]}
        (material.folder / f"{name}.json").write_text(json.dumps(texts))


def alike(lengths: list[int]) -> list[int]:
    """Returns the positions of whole batches of one length, the most common lengths first."""
    found: list[int] = []
    for length, count in Counter(lengths).most_common():
        same = [at for at, other in enumerate(lengths) if other == length]
        found += same[: count // BATCH * BATCH]
    return found


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    shared, checkpoint, folder = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    try:
        make(shared, Checkpoint(checkpoint), Material(folder))
    except Skipped as reason:
        (folder / "skipped.txt").write_text(str(reason))


if __name__ == "__main__":
    main()
