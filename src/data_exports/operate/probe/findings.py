"""What a probe found: each thing it looked at, and what is lacking on which side.

Values alone. Effects: none.
"""

from dataclasses import dataclass
from enum import StrEnum

from data_exports.destinations.destination import Lack
from data_exports.json_values import json_as

PUT_IN_PLACE = "exports deploy; if that has nothing to do, somebody has changed it in AWS: exports repair"
"""Who mends our own half."""


class CheckAnswer(StrEnum):
    """What one check came to."""

    GOOD = "ok"
    LACKING = "lacking"
    UNKNOWN = "not known"


@json_as("text answer detail? action?")
@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at or tried."""

    text: str
    answer: CheckAnswer
    detail: str = ""
    """What was answered instead, in AWS's words."""
    action: str = ""
    """The permission that it takes."""


@json_as("dataset about checks lacks leaves? note? is_good")
@dataclass(frozen=True, slots=True)
class Probed:
    """The whole of one probe."""

    dataset: str
    about: str
    """Who would do what where, in one line."""
    checks: tuple[Check, ...]
    lacks: tuple[Lack, ...]
    leaves: str = ""
    """The one object that the probe leaves; "" for none."""
    note: str = ""
    """What a probe like this cannot show."""

    @property
    def is_good(self) -> bool:
        """Whether everything that was looked at is as it must be."""
        return not self.lacks and all(check.answer is CheckAnswer.GOOD for check in self.checks)
