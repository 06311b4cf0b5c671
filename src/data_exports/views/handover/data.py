"""The handover as plain facts, for programs.

In: halves of a handover. Out: plain data. Effects: none.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal, TypedDict, cast

from data_exports.access.statements import Policy
from data_exports.operate.handover.halves import AttachTo, Half, Reading


class _Agreed(TypedDict):
    dataset: str
    platform_account: str
    region: str
    description: str
    owner: str
    paperwork: list[str]
    last_day: date | None
    until: datetime | None


class ReceivingData(_Agreed):
    """What the owner of a recipient's bucket puts in place for a push dataset."""

    kind: Literal["push"]
    account: str | None
    mover_role: str
    target_bucket: str
    arrives_under: str
    target_kms_key: str | None
    statements: list[Policy]
    bucket_policy: Policy
    bucket_policy_also_serves: list[str]
    key_policy_statements: list[Policy]
    lifecycle_rule: dict[str, Any]
    probe_object: str


class ReaderData(TypedDict):
    """A principal that reads, its policy, and what that is put on."""

    arn: str
    attach_to: AttachTo
    policy: Policy


class ReadingData(_Agreed):
    """What one outside account puts in place for a pull dataset."""

    kind: Literal["pull"]
    account: str
    bucket: str
    may_write: bool
    readers: list[ReaderData]


class HandoverData(TypedDict):
    """One handover for a push dataset; for a pull dataset one for each outside account."""

    handovers: list[ReceivingData | ReadingData]


def handover_as_data(halves: Sequence[Half]) -> HandoverData:
    """Everything the other forms say."""
    return {"handovers": [_half_as_data(half) for half in halves]}


def _half_as_data(half: Half) -> ReceivingData | ReadingData:
    if isinstance(half, Reading):
        return _reading(half)
    # What a destination asks for is told by its kind; the tests hold it against the type.
    return cast("ReceivingData", {**_agreed(half), "kind": "push", **half.theirs.facts})


def _agreed(half: Half) -> _Agreed:
    dataset, platform = half.dataset, half.platform
    return {
        "dataset": dataset.name,
        "platform_account": platform.account,
        "region": platform.region,
        "description": dataset.description,
        "owner": dataset.owner,
        "paperwork": list(dataset.paperwork),
        "last_day": dataset.expires,
        "until": dataset.until,
    }


def _reading(half: Reading) -> ReadingData:
    return {
        **_agreed(half),
        "kind": "pull",
        "account": half.account,
        "bucket": half.bucket,
        "may_write": half.dataset.allow_push,
        "readers": [
            {"arn": reader.arn, "attach_to": reader.attach_to, "policy": reader.policy} for reader in half.readers
        ],
    }
