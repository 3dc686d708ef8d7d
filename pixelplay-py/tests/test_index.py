"""Search, filters and the arrays of an index."""

import copy
import gc
import pickle
from pathlib import Path

import numpy as np
import pixelplay as pp
import pytest
from conftest import unit_vectors, write_random


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> tuple[pp.SongIndex, np.ndarray]:
    path = tmp_path_factory.mktemp("random") / "songs.arrow"
    vectors = write_random(path, 500, 24)
    return pp.SongIndex.open(path), vectors


@pytest.mark.parametrize("mmap", [True, False])
def test_search_is_a_brute_force_in_float64(random: tuple[pp.SongIndex, np.ndarray], mmap: bool) -> None:
    index, vectors = random
    index = pp.SongIndex.open(index.path, mmap=mmap)
    for query in unit_vectors(5, 24, seed=1):
        expected = vectors.astype(np.float64) @ query.astype(np.float64)
        best = np.argsort(-expected, kind="stable")[:7]
        hits = index.search(query, k=7)
        assert hits.ids == [f"song-{row}" for row in best] == list(index.ids[best])
        assert [hit.row for hit in hits] == best.tolist()
        np.testing.assert_allclose(hits.scores, expected[best], rtol=1e-12)


def test_many_queries_are_each_alone(random: tuple[pp.SongIndex, np.ndarray]) -> None:
    index, _ = random
    queries = unit_vectors(9, 24, seed=2)
    rows, scores = index.search_many(queries, k=4)
    assert rows.shape == scores.shape == (9, 4)
    assert (rows.dtype, scores.dtype) == (np.int64, np.float64) and rows.flags.writeable
    for query, found, score in zip(queries, rows, scores):
        hits = index.search(query, k=4)
        assert [hit.row for hit in hits] == found.tolist() and hits.scores == score.tolist()
    as_list = index.search_many([pp.Embedding(query) for query in queries], k=4)
    assert np.array_equal(as_list[0], rows)
    assert index.search_many(np.zeros((0, 24), np.float32))[0].shape == (0, 10)
    assert index.search_many(queries, k=10**12)[0].shape == (9, 500)
    assert index.search_many(queries, k=0)[0].shape == (9, 0)


def test_quantized_vectors_change_the_size_of_the_file_alone(
    random: tuple[pp.SongIndex, np.ndarray], tmp_path: Path
) -> None:
    index, vectors = random
    plain = tmp_path / "plain.arrow"
    pp.write_index(plain, list(index.ids), vectors, quantized=False)
    assert plain.stat().st_size < index.path.stat().st_size
    queries = unit_vectors(20, 24, seed=3)
    for quantized, plainly in zip(index.search_many(queries), pp.SongIndex.open(plain).search_many(queries)):
        assert np.array_equal(quantized, plainly)
    assert [hit.match_percent for hit in index.search(queries[0])] == [
        hit.match_percent for hit in pp.SongIndex.open(plain).search(queries[0])
    ]


def test_what_a_filter_leaves_out_is_minus_one(songs: pp.SongIndex) -> None:
    rows, scores = songs.search_many([songs.embedding("a")], k=3, where=pp.col("genre") == "folk")
    assert rows[0, 2] == -1 and np.isnan(scores[0, 2]) and set(rows[0, :2]) == {1, 3}


def test_vectors_are_the_file(random: tuple[pp.SongIndex, np.ndarray], tmp_path: Path) -> None:
    index, vectors = random
    assert np.array_equal(index.vectors, vectors) and index.vectors.ctypes.data == index.vectors.ctypes.data
    assert not index.vectors.flags.writeable
    with pytest.raises(ValueError):
        index.vectors[0, 0] = 1
    with pytest.raises(ValueError):
        index.vectors.flags.writeable = True

    path = tmp_path / "songs.arrow"
    write_random(path, 50, 8)
    array = pp.SongIndex.open(path).vectors
    path.unlink()
    gc.collect()
    assert array.sum() == array.copy().sum()  # the array keeps the file mapped


def test_vectors_of_several_batches(csv: Path, enc: pp.Encoder, tmp_path: Path) -> None:
    pp.build_index(csv, tmp_path / "songs.arrow", encoder=enc, batch_rows=3)
    index = pp.SongIndex.open(tmp_path / "songs.arrow")
    with pytest.raises(ValueError, match="vector_chunks"):
        _ = index.vectors
    assert [chunk.shape for chunk in index.vector_chunks] == [(3, 384), (1, 384)]


