"""S3: which notification rules a bucket accepts, and what an event says and where it arrives."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, s3, sqs

from data_exports.limits import NOTIFICATION_RULES_PER_BUCKET
from data_exports.local.gaps.iam import role_behind, unknown_principal_of
from data_exports.local.gaps.patching import mends

Rule = Mapping[str, Any]


@mends(s3, "_validate_notification_configs", "configs bucket_region bucket_name skip_destination_validation")
def rules_must_be_few_and_must_not_overlap(
    original: Callable[..., Any], configs: Sequence[Rule], *args: Any, **kwargs: Any
) -> Any:
    """A bucket takes at most 100 rules, and no two that could both match one event of one key.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
    """
    if len(configs) > NOTIFICATION_RULES_PER_BUCKET:
        return s3._invalid_notification_config(
            f"Number of configurations exceeds the limit of {NOTIFICATION_RULES_PER_BUCKET}"
        )
    if any(_overlap(one, other) for one, other in combinations(configs, 2)):
        return s3._invalid_notification_config(
            "Configurations overlap. Configurations on the same bucket cannot share a common event type."
        )
    return original(configs, *args, **kwargs)


def _overlap(one: Rule, other: Rule) -> bool:
    return (
        any(_one_begins_the_other(a.rstrip("*"), b.rstrip("*")) for a in one["events"] for b in other["events"])
        and _one_begins_the_other(one.get("filter_prefix") or "", other.get("filter_prefix") or "")
        and _one_begins_the_other((one.get("filter_suffix") or "")[::-1], (other.get("filter_suffix") or "")[::-1])
    )


def _one_begins_the_other(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _caller_in_events() -> str:
    """The request's caller as S3 names it: ``AWS:<role id>:<session name>``, or ``AWS:<account>`` for its root."""
    caller = iam_evaluator.caller_arn()
    account = caller.split(":")[4]
    if ":assumed-role/" not in caller:
        return f"AWS:{account}"
    _, name, session = caller.split("/", 2)
    role = iam._roles.get_scoped(account, None, role_behind(caller).rsplit("/", 1)[-1]) or {}
    return f"AWS:{role.get('RoleId', name)}:{session}"


def _with_its_caller(event_payload: Mapping[str, Any]) -> Mapping[str, Any]:
    records = event_payload.get("Records")
    if not records:  # s3:TestEvent
        return event_payload
    named = [{**record, "userIdentity": {"principalId": _caller_in_events()}} for record in records]
    return {**event_payload, "Records": named}


@mends(s3, "_deliver_event_to_sqs", "arn event_payload bucket_region bucket_name")
def an_event_names_who_caused_it(
    original: Callable[..., None], arn: str, event_payload: Mapping[str, Any], *args: Any, **kwargs: Any
) -> None:
    """The event's `principalId` tells the role and the session; and no event is lost while the queue is being read.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    with sqs._queues_lock:
        original(arn, _with_its_caller(event_payload), *args, **kwargs)


@mends(s3, "_put_bucket_policy", "name body")
def a_bucket_policy_names_only_who_exists(original: Callable[..., Any], name: str, body: Any) -> Any:
    """A bucket policy that names a role or user that does not exist is refused as malformed.

    https://repost.aws/knowledge-center/s3-invalid-principal-in-policy-error
    """
    try:
        document = json.loads(body)
    except (TypeError, ValueError):
        return original(name, body)
    if unknown_principal_of(document):
        return s3._error("MalformedPolicy", "Invalid principal in policy", 400, f"/{name}")
    return original(name, body)
