"""The songs that were found, five at a time, and the navigation from a song to similar ones and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import pixelplay as pp
import streamlit as st
from cards import Favourites, card, name, title
from messages import explain, heading
from picture import offer_samples
from question import Question, Similar, clear_filters
from startup import App

PAGE = 5
_ALIKE: dict[Literal["description", "audio"], str] = {"description": "scene and mood", "audio": "sound"}


def show(app: App, question: Question, favourites: Favourites | None) -> None:
    """Shows the songs for the query, or for the last "Find similar" since the query changed."""
    with st.container(key="answer"):
        _show(app, question, favourites)
    if clicks := st.session_state.pop("scroll", None):
        # Otherwise the browser would stay where the button was, far below the heading. The number makes every script
        # different, because the page does not run the same script twice.
        script = f"document.querySelector('.st-key-answer').scrollIntoView(); // {clicks}"
        st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def _show(app: App, question: Question, favourites: Favourites | None) -> None:
    asked = (question.picture, question.words)
    if st.session_state.get("asked", asked) != asked:
        _path().clear()
    st.session_state.asked = asked
    if _path():
        _show_similar(app, question, favourites)
    elif any(asked):
        heading("Songs for this picture" if question.picture else "Songs for these words")
        compare = {"Your picture": question.picture.mood} if question.picture else {}
        _list(app, question, compare, favourites)
    else:
        heading("Start with a picture")
        st.write("Drop a photograph into the field, or type a few words.")
        offer_samples()


def find_similar(song: str) -> None:
    """The action of the "Find similar" buttons on the cards."""
    if _path()[-1:] != [song]:  # A second click adds nothing.
        _path().append(song)
    st.session_state.tab = "Songs"
    st.session_state.clicks = st.session_state.scroll = st.session_state.get("clicks", 0) + 1


def _back(steps: int) -> None:
    """Goes back until `steps` steps are left, so that a second click on the same button goes no further."""
    del _path()[steps:]


def _show_similar(app: App, question: Question, favourites: Favourites | None) -> None:
    song = app.index.song(_path()[-1])
    st.button("Back", key="back", icon=":material/arrow_back:", on_click=_back, args=(len(_path()) - 1,))
    heading(f"Songs like {title(song)}")
    by = st.radio("Alike in", list(_ALIKE), format_func=_ALIKE.__getitem__, key="by", horizontal=True)
    _list(app, Similar(song.id, by, question.narrowing), {name(song): song}, favourites)


def _list(
    app: App, search: Question | Similar, compare: Mapping[str, pp.Mood | pp.Song], favourites: Favourites | None
) -> None:
    # How many songs each search shows, so that "Back" shows as many as before.
    shown: dict[Question | Similar, int] = st.session_state.setdefault("shown", {})
    k = shown.get(search, PAGE)
    try:
        hits = search.hits(app, k + 1)
    except pp.PixelPlayError as error:
        st.warning(explain(error), icon=":material/search_off:")
        return
    if not hits:
        st.info("No song matches the filters.", icon=":material/filter_alt_off:")
        st.button("Clear the filters", on_click=clear_filters, args=(app,))
        return
    for rank, hit in enumerate(hits[:k]):
        card(
            hit.song,
            key=f"hit-{rank}",
            match=hit.match_percent,
            compare=compare,
            reasons=search.reasons(app, hit.song),
            favourites=favourites,
            find_similar=find_similar,
        )
    if len(hits) > k:
        st.button("Load more", key="more", width="stretch", on_click=shown.update, args=({search: k + PAGE},))
    st.caption("The match compares a song with the whole catalogue: 50% is the average song.")


def _path() -> list[str]:
    """Returns the songs whose "Find similar" was clicked, in order."""
    return cast("list[str]", st.session_state.setdefault("path", []))
