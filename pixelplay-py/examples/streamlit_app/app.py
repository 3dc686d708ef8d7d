"""PixelPlay in the browser: a picture in, songs out. Start it with `streamlit run app.py`."""

from __future__ import annotations

from pathlib import Path

import accounts
import favourites
import messages
import picture
import pixelplay as pp
import question
import results
import session
import startup
import streamlit as st
from cards import Favourites

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#276b63"/>'
    '<path d="M12 22V9l11-2v12" fill="none" stroke="#fff" stroke-width="2.5"/>'
    '<circle cx="9.5" cy="22" r="3" fill="#fff"/><circle cx="20.5" cy="19" r="3" fill="#fff"/></svg>'
)


def main() -> None:
    st.set_page_config("PixelPlay", _ICON, layout="wide")
    st.html(Path(__file__).with_name("style.css"))
    st.title("PixelPlay", anchor=False)
    st.caption("A picture in, songs out: drop a photograph, add a few words, and hear what it looks like.")
    app = _open()
    visitor, loved = _visitor(app)
    messages.show()
    songs_tab, favourites_tab, account_tab = st.tabs(["Songs", "Favourites", "Account"], key="tab", on_change="rerun")
    with songs_tab:
        asking, answer = st.columns([1, 2], gap="large")
        with asking:
            asked = question.ask(app, picture.chosen(app.encoder), visitor, loved)
        with answer:
            results.show(app, asked, loved)
    with favourites_tab:
        # The other tabs must be drawn even while they are hidden, because they keep what was typed into them.
        if favourites_tab.open:
            favourites.show(app, loved)
    with account_tab, st.container(width=560):
        accounts.show(app.users, visitor)


def _visitor(app: startup.App) -> tuple[session.Session | None, Favourites | None]:
    """Returns this visitor's session and favourites; `None` for both if there is no session or the store fails."""
    try:
        visitor = session.current(app.users)
        return visitor, favourites.of(app, visitor)
    except pp.UserError as error:
        messages.later("error", messages.explain(error))
        return None, None


def _open() -> startup.App:
    try:
        return startup.open_app(startup.options())
    except SystemExit:
        st.error("The arguments after `--` are invalid. The terminal shows the reason.")
    except pp.PixelPlayError as error:
        # Most of these errors are seen only by the person who starts the app, who needs to see the mistyped path. But
        # any visitor may find the file locked, and must not see its path.
        st.error(messages.explain(error) if isinstance(error, TimeoutError) else messages.sentence(error))
    st.stop()


main()
