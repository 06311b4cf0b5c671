"""A plan that somebody has reviewed, held against what would be done now.

In: a `Plan` and the files that it was made of. Out: a `Reviewed`; what has changed between two of them. Effects:
`digests_of` reads the declarations, nothing else has any.

What was reviewed is never a source of what to do: `deploy` always plans anew, and goes on only if that gives the same.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_exports.deploy.plan.plan_data import NOTHING_FOUND, PlanFindings, plan_as_data
from data_exports.deploy.plan.planning import Plan, StackStep
from data_exports.errors import RefusedError
from data_exports.estate.models import Estate
from data_exports.json_values import json_value_of
from data_exports.text import quoted

LINES_SHOWN = 20

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was shown of a plan, and what it was made of, all as JSON holds it."""

    shown: Json
    stacks: Json
    """By name: each stack as it is to be, as AWS has it, and what exists in its place."""
    files: Json
    """SHA-256 of each declaration, by its path from the estate's folder."""
    commit: str = ""
    """Where git stood, for people; ``""`` when that is not known."""


def reviewed_of(
    plan: Plan, files: Mapping[str, str], *, commit: str = "", found: PlanFindings = NOTHING_FOUND
) -> Reviewed:
    """A plan as it can be kept and compared."""
    stacks = {step.name: _made_of(step) for step in plan.steps}
    return Reviewed(_plain(plan_as_data(plan, found)), _plain(stacks), _plain(files), commit)


def digests_of(estate: Estate, folder: Path) -> dict[str, str]:
    """SHA-256 of every file of an estate, by its path from the estate's folder; line ends count as one kind.

    Git may write other line ends on another machine, and a bare CR is refused in any declaration.
    """
    paths = {estate.platform.place.path, *(dataset.place.path for dataset in estate.datasets())}
    return {
        os.path.relpath(path, folder): hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
        for path in sorted(paths)
    }


# --- what a plan is made of -----------------------------------------------------------------------------------------


def _made_of(step: StackStep) -> dict[str, object]:
    wanted, deployed = step.stack, step.deployed
    return {
        "wanted": wanted and {"digest": wanted.digest, "tags": dict(wanted.tags)},
        "deployed": deployed
        and {
            "id": deployed.stack_id,
            "status": deployed.status,
            "digest": deployed.digest,
            "tags": dict(deployed.tags),
        },
        "existing": {each.in_words: each for each in step.existing},
        "audiences": {each.in_words: each for each in step.audiences},
    }


def _plain(value: object) -> Json:
    """As it is once it has been written and read."""
    return mapping_of(json.loads(json.dumps(value, default=json_value_of)))


def mapping_of(value: object) -> Json:
    """The object; of a file that holds something else in its place, nothing, which compares as different."""
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> set[str]:
    return set(map(str, value)) if isinstance(value, list) else set()


# --- what has changed -----------------------------------------------------------------------------------------------


def check_unchanged(reviewed: Reviewed, now: Reviewed, *, what: str, next_step: str) -> None:
    """Raise `RefusedError`, which lists what has changed, unless deploying now is what was reviewed."""
    changes = changes_since(reviewed, now)
    if changes:
        shown = [
            *changes[:LINES_SHOWN],
            *([f"… and {len(changes) - LINES_SHOWN:,} more"] * (len(changes) > LINES_SHOWN)),
        ]
        raise RefusedError(
            "\n".join([f"nothing was deployed: {what}:", *(f"  {line}" for line in shown)]), next_step=next_step
        )


def changes_since(reviewed: Reviewed, now: Reviewed) -> tuple[str, ...]:
    """What is not as it was reviewed, in words; nothing if deploying now does the very same."""
    causes = [
        *_changed_files(reviewed, now),
        *_changed_stacks(reviewed.stacks, now.stacks),
        *_changed_roles(mapping_of(reviewed.shown.get("missing_roles")), mapping_of(now.shown.get("missing_roles"))),
    ]
    return tuple(causes or _changed_effects(reviewed.shown, now.shown))


