"""Two policy documents compared by what they mean: who may, and may not, do what where.

In: policy documents as dicts. Out: differences: what one gives or refuses and the other does not. Effects: none.
The order of anything, Sids, and how statements are grouped mean nothing.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from data_exports.deploy.drift.difference import DifferenceKind, LiveDifference, Repair

PolicyDocument = Mapping[str, Any]

_PRINCIPAL_ARN = "aws:principalarn"
_WHOLE_ACCOUNT = re.compile(r"(?:arn:aws:iam::)?([0-9]{12})(?::root)?")
SHOWN = 8
"""So many names stand in a sentence; the rest is counted."""


@dataclass(frozen=True, slots=True, order=True)
class PolicyRight:
    """One piece of a policy's meaning."""

    effect: str
    principal: str
    resource: str
    condition: str
    action: str


def policy_differences_of(
    expected: PolicyDocument,
    found: PolicyDocument,
    *,
    kind: DifferenceKind,
    of: str,
    repair: Repair,
    lets_in: bool = True,
) -> Iterator[LiveDifference]:
    """What the policy that is found means and the expected one does not, then the other way round.

    `of` begins each sentence, `repair` puts the whole policy back; `lets_in` is False for policies that give rights to
    nobody but our own parts.
    """
    wanted, there = set(rights_of(expected)), set(rights_of(found))
    for rights, word in ((there - wanted, "also"), (wanted - there, "no longer")):
        grouped: dict[tuple[str, str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for right in sorted(rights):
            grouped[(right.effect, right.principal, right.condition)][right.resource].add(right.action)
        for (effect, principal, condition), by_resource in grouped.items():
            verb = "allows" if effect == "Allow" else "denies"
            what = "; ".join(_some(actions) + f" on {where}" * bool(where) for where, actions in by_resource.items())
            whom = f" to {principal}" * bool(principal) + f", if {condition}" * bool(condition)
            returns = lets_in and (word == "no longer") == (effect == "Allow")
            yield LiveDifference(kind, f"{of} {word} {verb} {what}{whom}", repair, returns)


def rights_of(policy: PolicyDocument) -> Iterator[PolicyRight]:
    """The policy's meaning, piece by piece."""
    for statement in _listed(policy.get("Statement", [])):
        principals, condition = _principals_and_condition(statement)
        for principal in principals:
            for resource in _these_or_all_but(statement, "Resource"):
                for action in _these_or_all_but(statement, "Action"):
                    yield PolicyRight(str(statement.get("Effect")), principal, resource, condition, action)


def _these_or_all_but(statement: Mapping[str, Any], key: str) -> list[str]:
    """What is named, or in one text all but what is named; ``""`` where the statement says neither."""
    if f"Not{key}" in statement:
        return [f"everything but {', '.join(sorted(map(str, _listed(statement[f'Not{key}']))))}"]
    return [str(each) for each in _listed(statement.get(key, ""))]


def _principals_and_condition(statement: Mapping[str, Any]) -> tuple[list[str], str]:
    """Whom the statement is about, and under which condition.

    Roles written as their accounts' roots and a condition on their ARNs are what they mean: these roles.
    """
    principals = sorted(_principals(statement.get("Principal", "")))
    if "NotPrincipal" in statement:
        principals = [f"everybody but {', '.join(sorted(_principals(statement['NotPrincipal'])))}"]
    condition: dict[str, dict[str, list[str]]] = {
        operator: {key.lower(): sorted(map(_text, _listed(values))) for key, values in keys.items()}
        for operator, keys in statement.get("Condition", {}).items()
    }
    named = condition.get("ArnEquals", {}).get(_PRINCIPAL_ARN)
    if named and all(_WHOLE_ACCOUNT.fullmatch(principal) for principal in principals):
        accounts = {found[1] for principal in principals if (found := _WHOLE_ACCOUNT.fullmatch(principal))}
        del condition["ArnEquals"][_PRINCIPAL_ARN]
        principals = [arn for arn in named if arn.split(":")[4:5] and arn.split(":")[4] in accounts]
    words = [
        f"{key} {operator} {', '.join(values)}"
        for operator, keys in sorted(condition.items())
        for key, values in sorted(keys.items())
    ]
    return principals, " and ".join(words)


def _principals(principal: Any) -> Iterator[str]:
    if not isinstance(principal, dict):
        yield "everybody" if principal == "*" else str(principal)
        return
    for kind, names in principal.items():
        for name in _listed(names):
            whole = _WHOLE_ACCOUNT.fullmatch(name) if kind == "AWS" else None
            if kind == "AWS" and name == "*":
                yield "everybody"
            else:
                yield f"arn:aws:iam::{whole[1]}:root" if whole else str(name)


def _some(names: set[str]) -> str:
    shown = sorted(names)[:SHOWN]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
