"""Messages for users: what was done, and what went wrong."""

from __future__ import annotations

import html
import logging
import os
import re
from typing import Literal

import pixelplay as pp
import streamlit as st

_log = logging.getLogger(__name__)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    """Escapes a text so that Markdown shows it unchanged."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def explain(error: pp.PixelPlayError) -> str:
    """Returns an error as a sentence for visitors, in Markdown. Errors that only the operator can fix are logged."""
    match error:
        case pp.InvalidCredentials():
            return "The name or the password is wrong."
        case pp.Throttled():
            return f"There were too many attempts. Try again in {_wait(error.retry_after)}."
        case pp.Overloaded():
            return f"Too many people are logging in. Try again in {_wait(error.retry_after)}."
        case pp.NameTaken():
            return "This name is taken, or looks like one that is. Choose another."
        case pp.InvalidToken():
            return "This token is unknown, used or expired. Ask for a new one."
        case pp.BadUserName() | pp.BadPassword():
            pass
        # The file is locked or damaged, the disk is full, ...: visitors must not see the path.
        case pp.UserError() if isinstance(error, OSError) or os.sep in str(error):
            _log.error("the user store failed: %s", error)
            return (
                "The accounts cannot be reached right now. Try again in a minute; "
                "what you just asked for may still be carried out."
            )
    return sentence(error)


def sentence(error: Exception) -> str:
    """Returns an error's own text as a sentence, in Markdown."""
    text = plain(str(error))
    return f"{text[:1].upper()}{text[1:]}."


def _wait(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} minutes"


def later(kind: Literal["error", "success"], text: str) -> None:
    """Keeps a message for the next run of the page: whatever is shown in a callback or before a rerun is lost."""
    kept = st.session_state.setdefault("messages", [])
    if (kind, text) not in kept:
        kept.append((kind, text))


def show() -> None:
    """Shows the kept messages, once."""
    for kind, text in st.session_state.pop("messages", []):
        if kind == "error":
            st.error(text, icon=":material/error:")
        else:
            st.success(text, icon=":material/check_circle:")


def heading(text: str) -> None:
    """Shows a heading. `st.subheader` would read it as Markdown and turn even escaped addresses into links."""
    st.html(f'<h3 class="pp-heading">{html.escape(text)}</h3>')
