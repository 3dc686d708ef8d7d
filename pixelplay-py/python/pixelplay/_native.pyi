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
# Pillow's images have `__array_interface__` as well.
_Image: TypeAlias = _Path | bytes | bytearray | memoryview | _BinaryFile | _HasArray
_Table: TypeAlias = _Path | bytes | _BinaryFile | _ArrowStream | _FrameWithCsv
_Vector: TypeAlias = Embedding | _HasArray | Sequence[float]
_Vectors: TypeAlias = Embeddings | Sequence[Embedding] | _HasArray | Sequence[Sequence[float]]
_Cell: TypeAlias = str | int | float | bool | np.generic
_Progress: TypeAlias = bool | Callable[[str, int, int | None], object] | None

@final
class Embedding:
    """A vector of length 1, with the name of its space.

    ``np.asarray(embedding)`` is a read-only ``(dim,)`` float32 array that shares its memory. It can be pickled.

    The vector ``values`` must have length 1 (within 1e-3), or pass ``normalize=True`` to scale it.

    Raises ``EmbeddingError`` (a ``ValueError``) for NaN, infinities, zeros or another length, and ``TypeError`` for
    values that are not real numbers.
    """

    def __new__(
        cls, values: _HasArray | Sequence[float], fingerprint: str | None = None, *, normalize: bool = False
    ) -> Embedding: ...
    @property
    def dim(self) -> int:
        """The number of dimensions."""
    @property
    def fingerprint(self) -> str | None:
        """The name of the space, or ``None`` if it is unknown. Vectors from different spaces cannot be compared."""
    def dot(self, other: _Vector) -> float:
        """Returns the cosine of the angle to another embedding, from -1 to 1, summed in float64."""
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
    """Embeddings in one space: a sequence of ``Embedding``. ``np.asarray`` returns ``(n, dim)`` float32, read-only."""

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
    """Turns pictures and texts into embeddings in one space, with any Hugging Face ``CLIPModel``.

    A tower is loaded when it is first used, so encoding pictures never loads the text tower. Calls may run in several
    threads; they release the GIL. It cannot be pickled: open it in each process.

    ``path`` is a ``CLIPModel`` directory, or an OpenCLIP one whose vision tower is an EfficientNet-Lite. Without it,
    the embedded checkpoint pixelplay-mini is used.

    ``threads`` is the number of threads; ``None`` uses all cores. The vectors are bitwise the same for any number.
    ``precision`` is ``"f32"`` or ``"int8"``. With ``"int8"`` the encoder takes a quarter of the memory and is faster on
    processors with AVX-512 VNNI; its vectors are in the same space, but slightly less accurate.

    Raises ``EncodeError``. If a file is missing or cannot be read, the error is also the matching ``OSError``.
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
        """Opens a checkpoint from the Hugging Face Hub. Files are downloaded once, to the cache that all clients of the
        hub share.

        ``HF_HOME``, ``HF_TOKEN``, ``HF_HUB_OFFLINE`` and ``HF_ENDPOINT`` mean what they mean to ``huggingface_hub``.
        ``revision`` is a branch, tag, commit or ``refs/pr/NUMBER``.
        """
    @property
    def dim(self) -> int:
        """The number of dimensions of the embeddings."""
    @property
    def fingerprint(self) -> str:
        """The name of the space: a hash of weights, configuration, pre-processing and tokenizer."""
    @property
    def name(self) -> str:
        """The name of the directory, or ``repo@commit``."""
    def encode_image(self, image: _Image) -> Embedding:
        """Encodes one picture.

        A picture is a path, the bytes of a JPEG, PNG, WebP, GIF, TIFF or BMP file, a binary file object, a Pillow
        image, or a uint8 array of shape ``(height, width, 3)``, ``(height, width, 4)`` or ``(height, width)`` in any
        memory layout. Files and Pillow images are rotated upright by their EXIF data; transparent parts are laid on
        white.

        Raises ``EncodeError`` (and ``FileNotFoundError``, ... for a path), ``TypeError`` for another dtype or kind of
        object, ``ValueError`` for another shape.
        """
    def encode_images(self, images: Iterable[_Image], batch_size: int = 32, progress: _Progress = None) -> Embeddings:
        """Encodes pictures, in order. Files are read and decoded one batch at a time, on all cores.

        ``progress=True`` shows a bar (with tqdm if it is installed). It may also be a callable of ``(stage, done,
        total)``; an exception raised in it stops the work. If a picture fails, the error says which one.
        """
    def encode_text(self, text: str) -> Embedding:
        """Encodes one text. Only its first 77 tokens are used."""
    def encode_texts(self, texts: Iterable[str], batch_size: int = 32, progress: _Progress = None) -> Embeddings:
        """Encodes texts, in order. Equal texts are encoded once."""
    def mood(self, image: _Image | Embedding) -> Mood:
        """Estimates the energy, valence, danceability and acousticness of a picture, from 0 to 1, and the words that
        contributed most.

        This is zero-shot: the picture is compared with pairs of opposite sentences. The first call encodes those
        sentences.
        """

@final
class Mood:
    """The mood of a picture: a mapping from ``energy``, ``valence``, ``danceability``, ``acousticness`` to values from
    0 to 1.
    """

    @property
    def words(self) -> list[str]:
        """The words that contributed most, strongest first."""
    def radar(self, *, width: int = 360) -> str:
        """Returns the mood as an SVG chart; see ``radar_svg``."""
    def __getitem__(self, axis: str, /) -> float: ...
    def get(self, axis: str, default: Any = None) -> Any:
        """Returns the value on an axis, or ``default`` if the mood has no such axis."""
    def keys(self) -> list[str]:
        """Returns the axes."""
    def values(self) -> list[float]:
        """Returns the values, in the order of the axes."""
    def items(self) -> list[tuple[str, float]]:
        """Returns pairs of axis and value."""
    def __contains__(self, axis: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Sentence:
    """A sentence that describes a song; ``str(sentence)`` is its text."""

    @property
    def text(self) -> str:
        """The sentence. It could be the caption of a photograph."""

    @property
    def source(self) -> str:
        """The source of the sentence: ``"genre"``, ``"mood"``, ``"trait"``, ``"description"``, ``"title"``, ``"tags"``
        or ``"lyrics"``.
        """

    @property
    def source_words(self) -> str:
        """The source in words, such as ``"its title"``."""

    @property
    def score(self) -> float | None:
        """The cosine with the query of ``why``; ``None`` for sentences from ``describe``."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Song:
    """A song in an index: a mapping from column to cell. A cell is ``None`` if its value is unknown.

    Other columns are included as text if the song has a value in them, so use ``get``.

    Audio features follow Spotify's definitions, from 0 to 1; ``tempo`` is in beats per minute, ``loudness`` in dB,
    ``duration_ms`` in milliseconds.
    """

    @property
    def id(self) -> str:
        """The id of the song in its index."""
    @property
    def words(self) -> list[str]:
        """At most three words for its mood, derived from its features."""
    def radar(self, *, width: int = 360) -> str:
        """Returns its features as an SVG chart; see ``radar_svg``."""
    def __getitem__(self, column: str, /) -> Any: ...
    def get(self, column: str, default: Any = None) -> Any:
        """Returns the cell in a column, or ``default`` if the song has no such column."""
    def keys(self) -> list[str]:
        """Returns ``id``, every column that PixelPlay defines, and every other column in which the song has a value."""
    def values(self) -> list[Any]:
        """Returns the cells, in the order of the columns."""
    def items(self) -> list[tuple[str, Any]]:
        """Returns pairs of column and cell."""
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
        """The cosine between its vector and the query; higher is closer."""
    @property
    def corrected_score(self) -> float:
        """The score that songs are ranked by: ``score`` minus the hubness correction of the search."""
    @property
    def match_percent(self) -> float:
        """How well it matches compared with the rest of the catalogue, 0 to 100; 50 is the average song."""
    @property
    def song(self) -> Song:
        """The song with all its columns, read from the index."""

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
        """Returns the hits with ``score``, ``match_percent`` and the columns of their index."""
    def to_pandas(self) -> Any:
        """Returns the same as a ``pandas.DataFrame``; needs pandas."""
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

    ``pyarrow.table(t)``, ``polars.DataFrame(t)`` and others accept it without a copy. Nothing else in pixelplay needs
    pyarrow.
    """

    @property
    def num_rows(self) -> int:
        """The number of rows."""
    @property
    def num_columns(self) -> int:
        """The number of columns."""
    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
    def to_pydict(self) -> dict[str, list[Any]]:
        """Returns a dict from column to a list of its cells. Vectors are arrays of shape ``(dim,)``."""
    def to_pylist(self) -> list[dict[str, Any]]:
        """Returns a list with one dict per row."""
    def to_pandas(self) -> Any:
        """Returns a ``pandas.DataFrame``; needs pandas."""
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def __len__(self) -> int: ...

@final
class Report:
    """The result of an operation on songs. ``str(report)`` is text for people; the mapping holds the numbers for
    programs.
    """

    def __getitem__(self, name: str, /) -> Any: ...
    def keys(self) -> list[str]:
        """Returns the names of its fields."""
    def to_dict(self) -> dict[str, Any]:
        """Returns a copy of all fields."""
    def __contains__(self, name: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...

@final
class Column:
    """A column in a filter, made by ``col``. Compare it with text, numbers or bools."""

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
        """Matches songs whose cell is at least ``low`` and at most ``high``."""
    def is_in(self, values: Iterable[_Cell]) -> Filter:
        """Matches songs whose cell equals one of the values."""
    def is_null(self) -> Filter:
        """Matches songs whose cell is unknown. No other condition matches an unknown cell, and neither does its
        negation.
        """
    def __bool__(self) -> bool: ...

@final
class Filter:
    """A condition on the columns of songs. Combine filters with ``&``, ``|`` and ``~``. It can be pickled."""

    @staticmethod
    def parse(text: str) -> Filter:
        """Parses a text such as ``energy >= 0.5 and genre in (pop, 'hip hop') and not year < 1990``.

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

    It cannot be pickled: open it in each process. Processes that map the same file share its memory.
    """

    @staticmethod
    def open(path: _Path, mmap: bool = True) -> SongIndex:
        """Opens an index, by mapping it into memory or, with ``mmap=False``, by reading it.

        While it is mapped, no other program may truncate the file or write into it. Replacing it by renaming another
        file over it is fine, and is all that pixelplay does. Opening checks the structure; ``verify`` checks every
        byte.

        Raises ``SongIndexError``; also ``FileNotFoundError``, ``PermissionError``, ... if the file cannot be read.
        """
    @property
    def dim(self) -> int:
        """The length of the vectors."""
    @property
    def fingerprint(self) -> str | None:
        """The name of the vectors' space, or ``None`` if the file does not name it."""
    @property
    def recipe(self) -> str | None:
        """How the songs were described, as JSON: version, templates, and the weights of titles, tags and lyrics.
        ``None`` if the vectors were not made from descriptions, or if the file was written by a version that did not
        record this.
        """

    @property
    def path(self) -> pathlib.Path:
        """The file or folder that was opened."""
    @property
    def columns(self) -> list[str]:
        """The columns other than ``id`` and the vector."""
    @property
    def ids(self) -> npt.NDArray[np.object_]:
        """The ids in row order, as a read-only ``(n,)`` array of strings, so that ``index.ids[rows]`` works. Created on
        first use.
        """
    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """All vectors as a read-only ``(n, dim)`` array, without a copy. The array keeps the file mapped.

        Raises ``ValueError`` if the file has several batches; use ``vector_chunks``.
        """
    @property
    def query_bank(self) -> str | None:
        """The name of the queries that ``correct_hubness`` derived the songs' biases from; ``None`` if there are no
        biases.
        """
    @property
    def vector_chunks(self) -> list[npt.NDArray[np.float32]]:
        """The vectors of each batch as read-only ``(rows, dim)`` arrays, without a copy."""
    def song(self, id: str) -> Song:
        """Returns a song with all its columns. Raises ``UnknownSong`` (a ``KeyError``)."""
    def embedding(self, id: str) -> Embedding:
        """Returns the vector of a song. Raises ``UnknownSong`` (a ``KeyError``)."""
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
        """Returns the ``k`` songs with the highest cosine, best first. The result is exact: ids and scores equal those
        of a float64 brute-force search.

        ``where`` is a filter that songs must match, ``exclude`` leaves songs out by id, and ``min_score`` is the lowest
        cosine, or corrected score, to return. ``hubness_correction``, 0 to 1, is the share of each song's bias that is
        subtracted before ranking; see ``correct_hubness``. A search takes one pass over the vectors.

        Raises ``EmbeddingError`` for a query that does not fit the index, and ``FilterError`` for an unknown column,
        with a list of the columns.
        """
    def hubness(
        self, queries: _Vectors, k: int = 50, where: Filter | str | None = None, *, hubness_correction: float = 0.0
    ) -> Report:
        """Measures how evenly the queries use the catalogue: how many songs are among the ``k`` best for any query, how
        unevenly songs are shown (skewness and Gini coefficient, 0 if all are shown equally often), and the songs shown
        most often.
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
        """Searches for several queries in one pass: returns rows and scores, both of shape ``(queries, min(k,
        len(index)))``.

        Rows are positions in ``ids``. If a filter leaves fewer songs, the remaining cells hold -1 and NaN.
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
        """Returns the songs most similar to a song, by their vectors or by the cosine of standardised audio features.
        The song itself is left out.

        Raises ``UnknownSong`` (a ``KeyError``), and ``SongIndexError`` for a song without audio features.
        """
    def to_arrow(self) -> ArrowTable:
        """Returns the whole index as a table, including ``embedding``, without a copy."""
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...
    def verify(self) -> None:
        """Compares every byte with the file's checksums. Raises ``SongIndexError`` at the first difference."""
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __contains__(self, id: object, /) -> bool: ...

