"""Tables as input, indexes from tables, and tables from indexes."""

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pixelplay as pp
import polars as pl
import pyarrow as pa
import pytest
from conftest import CSV, unit_vectors


def tables(path: Path) -> dict[str, object]:
    return {
        "bytes": path.read_bytes(),
        "file": io.BytesIO(path.read_bytes()),
        "gzip": gzip.compress(path.read_bytes()),
        "pandas": pd.read_csv(path),
        "polars": pl.read_csv(path),
        "pyarrow": pa.Table.from_pandas(pd.read_csv(path), preserve_index=False),
        "pyarrow in batches": pa.Table.from_batches(pa.table(pl.read_csv(path)).to_batches(max_chunksize=1)),
        "categories": pd.read_csv(path).astype({"genre": "category", "artist": "category"}),
    }


def test_every_form_of_a_table_gives_the_same_songs(csv: Path) -> None:
    expected, report = pp.clean(csv)
    assert (report["rows_read"], report["kept"], report["schema"]) == (4, 4, report.to_dict()["schema"])
    assert "4" in str(report) and "kept" in report and len(report) == len(report.keys())
    for name, table in tables(csv).items():
        found, _ = pp.clean(table)
        assert found.to_pylist() == expected.to_pylist(), name


def test_the_same_index_from_every_form(csv: Path, enc: pp.Encoder, tmp_path: Path, songs: pp.SongIndex) -> None:
    out = tmp_path / "songs.arrow"
    for name, table in tables(csv).items():
        cleaned, built = pp.build_index(table, out, encoder=enc)
        assert (cleaned["kept"], built["songs"]) == (4, 4), name
        assert out.read_bytes() == songs.path.read_bytes(), name


def test_cleaned_tables_go_where_arrow_goes(csv: Path) -> None:
    table, _ = pp.clean(csv)
    assert table.num_rows == len(table) == 4 and table.column_names[0] == "id" and table.num_columns > 20
    arrow = pa.table(table)
    assert arrow["title"].to_pylist() == ["Storm", "Dawn", "Night, Drive", "Rain"]
    assert pl.DataFrame(table)["year"].to_list() == [1979, 1999, 2009, None]
    assert table.to_pandas()["energy"].tolist() == [0.9, 0.2, 0.6, 0.1]
    again, _ = pp.clean(table)
    assert again.to_pylist() == table.to_pylist()


def test_pandas_without_pyarrow(csv: Path) -> None:
    class Frame:
        """Behaves like a pandas data frame if pyarrow is not installed."""

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            raise ImportError("pyarrow")

        def to_csv(self, *, index: bool) -> str:
            return CSV

    assert pp.clean(Frame())[0].to_pylist() == pp.clean(csv)[0].to_pylist()


def test_headers_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "werke.csv"
    path.write_text("Werk;Wer\nSturm;Ada\n")
    with pytest.raises(pp.CatalogError, match="title"):
        pp.clean(path)
    table, _ = pp.clean(path, columns={"title": "Werk", "artist": "Wer"}, delimiter=";")
    assert table.to_pylist()[0]["title"] == "Sturm"
    for delimiter in ("", ";;", "é", '"'):
        with pytest.raises(ValueError):
            pp.clean(path, delimiter=delimiter)


