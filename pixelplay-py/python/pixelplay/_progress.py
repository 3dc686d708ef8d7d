"""The progress bar for ``progress=True``."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

# Seconds between progress lines when tqdm is not available.
_EVERY = 1.0


class Bar:
    """A tqdm bar for each stage if tqdm is installed, otherwise a line on standard error every second."""

    def __init__(self) -> None:
        self._tqdm: Callable[..., Any] | None = None
        with contextlib.suppress(ImportError):
            from tqdm.auto import tqdm

            self._tqdm = tqdm
        self._bar: Any = None
        self._stage: tuple[str, int | None] | None = None
        self._next_line = time.monotonic() + _EVERY

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if self._tqdm is None:
            self._line(stage, done, total)
            return
        # Compares the total as well: two files may be downloaded one after the other in one stage.
        if self._stage != (stage, total):
            self.close()
            self._stage = (stage, total)
            self._bar = self._tqdm(total=total, desc=stage, leave=False)
        self._bar.update(done - self._bar.n)

    def _line(self, stage: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now < self._next_line:
            return
        self._next_line = now + _EVERY
        of = "" if total is None else f" of {total}"
        print(f"{stage}: {done}{of}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Removes the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
