"""Everything computed once from the data folder: pictures, sentences and their vectors, the space, and the tokenizer."""

import hashlib
import os
from collections import Counter
from functools import cached_property
from pathlib import Path

import model
import numpy as np
import text_corpus
import tokenizer
from loop import log
from prompts import prompts
from sentences import Sentences
from space import Space

import data


def once(path: Path, make) -> Path:
    """Returns `path`. If the file does not exist, `make(temporary)` creates it first."""
    if not path.is_file():
        log(f"making {path.name}")
        temporary = path.with_name(f"tmp-{path.name}")
        make(temporary)
        os.replace(temporary, path)
    return path


class Inputs:
    """The training and held-out pictures, in a fixed order, and the texts."""

    def __init__(self, folder: Path, work: Path, tuning: bool):
        self.folder, self.work = folder, work
        self.pixels, self.items = self._pictures(tuning)
        counts = Counter((p.split, p.set) for p in self.items)
        log(f"{len(self.items)} pictures; " + ", ".join(f"{s} {k}: {n}" for (k, s), n in sorted(counts.items())))
        self.sentences = Sentences(work / "sentences")
        self.captions = list(dict.fromkeys(c for p in self._train if p.captions for c in p.captions))
        kept = {c for p in self.items if p.split == "tune" for c in p.captions}
        asked = sorted({t for p in self._train if not p.captions for t in prompts(p)})
        corpus = once(work / "corpus.txt", lambda path: self._corpus(path, asked))
        self.texts = [t for t in corpus.read_text(encoding="utf-8").split("\n") if t not in kept]
        self.tokenizer = once(work / "tokenizer.json", lambda path: tokenizer.train(self.texts, model.VOCABULARY, path))
        self._same_data()

    @property
    def _train(self) -> list[data.Picture]:
        return [p for p in self.items if p.split == "train"]

    def _pictures(self, tuning: bool) -> tuple[np.ndarray, list[data.Picture]]:
        """Returns pixels and pictures. Near twins of test pictures are removed before any pictures are held out."""

        def make(path: Path) -> None:
            items = data.learnt(self.folder, False)
            pixels = data.load_pixels(self.folder, items)
            log(f"{data.mark_twins(items, pixels)} near twins of test pictures left out")
            rows = [i for i, p in enumerate(items) if p.split in ("train", "tune")]
            np.save(self.work / "kept.npy", rows)
            with open(path, "wb") as f:
                np.save(f, pixels[rows])

        pixels = np.load(once(self.work / "pixels.npy", make), mmap_mode="r")
        items = data.learnt(self.folder, tuning)
        return pixels, [items[i] for i in np.load(self.work / "kept.npy")]

    def _corpus(self, path: Path, asked: list[str]) -> None:
        texts = text_corpus.corpus(self.folder, self.captions, asked, text_corpus.GENERATED)
        path.write_text("\n".join(" ".join(t.split()) for t in texts), encoding="utf-8")

    def _same_data(self) -> None:
        """Stops if `work` was made from other inputs, because all its files depend on them row by row."""
        known = hashlib.sha256(self.pixels)
        for part in (self.items, self.texts):
            known.update(repr(part).encode())
        now, path = known.hexdigest(), self.work / "inputs.sha256"
        if path.is_file() and path.read_text() != now:
            raise SystemExit(f"{self.work} was made from other data, words or splits: delete it or pass another --work")
        path.write_text(now)

    @cached_property
    def space(self) -> Space:
        used = [c for p in self._train for c in p.captions]
        return Space.from_captions(self.sentences.embed(used), self.sentences.embed)

    def places(self) -> np.ndarray:
        """Returns the places of `texts` in the space: unit vectors, float32 (n, 384)."""
        return self.space.texts(self.sentences.embed(self.texts))

    def tune_sentences(self) -> tuple[list[str], np.ndarray]:
        """Returns captions of held-out pictures and song names that are not in the training data, with their places."""
        texts = [p.captions[0] for p in self.items if p.split == "tune" and p.captions]
        texts += text_corpus.titles(self.folder, learnt=False)[:: text_corpus.EVERY]
        return texts, self.space.texts(self.sentences.embed(texts))
