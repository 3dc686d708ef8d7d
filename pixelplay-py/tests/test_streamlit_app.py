"""Runs the Streamlit example without a browser, and compares its output with pixelplay's results."""

from __future__ import annotations

import contextlib
import html
import importlib
import io
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pixelplay as pp
import pytest
import streamlit as st
from conftest import REPOSITORY, SAMPLES, unit_vectors
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Button, Element

APP = REPOSITORY / "pixelplay-py" / "examples" / "streamlit_app"
ASTRONAUT, CAT = SAMPLES[0].read_bytes(), SAMPLES[1].read_bytes()
PASSWORD, NEW = "correct horse battery", "staple a rainy evening"
HOSTILE = "<script>alert(1)</script> [x](https://x.example) **b** & '\""
ENDED = "Your session has ended, and nothing was changed. Log in again."
Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def app_modules() -> Iterator[Callable[[str], ModuleType]]:
    """Makes the app's modules importable as in `streamlit run`, for these tests only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(APP)
        yield importlib.import_module
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/").parent == APP:
            del sys.modules[name]
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    return tmp_path / "users.db"


@pytest.fixture
def open_app(users_file: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the app, each time as a new visitor."""

    def opened(*arguments: str | Path) -> AppTest:
        monkeypatch.setattr(sys, "argv", ["app.py", "--users", str(users_file), *map(str, arguments)])
        return run(AppTest.from_file(APP / "app.py", default_timeout=30))

    return opened


@pytest.fixture(scope="module")
def starter(enc: pp.Encoder) -> pp.SongIndex:
    return pp.starter_index(enc)


def run(changed: AppTest | Element) -> AppTest:
    """Runs the app after a change to one of its elements."""
    at = changed.run()
    assert not at.exception, at.exception
    return at


def upload(at: AppTest, data: bytes) -> AppTest:
    return run(at.file_uploader[0].upload("picture.jpg", data, "image/jpeg"))


def click(at: AppTest, key: str) -> AppTest:
    return run(at.button(key=key).click())


def submit(at: AppTest, form: str, label: str, **fields: str) -> AppTest:
    """Fills in a form; `New_password` is the field "New password"."""
    for field in at.text_input:
        if field.form_id == form and (text := fields.pop(field.label.replace(" ", "_"), None)) is not None:
            field.set_value(text)
    assert not fields, fields
    return click(at, f"FormSubmitter:{form}-{label}")


def html_of(page: AppTest | Block) -> list[str]:
    return [element.proto.body for element in page.get("html")]


def go(at: AppTest, tab: str) -> AppTest:
    """Clicks on a tab."""
    at.session_state["tab"] = tab
    return run(at)


def titles(at: AppTest, tab: str = "Songs") -> list[str]:
    if at.session_state["tab"] != tab:
        go(at, tab)
    (page,) = (found for found in at.tabs if found.label == tab)
    found = (re.search('class="pp-title"[^>]*>(.*?)</div>', block, re.DOTALL) for block in html_of(page))
    return [html.unescape(title[1]) for title in found if title]


def titles_of(hits: pp.Hits) -> list[str]:
    return [hit.song["title"] for hit in hits]


def test_a_picture_finds_what_pixelplay_finds(open_app: Open, enc: pp.Encoder, starter: pp.SongIndex) -> None:
    at = open_app()
    assert titles(at) == [] and "Start with a picture" in " ".join(html_of(at))
    upload(at, ASTRONAUT)
    expected = titles_of(starter.search(enc.encode_image(ASTRONAUT), k=15))
    assert titles(at) == expected[:5]
    page = " ".join(html_of(at))
    assert all(f"<span>{word}</span>" in page for word in enc.mood(ASTRONAUT).words)
    assert all(f"{axis}</span>" in page for axis in enc.mood(ASTRONAUT))
    assert titles(click(at, "more")) == expected[:10]
    assert titles(click(at, "more")) == expected
    click(at, "another")
    assert titles(at) == [] and at.file_uploader
    assert titles(click(at, SAMPLES[1].stem)) == titles_of(starter.search(enc.encode_image(CAT), k=5))
    click(upload(click(at, "another"), ASTRONAUT), "another")
    assert titles(at) == [] and at.file_uploader[0].value is None


