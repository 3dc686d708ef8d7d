"""A virtual environment with all compared libraries, created once and kept under target/. Needs only Python itself."""

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
# The command under which measuring processes are started, in shell syntax.
UNDER = "PIXELPLAY_COMPARE_UNDER"
# All packages in requirements.txt are needed, and these from the other lists:
NEEDED = {"transformers", "pillow"}


def target_folder() -> Path:
    return Path(os.environ.get("CARGO_TARGET_DIR") or REPOSITORY / "target").resolve()


def ensure(folder: Path, wheel: Path | None, lists: list[str]) -> tuple[Path, dict[str, str]]:
    """Returns the Python of the environment in `folder`, which has PixelPlay and the packages on some lists; and, by
    name, why rivals are left out.
    """
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        say(f"virtual environment {folder}")
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    left_out = {}
    for name in lists:
        left_out |= install_requirements(python, HERE / name, folder / "installed.txt")
    if wheel is None:
        wheel = build_wheel(python, folder / "wheels")
    # The reinstallation is forced, because the version is always the same. The dependencies are already installed.
    pip(python, "--force-reinstall", "--no-deps", str(wheel)).check_returncode()
    return python, left_out


def install_requirements(python: Path, file: Path, stamp: Path) -> dict[str, str]:
    lines = file.read_text().splitlines()
    requirements = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    done = stamp.read_text().splitlines() if stamp.exists() else []
    left_out = {}
    # Installed one by one, so that a package without a wheel for this Python does not affect the others.
    for requirement in requirements:
        if requirement in done:
            continue
        name = requirement.split("==")[0]
        say(f"installing {requirement}" + (" (with CUDA's libraries on Linux: gigabytes)" if name == "torch" else ""))
        result = pip(python, requirement)
        if result.returncode == 0:
            # Written after each, so an interrupted installation continues where it stopped.
            done.append(requirement)
            stamp.write_text("\n".join(done) + "\n")
        elif name in NEEDED or file.name == "requirements.txt":
            sys.exit(f"cannot install {requirement}, which the comparison needs:\n{result.stderr.strip()}")
        else:
            left_out[name] = reason(result.stderr)
            say(f"{name} is left out: {left_out[name]}")
    return left_out


def build_wheel(python: Path, folder: Path) -> Path:
    say("wheel of PixelPlay (release)")
    for old in folder.glob("*.whl"):
        old.unlink()
    manifest = REPOSITORY / "pixelplay-py/Cargo.toml"
    command = [python, "-m", "maturin", "build", "--release", "--quiet", "--interpreter", python, "--out", folder]
    subprocess.run([*command, "--manifest-path", manifest], check=True, cwd=REPOSITORY)
    (wheel,) = folder.glob("*.whl")
    return wheel


def pip(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True)


def reason(stderr: str) -> str:
    """Returns the line of pip's output that says what is wrong."""
    errors = re.findall(r"^\s*(?:ERROR|error): (.+)$", stderr, re.MULTILINE)
    return errors[0] if errors else "pip failed"


def say(text: str) -> None:
    print(f"compare: {text}", file=sys.stderr, flush=True)
