"""``enrich`` with a fake shop on the loopback interface; no request leaves this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pixelplay as pp
import pytest


class Shop(ThreadingHTTPServer):
    """Answers like the iTunes Search API, or with ``status``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: list[str] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        shop = self.server
        assert isinstance(shop, Shop)
        shop.asked.append(self.path)
        found: list[dict[str, Any]] = []
        if "Rain" in self.path:
            song = {"kind": "song", "trackId": 7, "trackName": "Rain", "artistName": "Ana", "releaseDate": "1999-05-04"}
            artwork = "https://is1-ssl.mzstatic.com/a/100x100bb.jpg"
            found = [
                {**song, "trackName": "Rain (Karaoke Version)", "artworkUrl100": "https://is1-ssl.mzstatic.com/no.jpg"},
                {**song, "artworkUrl100": artwork},
            ]
        body = json.dumps({"results": found}).encode()
        self.send_response(shop.status)
        self.send_header("Content-Type", "text/javascript")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as shop:
        Thread(target=shop.serve_forever, daemon=True).start()
        yield shop
        shop.shutdown()


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "songs.arrow"
    songs = [{"title": "Rain", "artist": "Ana"}, {"title": "Snow", "artist": "Ben"}]
    pp.write_index(path, ["a", "b"], np.eye(2, dtype=np.float32), songs=songs)
    return path


def test_songs_are_filled_and_the_cache_is_used_the_next_time(shop: Shop, index: Path, tmp_path: Path) -> None:
    out, cache = tmp_path / "out.arrow", tmp_path / "cache.db"
    stages = []
    report = pp.enrich(
        index, out, cache=cache, base_url=shop.url, interval=0.01, progress=lambda stage, *_: stages.append(stage)
    )
    assert report["matched"] == 1
    assert report["unmatched"] == {"nothing_found": {"count": 1, "ids": ["b"]}}
    assert "1 of 2 songs found at itunes" in str(report)
    assert "looking up songs" in stages
    enriched = pp.SongIndex.open(out)
    song = enriched.song("a")
    assert song["artwork_url"] == "https://is1-ssl.mzstatic.com/a/600x600bb.jpg"
    assert song["year"] == 1999
    assert song["enriched_from"] == "itunes"
    assert enriched.song("b")["enriched_note"] == "itunes: nothing found"
    assert np.array_equal(enriched.vectors, np.eye(2))

    again = pp.enrich(pp.SongIndex.open(index), out, cache=cache, base_url=shop.url)
    assert again["requests"] == 0
    assert len(shop.asked) == 2


def test_a_dry_run_asks_nothing(shop: Shop, index: Path, tmp_path: Path) -> None:
    out, cache = tmp_path / "out.arrow", tmp_path / "cache.db"
    plan = pp.enrich(index, out, cache=cache, base_url=shop.url, dry_run=True)
    assert (plan["to_ask"], plan["requests"], plan["seconds"]) == (2, 2, 3.0)
    assert not out.exists()
    assert not cache.exists()
    assert shop.asked == []


def test_a_callback_that_raises_stops_it_and_another_call_goes_on(shop: Shop, index: Path, tmp_path: Path) -> None:
    def stop(_: str, done: int, __: int | None) -> None:
        if done == 1:
            raise KeyboardInterrupt

    out, cache = tmp_path / "out.arrow", tmp_path / "cache.db"
    with pytest.raises(KeyboardInterrupt):
        pp.enrich(index, out, cache=cache, base_url=shop.url, progress=stop)
    assert not out.exists()
    pp.enrich(index, out, cache=cache, base_url=shop.url, interval=0.01)
    assert len(shop.asked) == len(set(shop.asked)) == 2


def test_errors_are_of_the_fitting_kind(shop: Shop, index: Path, tmp_path: Path) -> None:
    out, cache = tmp_path / "out.arrow", tmp_path / "cache.db"
    for arguments, said in [
        ({"provider": "spotify"}, "itunes and musicbrainz"),
        ({"provider": "musicbrainz"}, "contact"),
        ({"country": "Germany"}, "two letters"),
        ({"min_confidence": 7.0}, "0 to 1"),
        ({"interval": -1.0}, "interval"),
    ]:
        with pytest.raises(ValueError, match=said):
            pp.enrich(index, out, **{"cache": cache, "base_url": shop.url, **arguments})  # type: ignore[arg-type]
    with pytest.raises(pp.EnrichError, match="not an SQLite file"):
        pp.enrich(index, out, cache=index, base_url=shop.url)
    with pytest.raises(pp.EnrichError) as raised:
        pp.enrich(index, out, cache=tmp_path / "missing" / "cache.db", base_url=shop.url)
    assert isinstance(raised.value, FileNotFoundError)
    assert isinstance(raised.value, pp.CatalogError)
    with pytest.raises(FileNotFoundError):
        pp.enrich(tmp_path / "missing.arrow", out, cache=cache, base_url=shop.url)
    with pytest.raises(TypeError):
        pp.enrich(7, out, cache=cache)  # type: ignore[arg-type]
    assert shop.asked == []
