"""Pictures and texts in all supported forms, and their embeddings."""

import copy
import io
import os
import pathlib
import pickle

import numpy as np
import pixelplay as pp
import pytest
from conftest import SAMPLES
from PIL import Image

ASTRONAUT = SAMPLES[0]


def test_the_embedded_checkpoint(enc: pp.Encoder) -> None:
    assert enc.dim == 384 and enc.name == "pixelplay-mini"
    assert pp.Encoder().fingerprint == enc.fingerprint
    v = enc.encode_image(ASTRONAUT)
    array = np.asarray(v)
    assert array.shape == (384,) and array.dtype == np.float32
    assert abs(float(np.linalg.norm(array.astype(np.float64))) - 1) < 1e-6
    assert v.fingerprint == enc.fingerprint and len(v) == v.dim == 384


def test_every_form_of_a_picture_is_the_same_picture(enc: pp.Encoder) -> None:
    expected = enc.encode_image(ASTRONAUT)
    content = ASTRONAUT.read_bytes()

    class Reference(os.PathLike):
        def __fspath__(self) -> str:
            return str(ASTRONAUT)

    with open(ASTRONAUT, "rb") as file:
        for form in [
            str(ASTRONAUT),
            pathlib.Path(ASTRONAUT),
            Reference(),
            content,
            bytearray(content),
            memoryview(content),
            file,
        ]:
            assert enc.encode_image(form) == expected, type(form)
    # Decoded by Pillow, whose JPEG decoder differs by one level in some pixels.
    with Image.open(ASTRONAUT) as picture:
        close = enc.encode_image(picture)
        rgb = np.asarray(picture.convert("RGB"))
    assert close.dot(expected) > 0.999
    assert enc.encode_image(rgb) == close


def test_arrays_in_any_layout(enc: pp.Encoder) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    expected = enc.encode_image(pixels)
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, ::2] = pixels
    for same in [np.asfortranarray(pixels), pixels[::-1][::-1], wide[:, ::2], Image.fromarray(pixels)]:
        assert enc.encode_image(same) == expected
    opaque = np.dstack([pixels, np.full((40, 60), 255, np.uint8)])
    assert enc.encode_image(opaque) == expected
    grey = pixels[:, :, 0]
    assert enc.encode_image(grey) == enc.encode_image(np.dstack([grey] * 3)) == enc.encode_image(Image.fromarray(grey))


def test_pillow_images_are_turned_upright_and_laid_on_white(enc: pp.Encoder) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    sideways = Image.fromarray(np.rot90(pixels).copy())
    exif = sideways.getexif()
    exif[0x0112] = 6  # "turn by 90 degrees clockwise to show"
    file = io.BytesIO()
    sideways.save(file, "PNG", exif=exif)
    file.seek(0)
    upright = enc.encode_image(pixels)
    assert enc.encode_image(file.getvalue()) == upright
    assert enc.encode_image(Image.open(file)) == upright

    clear = Image.new("RGBA", (32, 32), (10, 20, 30, 0))
    assert enc.encode_image(clear) == enc.encode_image(Image.new("RGB", (32, 32), "white"))


