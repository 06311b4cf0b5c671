"""What AWS was seen to do, beside what delivery needs it to do, in words that can be compared.

In: the mover's answers. Out: `Seen`. No effects.
"""

from dataclasses import dataclass

from data_exports.json_values import json_as
from data_exports.mover.rules.protocol import (
    Copied,
    CopiedPart,
    Current,
    Failed,
    Forbidden,
    Gone,
    Overtaken,
    Retired,
    Started,
    StoreAnswer,
    Versioning,
    Versions,
)

OVERTAKEN = "412, another ETag"
GONE = "404"
DENIED_CODES = "403"
RETIRED = "deleted"
_NAMES: dict[type, str] = {
    Overtaken: OVERTAKEN,
    Gone: GONE,
    Forbidden: DENIED_CODES,
    Retired: RETIRED,
    Started: "begun",
}


@json_as("tried needed answered said?")
@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was tried, what delivery needs AWS to answer, and what it answered."""

    tried: str
    needed: str
    answered: str
    said: str = ""
    """AWS's own words, where there are more."""

    @property
    def is_good(self) -> bool:
        """Whether AWS answered what is needed."""
        return self.answered == self.needed


def words_of(answer: StoreAnswer) -> str:
    """An answer in the words that facts compare."""
    words = _NAMES.get(type(answer), type(answer).__name__)
    match answer:
        case Copied(version_id):
            words = f"copied version {version_id}"
        case Versions(newest, current):
            words = f"newest {newest.version_id}, {'in sight' if current else 'hidden'}" if newest else "no version"
        case Versioning(is_on):
            words = f"versioning is {'on' if is_on else 'off'}"
        case Current(version_id):
            words = f"there, version {version_id}"
        case CopiedPart(number):
            words = f"part {number} copied"
        case Failed(cause=cause):
            words = f"failed: {cause}"
    return words


def seen_of(tried: str, needed: str, answer: StoreAnswer) -> Seen:
    """What the mover was answered, in words."""
    return Seen(tried, needed, words_of(answer), getattr(answer, "reason", ""))
