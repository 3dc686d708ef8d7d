"""PixelPlay turns a picture into music: CLIP embeddings and exact vector search over songs.

>>> import pixelplay as pp
>>> enc = pp.Encoder()  # the embedded checkpoint: no files, no network
>>> index = pp.starter_index(enc)  # the embedded catalogue
>>> hits = index.search(enc.encode_text("rainy night drive"), k=3)
>>> len(hits)
3
"""

from collections.abc import Mapping as _Mapping
from collections.abc import Sequence as _Sequence

from ._errors import (
    BadPassword,
    BadUserName,
    CatalogError,
    EmbeddingError,
    EncodeError,
    EnrichError,
    FilterError,
    InvalidCredentials,
    InvalidSession,
    InvalidToken,
    NamesAreHidden,
    NameTaken,
    Overloaded,
    PixelPlayError,
    QueryError,
    SongError,
    SongIndexError,
    Throttled,
    UnknownSong,
    UnknownUser,
    UserError,
)
from ._native import (
    Account,
    ArrowTable,
    Column,
    Embedding,
    Embeddings,
    Encoder,
    Filter,
    HashParams,
    Hits,
    HybridQuery,
    Listen,
    Mood,
    NewSession,
    Report,
    Sentence,
    Session,
    Song,
    SongHit,
    SongIndex,
    UserStore,
    __version__,
    build_index,
    clean,
    col,
    correct_hubness,
    describe,
    enrich,
    radar_svg,
    starter_index,
    templates,
    why,
    write_index,
)

_Mapping.register(Mood)
_Mapping.register(Report)
_Mapping.register(Song)
# Hits is not registered: polars reads a registered sequence as rows of cells before it tries the Arrow interface.
_Sequence.register(Embeddings)

for _error in (
    BadPassword,
    BadUserName,
    CatalogError,
    EmbeddingError,
    EncodeError,
    EnrichError,
    FilterError,
    InvalidCredentials,
    InvalidSession,
    InvalidToken,
    NamesAreHidden,
    NameTaken,
    Overloaded,
    PixelPlayError,
    QueryError,
    SongError,
    SongIndexError,
    Throttled,
    UnknownSong,
    UnknownUser,
    UserError,
):
    # Users import them from this module, so tracebacks show its name.
    _error.__module__ = __name__
del _error

__all__ = [
    "Account",
    "ArrowTable",
    "BadPassword",
    "BadUserName",
    "CatalogError",
    "Column",
    "Embedding",
    "EmbeddingError",
    "Embeddings",
    "EncodeError",
    "Encoder",
    "EnrichError",
    "Filter",
    "FilterError",
    "HashParams",
    "Hits",
    "HybridQuery",
    "InvalidCredentials",
    "InvalidSession",
    "InvalidToken",
    "Listen",
    "Mood",
    "NameTaken",
    "NamesAreHidden",
    "NewSession",
    "Overloaded",
    "PixelPlayError",
    "QueryError",
    "Report",
    "Sentence",
    "Session",
    "Song",
    "SongError",
    "SongHit",
    "SongIndex",
    "SongIndexError",
    "Throttled",
    "UnknownSong",
    "UnknownUser",
    "UserError",
    "UserStore",
    "__version__",
    "build_index",
    "clean",
    "col",
    "correct_hubness",
    "describe",
    "enrich",
    "radar_svg",
    "starter_index",
    "templates",
    "why",
    "write_index",
]
