"""The native half of pixelplay; import from ``pixelplay`` itself."""

import datetime
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NoReturn, Protocol, SupportsIndex, TypeAlias, final, overload

import numpy as np
import numpy.typing as npt

__version__: Final[str]

class _BinaryFile(Protocol):
    def read(self) -> bytes: ...

class _HasArray(Protocol):
    @property
    def __array_interface__(self) -> dict[str, Any]: ...

class _ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

class _FrameWithCsv(Protocol):
    def to_csv(self, *, index: bool) -> str: ...

_Path: TypeAlias = str | os.PathLike[str]
# Pillow's images have `__array_interface__` too.
_Image: TypeAlias = _Path | bytes | bytearray | memoryview | _BinaryFile | _HasArray
_Table: TypeAlias = _Path | bytes | _BinaryFile | _ArrowStream | _FrameWithCsv
_Vector: TypeAlias = Embedding | _HasArray | Sequence[float]
_Vectors: TypeAlias = Embeddings | Sequence[Embedding] | _HasArray | Sequence[Sequence[float]]
_Cell: TypeAlias = str | int | float | bool | np.generic
_Progress: TypeAlias = bool | Callable[[str, int, int | None], object] | None

@final
class Embedding:
    """A point on the unit sphere, and the space it lives in.

    ``np.asarray`` of it is a read-only ``(dim,)`` float32 array that shares its memory. It can be pickled.

    Takes a vector of length 1 (within 1e-3), or scales it with ``normalize=True``.

    Raises ``EmbeddingError`` (a ``ValueError``) for NaN, infinities, zeros or another length, ``TypeError`` for
    what holds no real numbers.
    """

    def __new__(
        cls, values: _HasArray | Sequence[float], fingerprint: str | None = None, *, normalize: bool = False
    ) -> Embedding: ...
    @property
    def dim(self) -> int:
        """The number of dimensions."""
    @property
    def fingerprint(self) -> str | None:
        """The name of the space; vectors of different spaces cannot be compared. ``None`` where it is not known."""
    def dot(self, other: _Vector) -> float:
        """The cosine of the angle to another embedding, -1 to 1, summed in float64."""
    @property
    def __array_interface__(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    def __copy__(self) -> Embedding: ...
    def __deepcopy__(self, _memo: object) -> Embedding: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Embeddings:
    """Embeddings of one space, a sequence of ``Embedding``; ``np.asarray`` gives ``(n, dim)`` float32, read-only."""

    @property
    def dim(self) -> int:
        """The number of dimensions."""
    @property
    def fingerprint(self) -> str | None:
        """The name of the space."""
    @property
    def __array_interface__(self) -> dict[str, Any]: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, at: SupportsIndex, /) -> Embedding: ...
    @overload
    def __getitem__(self, at: slice, /) -> Embeddings: ...
    def __iter__(self) -> Iterator[Embedding]: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    @staticmethod
    def _from(items: Sequence[Embedding], dim: int, fingerprint: str | None) -> Embeddings: ...

@final
class Encoder:
    """Turns pictures and texts into embeddings of one space, with any Hugging Face ``CLIPModel``.

    Towers load when first used, so that a picture never pays for the text tower. Calls may run in several threads; they
    release the GIL. It cannot be pickled: open it in each process.

    Opens a ``CLIPModel`` directory, one of OpenCLIP's whose vision tower is an EfficientNet-Lite, or without a path the
    embedded checkpoint pixelplay-mini.

    ``threads`` is how many compute, all cores where it is ``None``; the vectors are the same bits with any number.
    ``precision`` is ``"f32"``, or ``"int8"``, which takes a quarter of the memory, is faster on processors with AVX-512
    VNNI, and gives vectors that stray a little in the same space.

    Raises ``EncodeError``; where a file is missing or cannot be read it is also the ``OSError`` that says so.
    """

    def __new__(
        cls, path: _Path | None = None, *, threads: int | None = None, precision: Literal["f32", "int8"] = "f32"
    ) -> Encoder: ...
    @classmethod
    def from_hub(
        cls,
        repo: str,
        revision: str | None = None,
        *,
        progress: _Progress = None,
        threads: int | None = None,
        precision: Literal["f32", "int8"] = "f32",
    ) -> Encoder:
        """Opens a checkpoint of the Hugging Face Hub, from the cache that all its clients share or by downloading it.

        ``HF_HOME``, ``HF_TOKEN``, ``HF_HUB_OFFLINE`` and ``HF_ENDPOINT`` mean what they mean to ``huggingface_hub``.
        ``revision`` is a branch, tag, commit or ``refs/pr/NUMBER``.
        """
    @property
    def dim(self) -> int:
        """The number of dimensions of its embeddings."""
    @property
    def fingerprint(self) -> str:
        """The name of its space: a hash of weights, configuration, pre-processing and tokenizer."""
    @property
    def name(self) -> str:
        """The name of the directory, or ``repo@commit``."""
    def encode_image(self, image: _Image) -> Embedding:
        """Encodes one picture.

        A picture is a path, the bytes of a JPEG, PNG, WebP, GIF, TIFF or BMP file, a binary file object, a Pillow image,
        or a uint8 array of shape ``(height, width, 3)``, ``(height, width, 4)`` or ``(height, width)`` in any memory
        layout. Files and Pillow images are turned upright by EXIF; what is transparent is laid on white.

        Raises ``EncodeError`` (and ``FileNotFoundError``, ... for a path), ``TypeError`` for another dtype or kind of
        object, ``ValueError`` for another shape.
        """
    def encode_images(self, images: Iterable[_Image], batch_size: int = 32, progress: _Progress = None) -> Embeddings:
        """Encodes pictures, in their order; files are read and decoded a batch at a time, on all cores.

        ``progress`` is ``True`` for a bar (tqdm where it is installed), or a callable of ``(stage, done, total)``; an
        exception raised in it stops the work. The error of a picture says which one it was.
        """
    def encode_text(self, text: str) -> Embedding:
        """Encodes one text, of which the first 77 tokens count."""
    def encode_texts(self, texts: Iterable[str], batch_size: int = 32, progress: _Progress = None) -> Embeddings:
        """Encodes texts, in their order; equal texts are encoded once."""
    def mood(self, image: _Image | Embedding) -> Mood:
        """Estimates energy, valence, danceability and acousticness of a picture, 0 to 1 each, and the words that decided.

        Zero-shot, by the picture's likeness to opposite sentences; the first call encodes those.
        """

