"""Losses that compare vectors with their target places. `predicted` and `target` are unit vectors (n, 384)."""

import torch
import torch.nn.functional as F
from space import SHOWN, rotation

MOOD_WEIGHT = 2.0  # the weight of the loss in the two mood dimensions, relative to the loss in all dimensions
SAME = 0.98  # above this cosine, two texts say the same, and neither is a wrong answer for the other's picture
MOOD_AXES = torch.from_numpy(rotation()[SHOWN:].T.copy())


def mood_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return ((predicted - target) @ MOOD_AXES).square().sum(1).mean()


def cosine_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return 1 - (predicted * target).sum(1).mean()


def alignment_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """One minus the cosine, plus a penalty for errors in mood, which is a small part of a vector but matters most for
    music."""
    return cosine_loss(predicted, target) + MOOD_WEIGHT * mood_loss(predicted, target)


def relational_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean squared difference between the cosines within the batch and those of the teacher."""
    return (predicted @ predicted.T - target @ target.T).square().mean()


def contrastive_loss(
    images: torch.Tensor,
    texts: torch.Tensor,
    scale: torch.Tensor,
    places: torch.Tensor,
    others: torch.Tensor | None = None,
) -> torch.Tensor:
    """InfoNCE in both directions. Texts whose `places` show that they say the same are all right answers for each
    other's pictures. `others` are the places of additional texts, which are wrong answers for the pictures."""
    n = len(images)
    columns, known = (texts, places) if others is None else (torch.cat([texts, others]), torch.cat([places, others]))
    with torch.no_grad():
        right = (places @ known.T > SAME).float()
        owners = right[:, :n]
        right, owners = right / right.sum(1, keepdim=True), owners / owners.sum(1, keepdim=True)
    logits = scale * images @ columns.T
    return (F.cross_entropy(logits, right) + F.cross_entropy(logits[:, :n].T, owners)) / 2
