"""The probe of a push dataset: its mover tries a delivery with its own role, and we say which side lacks what.

In: an `Aws` and a push dataset. Out: a `Probed`. Effects: invokes the dataset's mover, which may leave one small object
at the recipient (see `data_exports.mover.tasks.probe`); reads the mover's policy. S3 does not tell whose policy
refused: so the deployed policy of our role is compared with the declared one, and if it is as declared, the other
side's refused.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from data_exports.access.grants import grants_of_push
from data_exports.access.handover import route_of
from data_exports.access.policies import mover_policy
from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, reason_of
from data_exports.contract.keys import probe_key_of
from data_exports.contract.tasks import ProbeAnswer, Task, Try, Verdict
from data_exports.deploy.remote import check_account
from data_exports.destinations.destination import Lack, Party
from data_exports.errors import AwsError, RefusedError
from data_exports.estate.models import Estate, PushDataset
from data_exports.names import MOVER_POLICY
from data_exports.operate.probe.findings import PUT_IN_PLACE, Check, CheckAnswer, Probed
from data_exports.operate.probe.policies import difference_of, sids_of
from data_exports.operate.rights import needing

_ANSWERS = {
    Verdict.ALLOWED: CheckAnswer.GOOD,
    Verdict.REFUSED: CheckAnswer.LACKING,
    Verdict.UNKNOWN: CheckAnswer.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class _OurHalf:
    """Our role's policy: as declared, otherwise, or not to be looked at."""

    check: Check

    @property
    def is_good(self) -> bool | None:
        return None if self.check.answer is CheckAnswer.UNKNOWN else self.check.answer is CheckAnswer.GOOD


def probe_push(estate: Estate, push: PushDataset, aws: Aws, *, now: datetime | None = None) -> Probed:
    """Prove that deliveries of this dataset are let in.

    Raises `AwsError` when AWS cannot be asked, `RefusedError` when the dataset is not deployed, or not as declared.
    """
    check_account(aws, estate.platform)
    found = _invoke(push, aws)
    _check_is_deployed_as_declared(push, found)
    ours = _read_our_half(estate, push, aws)
    there = push.destination
    tries = [each for each in found.tries if each.what in there.tries]
    checks = [ours.check, *(_check_of(each, *there.tries[each.what]) for each in tries)]
    lacks = tuple(_lacks(estate, push, ours, tries, now or datetime.now(UTC)))
    about = f"{push.mover_role_arn(estate.platform)} writes under {there.uri}/{push.prefix}"
    is_put = any(each.what == "put" and each.verdict is Verdict.ALLOWED for each in tries)
    return Probed(push.name, about, tuple(checks), lacks, f"{there.uri}/{probe_key_of(push.name)}" if is_put else "")


def _invoke(push: PushDataset, aws: Aws) -> ProbeAnswer:
    """What the mover answers.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """
    with needing(aws, "lambda:InvokeFunction", f"function {push.mover_name}"):
        answer: Mapping[str, Any] = aws.client("lambda").invoke(
            FunctionName=str(push.mover_name), Payload=Task.PROBE.request
        )
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
    for name, declared in asdict(push.destination.settings).items():
        deployed = found.destination.get(name)
        if (declared or None) != (deployed or None):
            raise RefusedError(
                f"{push.name} is deployed with {name} {deployed or 'none'}, and declared with {declared or 'none'}",
                next_step="exports deploy, then probe again",
            )


def _read_our_half(estate: Estate, push: PushDataset, aws: Aws) -> _OurHalf:
    """Compare the policy that the mover's role carries with the declared one."""
    text = f"our half: the policy of role {push.mover_name}"
    try:
        iam = aws.client("iam")
        found: Mapping[str, Any] = iam.get_role_policy(RoleName=str(push.mover_name), PolicyName=MOVER_POLICY)
    except AWS_EXCEPTIONS as error:
        if answer_of(error) is AwsAnswer.NOT_FOUND:
            return _OurHalf(Check(text, CheckAnswer.LACKING, "it has none"))
        return _OurHalf(Check(text, CheckAnswer.UNKNOWN, reason_of(error)))
    difference = difference_of(
        declared=mover_policy(grants_of_push(estate.platform, push)), found=found["PolicyDocument"]
    )
    if not difference:
        return _OurHalf(Check(text, CheckAnswer.GOOD))
    lines = [("not as declared", difference.missing), ("not declared", difference.strange)]
    detail = "; ".join(f"{what}: {sids_of(statements)}" for what, statements in lines if statements)
    return _OurHalf(Check(text, CheckAnswer.LACKING, detail))


def _check_of(tried: Try, text: str, action: str) -> Check:
    said = ": ".join(part for part in (tried.code, tried.said) if part)
    request = f"request {tried.request_id}" if tried.request_id else ""
    detail = ", ".join(part for part in (said, request) if part)
    return Check(text, _ANSWERS[tried.verdict], detail, action)


def _lacks(estate: Estate, push: PushDataset, ours: _OurHalf, tries: list[Try], now: datetime) -> Iterator[Lack]:
    if push.until and push.until <= now:
        yield Lack(
            Party.OURS,
            f"the access ended with {push.expires}: IAM itself refuses",
            "if the export goes on, declare a later day under expires and deploy",
        )
        return
    if ours.is_good is False:
        yield Lack(Party.OURS, f"role {push.mover_name} has not the policy that is declared", PUT_IN_PLACE)
    yield from push.destination.lacks(tries, route_of(estate, push), is_ours_good=ours.is_good)


def _parsed(said: bytes) -> dict[str, Any]:
    try:
        found = json.loads(said)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