@final
class Mood:
    """The mood of a picture: a mapping from ``energy``, ``valence``, ``danceability``, ``acousticness`` to 0-1."""

    @property
    def words(self) -> list[str]:
        """The words that decided most, the strongest first."""
    def radar(self, *, width: int = 360) -> str:
        """The mood as an SVG chart; see ``radar_svg``."""
    def __getitem__(self, axis: str, /) -> float: ...
    def get(self, axis: str, default: Any = None) -> Any:
        """The value on an axis, or ``default`` where the mood has no such axis."""
    def keys(self) -> list[str]:
        """The axes."""
    def values(self) -> list[float]:
        """The values, in the order of the axes."""
    def items(self) -> list[tuple[str, float]]:
        """Axes with their values."""
    def __contains__(self, axis: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Sentence:
    """A sentence that a song is described by; ``str`` of it is the sentence itself."""

    @property
    def text(self) -> str:
        """The sentence: something a photograph could be captioned with."""

    @property
    def source(self) -> str:
        """What it was made from: ``"genre"``, ``"mood"``, ``"trait"``, ``"description"``, ``"title"``, ``"tags"`` or
        ``"lyrics"``.
        """

    @property
    def source_words(self) -> str:
        """The source in words: ``"its title"``."""

    @property
    def score(self) -> float | None:
        """How well it fits the query of ``why``, a cosine; ``None`` where nothing was asked."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Song:
    """What an index knows of a song: a mapping from column to cell, ``None`` where nothing is known.

    Columns that PixelPlay does not know are there as text, and only where the song has something in them: use ``get``.

    Audio features are as Spotify defines them, 0 to 1; ``tempo`` is in beats a minute, ``loudness`` in dB,
    ``duration_ms`` in milliseconds.
    """

    @property
    def id(self) -> str:
        """The name of the song in its index."""
    @property
    def words(self) -> list[str]:
        """At most three words for its mood, from its features."""
    def radar(self, *, width: int = 360) -> str:
        """Its features as an SVG chart; see ``radar_svg``."""
    def __getitem__(self, column: str, /) -> Any: ...
    def get(self, column: str, default: Any = None) -> Any:
        """The cell in a column, or ``default`` where the song has no such column."""
    def keys(self) -> list[str]:
        """``id``, every known column, and those beside them in which the song has something."""
    def values(self) -> list[Any]:
        """The cells, in the order of the columns."""
    def items(self) -> list[tuple[str, Any]]:
        """Columns with their cells."""
    def __contains__(self, column: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class SongHit:
    """A song found by a search."""

    @property
    def row(self) -> int:
        """Its row in the index."""
    @property
    def id(self) -> str:
        """Its id."""
    @property
    def score(self) -> float:
        """The cosine between its vector and the query: greater is closer."""
    @property
    def corrected_score(self) -> float:
        """What songs are ranked by: the score less the hubness correction that was asked for."""
    @property
    def match_percent(self) -> float:
        """How well it matches compared with the rest of the catalogue, 0 to 100; 50 is the average song."""
    @property
    def song(self) -> Song:
        """All that is known of it, read from the index."""

@final
class Hits:
    """Ranked songs, best first: a sequence of ``SongHit``, shown as a table in notebooks."""

    @property
    def ids(self) -> list[str]:
        """The ids, in order."""
    @property
    def scores(self) -> list[float]:
        """The cosines, in order."""
    def to_arrow(self) -> ArrowTable:
        """The hits with ``score``, ``match_percent`` and the columns of their index."""
    def to_pandas(self) -> Any:
        """The same as a ``pandas.DataFrame``; needs pandas."""
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, at: SupportsIndex, /) -> SongHit: ...
    @overload
    def __getitem__(self, at: slice, /) -> Hits: ...
    def __iter__(self) -> Iterator[SongHit]: ...
    def _repr_html_(self) -> str: ...

@final
class ArrowTable:
    """A table of songs in Arrow's memory layout.

    ``pyarrow.table(t)``, ``polars.DataFrame(t)`` and others take it without a copy; pyarrow is not needed for the rest.
    """

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
    @property
    def num_columns(self) -> int:
        """How many columns there are."""
    @property
    def column_names(self) -> list[str]:
        """The columns, in order."""
    def to_pydict(self) -> dict[str, list[Any]]:
        """A list of cells for each column; vectors as arrays of shape ``(dim,)``."""
    def to_pylist(self) -> list[dict[str, Any]]:
        """A dict for each row."""
    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame``; needs pandas."""
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __len__(self) -> int: ...

@final
class Report:
    """What was done to a table. ``str()`` of it is for people; it is also a mapping, with numbers, for programs."""

    def __getitem__(self, name: str, /) -> Any: ...
    def keys(self) -> list[str]:
        """The names of its fields."""
    def to_dict(self) -> dict[str, Any]:
        """A copy of all fields."""
    def __contains__(self, name: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...

@final
class Column:
    """A column in a filter; made by ``col``. Compare it with text, numbers or bools."""

    @property
    def name(self) -> str:
        """The name of the column."""
    def __eq__(self, other: _Cell, /) -> Filter: ...  # type: ignore[override]
    def __ne__(self, other: _Cell, /) -> Filter: ...  # type: ignore[override]
    def __lt__(self, other: _Cell, /) -> Filter: ...
    def __le__(self, other: _Cell, /) -> Filter: ...
    def __gt__(self, other: _Cell, /) -> Filter: ...
    def __ge__(self, other: _Cell, /) -> Filter: ...
    __hash__: None  # type: ignore[assignment]
    def between(self, low: _Cell, high: _Cell) -> Filter:
        """At least ``low`` and at most ``high``."""
    def is_in(self, values: Iterable[_Cell]) -> Filter:
        """Equal to one of the values."""
    def is_null(self) -> Filter:
        """Not known. Nothing else holds of a cell that is not known, and neither does its opposite."""
    def __bool__(self) -> bool: ...

@final
class Filter:
    """A condition on the columns of songs; combine with ``&``, ``|`` and ``~``. It can be pickled."""

    @staticmethod
    def parse(text: str) -> Filter:
        """Reads ``energy >= 0.5 and genre in (pop, 'hip hop') and not year < 1990``.

        Raises ``FilterError`` (a ``ValueError``) that says where the mistake is.
        """
    def __and__(self, other: Filter, /) -> Filter: ...
    def __rand__(self, other: Filter, /) -> Filter: ...
    def __or__(self, other: Filter, /) -> Filter: ...
    def __ror__(self, other: Filter, /) -> Filter: ...
    def __invert__(self) -> Filter: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    def __bool__(self) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class SongIndex:
    """Songs and their unit vectors, in a file or a folder of files. Searches are exact and take no lock.

    It cannot be pickled: open it in each process; the memory is shared where it is mapped.
    """

    @staticmethod
    def open(path: _Path, mmap: bool = True) -> SongIndex:
        """Opens an index, by mapping it or by reading it into memory.

        While it is mapped, no other program may truncate the file or write into it; replacing it by renaming another one
        over it, which is all that pixelplay does, is fine. Opening checks the structure, ``verify`` every byte.

        Raises ``SongIndexError``; also ``FileNotFoundError``, ``PermissionError``, ... where the file cannot be read.
        """
    @property
    def dim(self) -> int:
        """The length of the vectors."""
    @property
    def fingerprint(self) -> str | None:
        """The space of the vectors, where the file names it."""
    @property
    def recipe(self) -> str | None:
        """How the songs were described, as JSON: version, templates, and how much titles, tags and lyrics count. ``None``
        where the vectors were not made from descriptions, or by a version that did not write it down.
        """

    @property
    def path(self) -> pathlib.Path:
        """The file or folder that was opened."""
    @property
    def columns(self) -> list[str]:
        """The columns beside ``id`` and the vector."""
    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """The ids by row: ``(n,)`` texts, read-only, so that ``index.ids[rows]`` works. Made when first asked for."""
    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """All vectors, ``(n, dim)``, read-only, as they lie in the file: no copy. The array keeps the map alive.

        Raises ``ValueError`` where the file has several batches; see ``vector_chunks``.
        """
    @property
    def query_bank(self) -> str | None:
        """Names the queries that the songs' biases are from, where ``correct_hubness`` has written them."""
    @property
    def vector_chunks(self) -> list[npt.NDArray[np.float32]]:
        """The vectors of each batch, ``(rows, dim)``, in the same way."""
    def song(self, id: str) -> Song:
        """All that is known of a song. Raises ``UnknownSong`` (a ``KeyError``)."""
    def embedding(self, id: str) -> Embedding:
        """The vector of a song. Raises ``UnknownSong`` (a ``KeyError``)."""
    def search(
        self,
        query: _Vector,
        k: int = 10,
        where: Filter | str | None = None,
        *,
        exclude: Iterable[str] | None = None,
        min_score: float | None = None,
        hubness_correction: float = 0.0,
        threads: int | None = None,
    ) -> Hits:
        """The ``k`` songs with the greatest cosine, best first, exact: ids and scores of a float64 brute force.

        ``where`` limits it to songs that fulfil a filter, ``exclude`` leaves songs out, ``min_score`` is the least cosine, or
        corrected score.
        ``hubness_correction``, 0 to 1, is the share of each song's bias that is subtracted before songs are ranked; see
        ``correct_hubness``. Costs one pass over the vectors.

        Raises ``EmbeddingError`` for a query that does not fit, ``FilterError`` with the columns there are.
        """
    def hubness(
        self, queries: _Vectors, k: int = 50, where: Filter | str | None = None, *, hubness_correction: float = 0.0
    ) -> Report:
        """How evenly the queries use the catalogue: how many songs are among the ``k`` of any of them, how unequally often
        songs are shown (skewness and Gini coefficient, 0 where all are alike), and the songs shown most often.
        """
    def search_many(
        self,
        queries: _Vectors,
        k: int = 10,
        where: Filter | str | None = None,
        *,
        exclude: Iterable[str] | None = None,
        min_score: float | None = None,
        hubness_correction: float = 0.0,
        threads: int | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """``search`` for several queries, in one pass: rows and scores, each of shape ``(queries, min(k, len(index)))``.

        Rows count through ``ids``. Where a filter leaves fewer songs, the rest is -1 and NaN.
        """
    def similar(
        self,
        id: str,
        k: int = 10,
        by: Literal["description", "audio"] = "description",
        where: Filter | str | None = None,
        *,
        exclude: Iterable[str] | None = None,
        min_score: float | None = None,
        hubness_correction: float = 0.0,
    ) -> Hits:
        """Songs like a song, itself left out: by their vectors, or by the cosine of standardised audio features.

        Raises ``UnknownSong`` (a ``KeyError``), ``SongIndexError`` for a song without audio features.
        """
    def to_arrow(self) -> ArrowTable:
        """The whole index as a table, ``embedding`` included, in the memory that it has."""
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def verify(self) -> None:
        """Compares every byte with the file's checksums. Raises ``SongIndexError`` at the first difference."""
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __contains__(self, id: object, /) -> bool: ...

@final
class HybridQuery:
    """A weighted blend of a picture, words and songs: one vector, one scan. Songs that it names are not found.

    ``(1 - text_weight) * image + text_weight * text``, or either alone.
    """

    def __new__(
        cls, image: _Vector | None = None, text: _Vector | None = None, text_weight: float = 0.3
    ) -> HybridQuery: ...
    def like(self, reference: str | _Vector, weight: float = 1.0) -> HybridQuery:
        """A query that is moved towards a song of the index, by its id, or towards an embedding."""
    def unlike(self, reference: str | _Vector, weight: float = 0.3) -> HybridQuery:
        """A query that is moved away from it."""
    def lean_towards(self, weights: Mapping[str, float], weight: float = 0.2) -> HybridQuery:
        """A query that leans towards what somebody likes: song ids with weights, as ``UserStore.taste`` gives them.

        Together they count ``weight``, however many there are. Ids that the index does not have are passed over, and the
        songs themselves may be found.
        """
    def blend(self, index: SongIndex) -> Embedding:
        """The vector that is searched. Raises ``QueryError`` (a ``ValueError``) where there is none."""
    def search(
        self,
        index: SongIndex,
        k: int = 10,
        where: Filter | str | None = None,
        *,
        max_per_artist: int | None = None,
        distinct_songs: bool = False,
        diversity: float = 0.0,
        min_score: float | None = None,
        hubness_correction: float = 0.0,
        threads: int | None = None,
    ) -> Hits:
        """Answers the query: best first, or with ``diversity`` towards 1 by maximal marginal relevance. ``distinct_songs``
        takes one recording of a song only: not its live recording or remix as well.

        Raises ``QueryError`` for weights out of range and parts that cancel each other out, otherwise as
        ``SongIndex.search``.
        """

def col(name: str) -> Column:
    """Names a column for a filter: ``(col("energy") >= 0.5) & col("genre").is_in(["pop", "rock"])``."""

def clean(
    songs: _Table,
    *,
    columns: dict[str, str] | None = None,
    delimiter: str | None = None,
    merge_recordings: bool = True,
    progress: _Progress = None,
) -> tuple[ArrowTable, Report]:
    """Reads a table of songs as people publish them: the songs, and what was kept, dropped and changed, with reasons.

    ``songs`` is the path of a CSV or TSV file (gzipped or not), its bytes, a binary file, or a table that speaks Arrow's
    PyCapsule interface (pandas, polars, pyarrow, ...), which is read as the CSV that it would be. ``columns`` says which
    header is which column where the names do not tell: ``{"title": "Werk"}``. With ``merge_recordings`` rows of one
    recording are one song although their ids differ: remasters, other editions, guests named elsewhere.

    Raises ``CatalogError`` where it is no table of songs; also ``FileNotFoundError``, ... for a path.
    """

def describe(song: Song | Mapping[str, object], templates: _Path | None = None) -> list[Sentence]:
    """Describes a song in sentences that a photograph could be captioned with: scenes and moods by its features, genre and
    decade (or the lines of its own ``description``), then its title, tags and lyrics. Each says what it was made from.

    ``song`` is a ``Song`` or a mapping from column to cell, with an ``id``, on which the choice among phrases depends.
    ``templates`` is the path of a TOML file of phrases to take in place of ours (``templates()`` is the text of those).
    """

def why(
    song: Song | Mapping[str, object],
    query: _Vector,
    encoder: Encoder | None = None,
    *,
    templates: _Path | None = None,
) -> list[Sentence]:
    """Why a song was found: its sentences, those that fit ``query`` best first, each with its cosine as ``score``.

    ``query`` is an ``Embedding`` of a picture or words, ``encoder`` what made it (without it, the embedded checkpoint).
    ``templates`` is the path of the TOML file of phrases that the index was built with, if it was one of your own.
    """

def templates() -> str:
    """The phrases that songs are described with, a TOML file that explains itself, to start one's own from."""

def build_index(
    songs: _Table,
    out: _Path,
    *,
    encoder: Encoder | None = None,
    describe: Callable[[Song], str | Iterable[str]] | _Path | None = None,
    titles: bool | float = True,
    tags: bool | float = True,
    lyrics: bool | float = True,
    batch_size: int = 32,
    batch_rows: int | None = None,
    columns: dict[str, str] | None = None,
    delimiter: str | None = None,
    merge_recordings: bool = True,
    progress: _Progress = None,
) -> tuple[Report, Report]:
    """Cleans a table, describes each song in words, encodes the words, and writes the index ``out``.

    Without ``encoder``, the embedded checkpoint. A song's own ``description`` stands in for sentences that would be made
    up, and ``describe`` makes them otherwise: a callable from ``Song`` to a sentence or several, or the path of a TOML file
    of phrases (see ``templates``).

    ``titles``, ``tags`` and ``lyrics`` say how much a song's own words count, beside its scenes and moods, which count 1
    together: ``True`` as we found best, ``False`` not at all, or a number. Titles are cleaned of guests and versions, a
    column ``title_en`` translates them, and what of them cannot be seen ("Untitled 4") counts little.

    A batch of the file has 16,384 rows unless ``batch_rows`` says otherwise; only an index of one batch has ``vectors``.
    Until all is written, whatever was at ``out`` stays. Finished batches are kept beside it: if the process is killed, the
    next call takes them, so far as they are still the same. Returns what cleaning and building did.
    """

def enrich(
    index: SongIndex | _Path,
    out: _Path,
    *,
    provider: str = "itunes",
    cache: _Path,
    country: str = "US",
    contact: str | None = None,
    overwrite: bool = False,
    min_confidence: float = 0.75,
    interval: float | None = None,
    max_requests: int | None = None,
    base_url: str | None = None,
    dry_run: bool = False,
    progress: _Progress = None,
) -> Report:
    """Looks up covers, previews, links, album, genre, year, length and whether a song is explicit, and writes the index ``out``.

    ``provider`` is ``"itunes"`` (the shop of ``country``) or ``"musicbrainz"``, which asks for a ``contact``: your address
    of mail or web. A song is matched by artist, title and length; covers, karaoke, DJ mixes, live recordings and remixes
    are refused unless the song is one. Only empty cells are filled unless ``overwrite``. The columns ``enriched_from``,
    ``enriched_id``, ``enriched_confidence``, ``enriched_at`` and ``enriched_columns`` say what came from where,
    ``enriched_note`` why a song was not found.

    iTunes is asked 20 times a minute, MusicBrainz once a second; ``interval`` is another time between requests, in
    seconds. Every answer is kept in the file ``cache`` at once: after Ctrl-C, a crash or an error, the same call goes on
    from there. With ``max_requests`` the index is written after so many, with what is known by then; 0 uses the cache
    alone. ``dry_run`` asks and writes nothing, and reports what would be asked and how long it takes.

    Apple allows what iTunes offers only for promoting the content of its shop, beside a badge that leads there.

    Raises ``EnrichError``, a kind of ``CatalogError``; what was found by then is in the cache.
    """

def write_index(
    path: _Path,
    ids: Iterable[str],
    vectors: _Vectors,
    songs: Sequence[Mapping[str, Any]] | _Table | None = None,
    fingerprint: str | None = None,
    normalize: bool = False,
    *,
    columns: dict[str, str] | None = None,
    quantized: bool = True,
    progress: _Progress = None,
) -> Report | None:
    """Writes an index of vectors you have: ids, ``(n, dim)`` vectors, and what is known of the songs, row by row.

    Vectors must have length 1 within 1e-3, or ``normalize`` scales them. ``songs`` is a sequence of mappings from column
    to cell, or a table as for ``clean``, of which no row is left out; then a report is returned. The file is replaced
    whole or not at all.

    Without ``quantized`` the file is a fifth smaller, and searches read four times as many bytes for the same results.

    Raises ``SongError`` (a ``ValueError``) that says which row cannot be written and why.
    """

def starter_index(encoder: Encoder | None = None, *, progress: _Progress = None) -> SongIndex:
    """The embedded catalogue, some 1,470 songs, in the space of ``encoder``, built into the user's cache by the first call.

    ``PIXELPLAY_CACHE`` names another folder for it.
    """

def correct_hubness(path: _Path, queries: _Vectors, *, nearest: int = 10, progress: _Progress = None) -> str:
    """Writes an index anew with a bias for each song, which ``hubness_correction`` of a search subtracts: songs that turn up for
    everything then stand back. Returns the name of the bank.

    ``queries`` stand for those that will be asked, ``(n, dim)``: some hundreds of pictures, say. A song's bias is the mean of
    its cosines with the ``nearest`` queries that are nearest to it (nearest neighbour normalisation, NNN). Searches without
    ``hubness_correction`` stay as they were. Songs that are added later have no bias: correct again.

    Raises ``EmbeddingError`` for queries of another encoder or dimension, ``SongIndexError``, ``OSError``.
    """

def radar_svg(
    series: Mapping[str, Song | Mood | Mapping[str, float | None]], *, width: int = 360, text: bool = True
) -> str:
    """Draws songs and moods over each other as an SVG radar chart, with a legend; ``text=False`` draws the shape alone.

    Axes are energy, valence, danceability, acousticness, instrumentalness, liveness, 0 to 1. Readable on light and dark
    ground. Names are escaped.
    """

@final
class HashParams:
    """What a new password hash costs: the settings of Argon2id, version 1.3. It can be pickled.

    The default is the first choice of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane. Change it
    seldom: until all users have logged in again, every failed log-in costs a hash by each of the settings there are.

    Raises ``UserError`` (a ``ValueError``) for settings below OWASP's table, and for those that would take the machine
    down: more than 1 GiB, 64 passes or 16 lanes, or more than 1 GiB in all passes together.
    """

    def __new__(cls, memory_kib: int = 19456, passes: int = 2, lanes: int = 1) -> HashParams: ...
    @staticmethod
    def tune(target: datetime.timedelta | None = None) -> HashParams:
        """Settings that take about ``target`` (250 ms) for a hash on this machine, and never less than the default.

        It hashes six times. Do it once, for the slowest machine that serves the users, and keep what it gives.
        """
    @property
    def memory_kib(self) -> int:
        """The memory of one hash, in KiB."""
    @property
    def passes(self) -> int:
        """The passes over it."""
    @property
    def lanes(self) -> int:
        """The lanes it is divided into."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class UserStore:
    """Accounts, sessions and taste in one SQLite file. One that is not there is made, for its owner's eyes only.

    A front end needs ``register``, ``log_in``, which gives a token, ``resume``, which says whose token it is, and
    ``log_out``. Only ``resume`` tells who is there: functions that take a user name do as they are told. A name is found
    whatever the case of its letters.

    * ``second_factor``: the application asks for one too; then 8 characters make a password, else 15.
    * ``hidden_names``: nobody may find out whether a name is taken; ``register`` and ``rename``, which tell, are refused.
    * ``idle_timeout``, ``max_session_age``: a session ends when it is not resumed for so long (30 minutes), and however
      much it is used after so long (30 days).
    * ``confirm_within``: how long single-use tokens are good for (30 minutes).
    * ``pepper``: an id and a key of at least 32 random bytes that goes into the hashes and is kept outside the file;
      ``older_peppers``: those that hashes still need.
    * ``hash``: what a new password hash costs; ``concurrent_hashes``: how many run at once in this process (one for each
      core); ``queue_timeout``: how long an attempt waits for its turn (30 seconds).
    * ``max_history``: how much of what was listened to is kept for each account (1,000); ``taste_half_life``: after this
      long, what was liked weighs half (90 days).

    Any number of threads and processes may use one file. Open it by no other means in a process that has it open, not by
    ``sqlite3`` either: on Unix, closing it drops the locks. It cannot be pickled: open it in each process. Calls release
    the GIL; those that hash, write or wait answer Ctrl-C, though what was begun may still be done.

    Raises ``UserError`` for a file that is damaged, foreign or of a later version; it is also the fitting ``OSError``
    where the system refuses, here as in every call: ``FileNotFoundError`` without the folder, ``PermissionError``, a full
    disk, ``TimeoutError`` after another program held the file locked for a minute; a ``ValueError`` for bad options, and
    where a pepper is missing that hashes need.
    """

    def __new__(
        cls,
        path: _Path,
        *,
        second_factor: bool = False,
        hidden_names: bool = False,
        idle_timeout: datetime.timedelta | None = None,
        max_session_age: datetime.timedelta | None = None,
        confirm_within: datetime.timedelta | None = None,
        pepper: tuple[str, bytes] | None = None,
        older_peppers: Sequence[tuple[str, bytes]] = (),
        hash: HashParams | None = None,
        concurrent_hashes: int | None = None,
        queue_timeout: datetime.timedelta | None = None,
        max_history: int | None = None,
        taste_half_life: datetime.timedelta | None = None,
    ) -> UserStore: ...
    @property
    def path(self) -> pathlib.Path:
        """The file, as it was given."""
    def close(self) -> None:
        """Closes the file once calls in other threads are over; a second time does nothing. ``with`` does it at its end.

        Only then are the two files gone that SQLite keeps beside it, and can it be copied, or on Windows removed. A store
        that nothing refers to is closed too.
        """
    def __enter__(self) -> UserStore: ...
    def __exit__(self, *details: object) -> None: ...
    def register(self, name: str, password: str) -> None:
        """Makes an account. The name may be a mail address; no other account may have one that looks the same.

        Raises ``BadUserName``, ``BadPassword`` (both a ``ValueError``), ``NameTaken``, ``NamesAreHidden``, ``Overloaded``.
        """
    def import_account(self, name: str, hash: str) -> None:
        """Makes an account with a hash from elsewhere: a PHC string of Argon2, or bcrypt's. Its first log-in replaces it.

        Raises ``BadUserName``, ``NameTaken``, ``UserError`` (a ``ValueError``) for a hash that cannot be taken.
        """
    def log_in(self, name: str, password: str, *, source: str | None = None, label: str | None = None) -> NewSession:
        """Begins a session for whoever has the password. Costs the same time whether or not there is such a name.

        Failures are counted for the name, and for the ``source`` of the attempt, such as an IP address: give what the
        client cannot choose. ``label`` is what ``sessions`` shows: ``"Firefox on Linux"``.

        Raises ``InvalidCredentials``, ``Throttled`` after failed attempts, ``Overloaded``, ``BadUserName`` and
        ``BadPassword`` for what cannot be looked at.
        """
    def resume(self, token: str) -> Session:
        """Whose session a token stands for. Raises ``InvalidSession`` if it has ended."""
    def log_out(self, token: str) -> None:
        """Ends the session of a token. One that has ended already is fine."""
    def log_out_everywhere(self, name: str) -> int:
        """Ends all sessions of an account; returns how many. Raises ``UnknownUser``."""
    def sessions(self, name: str) -> list[Session]:
        """The open sessions of an account, the newest first. Raises ``UnknownUser``."""
    def revoke(self, name: str, session: int) -> bool:
        """Ends one session of an account by its ``id``; ``False`` if it had ended. Raises ``UnknownUser``."""
    def change_password(
        self, name: str, old: str, new: str, *, source: str | None = None, label: str | None = None
    ) -> NewSession:
        """Sets a new password for whoever has the old one. All sessions end and a new one begins.

        Raises what ``log_in`` raises, and ``BadPassword`` if the new one cannot be taken; then nothing was changed.
        """
    def account(self, name: str) -> Account:
        """What may be shown of an account. Raises ``UnknownUser``."""
    def rename(self, name: str, new: str) -> None:
        """Gives an account another name. Its sessions go on.

        Raises ``UnknownUser``, ``BadUserName``, ``NameTaken``, ``NamesAreHidden``.
        """
    def delete_account(self, name: str) -> None:
        """Erases an account and all that belongs to it, also from the free parts of the file. Raises ``UnknownUser``."""
    def start_password_reset(self, name: str, *, source: str | None = None) -> str:
        """Makes a single-use token for a new password. Send it to the owner of the name.

        Nothing tells whether there is an account; answer whoever asked the same in either case.

        Raises ``Throttled`` if it was asked for again and again, ``BadUserName`` for a name that is far too long.
        """
    def finish_password_reset(self, token: str, new: str) -> None:
        """Sets a new password for whoever holds the token. All sessions end; then ``log_in``.

        Raises ``InvalidToken``, ``Overloaded``, ``BadPassword``; after the last the token is still good.
        """
    def start_registration(self, name: str, password: str, *, source: str | None = None) -> str:
        """Makes a single-use token for a new account. Send it to the owner of the name.

        Raises ``BadUserName``, ``BadPassword``, ``Throttled``, ``Overloaded``; never that the name is taken.
        """
    def finish_registration(self, token: str) -> str:
        """Makes the account for whoever holds the token; returns its name. Raises ``InvalidToken``, ``NameTaken``."""
    def start_rename(self, name: str, new: str, *, source: str | None = None) -> str:
        """Makes a single-use token for another name. Send it to the owner of the new name.

        Raises ``UnknownUser``, ``BadUserName``, ``Throttled``; never that the new name is taken.
        """
    def finish_rename(self, token: str) -> str:
        """Renames the account for whoever holds the token; returns the new name.

        Raises ``InvalidToken``, ``NameTaken``.
        """
    def add_favourite(self, name: str, song: str) -> None:
        """Adds a song to the favourites, by its id; a second time changes nothing.

        Raises ``UnknownUser``, ``UserError`` at 10,000 songs; a ``ValueError`` for an id that is empty or longer than
        1,024 bytes.
        """
    def remove_favourite(self, name: str, song: str) -> bool:
        """Removes a song from the favourites; ``False`` if it was none. Raises ``UnknownUser``."""
    def favourites(self, name: str) -> list[str]:
        """The ids of the favourite songs, the newest first. Raises ``UnknownUser``."""
    def like(self, name: str, song: str) -> None:
        """Notes that a song is liked; an earlier rating is replaced. Raises what ``add_favourite`` raises."""
    def dislike(self, name: str, song: str) -> None:
        """Notes that a song is disliked; an earlier rating is replaced. Raises what ``add_favourite`` raises."""
    def clear_rating(self, name: str, song: str) -> bool:
        """Takes a like or dislike back; ``False`` if there was none. Raises ``UnknownUser``."""
    def likes(self, name: str) -> list[str]:
        """The ids of the songs that are liked, the newest first. Raises ``UnknownUser``."""
    def dislikes(self, name: str) -> list[str]:
        """The ids of the songs that are disliked, the newest first. Raises ``UnknownUser``."""
    def record_listen(self, name: str, song: str) -> None:
        """Notes that a song was listened to. Raises what ``add_favourite`` raises, though the oldest make room."""
    def history(self, name: str, limit: int = 100) -> list[Listen]:
        """What was listened to, the latest first, at most ``limit``. Raises ``UnknownUser``."""
    def clear_history(self, name: str) -> int:
        """Forgets all that was listened to; returns how much that was. Raises ``UnknownUser``."""
    def taste(self, name: str) -> dict[str, float]:
        """What a person likes: song ids with weights from -1 (disliked) to 1; for ``HybridQuery.lean_towards``.

        A favourite and a like weigh 1 each, a dislike -1, a listening 0.25, all halved with every ``taste_half_life``
        since; the sum is cut at -1 and 1. Raises ``UnknownUser``.
        """
    def export(self, name: str) -> str:
        """All that is stored about a person, as JSON, without the hashes of password and tokens. Raises ``UnknownUser``."""
    def verify(self) -> None:
        """Reads and checks every page of the file, a second per gigabyte or so. Raises ``UserError`` at the first damage."""
    def __reduce__(self) -> NoReturn: ...

@final
class NewSession:
    """A session that has just begun, and its token. It shows the token to nobody, and cannot be pickled or copied."""

    @property
    def token(self) -> str:
        """The secret that stands for the session: for a cookie (``HttpOnly``, ``Secure``, ``SameSite``).

        The store keeps only its hash: it cannot be had again.
        """
    @property
    def session(self) -> Session:
        """The session that it stands for."""
    @property
    def username(self) -> str:
        """The user name, as it was registered."""
    def __reduce__(self) -> NoReturn: ...

@final
class Session:
    """A log-in that has not ended. Nothing in it is secret."""

    @property
    def id(self) -> int:
        """What ``UserStore.revoke`` takes."""
    @property
    def username(self) -> str:
        """The user name, as it was registered."""
    @property
    def label(self) -> str | None:
        """What the client called itself at log-in."""
    @property
    def created(self) -> datetime.datetime:
        """When it began, in UTC."""
    @property
    def last_seen(self) -> datetime.datetime:
        """When it was last resumed, up to a minute ago, in UTC."""
    @property
    def ends(self) -> datetime.datetime:
        """When it ends even if it is used all the time, in UTC."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Account:
    """An account, as far as it may be shown."""

    @property
    def username(self) -> str:
        """The user name, as it was registered."""
    @property
    def created(self) -> datetime.datetime:
        """When it was registered, in UTC."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Listen:
    """A song that was listened to."""

    @property
    def song(self) -> str:
        """The id of the song."""
    @property
    def at(self) -> datetime.datetime:
        """When, in UTC."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
