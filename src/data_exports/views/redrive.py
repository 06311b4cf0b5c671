"""What a redrive did, as text and for programs.

In: `Redriven`. Out: text, plain data. Effects: none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from data_exports.contract.receipts import Receipt
from data_exports.operate.failing import failing_of
from data_exports.operate.follow import Followed
from data_exports.operate.queues import Move
from data_exports.text import counted, printable
from data_exports.views.send import render_followed


@dataclass(slots=True)
class Redriven:
    """What a redrive found and did; filled as it goes on."""

    dataset: str
    at: datetime
    dead_letters: int
    """About how many there were."""
    moved: int = 0
    failing: tuple[Receipt, ...] = ()
    """The last receipts of uploads that fail and are tried again, as far as they were looked for."""
    handed_over: tuple[Receipt, ...] = ()
    """Those of them that are tried at once."""
    followed: Sequence[Followed] = field(default_factory=tuple)


def render_redriven(done: Redriven, *, now: bool) -> str:
    """What was done, or why there was nothing to do; `now`: whether what waits was to be tried at once."""
    return "\n".join([*_lines(done, now=now), *([render_followed(done.followed)] if done.followed else [])])


def render_move(move: Move) -> str:
    """How far SQS's move of dead letters is."""
    return f"{printable(move.status.lower())}: {move.moved:,} of about {max(move.to_move, move.moved):,} moved"


def _lines(done: Redriven, *, now: bool) -> Iterator[str]:
    see = f"see: exports history {done.dataset} --since 1h"
    if done.dead_letters:
        yield f"{counted(done.moved, 'dead letter')} moved back; {see}"
    if done.handed_over:
        yield f"{counted(len(done.handed_over), 'file')} that failed and waited handed to the mover at once; {see}"
    failing = failing_of(done.failing)
    if now and failing and len(done.handed_over) < failing.files:
        rest = counted(failing.files - len(done.handed_over), "failing file")
        yield f"{rest} left alone: the hub shows it no more, or a newer one; its next try settles that"
    elif failing and not now:
        yield f"{done.dataset} has no dead letters; {failing.words(done.at)}: exports redrive {done.dataset} --now"
    elif not done.dead_letters and not failing:
        yield f"{done.dataset} has no dead letters, and nothing fails: nothing to do"


@dataclass(frozen=True, slots=True)
class RetriedData:
    """An upload that was handed to the mover anew, or was waited for; its receipt since then, if there is one."""

    key: str
    version_id: str
    receipt: Receipt | None


@dataclass(frozen=True, slots=True)
class RedriveData:
    """How many dead letters there were, about, and how many went back; what fails, and what of it is tried at once."""

    dataset: str
    dead_letters: int
    moved: int
    failing: int
    handed_over: int
    uploads: Sequence[RetriedData]


def redriven_as_data(done: Redriven) -> RedriveData:
    """Every fact."""
    retried = done.followed or [Followed(each.key, each.version_id, None) for each in done.handed_over]
    return RedriveData(
        dataset=done.dataset,
        dead_letters=done.dead_letters,
        moved=done.moved,
        failing=len(done.failing),
        handed_over=len(done.handed_over),
        uploads=[RetriedData(each.key, each.version_id, each.receipt) for each in retried],
    )