def test_an_index_without_songs(tmp_path: Path) -> None:
    path = tmp_path / "empty.arrow"
    pp.write_index(path, [], np.zeros((0, 4), np.float32))
    index = pp.SongIndex.open(path)
    assert not index and len(index) == 0 and index.vectors.shape == (0, 4) and index.ids.shape == (0,)
    assert len(index.search([1.0, 0, 0, 0])) == 0 and index.to_arrow().num_rows == 0


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        (pp.col("energy") >= 0.6, "ac"),
        (pp.col("energy") > np.float32(0.75), "a"),
        ((pp.col("year") < 2000) & (pp.col("genre") == "folk"), "b"),
        ((pp.col("year") < 1990) | pp.col("genre").is_in(["pop", "jazz"]), "ac"),
        (~(pp.col("year") < 1990), "bc"),
        (pp.col("year").is_null(), "d"),
        (pp.col("year").between(np.int64(1999), 2009), "bc"),
        (pp.col("explicit") == True, "a"),  # noqa: E712 A column is not a bool.
        (pp.col("explicit") != np.True_, "bd"),
        (pp.col("label") == "Blue", "ad"),
        (pp.col("id") <= "b", "ab"),
        ("energy >= 0.6 and genre in (pop, 'hip hop')", "c"),
    ],
)
def test_filters(songs: pp.SongIndex, where: pp.Filter | str, ids: str) -> None:
    query = songs.embedding("a")
    assert sorted(songs.search(query, where=where).ids) == list(ids)
    assert sorted(songs.similar("a", where=where).ids) == sorted(set(ids) - {"a"})
    hits = pp.HybridQuery(image=query).search(songs, where=where)
    assert sorted(hits.ids) == list(ids)


def test_filters_are_values() -> None:
    where = (pp.col("energy") >= 0.5) & ~pp.col("genre").is_in(["it's", "pop"])
    assert pp.Filter.parse(str(where)) == where == pickle.loads(pickle.dumps(where)) == copy.copy(where)
    assert where != (pp.col("energy") >= 0.4) and "energy" in repr(where)
    for wrong in (
        lambda: bool(where),
        lambda: 0.2 <= pp.col("energy") <= 0.8,
        lambda: where and where,
        lambda: pp.col("year") == None,  # noqa: E711 The mistake that the error explains.
        lambda: pp.col("year") == [1],
        lambda: pp.col("genre").is_in("pop"),
        lambda: where & True,
    ):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(ValueError, match="64 bits"):
        _ = pp.col("year") == 2**70


def test_filters_that_do_not_fit_name_the_columns(songs: pp.SongIndex) -> None:
    query = songs.embedding("a")
    for where in [pp.col("enrgy") > 1, pp.col("energy") == "high", "enrgy > 1"]:
        with pytest.raises(pp.FilterError, match="danceability"):
            songs.search(query, where=where)
    with pytest.raises(pp.FilterError, match="character"):
        songs.search(query, where="energy >>> 1")
    with pytest.raises(pp.FilterError, match="finite"):
        songs.search(query, where=pp.col("energy") > float("nan"))
    with pytest.raises(TypeError, match="where"):
        songs.search(query, where=lambda song: True)  # type: ignore[arg-type]


def test_songs_are_mappings(songs: pp.SongIndex) -> None:
    song = songs.song("a")
    assert song["title"] == "Storm" and song.id == song["id"] == "a"
    assert (song["year"], song["energy"], song["explicit"], song["label"]) == (1979, 0.9, True, "Blue")
    assert songs.song("d")["year"] is None and "label" in song and "nonsense" not in song
    assert dict(song) == dict(song.items()) == dict(zip(song.keys(), song.values()))
    assert len(song) == len(list(song)) and song.get("nonsense", 3) == 3 and song.words
    with pytest.raises(KeyError):
        song["nonsense"]
    assert "a" in songs and "z" not in songs and 3 not in songs
    assert song == songs.song("a") != songs.song("b")


