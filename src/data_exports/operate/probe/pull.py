"""The probe of a pull dataset: what is deployed for outsiders, read back; and tries of our own if we are one of them.

In: an `Aws` and a pull dataset. Out: a `Probed`. Effects: reads the bucket's policy and the users' policies; as an
outsider or user lists, reads one byte, and begins and aborts an upload in parts, which leaves nothing. What the outside
account allows its own role cannot be seen from the platform: only a try with that role shows it.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from data_exports.access.grants import Grant, Role, grants_of_pull
from data_exports.access.policies import pull_bucket_policy, pull_user_policy
from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, aws_errors, code_of, reason_of
from data_exports.destinations.destination import Lack, Party
from data_exports.errors import RefusedError
from data_exports.estate.models import Estate, PullDataset
from data_exports.names import RoleName, pull_users_policy_of
from data_exports.operate.probe.findings import PUT_IN_PLACE, Check, CheckAnswer, Probed
from data_exports.operate.probe.policies import difference_of, sids_of

_PROBE_KEY = ".exports-probe"
"""Never written: only asked for, and begun as an upload in parts that is aborted."""


def probe_pull(estate: Estate, pull: PullDataset, aws: Aws, *, now: datetime | None = None) -> Probed:
    """Look at our half, and try what the caller may try.

    Raises `AwsError` when AWS cannot be asked, `RefusedError` when the dataset is not deployed, or the caller has no
    part in it.
    """
    account, arn = _caller(aws)
    platform, bucket = estate.platform, pull.bucket(estate.platform)
    mine = _grants_of_caller(estate, pull, account, arn)
    is_platform = account == platform.account
    if not mine and not is_platform:
        raise RefusedError(
            f"{arn} has no part in {pull.name}",
            next_step=f"use a role that the declaration names, or one of account {platform.account}",
        )
    checks: list[Check] = []
    lacks: list[Lack] = []
    for check, lack in (*(_our_half(estate, pull, aws) if is_platform else ()), *_tries(estate, pull, aws, mine)):
        checks.append(check)
        lacks += [lack] if lack else []
    if pull.until and pull.until <= (now or datetime.now(UTC)):
        ended = f"the access ended with {pull.expires}: IAM itself refuses"
        lacks = [Lack(Party.OURS, ended, "if the export goes on, declare a later day under expires and deploy")]
    may = "read and write" if pull.allow_push else "read"
    names = ", ".join(sorted(pull.outsiders))
    note = "" if mine else f"What their accounts allow them shows only when they try: the same command, as {names}"
    return Probed(pull.name, f"outsiders may {may} s3://{bucket}", tuple(checks), tuple(lacks), note=note)


Found = Iterator[tuple[Check, Lack | None]]


def _our_half(estate: Estate, pull: PullDataset, aws: Aws) -> Found:
    yield _bucket_policy(estate, pull, aws)
    for user in pull.users:
        yield _user_policy(estate, pull, user, aws)


def _bucket_policy(estate: Estate, pull: PullDataset, aws: Aws) -> tuple[Check, Lack | None]:
    platform, bucket = estate.platform, pull.bucket(estate.platform)
    text = f"our half: the policy of bucket {bucket}"
    deploy = Lack(Party.OURS, f"bucket {bucket} has not the policy that is declared", PUT_IN_PLACE)
    try:
        found = aws.client("s3").get_bucket_policy(Bucket=bucket, ExpectedBucketOwner=platform.account)["Policy"]
    except AWS_EXCEPTIONS as error:
        if code_of(error) == "NoSuchBucket":
            raise RefusedError(
                f"{pull.name} is not deployed: there is no bucket {bucket}", next_step="exports deploy"
            ) from error
        if answer_of(error) is AwsAnswer.NOT_FOUND:
            return Check(text, CheckAnswer.LACKING, "it has none"), deploy
        if answer_of(error) is AwsAnswer.FORBIDDEN:
            return Check(text, CheckAnswer.UNKNOWN, reason_of(error), "s3:GetBucketPolicy"), None
        raise aws_error_of(error, where=bucket) from error
    declared = pull_bucket_policy(bucket, grants_of_pull(platform, pull), require_tls=not aws.is_local)
    return _compared(text, declared, json.loads(found), deploy)


def _user_policy(estate: Estate, pull: PullDataset, user: RoleName, aws: Aws) -> tuple[Check, Lack | None]:
    text = f"our half: the policy of user {user}"
    name = pull_users_policy_of(pull.name)
    deploy = Lack(Party.OURS, f"role {user} has not the policy {name} that is declared", PUT_IN_PLACE)
    try:
        found = aws.client("iam").get_role_policy(RoleName=user, PolicyName=name)["PolicyDocument"]
    except AWS_EXCEPTIONS as error:
        if answer_of(error) is AwsAnswer.NOT_FOUND:
            return Check(text, CheckAnswer.LACKING, "there is no such role, or it has no such policy"), deploy
        if answer_of(error) is AwsAnswer.FORBIDDEN:
            return Check(text, CheckAnswer.UNKNOWN, reason_of(error), "iam:GetRolePolicy"), None
        raise aws_error_of(error, where=str(user)) from error
    return _compared(text, pull_user_policy(grants_of_pull(estate.platform, pull)) or {}, found, deploy)


def _compared(text: str, declared: Any, found: Any, deploy: Lack) -> tuple[Check, Lack | None]:
    difference = difference_of(declared=declared, found=found)
    if not difference:
        return Check(text, CheckAnswer.GOOD), None
    lines = (("not as declared", difference.missing), ("not declared", difference.strange))
    detail = "; ".join(f"{what}: {sids_of(statements)}" for what, statements in lines if statements)
    return Check(text, CheckAnswer.LACKING, detail), deploy


# --- tries with the caller's own rights ------------------------------------------------------------------------------


def _caller(aws: Aws) -> tuple[str, str]:
    with aws_errors():
        return aws.caller()


def _grants_of_caller(estate: Estate, pull: PullDataset, account: str, arn: str) -> list[Grant]:
    """The grants of the dataset that are the caller's; a session's ARN names the role without its path."""
    names = {arn.rsplit("/", 1)[-1]} if ":user/" in arn else {arn.split("/")[1]} if ":assumed-role/" in arn else set()
    return [
        grant
        for grant in grants_of_pull(estate.platform, pull)
        if grant.principal.account == account and grant.principal.rsplit("/", 1)[-1] in names
    ]


def _tries(estate: Estate, pull: PullDataset, aws: Aws, mine: list[Grant]) -> Found:
    if not mine:
        return
    bucket, s3 = str(pull.bucket(estate.platform)), aws.client("s3")
    actions = {action for grant in mine for action in grant.actions}
    is_outsider = mine[0].role is Role.OUTSIDER
    owner: dict[str, Any] = {"Bucket": bucket, "ExpectedBucketOwner": str(estate.platform.account)}
    listed: dict[str, Any] = {}

    def list_once() -> None:
        listed.update(s3.list_objects_v2(**owner, MaxKeys=1))

    def read_once() -> None:
        key = next((each["Key"] for each in listed.get("Contents", [])), _PROBE_KEY)
        s3.head_object(**owner, Key=key)

    def write_and_withdraw() -> None:
        upload = s3.create_multipart_upload(**owner, Key=_PROBE_KEY)["UploadId"]
        s3.abort_multipart_upload(**owner, Key=_PROBE_KEY, UploadId=upload)

    def abort_nothing() -> None:
        s3.abort_multipart_upload(**owner, Key=_PROBE_KEY, UploadId="exports-probe-no-such-upload")

    yield _try("list the bucket", "s3:ListBucket", list_once, is_outsider=is_outsider)
    yield _try("read an object", "s3:GetObject", read_once, is_outsider=is_outsider)
    if "s3:PutObject" in actions:
        check, lack = _try("abort an upload", "s3:AbortMultipartUpload", abort_nothing, is_outsider=is_outsider)
        yield check, lack
        if lack is None:
            yield _try("write an object", "s3:PutObject", write_and_withdraw, is_outsider=is_outsider)


def _try(text: str, action: str, call: Callable[[], None], *, is_outsider: bool) -> tuple[Check, Lack | None]:
    text = f"as ourselves: {text}"
    try:
        call()
    except AWS_EXCEPTIONS as error:
        match answer_of(error):
            case AwsAnswer.NOT_FOUND if code_of(error) != "NoSuchBucket":
                return Check(text, CheckAnswer.GOOD, action=action), None  # allowed, and there is nothing
            case AwsAnswer.FORBIDDEN | AwsAnswer.NOT_FOUND:
                side = Party.EITHER if is_outsider else Party.OURS
                then = (
                    "give the role the policy of `exports handover`; if it has it, ask the platform to probe its half"
                )
                what = f"we may not do {action}"
                return Check(text, CheckAnswer.LACKING, reason_of(error), action), Lack(side, what, then)
            case _:
                raise aws_error_of(error) from error
    return Check(text, CheckAnswer.GOOD, action=action), None
