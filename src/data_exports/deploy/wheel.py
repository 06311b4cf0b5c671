"""The awscrt wheel that goes into the mover's zip: fetched once, checked against its pinned hash every time.

In: the architecture, and the pins in ``mover/requirements.txt``. Out: the path of a wheel whose SHA-256 is pinned.
Effects: runs pip, which asks the package index that this machine is configured for; writes to the user's cache.
"""

import hashlib
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

from data_exports.errors import ExportsError

Architecture = Literal["arm64", "x86_64"]

LAMBDA_PYTHON = "3.13"
"""As `data_exports.stacks.mover_function.RUNTIME`."""
LAMBDA_PLATFORMS: dict[Architecture, str] = {"arm64": "manylinux2014_aarch64", "x86_64": "manylinux2014_x86_64"}
"""Wheels that run on Lambda's Amazon Linux 2023.
https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-native-libraries"""

_PINS = "requirements.txt"
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")

Download = Callable[[Sequence[str]], None]
"""Runs ``pip download`` with these words; raises `ExportsError` when it fails."""


def host_architecture() -> Architecture:
    """This machine's architecture, as Lambda calls it."""
    return "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"


def lambda_wheel(architecture: Architecture, *, cache: Path | None = None, download: Download | None = None) -> Path:
    """The wheel for Lambda functions of this architecture; raises `ExportsError` when it cannot be had."""
    target = LAMBDA_PLATFORMS[architecture]
    words = ["--platform", target, "--implementation", "cp", "--python-version", LAMBDA_PYTHON]
    return _wheel(f"{target}-{LAMBDA_PYTHON}", words, cache=cache, download=download)


def host_wheel(*, cache: Path | None = None, download: Download | None = None) -> Path:
    """The wheel for this machine and interpreter, where the local AWS runs functions; raises as `lambda_wheel`."""
    own = f"host-{sys.implementation.cache_tag}-{sys.platform}-{platform.machine()}"
    return _wheel(own, [], cache=cache, download=download)


def cache_folder() -> Path:
    """Where fetched files are kept: `XDG_CACHE_HOME`, or the system's usual place.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return Path(named) / "data-exports"
    usual = Path("Library/Caches") if sys.platform == "darwin" else Path(".cache")
    return Path.home() / usual / "data-exports"


def pinned_hashes() -> frozenset[str]:
    """SHA-256 of every wheel that may be used, in hexadecimal digits."""
    text = files("data_exports.mover").joinpath(_PINS).read_text(encoding="utf-8")
    return frozenset(_HASH.findall(text))


def _wheel(tag: str, words: list[str], *, cache: Path | None, download: Download | None) -> Path:
    folder = (cache or cache_folder()) / "wheels" / tag
    kept = _pinned_wheel_in(folder)
    if kept:
        return kept
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as fetching:
            with as_file(files("data_exports.mover").joinpath(_PINS)) as pins:
                (download or _pip_download)([*words, "--requirement", str(pins), "--dest", fetching])
            for path in Path(fetching).glob("*.whl"):
                path.replace(folder / path.name)  # at once: another run may be fetching the same
    except OSError as error:
        raise ExportsError(
            f"the wheel cache cannot be written: {error.strerror}",
            where=str(folder),
            next_step="make the folder writable, or name another with XDG_CACHE_HOME",
        ) from error
    fetched = _pinned_wheel_in(folder)
    if fetched is None:
        raise ExportsError(
            "pip fetched no awscrt wheel with a pinned hash",
            where=str(folder),
            next_step="check the package index that pip is configured for (pip config list)",
        )
    return fetched


def _pinned_wheel_in(folder: Path) -> Path | None:
    """The wheel in this folder whose hash is pinned; one whose hash is not is removed."""
    pinned = pinned_hashes()
    for path in sorted(folder.glob("*.whl")):
        if hashlib.sha256(path.read_bytes()).hexdigest() in pinned:
            return path
        path.unlink(missing_ok=True)
    return None


def _pip_download(words: Sequence[str]) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "download"]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        raise ExportsError(
            f"pip could not fetch the mover's awscrt wheel: {' '.join(errors[-3:]) or 'no reason was given'}",
            where="pip download",
            next_step="check the network and the package index that pip is configured for (pip config list)",
        )