def test_hits_are_a_sequence(songs: pp.SongIndex) -> None:
    hits = songs.similar("a", k=3)
    assert len(hits) == 3 and [hit.id for hit in hits] == hits.ids and "a" not in hits.ids
    assert hits[0].song["title"] and 0 <= hits[-1].match_percent <= 100 and hits[0].score >= hits[1].score
    assert hits[1:].ids == hits.ids[1:] and hits[::-1].ids == hits.ids[::-1] and len(hits[5:]) == 0
    with pytest.raises(IndexError):
        hits[3]
    with pytest.raises(ValueError, match="by"):
        songs.similar("a", by="magic")  # type: ignore[arg-type]


def test_options(songs: pp.SongIndex) -> None:
    query = songs.embedding("a")
    assert "a" not in songs.search(query, exclude=["a", "", "nobody"]).ids
    assert songs.search(query, min_score=0.9999).ids == ["a"]
    assert songs.search(query, threads=1).ids == songs.search(query).ids
    for bad in ({"threads": 0}, {"min_score": float("nan")}):
        with pytest.raises(ValueError):
            songs.search(query, **bad)  # type: ignore[arg-type]
    with pytest.raises((OverflowError, ValueError)):
        songs.search(query, k=-1)
    with pytest.raises(TypeError):
        songs.search(query, exclude="a")


def test_hybrid_queries(songs: pp.SongIndex, enc: pp.Encoder) -> None:
    image, text = enc.encode_text("a storm"), enc.encode_text("a calm morning")
    query = pp.HybridQuery(image=image, text=text, text_weight=0.25)
    blend = 0.75 * np.asarray(image, np.float64) + 0.25 * np.asarray(text, np.float64)
    blend /= np.linalg.norm(blend)
    np.testing.assert_allclose(np.asarray(query.blend(songs)), blend, atol=1e-6)
    moved = query.like("b", weight=0.5).unlike(enc.encode_text("sad"), weight=0.2)
    assert "b" not in moved.search(songs).ids and "b" in query.search(songs).ids
    assert len(query.search(songs, max_per_artist=1)) == 3
    assert sorted(query.search(songs, diversity=0.9).ids) == list("abcd")
    for bad in (pp.HybridQuery(), pp.HybridQuery(image, text, 7.0), pp.HybridQuery(image).unlike(image, weight=1.0)):
        with pytest.raises(pp.QueryError):
            bad.search(songs)
    with pytest.raises(pp.UnknownSong):
        pp.HybridQuery().like("nobody").search(songs)


def test_the_starter_catalogue(enc: pp.Encoder) -> None:
    index = pp.starter_index(enc)
    assert len(index) > 400 and index.fingerprint == enc.fingerprint
    assert len(index.search(enc.encode_text("rainy night drive"), k=5)) == 5
    index.verify()
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(index)


def test_hubness_correction_ranks_by_what_is_left_of_the_score(tmp_path: Path) -> None:
    path = tmp_path / "songs.arrow"
    vectors = write_random(path, 300, 24)
    bank, query = unit_vectors(40, 24, seed=4), unit_vectors(1, 24, seed=5)[0]
    plain = pp.SongIndex.open(path).search(query, k=5)
    with pytest.raises(pp.SongIndexError, match="correct_hubness"):
        pp.SongIndex.open(path).search(query, hubness_correction=0.5)
    name = pp.correct_hubness(path, bank, nearest=3)
    index = pp.SongIndex.open(path)
    assert index.query_bank == name
    assert index.search(query, k=5).ids == plain.ids

    cosines = vectors.astype(np.float64) @ bank.T.astype(np.float64)
    biases = np.sort(cosines, axis=1)[:, -3:].mean(axis=1).astype(np.float32)
    scores = vectors.astype(np.float64) @ query.astype(np.float64)
    corrected = scores - 0.5 * biases
    best = np.argsort(-corrected, kind="stable")[:5]
    hits = index.search(query, k=5, hubness_correction=0.5)
    assert [hit.row for hit in hits] == best.tolist()
    np.testing.assert_allclose([hit.corrected_score for hit in hits], corrected[best], rtol=1e-6)
    np.testing.assert_allclose(hits.scores, scores[best], rtol=1e-12)
    assert pp.HybridQuery(text=query).search(index, k=5, hubness_correction=0.5).ids == hits.ids
    for weight in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="hubness correction"):
            index.search(query, hubness_correction=weight)
    with pytest.raises(ValueError, match="nearest"):
        pp.correct_hubness(path, bank, nearest=41)
    with pytest.raises(pp.EmbeddingError):
        pp.correct_hubness(path, unit_vectors(40, 23, seed=4))
