"""Raises every class of error, and checks that system errors are Python's."""

import contextlib
import copy
import errno
import itertools
import os
import pickle
import shutil
import threading
from datetime import timedelta
from pathlib import Path

import pixelplay as pp
import pytest
from conftest import REPOSITORY, SAMPLES, unit_vectors


def reach(name: str, enc: pp.Encoder, songs: pp.SongIndex, tmp: Path) -> None:
    """Raises the error with that name."""
    if name == "EncodeError":
        enc.encode_image(b"no picture")
    elif name == "SongIndexError":
        (tmp / "bad.arrow").write_bytes(b"no index")
        pp.SongIndex.open(tmp / "bad.arrow")
    elif name == "CatalogError":
        pp.clean(b"")
    elif name == "EnrichError":
        (tmp / "bad.db").write_bytes(b"no cache, but some text")
        pp.enrich(songs, tmp / "out.arrow", cache=tmp / "bad.db", max_requests=0)
    elif name == "EmbeddingError":
        songs.search([1.0, 0.0])
    elif name == "FilterError":
        pp.Filter.parse("energy >")
    elif name == "QueryError":
        pp.HybridQuery().search(songs)
    elif name == "SongError":
        pp.write_index(tmp / "x.arrow", ["a", "a"], [[1.0], [1.0]])
    elif name == "UnknownSong":
        songs.song("nobody")
    elif name == "UserError":
        (tmp / "bad.db").write_bytes(b"no store")
        pp.UserStore(tmp / "bad.db")
    else:
        reach_by_user(name, tmp / "users.db")


def reach_by_user(name: str, path: Path) -> None:
    password = "correct horse battery"
    impatient = timedelta(0) if name == "Overloaded" else None
    users = pp.UserStore(path, hidden_names=name == "NamesAreHidden", concurrent_hashes=1, queue_timeout=impatient)
    if name == "InvalidCredentials":
        users.log_in("nobody", password)
    elif name == "Throttled":
        for _ in range(10):
            users.start_password_reset("nobody")
    elif name == "Overloaded":
        over = threading.Event()

        def others() -> None:
            for n in itertools.takewhile(lambda _: not over.is_set(), itertools.count()):
                with contextlib.suppress(pp.Overloaded):
                    users.register(f"other{n}", password)

        thread = threading.Thread(target=others)
        thread.start()
        try:
            for n in range(1000):
                users.register(f"ana{n}", password)
        finally:
            over.set()
            thread.join()
    elif name == "InvalidSession":
        users.resume("no token")
    elif name == "InvalidToken":
        users.finish_registration("no token", password)
    elif name == "NameTaken":
        for user in ("paypal", "paypaI"):
            users.import_account(user, "$2b$04$7QVOwxVVGALotJH4pnzqdOzyZhba6AzK7LoOIfbqf2qA1UXe0DtbK")
    elif name == "ExternalIdTaken":
        for user in ("ana", "ben"):
            users.register_external(user, "7")
    elif name == "AccountDisabled":
        users.register_external("ana", "7")
        users.disable("ana")
        users.log_in_external("7")
    elif name == "UnknownUser":
        users.account("nobody")
    elif name == "NamesAreHidden":
        users.register("ana", password)
    elif name == "BadUserName":
        users.register("two words", password)
    elif name == "BadPassword":
        users.register("ana", "short")


KINDS = {
    "EncodeError": pp.PixelPlayError,
    "SongIndexError": pp.PixelPlayError,
    "CatalogError": pp.PixelPlayError,
    "EnrichError": pp.CatalogError,
    "EmbeddingError": ValueError,
    "FilterError": (pp.SongIndexError, ValueError),
    "QueryError": ValueError,
    "SongError": (pp.SongIndexError, ValueError),
    "UnknownSong": (pp.SongIndexError, KeyError),
    "UserError": pp.PixelPlayError,
    "InvalidCredentials": pp.UserError,
    "Throttled": pp.UserError,
    "ExternalIdTaken": pp.UserError,
    "AccountDisabled": pp.UserError,
    "Overloaded": pp.UserError,
    "InvalidSession": pp.UserError,
    "InvalidToken": pp.UserError,
    "NameTaken": pp.UserError,
    "UnknownUser": pp.UserError,
    "NamesAreHidden": pp.UserError,
    "BadUserName": (pp.UserError, ValueError),
    "BadPassword": (pp.UserError, ValueError),
}


def test_no_class_is_forgotten() -> None:
    classes = {name for name in pp.__all__ if isinstance(getattr(pp, name), type)}
    errors = {name for name in classes if issubclass(getattr(pp, name), Exception)}
    assert errors == KINDS.keys() | {"PixelPlayError"}


