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
        **(_receiving(half) if isinstance(half, Receiving) else _reading(half)),
    }


def _receiving(half: Receiving) -> dict[str, Any]:
    push = half.dataset
    return {
        "kind": "push",
        "account": push.destination.account,
        "mover_role": half.mover_role,
        "target_bucket": push.destination.bucket,
        "arrives_under": half.arrives_under,
        "target_kms_key": push.destination.kms_key,
        "statements": list(half.statements),
        "bucket_policy": half.bucket_policy,
        "bucket_policy_also_serves": list(half.also_delivered),
        "key_policy_statements": list(half.key_statements),
        "lifecycle_rule": half.lifecycle_rule,
        "probe_object": half.probe_object,
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