def test_the_table_itself_is_never_overwritten(csv: Path, enc: pp.Encoder, tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    path.write_text(CSV)
    with pytest.raises(pp.CatalogError, match="itself"):
        pp.build_index(path, path, encoder=enc)
    assert path.read_text() == CSV


@pytest.mark.parametrize("table", [3, None, ["a"], object()])
def test_what_is_no_table(table: object) -> None:
    with pytest.raises(TypeError, match="table"):
        pp.clean(table)  # type: ignore[arg-type]


def test_hostile_capsules() -> None:
    class Liar:
        def __init__(self, answer: object) -> None:
            self.answer = answer

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return self.answer

    with pytest.raises(TypeError, match="capsule"):
        pp.clean(Liar("nothing"))
    with pytest.raises(ValueError):  # A capsule with another name.
        pp.clean(Liar(pa.schema([]).__arrow_c_schema__()))
    used = pa.table({"title": ["x"], "artist": ["y"]}).__arrow_c_stream__()
    assert len(pp.clean(Liar(used))[0]) == 1
    with pytest.raises(ValueError):  # Its stream was already consumed.
        pp.clean(Liar(used))


def test_vectors_one_has(tmp_path: Path) -> None:
    path, vectors = tmp_path / "mine.arrow", unit_vectors(3, 6)
    assert pp.write_index(path, ["x", "y", "z"], vectors) is None
    index = pp.SongIndex.open(path)
    assert np.array_equal(index.vectors, vectors) and index.fingerprint is None
    assert index.search(vectors[1], k=1).ids == ["y"]

    pp.write_index(path, np.array(["x", "y", "z"]), 5 * vectors.astype(np.float64), normalize=True, fingerprint="mine")
    scaled = pp.SongIndex.open(path)
    assert scaled.fingerprint == "mine"
    np.testing.assert_allclose(scaled.vectors, vectors, atol=1e-6)
    assert np.array_equal(index.vectors, vectors)  # an open index does not change


def test_songs_of_vectors(tmp_path: Path) -> None:
    path, vectors = tmp_path / "mine.arrow", unit_vectors(2, 6)
    songs = [{"title": "Rain", "year": np.int64(1999), "energy": 1, "mood": "x"}, {"artist": "Ana", "year": None}]
    pp.write_index(path, ["x", "y"], vectors, songs)
    index = pp.SongIndex.open(path)
    assert (index.song("x")["title"], index.song("x")["year"], index.song("x")["energy"]) == ("Rain", 1999, 1.0)
    assert index.song("x")["mood"] == "x" and index.song("y")["artist"] == "Ana"

    for table in (pd.DataFrame(songs), pl.DataFrame({"title": ["Rain", None], "id": ["not", "used"]})):
        report = pp.write_index(path, pd.Series(["x", "y"]), vectors, table)
        assert report is not None and report["rows_read"] == 2
        assert pp.SongIndex.open(path).song("x")["title"] == "Rain"
    pp.write_index(path, pa.array(["x", "y"]), vectors, index)  # an index is a table too
    assert pp.SongIndex.open(path).song("y")["artist"] == "Ana"


def test_embeddings_one_by_one_name_their_space_too(tmp_path: Path, enc: pp.Encoder) -> None:
    path, words = tmp_path / "mine.arrow", [enc.encode_text("rain"), enc.encode_text("sun")]
    pp.write_index(path, ["x", "y"], words)
    assert pp.SongIndex.open(path).fingerprint == enc.fingerprint
    with pytest.raises(ValueError, match="row 1 is not in the space of the first"):
        pp.write_index(path, ["x", "y"], [words[0], pp.Embedding(np.asarray(words[1]))])
    assert len(pp.SongIndex.open(path)) == 2


def test_what_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    path, good = tmp_path / "mine.arrow", unit_vectors(2, 6)
    pp.write_index(path, ["x", "y"], good)
    before = path.read_bytes()
    nan, long = good.copy(), good.copy()
    nan[1, 3], long[1] = np.nan, 7
    for arguments, error in [
        ((["x", "x"], good), pp.SongError),
        ((["x", "y"], nan), pp.SongError),
        ((["x", "y"], long), pp.SongError),
        ((["x", ""], good), ValueError),
        ((["x"], good), ValueError),
        ((["x", "y"], good[0]), ValueError),
        (("xy", good), TypeError),
        (([1, 2], good), TypeError),
        ((["x", "y"], [["a"], ["b"]]), TypeError),
        ((["x", "y"], good, [{"year": "x"}, {}]), TypeError),
        ((["x", "y"], good, [{}]), ValueError),
        ((["x", "y"], good, [{}, {}, {}]), ValueError),
        ((["x", "y"], good, [{}, 3]), TypeError),
        ((["x", "y"], good, [{}, {"embedding": "3"}]), pp.SongError),
        ((["x", "y"], good, None, "bad\nname"), pp.EmbeddingError),
    ]:
        with pytest.raises(error):
            pp.write_index(path, *arguments)
        assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_an_index_is_a_table(songs: pp.SongIndex) -> None:
    table = pa.table(songs)
    assert table["id"].to_pylist() == list(songs.ids)
    vectors = table["embedding"].chunk(0).values.to_numpy()
    assert vectors.ctypes.data == songs.vectors.ctypes.data  # the same memory
    frame = songs.to_arrow().to_pandas()
    assert np.array_equal(np.stack(frame["embedding"]), songs.vectors)
    hits = songs.similar("a")
    assert hits.to_pandas()["id"].tolist() == hits.ids and pl.DataFrame(hits)["score"].to_list() == hits.scores
    assert hits.to_arrow().column_names[:3] == ["id", "score", "match_percent"]
    assert len(hits[:0].to_pandas()) == 0


def test_songs_are_described_by_their_features(songs: pp.SongIndex, tmp_path: Path) -> None:
    song = {"id": "x", "genre": "techno", "year": 1994, "energy": 0.95, "valence": 0.2}
    sentences = pp.describe(song)
    assert 2 <= len(sentences) <= 8 and sentences[0].text.endswith("1990s techno")
    assert {sentence.source for sentence in sentences} >= {"genre", "mood"} and sentences[0].score is None
    assert repr(sentences[0]) == f"Sentence('{sentences[0]}', source='genre')"
    assert pp.describe(song) == sentences != pp.describe(song | {"energy": 0.1})
    assert "\n".join(map(str, pp.describe(songs.song("a")))) == songs.song("a")["description"]
    title = pp.describe({"id": "x", "title": "Wild Horses (Live)", "artist": "nobody"})
    assert [(t.text, t.source, t.source_words) for t in title] == [("a photo of Wild Horses", "title", "its title")]
    assert pp.describe({"id": "x", "artist": "nobody"}) == []

    own = tmp_path / "own.toml"
    own.write_text(pp.templates().replace('"strobe lights in a dark warehouse"', '"one light"'))
    assert pp.describe(song, own) != [] and pp.templates() in own.read_text().replace(
        '"one light"', '"strobe lights in a dark warehouse"'
    )
    own.write_text("version = 3")
    with pytest.raises(pp.CatalogError, match=r"own\.toml"):
        pp.describe(song, own)
    with pytest.raises(FileNotFoundError):
        pp.describe(song, tmp_path / "none.toml")
    for wrong, error in [({"title": "x"}, ValueError), (3, ValueError), ({"id": "x", "energy": "much"}, TypeError)]:
        with pytest.raises(error):
            pp.describe(wrong)  # type: ignore[arg-type]


def test_titles_find_what_they_name_and_say_so(enc: pp.Encoder, tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "id": ["horses", "other", "tagged"],
            "title": ["Wild Horses", "Untitled 4", "Song 2"],
            "artist": "x",
            "energy": 0.5,
            "valence": 0.5,
            "tags": [None, None, "horses; meadow"],
        }
    )
    query = enc.encode_text("horses running across a field")

    def first(**words: float) -> tuple[pp.SongIndex, list[str]]:
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.arrow"
        pp.build_index(table, out, encoder=enc, **words)  # type: ignore[arg-type]
        index = pp.SongIndex.open(out)
        return index, index.search(query, k=3).ids

    index, found = first()
    assert found[2] == "other"
    best = pp.why(index.song("horses"), query, enc)[0]
    assert (
        (best.source, best.text) == ("title", "a photo of Wild Horses") and best.score is not None and best.score > 0.3
    )
    assert pp.why(index.song("tagged"), query, enc)[0].source_words == "its tags"
    recipe = json.loads(index.recipe or "")
    assert recipe["description"] == 2 and recipe["words"]["title"] > 0
    without, _ = first(titles=False, tags=False)
    assert json.loads(without.recipe or "")["words"]["title"] == 0
    assert "title" not in {sentence.source for sentence in pp.why(without.song("horses"), query, enc)}
    heavy, found = first(titles=3, tags=0)
    assert found[0] == "horses" and json.loads(heavy.recipe or "")["words"]["title"] == 3
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="weight of the title"):
            first(titles=wrong)
    with pytest.raises(pp.EmbeddingError):
        pp.why(index.song("horses"), pp.Embedding([0.6, 0.8]), enc)


