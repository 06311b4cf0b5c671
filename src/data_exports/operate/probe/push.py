"""The probe of a push dataset: its mover tries a delivery with its own role, and we say which side lacks what.

In: an `Aws` and a push dataset. Out: a `Probed`. Effects: invokes the dataset's mover, which may leave one small object
at the recipient (see `data_exports.mover.tasks.probe`); reads the mover's policy. S3 does not tell whose policy
refused: so the deployed policy of our role is compared with the declared one, and if it is as declared, the other
side's refused.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from data_exports.access.grants import grants_of_push
from data_exports.access.policies import mover_policy
from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, reason_of
from data_exports.contract.keys import probe_key_of
from data_exports.contract.tasks import ProbeAnswer, Task, Try, Verdict
from data_exports.deploy.remote import check_account
from data_exports.errors import AwsError, RefusedError
from data_exports.estate.models import Estate, PushDataset
from data_exports.names import MOVER_POLICY
from data_exports.operate.probe.findings import Answer, Check, Lack, Probed, Side
from data_exports.operate.probe.policies import difference_of, sids_of
from data_exports.operate.rights import needing

_TRIED = {
    "put": ("write a file", "s3:PutObject"),
    "tag": ("write it with tags", "s3:PutObjectTagging"),
    "acl": ("write it so that it belongs to the bucket's owner", "s3:PutObjectAcl"),
    "key": ("encrypt it with target_kms_key", "kms:GenerateDataKey"),
    "start parts": ("begin a file in parts", "s3:PutObject"),
    "part": ("write a part", "s3:PutObject"),
    "abort": ("abort a file in parts", "s3:AbortMultipartUpload"),
    "owner": ("find the bucket in the declared account", ""),
}
"""What the mover tried → in words, and the permission it takes."""
_ANSWERS = {Verdict.ALLOWED: Answer.GOOD, Verdict.REFUSED: Answer.LACKING, Verdict.UNKNOWN: Answer.UNKNOWN}
_BY_POLICY = {"AccessDenied", "403", "AllAccessDisabled"}


@dataclass(frozen=True, slots=True)
class _OurHalf:
    """Our role's policy: as declared, otherwise, or not to be looked at."""

    check: Check

    @property
    def is_good(self) -> bool | None:
        return None if self.check.answer is Answer.UNKNOWN else self.check.answer is Answer.GOOD


def probe_push(estate: Estate, push: PushDataset, aws: Aws, *, now: datetime | None = None) -> Probed:
    """Prove that deliveries of this dataset are let in.

    Raises `AwsError` when AWS cannot be asked, `RefusedError` when the dataset is not deployed, or not as declared.
    """
    check_account(aws, estate.platform)
    found = _invoke(push, aws)
    _check_is_deployed_as_declared(push, found)
    ours = _read_our_half(estate, push, aws)
    tries = [each for each in found.tries if each.what in _TRIED]
    checks = [ours.check, *(_check_of(each) for each in tries)]
    lacks = list(_lacks(estate, push, ours, tries, now or datetime.now(UTC)))
    about = f"{push.mover_role_arn(estate.platform)} writes under s3://{push.destination.bucket}/{push.prefix}"
    leaves = f"s3://{push.destination.bucket}/{probe_key_of(push.name)}" if "put" in _allowed(tries) else ""
    return Probed(push.name, about, tuple(checks), tuple(lacks), leaves)


def _allowed(tries: Iterable[Try]) -> set[str]:
    return {each.what for each in tries if each.verdict is Verdict.ALLOWED}


def _invoke(push: PushDataset, aws: Aws) -> ProbeAnswer:
    """What the mover answers.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """
    with needing(aws, "lambda:InvokeFunction", f"function {push.mover_name}"):
        answer = aws.client("lambda").invoke(FunctionName=str(push.mover_name), Payload=Task.PROBE.request)
    payload = answer["Payload"].read()
    if "FunctionError" in answer:
        reason = _parsed(payload).get("errorMessage", "it gave no reason")
        raise AwsError(
            f"the mover could not probe: {reason}",
            where=str(push.mover_name),
            next_step="exports deploy (an earlier mover cannot probe); if that does not help, see its log",
        )
    found = ProbeAnswer.decode(payload)
    if found is None:
        raise RefusedError(
            f"the deployed mover of {push.name} is of an earlier version, which cannot probe",
            next_step="exports deploy",
        )
    return found


def _check_is_deployed_as_declared(push: PushDataset, found: ProbeAnswer) -> None:
    for name, declared in push.destination.declaration.items():
        deployed = getattr(found, name)
        if (declared or None) != (deployed or None):
            raise RefusedError(
                f"{push.name} is deployed with {name} {deployed or 'none'}, and declared with {declared or 'none'}",
                next_step="exports deploy, then probe again",
            )


