"""How far vectors are from where they belong; `predicted` and `target` are unit vectors (n, dim)."""

import model as m
import sentences
import torch
from space import isometry

MOOD_WEIGHT = 2.0  # what the two dimensions of mood count beside what all dimensions count
SCALE = 20.0  # of the cosines in the soft contrastive term
MOOD_AXES = torch.from_numpy(isometry(m.DIM)[sentences.WIDTH :].T.copy())


def alignment_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """One minus the cosine, and more for what is missed of the mood: little of the length, much of what music is about."""
    return (
        1 - (predicted * target).sum(1).mean() + MOOD_WEIGHT * ((predicted - target) @ MOOD_AXES).square().sum(1).mean()
    )


def relational_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """How far the batch's own cosines are from the teacher's."""
    return (predicted @ predicted.T - target @ target.T).square().mean()


def soft_contrastive_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Each picture should tell the batch's targets apart as its own target does."""
    return -((SCALE * target @ target.T).softmax(1) * (SCALE * predicted @ target.T).log_softmax(1)).sum(1).mean()
