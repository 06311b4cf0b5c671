"""The handover as plain facts, for programs.

In: a half of a handover. Out: what JSON can hold. Effects: none.
"""

from typing import Any

from data_exports.operate.handover.halves import Half, Reading, Receiving


def facts_of(half: Half) -> dict[str, Any]:
    """Everything the other forms say, as a mapping."""
    dataset, platform = half.dataset, half.platform
    return {
        "dataset": dataset.name,
        "platform_account": platform.account,
        "region": platform.region,
        "description": dataset.description,
        "owner": dataset.owner,
        "paperwork": list(dataset.paperwork),
        "expires": dataset.expires,
        "last_day": dataset.expires,
        "until": dataset.until,
        **({"kind": "push", **half.theirs.facts} if isinstance(half, Receiving) else _reading(half)),
    }


def _reading(half: Reading) -> dict[str, Any]:
    return {
        "kind": "pull",
        "account": half.account,
        "bucket": half.bucket,
        "may_write": half.dataset.allow_push,
        "readers": [
            {"arn": reader.arn, "attach_to": str(reader.attach_to), "policy": reader.policy} for reader in half.readers
        ],
    }
