"""How far vectors are from where they belong; `got` and `want` are unit vectors (n, dim)."""

import model as m
import sentences
import torch
from space import isometry

MOOD = 2.0  # what the two dimensions of mood count beside what all dimensions count
SCALE = 20.0  # of the cosines in the soft contrastive term
AXES = torch.from_numpy(isometry(m.DIM)[sentences.WIDTH :].T.copy())


def distance(got: torch.Tensor, want: torch.Tensor) -> torch.Tensor:
    """One minus the cosine, and more for what is missed of the mood: little of the length, much of what music is about."""
    return 1 - (got * want).sum(1).mean() + MOOD * ((got - want) @ AXES).square().sum(1).mean()


def relations(got: torch.Tensor, want: torch.Tensor) -> torch.Tensor:
    """How far the batch's own cosines are from the teacher's."""
    return (got @ got.T - want @ want.T).square().mean()


def soft_contrast(got: torch.Tensor, want: torch.Tensor) -> torch.Tensor:
    """Each picture should tell the batch's targets apart as its own target does."""
    return -((SCALE * want @ want.T).softmax(1) * (SCALE * got @ want.T).log_softmax(1)).sum(1).mean()
