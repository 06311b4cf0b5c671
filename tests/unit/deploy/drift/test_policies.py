"""Two policies compared by what they mean."""

from typing import Any

import pytest

from data_exports.access.grants import grants_of_pull
from data_exports.access.policies import pull_bucket_policy
from data_exports.deploy.drift.difference import DifferenceKind, call
from data_exports.deploy.drift.policies import policy_differences_of
from tests.estates import LOADER, PLATFORM, READER, pull

ROOT = "arn:aws:iam::754256621582:root"
BUCKET = "arn:aws:s3:::b"
PUT = call("s3", "put_bucket_policy", Bucket="b")


KIND = DifferenceKind.BUCKET_POLICY


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    told = list(policy_differences_of(expected, found, kind=KIND, of="it", repair=PUT))
    assert all(each.repair == PUT for each in told)
    return [each.what.removeprefix("it ") for each in told]


def _statement(**changes: Any) -> dict[str, Any]:
    plain = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": ["a:B", "a:C"], "Resource": BUCKET}
    return {key: value for key, value in (plain | changes).items() if value is not None}


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    "other",
    [
        _policy(_statement(Sid="Other", Action=["a:C", "a:B"])),
        _policy(_statement(Action="a:B"), _statement(Action="a:C")),
        _policy(_statement(Resource=[BUCKET])),
        _policy(_statement(Principal={"AWS": "754256621582"})),
        {"Statement": _statement()},
    ],
    ids=["order and Sid", "grouping", "list of one", "account id", "one statement, no list"],
)
def test_what_means_the_same_does_not_differ(other: dict[str, Any]) -> None:
    assert differences(_policy(_statement()), other) == []
    assert differences(other, _policy(_statement())) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (_policy(), ["no longer allows a:B, a:C on arn:aws:s3:::b to " + ROOT]),
        (_policy(_statement(Action="a:B")), ["no longer allows a:C on arn:aws:s3:::b to " + ROOT]),
        (
            _policy(_statement(), _statement(Principal="*", Action="a:*", Effect="Deny")),
            ["also denies a:* on arn:aws:s3:::b to everybody"],
        ),
        (
            _policy(_statement(Condition={"Bool": {"aws:SecureTransport": True}})),
            [
                f"also allows a:B, a:C on arn:aws:s3:::b to {ROOT}, if aws:securetransport Bool true",
                f"no longer allows a:B, a:C on arn:aws:s3:::b to {ROOT}",
            ],
        ),
        (
            _policy(_statement(), _statement(Principal=None, NotPrincipal={"AWS": ROOT}, Action=None, NotAction="a:B")),
            ["also allows everything but a:B on arn:aws:s3:::b to everybody but " + ROOT],
        ),
    ],
    ids=["gone", "less", "denied", "condition", "negations"],
)
def test_what_means_something_else_is_said(other: dict[str, Any], said: list[str]) -> None:
    assert differences(_policy(_statement()), other) == said


def test_roles_named_by_condition_are_told_one_by_one() -> None:
    dataset = pull("lists", outsiders=(READER, LOADER))
    fewer = pull("lists", outsiders=(READER,))
    bucket = dataset.bucket(PLATFORM)
    whole, part = (
        pull_bucket_policy(bucket, grants_of_pull(PLATFORM, each), require_tls=True) for each in (dataset, fewer)
    )
    (said,) = differences(whole, part)
    assert said == (
        "no longer allows s3:ListBucket on arn:aws:s3:::mojap-lists; s3:GetObject, s3:GetObjectTagging, "
        f"s3:GetObjectVersion, s3:GetObjectVersionTagging on arn:aws:s3:::mojap-lists/* to {LOADER}"
    )
    assert differences(whole, whole) == []


def test_a_long_list_of_actions_is_cut_and_counted() -> None:
    many = _policy(_statement(), _statement(Action=[f"x:{number:02}" for number in range(11)]))
    (said,) = differences(_policy(_statement()), many)
    assert said.startswith("also allows x:00, x:01, x:02, x:03, x:04, x:05, x:06, x:07 and 3 more on ")


@pytest.mark.parametrize(
    ("found", "returns"),
    [
        (_policy(), True),
        (_policy(_statement(), _statement(Effect="Deny")), True),
        (_policy(_statement(), _statement(Action="a:D")), False),
        (_policy(_statement(), _statement(Effect="Deny", Action="a:D")), True),
    ],
    ids=["an allowance is gone", "the same is denied", "more is allowed", "another is denied"],
)
def test_what_gives_access_back_is_known(found: dict[str, Any], returns: bool) -> None:
    for lets_in in (True, False):
        told = policy_differences_of(_policy(_statement()), found, kind=KIND, of="it", repair=PUT, lets_in=lets_in)
        assert [each.returns_access for each in told] == [returns and lets_in]


def test_a_denial_that_is_gone_gives_nothing_back() -> None:
    denying = _policy(_statement(Effect="Deny"))
    (told,) = policy_differences_of(denying, _policy(), kind=KIND, of="it", repair=PUT)
    assert (told.what, told.returns_access) == (f"it no longer denies a:B, a:C on {BUCKET} to {ROOT}", False)