def _read_our_half(estate: Estate, push: PushDataset, aws: Aws) -> _OurHalf:
    """Compare the policy that the mover's role carries with the declared one."""
    text = f"our half: the policy of role {push.mover_name}"
    try:
        found = aws.client("iam").get_role_policy(RoleName=str(push.mover_name), PolicyName=MOVER_POLICY)
    except AWS_EXCEPTIONS as error:
        if answer_of(error) is AwsAnswer.NOT_FOUND:
            return _OurHalf(Check(text, Answer.LACKING, "it has none"))
        return _OurHalf(Check(text, Answer.UNKNOWN, reason_of(error)))
    difference = difference_of(
        declared=mover_policy(grants_of_push(estate.platform, push)), found=found["PolicyDocument"]
    )
    if not difference:
        return _OurHalf(Check(text, Answer.GOOD))
    lines = [("not as declared", difference.missing), ("not declared", difference.strange)]
    detail = "; ".join(f"{what}: {sids_of(statements)}" for what, statements in lines if statements)
    return _OurHalf(Check(text, Answer.LACKING, detail))


def _check_of(tried: Try) -> Check:
    text, action = _TRIED[tried.what]
    said = ": ".join(part for part in (tried.code, tried.said) if part)
    request = f"request {tried.request_id}" if tried.request_id else ""
    detail = ", ".join(part for part in (said, request) if part)
    return Check(text, _ANSWERS[tried.verdict], detail, action)


def _lacks(estate: Estate, push: PushDataset, ours: _OurHalf, tries: list[Try], now: datetime) -> Iterator[Lack]:
    if push.until and push.until <= now:
        yield Lack(
            Side.OURS,
            f"the access ended with {push.expires}: IAM itself refuses",
            "if the export goes on, declare a later day under expires and deploy",
        )
        return
    if ours.is_good is False:
        yield Lack(Side.OURS, f"role {push.mover_name} has not the policy that is declared", "exports deploy")
    refused = {each.what: each for each in tries if each.verdict is Verdict.REFUSED}
    there = push.destination
    codes = {each.code for each in refused.values()}
    if "NoSuchBucket" in codes:
        yield Lack(Side.THEIRS, f"there is no bucket {there.bucket}", "ask its owner for the bucket's name")
    elif "WrongOwner" in codes:
        account = estate.platform.name_of_account(there.account) if there.account else "the account"
        yield Lack(
            Side.THEIRS,
            f"bucket {there.bucket} belongs to another account than {account}; nothing is delivered there",
            "ask the recipient whose bucket it is, and correct target_account or target_bucket",
        )
    else:
        yield from _refusals(estate, push, ours, refused, _allowed(tries))


def _refusals(
    estate: Estate, push: PushDataset, ours: _OurHalf, refused: Mapping[str, Try], allowed: set[str]
) -> Iterator[Lack]:
    by_policy = [what for what, each in refused.items() if each.code in _BY_POLICY and what not in ("key", "owner")]
    role = push.mover_role_arn(estate.platform)
    if "key" in refused and not by_policy:
        yield _key_lack(push, str(role), refused["key"])
    actions = sorted({_TRIED[what][1] for what in by_policy})
    if actions and ours.is_good is not False:
        known = ours.is_good is True
        whose = f"the policy of bucket {push.destination.bucket}" if known else "our half or theirs"
        or_owner = ""
        if not allowed and push.destination.account:
            or_owner = f", or the bucket is not in account {push.destination.account}: S3 answers both alike"
        yield Lack(
            Side.THEIRS if known else Side.EITHER,
            f"{whose} does not let {role} do {', '.join(actions)} under {push.prefix}{or_owner}",
            f"send its owner `exports handover {push.name}`"
            + ("" if known else "; to tell whose it is, use a role that may do iam:GetRolePolicy"),
        )
    for what, each in refused.items():
        if each.code not in _BY_POLICY and what != "key":
            yield Lack(
                Side.THEIRS,
                f"S3 does not {_TRIED[what][0]}: {each.code}, {each.said}",
                f"tell the owner of bucket {push.destination.bucket} S3's words",
            )
            return


def _key_lack(push: PushDataset, role: str, tried: Try) -> Lack:
    denied = tried.code in _BY_POLICY
    what = f"its policy does not let {role} use it" if denied else f"{tried.code}, {tried.said}"
    return Lack(
        Side.THEIRS,
        f"key {push.destination.kms_key}: {what}",
        f"send its owner `exports handover {push.name}`: the statements of the key's policy stand there",
    )


def _parsed(said: bytes) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
