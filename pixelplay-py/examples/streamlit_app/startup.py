"""Opens the encoder, the songs and the accounts once, for all users of the app."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass

import pixelplay as pp
import pyarrow as pa  # Streamlit itself needs it.
import pyarrow.compute as pc
import streamlit as st
from session import soon


@dataclass(frozen=True)
class Options:
    """Paths. `None` means the one that is embedded in pixelplay."""

    index: str | None
    encoder: str | None
    users: str


def options() -> Options:
    """Reads the options from the command line, after `--`, and from the environment. Raises `SystemExit` like
    argparse.
    """
    parser = argparse.ArgumentParser("streamlit run app.py --", description="A picture in, songs out.")
    parser.add_argument(
        "--index",
        metavar="FILE",
        default=os.environ.get("PIXELPLAY_INDEX"),
        help="an index written by pp.build_index, such as songs.arrow; default: the embedded catalogue ($PIXELPLAY_INDEX)",
    )
    parser.add_argument(
        "--encoder",
        metavar="DIR",
        default=os.environ.get("PIXELPLAY_ENCODER"),
        help="the Hugging Face CLIPModel folder that the index was built with; "
        "default: the embedded checkpoint ($PIXELPLAY_ENCODER)",
    )
    parser.add_argument(
        "--users",
        metavar="FILE",
        default=os.environ.get("PIXELPLAY_USERS", "users.db"),
        help="the database of accounts, created if needed; default: users.db in this folder ($PIXELPLAY_USERS)",
    )
    return Options(**vars(parser.parse_args(sys.argv[1:])))


@dataclass(frozen=True)
class App:
    """The objects that all pages share."""

    encoder: pp.Encoder
    index: pp.SongIndex
    genres: list[str]
    """The genres of the index, which the filter offers."""
    years: tuple[int, int] | None
    """The first and the last year; `None` if no song has one."""
    users: pp.UserStore


@st.cache_resource(show_spinner="Opening the songs …")
def open_app(options: Options) -> App:
    """Opens everything. Raises `PixelPlayError` if something cannot be opened, or if index and encoder do not match."""
    encoder = pp.Encoder(options.encoder)
    index = pp.SongIndex.open(options.index) if options.index else pp.starter_index(encoder)
    if index.fingerprint not in (None, encoder.fingerprint):
        raise pp.SongIndexError(
            f"{index.path} was not built with the encoder {encoder.name}; name the folder of its encoder with --encoder"
        )
    table = pa.table(index)
    years = pc.min_max(table["year"]).as_py()
    return App(
        encoder=encoder,
        index=index,
        genres=sorted(filter(None, table["genre"].unique().to_pylist())),
        years=None if years["min"] is None else (years["min"], years["max"]),
        users=soon(pp.UserStore, options.users),
    )
