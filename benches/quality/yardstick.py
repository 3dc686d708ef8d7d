"""The measurements. Each returns figures for the encoder, for colours alone and for chance, with intervals."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pixelplay as pp
from baseline import Ridge
from echo import Echo, echo
from echo import K as ECHO_SONGS
from measures import auc, bootstrap, hits, spearman

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "models/train"))
from colours import statistics  # noqa: E402
from prompts import prompts  # noqa: E402

import data as sets  # noqa: E402  the splits, which training uses as well

Floats = npt.NDArray[np.float64]
SONGS_A_PICTURE = 20


@dataclass
class Figure:
    """One line of the table."""

    name: str
    pictures: int
    chance: float
    encoder: float
    interval: tuple[float, float]
    colours: float | None = None
    colours_interval: tuple[float, float] | None = None
    # The encoder's figure minus that of colours, on the same samples.
    difference: tuple[float, float] | None = None


def figure(
    name: str, groups: npt.ArrayLike, chance: float, of_encoder: Callable, of_colours: Callable | None = None
) -> Figure:
    """Creates a line. `of_encoder` and `of_colours` compute the figure for some of the pictures, given by their
    positions."""
    every = np.arange(len(np.asarray(groups)))
    line = Figure(name, len(every), chance, of_encoder(every), bootstrap(of_encoder, groups))
    if of_colours is not None:
        line.colours, line.colours_interval = of_colours(every), bootstrap(of_colours, groups)
        line.difference = bootstrap(lambda rows: of_encoder(rows) - of_colours(rows), groups)
    return line


class Pictures:
    """The pictures of one set and split. Training pictures are not encoded, because only their colours are needed."""

    def __init__(self, folder: Path, encoder: pp.Encoder, name: str, split: str):
        images = sets.open_set(folder, name)
        self.items = [p for p in every_picture(folder) if p.set == name and p.split == split]
        self.pixels = [np.asarray(images[p.file]) for p in self.items]
        self.encoder = encoder

    @cached_property
    def colours(self) -> Floats:
        return np.stack([statistics(picture) for picture in self.pixels])

    @cached_property
    def embeddings(self) -> pp.Embeddings:
        return self.encoder.encode_images(self.pixels)

    @property
    def vectors(self) -> Floats:
        return np.asarray(self.embeddings, dtype=float)


every_picture = cache(sets.pictures)
pictures = cache(Pictures)


def captions(folder: Path, encoder: pp.Encoder) -> list[Figure]:
    """Finds a picture's first caption among those of 1,000 pictures, and the other way round."""
    test, train = (pictures(folder, encoder, "flickr8k", split) for split in ("test", "train"))
    texts, learnt = (
        np.asarray(encoder.encode_texts([p.captions[0] for p in part.items]), dtype=float) for part in (test, train)
    )
    guessed = Ridge(train.colours, learnt).predict(test.colours)
    guessed /= np.linalg.norm(guessed, axis=1, keepdims=True)
    figures = []
    for way, scores, plain in [
        ("picture -> caption", test.vectors @ texts.T, guessed @ texts.T),
        ("caption -> picture", texts @ test.vectors.T, texts @ guessed.T),
    ]:
        for k in (1, 5, 10):
            found, by_colours = hits(scores, k), hits(plain, k)
            figures.append(
                figure(
                    f"{way}, recall@{k}",
                    np.arange(len(found)),
                    k / len(found),
                    lambda rows, found=found: float(found[rows].mean()),
                    lambda rows, found=by_colours: float(found[rows].mean()),
                )
            )
    return figures


def scenes(folder: Path, encoder: pp.Encoder) -> list[Figure]:
    """Classifies which of six scenes a picture shows, by the nearest of their names."""
    test, train = (pictures(folder, encoder, "intel-scenes", split) for split in ("test", "train"))
    named = {p.label: prompts(p) for p in test.items}
    names = sorted(named)
    classes = np.stack([np.asarray(encoder.encode_texts(named[name])).mean(0) for name in names])
    classes /= np.linalg.norm(classes, axis=1, keepdims=True)
    truth = np.array([names.index(p.label) for p in test.items])
    learnt = np.eye(len(names))[[names.index(p.label) for p in train.items]]
    right = (test.vectors @ classes.T).argmax(1) == truth
    plain = Ridge(train.colours, learnt).predict(test.colours).argmax(1) == truth
    return [
        figure(
            "six scenes, accuracy",
            np.arange(len(truth)),
            1 / len(names),
            lambda rows: float(right[rows].mean()),
            lambda rows: float(plain[rows].mean()),
        )
    ]