def _changed_files(reviewed: Reviewed, now: Reviewed) -> Iterator[str]:
    if reviewed.files == now.files:
        return
    if reviewed.commit and now.commit and reviewed.commit != now.commit:
        yield f"it was made of the commit {quoted(reviewed.commit[:12])}, and here is {now.commit[:12]}"
    for path in _differing(reviewed.files, now.files):
        yield f"{quoted(path)} {_fate(path, reviewed.files, now.files, changed='has changed')}"


def _changed_stacks(before: Json, after: Json) -> Iterator[str]:
    for name in _differing(before, after):
        was, is_now = mapping_of(before.get(name)), mapping_of(after.get(name))
        yield f"{quoted(name)}: {'; '.join(_changes_of_stack(was, is_now))}"


def _changes_of_stack(was: Json, is_now: Json) -> Iterator[str]:
    """What of a stack's makings is another."""
    if not was or not is_now:
        yield "it is not in the plan any more" if was else "it was not in the plan"
        return
    if was.get("wanted") != is_now.get("wanted"):
        before, after = (_digest_in_words(each.get("wanted")) for each in (was, is_now))
        yield f"it is to become {after}, and was to become {before}"
    if was.get("deployed") != is_now.get("deployed"):
        yield _change_of_deployed(was.get("deployed"), is_now.get("deployed"))
    there, here = mapping_of(was.get("existing")), mapping_of(is_now.get("existing"))
    for what in _differing(there, here):
        yield f"{quoted(what)}, which it would take over, {_fate(what, there, here, changed='is not as it was')}"


def _change_of_deployed(was: object, is_now: object) -> str:
    before, after = _deployed_in_words(was), _deployed_in_words(is_now)
    if before != after:
        return f"AWS has {after}, and had {before}"
    made_anew = mapping_of(was).get("id") != mapping_of(is_now).get("id")
    return f"somebody has {'made it anew' if made_anew else 'changed its tags'} in AWS"


def _digest_in_words(wanted: object) -> str:
    digest = mapping_of(wanted).get("digest")
    return f"template {quoted(str(digest)[:12])}" if digest else "nothing"


def _deployed_in_words(deployed: object) -> str:
    facts = mapping_of(deployed)
    if not facts:
        return "none"
    return f"{quoted(str(facts.get('status')))} of template {quoted(str(facts.get('digest'))[:12])}"


def _changed_roles(before: Json, after: Json) -> Iterator[str]:
    for dataset in _differing(before, after):
        was, is_now = (_texts(side.get(dataset)) for side in (before, after))
        said = [f"{quoted(role)} does not exist any more" for role in sorted(is_now - was)]
        said += [f"{quoted(role)} exists now" for role in sorted(was - is_now)]
        yield f"users' roles of {quoted(dataset)}: {', '.join(said)}"


def _changed_effects(before: Json, after: Json) -> Iterator[str]:
    """What the plan does that is another though it is made of the same: time has gone by, or a stack was changed."""
    for part in sorted({*before, *after} - _NOT_COMPARED):
        if _essence(part, before.get(part)) != _essence(part, after.get(part)):
            yield (
                f"what it says of {quoted(part)} is another, though declarations and stacks are the same: "
                "perhaps an end date has passed"
            )


_NOT_COMPARED = frozenset({"findings", "roles_not_checked", "federation"})
"""Findings follow from the files and the day; roles that were not looked up are taken to exist; where an account that
allows no federation stands against the plan, it is refused anyway."""
_WORDING = frozenset({"reason", "next_step"})
"""Texts that quote AWS, which names the caller's session in them: another one in each run."""


def _essence(name: str, value: object) -> object:
    """What is compared of one part of the plan: the facts, without AWS's wording."""
    if name == "settings_unknown":
        return bool(value)
    if isinstance(value, dict):
        return {key: _essence(key, each) for key, each in value.items() if key not in _WORDING}
    return [_essence("", each) for each in value] if isinstance(value, list) else value


def _differing(before: Json, after: Json) -> Sequence[str]:
    return [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]


def _fate(key: str, before: Json, after: Json, *, changed: str) -> str:
    if key not in before:
        return "is there now, and was not"
    return changed if key in after else "is gone"