@final
class HybridQuery:
    """A weighted blend of a picture, words and songs, searched as one vector in one pass.

    Picture and words are blended as ``(1 - text_weight) * image + text_weight * text``; either may be left out. Songs
    that are named in the query are not among its results.
    """

    def __new__(
        cls, image: _Vector | None = None, text: _Vector | None = None, text_weight: float = 0.3
    ) -> HybridQuery: ...
    def like(self, reference: str | _Vector, weight: float = 1.0) -> HybridQuery:
        """Returns a query that is moved towards a song of the index, given by its id, or towards an embedding."""
    def unlike(self, reference: str | _Vector, weight: float = 0.3) -> HybridQuery:
        """Returns a query that is moved away from a song or an embedding."""
    def lean_towards(self, weights: Mapping[str, float], weight: float = 0.2) -> HybridQuery:
        """Returns a query that leans towards a taste: song ids with weights, as ``UserStore.taste`` returns them.

        ``weight`` is the total weight of the songs, however many there are. Ids that are not in the index are ignored.
        Unlike the songs of ``like``, these may be among the results.
        """
    def blend(self, index: SongIndex) -> Embedding:
        """Returns the vector to search with. Raises ``QueryError`` (a ``ValueError``) if the query has none."""
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
        """Returns the ``k`` best songs, best first.

        ``diversity``, 0 to 1, prefers songs unlike each other (maximal marginal relevance). ``distinct_songs`` keeps
        only one recording of each song, so that no live recording or remix appears next to it.

        Raises ``QueryError`` for weights out of range and for parts that cancel each other out, and whatever
        ``SongIndex.search`` raises.
        """

