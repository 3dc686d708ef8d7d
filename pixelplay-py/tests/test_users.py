"""Accounts, sessions and taste through the Python bindings. The store itself is tested in the core."""

from __future__ import annotations

import contextlib
import copy
import errno
import hashlib
import itertools
import json
import math
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pixelplay as pp
import pytest
from test_calls import steps_of_another_thread

PASSWORD = "correct horse battery"
NEW = "staple a rainy evening"
# The hash of PASSWORD, made by pyca's bcrypt 5.0.0 with gensalt(4): a cheap account, for tests that are not about
# hashing.
BCRYPT = "$2b$04$7QVOwxVVGALotJH4pnzqdOzyZhba6AzK7LoOIfbqf2qA1UXe0DtbK"


@pytest.fixture
def users(tmp_path: Path) -> Iterator[pp.UserStore]:
    """A store with one account, `ana`."""
    with pp.UserStore(tmp_path / "users.db") as users:
        users.import_account("ana", BCRYPT)
        yield users


def test_the_promised_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    old, new = PASSWORD, NEW
    # fmt: off
    users = pp.UserStore("users.db"); users.register("ana", "correct horse battery"); s = users.log_in("ana", "correct horse battery")  # noqa: E702
    assert s.token
    assert users.resume(s.token).username == "ana"; users.log_out(s.token); users.log_out_everywhere("ana"); users.change_password("ana", old, new)  # noqa: E702
    token = users.start_password_reset("ana"); users.finish_password_reset(token, "an entirely other one")  # noqa: E702
    users.add_favourite("ana", "track-id"); assert users.favourites("ana") == ["track-id"]; assert users.taste("ana").keys() == {"track-id"}  # noqa: E702
    # fmt: on
    assert type(s.token) is str and s.token not in repr(s)
    assert users.log_in("ana", "an entirely other one").username == "ana"


def test_sessions(users: pp.UserStore) -> None:
    now = datetime.now(timezone.utc)
    first = users.log_in("ANA", PASSWORD)  # names are case-insensitive
    second = users.log_in("ana", PASSWORD, source="203.0.113.7", label="Firefox on Linux\x00")
    session = users.resume(second.token)
    assert session == second.session and session.id != first.session.id
    assert (session.username, session.label, first.session.label) == ("ana", "Firefox on Linux", None)
    assert now - timedelta(seconds=1) < session.created <= session.last_seen < now + timedelta(minutes=5)
    assert session.created.tzinfo is timezone.utc and session.ends - session.created == timedelta(days=30)
    assert [found.id for found in users.sessions("ana")] == [second.session.id, first.session.id]
    assert repr(session.id) in repr(session) and "Firefox" in repr(session)

    assert users.revoke("ana", first.session.id) is True and users.revoke("ana", first.session.id) is False
    with pytest.raises(pp.InvalidSession):
        users.resume(first.token)
    users.log_out(second.token)
    users.log_out(second.token)
    assert users.sessions("ana") == []
    third = users.log_in("ana", PASSWORD)
    assert users.log_out_everywhere("ana") == 1
    with pytest.raises(pp.InvalidSession):
        users.resume(third.token)


def test_accounts(users: pp.UserStore) -> None:
    session = users.log_in("ana", PASSWORD)
    assert users.account("ana").username == "ana"
    assert users.account("ana").created <= session.session.created
    changed = users.change_password("ana", PASSWORD, NEW, label="new")
    assert changed.session.label == "new" and users.resume(changed.token).username == "ana"
    with pytest.raises(pp.InvalidSession):
        users.resume(session.token)
    users.rename("ana", "Ana.Lima@example.org")
    assert users.resume(changed.token).username == "Ana.Lima@example.org"
    users.delete_account("ana.lima@example.org")
    with pytest.raises(pp.UnknownUser):
        users.account("ana.lima@example.org")


