"""Writes the pictures next to this file, and their expected contents to `table.json` and `expected.png`.

    python make.py          # with the packages of requirements.txt; output is reproducible

A row of the table holds either a size, the mean of each channel and a tolerance in levels, with all pixels in
`expected.png`, or a part of the expected error. The pixels are those that Pillow decodes, turned upright, with
transparency laid on white. If we differ from Pillow on purpose, the row gives the reason under `differs`, and the
pixels are computed here. Rows with errors record under `pillow` what Pillow does with the same file.
"""

import io
import json
import pathlib
import struct
import sys
import warnings
import zlib

import numpy as np
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(OUT.parent / "parity"))

from formula import level, picture  # noqa: E402
from pillow_reference import upright_rgb  # noqa: E402

WIDTH, HEIGHT = 20, 12
RGB = picture("files", WIDTH, HEIGHT, "waves")
# Blocks of one colour, for lossy formats: chroma subsampling and the rounding of decoders change little.
BLOCKS = np.kron(RGB[::4, ::4], np.ones((4, 4, 1), np.uint8))
ALPHA = level("files/alpha", WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
DEEP = level("files/deep", WIDTH * HEIGHT * 8).view("<u2").reshape(HEIGHT, WIDTH, 4)
# Decoders of lossy formats round differently. If chroma is sampled at half the rate, they also interpolate it
# differently.
LOSSLESS, LOSSY, SUBSAMPLED = 0, 3, 12

rows: list[dict] = []
expected: list[np.ndarray] = []


def save(image, format, **options) -> bytes:
    buffer = io.BytesIO()
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    image.save(buffer, format=format, **options)
    return buffer.getvalue()


def seen_by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(upright_rgb(io.BytesIO(data)))


def good(name: str, data: bytes, tolerance: int = LOSSLESS, pixels=None, differs: str | None = None) -> bytes:
    """Adds a file that must decode to Pillow's pixels, or to `pixels` for the reason `differs`."""
    assert (pixels is None) == (differs is None)
    (OUT / name).write_bytes(data)
    if pixels is None:
        pixels = seen_by_pillow(data)
    row = {
        "file": name,
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "mean": [round(float(mean), 3) for mean in pixels.mean(axis=(0, 1))],
        "tolerance": tolerance,
    }
    if differs:
        row["differs"] = differs
    rows.append(row)
    expected.append(pixels)
    return data


def good_despite_exif(name: str, data: bytes, upright: bytes, tolerance: int = LOSSLESS) -> None:
    """Adds a file whose EXIF data is unusable; it must decode to the same picture as `upright`."""
    pixels = seen_by_pillow(upright)
    try:
        as_pillow = np.array_equal(seen_by_pillow(data), pixels)
    except (SyntaxError, struct.error, TypeError, ValueError):
        as_pillow = False
    if as_pillow:
        good(name, data, tolerance)
    else:
        good(name, data, tolerance, pixels, "EXIF that cannot be read does not make the picture fail")


def bad(name: str, data: bytes, error: str) -> None:
    """Adds a file that must be refused with `error` in the message."""
    (OUT / name).write_bytes(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            pillow = "x".join(map(str, seen_by_pillow(data).shape[1::-1]))
    except Exception as refused:
        pillow = type(refused).__name__
    rows.append({"file": name, "error": error, "pillow": pillow})


def scaled(deep: np.ndarray) -> np.ndarray:
    """Converts 16 bits to 8."""
    return ((deep.astype(np.uint32) + 128) // 257).astype(np.uint8)


def on_white(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    rgba = Image.fromarray(np.dstack([rgb, alpha]))
    return np.asarray(Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB"))


def grey_to_rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=-1)


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


# -- JPEG ----------------------------------------------------------------------------------------


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def insert_app1(jpeg: bytes, payload: bytes) -> bytes:
    """Inserts `payload` as EXIF into a JPEG file without EXIF."""
    return jpeg[:2] + segment(0xE1, b"Exif\0\0" + payload) + jpeg[2:]


def find(jpeg: bytes, *markers: int) -> int:
    """Returns the offset of the first segment with this marker."""
    at = 2
    while jpeg[at + 1] not in markers:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return at


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def tiff_header(entries: list[bytes], next_ifd: int = 0) -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", next_ifd)


def entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")


def jpegs() -> None:
    blocks = Image.fromarray(BLOCKS)
    plain = save(blocks, "JPEG", quality=95, subsampling=0)
    for orientation in range(1, 9):
        options = {"quality": 95, "subsampling": 0, "exif": exif(orientation)}
        good(f"orientation-{orientation}.jpg", save(blocks, "JPEG", **options), LOSSY)
    good("grey.jpg", save(BLOCKS[..., 0], "JPEG", quality=95), LOSSY)
    progressive = save(blocks, "JPEG", quality=95, subsampling=0, progressive=True)
    good("progressive.jpg", progressive, LOSSY)
    good("progressive-grey.jpg", save(BLOCKS[..., 0], "JPEG", quality=95, progressive=True), LOSSY)
    good("chroma-420.jpg", save(blocks, "JPEG", quality=95, subsampling=2), SUBSAMPLED)
    good("chroma-422.jpg", save(blocks, "JPEG", quality=95, subsampling=1), SUBSAMPLED)
    options = {"quality": 95, "subsampling": 2, "progressive": True}
    good("chroma-420-progressive.jpg", save(blocks, "JPEG", **options), SUBSAMPLED)
    good("odd-size.jpg", save(blocks.crop((0, 0, 17, 9)), "JPEG", quality=95, subsampling=0), LOSSY)
    good("one-pixel.jpg", save(blocks.crop((0, 0, 1, 1)), "JPEG", quality=95), LOSSY)
    good("restarts.jpg", save(blocks, "JPEG", quality=95, subsampling=0, restart_marker_blocks=1), LOSSY)
    good("rgb.jpg", save(blocks, "JPEG", quality=95, keep_rgb=True), LOSSY)

    cmyk = save(blocks.convert("CMYK"), "JPEG", quality=95)
    good("cmyk.jpg", cmyk, LOSSY)
    good("cmyk-progressive.jpg", save(blocks.convert("CMYK"), "JPEG", quality=95, progressive=True), LOSSY)
    # The last byte of Adobe's segment gives the colour transform: 0 for none, 2 for YCCK. Pillow does not write YCCK,
    # but its CMYK channels can hold YCbCr and K.
    adobe = find(cmyk, 0xEE)
    assert cmyk[adobe + 4 : adobe + 9] == b"Adobe" and cmyk[adobe + 15] == 0
    ycc = np.asarray(blocks.convert("YCbCr"))
    ycck = save(Image.fromarray(255 - np.dstack([ycc, BLOCKS[..., 0] // 2 + 127]), "CMYK"), "JPEG", quality=95)
    good("ycck.jpg", patched(ycck, find(ycck, 0xEE) + 15, b"\x02"), LOSSY)
    good("cmyk-without-adobe.jpg", cmyk[:adobe] + cmyk[adobe + 16 :], LOSSY)

    # Phones append a video to the picture; cameras append a second picture or put a thumbnail into EXIF.
    good("trailing-film.jpg", plain + b"MotionPhoto_Data\0\0\0\x18ftypmp42" + bytes(64), LOSSY)
    good("trailing-zeros.jpg", plain + bytes(512), LOSSY)
    good("two-pictures.mpo", save(blocks, "MPO", save_all=True, append_images=[blocks.rotate(180)], quality=95), LOSSY)
    thumbnail = save(blocks.resize((5, 3)).rotate(180), "JPEG", quality=50)
    ifd1 = 8 + 2 + 12 + 4
    inside = tiff_header([entry(0x0112, 3, 1, b"\x01\0")], ifd1)
    inside += struct.pack("<H", 2) + entry(0x0201, 4, 1, struct.pack("<I", ifd1 + 2 + 24 + 4))
    inside += entry(0x0202, 4, 1, struct.pack("<I", len(thumbnail))) + bytes(4) + thumbnail
    good("exif-thumbnail.jpg", insert_app1(plain, inside), LOSSY)

    # EXIF data that cannot be read or has an invalid value leaves the picture as it is stored.
    six = entry(0x0112, 3, 1, b"\x06\0")
    for name, payload in {
        "empty": b"",
        "noise": level("files/exif", 90).tobytes(),
        "no-magic": b"XX" + tiff_header([six])[2:],
        "offset-outside": b"II*\0\xff\xff\xff\x7f",
        "endless": b"II*\0\x08\0\0\0\xff\xff",
        "orientation-0": tiff_header([entry(0x0112, 3, 1, b"\0\0")]),
        "orientation-9": tiff_header([entry(0x0112, 3, 1, b"\x09\0")]),
        "orientation-262": tiff_header([entry(0x0112, 3, 1, b"\x06\x01")]),
        "text": tiff_header([entry(0x0112, 2, 4, b"six\0")]),
        "cut": tiff_header([entry(0x010F, 2, 900, b"\x80\0\0\0"), six])[:20],
    }.items():
        good_despite_exif(f"exif-{name}.jpg", insert_app1(plain, payload), plain, LOSSY)

    # Cut in a header, in the data, and before the end marker.
    truncated = "the JPEG file is truncated"
    bad("truncated-header.jpg", plain[:100], truncated)
    bad("truncated-half.jpg", plain[: len(plain) * 3 // 4], truncated)
    bad("truncated-end.jpg", plain[:-2], truncated)
    second_scan = progressive.index(b"\xff\xda", progressive.index(b"\xff\xda") + 2)
    bad("truncated-scans.jpg", progressive[: second_scan + 20], truncated)
    bad("truncated-thumbnail.jpg", insert_app1(plain, inside)[: 60 + len(thumbnail)], truncated)
    scan = find(plain, 0xDA)
    frame = find(plain, 0xC0)
    bad("arithmetic.jpg", patched(plain, frame + 1, b"\xc9"), "lossless or arithmetic coding")
    bad("lossless.jpg", patched(plain, frame + 1, b"\xc3"), "lossless or arithmetic coding")
    bad("twelve-bit.jpg", patched(plain, frame + 4, b"\x0c"), "JPEG")
    bad("no-width.jpg", patched(plain, frame + 7, b"\0\0"), "JPEG")
    bad("no-frame.jpg", plain[:frame] + plain[scan:], "JPEG")
    bad("bomb.jpg", patched(plain, frame + 5, struct.pack(">HH", 65500, 65500)), "65500x65500")
    # Each scan makes the decoder process the whole picture again.
    end = progressive.rindex(b"\xff\xd9")
    last_scan = progressive.rindex(b"\xff\xda")
    bad("scans.jpg", progressive[:last_scan] + progressive[last_scan:end] * 200 + b"\xff\xd9", "more than 100 scans")


# -- PNG -----------------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size, depth, colour, scanlines: bytes, interlaced=0) -> bytes:
    """Builds a PNG file of a kind that Pillow does not write. Not deflated, so every zlib gives the same bytes."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(scanlines, 0)) + chunk(b"IEND", b"")


def unfiltered(samples: np.ndarray) -> bytes:
    return b"".join(b"\0" + row.tobytes() for row in samples)


def pngs() -> None:
    image = Image.fromarray(RGB)
    size = (WIDTH, HEIGHT)
    for orientation in range(1, 9):
        good(f"orientation-{orientation}.png", save(image, "PNG", exif=exif(orientation)))
    plain = good("rgb.png", save(image, "PNG"))
    good("grey.png", save(RGB[..., 0], "PNG"))
    good("grey-alpha.png", save(np.dstack([RGB[..., 0], ALPHA]), "PNG"))
    good("one-bit.png", save(ALPHA > 127, "PNG"))
    good("rgba.png", save(np.dstack([RGB, ALPHA]), "PNG"))
    good("one-pixel.png", save(image.crop((5, 5, 6, 6)), "PNG"))
    palette = image.quantize(16)
    good("palette.png", save(palette, "PNG"))
    good("palette-one-bit.png", save(image.quantize(2), "PNG", bits=1))
    good("palette-two-bit.png", save(image.quantize(4), "PNG", bits=2))
    good("palette-transparent.png", save(palette, "PNG", transparency=3))
    good("palette-half-transparent.png", save(palette, "PNG", transparency=bytes(range(0, 256, 17))))
    grey = (RGB[..., 0] // 16) * 16
    good("grey-transparent.png", save(grey, "PNG", transparency=int(grey[3, 3])))
    good("rgb-transparent.png", save(image, "PNG", transparency=tuple(map(int, RGB[5, 7]))))
    two_bits = np.packbits(np.unpackbits(RGB[..., :1] // 64, axis=-1)[..., 6:].reshape(HEIGHT, -1), axis=-1)
    good("grey-two-bit.png", png(size, 2, 0, unfiltered(two_bits)))
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    adam7 = b"".join(unfiltered(RGB[y::down, x::across]) for x, y, across, down in passes)
    good("interlaced.png", png(size, 8, 2, adam7, interlaced=1))
    still = save(image, "PNG", save_all=True, append_images=[image.rotate(180)], duration=100)
    good("animated.png", still)
    good("profile-and-text.png", save(image, "PNG", icc_profile=b"no profile at all", pnginfo=texts()))

    # Pillow clips 16-bit grey to 255, and cuts off the lower byte of other 16-bit samples.
    deep = "16-bit samples are scaled"
    big = DEEP.astype(">u2")
    red, rgb, alpha = DEEP[..., 0], DEEP[..., :3], DEEP[..., 3]
    good("grey-16-bit.png", save(red, "PNG"), 0, grey_to_rgb(scaled(red)), deep)
    good("rgb-16-bit.png", png(size, 16, 2, unfiltered(big[..., :3])), 0, scaled(rgb), deep)
    good("rgba-16-bit.png", png(size, 16, 6, unfiltered(big)), 0, on_white(scaled(rgb), scaled(alpha)), deep)
    laid = on_white(grey_to_rgb(scaled(red)), scaled(alpha))
    good("grey-alpha-16-bit.png", png(size, 16, 4, unfiltered(big[..., [0, 3]])), 0, laid, deep)

    good("trailing-bytes.png", plain + b"left over from a longer file")
    body = chunk(b"IEND", b"")
    assert plain.endswith(body)
    flipped = patched(plain, len(plain) - len(body) - 1, bytes([plain[-len(body) - 1] ^ 1]))
    bad("checksum.png", flipped, "damaged")
    bad("truncated-half.png", plain[: len(plain) // 2], "the PNG file is truncated")
    bad("truncated-end.png", plain[: -len(body)], "the PNG file is truncated")
    bad("too-few-rows.png", png(size, 8, 2, unfiltered(RGB[:8])), "PNG")
    bad(
        "no-data.png",
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 20, 12, 8, 2, 0, 0, 0)) + body,
        "PNG",
    )
    bad("no-width.png", png((0, 12), 8, 2, b""), "PNG")
    bad("depth-3.png", png(size, 3, 2, b""), "PNG")
    bad("bomb.png", png((60_000, 60_000), 8, 2, b""), "60000x60000")
    bad("bomb-16-bit.png", png((13_000, 13_000), 16, 6, b""), "MiB")


def texts():
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "text " * 20)
    info.add_itxt("Title", "caf\u00e9", zip=False)
    return info


# -- GIF -----------------------------------------------------------------------------------------


def gifs() -> None:
    image = Image.fromarray(RGB)
    palette = image.quantize(32)
    plain = good("plain.gif", save(palette, "GIF", interlace=0))
    good("interlaced.gif", save(palette, "GIF", interlace=1))
    good("grey.gif", save(RGB[..., 0], "GIF"))
    good("transparent.gif", save(palette, "GIF", transparency=5))
    frames = [image.rotate(180).quantize(32), image.rotate(90).quantize(32)]
    good("animated.gif", save(palette, "GIF", save_all=True, append_images=frames, duration=50, loop=0))
    good("one-pixel.gif", save(image.crop((5, 5, 6, 6)).quantize(2), "GIF"))
    # A frame of 20 x 12 on a canvas of 30 x 20, as animation optimisers produce.
    canvas = patched(plain, 6, struct.pack("<HH", 30, 20))
    frame = plain.index(b"\x2c\0\0\0\0" + struct.pack("<HH", WIDTH, HEIGHT))
    white = np.full((20, 30, 3), 255, np.uint8)
    white[3 : 3 + HEIGHT, 7 : 7 + WIDTH] = seen_by_pillow(plain)
    bare = "what no frame covers is transparent, as in browsers"
    good("small-frame.gif", patched(canvas, frame + 1, struct.pack("<HH", 7, 3)), 0, white, bare)
    good("trailing-bytes.gif", plain + bytes(30))
    bad("truncated-half.gif", plain[: len(plain) // 2 + 100], "GIF")
    bad("truncated-header.gif", plain[:20], "GIF")
    bad("no-frame.gif", plain[:frame] + b"\x3b", "GIF")
    huge = patched(plain, 6, struct.pack("<HH", 65535, 65535))
    bad("bomb.gif", huge, "65535x65535")
    bad("bomb-frame.gif", patched(plain, frame + 5, struct.pack("<HH", 65535, 65535)), "GIF")


# -- BMP -----------------------------------------------------------------------------------------


def bmps() -> None:
    image = Image.fromarray(RGB)
    plain = good("rgb.bmp", save(image, "BMP"))
    good("grey.bmp", save(RGB[..., 0], "BMP"))
    good("palette.bmp", save(image.quantize(32), "BMP"))
    good("one-bit.bmp", save(ALPHA > 127, "BMP"))
    good("rgba.bmp", save(np.dstack([RGB, ALPHA]), "BMP"))
    good("odd-width.bmp", save(image.crop((0, 0, 17, 5)), "BMP"))
    # A negative height: the first row is the top row.
    good("top-down.bmp", patched(plain, 22, struct.pack("<i", -HEIGHT)))
    # Runs of one colour as (count, index); (0, 0) ends a row, and (0, 1) ends the picture.
    colours = bytes([10, 20, 200, 0, 30, 180, 40, 0])
    runs = b"".join(bytes([y + 1, 0, WIDTH - y - 1, 1, 0, 0]) for y in range(HEIGHT)) + b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, 1, len(runs), 0, 0, 2, 0)
    whole = struct.pack("<2sIHHI", b"BM", 62 + len(runs), 0, 0, 62) + header + colours + runs
    good("run-length.bmp", whole)
    samples = RGB.astype(np.uint32) >> np.array([3, 2, 3])
    words = (samples[..., 0] << 11 | samples[..., 1] << 5 | samples[..., 2])[::-1].astype("<u2").tobytes()
    header = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 16, 3, len(words), 0, 0, 0, 0)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    whole = struct.pack("<2sIHHI", b"BM", 66 + len(words), 0, 0, 66) + header + masks + words
    most = np.array([31, 63, 31])
    widened = ((samples * 255 + most // 2) // most).astype(np.uint8)
    good("five-six-five.bmp", whole, 0, widened, "five bits are widened to eight by rounding, not cutting")
    bad("truncated-half.bmp", plain[: len(plain) // 2], "the BMP file is truncated")
    bad("truncated-end.bmp", plain[:-1], "the BMP file is truncated")
    bad("truncated-header.bmp", plain[:30], "the BMP file is truncated")
    bad("bomb.bmp", patched(plain, 18, struct.pack("<ii", 60_000, 60_000)), "60000x60000")
    bad("no-width.bmp", patched(plain, 18, struct.pack("<i", 0)), "BMP")


# -- TIFF ----------------------------------------------------------------------------------------


def tiff(pixels: np.ndarray, photometric: int, more=(), cut: int | None = None, **replaced) -> bytes:
    """Builds an uncompressed TIFF file with one strip, of a kind that Pillow does not write."""
    data = pixels.tobytes()
    channels = pixels.shape[2]
    fields = {
        "width": (256, 4, 1, pixels.shape[1]),
        "length": (257, 4, 1, pixels.shape[0]),
        "bits": (258, 3, 1, pixels.itemsize * 8),
        "compression": (259, 3, 1, 1),
        "photometric": (262, 3, 1, photometric),
        "offsets": (273, 4, 1, 0),
        "samples": (277, 3, 1, channels),
        "rows": (278, 4, 1, pixels.shape[0]),
        "counts": (279, 4, 1, len(data)),
    }
    fields.update(replaced)
    entries = sorted([*fields.values(), *more])
    bits_at = 8 + 2 + 12 * len(entries) + 4
    data_at = bits_at + 2 * channels
    packed = []
    for tag, kind, count, value in entries:
        if tag == 258 and channels > 2:
            packed.append(entry(tag, 3, channels, struct.pack("<I", bits_at)))
        elif tag == 258:
            packed.append(entry(tag, 3, channels, struct.pack("<H", value) * channels))
        elif tag == 273 and count == 1 and value == 0:
            packed.append(entry(tag, kind, 1, struct.pack("<I", data_at)))
        else:
            packed.append(entry(tag, kind, count, struct.pack("<I" if kind == 4 else "<H", value)))
    bits = struct.pack("<H", pixels.itemsize * 8) * channels
    return (tiff_header(packed) + bits + data)[:cut]


def tiffs() -> None:
    image = Image.fromarray(RGB)
    plain = good("rgb.tif", save(image, "TIFF"))
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits"):
        good(f"{compression.removeprefix('tiff_')}.tif", save(image, "TIFF", compression=compression))
    good("jpeg.tif", save(Image.fromarray(BLOCKS), "TIFF", compression="jpeg", quality=95), SUBSAMPLED)
    good("predictor.tif", save(image, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}))
    good("strips.tif", save(image, "TIFF", compression="tiff_lzw", tiffinfo={278: 5}))
    good("tiles.tif", tiled())
    good("grey.tif", save(RGB[..., 0], "TIFF"))
    good("one-bit.tif", save(ALPHA > 127, "TIFF"))
    good("fax-group-4.tif", save(ALPHA > 127, "TIFF", compression="group4"))
    good("rgba.tif", save(np.dstack([RGB, ALPHA]), "TIFF"))
    good("cmyk.tif", save(image.convert("CMYK"), "TIFF"), 1)
    good("two-pages.tif", save(image, "TIFF", save_all=True, append_images=[image.rotate(180)]))
    good("orientation-6.tif", save(image, "TIFF", tiffinfo={274: 6}))
    deep = "16-bit samples are scaled"
    good("grey-16-bit.tif", save(DEEP[..., 0], "TIFF"), 0, grey_to_rgb(scaled(DEEP[..., 0])), deep)
    good("rgb-16-bit.tif", tiff(DEEP[..., :3], 2), 0, scaled(DEEP[..., :3]), deep)
    red = DEEP[..., 0]
    swapped = Image.frombytes("I;16B", (WIDTH, HEIGHT), red.astype(">u2").tobytes())
    good("big-endian.tif", save(swapped, "TIFF"), 0, grey_to_rgb(scaled(red)), deep)
    good("big.tif", save(image, "TIFF", big_tiff=True))
    bad("palette.tif", save(image.quantize(16), "TIFF"), "save it as PNG")
    bad("float.tif", save(Image.fromarray(RGB[..., 0].astype(np.float32)), "TIFF"), "TIFF")
    bad("mixed-byte-order.tif", b"MM\0*" + plain[4:], "TIFF")
    bad("truncated-half.tif", tiff(RGB, 2, cut=400), "the TIFF file is truncated")
    bad("truncated-end.tif", tiff(RGB, 2, cut=-1), "the TIFF file is truncated")
    bad("truncated-header.tif", plain[:60], "TIFF")
    huge = {"width": (256, 4, 1, 60_000), "length": (257, 4, 1, 60_000), "rows": (278, 4, 1, 60_000)}
    bad("bomb.tif", tiff(RGB, 2, **huge), "60000x60000")
    bad("no-width.tif", tiff(RGB, 2, width=(256, 4, 1, 0)), "TIFF")
    # Counts and offsets that are impossible in a file of this size.
    bad("strip-count.tif", tiff(RGB, 2, counts=(279, 4, 1, 0xFFFF_FFF0)), "TIFF")
    bad("strip-counts.tif", tiff(RGB, 2, counts=(279, 4, 0x0FFF_FFFF, 8), offsets=(273, 4, 0x0FFF_FFFF, 8)), "TIFF")
    bad("strip-rows.tif", tiff(RGB, 2, rows=(278, 4, 1, 0)), "TIFF")
    bad("strip-outside.tif", tiff(RGB, 2, offsets=(273, 4, 1, 0x7FFF_FFFF)), "the TIFF file is truncated")
    hostile_tiles = [(322, 4, 1, 0x4000_0000), (323, 4, 1, 0x4000_0000), (324, 4, 1, 8), (325, 4, 1, 8)]
    bad("tile-size.tif", tiff(RGB, 2, hostile_tiles), "TIFF")
    bad("samples.tif", tiff(RGB, 2, samples=(277, 3, 1, 0xFFFF)), "TIFF")


def tiled() -> bytes:
    """Builds a TIFF file with one tile of 32 x 16 pixels, of which 20 x 12 are shown."""
    tile = np.zeros((16, 32, 3), np.uint8)
    tile[:HEIGHT, :WIDTH] = RGB
    return tiff(
        tile,
        2,
        [(322, 4, 1, 32), (323, 4, 1, 16)],
        width=(256, 4, 1, WIDTH),
        length=(257, 4, 1, HEIGHT),
        # Tiles use their own tags instead of those for strips.
        offsets=(324, 4, 1, 8 + 2 + 12 * 10 + 4 + 6),
        rows=(339, 3, 1, 1),
        counts=(325, 4, 1, tile.size),
    )


# -- WebP ----------------------------------------------------------------------------------------


def webps() -> None:
    image = Image.fromarray(RGB)
    blocks = Image.fromarray(BLOCKS)
    rgba = np.dstack([RGB, ALPHA])
    lossless = good("lossless.webp", save(image, "WEBP", lossless=True))
    lossy = good("lossy.webp", save(blocks, "WEBP", quality=95), LOSSY)
    good("orientation-6.webp", save(image, "WEBP", lossless=True, exif=exif(6)))
    good("lossless-alpha.webp", save(rgba, "WEBP", lossless=True, exact=True))
    good("lossy-alpha.webp", save(np.dstack([BLOCKS, ALPHA // 128 * 255]), "WEBP", quality=95, exact=True), SUBSAMPLED)
    frames = [image.rotate(180), image.rotate(90)]
    good("animated.webp", save(image, "WEBP", lossless=True, save_all=True, append_images=frames, duration=50))
    noise = b"Exif\0\0" + level("files/exif", 90).tobytes()
    good_despite_exif("exif-noise.webp", save(image, "WEBP", lossless=True, exif=noise), lossless)
    good("trailing-bytes.webp", lossless + bytes(30))
    truncated = "the WebP file is truncated"
    bad("truncated-half.webp", lossy[: len(lossy) // 2], truncated)
    bad("truncated-end.webp", lossless[:-2], truncated)
    bad("truncated-header.webp", lossy[:14], truncated)
    extended = b"WEBP" + riff(b"VP8X", struct.pack("<I", 0) + b"\xff\xff\x00\x0f\x27\x00") + lossless[12:]
    bad("bomb.webp", b"RIFF" + struct.pack("<I", len(extended)) + extended, "65536x10000")
    # A chunk that claims 4 GB.
    claimed = b"WEBP" + riff(b"VP8X", struct.pack("<I", 8) + b"\x13\0\0\x0b\0\0") + lossless[12:]
    claimed += b"EXIF\xf0\xff\xff\xff"
    bad("chunk-size.webp", b"RIFF" + struct.pack("<I", len(claimed)) + claimed, truncated)


def riff(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


# -- other formats -------------------------------------------------------------------------------


def foreign() -> None:
    image = Image.fromarray(RGB)
    # The format is detected from the content, not the name.
    good("png-named.jpg", save(image, "PNG"))
    good("jpeg-named.png", save(Image.fromarray(BLOCKS), "JPEG", quality=95, subsampling=0), LOSSY)
    good("webp-named.jpeg", save(image, "WEBP", lossless=True))
    good("gif-named.webp", save(image.quantize(32), "GIF"))
    good("no-extension", save(image, "PNG"))

    known = "its format is unknown (supported: BMP, GIF, JPEG, PNG, TIFF, WebP)"
    box = b"\0\0\0\x18ftyp%b\0\0\0\0mif1" + bytes(40)
    bad("photo.heic", box % b"heic", "HEIC")
    bad("heic-named.jpg", box % b"mif1", "export it as JPEG")
    bad("photo.avif", box % b"avif", "AVIF")
    bad("film.mp4", box % b"isom", "video")
    bad("film.mov", box % b"qt  ", "video")
    bad("film.webm", b"\x1a\x45\xdf\xa3" + bytes(40), "video")
    bad("film.avi", b"RIFF\x40\0\0\0AVI LIST" + bytes(40), "video")
    bad("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG")
    bad("declared.svg", b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a drawing -->\n<svg/>', "SVG")
    bad("scan.pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "PDF")
    bad("web-page.jpg", b"\n<!DOCTYPE html><title>404 Not Found</title>", "web page")
    bad("text.png", "not a picture, but caf\u00e9\n".encode(), "a text file")
    bad("lfs-pointer.png", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS")
    bad("icon.ico", b"\0\0\1\0\1\0\x10\x10" + bytes(40), "icon")
    bad("layers.psd", b"8BPS\0\x01" + bytes(20), "Photoshop")
    bad("photo.jxl", b"\xff\x0a" + bytes(20), "JPEG XL")
    bad("photo.jp2", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(20), "JPEG 2000")
    bad("archive.zip", b"PK\x03\x04" + bytes(20), "archive")
    bad("zeros.jpg", bytes(600), known)
    bad("noise.bin", level("files/noise", 600).tobytes(), known)
    bad("empty.jpg", b"", "empty")
    bad("one-byte.jpg", b"\xff", known)


def main() -> None:
    for old in OUT.iterdir():
        if old.name not in ("make.py", "requirements.txt"):
            if old.is_file():
                old.unlink()
    for make in (jpegs, pngs, gifs, bmps, tiffs, webps, foreign):
        make()
    # Stack all expected pixels in one picture, which is lossless, small and easy to inspect.
    sheet = np.zeros((sum(p.shape[0] for p in expected), max(p.shape[1] for p in expected), 3), np.uint8)
    top = 0
    for pixels in expected:
        sheet[top : top + pixels.shape[0], : pixels.shape[1]] = pixels
        top += pixels.shape[0]
    Image.fromarray(sheet).save(OUT / "expected.png", optimize=True)
    (OUT / "table.json").write_text("[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    print(f"{len(expected)} pictures and {len(rows) - len(expected)} errors")


if __name__ == "__main__":
    main()
