"""The probe of a push dataset: the mover tries, and our half, as it is deployed, tells whose a refusal is."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from data_exports.access.grants import grants_of_push
from data_exports.access.policies import mover_policy
from data_exports.contract.tasks import ProbeAnswer, Try, Verdict
from data_exports.destinations.destination import Party
from data_exports.errors import AwsError, RefusedError
from data_exports.estate.models import PushDataset
from data_exports.operate.probe.findings import Check, CheckAnswer, Probed
from data_exports.operate.probe.push import probe_push
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, estate_of, push

NOW = datetime(2031, 3, 30, tzinfo=UTC)
ALLOWED = tuple(Try(what, Verdict.ALLOWED) for what in ("put", "abort", "begin"))
REFUSED = (Try("abort", Verdict.ALLOWED), Try("put", Verdict.REFUSED, "AccessDenied", "no", "R1"))
BUCKET = {"target_bucket": "cp-hearings", "target_account": "754256621582", "target_kms_key": None}
ANSWERED = ProbeAnswer("hearings", "m1", BUCKET, "hearings/.exports-probe", ALLOWED)
DECLARED = mover_policy(grants_of_push(PLATFORM, push()))
OURS = "our half: the policy of role export_hearings-move"


def payload(answer: ProbeAnswer | bytes, **more: str) -> dict[str, Any]:
    body = answer if isinstance(answer, bytes) else json.dumps(answer.encode()).encode()
    return {"Payload": io.BytesIO(body), **more}


def probed(
    answer: dict[str, Any] | None = None,
    *,
    policy: Any = DECLARED,
    dataset: PushDataset | None = None,
    caller: str = "593291632749",
) -> Probed:
    aws = AwsAnswers(
        {
            "caller": (caller, f"arn:aws:iam::{caller}:user/x"),
            "invoke": answer or payload(ANSWERED),
            "get_role_policy": policy if isinstance(policy, Exception) else {"PolicyDocument": policy},
        }
    )
    dataset = dataset or push()
    found = probe_push(estate_of(dataset), dataset, aws, now=NOW)
    assert dict(aws.asked)["invoke"] == {"FunctionName": "export_hearings-move", "Payload": '{"task": "probe"}'}
    return found


def lacks(found: Probed) -> list[Party]:
    return [lack.side for lack in found.lacks]


def test_where_everything_is_let_in_nothing_is_lacking_and_one_object_stays() -> None:
    found = probed()
    assert (found.dataset, found.lacks, found.leaves) == ("hearings", (), "s3://cp-hearings/hearings/.exports-probe")
    assert found.about == f"{push().mover_role_arn(PLATFORM)} writes under s3://cp-hearings/hearings/"
    assert found.checks[0] == Check(OURS, CheckAnswer.GOOD)
    assert {check.answer for check in found.checks[1:]} == {CheckAnswer.GOOD}
    assert len(found.checks) == 1 + sum(each.what in push().destination.tries for each in ALLOWED)


def test_what_is_refused_is_told_in_s3s_own_words_and_leaves_nothing() -> None:
    found = probed(payload(replace(ANSWERED, tries=REFUSED)))
    text, action = push().destination.tries["put"]
    assert found.checks[-1] == Check(text, CheckAnswer.LACKING, "AccessDenied: no, request R1", action)
    assert (lacks(found), found.leaves) == ([Party.THEIRS], "")


def test_what_is_not_known_is_neither_good_nor_lacking() -> None:
    found = probed(payload(replace(ANSWERED, tries=(Try("put", Verdict.UNKNOWN, said="silent"),))))
    assert (found.checks[-1].answer, found.checks[-1].detail, found.lacks) == (CheckAnswer.UNKNOWN, "silent", ())


MORE = {"Sid": "More", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x/*"}


@pytest.mark.parametrize(
    ("policy", "answer", "detail", "sides"),
    [
        (refusal("NoSuchEntity"), CheckAnswer.LACKING, "it has none", [Party.OURS]),
        (
            refusal("AccessDenied", "iam:GetRolePolicy"),
            CheckAnswer.UNKNOWN,
            "access denied: iam:GetRolePolicy",
            [Party.EITHER],
        ),
        (
            {**DECLARED, "Statement": [*DECLARED["Statement"], MORE]},
            CheckAnswer.LACKING,
            "not declared: More",
            [Party.OURS],
        ),
    ],
)
def test_our_own_half_is_looked_at_before_theirs_is_blamed(
    policy: Any, answer: CheckAnswer, detail: str, sides: list[Party]
) -> None:
    found = probed(payload(replace(ANSWERED, tries=REFUSED)), policy=policy)
    assert (found.checks[0], lacks(found)) == (Check(OURS, answer, detail), sides)


def test_after_its_last_day_nothing_but_that_is_lacking() -> None:
    ended = push(expires=date(2031, 3, 29))
    found = probed(payload(replace(ANSWERED, tries=REFUSED)), dataset=ended)
    assert [(lack.side, lack.what) for lack in found.lacks] == [
        (Party.OURS, "the access ended with 2031-03-29: IAM itself refuses")
    ]


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (payload(b'{"errorMessage": "it broke"}', FunctionError="Unhandled"), AwsError, "could not probe: it broke"),
        (payload(b"", FunctionError="Unhandled"), AwsError, "could not probe: it gave no reason"),
        (payload(b'{"batchItemFailures": []}'), RefusedError, "is of an earlier version, which cannot probe"),
        (
            payload(replace(ANSWERED, destination={**BUCKET, "target_bucket": "old"})),
            RefusedError,
            "hearings is deployed with target_bucket old, and declared with cp-hearings",
        ),
        (
            payload(replace(ANSWERED, destination={**BUCKET, "target_account": None})),
            RefusedError,
            "hearings is deployed with target_account none, and declared with 754256621582",
        ),
    ],
)
def test_a_mover_that_cannot_probe_or_is_not_as_declared_proves_nothing(
    answer: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        probed(answer)


def test_credentials_of_another_account_invoke_nothing() -> None:
    with pytest.raises(RefusedError, match="the credentials are of account 111122223333"):
        probed(caller="111122223333")
