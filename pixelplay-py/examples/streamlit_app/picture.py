"""The picture: it is chosen, encoded once, and shown with its mood."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path

import pixelplay as pp
import streamlit as st
from cards import bars, chips
from messages import explain
from PIL import Image, ImageOps

TYPES = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"]
# The samples are part of the repository, not of the package.
SAMPLES = sorted((Path(__file__).parents[3] / "data" / "samples").glob("*.jpg"))
_PREVIEW = (900, 900)


@dataclass(frozen=True)
class Picture:
    """What the app keeps of a picture. Pictures with the same bytes are equal."""

    digest: str
    embedding: pp.Embedding = field(compare=False, repr=False)
    mood: pp.Mood = field(compare=False, repr=False)
    preview: bytes | None = field(compare=False, repr=False)


def encode(encoder: pp.Encoder, data: bytes) -> Picture:
    """Encodes a picture. Raises `EncodeError` if the bytes are not a picture."""
    embedding = encoder.encode_image(data)
    return Picture(hashlib.sha256(data).hexdigest(), embedding, encoder.mood(embedding), _preview(data))


def _preview(data: bytes) -> bytes | None:
    """Returns a small upright JPEG, because `st.image` shrinks large pictures without applying their EXIF
    orientation.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.draft("RGB", _PREVIEW)
            small = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # The picture has been encoded nevertheless: pixelplay reads files that Pillow cannot.
    small.thumbnail(_PREVIEW)
    ground = Image.new("RGB", small.size, "white")
    ground.paste(small, mask=small)
    out = io.BytesIO()
    ground.save(out, "JPEG", quality=85)
    return out.getvalue()


def chosen(encoder: pp.Encoder) -> Picture | None:
    """Returns the picture of this session, or shows a field to drop one into."""
    place = st.empty()
    picture: Picture | None = st.session_state.get("picture")
    if picture is None:
        with place.container():
            picture = st.session_state.picture = _dropped(encoder)
    if picture:
        with place.container():
            _show(picture)
    return picture


def _dropped(encoder: pp.Encoder) -> Picture | None:
    """Returns the picture that was just uploaded or picked, if any."""
    # Each picture gets a new field, because the old field still holds the previous picture.
    uploaded = st.file_uploader(
        "A picture", type=TYPES, key=f"upload-{st.session_state.get('uploads', 0)}", help="It stays on this machine."
    )
    sample: Path | None = st.session_state.pop("sample", None)
    data = sample.read_bytes() if sample else uploaded.getvalue() if uploaded else None
    if data is None:
        return None
    try:
        with st.spinner("Looking at the picture …"):
            return encode(encoder, data)
    except pp.EncodeError as error:
        st.error(f"This picture cannot be used. {explain(error)}", icon=":material/broken_image:")
        return None


def _show(picture: Picture) -> None:
    with st.container(key="picture"):
        if picture.preview:
            st.image(picture.preview, width="stretch")
        else:
            st.caption("There is no preview of this picture.")
    st.html(chips(picture.mood.words) + bars(picture.mood))
    st.button("Another picture", key="another", icon=":material/image:", on_click=_forget, width="stretch")


def _forget() -> None:
    st.session_state.pop("picture", None)  # On a second click, it is already gone.
    st.session_state.uploads = st.session_state.get("uploads", 0) + 1


def offer_samples() -> None:
    """Shows the sample pictures of the repository, each with a button that selects it."""
    if not SAMPLES:
        return
    columns = st.container(key="samples").columns(len(SAMPLES))
    for column, path in zip(columns, SAMPLES):
        with column:
            st.image(path, width="stretch")
            st.button(
                path.stem.replace("-", " ").capitalize(), key=path.stem, on_click=_take, args=(path,), width="stretch"
            )


def _take(path: Path) -> None:
    st.session_state.sample = path
