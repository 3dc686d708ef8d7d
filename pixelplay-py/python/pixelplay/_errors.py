"""The exceptions. Defined here and not in Rust, so that they can be kinds of Python's own as well."""

from __future__ import annotations

import os


class PixelPlayError(Exception):
    """Whatever pixelplay raises for a reason of its own.

    Files that cannot be read or written raise one of its subclasses that is also the fitting kind of ``OSError``, with
    ``errno`` and ``filename``: a missing index is a ``SongIndexError`` and a ``FileNotFoundError``.
    """


class EncodeError(PixelPlayError):
    """A checkpoint cannot be opened or downloaded, or a picture or text cannot be encoded."""


class SongIndexError(PixelPlayError):
    """An index cannot be written, opened or searched: damaged, foreign, of a later version, ..."""


class CatalogError(PixelPlayError):
    """A table of songs cannot be read, or no index can be made of it."""


class EnrichError(CatalogError):
    """Songs cannot be looked up: the provider fails, or the cache cannot be used. What was found by then is in the cache."""


class EmbeddingError(PixelPlayError, ValueError):
    """A vector is no embedding (NaN, zeros, not of length 1), or does not fit the index: dimension or encoder."""


class FilterError(SongIndexError, ValueError):
    """A filter cannot be read, or does not fit the columns of the index, which the message lists."""


class QueryError(PixelPlayError, ValueError):
    """A blended query that cannot be answered: empty, weights out of range, parts that cancel each other out."""


class SongError(SongIndexError, ValueError):
    """A song or its vector cannot be written; the message says which row it is and why."""


class UnknownSong(SongIndexError, KeyError):
    """The index has no song with this id."""

    # KeyError shows its argument quoted, as it is mostly a key; here it is a sentence.
    __str__ = Exception.__str__


class UserError(PixelPlayError):
    """The user store refuses, or its file cannot be opened, read or written. No message holds a password or a name."""


class InvalidCredentials(UserError):
    """The name and the password are not those of one account. Which of them is wrong is not told."""


class Throttled(UserError):
    """Too many attempts failed. It says nothing about whether there is such an account."""

    retry_after: float = 0.0
    """Seconds until the next attempt is looked at."""


class Overloaded(UserError):
    """More log-ins wait for their turn than can be served in time."""

    retry_after: float = 0.0
    """Seconds after which a turn is likely."""


class InvalidSession(UserError):
    """The session token is unknown, or its session has ended."""


class InvalidToken(UserError):
    """The single-use token is unknown, used or expired."""


class NameTaken(UserError):
    """Another account has this name, or one that looks the same."""


class UnknownUser(UserError):
    """No account has this name."""


class NamesAreHidden(UserError):
    """With ``hidden_names``, what would tell whether a name is taken is refused."""


class BadUserName(UserError, ValueError):
    """A text that cannot be a user name; the message says why."""


class BadPassword(UserError, ValueError):
    """A password that cannot be taken; the message says why."""


_BOTH: dict[tuple[type[PixelPlayError], type[Exception]], type[PixelPlayError]] = {}


def _both(domain: type[PixelPlayError], kind: type[Exception]) -> type[PixelPlayError]:
    """The one class that is a ``domain`` and a ``kind``."""
    if (domain, kind) not in _BOTH:
        members = {
            "__module__": domain.__module__,
            "__doc__": f"{domain.__name__} and {kind.__name__}.",
            "__reduce__": _reduce,
        }
        _BOTH[domain, kind] = type(domain.__name__, (domain, kind), members)
    return _BOTH[domain, kind]


def _reduce(self: Exception) -> tuple[object, tuple[object, ...]]:
    domain, kind = type(self).__bases__
    filename = (self.filename,) if isinstance(self, OSError) else ()
    return _remake, (domain, kind, self.args + filename)


def _remake(domain: type[PixelPlayError], kind: type[Exception], args: tuple[object, ...]) -> PixelPlayError:
    return _both(domain, kind)(*args)


def os_error(domain: type[PixelPlayError], number: int, context: str, filename: str) -> PixelPlayError:
    """What ``OSError(number, ...)`` would be, and ``domain`` too; ``context`` says what was tried."""
    kind = type(OSError(number, ""))
    return _both(domain, kind)(number, context + os.strerror(number), os.fspath(filename))


def value_error(domain: type[PixelPlayError], message: str) -> PixelPlayError:
    """An error of ``domain`` that is a ``ValueError``."""
    return _both(domain, ValueError)(message)
