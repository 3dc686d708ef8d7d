"""Writes ../fixtures/encoder/embedded.json: OpenCLIP's vectors from the embedded checkpoint.

pip install -r pixelplay-core/tests/parity/requirements.txt
python pixelplay-core/tests/parity/make_embedded.py
"""

import json
import sys
import tempfile
from pathlib import Path

import open_clip
import torch
from formula import picture
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.append(str(REPOSITORY / "models"))
import eight_bits  # noqa: E402

OUT = Path(__file__).resolve().parents[1] / "fixtures/encoder/embedded.json"
DRAWN = {"wide": (500, 400, "waves"), "tall": (301, 451, "waves"), "small": (64, 64, "checks")}
TEXTS = ["", "rainy night drive", "a dog runs on the beach at sunset", "naïve café, it's 2020!", "rain " * 100]


@torch.inference_mode()
def main() -> None:
    with tempfile.TemporaryDirectory() as floats:
        eight_bits.float_folder(REPOSITORY / "models/pixelplay-mini", Path(floats))
        name = f"local-dir:{floats}"
        model, _, transform = open_clip.create_model_and_transforms(name, precision="fp32")
        tokenize = open_clip.get_tokenizer(name)
    model.eval()
    samples = sorted((REPOSITORY / "data/samples").glob("*.jpg"))
    drawn = {name: Image.fromarray(picture(name, *how)) for name, how in DRAWN.items()}
    drawn, photos = (
        model.encode_image(torch.stack([transform(image) for image in images]), normalize=True)
        for images in (drawn.values(), [Image.open(sample) for sample in samples])
    )
    texts = model.encode_text(tokenize(TEXTS), normalize=True)

    def rows(vectors: torch.Tensor) -> list[list[float]]:
        return [[round(x, 7) for x in row] for row in vectors.tolist()]

    found = {
        "drawn": [[name, *how, row] for (name, how), row in zip(DRAWN.items(), rows(drawn))],
        "photos": dict(zip([s.stem for s in samples], rows(photos))),
        "texts": list(zip(TEXTS, rows(texts))),
    }
    OUT.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
