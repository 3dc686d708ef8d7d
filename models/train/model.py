"""The checkpoint's architecture, as open_clip's own classes from the config that is exported, and forward passes that leave out
dead work."""

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.model import CLIP

TOWER, IMAGE = "lite1", 224
DIM = 384
VOCABULARY = 12_288
CONTEXT = 77
TOGETHER = 64  # texts that pass through the tower at once
# The weights know (x - 127) / 128; a difference of 0.4 levels, which is what timm's own checkpoints take.
MEAN = STD = [0.5, 0.5, 0.5]
FROZEN = 6  # the first stages of the tower, which stay as they are: what they tell of a picture is computed once


def config() -> dict:
    """What stands under `model_cfg` in open_clip_config.json."""
    return {
        "embed_dim": DIM,
        "vision_cfg": {
            "timm_model_name": f"tf_efficientnet_{TOWER}",
            "timm_model_pretrained": False,
            "timm_pool": "",
            "timm_proj": "linear",
            "timm_proj_bias": True,
            "image_size": IMAGE,
        },
        "text_cfg": {
            "context_length": CONTEXT,
            "vocab_size": VOCABULARY,
            "hf_tokenizer_name": "tokenizer.json",
            "width": 192,
            "heads": 3,
            "layers": 4,
        },
    }


def new_model(seed: int) -> CLIP:
    torch.manual_seed(seed)
    model = CLIP(**config())
    model.visual.to(memory_format=torch.channels_last)
    return model.eval()


def normalize(pixels: torch.Tensor) -> torch.Tensor:
    """What the tower takes, of pictures (n, 3, h, w) with values 0 to 255: of the checkpoint's size."""
    if pixels.shape[-1] != IMAGE:
        pixels = F.interpolate(pixels.float(), (IMAGE, IMAGE), mode="bicubic", antialias=True).clamp(0, 255)
    return (pixels.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def project(model: CLIP, pooled: torch.Tensor) -> torch.Tensor:
    return F.normalize(model.visual.head(pooled).float(), dim=1)


def encode_images(model: CLIP, pixels: torch.Tensor) -> torch.Tensor:
    """Unit image vectors (n, DIM) of normalized pixels."""
    return project(model, model.visual.trunk(pixels))


def encode_texts(model: CLIP, ids: list[list[int]]) -> torch.Tensor:
    """Unit text vectors (n, DIM). Those of like length go together, so that little padding is computed."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    parts = [order[at : at + TOGETHER] for at in range(0, len(order), TOGETHER)]
    found = torch.cat([_padded(model, [ids[i] for i in part]) for part in parts])
    return F.normalize((found[np.argsort(order)] @ model.text_projection).float(), dim=1)


def _padded(model: CLIP, ids: list[list[int]]) -> torch.Tensor:
    """What stands at the end of each text, before the projection. The mask is causal, so what follows the end is not seen."""
    lengths = torch.tensor([len(i) for i in ids])
    padded = torch.zeros(len(ids), int(lengths.max()), dtype=torch.long)
    for row, i in zip(padded, ids):
        row[: len(i)] = torch.from_numpy(np.array(i))
    n = padded.shape[1]
    x = model.token_embedding(padded) + model.positional_embedding[:n]
    x = model.transformer(x, attn_mask=model.attn_mask[:n, :n])
    return model.ln_final(x[torch.arange(len(ids)), lengths - 1])


def text_parameters(model: CLIP) -> list[torch.nn.Parameter]:
    return [
        model.token_embedding.weight,
        model.positional_embedding,
        *model.transformer.parameters(),
        *model.ln_final.parameters(),
        model.text_projection,
    ]
