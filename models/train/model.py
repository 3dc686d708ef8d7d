"""The checkpoint's architecture, its start values, and forward passes that leave out dead work."""

import numpy as np
import torch
import torch.nn.functional as F
from transformers import CLIPConfig, CLIPModel

DIM, IMAGE, PATCH = 512, 96, 12
GRID = IMAGE // PATCH
VOCABULARY = 4096
MEAN = [0.5, 0.5, 0.5]
STD = [0.5, 0.5, 0.5]


def config(start: int, end: int) -> CLIPConfig:
    vision = dict(
        hidden_size=192,
        intermediate_size=768,
        num_hidden_layers=6,
        num_attention_heads=3,
        image_size=IMAGE,
        patch_size=PATCH,
        hidden_act="gelu",
        projection_dim=DIM,
    )
    text = dict(
        hidden_size=128,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=2,
        max_position_embeddings=77,
        vocab_size=VOCABULARY,
        hidden_act="gelu",
        projection_dim=DIM,
        bos_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
    )
    return CLIPConfig(vision_config=vision, text_config=text, projection_dim=DIM)


def new_model(start: int, end: int, seed: int = 0) -> CLIPModel:
    # Eager attention: torch's fused attention is several times slower backwards in bfloat16 on CPUs.
    torch.manual_seed(seed)
    model = CLIPModel._from_config(config(start, end), attn_implementation="eager")
    for tower in (model.vision_model, model.text_model):
        for layer in tower.encoder.layers:
            _mimetic(layer.self_attn)
    position = model.vision_model.embeddings.position_embedding.weight
    with torch.no_grad():
        position[1:] = _sines(position.shape[1])
        # CLIP's own scales (0.02 times a factor) leave linear layers this narrow nearly dead.
        for p in (
            model.vision_model.embeddings.patch_embedding.weight,
            model.visual_projection.weight,
            model.text_projection.weight,
        ):
            torch.nn.init.trunc_normal_(p, std=p[0].numel() ** -0.5)
        torch.nn.init.normal_(model.text_model.embeddings.token_embedding.weight, std=0.05)
        torch.nn.init.normal_(model.text_model.embeddings.position_embedding.weight, std=0.02)
        for tower in (model.vision_model, model.text_model):
            for layer in tower.encoder.layers:
                torch.nn.init.trunc_normal_(layer.mlp.fc1.weight, std=layer.mlp.fc1.in_features**-0.5)
                torch.nn.init.trunc_normal_(layer.mlp.fc2.weight, std=0.5 * layer.mlp.fc2.in_features**-0.5)
    return model


def _mimetic(a) -> None:
    """Mimetic initialisation (Trockman and Kolter 2023): query x key near the identity, value x output near its negative."""
    width, head = a.embed_dim, a.head_dim
    with torch.no_grad():
        for h in range(a.num_heads):
            rows = slice(h * head, (h + 1) * head)
            u, s, v = torch.linalg.svd(0.7 * torch.randn(width, width) / width**0.5 + 0.7 * torch.eye(width))
            root = s[:head].sqrt()[:, None]
            a.q_proj.weight[rows], a.k_proj.weight[rows] = root * u.T[:head], root * v[:head]
        u, s, v = torch.linalg.svd(0.4 * torch.randn(width, width) / width**0.5 - 0.4 * torch.eye(width))
        a.v_proj.weight.copy_(s.sqrt()[:, None] * v)
        a.out_proj.weight.copy_(u * s.sqrt())


def _sines(width: int) -> torch.Tensor:
    """Fixed two-dimensional sine positions as the start of the learned ones, (64, width)."""
    y, x = np.mgrid[:GRID, :GRID].reshape(2, -1, 1)
    rate = 1.0 / 100 ** (np.arange(width // 4) / (width // 4))
    waves = [f(axis * rate) for axis in (y, x) for f in (np.sin, np.cos)]
    return 0.3 * torch.from_numpy(np.concatenate(waves, 1).astype(np.float32))


def encode_images(
    model: CLIPModel, pixels: torch.Tensor, kept: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit image vectors (n, 512) and patch states; `kept` (n, k): the patches that are kept, all when None."""
    v = model.vision_model
    x = v.embeddings(pixels)
    if kept is not None:
        rows = kept[..., None].expand(-1, -1, x.shape[-1])
        x = torch.cat([x[:, :1], x[:, 1:].gather(1, rows)], 1)
    x = v.encoder(inputs_embeds=v.pre_layrnorm(x)).last_hidden_state
    return F.normalize(model.visual_projection(v.post_layernorm(x[:, 0])).float(), dim=1), x[:, 1:]


def encode_texts(model: CLIPModel, ids: list[list[int]]) -> torch.Tensor:
    """Unit text vectors (n, 512); padded to the longest text only, pooled at its end token by transformers itself."""
    longest = max(map(len, ids))
    end = model.config.text_config.eos_token_id
    padded = torch.tensor([i + [end] * (longest - len(i)) for i in ids])
    pooled = model.text_model(input_ids=padded).pooler_output
    return F.normalize(model.text_projection(pooled).float(), dim=1)
