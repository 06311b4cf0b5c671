"""One thing that somebody on the other side is asked to do, as a value: what views write letters of. Effects: none."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing that the owner is asked to do."""

    asks: str
    document: Any = None
    """What goes with it, to be shown as JSON."""
    remark: str = ""
    lines: tuple[str, ...] = ()
    """What goes with it to the letter, each on a line of its own: commands, or what a file holds."""
