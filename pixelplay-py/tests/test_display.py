"""Output for people: charts, tables in notebooks, text in terminals."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pixelplay as pp
import pytest
from conftest import SAMPLES, unit_vectors

HOSTILE = "<script>alert('\"&')</script>\x1b[2J\0\u202e"


def test_radar_charts(songs: pp.SongIndex, enc: pp.Encoder) -> None:
    song, mood = songs.song("a"), enc.mood(SAMPLES[0])
    svg = pp.radar_svg({"Song": song, "Picture": mood, "Wanted": {"energy": 0.5, "valence": None, "liveness": 1}})
    root = ET.fromstring(svg)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[-3:] == ["Song", "Picture", "Wanted"] and "valence" in texts
    assert "Wanted: energy 0.50 liveness 1.00" in svg
    assert song.radar() == pp.radar_svg({"Storm": song}) and mood.radar() == pp.radar_svg({"Picture": mood})
    assert 'width="100"' in song.radar(width=100)
    ET.fromstring(pp.radar_svg({HOSTILE: song}))
    for bad in ({"a": 3}, {"a": {"energy": "much"}}, {3: song}, [song]):
        with pytest.raises(TypeError):
            pp.radar_svg(bad)  # type: ignore[arg-type]


def test_whatever_an_index_holds_is_only_text(tmp_path: Path) -> None:
    path = tmp_path / "songs.arrow"
    songs = [
        {
            "title": HOSTILE,
            "artist": HOSTILE,
            "artwork_url": f"https://x/{HOSTILE}",
            "external_url": "javascript:alert(1)",
        },
        {"title": "Rain", "artist": "Ana", "artwork_url": "data:text/html,x", "external_url": "https://x/?a&b"},
        {"artwork_url": "http://[x"},
    ]
    pp.write_index(path, [HOSTILE, "b", "c"], unit_vectors(3, 4), songs)
    hits = pp.SongIndex.open(path).search(unit_vectors(1, 4)[0])
    page = hits._repr_html_()
    assert not re.search("<script|javascript:|data:|onerror", page)
    assert "Rain" in page and 'href="https://x/?a&amp;b"' in page and page.count("<svg") == 3
    assert page.count("<img") == 1 and not re.search(r"<img[^>]*<", page)
    assert "Rain, Ana" in repr(hits) and not re.search("[\x1b\0\u202e]", repr(hits))


def test_reprs(songs: pp.SongIndex, enc: pp.Encoder) -> None:
    hits = songs.similar("a")
    things = [
        enc,
        songs,
        hits,
        hits[0],
        songs.song("a"),
        enc.encode_text("x"),
        enc.encode_texts(["x"]),
        enc.mood(SAMPLES[0]),
    ]
    things += [pp.col("x"), pp.col("x") > 1, pp.HybridQuery().like("a"), songs.to_arrow(), pp.clean(songs)[1]]
    for thing in things:
        assert type(thing).__name__.lower() in repr(thing).lower() or repr(thing) == 'col("x")'
        assert type(thing).__module__ == "pixelplay"
    many = pp.starter_index(enc).search(enc.encode_text("x"), k=60)
    assert repr(many).endswith("...") and "and 10 more" in many._repr_html_()
