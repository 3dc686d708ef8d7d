"""The visitor's session. Nothing is written for a session that has ended, and no call to the user store keeps a visitor
waiting for long.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

import pixelplay as pp
import streamlit as st
from messages import explain, later

P = ParamSpec("P")
T = TypeVar("T")

# In seconds. The store itself waits up to a minute for a file that another program has locked.
PATIENCE = 4.0
_threads = futures.ThreadPoolExecutor(max_workers=32, thread_name_prefix="user-store")


class StoreBusy(pp.UserError, TimeoutError):
    """The user store has not answered in time. It may still carry out what it was asked to do."""


@dataclass(frozen=True)
class Session:
    """A session that was open when this run of the page began."""

    name: str
    token: str


def soon(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls the user store, and raises `StoreBusy` if it does not answer within a few seconds."""
    answer = _threads.submit(call, *args, **kwargs)
    try:
        return answer.result(PATIENCE)
    except futures.TimeoutError:
        answer.cancel()  # A call that has not started is dropped, so that calls do not pile up.
        raise StoreBusy(f"no answer within {PATIENCE:g} s; another program may have locked the file") from None


def current(users: pp.UserStore) -> Session | None:
    """Returns this visitor's session. Its token is in the session state, so reloading the page logs the visitor out."""
    token: str | None = st.session_state.get("token")
    if token is None:
        return None
    try:
        return Session(soon(users.resume, token).username, token)
    except pp.InvalidSession:
        _forget(token)
        return None


def act(users: pp.UserStore, token: str, action: Callable[[str], object]) -> bool:
    """Calls `action` with the name of the user whom the token identifies, and returns whether that succeeded.

    For callbacks, which run before the page is drawn and act on what was on the screen when the button was clicked. The
    session may have ended since then, so it is resumed first.
    """
    try:
        soon(action, soon(users.resume, token).username)
    except pp.InvalidSession:
        _forget(token)
    except pp.UserError as error:
        later("error", explain(error))
    else:
        return True
    return False


def log_out(users: pp.UserStore, token: str) -> None:
    _drop(token)
    try:
        soon(users.log_out, token)
    except pp.UserError as error:
        later("error", explain(error))


def log_out_everywhere(users: pp.UserStore, token: str) -> None:
    if act(users, token, users.log_out_everywhere):
        _drop(token)


def _forget(token: str) -> None:
    """Tells the visitor once that the session has ended, even if a second click arrives with the same token."""
    if _drop(token):
        later("error", "Your session has ended, and nothing was changed. Log in again.")


def _drop(token: str) -> bool:
    """Removes the token from the session state, unless the visitor has another one by now. Returns whether it did."""
    if st.session_state.get("token") != token:
        return False
    del st.session_state["token"]
    return True
