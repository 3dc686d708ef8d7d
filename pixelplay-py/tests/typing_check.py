"""Checked by mypy and pyright in strict mode, but never run: typical user code must have the intended types."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pixelplay as pp
import polars as pl
from PIL import Image
from typing_extensions import assert_type

enc = pp.Encoder()
enc = pp.Encoder(Path("clip-vit-base-patch32"))
enc = pp.Encoder.from_hub("openai/clip-vit-base-patch32", revision=None, progress=True)
assert_type(enc.dim, int)
assert_type(enc.fingerprint, str)

v = enc.encode_image("beach.jpg")
enc.encode_image(Path("beach.jpg").read_bytes())
enc.encode_image(Image.new("RGB", (1, 1)))
enc.encode_image(np.zeros((1, 1, 3), np.uint8))
with open("beach.jpg", "rb") as file:
    enc.encode_image(file)
V = enc.encode_images([Path("a.jpg"), Path("b.jpg")], batch_size=8, progress=lambda stage, done, total: print(stage))
assert_type(v, pp.Embedding)
assert_type(V[0], pp.Embedding)
assert_type(V[1:], pp.Embeddings)
array: npt.NDArray[np.float32] = np.asarray(V)

mood = enc.mood("beach.jpg")
assert_type(mood["valence"], float)
assert_type(dict(mood), dict[str, float])
assert_type(mood.words, list[str])

table, report = pp.clean("songs.csv")
pp.build_index(pd.DataFrame({"title": ["x"]}), "songs.arrow", encoder=enc, progress=True)
pp.build_index(pl.DataFrame({"title": ["x"]}), "songs.arrow", encoder=enc)
pp.build_index("songs.csv", "songs.arrow", describe=lambda song: [f"a picture of {song['title']}"])
assert_type(pp.describe({"id": "a", "energy": 0.5}), list[pp.Sentence])
pp.write_index("songs.arrow", ["a"], array, songs=[{"title": "x"}], normalize=True)

index = pp.SongIndex.open("songs.arrow", mmap=True)
assert_type(index.vectors, npt.NDArray[np.float32])
where = (pp.col("energy") >= 0.5) & pp.col("genre").is_in(["pop", "rock"]) & ~(pp.col("year") == 1990)
assert_type(where, pp.Filter)
hits = index.search(v, k=10, where=where)
rows, scores = index.search_many(V, k=10)
assert_type(rows, npt.NDArray[np.int64])
for hit in hits:
    assert_type(hit, pp.SongHit)
    assert_type(hit.match_percent, float)
assert_type(index.hubness(V, k=10), pp.Report)
index.similar("id", k=10, by="audio")
query = pp.HybridQuery(image=v, text=array[0], text_weight=0.3).like("id", weight=0.5).unlike(v)
assert_type(query.search(index, k=10, max_per_artist=2), pp.Hits)
assert_type(pp.radar_svg({"Song": hits[0].song, "Picture": mood}), str)

users = pp.UserStore("users.db", idle_timeout=timedelta(hours=1), pepper=("2026", b"key"), hash=pp.HashParams())
with users as entered:
    assert_type(entered, pp.UserStore)
log_in = users.log_in("ana", "correct horse battery", source="203.0.113.7", label="phone")
assert_type(log_in, pp.NewSession)
assert_type(log_in.token, str)
session = users.resume(log_in.token)
assert_type(session.ends, datetime)
assert_type(session.label, str | None)
assert_type(users.history("ana")[0].at, datetime)
assert_type(users.start_password_reset("ana"), str)
assert_type(users.taste("ana"), dict[str, float])
assert_type(query.lean_towards(users.taste("ana"), weight=0.3), pp.HybridQuery)
try:
    users.change_password("ana", "old", "new")
except (pp.Throttled, pp.Overloaded) as error:
    assert_type(error.retry_after, float)

try:
    index.song("id")
except pp.UnknownSong as error:
    assert_type(error, pp.UnknownSong)