@pytest.mark.parametrize(
    ("image", "error", "says"),
    [
        (np.zeros((4, 4, 3), np.float32), TypeError, "uint8"),
        (np.zeros((4, 4, 2), np.uint8), ValueError, r"\(4, 4, 2\)"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, "at least one pixel"),
        (np.zeros(4, np.uint8), ValueError, "shape"),
        (Image.new("F", (4, 4)), TypeError, "mode 'F'"),
        (io.StringIO("x"), TypeError, "'rb'"),
        (7, TypeError, "not int"),
        (None, TypeError, "not NoneType"),
        (b"", pp.EncodeError, "empty"),
        (b"GIF89a", pp.EncodeError, "GIF"),
        ("a\0b", ValueError, "a.b"),
    ],
)
def test_what_is_no_picture(enc: pp.Encoder, image: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        enc.encode_image(image)  # type: ignore[arg-type]


def test_many_pictures_are_each_alone(enc: pp.Encoder) -> None:
    one_by_one = np.stack([np.asarray(enc.encode_image(path)) for path in SAMPLES])
    V = enc.encode_images(iter(SAMPLES), batch_size=2)
    assert np.asarray(V).shape == (len(SAMPLES), 384)
    np.testing.assert_allclose(np.asarray(V), one_by_one, atol=1e-6)
    assert [v.fingerprint for v in V] == [enc.fingerprint] * len(SAMPLES)
    assert V[-1] == V[len(V) - 1] and len(V[1:]) == len(V) - 1
    assert np.array_equal(np.asarray(V[::-1]), np.asarray(V)[::-1])
    with pytest.raises(IndexError):
        V[len(V)]
    assert np.asarray(enc.encode_images([])).shape == (0, 384)
    with pytest.raises(pp.EncodeError, match="image 1"):
        enc.encode_images([SAMPLES[0], b"no picture"])


def test_texts(enc: pp.Encoder) -> None:
    texts = ["rainy night drive", "", "rainy night drive", "Zoë 🎵 " * 200]
    T = enc.encode_texts(texts, batch_size=2)
    assert T[0] == T[2] and len(T) == 4
    assert enc.encode_text(texts[0]).dot(T[0]) == pytest.approx(1, abs=1e-6)
    with pytest.raises(TypeError, match="encode_text"):
        enc.encode_texts("one")
    with pytest.raises(TypeError):
        enc.encode_texts([1])  # type: ignore[list-item]
    with pytest.raises(UnicodeEncodeError):
        enc.encode_text("\ud800")


def test_arrays_share_memory_and_cannot_be_written(enc: pp.Encoder) -> None:
    v = enc.encode_text("sea")
    first, second = np.asarray(v), np.asarray(v)
    assert first.ctypes.data == second.ctypes.data and not first.flags.writeable
    V = enc.encode_texts(["sea", "sun"])
    del v
    array = np.asarray(V)
    del V
    assert np.isfinite(array).all()  # the array keeps the memory alive
    assert np.asarray(array, dtype=np.float64).dtype == np.float64


def test_embeddings_are_values(enc: pp.Encoder) -> None:
    v, V = enc.encode_text("sea"), enc.encode_texts(["sea", "sun"])
    for again in [pickle.loads(pickle.dumps(v)), copy.copy(v), copy.deepcopy(v)]:
        assert again == v and again.fingerprint == v.fingerprint
    again = pickle.loads(pickle.dumps(V))
    assert list(again) == list(V) and again.fingerprint == V.fingerprint
    assert v != enc.encode_text("sun") and v != 3
    with pytest.raises(TypeError):
        hash(v)
    for handle in (enc,):
        with pytest.raises(TypeError, match="pickle"):
            pickle.dumps(handle)


def test_vectors_of_ones_own() -> None:
    v = pp.Embedding([3, 4], normalize=True)
    assert np.asarray(v).tolist() == pytest.approx([0.6, 0.8])
    assert pp.Embedding(np.array([0.6, 0.8], np.float16)).fingerprint is None
    assert v.dot([0.6, 0.8]) == pytest.approx(1)
    for bad in ([3.0, 4.0], [np.nan, 1.0], [0.0, 0.0], [1e300, 0.0], []):
        with pytest.raises(pp.EmbeddingError):
            pp.Embedding(bad)
    for bad in (["a"], [1j], "text", None):
        with pytest.raises(TypeError):
            pp.Embedding(bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="shape"):
        pp.Embedding([[1.0, 0.0]])  # type: ignore[list-item]
    with pytest.raises(pp.EmbeddingError, match="different encoders"):
        pp.Embedding([1.0], "one").dot(pp.Embedding([1.0], "two"))


def test_moods(enc: pp.Encoder) -> None:
    mood = enc.mood(ASTRONAUT)
    assert dict(mood) == {axis: mood[axis] for axis in ("energy", "valence", "danceability", "acousticness")}
    assert all(0 <= value <= 1 for value in mood.values())
    assert mood.words and all(isinstance(word, str) for word in mood.words)
    assert enc.mood(enc.encode_image(ASTRONAUT)) == mood
    assert "energy" in mood and mood.get("tempo") is None and "tempo" not in mood
    with pytest.raises(KeyError):
        mood["tempo"]
    with pytest.raises(pp.EncodeError):
        enc.mood(pp.Embedding([1.0], "another space"))


def test_threads_change_nothing_and_int8_little(enc: pp.Encoder) -> None:
    image = np.arange(60 * 80 * 3, dtype=np.uint32).reshape(60, 80, 3).astype(np.uint8)
    vector = np.asarray(enc.encode_image(image))
    one = pp.Encoder(threads=1)
    assert np.array_equal(np.asarray(one.encode_image(image)), vector)
    assert np.array_equal(np.asarray(one.encode_text("rain")), np.asarray(enc.encode_text("rain")))

    small = pp.Encoder(precision="int8")
    assert small.fingerprint == enc.fingerprint
    # The vision tower is convolutional and stays in float32.
    assert np.array_equal(np.asarray(small.encode_image(image)), vector)
    likeness = float(np.asarray(small.encode_text("rain")) @ np.asarray(enc.encode_text("rain")))
    assert 0.99 < likeness < 1 - 1e-7  # close but not equal, so int8 is used

    with pytest.raises(ValueError, match="at least 1"):
        pp.Encoder(threads=0)
    with pytest.raises(ValueError, match="int4"):
        pp.Encoder(precision="int4")  # type: ignore[arg-type]
