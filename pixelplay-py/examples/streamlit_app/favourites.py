"""The favourites of the user who is logged in."""

from __future__ import annotations

import functools

import pixelplay as pp
import streamlit as st
from cards import Favourites, card
from messages import explain, later
from results import find_similar
from startup import App


def of(app: App, name: str | None) -> Favourites | None:
    if name is None:
        return None
    return Favourites(app.users.favourites(name), functools.partial(_toggle, app.users, name))


def _toggle(users: pp.UserStore, name: str, song: str) -> None:
    try:
        if not users.remove_favourite(name, song):
            users.add_favourite(name, song)
    except pp.UserError as error:
        later("error", explain(error))


def show(app: App, favourites: Favourites | None) -> None:
    if favourites is None:
        st.info("Log in on the page Account to keep songs here.", icon=":material/favorite:")
        return
    if not favourites.ids:
        st.info("There are no favourites yet: the heart below a song adds it.", icon=":material/favorite:")
    missing = 0
    for song in favourites.ids:
        if song in app.index:
            card(app.index.song(song), key=f"kept-{song}", favourites=favourites, find_similar=find_similar)
        else:
            missing += 1
    if missing:
        st.caption(f"{missing} more are not in this catalogue.")
