"""Tests of the quality benchmark's arithmetic: known answers, and whether it distinguishes good results from bad ones."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from baseline import Ridge
from echo import echo, names, theme_words
from measures import auc, bootstrap, hits, ranks, spearman

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1] / "models/train"))
import vocabulary  # noqa: E402
from colours import statistics  # noqa: E402


def test_ranks_share_the_mean_of_ties() -> None:
    assert ranks([30, 10, 20, 20]).tolist() == [3, 0, 1.5, 1.5]


def test_spearman_has_known_answers() -> None:
    # scipy 1.16: scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]).statistic
    assert spearman([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]) == pytest.approx(0.8207826816681233)
    assert spearman([1, 2, 3], [9, 4, 1]) == pytest.approx(-1)
    assert spearman([1, 2, 3], [7, 7, 7]) == 0


def test_a_hit_needs_a_place_among_the_first() -> None:
    scores = np.array([[0.9, 0.1, 0.2], [0.5, 0.4, 0.1], [0.3, 0.3, 0.3]])
    assert hits(scores, 1).tolist() == [1, 0, 0]
    assert hits(scores, 2).tolist() == [1, 1, 0]  # a constant answer is not a hit
    assert hits(scores, 3).tolist() == [1, 1, 1]


def test_auc_is_the_chance_of_the_right_order() -> None:
    assert auc([3, 2, 1, 0], [True, True, False, False]) == 1
    assert auc([0, 1, 2, 3], [True, True, False, False]) == 0
    assert auc([1, 1, 1, 1], [True, True, False, False]) == 0.5
    assert auc([3, 1, 2, 0], [True, True, False, False]) == 0.75


def test_a_title_names_what_stands_in_it_as_a_word() -> None:
    for title, word, found in [
        ("Wild Horses", "horse", True),
        ("A Horse with No Name", "horse", True),
        ("Seahorse", "horse", False),
        ("Torches", "torch", True),
        ("Glasses", "glass", True),
        ("Bus", "bu", False),
        ("Don't Cry", "dont", True),
        ("La Mer", "sea", False),
    ]:
        assert names(title, [word]) is found, title


def test_echo_is_what_a_picture_has_over_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echo.theme_words", lambda: {"rain": ["rain"], "dog": ["dog"], "sun": ["sun"]})
    titles = ["Rain", "Dog", "Nothing", "Rainy"]
    themes = ["rain", "rain", "dog", "sun"]
    found = echo(np.array([[0, 2], [2, 3], [1, 2], [0, 1]]), titles, themes)
    assert found.named.tolist() == [1, 0, 1, 0]
    assert found.ceiling == 0.75
    # A randomly drawn picture shows rain in two of four cases, and a dog in one.
    assert found.by_chance == pytest.approx([0.5, 0, 0.25, 0.75], abs=0.12)
    assert found.lift == pytest.approx(0.125, abs=0.08)


def test_every_theme_has_words_and_no_more_than_eight() -> None:
    words = theme_words()
    assert len(words) == 125
    assert all(0 < len(each) <= 8 and len(set(each)) == len(each) for each in words.values())
    assert all(word == word.casefold() and " " not in word for each in words.values() for word in each)


def test_intervals_hold_what_they_should_and_siblings_widen_them() -> None:
    r = np.random.default_rng(0)
    inside = 0
    for _ in range(40):
        sample = r.standard_normal(60)
        low, high = bootstrap(lambda rows, x=sample: float(x[rows].mean()), np.arange(60))
        inside += low <= 0 <= high
    assert 33 <= inside <= 40
    themes = np.repeat(np.arange(10), 20)
    alike = r.standard_normal(10)[themes]

    def width(groups: np.ndarray) -> float:
        low, high = bootstrap(lambda rows: float(alike[rows].mean()), groups)
        return high - low

    assert width(themes) > 2 * width(np.arange(200))


def test_colours_tell_what_is_in_colours() -> None:
    r = np.random.default_rng(0)
    pictures = [(r.random((12, 16, 3)) * r.integers(20, 255)).astype(np.uint8) for _ in range(200)]
    features = np.stack([statistics(picture) for picture in pictures])
    assert features.shape == (200, 33)
    brightness = np.array([[picture.mean()] for picture in pictures])
    told = Ridge(features[:100], brightness[:100]).predict(features[100:])
    assert spearman(told[:, 0], brightness[100:, 0]) > 0.95
    noise = r.standard_normal((200, 1))
    told = Ridge(features[:100], noise[:100]).predict(features[100:])
    assert abs(spearman(told[:, 0], noise[100:, 0])) < 0.35
    red = np.zeros((9, 9, 3), np.uint8)
    red[:, :, 0] = 255
    light, saturation, warmth = statistics(red)[[0, 11, 22]]
    assert (light, saturation, warmth) == (pytest.approx(0.299), 1, 1)


def test_the_requests_divide_twenty_songs_of_the_starter_catalogue_into_halves() -> None:
    asked = json.loads((HERE / "requests.json").read_text())
    known = {line.split(",")[0] for line in (HERE.parents[1] / "data/starter.csv").read_text().splitlines()}
    songs = [id for ids in asked["songs"].values() for id in ids]
    assert len(set(songs)) == 20 and set(songs) <= known
    every = [text.lower() for which in ("requests", "unseen") for texts in asked[which].values() for text in texts]
    assert sorted(map(len, asked["requests"].values())) == [10] * 4
    assert len(every) == len(set(every)) == 40 + 32
    # Requests whose mood occurs in the training words or in the describing phrases would not be a test.
    told = {word.lower() for word in vocabulary.ENERGETIC + vocabulary.CALM + vocabulary.MOODS}
    phrases = (HERE.parents[1] / "pixelplay-core/src/catalog/describe/templates.toml").read_text().lower()
    unseen = [text.lower() for texts in asked["unseen"].values() for text in texts]
    assert not [text for text in unseen if text in told or f'"{text}"' in phrases]
    for which in ("requests", "unseen"):
        for mood in asked[which]:
            assert sum(len(ids) for group, ids in asked["songs"].items() if mood in group.split()) == 10
