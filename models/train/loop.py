"""One training loop for all stages: cosine schedule, averaged weights, progress, exact resumption."""

import copy
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

SAVE_SECONDS = 120
TELL_SECONDS = 20
EMA = 0.998
MUON = 2.0  # its rate beside AdamW's, on updates of the same size


def save(path: Path, value) -> None:
    temporary = path.with_name(path.name + ".tmp")
    torch.save(value, temporary)
    os.replace(temporary, path)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def fit(
    name: str,
    work: Path,
    net: torch.nn.Module,
    loss_of: Callable[[int, float, np.random.Generator], torch.Tensor],
    *,
    steps: int,
    rate: float,
    seed: tuple[int, int],
    decay: float = 0.05,
    warmup: int = 200,
    batch: int = 1,
    judge: Callable[[torch.nn.Module], str] | None = None,
    judge_every: int = 1000,
) -> torch.nn.Module:
    """Trains `net` in place and returns the average of its weights: by Muon the matrices inside transformer layers,
    by AdamW what leads in and out of them, and vectors.

    `loss_of(step, progress, rng)` draws its own batch from `rng`, which is seeded by `seed` (the run's, the stage's) and
    the step: a run that was killed and resumed sees the batches an unbroken run would have seen."""
    averaged = copy.deepcopy(net).eval().requires_grad_(False)
    # `full`: the rate before the schedule; it stands in the group, since what is resumed has groups of its own.
    inner, outer, vectors = [], [], []
    for key, p in net.named_parameters():
        if p.requires_grad:
            (vectors if p.ndim < 2 else inner if p.ndim == 2 and ".layers." in key else outer).append(p)
    groups = [{"params": outer, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizers = [torch.optim.AdamW([{**g, "full": rate} for g in groups], betas=(0.9, 0.98), fused=True)]
    if inner:
        group = {"params": inner, "full": MUON * rate}
        optimizers.append(torch.optim.Muon([group], weight_decay=decay, adjust_lr_fn="match_rms_adamw"))
    path, step = work / f"{name}.pt", 0
    if path.is_file():
        state = torch.load(path, weights_only=True)
        if (state["steps"], state["seed"]) != (steps, seed[0]):
            raise SystemExit(
                f"{path} was started for {state['steps']} steps with seed {state['seed']}, not for {steps} with {seed[0]}: "
                "delete it, or ask for the same"
            )
        net.load_state_dict(state["net"])
        averaged.load_state_dict(state["averaged"])
        for optimizer, kept in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        step = state["step"]
        say(f"{name}: resumed at step {step}/{steps}")

    def keep() -> None:
        save(
            path,
            {
                "net": net.state_dict(),
                "averaged": averaged.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in optimizers],
                "step": step,
                "steps": steps,
                "seed": seed[0],
            },
        )

    first, start = step, time.time()
    saved = told = start
    losses: list[float] = []
    try:
        while step < steps:
            net.train()
            factor = min(1.0, (step + 1) / warmup) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * step / steps)))
            for group in (g for optimizer in optimizers for g in optimizer.param_groups):
                group["lr"] = group["full"] * factor
            loss = loss_of(step, step / steps, np.random.default_rng([*seed, step]))
            net.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            if not torch.isfinite(norm):
                raise SystemExit(
                    f"{name}: the gradient is not finite at step {step}; the last checkpoint is kept in {path}"
                )
            for optimizer in optimizers:
                optimizer.step()
            step += 1
            weight = min(EMA, (1 + step) / (10 + step))
            with torch.no_grad():
                torch._foreach_lerp_(list(averaged.parameters()), list(net.parameters()), 1 - weight)
            losses.append(loss.item())
            now = time.time()
            if now - told > TELL_SECONDS:
                speed = (step - first) / (now - start)
                say(
                    f"{name} {step}/{steps} loss {np.mean(losses):.4f} {speed * batch:.0f} samples/s, {(steps - step) / speed / 60:.1f} min left"
                )
                told, losses = now, []
            if judge and step % judge_every == 0:
                with torch.inference_mode():
                    say(f"{name} {step}/{steps} {judge(averaged)}")
            if now - saved > SAVE_SECONDS:
                keep()
                saved = time.time()
    except KeyboardInterrupt:
        keep()
        say(f"{name}: stopped and saved at step {step}/{steps}; the same command goes on from there")
        sys.exit(130)
    if step > first:
        keep()
    return averaged
