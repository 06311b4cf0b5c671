"""What the owner of a recipient's bucket puts in place. Effects: none.

A bucket has one policy and one lifecycle configuration, and Terraform replaces them without asking; so each is attached
only if the owner answers a variable that says there is no other one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data_exports.contract.keys import probe_key_of
from data_exports.contract.timing import ABANDONED_UPLOAD_DAYS
from data_exports.destinations.destination import Document, Route
from data_exports.destinations.half import (
    AWS_PROVIDER,
    BETWEEN_ACCOUNTS,
    Expression,
    RecipientHalf,
    TerraformBlock,
)
from data_exports.destinations.s3.bucket import ENCRYPT, RECEIVE, S3Bucket
from data_exports.instructions import Instruction


@dataclass(frozen=True, slots=True)
class BucketHalf:
    """All of it for programs."""

    account: str | None
    mover_role: str
    target_bucket: str
    arrives_under: str
    target_kms_key: str | None
    statements: Sequence[Document]
    bucket_policy: Document
    bucket_policy_also_serves: Sequence[str]
    key_policy_statements: Sequence[Document]
    lifecycle_rule: Document
    probe_object: str


def half_of(there: S3Bucket, route: Route) -> RecipientHalf:
    """The half of one dataset."""
    under, probe_object = f"{there.uri}/{route.prefix}", f"{there.uri}/{probe_key_of(route.dataset)}"
    keys, rule = list(route.statements.get(ENCRYPT, ())), _lifecycle_rule(route)
    by_hand: dict[str, Any] = {"LifecycleRuleToAddToTheBucket": rule}
    if keys:
        by_hand["StatementsToAddToTheKeyPolicy"] = keys
    policy = {"Bucket": there.name, "PolicyDocument": route.policy}
    return RecipientHalf(
        noun="bucket",
        name=there.name,
        premise=BETWEEN_ACCOUNTS,
        arrival=f"Each file that a sender uploads as PATH arrives as {under}PATH, with its content type, metadata and "
        "tags, usually within seconds. The same path again is a newer version of the file.",
        confined="The role can write there, and nothing more: it cannot read, list or delete in your bucket.",
        probe_object=probe_object,
        steps=tuple(_steps(there, route)),
        facts=BucketHalf(
            *(there.account, route.mover_role, there.bucket, under, there.kms_key, route.statements[RECEIVE]),
            *(route.policy, route.also_delivered, keys, rule, probe_object),
        ),
        terraform=tuple(_terraform(there, route)),
        providers=(AWS_PROVIDER,),
        commands=(
            f"aws s3api get-bucket-policy --bucket {there.bucket} --query Policy --output text",
            f"aws s3 ls {under} --recursive",
        ),
        cloudformation={"ReceivePolicy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy}},
        by_hand=by_hand,
    )


def _lifecycle_rule(route: Route) -> dict[str, Any]:
    """Recommended: parts of an upload that was broken off are billed until somebody removes them.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html
    """
    return {
        "ID": f"RemoveUnfinishedUploads-{route.dataset}",
        "Status": "Enabled",
        "Filter": {"Prefix": str(route.prefix)},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": ABANDONED_UPLOAD_DAYS},
    }


def _steps(there: S3Bucket, route: Route) -> Iterator[Instruction]:
    shared, others = "", route.also_delivered
    if others:
        listed = str(others[0]) if len(others) == 1 else f"{', '.join(others[:-1])} and {others[-1]}"
        shared = f" It also holds what {listed} of ours, delivered to the same bucket, needs."
    yield Instruction(
        "Let the role write. If the bucket has no policy yet, this is one; otherwise add the statements to the policy "
        f"it has.{shared}",
        route.policy,
        "The role is named by condition, so that the policy is accepted before we have deployed. The ACL that "
        "deliveries carry is bucket-owner-full-control, which a bucket with Bucket owner enforced accepts.",
    )
    if keys := route.statements.get(ENCRYPT):
        yield Instruction(f"Let the role encrypt. Add this to the policy of the key {there.kms_key}:", list(keys))
    yield Instruction(
        "Recommended: add this rule to the bucket's lifecycle rules. Large files arrive in parts; should an upload be "
        f"broken off, S3 bills its parts until somebody removes them. The rule does, after {ABANDONED_UPLOAD_DAYS} "
        f"days, under {route.prefix} alone.",
        _lifecycle_rule(route),
    )
    if there.account is None:
        yield Instruction(
            f"Tell us the account (12 digits) that owns {there.bucket}. We then send it along with every file, so that "
            "nothing reaches anybody else should the bucket's name ever change hands."
        )


def _terraform(there: S3Bucket, route: Route) -> Iterator[TerraformBlock]:
    name, bucket, rule = f"export_{route.dataset}", there.name, _lifecycle_rule(route)
    policy, keys = f"{name}_bucket_policy", route.statements.get(ENCRYPT)
    has_no_policy, has_no_rules = f"{name}_bucket_has_no_other_policy", f"{name}_bucket_has_no_other_lifecycle_rules"
    yield TerraformBlock(("locals",), {policy: route.policy})
    yield _question(has_no_policy, f"Has {bucket} no policy but this? If it has, add local.{policy} to it.")
    attached = {"count": Expression(f"var.{has_no_policy} ? 1 : 0"), "bucket": bucket}
    yield TerraformBlock(
        ("resource", "aws_s3_bucket_policy", name), {**attached, "policy": Expression(f"jsonencode(local.{policy})")}
    )
    if keys:
        remark = f"Add these statements to the policy of {there.kms_key}."
        yield TerraformBlock(("locals",), {f"{name}_key_statements": list(keys)}, remark=remark)
    yield _question(has_no_rules, f"Has {bucket} no lifecycle rules but this? If it has, add this one to them.")
    days = {"days_after_initiation": Expression(ABANDONED_UPLOAD_DAYS)}
    inner = (
        TerraformBlock(("filter",), {"prefix": rule["Filter"]["Prefix"]}),
        TerraformBlock(("abort_incomplete_multipart_upload",), days),
    )
    yield TerraformBlock(
        ("resource", "aws_s3_bucket_lifecycle_configuration", name),
        {"count": Expression(f"var.{has_no_rules} ? 1 : 0"), "bucket": bucket},
        (TerraformBlock(("rule",), {"id": rule["ID"], "status": rule["Status"]}, inner),),
    )


def _question(name: str, asks: str) -> TerraformBlock:
    return TerraformBlock(("variable", name), {"type": Expression("bool"), "description": asks})
