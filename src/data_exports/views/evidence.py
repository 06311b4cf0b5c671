"""The key of the log, for people and for programs.

In: what was written. Out: text. Effects: none.
"""

from dataclasses import dataclass
from pathlib import Path

from data_exports.text import printable


@dataclass(frozen=True, slots=True)
class EvidenceKeyData:
    """The key that signs the log, and the file that keeps it."""

    file: Path
    key: str
    """`<log>+<id>+<key>`, as tools for signed notes take it."""
    is_new: bool
    """Whether it was not in the file."""
    keys: int
    """How many keys the file holds."""


def render_evidence_key(data: EvidenceKeyData) -> str:
    """The key, and what to do with it."""
    if not data.is_new:
        return f"{data.key}\nis in {printable(str(data.file))}"
    earlier = f"; {data.keys - 1} that signed before stay in it" if data.keys > 1 else ""
    return f"{data.key}\nwritten to {printable(str(data.file))}: commit it{earlier}"