def test_a_callable_describes(csv: Path, enc: pp.Encoder, tmp_path: Path) -> None:
    out = tmp_path / "songs.arrow"
    _, built = pp.build_index(csv, out, encoder=enc, describe=lambda song: f"a picture of {song['title']}")
    assert (built["songs"], built["vectors"], built["resumed"]) == (4, 4, 0)
    assert pp.SongIndex.open(out).song("a")["description"] == "a picture of Storm\na photo of Storm"
    pp.build_index(csv, out, encoder=enc, describe=lambda song: ["one", "two"], titles=False)
    assert pp.SongIndex.open(out).song("a")["description"] == "one\ntwo"
    before = out.read_bytes()

    def fails(song: pp.Song) -> str:
        raise LookupError(song.id)

    with pytest.raises(pp.CatalogError, match="cannot be described") as raised:
        pp.build_index(csv, out, encoder=enc, describe=fails)
    assert isinstance(raised.value.__cause__, LookupError)
    with pytest.raises(pp.CatalogError) as raised:
        pp.build_index(csv, out, encoder=enc, describe=lambda song: 3)  # type: ignore[arg-type, return-value]
    assert isinstance(raised.value.__cause__, TypeError)
    with pytest.raises(TypeError):
        pp.build_index(csv, out, encoder=enc, describe=3)  # type: ignore[arg-type]
    assert out.read_bytes() == before and list(tmp_path.iterdir()) == [out]


