"""The forms for accounts."""

from __future__ import annotations

import html

import pixelplay as pp
import streamlit as st
from messages import explain, later
from session import Session, log_out, log_out_everywhere, soon

_PASSWORD = "At least 15 characters, such as three or four words that only you would combine."


def show(users: pp.UserStore, session: Session | None) -> None:
    if session is not None:
        _settings(users, session)
        return
    log_in, register, forgotten = st.tabs(["Log in", "Register", "Forgotten password"])
    with log_in:
        _log_in(users)
    with register:
        _register(users)
    with forgotten:
        _reset(users)


def _log_in(users: pp.UserStore) -> None:
    with st.form("log-in"):
        name = st.text_input("Name", autocomplete="username")
        password = st.text_input("Password", type="password", autocomplete="current-password")
        if st.form_submit_button("Log in", type="primary"):
            try:
                st.session_state.token = soon(users.log_in, name, password).token
            except pp.UserError as error:
                st.error(explain(error))
            else:
                st.rerun()


def _register(users: pp.UserStore) -> None:
    with st.form("register"):
        name = st.text_input("Name", autocomplete="username")
        password = st.text_input("Password", type="password", autocomplete="new-password", help=_PASSWORD)
        if st.form_submit_button("Register", type="primary"):
            try:
                soon(users.register, name, password)
                st.session_state.token = soon(users.log_in, name, password).token
            except pp.UserError as error:
                st.error(explain(error))
            else:
                later("success", "Your account has been created, and you are logged in.")
                st.rerun()


def _reset(users: pp.UserStore) -> None:
    st.warning(
        "A demonstration: a real front end sends the token to the owner's e-mail address. "
        "Here it is shown to anyone who asks, who can then take over the account.",
        icon=":material/science:",
    )
    with st.form("ask-for-token"):
        name = st.text_input("Name", autocomplete="username")
        if st.form_submit_button("Ask for a token"):
            try:
                token = soon(users.start_password_reset, name)
            except pp.UserError as error:
                st.error(explain(error))
            else:
                st.write("If the account exists, this token sets a new password for it, once, within 30 minutes:")
                st.code(token, language=None, wrap_lines=True)
    with st.form("reset"):
        token = st.text_input("Token", autocomplete="one-time-code")
        new = st.text_input("New password", type="password", autocomplete="new-password", help=_PASSWORD)
        if st.form_submit_button("Set the new password", type="primary"):
            try:
                soon(users.finish_password_reset, token.strip(), new)
            except pp.UserError as error:
                st.error(explain(error))
            else:
                st.success("The new password is set, and all sessions have ended. Log in with the new password.")


def _settings(users: pp.UserStore, session: Session) -> None:
    st.html(f'<h3 class="pp-heading">Logged in as {html.escape(session.name)}</h3>')
    with st.container(horizontal=True):
        st.button("Log out", icon=":material/logout:", on_click=log_out, args=(users, session.token))
        st.button("Log out everywhere", on_click=log_out_everywhere, args=(users, session.token))
    with st.form("change-password", clear_on_submit=True):
        old = st.text_input("Password", type="password", autocomplete="current-password")
        new = st.text_input("New password", type="password", autocomplete="new-password", help=_PASSWORD)
        if st.form_submit_button("Change the password"):
            try:
                st.session_state.token = soon(users.change_password, session.name, old, new).token
            except pp.InvalidCredentials:
                st.error("The old password is wrong.")
            except pp.UserError as error:
                st.error(explain(error))
            else:
                # Shown by the next run, because a second click would interrupt this one.
                later("success", "The password has been changed. All other sessions have ended.")
                st.rerun()
