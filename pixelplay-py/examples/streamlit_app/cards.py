"""The card of a song. All content of an index is shown as plain text, and only web addresses become links."""

from __future__ import annotations

import html
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pixelplay as pp
import streamlit as st


@dataclass(frozen=True)
class Favourites:
    """The favourites of the user who is logged in, and the action of the heart on each card."""

    ids: list[str]
    """The songs, newest first."""
    known: frozenset[str]
    """The same songs, for quick look-ups."""
    keep: Callable[[str, bool], None]
    """Adds a song (`True`) or removes it (`False`)."""


def card(
    song: pp.Song,
    *,
    key: str,
    find_similar: Callable[[str], None],
    match: float | None = None,
    compare: Mapping[str, pp.Mood | pp.Song] | None = None,
    reasons: Sequence[pp.Sentence] = (),
    favourites: Favourites | None = None,
) -> None:
    """Shows one song. `compare` is drawn behind its chart, `reasons` are its sentences, best first, and `key`
    distinguishes its buttons from those of other cards.
    """
    with st.container(border=True, key=f"card-{key}"):
        st.html(_head(song, match))
        if preview := web_address(song["preview_url"]):
            st.audio(preview)
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Find similar",
                key=f"similar-{key}",
                icon=":material/queue_music:",
                on_click=find_similar,
                args=(song.id,),
            )
            if favourites:
                liked = song.id in favourites.known
                st.button(
                    # A screen reader learns the state only from the label.
                    "In favourites" if liked else "Favourite",
                    key=f"favourite-{key}",
                    icon=":material/favorite:" if not liked else ":material/heart_check:",
                    type="primary" if liked else "secondary",
                    help="Remove from the favourites" if liked else "Add to the favourites",
                    on_click=favourites.keep,
                    args=(song.id, not liked),
                )
            if link := web_address(song["external_url"]):
                st.link_button("Listen", link, icon=":material/open_in_new:")
        with st.expander("Why this song" if compare else "About this song"):
            words, chart = st.columns(2, vertical_alignment="center")
            words.html(_why(song, compare or {}, reasons) or "Nothing more is known about this song.")
            chart.image(pp.radar_svg({**(compare or {}), name(song): song}), width="stretch")


def _head(song: pp.Song, match: float | None) -> str:
    facts = [str(song["year"] or ""), song["genre"] or "", song["album"] or ""]
    percent = (
        f'<div class="pp-match"><b>{match:.0f}%</b><span>match</span>{_bar(match / 100)}</div>'
        if match is not None
        else ""
    )
    return (
        f'<div class="pp-song">{_artwork(song)}<div class="pp-about">'
        f'<div class="pp-title" role="heading" aria-level="4">{html.escape(title(song))}</div>'
        f"<div>{html.escape(song['artist'] or '')}</div>"
        f'<div class="pp-facts">{html.escape(" · ".join(filter(None, facts)))}</div>'
        f"{chips(song.words)}</div>{percent}</div>"
    )


def _artwork(song: pp.Song) -> str:
    if address := web_address(song["artwork_url"]):
        return f'<img class="pp-art" src="{html.escape(address)}" alt="" loading="lazy">'
    # An artist always has the same colour.
    hue = zlib.crc32((song["artist"] or song.id).encode()) % 360
    return (
        f'<div class="pp-art" style="--pp-hue: {hue}" aria-hidden="true">{html.escape(title(song)[:1].upper())}</div>'
    )


def _why(song: pp.Song, compare: Mapping[str, pp.Mood | pp.Song], reasons: Sequence[pp.Sentence]) -> str:
    lines = [(other, ", ".join(thing.words)) for other, thing in compare.items()]
    lines += [("This song", ", ".join(song.words))]
    by_source: dict[str, list[str]] = {}
    for sentence in reasons:
        by_source.setdefault(sentence.source_words, []).append(sentence.text)
    # Without reasons, the description stored in the index is all there is.
    by_source = by_source or {"described as": (song["description"] or "").splitlines()}
    lines += [(source[:1].upper() + source[1:], "; ".join(texts)) for source, texts in by_source.items()]
    return "".join(
        f'<p class="pp-why"><b>{html.escape(label)}:</b> {html.escape(text)}</p>' for label, text in lines if text
    )


def chips(words: Iterable[str]) -> str:
    """Returns words as HTML, each in its own frame."""
    return f'<div class="pp-chips">{"".join(f"<span>{html.escape(word)}</span>" for word in words)}</div>'


def bars(mood: pp.Mood) -> str:
    """Returns a mood as HTML bars."""
    rows = (f"<span>{axis}</span>{_bar(value)}<span>{value:.0%}</span>" for axis, value in mood.items())
    return f'<div class="pp-bars">{"".join(rows)}</div>'


def _bar(share: float) -> str:
    return f'<div class="pp-bar"><div style="width: {share:.0%}"></div></div>'


def web_address(address: str | None) -> str | None:
    """Returns the address if following it cannot run a script."""
    try:
        parts = urlsplit(address or "")
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.netloc else None


def title(song: pp.Song) -> str:
    return song["title"] or song.id


def name(song: pp.Song) -> str:
    return f"{title(song)}, {song['artist']}" if song["artist"] else title(song)
