"""The query: a picture, words and filters, and the search for them."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass
from typing import Literal

import pixelplay as pp
import streamlit as st
from cards import Favourites
from picture import Picture
from session import Session, soon
from startup import App

Range = tuple[float, float]
TEXT_WEIGHT = 0.3


@dataclass(frozen=True)
class Narrowing:
    """The filters. A range at its full width is `None`, so songs whose value is unknown are found as well."""

    genres: tuple[str, ...] = ()
    years: Range | None = None
    energy: Range | None = None
    valence: Range | None = None

    def where(self) -> pp.Filter | None:
        conditions = [pp.col("genre").is_in(self.genres)] if self.genres else []
        for column, limits in (("year", self.years), ("energy", self.energy), ("valence", self.valence)):
            if limits:
                conditions.append(pp.col(column).between(*limits))
        return functools.reduce(operator.and_, conditions) if conditions else None


@dataclass(frozen=True)
class Question:
    """A picture, words, or both."""

    picture: Picture | None
    words: str
    weight: float
    narrowing: Narrowing
    taste: str | None = None
    """The user whose favourites it leans towards."""

    def hits(self, app: App, k: int) -> pp.Hits:
        image = self.picture.embedding if self.picture else None
        text = encoded(app.encoder, app.encoder.fingerprint, self.words) if self.words else None
        query = pp.HybridQuery(image=image, text=text, text_weight=self.weight)
        if self.taste:
            query = query.lean_towards(soon(app.users.taste, self.taste))
        return query.search(app.index, k, where=self.narrowing.where())

    def reasons(self, app: App, song: pp.Song) -> list[pp.Sentence]:
        """Returns the song's sentences, those closest to the picture (or to the words if there is no picture) first."""
        asked = self.picture.embedding if self.picture else encoded(app.encoder, app.encoder.fingerprint, self.words)
        return _reasons(app, song, asked)


@dataclass(frozen=True)
class Similar:
    """A search for songs that are similar to a given song."""

    song: str
    by: Literal["description", "audio"]
    narrowing: Narrowing

    def hits(self, app: App, k: int) -> pp.Hits:
        return app.index.similar(self.song, k, by=self.by, where=self.narrowing.where())

    def reasons(self, app: App, song: pp.Song) -> list[pp.Sentence]:
        """Returns the song's sentences, those closest to the given song first."""
        return _reasons(app, song, app.index.embedding(self.song))


def _reasons(app: App, song: pp.Song, asked: pp.Embedding) -> list[pp.Sentence]:
    """Returns nothing if the index does not record how its vectors were made."""
    return pp.why(song, asked, app.encoder) if app.index.recipe else []


@st.cache_data(max_entries=256, show_spinner=False)
def encoded(_encoder: pp.Encoder, fingerprint: str, text: str) -> pp.Embedding:
    """Encodes words once; the fingerprint identifies the encoder in the cache."""
    return _encoder.encode_text(text)


def ask(app: App, picture: Picture | None, session: Session | None, loved: Favourites | None) -> Question:
    """Shows all widgets except the picture, and returns the query."""
    typed = st.text_input("Words", max_chars=300, placeholder="a slow evening by the sea", key="words")
    words = typed.strip()
    if typed and not words:
        st.warning("You typed only spaces. Type a few words.", icon=":material/edit:")
    weight = st.slider(
        "Weight of the words",
        0.0,
        1.0,
        TEXT_WEIGHT,
        0.05,
        key="weight",
        disabled=not (picture and words),
        help="If there is a picture: 0 ignores the words, 1 ignores the picture.",
    )
    taste = None
    if session and loved and loved.ids and st.toggle("Lean towards my favourites", key="taste"):
        taste = session.name
    with st.expander("Filters", icon=":material/tune:"):
        narrowing = _narrow(app)
    return Question(picture, words, weight, narrowing, taste)


def _narrow(app: App) -> Narrowing:
    # Set here, not as the widgets' defaults, so that `clear_filters` can set them as well.
    for key, value in _everything(app).items():
        st.session_state.setdefault(key, value)
    genres = st.multiselect("Genres", app.genres, key="genres", placeholder="All genres")
    years = None
    if app.years and app.years[0] < app.years[1]:
        years = _limits("Years", app.years, 1, key="years")
    return Narrowing(
        tuple(genres),
        years,
        _limits("Energy: calm to intense", (0.0, 1.0), 0.05, key="energy"),
        _limits("Valence: sad to happy", (0.0, 1.0), 0.05, key="valence"),
    )


def _limits(label: str, full: Range, step: float, key: str) -> Range | None:
    st.slider(label, *full, step=step, key=key)
    limits: Range = st.session_state[key]
    return None if limits == full else limits


def _everything(app: App) -> dict[str, object]:
    return {"genres": [], "years": app.years, "energy": (0.0, 1.0), "valence": (0.0, 1.0)}


def clear_filters(app: App) -> None:
    """Resets the filters, so that all songs match."""
    st.session_state.update(_everything(app))
