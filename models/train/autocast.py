"""Uses bfloat16 on processors that support it. On others, bfloat16 is several times slower than float32."""

import torch

HAS_BFLOAT16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def autocast() -> torch.autocast:
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=HAS_BFLOAT16)
