"""Settings of the platform that hold access back: what of a change lets more through than before.

In: a `SettingChange`. Out: for each thing that is let through now, a sentence. Effects: none. Whatever cannot be shown
to be narrower counts as wider.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase

from data_exports.access.mails import is_inside
from data_exports.access.sentences import Quoted, Sentence, listed
from data_exports.deploy.plan.planning import Plan, SettingChange
from data_exports.names import EVIDENCE_STACK


def loosened(plan: Plan) -> dict[str, Sentence]:
    """The settings that guard access and let more through, by name; none in a first deployment."""
    found = {change.name: _GUARDS[change.name](change) for change in plan.settings if change.name in _GUARDS}
    if plan.settings_unknown:
        found["settings"] = ("what they were is not known",)
    return {name: words for name, words in found.items() if words}


def forgets(plan: Plan) -> dict[str, Sentence]:
    """The receipts, if this plan has S3 delete them, or sooner than before; what were none before are not lost."""
    change = next((each for each in plan.settings if each.name == "receipts_days"), None)
    after = change.after if change else None
    if change is None or not isinstance(after, int) or (isinstance(change.before, int) and change.before <= after):
        return {}
    before = f"{change.before} days" if change.before else "kept for ever"
    return {"receipts": (f"those older than {after} days, until now {before}",)}


def locks_for_good(plan: Plan) -> dict[str, Sentence]:
    """The evidence bucket, if this plan begins to lock it in compliance mode, or for another time than before."""
    step = next((each for each in plan.steps if each.name == EVIDENCE_STACK and each.is_change and each.stack), None)
    if step is None or step.stack is None:
        return {}
    lock = json.loads(step.stack.body)["Resources"]["EvidenceBucket"]["Properties"]["ObjectLockConfiguration"]
    kept = lock["Rule"]["DefaultRetention"]
    is_as_before = step.deployed is not None and not (
        plan.settings_unknown or any(change.name == "evidence" for change in plan.settings)
    )
    if kept["Mode"] != "COMPLIANCE" or is_as_before:
        return {}
    bucket = step.stack.buckets[0]
    return {bucket: (Quoted(bucket), f", each file for {kept['Days']} days from when it was written")}


def items_of(value: object) -> tuple[str, ...]:
    """The items of a setting, as text."""
    match value:
        case None:
            return ()
        case Mapping():
            return tuple(f"{key}: {each}" for key, each in sorted(value.items()))
        case list() | tuple():
            return tuple(map(str, value))
        case _:
            return (str(value),)


def _wider_patterns(change: SettingChange) -> Sentence:
    before = items_of(change.before)
    return _also(change, [new for new in items_of(change.after) if not any(_covers(old, new) for old in before)])


def _covers(old: str, new: str) -> bool:
    """Whether every role that the new pattern fits is surely one that the old one fits."""
    if old == new or not re.search(r"[*?]", new):
        return fnmatchcase(new, old)
    begins = old.removesuffix("*")
    return old.endswith("*") and not re.search(r"[*?]", begins) and re.split(r"[*?]", new)[0].startswith(begins)


def _wider_domains(change: SettingChange) -> Sentence:
    before = items_of(change.before)
    return _also(change, [new for new in items_of(change.after) if not is_inside(new, before)])


def _also(change: SettingChange, items: Sequence[str]) -> Sentence:
    return (f"{change.name} also allows ", *listed([(Quoted(each),) for each in items], at_most=20)) if items else ()


def _no_longer_required(change: SettingChange) -> Sentence:
    return ("paperwork is no longer required",) if change.before == "required" else ()


def _no_longer_recorded(change: SettingChange) -> Sentence:
    return ("CloudTrail no longer records who asked for which file",) if change.after is None else ()


def _any(change: SettingChange) -> Sentence:
    return (change.name, ", by which others' policies may let in or keep out")


_GUARDS: Mapping[str, Callable[[SettingChange], Sentence]] = {
    "user_roles": _wider_patterns,
    "mail_domains": _wider_domains,
    "paperwork": _no_longer_required,
    "audit": _no_longer_recorded,
    "tags": _any,
}
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/introduction_attribute-based-access-control.html says why tags."""