@pytest.mark.parametrize("name", KINDS)
def test_every_class_is_reached(name: str, enc: pp.Encoder, songs: pp.SongIndex, tmp_path: Path) -> None:
    with pytest.raises(pp.PixelPlayError) as caught:
        reach(name, enc, songs, tmp_path)
    error = caught.value
    assert type(error) is getattr(pp, name) and type(error).__module__ == "pixelplay"
    kinds = KINDS[name]
    assert all(isinstance(error, kind) for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
    assert str(error) and not str(error).startswith(("'", '"'))
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)


@pytest.mark.parametrize(
    ("domain", "call"),
    [
        (pp.EncodeError, lambda enc, path: enc.encode_image(path)),
        (pp.EncodeError, lambda enc, path: enc.encode_images([SAMPLES[0], path])),
        (pp.EncodeError, lambda enc, path: pp.Encoder(path)),
        (pp.SongIndexError, lambda enc, path: pp.SongIndex.open(path)),
        (pp.SongIndexError, lambda enc, path: pp.SongIndex.open(path, mmap=False)),
        (pp.CatalogError, lambda enc, path: pp.clean(path)),
        (pp.CatalogError, lambda enc, path: pp.build_index(path, path.with_name("out.arrow"), encoder=enc)),
        (pp.SongIndexError, lambda enc, path: pp.write_index(path / "x.arrow", ["a"], [[1.0]])),
    ],
)
def test_a_missing_file_is_a_file_not_found(domain: type, call: object, enc: pp.Encoder, tmp_path: Path) -> None:
    path = tmp_path / "missing"
    with pytest.raises(FileNotFoundError) as caught:
        call(enc, path)  # type: ignore[operator]
    error = caught.value
    assert isinstance(error, domain) and error.errno == errno.ENOENT
    assert error.filename is not None and error.filename.startswith(str(path))
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error) and (again.errno, again.filename) == (error.errno, error.filename)
        assert str(again) == str(error)


def test_folders_and_permissions(enc: pp.Encoder, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        enc.encode_image(tmp_path)
    with pytest.raises(IsADirectoryError):
        pp.clean(tmp_path)
    with pytest.raises(NotADirectoryError):
        pp.SongIndex.open(SAMPLES[0] / "songs.arrow")
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o500)
    if os.access(closed, os.W_OK):
        pytest.skip("this user can write everywhere")
    with pytest.raises(PermissionError) as caught:
        pp.write_index(closed / "songs.arrow", ["a"], [[1.0]])
    assert isinstance(caught.value, pp.SongIndexError)


def test_a_full_disk(tmp_path: Path) -> None:
    """Simulates a full disk by limiting the file size: the write fails halfway and leaves nothing behind."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "songs.arrow"
    pp.write_index(path, ["a"], [[1.0]])
    before = path.read_bytes()
    vectors = unit_vectors(5000, 64)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, limits[1]))
    try:
        with pytest.raises(OSError) as caught:
            pp.write_index(path, [str(row) for row in range(5000)], vectors)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert isinstance(caught.value, pp.SongIndexError) and caught.value.errno == errno.EFBIG
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_checkpoint_that_lacks_a_file(tmp_path: Path) -> None:
    checkpoint = tmp_path / "mini"
    shutil.copytree(REPOSITORY / "models" / "pixelplay-mini", checkpoint)
    assert pp.Encoder(checkpoint).fingerprint == pp.Encoder().fingerprint
    (checkpoint / "open_clip_config.json").unlink()
    with pytest.raises(FileNotFoundError) as caught:
        pp.Encoder(checkpoint)
    assert isinstance(caught.value, pp.EncodeError)
    assert caught.value.filename == str(checkpoint / "config.json")


def test_the_hub_is_not_asked_where_it_may_not_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(pp.EncodeError, match="not in the cache"):
        pp.Encoder.from_hub("openai/clip-vit-base-patch32")
    with pytest.raises(pp.EncodeError, match="repository"):
        pp.Encoder.from_hub("../../etc/passwd")


def test_a_damaged_index(songs: pp.SongIndex, tmp_path: Path) -> None:
    content = bytearray(songs.path.read_bytes())
    path = tmp_path / "songs.arrow"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(pp.SongIndexError, match="complete"):
        pp.SongIndex.open(path)
    at = content.find(songs.vectors.tobytes())
    content[at + 1] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(pp.SongIndexError, match="damaged"):
        pp.SongIndex.open(path).verify()
    songs.verify()


def test_an_index_of_another_encoder(songs: pp.SongIndex) -> None:
    with pytest.raises(pp.EmbeddingError, match="different encoders"):
        songs.search(pp.Embedding([1.0] + [0.0] * 511, "another"))