def test_what_the_operator_does(users: pp.UserStore) -> None:
    users.import_account("ben", BCRYPT)
    assert [account.username for account in users.accounts()] == ["ana", "ben"]
    assert [account.username for account in users.accounts(after="Ana", limit=1)] == ["ben"]
    ben = users.account("ben")
    assert (ben.disabled, ben.external_id) == (None, None) and (ben.hash_kind or "").startswith("bcrypt:")
    session = users.log_in("ana", PASSWORD)
    assert users.disable("ana") is True and users.disable("ana") is False
    assert isinstance(users.account("ana").disabled, datetime)
    with pytest.raises(pp.InvalidSession):
        users.resume(session.token)
    with pytest.raises(pp.AccountDisabled):
        users.log_in("ana", PASSWORD)
    assert users.enable("ana") is True and users.enable("ana") is False
    users.set_password("ana", NEW)
    assert users.log_in("ana", NEW).username == "ana"
    while not users.log_in_wait("ana"):
        with pytest.raises(pp.InvalidCredentials):
            users.log_in("ana", PASSWORD)
    users.unlock("ana")
    assert users.log_in_wait("ana") == timedelta(0)
    assert users.expire_imported_hashes(timedelta(days=90)) == 0
    assert users.expire_imported_hashes(timedelta(0)) == 1 and users.account("ben").hash_kind is None


def test_a_known_device_gets_in_while_strangers_guess(users: pp.UserStore) -> None:
    device = users.log_in("ana", PASSWORD).device
    with pytest.raises(pp.Throttled):
        for _ in range(9):
            with contextlib.suppress(pp.InvalidCredentials):
                users.log_in("ana", NEW, source="2001:db8::1")
    with pytest.raises(pp.Throttled):
        users.log_in("ana", PASSWORD)
    assert users.log_in("ana", PASSWORD, device=device).device == device


def test_a_session_may_have_a_lifetime_of_its_own(users: pp.UserStore) -> None:
    days = timedelta(days=90)
    session = users.log_in("ana", PASSWORD, idle_timeout=timedelta(days=30), max_age=days).session
    assert session.ends - session.created == days
    with pytest.raises(TypeError, match="both"):
        users.log_in("ana", PASSWORD, max_age=days)


def test_accounts_of_another_service(users: pp.UserStore) -> None:
    users.register_external("ben", "https://id.example.org|7")
    session = users.log_in_external("https://id.example.org|7", label="phone", max_age=None)
    assert users.resume(session.token).label == "phone" and users.account("ben").hash_kind is None
    with pytest.raises(pp.ExternalIdTaken):
        users.set_external_id("ana", "https://id.example.org|7")
    users.set_external_id("ben", None)
    with pytest.raises(pp.UnknownUser):
        users.log_in_external("https://id.example.org|7")
    with pytest.raises(ValueError, match="external id"):
        users.register_external("cid", "")


