"""Where the local AWS of an estate keeps its state, and where the example estate is.

In: an estate's folder. Out: paths. Effects: none.
"""

import hashlib
import os
from pathlib import Path

import data_exports


def local_folder_of(estate_folder: Path) -> Path:
    """The folder of an estate's own local AWS, outside the estate so that nothing of it is committed by mistake.

    Below ``XDG_STATE_HOME``, ``~/.local/state`` unless set: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    estate = estate_folder.resolve()
    digest = hashlib.sha256(str(estate).encode()).hexdigest()[:8]
    return state / "data-exports" / f"{estate.name}-{digest}"


def example_estate_folder() -> Path:
    """The example estate: inside an installed package, at the root of a checkout."""
    package = Path(data_exports.__file__).parent
    installed = package / "example_estate"
    return installed if installed.is_dir() else package.parents[1] / "examples" / "estate"
