"""A plan in a file: written for reviewers, and read again to be carried out.

In: a `Reviewed` and its platform, or a file's text. Out: JSON under `SCHEMA`; a `Reviewed`, or why the file is of no
use here. Effects: none. The digest tells damage, and not who wrote the file: whoever changes it, the digest included,
gets a refusal from `reviewed.check_unchanged` and not another deployment.
"""

import hashlib
import json
import re
from datetime import datetime
from typing import TypedDict

from data_exports import __version__
from data_exports.deploy.plan.reviewed import Json, Reviewed, mapping_of
from data_exports.errors import RefusedError, UsageError
from data_exports.estate.models import Platform
from data_exports.text import json_text, quoted

SCHEMA = "data-exports/plan-file/1"
_SCHEMA_BEFORE = "data-exports/plan/1"
"""What it was until that name became the one of what ``plan --json`` prints."""
LARGEST_BYTES = 256 * 1024 * 1024
"""Above the plan of an estate with 10,000 datasets, and far below what a machine cannot hold."""
DEEPEST = 30
"""Levels of objects and lists in a file; a plan has about ten."""


class PlatformData(TypedDict):
    """Which estate it is."""

    account: str
    region: str
    hub_bucket: str


class MadeOfData(TypedDict):
    """What the plan was made of: each declaration's SHA-256, and each stack as it is, and is to be."""

    files: Json
    stacks: Json


class PlanFileData(TypedDict):
    """A plan that was kept to be carried out."""

    version: str
    made_at: str
    commit: str | None
    platform: PlatformData
    plan: Json
    made_of: MadeOfData
    digest: str


def plan_file_of(reviewed: Reviewed, platform: Platform, *, moment: datetime) -> str:
    """The text of the file that keeps a plan."""
    content: dict[str, object] = {
        "schema": SCHEMA,
        "version": __version__,
        "made_at": moment.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "commit": reviewed.commit or None,
        "platform": _platform_as_data(platform),
        "plan": reviewed.shown,
        "made_of": {"files": reviewed.files, "stacks": reviewed.stacks},
    }
    return json_text({**content, "digest": _digest_of(content)}, indent=2) + "\n"


def read_plan_file(text: str, platform: Platform, *, where: str) -> Reviewed:
    """The plan that a file keeps.

    Raises `UsageError` when it holds none, `RefusedError` when it is not whole, or of another version or estate.
    """
    content = _content_of(text, where)
    if content.get("digest") != _digest_of({key: value for key, value in content.items() if key != "digest"}):
        raise RefusedError(
            "the plan is not as it was written: its content does not fit its digest", where=where, next_step=_AGAIN
        )
    if content.get("version") != __version__:
        made_by = quoted(str(content.get("version")))
        raise RefusedError(
            f"the plan was made by data-exports {made_by}, and this is {__version__}, which may do other things",
            where=where,
            next_step=_AGAIN,
        )
    if content.get("platform") != _platform_as_data(platform):
        raise RefusedError(
            f"the plan is of another estate: {_place_in_words(mapping_of(content.get('platform')))}; "
            f"this estate is {_place_in_words(_platform_as_data(platform))}",
            where=where,
            next_step="give --estate the folder that it was made of, or plan again",
        )
    made_of, shown = mapping_of(content.get("made_of")), mapping_of(content.get("plan"))
    return Reviewed(
        shown if content["schema"] == SCHEMA else _with_times_as_now(shown),
        mapping_of(made_of.get("stacks")),
        mapping_of(made_of.get("files")),
        str(content.get("commit") or ""),
    )


def _with_times_as_now(shown: Json) -> Json:
    """Times were written with ``+00:00`` under the schema's name before."""
    return mapping_of(json.loads(re.sub(r'(?<=T\d\d:\d\d:\d\d)\+00:00(?=")', "Z", json.dumps(shown))))


_AGAIN = "plan again: `exports plan --out FILE`"


def _content_of(text: str, where: str) -> Json:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_plan(where, "it is not JSON") from error
    schema = content.get("schema") if isinstance(content, dict) else None
    if not isinstance(schema, str):
        raise _no_plan(where, 'it has no "schema"')
    if schema not in (SCHEMA, _SCHEMA_BEFORE):
        raise _no_plan(where, f"its schema is {quoted(schema)}, and not {SCHEMA}")
    if _is_deeper(content, DEEPEST):
        raise _no_plan(where, "it is nested deeper than a plan")
    return mapping_of(content)


def _is_deeper(value: object, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not levels or any(_is_deeper(each, levels - 1) for each in inner)


def _no_plan(where: str, why: str) -> UsageError:
    return UsageError(f"this holds no plan that can be carried out: {why}", where=where, next_step=_AGAIN)


def _digest_of(content: Json) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _platform_as_data(platform: Platform) -> PlatformData:
    return {
        "account": str(platform.account),
        "region": platform.region,
        "hub_bucket": str(platform.hub_bucket),
    }


def _place_in_words(place: Json) -> str:
    account, region, hub = (quoted(str(place.get(name))) for name in ("account", "region", "hub_bucket"))
    return f"account {account}, {region}, hub {hub}"