def test_backups(users: pp.UserStore, tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    users.backup(backup)
    with pytest.raises(FileExistsError):
        users.backup(backup)
    users.register("late", PASSWORD)
    with pytest.raises(FileExistsError):
        pp.UserStore.restore(backup, users.path)
    pp.UserStore.restore(backup, users.path, replace=True)
    assert [account.username for account in users.accounts()] == ["ana"]
    with pytest.raises(FileNotFoundError):
        pp.UserStore.restore(tmp_path / "none.db", tmp_path / "new.db")
    with pytest.raises(FileNotFoundError):
        pp.UserStore(tmp_path / "mistyped.db", create=False)
    assert not (tmp_path / "mistyped.db").exists()


def test_options_have_safe_bounds(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    limit = pp.Limit(free_attempts=1, decay_interval=timedelta(hours=1))
    assert limit == pp.Limit(free_attempts=1, decay_interval=timedelta(hours=1)) != pp.Limit()
    assert (limit.free_attempts, limit.max_failures, limit.max_backoff) == (1, 100, timedelta(hours=1))
    with pp.UserStore(path, min_password_chars=10, account_limit=limit, source_limit=pp.Limit()) as users:
        users.register("ana", "Zx9!kL2#pQ")
        for _ in range(2):
            with pytest.raises(pp.InvalidCredentials):
                users.log_in("ana", PASSWORD)
        with pytest.raises(pp.Throttled):
            users.log_in("ana", PASSWORD)
    for bad in ({"min_password_chars": 7}, {"account_limit": pp.Limit(max_failures=1000)}):
        with pytest.raises(ValueError, match="bad options"):
            pp.UserStore(path, **bad)  # type: ignore[arg-type]
    (tmp_path / "pwned.txt").write_text(hashlib.sha1(NEW.encode()).hexdigest().upper() + ":3\n")
    with pp.UserStore(path, breached_passwords=tmp_path / "pwned.txt") as users:
        with pytest.raises(pp.BadPassword, match="breach"):
            users.set_password("ana", NEW)
    with pytest.raises(FileNotFoundError):
        pp.UserStore(path, breached_passwords=tmp_path / "none.txt")


def test_tokens_for_the_owner_of_a_name(tmp_path: Path) -> None:
    with pp.UserStore(tmp_path / "users.db", hidden_names=True) as users:
        token = users.start_registration("ana", source="203.0.113.7")
        with pytest.raises(pp.BadPassword):
            users.finish_registration(token, "short")
        assert users.finish_registration(token, PASSWORD) == "ana"
        with pytest.raises(pp.InvalidToken):
            users.finish_registration(token, PASSWORD)
        session = users.log_in("ana", PASSWORD)
        assert users.finish_rename(users.start_rename("ana", "ana2")) == "ana2"
        assert users.resume(session.token).username == "ana2"
        assert len(users.start_password_reset("nobody", source="203.0.113.7")) == len(token)
        with pytest.raises(pp.NamesAreHidden, match="start_rename"):
            users.rename("ana2", "ana")


def test_taste_leans_a_question(users: pp.UserStore, songs: pp.SongIndex, enc: pp.Encoder) -> None:
    users.add_favourite("ana", "a")
    users.like("ana", "c")
    users.dislike("ana", "b")
    users.dislike("ana", "gone")
    users.record_listen("ana", "d")
    assert users.favourites("ana") == ["a"] and users.likes("ana") == ["c"]
    assert set(users.dislikes("ana")) == {"b", "gone"}
    taste = users.taste("ana")
    assert taste == pytest.approx({"a": 1, "b": -1, "c": 1, "d": 0.25, "gone": -1}, abs=1e-3)

    text = enc.encode_text("a storm at night")
    query = pp.HybridQuery(text=text).lean_towards(taste, weight=0.5)
    liked = sum(weight * np.asarray(songs.embedding(id), float) for id, weight in taste.items() if id != "gone")
    expected = np.asarray(text, float) + 0.5 * liked / np.linalg.norm(liked)
    np.testing.assert_allclose(np.asarray(query.blend(songs)), expected / np.linalg.norm(expected), atol=1e-6)
    assert {hit.id for hit in query.search(songs)} == {"a", "b", "c", "d"}

    assert users.remove_favourite("ana", "a") is True and users.remove_favourite("ana", "a") is False
    assert users.clear_rating("ana", "b") is True and users.clear_rating("ana", "b") is False
    assert [listen.song for listen in users.history("ana")] == ["d"] and users.history("ana", limit=0) == []
    assert users.history("ana")[0].at <= datetime.now(timezone.utc) + timedelta(seconds=1)
    assert users.clear_history("ana") == 1 and users.history("ana") == []
    with pytest.raises(pp.QueryError):
        pp.HybridQuery(text=text).lean_towards({"a": math.nan}).blend(songs)
    with pytest.raises(TypeError):
        pp.HybridQuery(text=text).lean_towards(["a"])  # type: ignore[arg-type]


def test_export(users: pp.UserStore) -> None:
    users.log_in("ana", PASSWORD, label="phone")
    users.add_favourite("ana", "a song \N{EARTH GLOBE EUROPE-AFRICA}")
    export = json.loads(users.export("ana"))
    assert export["username"] == "ana" and export["sessions"][0]["label"] == "phone"
    assert export["favourites"][0]["song"] == "a song \N{EARTH GLOBE EUROPE-AFRICA}"
    users.verify()


def stored_hash(path: Path) -> str:
    """Returns what the file holds. The file must not be open in this process."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("SELECT hash FROM account").fetchone()
    return str(found)


def test_options_reach_the_store(tmp_path: Path) -> None:
    path, params = tmp_path / "users.db", pp.HashParams(12288, passes=3)
    with pp.UserStore(path, second_factor=True, hash=params) as users:
        users.register("ana", "r4iny-d4")
    assert stored_hash(path).startswith("$argon2id$v=19$m=12288,t=3,p=1$")
    with pp.UserStore(path, idle_timeout=timedelta(0), taste_half_life=timedelta(microseconds=1000)) as users:
        with pytest.raises(pp.InvalidSession):
            users.resume(users.log_in("ana", "r4iny-d4").token)
        users.add_favourite("ana", "a")
        time.sleep(0.05)
        assert users.taste("ana") == {}
    with pp.UserStore(path, max_session_age=timedelta.max, confirm_within=timedelta(0), max_history=2) as users:
        session = users.log_in("ana", "r4iny-d4").session
        assert session.ends - session.created == timedelta(days=36_500)  # the longest
        with pytest.raises(pp.InvalidToken):
            users.finish_password_reset(users.start_password_reset("ana"), NEW)
        for song in "abc":
            users.record_listen("ana", song)
        assert [listen.song for listen in users.history("ana")] == ["c", "b"]


def test_peppers(tmp_path: Path) -> None:
    path, old, new = tmp_path / "users.db", ("2025", b"o" * 32), ("2026", b"n" * 32)
    with pp.UserStore(path, pepper=old) as users:
        users.register("ana", PASSWORD)
    with pytest.raises(pp.UserError, match="2025") as caught:
        pp.UserStore(path, pepper=new)
    assert isinstance(caught.value, ValueError)
    with pp.UserStore(path, pepper=new, older_peppers=[old]) as users:
        users.log_in("ana", PASSWORD)
    with pp.UserStore(path, pepper=new) as users:
        users.log_in("ana", PASSWORD)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: pp.UserStore(path, pepper=("id", b"short")),
        lambda path: pp.UserStore(path, pepper=("Bad Id", b"k" * 32)),
        lambda path: pp.UserStore(path, pepper=("a", b"k" * 32), older_peppers=[("a", b"l" * 32)]),
        lambda path: pp.UserStore(path, concurrent_hashes=0),
        lambda path: pp.UserStore(path, idle_timeout=timedelta(-1)),
        lambda path: pp.UserStore("nul\0.db"),
        lambda path: pp.HashParams(8),
        lambda path: pp.HashParams(1 << 30),
    ],
)
def test_bad_options_are_value_errors(make: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        make(tmp_path / "users.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options", [{"pepper": "secret"}, {"idle_timeout": 30}, {"hash": 2}, {"pepper": ("a", "k" * 32)}]
)
def test_bad_types_are_type_errors(options: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        pp.UserStore(tmp_path / "users.db", **options)  # type: ignore[arg-type]


def test_hash_params() -> None:
    params = pp.HashParams()
    assert (params.memory_kib, params.passes, params.lanes) == (19456, 2, 1)
    for again in (pickle.loads(pickle.dumps(params)), copy.copy(params), copy.deepcopy(params)):
        assert again == params != pp.HashParams(lanes=2)
    assert repr(params) == "HashParams(memory_kib=19456, passes=2, lanes=1)"
    assert pp.HashParams.tune(timedelta(0)) == params  # never less than the default


def test_a_store_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "users.db"
    with pytest.raises(ZeroDivisionError), pp.UserStore(path) as users:
        users.import_account("ana", BCRYPT)
        assert {file.name for file in tmp_path.iterdir()} == {"users.db", "users.db-wal", "users.db-shm"}
        raise ZeroDivisionError
    assert [file.name for file in tmp_path.iterdir()] == ["users.db"]
    assert users.path == path and repr(users) == f"UserStore({json.dumps(str(path))}, closed)"
    for call in (lambda: users.account("ana"), lambda: users.log_in("ana", PASSWORD), users.__enter__):
        with pytest.raises(ValueError, match="closed"):
            call()
    users.close()
    forgotten = pp.UserStore(path)
    assert forgotten.account("ana").username == "ana" and repr(forgotten) == f"UserStore({json.dumps(str(path))})"
    del forgotten
    assert [file.name for file in tmp_path.iterdir()] == ["users.db"]


def test_waits_are_told_in_seconds(users: pp.UserStore) -> None:
    with pytest.raises(pp.Throttled) as caught:
        for _ in range(10):
            users.start_password_reset("somebody")
    error = caught.value
    assert type(error.retry_after) is float and 0 < error.retry_after <= 3600 and "try again in" in str(error)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is pp.Throttled and again.retry_after == error.retry_after and str(again) == str(error)
    assert pp.Throttled().retry_after == pp.Overloaded("busy").retry_after == 0.0


def test_bad_hashes_and_song_ids_are_value_errors(users: pp.UserStore) -> None:
    for call in (
        lambda: users.import_account("ben", "md5:1234"),
        lambda: users.import_account("ben", BCRYPT.replace("$04$", "$31$")),
        lambda: users.add_favourite("ana", ""),
        lambda: users.record_listen("ana", "x" * 1025),
    ):
        with pytest.raises(pp.UserError) as caught:
            call()
        assert isinstance(caught.value, ValueError) and pickle.loads(pickle.dumps(caught.value)).args


# Part of every secret below, and of no account's name.
MARK = "m4rk3d"
SECRET = f"{MARK} rainy night drive"
HALF = SECRET + "\udc80"  # half a surrogate pair, which is not valid UTF-8
TOKENS: set[str] = set()


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "users.db"
    users = pp.UserStore(path, pepper=("2026", SECRET.encode().ljust(32)))
    users.register("ana", SECRET)
    shown: list[str | bytes] = [repr(users)]
    # Not in a local variable, because tracebacks may show those.
    TOKENS.clear()
    log_in = users.log_in("ana", SECRET, source=MARK, label="phone")
    reset = users.start_password_reset("ana")
    TOKENS.update((log_in.token, reset))
    del reset
    shown += [repr(log_in), str(log_in), f"{log_in}", repr(log_in.session), repr(users.sessions("ana"))]
    shown += [users.export("ana"), repr(users.account("ana"))]
    shown += [repr(getattr(log_in, name)) for name in dir(log_in) if name != "token"]

    wrong: list[Callable[[], object]] = [
        lambda: users.log_in("ana", SECRET + "x"),
        lambda: users.log_in("ana", HALF),
        lambda: users.log_in(HALF, SECRET),
        lambda: users.log_in("ana", SECRET, source=HALF, label=1),  # type: ignore[arg-type]
        lambda: users.log_in("ana", SECRET.encode()),  # type: ignore[arg-type]
        lambda: users.log_in("ana", SECRET, SECRET),  # type: ignore[call-arg, misc]
        lambda: users.log_in("ana", SECRET * 100),
        lambda: users.log_in(SECRET * 100, SECRET),
        lambda: users.register(SECRET, SECRET),
        lambda: users.register(HALF, SECRET),
        lambda: users.register("ben", MARK),
        lambda: users.register("ben", HALF),
        lambda: users.register("ben", SECRET + "\0"),
        lambda: users.register(MARK * 2, MARK * 2),
        lambda: users.import_account("ben", SECRET),
        lambda: users.import_account("ben", HALF),
        lambda: users.change_password("ana", SECRET, MARK),
        lambda: users.change_password("ana", SECRET, HALF),
        lambda: users.change_password("ana", MARK, SECRET),
        lambda: users.finish_password_reset(SECRET, SECRET),
        lambda: users.finish_password_reset(min(TOKENS), HALF),
        lambda: users.finish_password_reset(max(TOKENS), HALF),
        lambda: users.finish_registration(HALF, SECRET),
        lambda: users.finish_registration(SECRET, HALF),
        lambda: users.set_password("ana", MARK),
        lambda: users.log_in("ana", SECRET + "x", device=log_in.device),
        lambda: users.log_in_external(SECRET),
        lambda: users.finish_rename(log_in.token),
        lambda: users.resume(HALF),
        lambda: users.resume(log_in.token + "x"),
        lambda: users.resume(log_in.token.encode()),  # type: ignore[arg-type]
        lambda: users.account(SECRET),
        lambda: users.rename("ana", SECRET),
        lambda: users.start_rename(SECRET, HALF),
        lambda: users.add_favourite(HALF, "song"),
        lambda: pp.UserStore(path),
        lambda: pp.UserStore(path, pepper=("2026", SECRET.encode())),
        lambda: pp.UserStore(path, pepper=(SECRET, b"2026")),
        lambda: pp.UserStore(path, pepper=("2026", SECRET)),  # type: ignore[arg-type]
        lambda: pp.UserStore(path, pepper=SECRET),  # type: ignore[arg-type]
        lambda: pickle.dumps(log_in),
        lambda: copy.deepcopy(log_in),
    ]
    for call in wrong:
        shown += all_that_is_told(call)
    assert users.log_in("ana", SECRET).username == "ana"  # none of the calls above changed it

    for text in shown:
        content = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
        for secret in (MARK, *TOKENS):
            assert secret.encode() not in content, text
    for file in (path, path.with_name("users.db-wal"), path.with_name("users.db-shm")):
        content = file.read_bytes()
        assert not any(secret.encode() in content for secret in (MARK, *TOKENS)), file
    users.close()


def all_that_is_told(call: Callable[[], object]) -> list[str | bytes]:
    """Returns everything that an error and its traceback show, local variables included."""
    try:
        call()
    except (pp.UserError, TypeError) as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        return ["".join(told.format()), repr(error), str(error), pickle.dumps(error), repr(vars(error))]
    raise AssertionError("no error")


def test_half_a_character_is_no_password_and_no_name(users: pp.UserStore) -> None:
    """A Python string can hold half a surrogate pair, and Python's own error would show the whole string."""
    for call in (lambda: users.register("ben", HALF), lambda: users.log_in("ana", HALF)):
        with pytest.raises(pp.BadPassword, match="character"):
            call()
    with pytest.raises(pp.BadUserName):
        users.register("ben\udc80", PASSWORD)
    with pytest.raises(pp.UnknownUser):
        users.account("ana\udc80")
    with pytest.raises(pp.InvalidCredentials):
        users.log_in("ana\udc80", PASSWORD)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_neither_log_ins_nor_stores_are_pickled(users: pp.UserStore, protocol: int) -> None:
    for thing, reason in ((users.log_in("ana", PASSWORD), "secret"), (users, "open the file")):
        with pytest.raises(TypeError, match=reason):
            pickle.dumps(thing, protocol)
        for copied in (copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=reason):
                copied(thing)


def test_other_threads_go_on_while_one_hashes(users: pp.UserStore) -> None:
    numbers = itertools.count()
    assert steps_of_another_thread(lambda: users.register(f"n{next(numbers)}", PASSWORD), wanted=10) >= 10


def test_many_log_ins_at_once(users: pp.UserStore) -> None:
    names = ["ana", "ben", "cid", "dot"]
    for name in names[1:]:
        users.import_account(name, BCRYPT)
    found: list[tuple[str, pp.NewSession]] = []
    threads = [
        threading.Thread(target=lambda name=name: found.append((name, users.log_in(name, PASSWORD))))
        for name in names * 16
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({log_in.token for _, log_in in found}) == 64
    assert all(users.resume(log_in.token).username == name for name, log_in in found)
    users.verify()


def test_closing_lets_calls_end(users: pp.UserStore) -> None:
    tokens: list[str] = []
    first = threading.Event()

    def register() -> None:
        with pytest.raises(ValueError, match="closed"):
            for n in itertools.count():
                tokens.append(users.start_registration(f"n{n}"))
                first.set()

    thread = threading.Thread(target=register)
    thread.start()
    first.wait()
    users.close()
    thread.join()
    with pp.UserStore(users.path) as again:
        tokens = tokens[:5]
        assert [again.finish_registration(token, PASSWORD) for token in tokens] == [f"n{n}" for n in range(len(tokens))]


WORKER = """
import sys
import pixelplay as pp

path, own, hash = sys.argv[1:]
with pp.UserStore(path) as users:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        users.import_account("same", hash)
        print("won")
    except pp.NameTaken:
        print("lost")
    for n in range(40):
        users.add_favourite("ana", f"{own}-{n}")
"""


def test_two_processes(users: pp.UserStore) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, users.path, own, BCRYPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for own in ("one", "two")
    ]
    try:
        for child in children:
            assert child.stdout is not None and child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        told = [child.communicate(timeout=120)[0].strip() for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert sorted(told) == ["lost", "won"] and [child.returncode for child in children] == [0, 0]
    assert set(users.favourites("ana")) == {f"{own}-{n}" for own in ("one", "two") for n in range(40)}
    users.verify()


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on Unix")
@pytest.mark.parametrize("work", ["add_favourite('ana', 'song')", "log_in('ana', 'x')"])
def test_ctrl_c_while_another_program_locks_the_file(work: str, tmp_path: Path) -> None:
    path = tmp_path / "users.db"
    with pp.UserStore(path) as users:
        users.import_account("ana", BCRYPT)
    program = f"""
import signal, sys
import pixelplay as pp

signal.signal(signal.SIGINT, signal.default_int_handler)
users = pp.UserStore({str(path)!r})
print("opened", flush=True)
sys.stdin.readline()
try:
    print("started", flush=True)
    users.{work}
except KeyboardInterrupt:
    sys.exit(77)
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdin is not None and child.stdout is not None and child.stdout.readline() == b"opened\n"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            child.stdin.write(b"go\n")
            child.stdin.flush()
            assert child.stdout.readline() == b"started\n"
            time.sleep(0.3)  # the child is waiting by now, and would wait for a minute
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=30)
        assert child.returncode == 77
    finally:
        child.kill()
        child.wait()
    with pp.UserStore(path) as users:
        assert users.favourites("ana") == [] and users.sessions("ana") == []


def test_what_the_system_refuses(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        pp.UserStore(tmp_path / "missing" / "users.db")
    assert isinstance(missing.value, pp.UserError) and missing.value.errno == errno.ENOENT
    assert missing.value.filename == str(tmp_path / "missing" / "users.db")
    again = pickle.loads(pickle.dumps(missing.value))
    assert type(again) is type(missing.value) and str(again) == str(missing.value)
    with pytest.raises(IsADirectoryError):
        pp.UserStore(tmp_path)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="the platform cannot change the user")
def test_a_folder_that_may_not_be_written() -> None:
    program = """
import errno, os, pathlib, sys  # imported before the user changes
import pixelplay as pp

if os.geteuid() == 0:
    os.seteuid(65534)  # the user nobody, since root can write everywhere
try:
    pp.UserStore(sys.argv[1])
except PermissionError as error:
    assert isinstance(error, pp.UserError) and error.errno == errno.EACCES and error.filename == sys.argv[1]
    assert "files next to it" in str(error)
    sys.exit(77)
"""
    # Not pytest's folder, which only its owner can enter.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        done = subprocess.run([sys.executable, "-c", program, str(Path(folder, "users.db"))])
        assert done.returncode == 77
        Path(folder).chmod(0o700)


def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this user cannot mount a small disk")
    try:
        with pp.UserStore(disk / "users.db") as users:
            users.import_account("ana", BCRYPT)
            filler = disk / "filler"
            with pytest.raises(OSError), filler.open("wb") as file:
                while True:
                    file.write(b"x" * 4096)
                    file.flush()
            with pytest.raises(OSError, match="nothing was changed") as caught:
                for n in range(1000):
                    users.add_favourite("ana", f"song-{n}")
            assert isinstance(caught.value, pp.UserError) and caught.value.errno == errno.ENOSPC
            assert caught.value.filename == str(disk / "users.db")
            assert len(users.favourites("ana")) == n
            filler.unlink()
            users.add_favourite("ana", "after all")
            assert "after all" in users.favourites("ana")
            users.verify()
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize("content", [b"no store at all " * 100, b"SQLite format 3\0" + b"x" * 4000])
def test_foreign_files_stay_as_they_are(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "users.db"
    path.write_bytes(content)
    with pytest.raises(pp.UserError) as caught:
        pp.UserStore(path)
    assert type(caught.value) is pp.UserError and path.read_bytes() == content


def test_later_versions_and_damage(users: pp.UserStore) -> None:
    path = users.path
    for n in range(200):
        users.import_account(f"user{n}", BCRYPT)
    users.close()
    content = bytearray(path.read_bytes())
    page = content.find(b"user77") // 4096 * 4096
    content[page : page + 8] = b"\xff" * 8
    path.write_bytes(content)
    with pp.UserStore(path) as damaged, pytest.raises(pp.UserError, match="damaged") as caught:
        damaged.verify()
    assert type(caught.value) is pp.UserError
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(pp.UserError, match="update PixelPlay"):
        pp.UserStore(path)
