"""The exceptions. They are defined in Python, not in Rust, so that they can also derive from Python's own."""

from __future__ import annotations

import os


class PixelPlayError(Exception):
    """The base class of all errors that pixelplay itself raises.

    For a file that cannot be read or written, the error is also the matching ``OSError``, with ``errno`` and
    ``filename``: a missing index raises a ``SongIndexError`` that is a ``FileNotFoundError`` as well.
    """


class EncodeError(PixelPlayError):
    """A checkpoint cannot be opened or downloaded, or a picture or text cannot be encoded."""


class SongIndexError(PixelPlayError):
    """An index cannot be written, opened or searched: it is damaged, in another format, from a later version, ..."""


class CatalogError(PixelPlayError):
    """A table of songs cannot be read, or no index can be built from it."""


class EnrichError(CatalogError):
    """Songs cannot be looked up: the provider or the cache fails. The answers so far are in the cache."""


class EmbeddingError(PixelPlayError, ValueError):
    """A vector is not an embedding (NaN, zeros, not of length 1), or does not fit the index (dimension or encoder)."""


class FilterError(SongIndexError, ValueError):
    """A filter cannot be parsed, or does not fit the columns of the index, which the message lists."""


class QueryError(PixelPlayError, ValueError):
    """A blended query cannot be answered: it is empty, weights are out of range, or parts cancel each other out."""


class SongError(SongIndexError, ValueError):
    """A song or its vector cannot be written; the message says which row it is and why."""


class UnknownSong(SongIndexError, KeyError):
    """The index has no song with this id."""

    # KeyError shows its argument in quotes, because it is usually a key; ours is a sentence.
    __str__ = Exception.__str__


class UserError(PixelPlayError):
    """The user store refuses a call, or its file cannot be opened, read or written.

    No message contains a password or a user name.
    """


class InvalidCredentials(UserError):
    """The user name or the password is wrong. The error does not reveal which."""


class Throttled(UserError):
    """Too many attempts failed, or too many requests were made. This does not reveal whether the account exists."""

    retry_after: float = 0.0
    """Seconds until the next attempt is accepted."""


class Overloaded(UserError):
    """More log-ins are waiting than can be served in time."""

    retry_after: float = 0.0
    """Seconds after which a retry is likely to succeed."""


class InvalidSession(UserError):
    """The session token is unknown, or its session has ended."""


class InvalidToken(UserError):
    """The single-use token is unknown, used or expired."""


class NameTaken(UserError):
    """Another account has this name, or one that looks the same."""


class UnknownUser(UserError):
    """No account has this name, or this external id."""


class AccountDisabled(UserError):
    """The password or the external id is right, but the account has been disabled."""


class ExternalIdTaken(UserError):
    """Another account has this external id."""


class NamesAreHidden(UserError):
    """The call would reveal whether a name is taken, so it is refused with ``hidden_names``."""


class BadUserName(UserError, ValueError):
    """A text cannot be a user name; the message says why."""


class BadPassword(UserError, ValueError):
    """A password cannot be used; the message says why."""


_BOTH: dict[tuple[type[PixelPlayError], type[Exception]], type[PixelPlayError]] = {}


def _both(domain: type[PixelPlayError], kind: type[Exception]) -> type[PixelPlayError]:
    """Returns the class that derives from ``domain`` and ``kind``; repeated calls return the same class."""
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
    """Returns the error that ``OSError(number, ...)`` creates, also as a ``domain``; ``context`` says what failed."""
    kind = type(OSError(number, ""))
    return _both(domain, kind)(number, context + os.strerror(number), os.fspath(filename))


def value_error(domain: type[PixelPlayError], message: str) -> PixelPlayError:
    """Returns an error of ``domain`` that is also a ``ValueError``."""
    return _both(domain, ValueError)(message)
