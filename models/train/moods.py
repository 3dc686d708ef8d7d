"""Estimates moods. Valence and energy of texts are estimated from rated words and from phrases written for a mood, and
those of pictures from pictures that people rated."""

from pathlib import Path

import numpy as np
import tomllib
import vocabulary
from colours import statistics

import data

TEMPLATES = Path(__file__).resolve().parents[2] / "pixelplay-core/src/catalog/describe/templates.toml"
TEXT_PENALTY = 3e-3
PHRASE = 10  # the weight of one of a few hundred phrases, relative to one of 7,000 words
FOLDS = 12
VALENCE_PENALTY, ENERGY_PENALTY = 10.0, 3.0
EARLY = 0.7  # the weight of features of the frozen stages
SIMILAR, SHARPNESS = 1000.0, 2.0  # the weight and the sharpness of the kernel that compares predicted sentences


def templates() -> dict:
    """Returns the phrases that the library uses to describe songs."""
    return tomllib.loads(TEMPLATES.read_text(encoding="utf-8"))


def lexicon() -> dict[str, float]:
    """Returns the valence of single words, -1 to 1, from VADER's lexicon (Hutto and Gilbert 2014, MIT; ten raters per
    word)."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    words = SentimentIntensityAnalyzer().lexicon.items()
    return {word: value / 4 for word, value in words if word.isascii() and word.isalpha() and len(word) > 2}


def phrases() -> tuple[dict[str, float], dict[str, float]]:
    """Returns valence and energy, -1 to 1, of the phrases that describe songs."""
    valence: dict[str, float] = {}
    energy: dict[str, float] = {}
    wording = templates()

    def levels(rows: list) -> list[tuple[float, list]]:
        return list(zip(np.linspace(-1, 1, len(rows)).tolist(), rows))

    for level, row in levels(wording["scenes"]):
        for other, cell in levels(row):
            energy |= dict.fromkeys(cell, level)
            valence |= dict.fromkeys(cell, other)
    for known, rows in (
        (valence, wording["light"]),
        (energy, wording["motion"]),
        (valence, wording["words"]["valence"]),
        (energy, wording["words"]["energy"]),
    ):
        for level, row in levels(rows):
            known |= dict.fromkeys(row, level)
    return valence, energy


def ridge(
    x: np.ndarray, y: np.ndarray, penalty: float, counts: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns weights and offset of a ridge regression. `penalty` is relative to the number of rows; `counts` has row
    weights."""
    c = np.ones(len(x)) if counts is None else counts
    x = x.astype(np.float64)
    middle, mean = c @ x / c.sum(), c @ y / c.sum()
    apart = x - middle
    gram = (apart * c[:, None]).T @ apart + penalty * c.sum() * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, (apart * c[:, None]).T @ (y - mean))
    return weights, mean - middle @ weights


def of_sentences(captions: np.ndarray, embed) -> tuple[np.ndarray, np.ndarray]:
    """Returns weights (384, 2) and offset (2,) that map a sentence vector to valence and energy, scaled so that
    captions have mean 0 and deviation 1."""
    words = lexicon()
    valence, energy = phrases()
    plain = dict.fromkeys(vocabulary.ENERGETIC, 1.0) | dict.fromkeys(vocabulary.CALM, -1.0)
    texts = sorted({*words, *valence, *energy, *plain})
    vectors = dict(zip(texts, embed(texts)))
    found = []
    for sets in ([(words, 1), (valence, PHRASE)], [(plain, 1), (energy, 1)]):
        rows = [(vectors[text], value, count) for known, count in sets for text, value in known.items()]
        x, y, counts = (np.array(column, dtype=np.float64) for column in zip(*rows))
        weights, offset = ridge(x, y, TEXT_PENALTY, counts)
        mood = captions @ weights + offset
        found.append((weights / mood.std(), (offset - mood.mean()) / mood.std()))
    weights, offset = zip(*found)
    return np.stack(weights, 1).astype(np.float32), np.array(offset, np.float32)


def fitted(kernel: np.ndarray, rated: np.ndarray, rows: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    """Kernel ridge regression: returns estimates (n,) for all pictures, fitted on the norms `y` of the rated pictures
    in `rows`. `kernel` (n, rated) compares every picture with the rated ones; `penalty` is relative to the number of
    rows."""
    own = kernel[np.ix_(rated[rows], rows)]

    def centred(k: np.ndarray) -> np.ndarray:
        return k - k.mean(1, keepdims=True) - own.mean(0) + own.mean()

    gram = centred(own) + penalty * len(rows) * np.eye(len(rows))
    mean = y[rows].mean()
    return centred(kernel[:, rows]) @ np.linalg.solve(gram, y[rows] - mean) + mean


def of_pictures(
    items: list[data.Picture],
    pixels: np.ndarray,
    features: np.ndarray,
    early: np.ndarray,
    bridge: np.ndarray,
    sentence_moods: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns valence and energy (n, 2) of all pictures, in standard deviations, estimated by regression on OASIS's
    norms for its training themes; and the Spearman correlations (2,) between estimates and norms on the rated pictures.

    `features` are the last features of the tower with ImageNet weights and `early` those of its frozen stages, both
    standardised. `bridge` (n, 382) are the sentence vectors predicted from them and `sentence_moods` (n, 2) their moods.
    The estimate for a rated picture comes from a regression on other themes, never from one that saw the picture's
    theme."""
    rated = np.array([i for i, p in enumerate(items) if p.valence is not None and p.split == "train"])
    norms = np.array([[items[i].valence, items[i].arousal] for i in rated])
    themes = sorted({items[i].label for i in rated})
    place = {name: k % FOLDS for k, name in enumerate(np.random.default_rng(0).permutation(themes))}
    fold = np.array([place[items[i].label] for i in rated])

    colours = np.stack([statistics(picture) for picture in pixels])
    colours = (colours - colours.mean(0)) / (colours.std(0) + 1e-9)
    sentence_moods = (sentence_moods - sentence_moods.mean(0)) / sentence_moods.std(0)

    def linear(*columns: np.ndarray) -> np.ndarray:
        return sum(x @ x[rated].T for x in columns)

    # Colours and the mood of the predicted sentence help to predict valence, but not energy.
    valence = linear(features, EARLY * early, 10 * sentence_moods, 2 * colours, 2 * (colours**2 - 1))
    energy = linear(EARLY * features, EARLY * early) + SIMILAR * np.exp(-SHARPNESS * (1 - bridge @ bridge[rated].T))
    found = np.empty((len(items), 2), np.float32)
    for axis, (kernel, penalty) in enumerate([(valence, VALENCE_PENALTY), (energy, ENERGY_PENALTY)]):
        y = norms[:, axis]
        mood = fitted(kernel, rated, np.arange(len(rated)), y, penalty)
        mean, deviation = mood.mean(), mood.std()
        for k in range(FOLDS):
            mood[rated[fold == k]] = fitted(kernel, rated, np.flatnonzero(fold != k), y, penalty)[rated[fold == k]]
        found[:, axis] = (mood - mean) / deviation
    return found, np.array([spearman(found[rated, axis], norms[:, axis]) for axis in range(2)])


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    ranks = [np.unique(x, return_inverse=True, return_counts=True) for x in (a, b)]
    ranks = [(np.cumsum(count) - (count - 1) / 2)[inverse] for _, inverse, count in ranks]
    return float(np.corrcoef(*ranks)[0, 1])
