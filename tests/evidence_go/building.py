"""A program in Go, built with Debian's packages of Go's own libraries and nothing from a network."""

import os
import subprocess
from pathlib import Path

GO_PATH = "/usr/share/gocode"
"""Where Debian lays packages of Go."""


def built(source: Path, made: Path) -> Path:
    """Build the program; what is compiled lies beside it."""
    cache = str(made.parent / "cache")
    settings = {"GO111MODULE": "off", "GOPATH": GO_PATH, "GOCACHE": cache, "GOFLAGS": "-buildvcs=false"}
    subprocess.run(["go", "build", "-o", str(made), str(source)], env={**os.environ, **settings}, check=True)
    return made
