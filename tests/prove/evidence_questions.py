"""Who may do what with the evidence: the notary signs and adds to its log, reads receipts and stacks, and no data.

In: an `Estate` that keeps evidence. Out: `Question` values, each with the answer that the documentation gives
(docs/evidence.md). Effects: none.
"""

from collections.abc import Iterator

from data_exports.access.grants import notary_rights_of
from data_exports.estate.models import Estate
from data_exports.names import keeper_role_arn_of, notary_role_arn_of
from tests.prove.questions import (
    TLS,
    Question,
    administrator_of,
    evidence_key_arn_of,
    grants_on_resources,
    principals_of,
    questions_of_function,
    strangers_of,
)

WRITES = ("s3:PutObject", "s3:ReplicateDelete", "s3:ReplicateObject")
READS = ("s3:GetObject", "s3:GetObjectVersion")
KEEPS_LONGER_OR_NOT = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
)
CHANGES_THE_BUCKET = (
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
)
NOTARYS = ("kms:GetPublicKey", "kms:Sign", "s3:GetObject", "s3:PutObject")
SIGNS = ("kms:CreateGrant", "kms:Sign")
ADMINISTERS = ("kms:GetPublicKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion")


def evidence_questions(estate: Estate) -> Iterator[Question]:
    """The notary's own rights, each with its counterparts; then everybody else, and whoever may do everything."""
    platform, grants = estate.platform, grants_on_resources(estate)
    if platform.evidence is None:
        return
    account, bucket = str(platform.account), platform.evidence_bucket.arn
    notary, administrator = str(notary_role_arn_of(platform.account)), administrator_of(estate)
    data = [pull.bucket(platform).arn for pull in estate.pull_datasets]
    more = [
        f"{each}{tail}"
        for each in (*data, platform.hub_bucket.arn, platform.access_log_bucket.arn)
        for tail in ("", "/*")
    ]
    more += [f"{platform.log_bucket.arn}/*"]
    yield from questions_of_function("notary", notary, grants, notary_rights_of(platform), more=data)
    yield from _of_stacks(estate, notary)

    others = {principal for grant in grants for principal in principals_of(grant)} | strangers_of(grants)
    others |= {str(keeper_role_arn_of(platform.account)), f"arn:aws:iam::{account}:role/exports-notary"}
    others |= {notary.replace(account, "999999999999"), f"{notary}-2"}
    for who in (notary, administrator, *sorted(others)):
        is_notary, is_administrator = who == notary, who == administrator
        for action in (*WRITES, *READS, *KEEPS_LONGER_OR_NOT):
            may = (is_notary and action in NOTARYS) or (is_administrator and action not in WRITES)
            yield _asked(who, action, f"{bucket}/checkpoint", expected=may)
        for action in CHANGES_THE_BUCKET:
            yield _asked(who, action, bucket, expected=is_administrator)
        for action in (*SIGNS, *ADMINISTERS):
            may = (
                action in ("kms:GetPublicKey", "kms:Sign") if is_notary else is_administrator and action in ADMINISTERS
            )
            yield _asked(who, action, evidence_key_arn_of(estate), expected=may)
        if not is_notary:
            yield _asked(who, "sts:AssumeRole", notary, expected=False)
    for weak in ({"aws:SecureTransport": "false"}, {"s3:TlsVersion": "1.1"}):
        yield _asked(administrator, "s3:GetObject", f"{bucket}/checkpoint", weak, expected=False)


def _of_stacks(estate: Estate, notary: str) -> Iterator[Question]:
    place = f"arn:aws:cloudformation:{estate.platform.region}:{estate.platform.account}:stack"
    for action, stack, expected in (
        ("DescribeStacks", "exports-hub", True),
        ("DescribeStacks", "theirs", True),
        ("GetTemplate", "exports-hub", True),
        ("GetTemplate", "theirs", False),
        ("CreateChangeSet", "exports-hub", False),
        ("DeleteStack", "exports-hub", False),
        ("UpdateStack", "exports-hub", False),
        ("SetStackPolicy", "exports-hub", False),
    ):
        yield _asked(notary, f"cloudformation:{action}", f"{place}/{stack}/0123abcd", expected=expected)


def _asked(who: str, action: str, resource: str, weak: dict[str, str] | None = None, *, expected: bool) -> Question:
    context = TLS if action.startswith("s3:") else {"aws:SecureTransport": TLS["aws:SecureTransport"]}
    facts = context | {"aws:PrincipalArn": who} | (weak or {})
    return Question("the evidence", who, action, resource, tuple(facts.items()), expected)
