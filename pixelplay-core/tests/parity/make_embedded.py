"""Writes ../fixtures/encoder/embedded.json: what OpenCLIP makes of texts and the sample photographs with the embedded checkpoint.

  pip install -r pixelplay-core/tests/parity/requirements.txt
  python pixelplay-core/tests/parity/make_embedded.py
"""

import json
import sys
import tempfile
from pathlib import Path

import open_clip
import torch
from PIL import Image

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.append(str(REPOSITORY / "models"))
import eight_bits  # noqa: E402

OUT = Path(__file__).resolve().parents[1] / "fixtures/encoder/embedded.json"
TEXTS = ["", "rainy night drive", "a dog runs on the beach at sunset", "Ein Café, es ist 2020!", "rain " * 100]


@torch.inference_mode()
def main() -> None:
    with tempfile.TemporaryDirectory() as floats:
        eight_bits.float_folder(REPOSITORY / "models/pixelplay-mini", Path(floats))
        name = f"local-dir:{floats}"
        model, _, transform = open_clip.create_model_and_transforms(name, precision="fp32")
        tokenize = open_clip.get_tokenizer(name)
    model.eval()
    samples = sorted((REPOSITORY / "data/samples").glob("*.jpg"))
    pixels = torch.stack([transform(Image.open(sample)) for sample in samples])
    images = model.encode_image(pixels, normalize=True)
    texts = model.encode_text(tokenize(TEXTS), normalize=True)

    def rows(vectors: torch.Tensor) -> list[list[float]]:
        return [[round(x, 7) for x in row] for row in vectors.tolist()]

    found = {"images": dict(zip([s.stem for s in samples], rows(images))), "texts": list(zip(TEXTS, rows(texts)))}
    OUT.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