def test_words_alone_and_beside_a_picture(
    open_app: Open,
    enc: pp.Encoder,
    starter: pp.SongIndex,
    app_modules: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture, encoded = app_modules("picture"), []
    encode = picture.encode
    monkeypatch.setattr(picture, "encode", lambda encoder, data: encoded.append(data) or encode(encoder, data))
    at = open_app()
    words = "a slow evening by the sea"
    run(at.text_input(key="words").set_value("   "))
    assert "only spaces" in at.warning[0].value and titles(at) == []
    run(at.text_input(key="words").set_value(f" {words} "))
    assert titles(at) == titles_of(starter.search(enc.encode_text(words), k=5)) and not at.tabs[0].warning
    assert at.slider(key="weight").disabled

    upload(at, CAT)
    seen = set()
    for weight in (0.3, 0.0, 0.5, 1.0):
        run(at.slider(key="weight").set_value(weight))
        query = pp.HybridQuery(image=enc.encode_image(CAT), text=enc.encode_text(words), text_weight=weight)
        assert titles(at) == titles_of(query.search(starter, k=5))
        seen.add(tuple(titles(at)))
    assert len(seen) == 4
    assert encoded == [CAT]


def test_filters(open_app: Open, enc: pp.Encoder, starter: pp.SongIndex, songs: pp.SongIndex) -> None:
    at = open_app()
    run(at.text_input(key="words").set_value("a quiet morning"))
    v = enc.encode_text("a quiet morning")
    run(at.multiselect(key="genres").set_value(["jazz", "folk"]))
    run(at.slider(key="years").set_value((1960, 1990)))
    run(at.slider(key="energy").set_value((0.0, 0.5)))
    run(at.slider(key="valence").set_value((0.2, 1.0)))
    where = "genre in (jazz, folk) and year >= 1960 and year <= 1990 and energy <= 0.5 and valence >= 0.2"
    assert titles(at) == titles_of(starter.search(v, k=5, where=where))
    run(at.slider(key="years").set_value((1925, 1925)))
    assert titles(at) == [] and at.info[0].value == "No song matches the filters."
    run(labelled(at, "Clear the filters").click())
    assert titles(at) == titles_of(starter.search(v, k=5))

    # One of these four songs has no year: it is shown until a year filter is set.
    at = open_app("--index", songs.path)
    run(at.text_input(key="words").set_value("a storm"))
    assert sorted(titles(at)) == ["Dawn", "Night, Drive", "Rain", "Storm"]
    run(at.slider(key="years").set_value((1979, 2008)))
    assert sorted(titles(at)) == ["Dawn", "Storm"]


def test_similar_songs_and_the_way_back(open_app: Open, enc: pp.Encoder, starter: pp.SongIndex) -> None:
    at = click(upload(open_app(), ASTRONAUT), "more")
    first = starter.search(enc.encode_image(ASTRONAUT), k=10)
    click(at, "similar-hit-1")
    second = starter.similar(first[1].id, k=10)
    assert titles(at) == titles_of(second[:5])
    assert titles(click(at, "more")) == titles_of(second)
    run(at.radio(key="by").set_value("audio"))
    assert titles(at) == titles_of(starter.similar(first[1].id, k=5, by="audio"))
    click(at, "similar-hit-0")
    assert titles(click(at, "back")) == titles_of(starter.similar(first[1].id, k=5, by="audio"))
    run(at.radio(key="by").set_value("description"))
    assert titles(at) == titles_of(second)
    assert titles(click(at, "back")) == titles_of(first)

    click(at, "similar-hit-0")
    run(at.text_input(key="words").set_value("snow"))
    query = pp.HybridQuery(image=enc.encode_image(ASTRONAUT), text=enc.encode_text("snow"))
    assert titles(at) == titles_of(query.search(starter, k=5))


def test_pictures_that_cannot_be_read(open_app: Open, app_modules: Callable[[str], ModuleType]) -> None:
    at = open_app()
    for broken in (b"", b"no picture", ASTRONAUT[:2000]):
        upload(at, broken)
        assert at.error[0].value.startswith("This picture cannot be used.") and titles(at) == []
    run(at.text_input(key="words").set_value("snow"))
    assert len(titles(at)) == 5 and len(at.error) == 1
    upload(at, ASTRONAUT)
    assert len(titles(at)) == 5 and not at.error


def test_previews_are_upright_and_small(app_modules: Callable[[str], ModuleType], enc: pp.Encoder) -> None:
    picture = app_modules("picture")
    turned, out = Image.Exif(), io.BytesIO()
    turned[0x0112] = 6
    Image.new("RGB", (2000, 1000), "red").save(out, "JPEG", exif=turned)
    preview = Image.open(io.BytesIO(picture.encode(enc, out.getvalue()).preview))
    assert preview.size == (450, 900) and not preview.getexif()
    out = io.BytesIO()
    Image.new("RGBA", (8, 4), (255, 0, 0, 0)).save(out, "PNG")
    preview = Image.open(io.BytesIO(picture.encode(enc, out.getvalue()).preview))
    assert preview.size == (8, 4) and preview.getpixel((2, 2)) == (255, 255, 255)


def test_accounts(open_app: Open, users_file: Path) -> None:
    at = open_app()
    submit(at, "register", "Register", Name="ana", Password="short")
    assert "fewer than 15 characters" in at.error[0].value
    submit(at, "register", "Register", Name="ana", Password=PASSWORD)
    assert at.success and logged_in(at) == "ana"
    assert not run(at).success
    assert logged_in(open_app()) is None  # another visitor

    at = submit(open_app(), "register", "Register", Name="Ana", Password=PASSWORD)
    assert "taken" in at.error[0].value
    for name, password in (("ana", NEW), ("nobody", PASSWORD)):
        submit(at, "log-in", "Log in", Name=name, Password=password)
        assert at.error[0].value == "The name or the password is wrong." and logged_in(at) is None
    submit(at, "log-in", "Log in", Name="ana", Password=PASSWORD)
    assert logged_in(at) == "ana" and not at.error
    submit(at, "change-password", "Change the password", Password=NEW, New_password=NEW)
    assert at.error[0].value == "The old password is wrong." and logged_in(at) == "ana"
    submit(at, "change-password", "Change the password", Password=PASSWORD, New_password=NEW)
    assert at.success and logged_in(run(at)) == "ana"
    run(labelled(at, "Log out").click())
    assert logged_in(at) is None and "token" not in at.session_state
    with pp.UserStore(users_file) as users:
        assert users.sessions("ana") == []  # changing the password ended all sessions

    for _ in range(20):
        submit(at, "log-in", "Log in", Name="ana", Password=PASSWORD)
        assert logged_in(at) is None
        if "password is wrong" not in at.error[0].value:
            break
    assert re.fullmatch(r"There were too many attempts\. Try again in \d+ (s|minutes)\.", at.error[0].value)


def test_forgotten_passwords(open_app: Open) -> None:
    here = submit(open_app(), "register", "Register", Name="ana", Password=PASSWORD)
    at = submit(open_app(), "ask-for-token", "Ask for a token", Name="nobody")
    unknown = at.code[0].value
    submit(at, "ask-for-token", "Ask for a token", Name="ana")
    token = at.code[0].value
    assert len(token) == len(unknown) and any("demonstration" in warning.value for warning in at.warning)
    for wrong in (unknown, "", "x" * 43):
        submit(at, "reset", "Set the new password", Token=wrong, New_password=NEW)
        assert "unknown, used or expired" in at.error[0].value
    submit(at, "reset", "Set the new password", Token=token, New_password="short")
    assert "fewer than 15 characters" in at.error[0].value
    submit(at, "reset", "Set the new password", Token=f" {token} ", New_password=NEW)
    assert at.success and not at.error
    assert logged_in(run(here)) is None and "session has ended" in here.error[0].value
    assert not run(here).error  # the message is shown once
    assert logged_in(submit(at, "log-in", "Log in", Name="ana", Password=NEW)) == "ana"


def labelled(at: AppTest, label: str) -> Button:
    (found,) = (button for button in at.button if button.label == label)
    return found


def logged_in(at: AppTest) -> str | None:
    found = [re.search("Logged in as (.*?)</h3>", block) for block in html_of(at)]
    return next((html.unescape(name[1]) for name in found if name), None)


def test_favourites(open_app: Open, users_file: Path, enc: pp.Encoder, starter: pp.SongIndex) -> None:
    at = upload(open_app(), ASTRONAUT)
    assert not any(button.label == "Favourite" for button in at.button)
    assert titles(at, "Favourites") == [] and "Log in" in at.info[0].value
    submit(at, "register", "Register", Name="ana", Password=PASSWORD)
    v = enc.encode_image(ASTRONAUT)
    first, second, third = starter.search(v, k=3)
    assert titles(at, "Favourites") == []
    for rank in (0, 2):
        assert at.button(key=f"favourite-hit-{rank}").label == "Favourite"
        click(at, f"favourite-hit-{rank}")
        assert at.button(key=f"favourite-hit-{rank}").label == "In favourites"
    assert titles(at, "Favourites") == [third.song["title"], first.song["title"]]
    click(at, f"favourite-kept-{third.id}")
    assert titles(at, "Favourites") == [first.song["title"]]
    click(at, f"similar-kept-{first.id}")
    assert titles(at) == titles_of(starter.similar(first.id, k=5)) and at.session_state["tab"] == "Songs"

    other = submit(upload(open_app(), ASTRONAUT), "log-in", "Log in", Name="ana", Password=PASSWORD)
    assert titles(other, "Favourites") == [first.song["title"]]
    click(other, "favourite-hit-1")
    plain = titles(other)
    run(other.toggle(key="taste").set_value(True))
    query = pp.HybridQuery(image=v).lean_towards({first.id: 1.0, second.id: 1.0})
    assert titles(other) == titles_of(query.search(starter, k=5)) != plain

    # Favourites from another catalogue are counted, not lost.
    with pp.UserStore(users_file) as users:
        assert users.favourites("ana") == [second.id, first.id]
        users.add_favourite("ana", "of another catalogue")
    run(at)
    assert len(titles(at, "Favourites")) == 2 and any("1 more" in caption.value for caption in at.caption)


def test_an_ended_session_writes_nothing(open_app: Open, users_file: Path, enc: pp.Encoder) -> None:
    at = submit(upload(open_app(), ASTRONAUT), "register", "Register", Name="ana", Password=PASSWORD)
    click(at, "favourite-hit-0")
    with pp.UserStore(users_file) as users:
        before = users.favourites("ana")
        for key in ("favourite-hit-0", "favourite-hit-1"):
            users.log_out_everywhere("ana")
            click(at, key)
            assert users.favourites("ana") == before and logged_in(at) is None
            assert [error.value for error in at.error] == [ENDED]
            submit(at, "log-in", "Log in", Name="ana", Password=PASSWORD)
            assert not at.error and logged_in(at) == "ana"

        # A button that is still on the screen from the old session must not end the new one.
        users.log_out_everywhere("ana")
        new = users.log_in("ana", PASSWORD).token
        run(labelled(at, "Log out everywhere").click())
        assert users.resume(new).username == "ana" and logged_in(at) is None
        assert [error.value for error in at.error] == [ENDED]


def test_a_second_click_changes_nothing(
    open_app: Open, users_file: Path, enc: pp.Encoder, starter: pp.SongIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls the action of every button twice, like a double click that ends before the page is redrawn."""
    button = st.button

    def clicked_twice(*args: object, on_click: Callable[..., None] | None = None, **more: object) -> bool:
        def twice(*args: object) -> None:
            assert on_click
            on_click(*args)
            on_click(*args)

        return button(*args, on_click=twice if on_click else None, **more)

    monkeypatch.setattr(st, "button", clicked_twice)
    at = submit(upload(open_app(), ASTRONAUT), "register", "Register", Name="ana", Password=PASSWORD)
    hits = starter.search(enc.encode_image(ASTRONAUT), k=10)
    assert titles(click(at, "more")) == titles_of(hits)
    with pp.UserStore(users_file) as users:
        click(at, "favourite-hit-1")
        assert users.favourites("ana") == [hits[1].id]
        click(at, "favourite-hit-1")
        assert users.favourites("ana") == []
    click(at, "similar-hit-1")
    second = starter.similar(hits[1].id, k=5)
    click(at, "similar-hit-0")
    assert titles(at) == titles_of(starter.similar(second[0].id, k=5))
    assert titles(click(at, "back")) == titles_of(second)
    assert titles(click(at, "back")) == titles_of(hits)
    click(at, "another")
    assert titles(click(at, SAMPLES[1].stem)) == titles_of(starter.search(enc.encode_image(CAT), k=5))
    for label in ("Log out", "Log out everywhere"):
        run(labelled(at, label).click())
        assert logged_in(at) is None and not at.error
        submit(at, "log-in", "Log in", Name="ana", Password=PASSWORD)


def test_a_thousand_favourites_are_shown_a_page_at_a_time(
    open_app: Open, users_file: Path, starter: pp.SongIndex
) -> None:
    at = submit(open_app(), "register", "Register", Name="ana", Password=PASSWORD)
    with pp.UserStore(users_file) as users:
        for song in starter.ids[:1000]:
            users.add_favourite("ana", song)
        newest = [starter.song(song)["title"] for song in users.favourites("ana")]
    # No favourite is drawn until the tab is opened.
    assert sum('class="pp-title"' in block for block in html_of(run(at))) == 0
    assert titles(at, "Favourites") == newest[:20] and at.button(key="newer").disabled
    assert titles(click(at, "older"), "Favourites") == newest[20:40]
    assert "21 to 40 of 1,000" in " ".join(caption.value for caption in at.caption)
    assert titles(click(at, "newer"), "Favourites") == newest[:20]

    # The last page has one song, which is removed.
    with pp.UserStore(users_file) as users:
        for song in users.favourites("ana")[41:]:
            users.remove_favourite("ana", song)
        last = users.favourites("ana")[-1]
    assert titles(click(click(at, "older"), "older"), "Favourites") == newest[40:41] and at.button(key="older").disabled
    assert titles(click(at, f"favourite-kept-{last}"), "Favourites") == newest[20:40]


@contextlib.contextmanager
def locked(users_file: Path) -> Iterator[None]:
    """Keeps the file locked, like another program that writes for a long time."""
    code = f"""
import sqlite3, sys
sqlite3.connect({str(users_file)!r}, isolation_level=None).execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout and other.stdout.readline() == b"locked\n"
        yield
        assert other.poll() is None
        other.communicate()


def test_a_store_that_is_locked_or_lost_is_told_at_once(
    open_app: Open, users_file: Path, app_modules: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(at: AppTest, took: float) -> bool:
        (error,) = at.error
        return error.value.startswith("The accounts cannot be reached") and "/" not in error.value and took < 10

    monkeypatch.setattr(app_modules("session"), "PATIENCE", 2.0)
    at = submit(upload(open_app(), ASTRONAUT), "register", "Register", Name="ana", Password=PASSWORD)
    found = titles(at)
    visitor = open_app()
    with locked(users_file):
        begun = time.monotonic()
        click(at, "favourite-hit-0")
        assert refused(at, time.monotonic() - begun) and titles(at) == found
        begun = time.monotonic()
        submit(visitor, "register", "Register", Name="ben", Password=PASSWORD)
        assert refused(visitor, time.monotonic() - begun)
    users_file.rename(users_file.with_name("elsewhere.db"))
    click(at, "favourite-hit-1")
    assert all(refused(at, 0.0) for _ in at.error) and titles(at) == found


def test_the_page_shows_no_tracebacks() -> None:
    """`streamlit run` reads this file; AppTest does not."""
    assert re.search(r'^showErrorDetails = "none"$', (APP / ".streamlit" / "config.toml").read_text(), re.MULTILINE)


def test_whatever_an_index_holds_is_only_text(open_app: Open, tmp_path: Path, enc: pp.Encoder) -> None:
    path = tmp_path / "songs.arrow"
    hostile = dict.fromkeys(("title", "artist", "album", "genre", "description"), HOSTILE)
    scripts = {name: "javascript:alert(1)" for name in ("artwork_url", "preview_url", "external_url")}
    good = {
        "title": "Rain",
        "artwork_url": 'https://a.example/"onerror=alert(1)',
        "preview_url": "https://a.example/rain.mp3",
        "external_url": "http://a.example/rain",
    }
    data = {name: "data:text/html,<script>alert(1)</script>" for name in scripts}
    vectors = unit_vectors(4, enc.dim)
    pp.write_index(path, [HOSTILE, "b", "c", "d"], vectors, [hostile | scripts, good, data, {"title": "www.x.example"}])
    at = open_app("--index", path)
    submit(at, "register", "Register", Name="ana", Password=PASSWORD)
    run(at.text_input(key="words").set_value("rain"))
    assert sorted(titles(at)) == sorted([HOSTILE, "Rain", "c", "www.x.example"])
    page = " ".join(html_of(at))
    assert not re.search('<script|javascript:|data:|<a |"onerror', page)
    assert page.count("<img") == 1 and not re.search("<img[^>]*<", page)
    assert [link.proto.url for link in at.get("link_button")] == ["http://a.example/rain"]
    assert [audio.proto.url for audio in at.get("audio")] == ["https://a.example/rain.mp3"]
    assert not any(HOSTILE in text.value for text in at.markdown)
    click(at, f"similar-hit-{titles(at).index(HOSTILE)}")
    assert f"Songs like {html.escape(HOSTILE)}" in " ".join(html_of(at))
    # There are no audio features to compare.
    run(at.radio(key="by").set_value("audio"))
    assert "no audio features" in at.warning[0].value


def test_what_cannot_be_opened_is_said(open_app: Open, tmp_path: Path, users_file: Path, songs: pp.SongIndex) -> None:
    foreign = tmp_path / "foreign.arrow"
    pp.write_index(foreign, ["a"], unit_vectors(1, 4), fingerprint="another-space")
    broken = tmp_path / "broken.arrow"
    broken.write_bytes(songs.path.read_bytes()[:-100])
    for arguments, said in (
        (("--index", tmp_path / "none.arrow"), "none"),
        (("--index", foreign), "was not built with the encoder"),
        (("--index", broken), "broken"),
        (("--encoder", tmp_path), "config"),
        (("--users", tmp_path / "none" / "users.db"), "users"),
        (("--indexes", "x"), "are invalid"),
    ):
        at = open_app(*arguments)
        assert len(at.error) == 1 and said in at.error[0].value and not at.file_uploader, at.error


def test_paths_may_come_from_the_environment(
    open_app: Open, songs: pp.SongIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIXELPLAY_INDEX", str(songs.path))
    at = run(open_app().text_input(key="words").set_value("a storm"))
    assert len(titles(at)) == 4


def test_text_in_markdown_is_shown_as_it_is(app_modules: Callable[[str], ModuleType]) -> None:
    plain = app_modules("messages").plain
    assert plain("a_b*c*\n[x](y) <b>") == r"a\_b\*c\* \[x\]\(y\) \<b\>"
    assert plain("Águas 3") == "Águas 3"


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://a.example/x?y", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//a.example", False),
        ("https:", False),
        ("http://[x", False),
        ("file:///etc/passwd", False),
        ("", False),
        (None, False),
    ],
)
def test_web_addresses(app_modules: Callable[[str], ModuleType], address: str | None, good: bool) -> None:
    assert app_modules("cards").web_address(address) == (address if good else None)
