"""What has changed in a handover, as a letter, and for programs.

In: what has changed for each owner, and since when. Out: text, or values for JSON. Effects: none. What people declared
stands in quotes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_exports.operate.handover.changes import Change, FactChange, HandoverChange
from data_exports.operate.handover.halves import Receiving
from data_exports.text import quoted
from data_exports.views.handover.letter import address_of, letter_of, numbered, on_one_line, tell_us, wrapped

_WORDS = {
    "description": "what it is",
    "owner": "who answers for it",
    "paperwork": "agreed in",
    "contact": "whom to ask",
}
_PROSE = ("description", "owner", "paperwork")


@dataclass(frozen=True, slots=True)
class HandoverChangesData:
    """What has changed for each owner since a revision."""

    since: str
    changes: Sequence[HandoverChange]


def change_letter_of(change: HandoverChange, since: str) -> str:
    """A letter to the owner; since when, for people."""
    return "\n\n".join(_parts(change, since))


def _parts(change: HandoverChange, since: str) -> Iterator[str]:
    half = change.half
    yield f"Subject: Data export {change.dataset}: what has changed"
    yield address_of(half)
    match change.change:
        case Change.NEW:
            yield wrapped(f"You had no part in the dataset {change.dataset} at {since}. All of this is new:")
            yield letter_of(half).partition("\n\n")[2].partition("\n\n")[2]
        case Change.GONE:
            yield wrapped(
                f"You have no part in the dataset {change.dataset} any more; at {since} you had. "
                f"{_taken_away(change)} {tell_us(half.platform)} if you did not expect this."
            )
        case Change.UNCHANGED:
            yield wrapped(f"Nothing has changed for you in the dataset {change.dataset} since {since}.")
        case Change.CHANGED:
            yield wrapped(f"In the dataset {change.dataset} this has changed for you since {since}:")
            yield "\n".join(wrapped(f"- {_in_words(each)}") for each in change.facts) or "- What you are asked to do."
            yield from _to_do(change)


def _taken_away(change: HandoverChange) -> str:
    if isinstance(change.half, Receiving):
        return (
            f"No new files come to your {change.half.theirs.noun} {change.half.theirs.name}; what has arrived stays. "
            f"Our role may still be let in there: take away what you put in place for {change.half.mover_role}."
        )
    return "You can no longer use the bucket; what you put in place for it may go."


def _to_do(change: HandoverChange) -> Iterator[str]:
    if not change.steps:
        yield "You have nothing to do."
        return
    yield "WHAT WE ASK YOU TO DO"
    yield wrapped("What stands here takes the place of what you were asked before; the rest stays as it is.")
    yield from numbered(change.steps)


def _in_words(change: FactChange) -> str:
    title = _WORDS.get(change.fact, change.fact.replace("_", " "))
    before, after = _listed(change.fact, change.before), _listed(change.fact, change.after)
    if not after:
        return f"{title}: none any more; it was {before}"
    return f"{title}: {after}; it was {before}" if before else f"{title}: {after}; there was none"


def _listed(fact: str, values: Sequence[str]) -> str:
    return ", ".join(quoted(on_one_line(each)) if fact in _PROSE else each for each in values)
