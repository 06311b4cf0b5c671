"""What a probe found: each thing it looked at, and what is lacking on which side.

In: checks and lacks. Out: text and plain facts. Effects: none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from data_exports.text import printable


class Answer(StrEnum):
    """What one check came to."""

    GOOD = "ok"
    LACKING = "lacking"
    UNKNOWN = "not known"


class Side(StrEnum):
    """Whose half something belongs to."""

    OURS = "ours"
    THEIRS = "theirs"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at or tried."""

    text: str
    answer: Answer
    detail: str = ""
    """What was answered instead, in AWS's words."""
    action: str = ""
    """The permission that it takes."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is missing, on which side, and what to do."""

    side: Side
    what: str
    next_step: str


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
        return not self.lacks and all(check.answer is Answer.GOOD for check in self.checks)


def render_probed(probed: Probed) -> str:
    """The probe for people: each check on a line, then what is lacking and what to do."""
    return "\n".join(_lines(probed))


def probed_as_data(probed: Probed) -> dict[str, Any]:
    """The same for programs."""
    return {**asdict(probed), "is_good": probed.is_good}


def _lines(probed: Probed) -> Iterator[str]:
    yield printable(probed.about)
    yield ""
    texts = [check.text + (f" ({check.action})" if check.action else "") for check in probed.checks]
    width = max(map(len, texts), default=0)
    for text, check in zip(texts, probed.checks, strict=True):
        yield f"  {check.answer:<9}  {printable(text):<{width}}  {printable(check.detail)}".rstrip()
    yield ""
    if probed.lacks:
        yield from _lack_lines(probed.lacks)
    elif probed.is_good:
        yield "Nothing is lacking."
    else:
        yield "Nothing is known to be lacking, but not everything could be looked at."
    if probed.leaves:
        yield f"One small object stays: {printable(probed.leaves)}"
    if probed.note:
        yield printable(probed.note)


def _lack_lines(lacks: Iterable[Lack]) -> Iterator[str]:
    heading = {Side.OURS: "On our side", Side.THEIRS: "On their side", Side.EITHER: "On either side"}
    for lack in lacks:
        yield f"{heading[lack.side]}: {printable(lack.what)}"
        yield f"  next: {printable(lack.next_step)}"
