"""Shows results in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ._native import Hits, Song

# Enough for a page of results; a notebook stores everything that it shows.
_MOST = 50


def hits(hits: Hits) -> str:
    """Returns a table of songs with artwork, title, artist, match and a chart. Text from the index is escaped."""
    from ._native import radar_svg

    rows = []
    for rank, hit in enumerate(hits[:_MOST], start=1):
        song = hit.song
        title, artist = (_text(song[column]) for column in ("title", "artist"))
        title = title or _text(hit.id)
        if link := _web_address(song["external_url"]):
            title = f'<a href="{link}" target="_blank" rel="noopener noreferrer">{title}</a>'
        chart = radar_svg({song["title"] or hit.id: song}, width=44, text=False)
        rows.append(
            f"<tr><td>{rank}</td><td>{_artwork(song)}</td>"
            f'<td style="text-align:left"><b>{title}</b><br>{artist}</td>'
            f"<td>{hit.match_percent:.0f}%</td><td>{chart}</td></tr>"
        )
    more = f"<caption>... and {len(hits) - _MOST} more</caption>" if len(hits) > _MOST else ""
    head = "<tr><th>#</th><th></th><th>song</th><th>match</th><th></th></tr>"
    return f"<table>{more}<thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _artwork(song: Song) -> str:
    address = _web_address(song["artwork_url"])
    return f'<img src="{address}" alt="" width="44" height="44" loading="lazy">' if address else ""


def _text(text: str | None) -> str:
    return html.escape(text or "")


def _web_address(address: str | None) -> str:
    """Returns the address as an attribute, or nothing if following it could run a script."""
    if not address:
        return ""
    try:
        scheme = urlsplit(address).scheme
    except ValueError:
        return ""
    return html.escape(address) if scheme in ("http", "https") else ""
