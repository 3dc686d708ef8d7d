"""Starts the measuring processes, with the thread settings of every library in their environment."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import machine
from environment import HERE, UNDER


class ChildFailed(Exception):
    """A measuring process ended without a result."""


def child(out: Path, script: str, *arguments: object, threads: int) -> dict:
    """Runs a script that writes its result to `out`, its last argument."""
    out.unlink(missing_ok=True)
    run(script, *arguments, out, threads=threads)
    return json.loads(out.read_text())


def run(script: str, *arguments: object, threads: int) -> None:
    under = shlex.split(os.environ.get(UNDER, ""))
    process = [*under, sys.executable, HERE / script, *map(str, arguments)]
    code = subprocess.run(process, env=machine.environment_for(threads)).returncode
    if code == -signal.SIGINT:
        raise KeyboardInterrupt
    if code:
        end = f"crashed with signal {-code}" if code < 0 else f"failed with exit code {code}"
        raise ChildFailed(f"{script}, {threads} thread(s), {end}; leave out the library that caused it with --rivals")
