"""Policies compared by what they say, not by how they are written.

In: two policy documents, one of ours and one that AWS gives back. Out: the statements that are missing, and those that
are there besides. Effects: none. AWS gives lists of one as text, and lists in an order of its own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from data_exports.access.statements import Policy, Statement
from data_exports.destinations.destination import Lack
from data_exports.operate.probe.findings import Check, CheckAnswer


@dataclass(frozen=True, slots=True)
class Difference:
    """Statements of one policy that the other has not."""

    missing: tuple[Statement, ...]
    """Declared, and not there."""
    strange: tuple[Statement, ...]
    """There, and not declared."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.strange)


def difference_of(*, declared: Policy, found: Mapping[str, Any]) -> Difference:
    """What the found policy lacks, and has besides."""
    wanted = {_told(each): each for each in declared["Statement"]}
    listed = found.get("Statement", [])
    there = {_told(each): each for each in (listed if isinstance(listed, list) else [listed])}
    return Difference(
        tuple(statement for told, statement in wanted.items() if told not in there),
        tuple(statement for told, statement in there.items() if told not in wanted),
    )


def sids_of(statements: tuple[Statement, ...]) -> str:
    """The statements by name, for people."""
    return ", ".join(str(each.get("Sid", "a statement without a name")) for each in statements)


def compared(text: str, declared: Any, found: Any, deploy: Lack) -> tuple[Check, Lack | None]:
    """The check that a policy is as declared, and what is lacking if it is not."""
    difference = difference_of(declared=declared, found=found)
    if not difference:
        return Check(text, CheckAnswer.GOOD), None
    lines = (("not as declared", difference.missing), ("not declared", difference.strange))
    detail = "; ".join(f"{what}: {sids_of(statements)}" for what, statements in lines if statements)
    return Check(text, CheckAnswer.LACKING, detail), deploy


def _told(statement: Mapping[str, Any]) -> str:
    """The statement in one way of writing; a name does not matter to IAM."""
    said = {key: _in_order(value) for key, value in statement.items() if key != "Sid"}
    return json.dumps(said, sort_keys=True)


def _in_order(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: _in_order(each) for key, each in value.items()}
        case list():
            return sorted(str(each) for each in value)
        case _:
            return [str(value)]
