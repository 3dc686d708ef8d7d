"""The training loop for all stages: cosine schedule, averaged weights, progress, and exact resumption."""

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
LOG_SECONDS = 20
EMA = 0.998


def save(path: Path, value) -> None:
    temporary = path.with_name(path.name + ".tmp")
    torch.save(value, temporary)
    os.replace(temporary, path)


def log(text: str) -> None:
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
    warmup: int | None = None,
    batch: int = 1,
    validate: Callable[[torch.nn.Module], str] | None = None,
    validations: int = 4,
) -> torch.nn.Module:
    """Trains `net` in place and returns the average of its weights.

    `loss_of(step, progress, rng)` draws its batch from `rng`, which is seeded with the step, so a run that was killed
    and resumed sees the same batches as an uninterrupted run."""
    warmup = max(1, steps // 10) if warmup is None else warmup
    averaged = copy.deepcopy(net).eval().requires_grad_(False)
    matrices = [p for p in net.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in net.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, rate, betas=(0.9, 0.98), fused=True)
    path, step = work / f"{name}.pt", 0
    if path.is_file():
        state = torch.load(path, weights_only=True)
        if (state["steps"], state["seed"]) != (steps, seed):
            raise SystemExit(
                f"{path} was started with --seed {state['seed'][1]} for {state['steps']} steps: delete it or pass the same"
            )
        net.load_state_dict(state["net"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
        log(f"{name}: resumed at step {step}/{steps}")

    def save_checkpoint() -> None:
        save(
            path,
            {
                "net": net.state_dict(),
                "averaged": averaged.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step,
                "steps": steps,
                "seed": seed,
            },
        )

    first, start = step, time.time()
    saved = logged = start
    losses: list[float] = []
    try:
        while step < steps:
            net.train()
            factor = min(1.0, (step + 1) / warmup) * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * step / steps)))
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            loss = loss_of(step, step / steps, np.random.default_rng([*seed, step]))
            optimizer.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            if not torch.isfinite(norm):
                raise SystemExit(f"{name}: the gradient is not finite at step {step}; the last checkpoint is in {path}")
            optimizer.step()
            step += 1
            weight = min(EMA, (1 + step) / (10 + step))
            with torch.no_grad():
                torch._foreach_lerp_(list(averaged.parameters()), list(net.parameters()), 1 - weight)
            losses.append(loss.item())
            now = time.time()
            if now - logged > LOG_SECONDS:
                speed = (step - first) / (now - start)
                log(
                    f"{name} {step}/{steps} loss {np.mean(losses):.4f} {speed * batch:.0f} samples/s, {(steps - step) / speed / 60:.1f} min left"
                )
                logged, losses = now, []
            if validate and step % max(1, steps // validations) == 0:
                with torch.inference_mode():
                    log(f"{name} {step}/{steps} {validate(averaged)}")
            if now - saved > SAVE_SECONDS:
                save_checkpoint()
                saved = time.time()
    except KeyboardInterrupt:
        save_checkpoint()
        log(f"{name}: stopped and saved at step {step}/{steps}; the same command continues from there")
        sys.exit(130)
    if step > first:
        save_checkpoint()
    return averaged