def test_a_build_that_was_stopped_goes_on(enc: pp.Encoder, tmp_path: Path) -> None:
    # Enough songs that most of the work remains when it is told to stop.
    out, parts, count = tmp_path / "songs.arrow", tmp_path / "songs.arrow.parts", 3000
    songs = pd.DataFrame(
        {"title": [f"t{i}" for i in range(count)], "artist": "x", "energy": [i / count for i in range(count)]}
    )

    def stop(stage: str, done: int, total: int | None) -> None:
        if len(list(parts.glob("*.arrow"))) >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pp.build_index(songs, out, encoder=enc, batch_rows=10, progress=stop)
    assert not out.exists() and parts.exists()
    _, built = pp.build_index(songs, out, encoder=enc, batch_rows=10)
    assert built["songs"] == count and 50 <= built["resumed"] < count
    assert list(tmp_path.iterdir()) == [out]


def test_recordings_are_merged_and_versions_told_apart(enc: pp.Encoder, tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "id": ["1", "2", "3"],
            "title": ["Africa", "Africa - 2018 Remaster", "Africa (Live)"],
            "artist": ["Toto", "TOTO", "Toto"],
            "energy": [0.5, 0.5, 0.5],
        }
    )
    cleaned, report = pp.clean(table)
    assert cleaned.to_pydict()["id"] == ["1", "3"] and report["same_recording"]["count"] == 1
    assert len(pp.clean(table, merge_recordings=False)[0]) == 3
    out = tmp_path / "songs.arrow"
    pp.build_index(table, out, encoder=enc, merge_recordings=False)
    index = pp.SongIndex.open(out)
    query = pp.HybridQuery(text=enc.encode_text("rain"))
    assert len(query.search(index)) == 3 and len(query.search(index, distinct_songs=True)) == 1


def test_hubness_counts_who_comes_up(songs: pp.SongIndex, enc: pp.Encoder) -> None:
    queries = enc.encode_texts(["a storm", "a calm morning", "a party"])
    report = songs.hubness(queries, k=1)
    assert (report["queries"], report["songs"]) == (3, 4)
    shown = {songs.search(query, k=1).ids[0] for query in queries}
    assert report["songs_ever_shown"] == len(shown) and {hub["id"] for hub in report["hubs"]} == shown
    assert songs.hubness(queries, k=4)["gini"] == 0
    assert "4" in str(report)
