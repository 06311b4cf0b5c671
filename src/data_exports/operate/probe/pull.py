"""The probe of a pull dataset: what is deployed for outsiders, read back; and tries of our own if we are one of them.

In: an `Aws` and a pull dataset, or a token of somebody outside AWS. Out: a `Probed`. Effects: reads the policies of the
bucket and of the users, and what is deployed for readers outside AWS; tries as `tries` says. What the outside account
allows its own role cannot be seen from the platform: only a try with that role shows it.
"""

import json
from datetime import UTC, datetime

from data_exports.access.grants import Grant, Role, grants_of_pull
from data_exports.access.policies import pull_bucket_policy, pull_user_policy
from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, aws_errors, code_of, reason_of
from data_exports.destinations.destination import Lack, Party
from data_exports.errors import RefusedError
from data_exports.estate.models import Estate, PullDataset
from data_exports.names import RoleName, pull_users_policy_of
from data_exports.operate.probe.federated import as_reader, look_at_readers
from data_exports.operate.probe.findings import PUT_IN_PLACE, Check, CheckAnswer, Probed
from data_exports.operate.probe.policies import compared
from data_exports.operate.probe.sftp import look_at_sftp_readers
from data_exports.operate.probe.tries import Blame, Found, try_grants
from data_exports.operate.probe.web_token import WebToken, reader_of_token


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
    found = (*(_our_half(estate, pull, aws) if is_platform else ()), *_tries(estate, pull, aws, mine))
    may = "read and write" if pull.allow_push else "read"
    notes = []
    if not mine and pull.outsiders:
        names = ", ".join(sorted(pull.outsiders))
        notes.append(f"What their accounts allow them shows only when they try: the same command, as {names}")
    if not mine and pull.identities:
        notes.append(
            "Whether a reader outside AWS gets in shows only when it tries: the same command with --token-file"
        )
    if not mine and pull.sftp_readers:
        notes.append("Whether a reader by SFTP gets in shows only when it logs in")
    about = f"outsiders may {may} s3://{bucket}"
    return _probed(pull, about, found, now or datetime.now(UTC), note=". ".join(notes))


def probe_as_reader(
    estate: Estate, pull: PullDataset, aws: Aws, token: WebToken, *, now: datetime | None = None
) -> Probed:
    """Try as the reader outside AWS who holds a token: to get its role, and what it may do then.

    Needs no credentials of AWS. Raises `RefusedError` when the token fits no reader, `AwsError` when AWS cannot be
    asked.
    """
    now = now or datetime.now(UTC)
    reader = reader_of_token(pull, token, now)
    may = "read and write" if pull.allow_push else "read"
    about = (
        f"{reader.label} may {may} s3://{pull.bucket(estate.platform)} as {pull.role_arn_of(reader, estate.platform)}"
    )
    return _probed(pull, about, tuple(as_reader(estate, pull, reader, aws, token.text)), now)


def _probed(
    pull: PullDataset, about: str, found: tuple[tuple[Check, Lack | None], ...], now: datetime, *, note: str = ""
) -> Probed:
    lacks = [lack for _, lack in found if lack]
    if pull.until and pull.until <= now:
        ended = f"the access ended with {pull.expires}: IAM itself refuses"
        lacks = [Lack(Party.OURS, ended, "if the export goes on, declare a later day under expires and deploy")]
    return Probed(pull.name, about, tuple(check for check, _ in found), tuple(lacks), note=note)


def _our_half(estate: Estate, pull: PullDataset, aws: Aws) -> Found:
    yield _bucket_policy(estate, pull, aws)
    for user in pull.users:
        yield _user_policy(estate, pull, user, aws)
    yield from look_at_readers(estate, pull, aws)
    yield from look_at_sftp_readers(estate, pull, aws)


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
    return compared(text, declared, json.loads(found), deploy)


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
    return compared(text, pull_user_policy(grants_of_pull(estate.platform, pull)) or {}, found, deploy)


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
    role = mine[0].role
    then = "give the role the policy of `exports handover`; if it has it, ask the platform to probe its half"
    blame = Blame(Party.EITHER if role is Role.OUTSIDER else Party.OURS, then)
    yield from try_grants(estate, pull, aws, mine, blame, is_confined=role is Role.FEDERATED)
