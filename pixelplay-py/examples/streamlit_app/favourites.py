"""The favourites of the user who is logged in, a page at a time."""

from __future__ import annotations

import functools

import pixelplay as pp
import streamlit as st
from cards import Favourites, card
from messages import heading
from results import find_similar
from session import Session, act, soon
from startup import App

# Each card costs the server and the browser a few milliseconds, and an account may hold 10,000 favourites.
PAGE = 20


def of(app: App, session: Session | None) -> Favourites | None:
    if session is None:
        return None
    ids = soon(app.users.favourites, session.name)
    return Favourites(ids, frozenset(ids), functools.partial(_keep, app.users, session.token))


def _keep(users: pp.UserStore, token: str, song: str, keep: bool) -> None:
    """Makes the song a favourite or not, rather than toggling it, so that a second click changes nothing."""
    change = users.add_favourite if keep else users.remove_favourite
    act(users, token, lambda name: change(name, song))


def show(app: App, favourites: Favourites | None) -> None:
    if favourites is None:
        st.info("Log in on the Account tab to keep songs here.", icon=":material/favorite:")
        return
    if not favourites.ids:
        st.info("There are no favourites yet. Click the heart below a song to add it.", icon=":material/favorite:")
        return
    known = [song for song in favourites.ids if song in app.index]
    pages = max(1, -(-len(known) // PAGE))
    # The current page may be gone, because its only song was removed.
    page = min(st.session_state.get("favourites-page", 0), pages - 1)
    begin = page * PAGE
    shown = known[begin : begin + PAGE]
    heading("Your favourites")
    if pages > 1:
        st.caption(f"{begin + 1} to {begin + len(shown)} of {len(known):,}, newest first")
    for song in shown:
        card(app.index.song(song), key=f"kept-{song}", favourites=favourites, find_similar=find_similar)
    if pages > 1:
        with st.container(horizontal=True):
            _turner("Newer", "arrow_back", page - 1, page == 0)
            _turner("Older", "arrow_forward", page + 1, page == pages - 1)
    if missing := len(favourites.ids) - len(known):
        st.caption(f"Plus {missing} more that this catalogue does not contain.")


def _turner(label: str, icon: str, page: int, disabled: bool) -> None:
    st.button(label, key=label.lower(), icon=f":material/{icon}:", on_click=_turn, args=(page,), disabled=disabled)


def _turn(page: int) -> None:
    st.session_state["favourites-page"] = page