def song_moods(part: Pictures, index: pp.SongIndex) -> dict[str, Floats]:
    """Returns for each picture the mean valence and energy of the first songs found for it."""
    table = index.to_arrow().to_pydict()
    rows, _ = index.search_many(part.embeddings, k=SONGS_A_PICTURE)
    return {feature: np.array(table[feature], dtype=float)[rows].mean(1) for feature in ("valence", "energy")}


def moods(folder: Path, encoder: pp.Encoder, index: pp.SongIndex) -> list[Figure]:
    """Measures rank correlations of the mood profile, and of the songs found, with people's valence and arousal."""
    test, train = (pictures(folder, encoder, "oasis", split) for split in ("test", "train"))
    themes = [p.label for p in test.items]
    profiles = [encoder.mood(embedding) for embedding in test.embeddings]
    heard = song_moods(test, index)
    figures = []
    for felt, feature in (("valence", "valence"), ("arousal", "energy")):
        known = np.array([getattr(p, felt) for p in test.items])
        learnt = np.array([[getattr(p, felt)] for p in train.items])
        plain = Ridge(train.colours, learnt).predict(test.colours)[:, 0]
        profile = np.array([profile[feature] for profile in profiles])
        for what, told in (
            (f"mood profile's {feature}", profile),
            (f"{feature} of the first 20 songs", heard[feature]),
        ):
            figures.append(
                figure(
                    f"{what} and people's {felt}, Spearman",
                    themes,
                    0.0,
                    lambda rows, told=told, known=known: spearman(told[rows], known[rows]),
                    lambda rows, plain=plain, known=known: spearman(plain[rows], known[rows]),
                )
            )
    return figures


def echoes(folder: Path, encoder: pp.Encoder, index: pp.SongIndex, split: str = "test") -> Echo:
    """Measures whether a title among the first ten songs of `index` names what the OASIS pictures of a split show."""
    part = pictures(folder, encoder, "oasis", split)
    rows, _ = index.search_many(part.embeddings, k=ECHO_SONGS)
    return echo(rows, index.to_arrow().to_pydict()["title"], [p.label for p in part.items])


def echo_figure(name: str, found: Echo) -> Figure:
    return Figure(
        f"echo@{ECHO_SONGS}, {name}: lift over chance",
        len(found.named),
        0.0,
        found.lift,
        found.interval(),
    )


def requests(encoder: pp.Encoder, index: pp.SongIndex) -> tuple[list[Figure], dict[str, float]]:
    """Measures whether plain requests rank the half of 20 songs that obviously fits above the other half."""
    asked = json.loads((HERE / "requests.json").read_text())
    songs = [(group, id) for group, ids in asked["songs"].items() for id in ids]
    vectors = np.stack([np.asarray(index.embedding(id), dtype=float) for _, id in songs])
    figures, found = [], {}
    for which, name in [("requests", "40 requests"), ("unseen", "32 requests written without sight of the phrases")]:
        values = []
        for mood, texts in asked[which].items():
            fits = [mood in group.split() for group, _ in songs]
            values += [auc(vectors @ np.asarray(encoder.encode_text(text), dtype=float), fits) for text in texts]
            found |= dict(zip(texts, values[-len(texts) :]))
        each = np.array(values)
        figures.append(
            figure(
                f"{name}, AUC on 20 songs",
                np.arange(len(each)),
                0.5,
                lambda rows, each=each: float(each[rows].mean()),
            )
        )
    return figures, found


def evenness(folder: Path, encoder: pp.Encoder, index: pp.SongIndex) -> dict:
    """Measures how evenly the test pictures of all sets use the catalogue."""
    vectors = [pictures(folder, encoder, name, "test").vectors for name in ("flickr8k", "intel-scenes", "oasis")]
    return index.hubness(np.concatenate(vectors).astype(np.float32), k=50).to_dict()


def measure(folder: Path, encoder: pp.Encoder, index: pp.SongIndex, starter: pp.SongIndex) -> dict:
    figures = captions(folder, encoder) + scenes(folder, encoder) + moods(folder, encoder, index)
    asked, each = requests(encoder, starter)
    named = {"songs": echoes(folder, encoder, index), "starter catalogue": echoes(folder, encoder, starter)}
    figures += [echo_figure(name, found) for name, found in named.items()]
    return {
        "encoder": encoder.name,
        "fingerprint": encoder.fingerprint,
        "songs": len(index),
        "figures": [asdict(line) for line in figures + asked],
        "requests": each,
        "evenness": evenness(folder, encoder, index),
        "echo": {
            name: {
                "named": float(found.named.mean()),
                "by_chance": float(found.by_chance.mean()),
                "ceiling": found.ceiling,
            }
            for name, found in named.items()
        },
    }
