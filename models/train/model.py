"""The checkpoint's architecture, built with open_clip's own classes from the exported config, and forward passes without
unnecessary work."""

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.model import CLIP

TOWER, IMAGE = "lite1", 224
DIM = 384
VOCABULARY = 12_288
CONTEXT = 77
TOGETHER = 64  # the number of texts that go through the tower at once
# The weights were trained on (x - 127) / 128. This differs by 0.4 levels, and timm's own checkpoints do the same.
MEAN = STD = [0.5, 0.5, 0.5]
FROZEN = 6  # the number of stages at the start of the tower that are not trained, so their output is computed only once


def config() -> dict:
    """Returns the value of `model_cfg` in open_clip_config.json."""
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
    """Converts pictures (n, 3, h, w) with values from 0 to 255 to the tower's input, resizing them if needed."""
    if pixels.shape[-1] != IMAGE:
        pixels = F.interpolate(pixels.float(), (IMAGE, IMAGE), mode="bicubic", antialias=True).clamp(0, 255)
    return (pixels.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def project(model: CLIP, pooled: torch.Tensor) -> torch.Tensor:
    return F.normalize(model.visual.head(pooled).float(), dim=1)


def encode_images(model: CLIP, pixels: torch.Tensor) -> torch.Tensor:
    """Encodes normalized pixels to unit vectors (n, DIM)."""
    return project(model, model.visual.trunk(pixels))


def encode_texts(model: CLIP, ids: list[list[int]]) -> torch.Tensor:
    """Encodes texts to unit vectors (n, DIM). Texts of similar length are batched together to reduce padding."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    parts = [order[at : at + TOGETHER] for at in range(0, len(order), TOGETHER)]
    found = torch.cat([_padded(model, [ids[i] for i in part]) for part in parts])
    return F.normalize((found[np.argsort(order)] @ model.text_projection).float(), dim=1)


def _padded(model: CLIP, ids: list[list[int]]) -> torch.Tensor:
    """Returns the features at the end token of each text, before the projection. The mask is causal, so padding has no
    effect."""
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
