"""MobileNetV1 1.0 (ImageNet, Apache-2.0) as a feature extractor; its weights are never shipped."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2]
SIDE = 160
POOLED = 512 + 1024


class Teacher:
    """Maps of blocks 11 and 12 for RGB in [-1, 1], shape (n, 3, 160, 160)."""

    def __init__(self, data: Path):
        raw = np.load(data / "teacher" / "mobilenet_v1_1.0_224_imagenet.npz")
        self.w = {k: torch.from_numpy(raw[k]) for k in raw.files}

    def _conv(self, x, kernel, norm, stride=1, groups=1):
        scale = self.w[f"{norm}/gamma"] / torch.sqrt(self.w[f"{norm}/moving_variance"] + 1e-3)
        bias = self.w[f"{norm}/beta"] - self.w[f"{norm}/moving_mean"] * scale
        if kernel.shape[-1] == 3:  # TensorFlow 'same': stride 2 pads bottom and right only
            x = F.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        return F.relu6(F.conv2d(x, kernel * scale[:, None, None, None], bias, stride, groups=groups))

    @torch.inference_mode()
    def maps(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self._conv(x, self.w["conv1/kernel"].permute(3, 2, 0, 1), "conv1_bn", 2)
        block11 = x
        for i, stride in enumerate(STRIDES, 1):
            depthwise = self.w[f"conv_dw_{i}/depthwise_kernel"].permute(2, 3, 0, 1)
            x = self._conv(x, depthwise, f"conv_dw_{i}_bn", stride, groups=len(depthwise))
            x = self._conv(x, self.w[f"conv_pw_{i}/kernel"].permute(3, 2, 0, 1), f"conv_pw_{i}_bn")
            if i == 11:
                block11 = x
        return block11, x


def dense(block11: torch.Tensor, block12: torch.Tensor) -> torch.Tensor:
    """Both maps on block 11's 10x10 grid: (n, 1536, 10, 10)."""
    return torch.cat([block11, F.interpolate(block12, block11.shape[-2:], mode="nearest")], 1)
