"""Converts user input for the native half. Modules are imported only when they are needed."""

from __future__ import annotations

import os
import sys
from typing import Any


def picture(image: Any) -> str | bytes | tuple[int, int, int, bytes]:
    """Returns a path, the bytes of a picture file, or ``(width, height, channels, pixels)`` with 3 or 4 channels."""
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, (str, os.PathLike)):
        return os.fsdecode(image)
    pillow = sys.modules.get("PIL.Image")
    if pillow is not None and isinstance(image, pillow.Image):
        return _pillow(image)
    if hasattr(image, "__array_interface__") or hasattr(image, "__array__"):
        return _pixels(image)
    if hasattr(image, "read"):
        content = image.read()
        if not isinstance(content, bytes):
            raise TypeError(f"the file's read() returned {type(content).__name__}, not bytes; open it in mode 'rb'")
        return content
    raise TypeError(
        "an image is a path, bytes, a binary file, a Pillow image or a uint8 array of shape (height, width, 3), "
        f"not {type(image).__name__}"
    )


def _pillow(image: Any) -> tuple[int, int, int, bytes]:
    from PIL import ImageOps

    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        raise TypeError(
            f"Pillow images in mode {image.mode!r} have no standard brightness range; "
            "pass the path of the file, or convert the image to mode 'L' yourself"
        )
    # As for a file: rotate it upright by its EXIF data, and lay transparent parts on white.
    image = ImageOps.exif_transpose(image)
    channels = 4 if image.has_transparency_data else 3
    pixels = image.convert("RGBA" if channels == 4 else "RGB")
    return pixels.width, pixels.height, channels, pixels.tobytes()


def _pixels(image: Any) -> tuple[int, int, int, bytes]:
    import numpy as np

    pixels = np.asarray(image)
    if pixels.dtype != np.uint8:
        raise TypeError(f"an image array holds uint8 from 0 to 255, not {pixels.dtype}; scale and convert it first")
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, np.newaxis], 3, axis=2)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or 0 in pixels.shape:
        raise ValueError(
            "an image array has shape (height, width, 3), (height, width, 4) or (height, width), "
            f"and at least one pixel, not {pixels.shape}"
        )
    height, width, channels = pixels.shape
    return width, height, channels, pixels.tobytes()


def floats(numbers: Any, axes: int) -> tuple[int, int, bytes]:
    """Returns the rows and columns of an array-like with ``axes`` axes, and its float32 values in C order."""
    import numpy as np

    array = np.asarray(numbers)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"a vector holds real numbers, not {array.dtype}")
    if array.ndim != axes:
        expected = "(dim,)" if axes == 1 else "(n, dim)"
        raise ValueError(f"expected an array of shape {expected}, found {array.shape}")
    with np.errstate(over="ignore"):  # Values too large for float32 are reported as not finite.
        array = array.astype(np.float32, copy=False)
    rows, columns = (1, *array.shape)[-2:]
    return rows, columns, array.tobytes()


def table(songs: Any) -> Any:
    """Returns a path, the bytes of a CSV file, or an Arrow stream capsule."""
    if isinstance(songs, (str, os.PathLike)):
        return os.fsdecode(songs)
    if isinstance(songs, (bytes, bytearray, memoryview)):
        return bytes(songs)
    stream = getattr(songs, "__arrow_c_stream__", None)
    if stream is not None:
        try:
            capsule = stream()
        except ImportError:
            # pandas supports Arrow only if pyarrow is installed.
            if not hasattr(songs, "to_csv"):
                raise
        else:
            if type(capsule).__name__ != "PyCapsule":
                raise TypeError(f"__arrow_c_stream__ returned {type(capsule).__name__}, not a capsule")
            return capsule
    if hasattr(songs, "to_csv"):
        text: str = songs.to_csv(index=False)
        return text.encode()
    if hasattr(songs, "read"):
        content = songs.read()
        return content.encode() if isinstance(content, str) else bytes(content)
    raise TypeError(
        "a table is the path of a CSV file, a binary file, or a table with Arrow's PyCapsule interface "
        f"(pandas, polars, pyarrow, ...), not {type(songs).__name__}"
    )