def col(name: str) -> Column:
    """Returns a column for a filter: ``(col("energy") >= 0.5) & col("genre").is_in(["pop", "rock"])``."""

def clean(
    songs: _Table,
    *,
    columns: dict[str, str] | None = None,
    delimiter: str | None = None,
    merge_recordings: bool = True,
    progress: _Progress = None,
) -> tuple[ArrowTable, Report]:
    """Cleans a published table of songs. Returns the songs, and a report of what was kept, dropped and changed, with
    reasons.

    ``songs`` is the path of a CSV or TSV file (gzipped or not), its bytes, a binary file, or a table with Arrow's
    PyCapsule interface (pandas, polars, pyarrow, ...), which is read as if it were saved as CSV. ``columns`` maps
    columns to headers that are not recognised: ``{"title": "Werk"}``. ``merge_recordings`` merges rows of the same
    recording even if their ids differ: remasters, other editions, guests credited in a different place.

    Raises ``CatalogError`` if it is not a table of songs; also ``FileNotFoundError``, ... for a path.
    """

def describe(song: Song | Mapping[str, object], templates: _Path | None = None) -> list[Sentence]:
    """Describes a song in sentences that could be captions of photographs.

    First come scenes and moods from its features, genre and decade (or the lines of its own ``description``), then its
    title, tags and lyrics. Each sentence says what it was made from.

    ``song`` is a ``Song`` or a mapping from column to cell with an ``id``, because the choice of phrases depends on the
    id. ``templates`` is the path of a TOML file of phrases to use instead of the embedded ones, which ``templates()``
    returns.
    """

