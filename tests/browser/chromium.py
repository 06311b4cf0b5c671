"""The browser of these tests: whether it is here, and how it is started."""

import importlib.util
import os
from pathlib import Path
from typing import Any

NODE_MODULES = Path(__file__).parent / "node_modules"
FOLDER = NODE_MODULES / ".chromium"
"""Where `unpack.mjs` puts the program, its libraries, and fonts.conf last of all."""
LEFT_OUT = "left out: tests/browser (no browser here; on Linux on x86-64 with Node: make browser)"


def is_here() -> bool:
    """Whether `make browser` has installed what the tests need."""
    return (FOLDER / "fonts.conf").is_file() and importlib.util.find_spec("playwright") is not None


def launch(playwright: Any) -> Any:
    """A Chromium without windows, which sees the package's fonts and no other."""
    home = {
        "LD_LIBRARY_PATH": str(FOLDER / "al2023" / "lib"),
        "FONTCONFIG_FILE": str(FOLDER / "fonts.conf"),
        "HOME": os.environ.get("HOME", str(FOLDER)),
        "PATH": os.environ["PATH"],
    }
    # Its sandbox asks for rights that containers and CI do not have; it is shown nothing but pages of our own.
    return playwright.chromium.launch(executable_path=FOLDER / "chromium", args=["--no-sandbox"], env=home)
