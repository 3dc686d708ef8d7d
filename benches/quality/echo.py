"""Measures whether a title among the first ten songs names what the picture shows."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from measures import Floats, bootstrap

HERE = Path(__file__).resolve().parent
K = 10
SHUFFLES = 200


def theme_words() -> dict[str, list[str]]:
    """Returns, for each OASIS theme, at most eight words for what its pictures show."""
    return json.loads((HERE / "echo_words.json").read_text())


def names(title: str, words: list[str]) -> bool:
    """Returns whether the title contains one of the words as a whole word, in the singular or plural."""
    found = re.findall(r"[^\W_]+", title.casefold().replace("'", "").replace("’", ""))
    return any(word in (token, *_singulars(token)) for token in found for word in words)


def _singulars(token: str) -> list[str]:
    return [token[: -len(end)] for end in ("s", "es") if token.endswith(end) and len(token) > len(end) + 2]


@dataclass
class Echo:
    """Whether the theme of each picture is named (0 or 1), and how often the theme of a random picture would be named."""

    named: Floats
    by_chance: Floats
    themes: list[str]
    # The share of pictures whose theme is named by any title of the catalogue.
    ceiling: float

    @property
    def lift(self) -> float:
        return float((self.named - self.by_chance).mean())

    def interval(self) -> tuple[float, float]:
        lift = self.named - self.by_chance
        return bootstrap(lambda rows: float(lift[rows].mean()), self.themes)


def echo(rows: npt.NDArray[np.integer], titles: list[str], themes: list[str]) -> Echo:
    """`rows` are the first K songs of each picture, shape (pictures, K); `titles` are all titles of the catalogue, by
    row."""
    words = theme_words()
    kinds = sorted(set(themes))
    titled = {theme: np.array([names(title, words[theme]) for title in titles]) for theme in kinds}
    found = np.stack([titled[theme][rows].any(1) for theme in kinds], 1)  # (pictures, kinds)
    own = np.array([kinds.index(theme) for theme in themes])
    every = np.arange(len(own))
    r = np.random.default_rng(1)
    shuffled = [found[every, own[r.permutation(len(own))]] for _ in range(SHUFFLES)]
    ceiling = np.array([titled[theme].any() for theme in themes])
    return Echo(found[every, own].astype(float), np.mean(shuffled, 0), themes, float(ceiling.mean()))