def why(
    song: Song | Mapping[str, object],
    query: _Vector,
    encoder: Encoder | None = None,
    *,
    templates: _Path | None = None,
) -> list[Sentence]:
    """Explains why a song was found: returns its sentences, the best reason first, each with its cosine with ``query`` as
    ``score``. A title, tags and lyrics count by how visible the things they name are, as in the song's vector.

    ``query`` is the ``Embedding`` of a picture or words, and ``encoder`` is the encoder that made it (by default the
    embedded checkpoint). If the index was built with your own phrases, ``templates`` is the path of their TOML file.
    """

def templates() -> str:
    """Returns the phrases used to describe songs: a commented TOML file, as a starting point for your own."""

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

    Returns two reports, of cleaning and of building. ``encoder`` is the embedded checkpoint by default. A song's own
    ``description`` replaces the generated sentences. ``describe`` changes how they are generated: it is a callable that
    takes a ``Song`` and returns one or several sentences, or the path of a TOML file of phrases (see ``templates``).

    ``titles``, ``tags`` and ``lyrics`` set the weights of a song's own words, relative to 1 for its scenes and moods
    together. ``True`` is the recommended weight, ``False`` is no weight, and a number sets the weight. Guests and
    versions are removed from titles, a column ``title_en`` can hold translations, and titles that name nothing visible
    ("Untitled 4") get little weight.

    The file has batches of ``batch_rows`` rows, by default 16,384; only an index with a single batch has ``vectors``.
    An existing file at ``out`` stays until the new one is complete. Finished batches are kept next to it: if the
    process is killed, the next call reuses those whose songs have not changed.
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
    """Looks up covers, previews, links, album, genre, year, length and whether a song is explicit, and writes the index
    ``out``.

    ``provider`` is ``"itunes"`` (the shop of ``country``) or ``"musicbrainz"``, which requires a ``contact``: your
    e-mail or web address. A song is matched by artist, title and length; covers, karaoke, DJ mixes, live recordings and
    remixes are refused unless the song is one itself. Only empty cells are filled unless ``overwrite`` is true. The
    columns ``enriched_from``, ``enriched_id``, ``enriched_confidence``, ``enriched_at`` and ``enriched_columns`` record
    what was filled and from where; ``enriched_note`` says why a song was not found.

    iTunes gets 20 requests per minute, MusicBrainz one per second; ``interval`` sets another time between requests, in
    seconds. Every answer is immediately written to the file ``cache``: after Ctrl-C, a crash or an error, the same call
    continues from there. With ``max_requests=N`` the index is written after N requests, with the answers so far; 0 uses
    only the cache. ``dry_run`` requests and writes nothing; it reports what would be requested and how long it would
    take.

    Apple allows the use of iTunes content only to promote its store, next to a badge that links to it.

    Raises ``EnrichError``, a kind of ``CatalogError``; the answers so far are in the cache.
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
    """Writes an index from your own vectors: ids, ``(n, dim)`` vectors, and optionally data about the songs in the same
    order.

    Vectors must have length 1 within 1e-3, or pass ``normalize=True`` to scale them. ``songs`` is a sequence of
    mappings from column to cell, or a table as for ``clean``; no row of a table is dropped, and a report of it is
    returned. The file is replaced completely or not at all.

    With ``quantized=False`` the file is a fifth smaller, but searches read four times as many bytes for the same
    results.

    Raises ``SongError`` (a ``ValueError``) that says which row cannot be written and why.
    """

def starter_index(encoder: Encoder | None = None, *, progress: _Progress = None) -> SongIndex:
    """Opens the embedded catalogue of some 1,470 songs, in the space of ``encoder``. The first call builds it into the
    user's cache.

    ``PIXELPLAY_CACHE`` sets another folder for it.
    """

def correct_hubness(path: _Path, queries: _Vectors, *, nearest: int = 10, progress: _Progress = None) -> str:
    """Rewrites an index with a bias for each song, so that searches can demote songs that are found for nearly every
    query.

    Returns the name of the query bank. ``queries``, of shape ``(n, dim)``, should be a few hundred pictures of the kind
    that users will search with. A song's bias is the mean of its cosines with the ``nearest`` queries that are nearest
    to it (nearest neighbour normalisation, NNN). A search subtracts the share ``hubness_correction`` of the bias;
    searches without that argument do not change. Songs that are added later have no bias: run this again.

    Raises ``EmbeddingError`` for queries from another encoder or of another dimension, ``SongIndexError``, ``OSError``.
    """

def radar_svg(
    series: Mapping[str, Song | Mood | Mapping[str, float | None]], *, width: int = 360, text: bool = True
) -> str:
    """Draws songs and moods on top of each other as an SVG radar chart with a legend; ``text=False`` draws only the
    shape.

    The axes are energy, valence, danceability, acousticness, instrumentalness and liveness, 0 to 1. The chart is
    readable on light and dark backgrounds. Names are escaped.
    """

@final
class HashParams:
    """The cost of a new password hash: the settings of Argon2id, version 1.3. It can be pickled.

    The default is the first choice of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane. Change it
    rarely: until all users have logged in again, every failed log-in computes one hash for each set of settings in use.

    Raises ``UserError`` (a ``ValueError``) for settings weaker than those in OWASP's table, and for settings that could
    overload the machine: more than 1 GiB, 64 passes or 16 lanes, or more than 1 GiB in total over all passes.
    """

    def __new__(cls, memory_kib: int = 19456, passes: int = 2, lanes: int = 1) -> HashParams: ...
    @staticmethod
    def tune(target: datetime.timedelta | None = None) -> HashParams:
        """Returns settings that take about ``target`` (250 ms) per hash on this machine, but never less than the
        default settings.

        It computes six hashes. Run it once, on the slowest machine that serves the users, and keep the result.
        """
    @property
    def memory_kib(self) -> int:
        """The memory of one hash, in KiB."""
    @property
    def passes(self) -> int:
        """The number of passes over the memory."""
    @property
    def lanes(self) -> int:
        """The number of lanes that the memory is divided into."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Limit:
    """How failed attempts slow down later ones, for ``UserStore``. The defaults are those per account.

    Some failures are free. After each further one there is a wait, which doubles up to ``max_backoff``. At
    ``max_failures``, no attempt is accepted until one failure is forgiven. One is forgiven after each
    ``decay_interval``, whatever comes in between.

    ``UserStore`` raises ``UserError`` (a ``ValueError``) for a limit that is not safe: more than 100 failures per
    account, or a wait of more than a day.
    """

    def __new__(
        cls,
        *,
        free_attempts: int | None = None,
        initial_backoff: datetime.timedelta | None = None,
        max_backoff: datetime.timedelta | None = None,
        max_failures: int | None = None,
        decay_interval: datetime.timedelta | None = None,
    ) -> Limit: ...
    @property
    def free_attempts(self) -> int:
        """The number of failures without a wait (3)."""
    @property
    def initial_backoff(self) -> datetime.timedelta:
        """The wait after the first failure that is not free (a second)."""
    @property
    def max_backoff(self) -> datetime.timedelta:
        """The longest wait before ``max_failures`` is reached (an hour)."""
    @property
    def max_failures(self) -> int:
        """The number of failures at which one has to be forgiven first (100)."""
    @property
    def decay_interval(self) -> datetime.timedelta:
        """The time after which one failure is forgiven (a day)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class UserStore:
    """Accounts, sessions and taste in one SQLite file. The file is created if needed, readable by its owner only.
    ``create=False`` raises ``FileNotFoundError`` instead of creating one.

    A front end needs ``register``; ``log_in``, which returns a token; ``resume``, which returns the session of a token;
    and ``log_out``. Only ``resume`` checks who is calling: functions that take a user name trust the caller. User names
    are case-insensitive.

    * ``second_factor``: the application asks for a second factor as well; passwords then need 8 characters instead of
      15. ``min_password_chars`` sets another number, from 8 to 64.
    * ``breached_passwords``: the path of the SHA-1 hashes of Have I Been Pwned, as one file or as a folder of range
      files; new passwords that are among them are refused. Nothing is loaded or sent.
    * ``hidden_names``: callers must not learn whether a name is taken; ``register`` and ``rename``, which would reveal
      it, are refused.
    * ``idle_timeout``, ``max_session_age``: a session ends if it is not resumed for the first (30 minutes), and after
      the second (30 days) even if it is used all the time; ``log_in`` sets both for one session.
    * ``confirm_within``: how long single-use tokens are valid (30 minutes).
    * ``pepper``: an id and a key of at least 32 random bytes, which goes into the hashes and is kept outside the file;
      ``older_peppers``: those that existing hashes still need.
    * ``hash``: the cost of a new password hash; ``concurrent_hashes``: how many run at once in this process (one per
      core); ``queue_timeout``: how long an attempt waits for its turn (30 seconds).
    * ``account_limit``, ``source_limit``: a ``Limit`` on failed attempts per account, and per source.
    * ``max_history``: how many listens are kept for each account (1,000); ``taste_half_life``: the time after which the
      weight of a rating has halved (90 days).

    Any number of threads and processes may use one file. Do not open the file by other means in a process that has it
    open, not even with ``sqlite3``: on Unix, closing it drops the locks. It cannot be pickled: open it in each process.
    Calls release the GIL. Those that hash, write or wait respond to Ctrl-C, but what they have begun may still be
    completed.

    Raises ``UserError`` for a file that is damaged, of another kind or of a later version. In this and every other
    call, it is also the matching ``OSError`` if the system refuses: ``FileNotFoundError`` if the folder does not exist,
    ``PermissionError``, a full disk, ``TimeoutError`` after another program has held the file locked for a minute. It
    is a ``ValueError`` for bad options, and if a pepper that stored hashes need is missing.
    """

    def __new__(
        cls,
        path: _Path,
        *,
        create: bool = True,
        second_factor: bool = False,
        min_password_chars: int | None = None,
        breached_passwords: _Path | None = None,
        hidden_names: bool = False,
        idle_timeout: datetime.timedelta | None = None,
        max_session_age: datetime.timedelta | None = None,
        confirm_within: datetime.timedelta | None = None,
        pepper: tuple[str, bytes] | None = None,
        older_peppers: Sequence[tuple[str, bytes]] = (),
        hash: HashParams | None = None,
        concurrent_hashes: int | None = None,
        queue_timeout: datetime.timedelta | None = None,
        account_limit: Limit | None = None,
        source_limit: Limit | None = None,
        max_history: int | None = None,
        taste_half_life: datetime.timedelta | None = None,
    ) -> UserStore: ...
    @property
    def path(self) -> pathlib.Path:
        """The path of the file, as it was given."""
    def close(self) -> None:
        """Closes the file once calls in other threads have ended. Closing it again does nothing. ``with`` closes it at
        its end.

        Until then, SQLite keeps two more files next to it, and on Windows it cannot be deleted. To copy it, use
        ``backup``. A store that is garbage-collected is closed as well.
        """
    def __enter__(self) -> UserStore: ...
    def __exit__(self, *details: object) -> None: ...
    def register(self, name: str, password: str, *, source: str | None = None) -> None:
        """Creates an account. The name may be an e-mail address; no other account may have a name that looks the same.

        Registrations are counted for the ``source``, such as an IP address. Raises ``BadUserName``, ``BadPassword``
        (both a ``ValueError``), ``NameTaken``, ``NamesAreHidden``, ``Throttled``, ``Overloaded``.
        """
    def register_external(self, name: str, external_id: str) -> None:
        """Creates an account without a password, for a person that another service has identified.

        ``external_id`` identifies the person at that service and must never pass to another person. For OpenID Connect,
        use the issuer and the subject together, such as ``"https://accounts.example.org|248289761001"``, and never an
        e-mail address.

        Raises ``BadUserName``, ``NameTaken``, ``ExternalIdTaken``, ``UserError`` (a ``ValueError``) for an id that is
        empty or longer than 1,024 bytes.
        """
    def log_in_external(
        self,
        external_id: str,
        *,
        label: str | None = None,
        device: str | None = None,
        idle_timeout: datetime.timedelta | None = None,
        max_age: datetime.timedelta | None = None,
    ) -> NewSession:
        """Starts a session for the account with this external id. Checks nothing: the caller must have just checked,
        with the other service, that the client is that person.

        The other arguments are those of ``log_in``. Raises ``UnknownUser`` if no account has this id,
        ``AccountDisabled``.
        """
    def set_external_id(self, name: str, external_id: str | None) -> None:
        """Sets or removes the external id of an account. Only do so for a person who is logged in to the account and
        has just been identified by the other service.

        Raises ``UnknownUser`` and what ``register_external`` raises.
        """
    def import_account(self, name: str, hash: str) -> None:
        """Creates an account with an existing hash: of Argon2, bcrypt, PBKDF2 or scrypt, as Django, werkzeug, passlib
        and others write them. Its first log-in replaces the hash.

        Raises ``BadUserName``, ``NameTaken``, ``UserError`` (a ``ValueError``) for a hash that cannot be used.
        """
    def log_in(
        self,
        name: str,
        password: str,
        *,
        source: str | None = None,
        label: str | None = None,
        device: str | None = None,
        idle_timeout: datetime.timedelta | None = None,
        max_age: datetime.timedelta | None = None,
    ) -> NewSession:
        """Starts a session if the password is right. Takes the same time whether or not the name exists.

        Failures are counted for the name, and for the ``source`` of the attempt, such as an IP address: pass something
        that the client cannot choose. IPv6 addresses are counted per /64. ``label`` is what ``sessions`` shows, such as
        ``"Firefox on Linux"``. ``device`` is the ``device`` of an earlier log-in on the same client: with it, the owner
        of an account can log in while strangers guess its password. ``idle_timeout`` and ``max_age`` set how long this
        session lasts, for example with "remember me"; pass both or neither.

        Raises ``InvalidCredentials``, ``Throttled`` after failed attempts, ``AccountDisabled`` if the password is
        right, ``Overloaded``, and ``BadUserName`` or ``BadPassword`` for input that cannot be checked.
        """
    def resume(self, token: str) -> Session:
        """Returns the session of a token. Raises ``InvalidSession`` if it has ended."""
    def log_out(self, token: str) -> None:
        """Ends the session of a token. Does nothing if it has already ended."""
    def log_out_everywhere(self, name: str) -> int:
        """Ends all sessions of an account and returns how many. Raises ``UnknownUser``."""
    def sessions(self, name: str) -> list[Session]:
        """Returns the open sessions of an account, newest first. Raises ``UnknownUser``."""
    def revoke(self, name: str, session: int) -> bool:
        """Ends one session of an account by ``id``; returns ``False`` if it had already ended. Raises ``UnknownUser``."""
    def change_password(
        self, name: str, old: str, new: str, *, source: str | None = None, label: str | None = None
    ) -> NewSession:
        """Sets a new password if the old one is right. All sessions end and a new one starts.

        Raises what ``log_in`` raises, and ``BadPassword`` if the new password cannot be used; then nothing has changed.
        """
    def account(self, name: str) -> Account:
        """Returns the data of an account, without its secrets. Raises ``UnknownUser``."""
    def accounts(self, *, after: str | None = None, limit: int = 100) -> list[Account]:
        """Returns accounts in the order of their names, at most ``limit`` of them: those after the name ``after``, or
        the first ones.
        """
    def log_in_wait(self, name: str) -> datetime.timedelta:
        """Returns how long a log-in with this name has to wait if it comes from a client that the account does not
        know. Raises ``UnknownUser``.
        """
    def unlock(self, name: str) -> None:
        """Forgets all failed attempts for an account: its next log-in does not have to wait. Raises ``UnknownUser``."""
    def disable(self, name: str) -> bool:
        """Disables an account: its sessions end, its single-use tokens become invalid, and nobody can log in. Its data
        is kept. Returns ``False`` if it was already disabled. Raises ``UnknownUser``.
        """
    def enable(self, name: str) -> bool:
        """Enables a disabled account again; returns ``False`` if it was not disabled. Raises ``UnknownUser``."""
    def set_password(self, name: str, new: str) -> None:
        """Sets the password of an account, without the old one. All sessions end. Raises ``UnknownUser``,
        ``BadPassword``, ``Overloaded``.
        """
    def expire_imported_hashes(self, older_than: datetime.timedelta) -> int:
        """Removes the password hashes of accounts that were imported longer ago than this and have not logged in since;
        returns how many. These accounts keep their data, but need a new password.

        As long as one account has an expensive imported hash, every log-in to any account costs as much. So call this
        some months after an import.
        """
    def rename(self, name: str, new: str) -> None:
        """Renames an account. Its sessions stay open.

        Raises ``UnknownUser``, ``BadUserName``, ``NameTaken``, ``NamesAreHidden``.
        """
    def delete_account(self, name: str) -> None:
        """Deletes an account and all its data, including traces in unused parts of the file. Raises ``UnknownUser``."""
    def start_password_reset(self, name: str, *, source: str | None = None) -> str:
        """Creates a single-use token for a new password. Send it to the owner of the name.

        The result does not show whether the account exists; give the user the same answer in either case.

        Raises ``Throttled`` if it is requested too often, ``BadUserName`` for a name that is far too long.
        """
    def finish_password_reset(self, token: str, new: str) -> None:
        """Sets a new password for the owner of the token. All sessions end; call ``log_in`` next.

        Raises ``InvalidToken``, ``Overloaded``, ``BadPassword``. After ``BadPassword`` the token is still valid.
        """
    def start_registration(self, name: str, *, source: str | None = None) -> str:
        """Creates a single-use token for a new account. Send it to the owner of the name, who sets the password.

        Raises ``BadUserName``, ``Throttled``, but never an error that reveals that the name is taken.
        """
    def finish_registration(self, token: str, password: str) -> str:
        """Creates the account of a token, with this password, and returns its name.

        Raises ``InvalidToken``, ``NameTaken``, ``Overloaded``, ``BadPassword``. After ``BadPassword`` the token is
        still valid.
        """
    def start_rename(self, name: str, new: str, *, source: str | None = None) -> str:
        """Creates a single-use token for a new name. Send it to the owner of the new name.

        Raises ``UnknownUser``, ``BadUserName``, ``Throttled``, but never an error that reveals that the new name is
        taken.
        """
    def finish_rename(self, token: str) -> str:
        """Renames the account of a token and returns its new name.

        Raises ``InvalidToken``, ``NameTaken``.
        """
    def add_favourite(self, name: str, song: str) -> None:
        """Adds a song to the favourites, by its id. Adding it again changes nothing.

        Raises ``UnknownUser``, ``UserError`` at 10,000 songs; a ``ValueError`` for an id that is empty or longer than
        1,024 bytes.
        """
    def remove_favourite(self, name: str, song: str) -> bool:
        """Removes a song from the favourites; returns ``False`` if it was not one. Raises ``UnknownUser``."""
    def favourites(self, name: str) -> list[str]:
        """Returns the ids of the favourite songs, newest first. Raises ``UnknownUser``."""
    def like(self, name: str, song: str) -> None:
        """Records that a song is liked; replaces an earlier rating. Raises what ``add_favourite`` raises."""
    def dislike(self, name: str, song: str) -> None:
        """Records that a song is disliked; replaces an earlier rating. Raises what ``add_favourite`` raises."""
    def clear_rating(self, name: str, song: str) -> bool:
        """Takes back a like or dislike; returns ``False`` if there was none. Raises ``UnknownUser``."""
    def likes(self, name: str) -> list[str]:
        """Returns the ids of the liked songs, newest first. Raises ``UnknownUser``."""
    def dislikes(self, name: str) -> list[str]:
        """Returns the ids of the disliked songs, newest first. Raises ``UnknownUser``."""
    def record_listen(self, name: str, song: str) -> None:
        """Records that a song was listened to; a full history drops its oldest entry. Otherwise raises what
        ``add_favourite`` raises.
        """
    def history(self, name: str, limit: int = 100) -> list[Listen]:
        """Returns what was listened to, latest first, at most ``limit`` entries. Raises ``UnknownUser``."""
    def clear_history(self, name: str) -> int:
        """Forgets everything that was listened to; returns the number of entries. Raises ``UnknownUser``."""
    def taste(self, name: str) -> dict[str, float]:
        """Returns the taste of a user: song ids with weights from -1 (disliked) to 1, for ``HybridQuery.lean_towards``.

        A favourite and a like weigh 1 each, a dislike -1, a listen 0.25. Each weight halves with every
        ``taste_half_life``, and the sum is clamped to the range -1 to 1. Raises ``UnknownUser``.
        """
    def export(self, name: str) -> str:
        """Returns everything stored about a user as JSON, without the hashes of password and tokens. Raises
        ``UnknownUser``.
        """
    def backup(self, path: _Path) -> None:
        """Writes a backup of the store, as it is now, to a file that does not exist yet. Other threads and processes go
        on reading and writing.

        The backup is one file, readable by its owner only, verified and synced before it gets its name. It is a store
        like any other: it can be opened, or restored with ``restore``. Raises ``FileExistsError``.
        """
    @staticmethod
    def restore(backup: _Path, path: _Path, *, replace: bool = False) -> None:
        """Restores a backup, or any other store file, to ``path``. The backup is verified first and is not changed.

        An existing file is only overwritten with ``replace``. A store is overwritten in one transaction: processes that
        have it open continue with the restored data. Raises ``FileExistsError``, ``FileNotFoundError``, ``UserError``
        if the backup cannot be used; nothing is changed then.
        """
    def verify(self) -> None:
        """Reads and checks every page of the file, about a second per gigabyte. Raises ``UserError`` at the first
        damage.
        """
    def __reduce__(self) -> NoReturn: ...

@final
class NewSession:
    """A session that has just started, and its token. Its ``repr`` does not show the token, and it cannot be pickled or
    copied.
    """

    @property
    def token(self) -> str:
        """The secret that identifies the session, for a cookie (``HttpOnly``, ``Secure``, ``SameSite``).

        The store keeps only its hash, so it cannot be retrieved later.
        """
    @property
    def device(self) -> str:
        """The secret that identifies the client, to pass as ``device`` at its next log-in. Keep it in a separate cookie
        that outlives the session. It does not log anybody in.
        """
    @property
    def session(self) -> Session:
        """The session that the token identifies."""
    @property
    def username(self) -> str:
        """The user name, as it was registered."""
    def __reduce__(self) -> NoReturn: ...

@final
class Session:
    """An open session of a user. Nothing in it is secret."""

    @property
    def id(self) -> int:
        """The id that ``UserStore.revoke`` takes."""
    @property
    def username(self) -> str:
        """The user name, as it was registered."""
    @property
    def label(self) -> str | None:
        """The label that was given at log-in, such as ``"Firefox on Linux"``."""
    @property
    def created(self) -> datetime.datetime:
        """When it started, in UTC."""
    @property
    def last_seen(self) -> datetime.datetime:
        """When it was last resumed, accurate to a minute, in UTC."""
    @property
    def ends(self) -> datetime.datetime:
        """When it ends even if it is in constant use, in UTC."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Account:
    """The data of an account, without its secrets."""

    @property
    def username(self) -> str:
        """The user name, as it was registered."""
    @property
    def created(self) -> datetime.datetime:
        """When it was registered, in UTC."""
    @property
    def disabled(self) -> datetime.datetime | None:
        """When it was disabled, in UTC; ``None`` if it is not disabled."""
    @property
    def external_id(self) -> str | None:
        """The id by which another service knows the person; see ``UserStore.register_external``."""
    @property
    def hash_kind(self) -> str | None:
        """The kind of its password hash and what it costs, such as ``"argon2id:19:19456:2:1"`` or ``"bcrypt:12"``;
        ``None`` if it has no password.
        """
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Listen:
    """An entry of the listening history."""

    @property
    def song(self) -> str:
        """The id of the song."""
    @property
    def at(self) -> datetime.datetime:
        """When it was listened to, in UTC."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]
