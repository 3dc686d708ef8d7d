"""Creates a checkpoint of CLIP ViT-B/32's shape with random weights, in the formats that all libraries read.

python checkpoint.py SHARED FOLDER     # writes it; encode.py calls it once, and keeps the folder
"""

import logging
import signal
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from environment import REPOSITORY

CONTEXT = 77
SEED = 32
# Written last, so an interrupted run starts again.
DONE = "done.txt"


@dataclass(frozen=True)
class Checkpoint:
    """The files in `folder`: weights for transformers and PixelPlay, and the two towers in f32 and int8 for ONNX
    Runtime."""

    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "clip-vit-b32-random"

    def onnx(self, tower: str, precision: str = "f32") -> Path:
        """`tower` is `image`, `text` (any length) or `text77` (77 tokens)."""
        return self.folder / f"{tower}-{precision}.onnx"

    @property
    def done(self) -> bool:
        return (self.folder / DONE).exists()


def make(checkpoint: Checkpoint, shared: Path) -> None:
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    # The same tokenizer as in the parity tests.
    sys.path.append(str(REPOSITORY / "pixelplay-core/tests/parity"))
    from vocabulary import tokenizer

    checkpoint.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    model = CLIPModel(CLIPConfig(projection_dim=512)).eval()
    widen(model)
    model.save_pretrained(checkpoint.model)
    tokenizer(shared / "data").save_pretrained(checkpoint.model)
    CLIPImageProcessorPil().save_pretrained(checkpoint.model)
    export(model, checkpoint)
    quantize(checkpoint)
    (checkpoint.folder / DONE).write_text("")


def widen(model) -> None:
    """Scales the random weights of transformers, so that activations spread and attention is selective, as in a trained
    model.

    Without scaling, attention is nearly uniform, and each layer adds almost nothing.
    """
    import torch

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                weight.mul_(6)
            elif name.endswith(("v_proj.weight", "out_proj.weight", "fc1.weight", "fc2.weight")):
                weight.mul_(2)
            elif name.endswith("bias"):
                weight.normal_(std=0.02)


def export(model, checkpoint: Checkpoint) -> None:
    import torch

    class Image(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.clip = model

        def forward(self, pixel_values):
            return self.clip.get_image_features(pixel_values=pixel_values).pooler_output

    class Text(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.clip = model

        def forward(self, input_ids):
            return self.clip.get_text_features(input_ids=input_ids).pooler_output

    rng = np.random.default_rng(SEED)
    pixels = torch.from_numpy(rng.standard_normal((2, 3, 224, 224)).astype(np.float32))
    ids = torch.full((2, CONTEXT), 49407)
    ids[:, 0] = 49406
    ids[:, 1:7] = torch.from_numpy(rng.integers(0, 49406, (2, 6)))
    some, length = torch.export.Dim("n", min=1, max=4096), torch.export.Dim("length", min=3, max=CONTEXT)
    towers = {
        "image": (Image(), pixels, {"pixel_values": {0: some}}),
        "text77": (Text(), ids, {"input_ids": {0: some}}),
        "text": (Text(), ids[:, :20].contiguous(), {"input_ids": {0: some, 1: length}}),
    }
    # Hides the exporter's own messages.
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    for tower, (module, example, shapes) in towers.items():
        program = torch.onnx.export(
            module.eval(), (example,), dynamo=True, dynamic_shapes=shapes, opset_version=20, verbose=False
        )
        program.save(checkpoint.onnx(tower), external_data=False)


def quantize(checkpoint: Checkpoint) -> None:
    from onnxruntime.quantization import QuantType, quant_pre_process, quantize_dynamic

    for tower in ("image", "text77", "text"):
        prepared = checkpoint.folder / "prepared.onnx"
        quant_pre_process(checkpoint.onnx(tower), prepared, skip_symbolic_shape=True)
        quantize_dynamic(
            prepared, checkpoint.onnx(tower, "int8"), per_channel=True, weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm", "Attention"],
        )  # fmt: skip
        prepared.unlink()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    shared, folder = map(Path, sys.argv[1:])
    make(Checkpoint(folder), shared)


if __name__ == "__main__":
    main()
