"""Writes Pillow's results for every photo in a folder, for the test that compares with them.

    python pillow_reference.py PHOTOS OUT          # needs pillow only

OUT/photos.json lists, for each photo, its path, the size of the upright picture, a file with its decoded RGB bytes, and
a file with the 224 x 224 RGB bytes from CLIP's pre-processing: resize the shortest side to 224 with bicubic
antialiasing, then crop the centre. These are the steps of transformers' CLIPImageProcessorPil, which also lays
transparent parts on white.
"""

import json
import pathlib
import shutil
import sys

from PIL import Image, ImageOps, __version__

SIDE = 224


def upright_rgb(path: pathlib.Path) -> Image.Image:
    image = ImageOps.exif_transpose(Image.open(path))
    if "A" in image.getbands() or image.info.get("transparency") is not None:
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def crop(image: Image.Image) -> Image.Image:
    width, height = image.size
    short, long = min(width, height), max(width, height)
    long = int(SIDE * long / short)
    size = (SIDE, long) if width <= height else (long, SIDE)
    resized = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
    return resized.crop((left, top, left + SIDE, top + SIDE))


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    photos, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    paths = sorted(p for p in photos.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not paths:
        sys.exit(f"no photos under {photos}")
    # Remove the results of earlier runs.
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    rows = []
    for at, path in enumerate(paths):
        image = upright_rgb(path)
        row = {
            "path": str(path),
            "width": image.width,
            "height": image.height,
            "decoded": f"{at:04}.rgb",
            "cropped": f"{at:04}.{SIDE}.rgb",
        }
        (out / row["decoded"]).write_bytes(image.tobytes())
        (out / row["cropped"]).write_bytes(crop(image).tobytes())
        rows.append(row)
    (out / "photos.json").write_text(json.dumps(rows, indent=0))
    print(f"Pillow {__version__}: {len(rows)} photos in {out}")


if __name__ == "__main__":
    main()
