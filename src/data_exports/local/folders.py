"""Where the local AWS of an estate keeps its state, and where the example estate is.

In: an estate's folder. Out: paths. Effects: none.
"""

import hashlib
import os
from pathlib import Path

import data_exports
from data_exports.errors import LocalAwsError


def local_folder_of(estate_folder: Path) -> Path:
    """The folder of an estate's own local AWS, outside the estate so that nothing of it is committed by mistake.

    Below ``XDG_STATE_HOME``, ``~/.local/state`` unless set: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    try:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    except RuntimeError as error:  # HOME is not set, and the system knows no user of this number
        next_step = "set HOME, or name a place for the local AWS with XDG_STATE_HOME"
        raise LocalAwsError("there is no home folder for its state", where="local AWS", next_step=next_step) from error
    estate = estate_folder.resolve()
    digest = hashlib.sha256(str(estate).encode()).hexdigest()[:8]
    return state / "data-exports" / f"{estate.name}-{digest}"


def example_estate_folder() -> Path:
    """The example estate: inside an installed package, at the root of a checkout."""
    package = Path(data_exports.__file__).parent
    installed = package / "example_estate"
    return installed if installed.is_dir() else package.parents[1] / "examples" / "estate"
