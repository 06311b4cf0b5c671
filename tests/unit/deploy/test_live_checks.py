"""What only AWS can tell of declared names: each answer that it may give, at the place that it is about."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from data_exports.deploy.live_checks import check_live
from data_exports.errors import AwsError, RefusedError
from data_exports.evidence.notes import VerifierKey
from tests.aws_answers import AwsAnswers, refusal
from tests.unit.estate.written import PLATFORM, PULL, PUSH, load, write_estate

OURS = "593291632749"
THEIRS = "754256621582"
ME = (OURS, "arn:aws:sts::593291632749:assumed-role/admin/me")
ASK_THE_RECIPIENT = "ask the recipient which bucket and which account are theirs; until then nothing is delivered"
NOT_TOLD = "no delivery goes to another owner; once deployed, `exports probe` tells whether it is right"
LATER = "correct the name, or deploy again once the role exists"


def role_there(**_: object) -> dict[str, Any]:
    return {"Role": {"RoleId": "AROA"}}


def heads(anybody: Any = None, theirs: Any = None) -> Callable[..., Any]:
    """HeadBucket's answer to a question without an owner, and to one with the declared owner."""
    return lambda **asked: (theirs if "ExpectedBucketOwner" in asked else anybody) or {}


def aws_that(**answers: Any) -> AwsAnswers:
    """An AWS in which everything is as declared, but for these answers."""
    right = {"caller": ME, "get_role": role_there, "list_buckets": {"Buckets": []}, "head_bucket": heads()}
    return AwsAnswers(right | answers)


def said(aws: AwsAnswers, folder: Path, **files: str) -> list[str]:
    loaded = load(write_estate(folder, **files))
    assert loaded.estate is not None
    assert loaded.draft is not None
    return [
        f"{found.place.path.relative_to(folder)}:{found.place.line} {found.code} {found.severity}: "
        f"{found.message} -> {found.hint}"
        for found in check_live(loaded.draft, loaded.estate.platform, aws)
    ]


def test_nothing_is_said_where_everything_is_as_declared(tmp_path: Path) -> None:
    aws = aws_that()
    assert said(aws, tmp_path) == []
    assert aws.asked == [
        ("caller", {}),
        ("get_role", {"RoleName": "alpha_user_ana"}),
        ("list_buckets", {}),
        ("head_bucket", {"Bucket": "orders-landing"}),
        ("head_bucket", {"Bucket": "orders-landing", "ExpectedBucketOwner": THEIRS}),
    ]


def test_credentials_of_another_account_are_refused_before_anything_else_is_asked(tmp_path: Path) -> None:
    aws = aws_that(caller=("111122223333", "arn:aws:iam::111122223333:user/x"))
    with pytest.raises(RefusedError, match="the credentials are of account 111122223333"):
        said(aws, tmp_path)
    assert [operation for operation, _ in aws.asked] == ["caller"]


@pytest.mark.parametrize(
    ("roles", "hint"),
    [
        (["alpha_user_anna", "admin"], "did you mean 'alpha_user_anna'?"),
        (["Alpha_User_An", "admin"], "did you mean 'Alpha_User_An'?"),
        (["alpha_user_bob", "alpha_user_eva"], LATER),
        (["alpha_user_ena"], "did you mean 'alpha_user_ena'?"),
        (["alpha_user_annas"], "did you mean 'alpha_user_annas'?"),
        (["alpha_user_annass"], LATER),
        ([], LATER),
    ],
)
def test_a_role_that_does_not_exist_is_told_where_it_stands_with_the_nearest_name(
    roles: list[str], hint: str, tmp_path: Path
) -> None:
    pages = [{"Roles": [{"RoleName": name}]} for name in roles]
    aws = aws_that(get_role=refusal("NoSuchEntity"), list_roles=pages)
    assert said(aws, tmp_path) == [
        f"pull_datasets/b.yaml:3 EX801 error: there is no role alpha_user_ana -> {hint}",
        f"push_datasets/a.yaml:4 EX801 error: there is no role alpha_user_ana -> {hint}",
    ]


def test_a_role_that_does_not_exist_is_told_without_a_guess_where_roles_may_not_be_listed(tmp_path: Path) -> None:
    aws = aws_that(get_role=refusal("NoSuchEntity"), list_roles=refusal("AccessDenied"))
    assert [line.rpartition(" -> ")[2] for line in said(aws, tmp_path)] == [LATER, LATER]


def test_roles_are_listed_only_where_one_is_missing(tmp_path: Path) -> None:
    aws = aws_that()
    said(aws, tmp_path)
    assert "list_roles" not in dict(aws.asked)


def test_roles_that_may_not_be_asked_for_are_one_warning_and_never_missing(tmp_path: Path) -> None:
    aws = aws_that(get_role=refusal("AccessDenied", "not authorized to perform: iam:GetRole"))
    reason = "access denied: not authorized to perform: iam:GetRole -> use credentials that may do iam:GetRole"
    assert said(aws, tmp_path) == [
        f"exports.yaml:6 EX804 warning: whether the users' roles exist is not known: {reason}"
    ]


@pytest.mark.parametrize("answers", [{"get_role": refusal("NoSuchEntity"), "list_roles": refusal("Throttling")}])
@pytest.mark.parametrize("error", [refusal("Throttling"), EndpointConnectionError(endpoint_url="https://x")])
def test_another_refusal_ends_the_check_with_what_aws_says(
    answers: dict[str, Any], error: Exception, tmp_path: Path
) -> None:
    for changes in ({**answers, "list_roles": error}, {"get_role": error}, {"list_buckets": error}):
        with pytest.raises(AwsError):
            said(aws_that(**changes), tmp_path)
    with pytest.raises(AwsError) as raised:
        said(aws_that(head_bucket=error), tmp_path)
    assert raised.value.where == "bucket orders-landing"


NO_BUCKET = "there is no bucket orders-landing -> correct the name, or ask the recipient to make the bucket"
NOT_THEIRS = f"the bucket orders-landing does not belong to {THEIRS} -> {ASK_THE_RECIPIENT}"
UNKNOWN = f"the bucket orders-landing exists; whether it belongs to {THEIRS}, AWS does not tell us -> {NOT_TOLD}"


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        (heads(), []),
        (heads(refusal("404"), refusal("404")), [f"push_datasets/a.yaml:2 EX802 error: {NO_BUCKET}"]),
        (heads(None, refusal("403")), [f"push_datasets/a.yaml:3 EX803 error: {NOT_THEIRS}"]),
        (heads(refusal("403"), None), [f"push_datasets/a.yaml:3 EX804 warning: {UNKNOWN}"]),
        (heads(refusal("403"), refusal("403")), [f"push_datasets/a.yaml:3 EX804 warning: {UNKNOWN}"]),
    ],
    ids=["right", "missing", "another owner", "not told", "not told at all"],
)
def test_what_aws_tells_of_a_recipients_bucket(head: Any, lines: list[str], tmp_path: Path) -> None:
    assert said(aws_that(head_bucket=head), tmp_path) == lines


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        (heads(), []),
        (heads(refusal("403")), []),
        (heads(refusal("404")), [f"push_datasets/a.yaml:2 EX802 error: {NO_BUCKET}"]),
    ],
    ids=["there", "not shown", "missing"],
)
def test_without_a_declared_owner_it_is_enough_that_the_bucket_exists(
    head: Any, lines: list[str], tmp_path: Path
) -> None:
    push = "".join(line for line in PUSH.splitlines(keepends=True) if "target_account" not in line)
    aws = aws_that(head_bucket=head)
    found = said(aws, tmp_path, push=push)
    assert [line for line in found if "EX80" in line] == lines
    assert {"ExpectedBucketOwner": THEIRS} not in [asked for _, asked in aws.asked]


@pytest.mark.parametrize(("account", "wrong"), [(OURS, False), (THEIRS, True)])
def test_of_our_own_buckets_the_owner_is_known_without_asking(account: str, wrong: bool, tmp_path: Path) -> None:
    aws = aws_that(list_buckets={"Buckets": [{"Name": "orders-landing"}]})
    found = said(aws, tmp_path, push=PUSH.replace(THEIRS, account))
    line = f"push_datasets/a.yaml:3 EX803 error: {NOT_THEIRS}"
    assert [each for each in found if "EX803" in each] == ([line] if wrong else [])
    assert "head_bucket" not in dict(aws.asked)


def test_where_buckets_may_not_be_listed_each_is_asked_for(tmp_path: Path) -> None:
    aws = aws_that(list_buckets=refusal("AccessDenied"))
    assert said(aws, tmp_path) == []
    assert [asked for operation, asked in aws.asked if operation == "head_bucket"] == [
        {"Bucket": "orders-landing"},
        {"Bucket": "orders-landing", "ExpectedBucketOwner": THEIRS},
    ]


def test_a_bucket_of_two_datasets_is_asked_for_once_and_told_at_both(tmp_path: Path) -> None:
    second = PUSH.replace("name: orders", "name: returns")
    aws = aws_that(head_bucket=heads(refusal("404"), refusal("404")))
    found = said(aws, tmp_path, push_datasets__c=second)
    assert [line.partition(" ")[0] for line in found if "EX802" in line] == [
        "push_datasets/a.yaml:2",
        "push_datasets/c.yaml:2",
    ]
    assert [operation for operation, _ in aws.asked].count("head_bucket") == 1


def test_each_role_is_asked_for_once(tmp_path: Path) -> None:
    aws = aws_that()
    said(aws, tmp_path, pull=PULL.replace("alpha_user_ana", "alpha_user_ana, alpha_user_ben"))
    names = sorted(asked["RoleName"] for operation, asked in aws.asked if operation == "get_role")
    assert names == ["alpha_user_ana", "alpha_user_ben"]


OLD, NEW = (VerifierKey("mojap-hub-exports-evidence.s3.eu-west-1.amazonaws.com", bytes([each]) * 32) for each in (1, 2))
ANOTHER = (
    f"EX805 warning: the log is signed by the key {NEW.identifier.hex()}, which does not stand in evidence-keys.txt"
    " -> if you replaced it: `exports evidence key`, and commit; if not, CloudTrail tells who has"
)
NO_KEY = (
    "EX805 warning: the log can be signed by nobody: {}"
    " -> if you replaced it: `exports evidence key`, and commit; if not, CloudTrail tells who has"
)
NONE_KEPT = (
    "EX805 warning: the estate keeps no key of its log, without which nobody can tell who signed it"
    " -> `exports evidence key` writes it; commit it"
)
KEY_NOT_TOLD = (
    "EX804 warning: whether the evidence is signed by a key that the estate keeps is not known: access denied"
    " -> use credentials that may do kms:GetPublicKey"
)


@pytest.mark.parametrize(
    ("kept", "answer", "expected"),
    [
        ([OLD, NEW], NEW, ""),
        ([OLD], refusal("NotFoundException"), ""),
        ([OLD], NEW, ANOTHER),
        ([], NEW, NONE_KEPT),
        ([OLD], refusal("AccessDeniedException"), KEY_NOT_TOLD),
        ([OLD], {"PublicKey": b"a key of RSA"}, NO_KEY.format("what its alias in KMS names is no Ed25519 key")),
        ([OLD], refusal("UnsupportedOperationException"), NO_KEY.format("its key in KMS has no public half")),
        ([OLD], refusal("DisabledException"), NO_KEY.format("its key in KMS is disabled")),
    ],
)
def test_a_key_of_the_evidence_that_the_estate_does_not_keep_is_a_warning(
    kept: list[VerifierKey], answer: Any, expected: str, tmp_path: Path
) -> None:
    if isinstance(answer, VerifierKey):
        answer = {"PublicKey": bytes.fromhex("302a300506032b6570032100") + answer.public_key}
    if kept:
        (tmp_path / "evidence-keys.txt").write_text("".join(f"{each}\n" for each in kept))
    platform = PLATFORM + "  evidence: {lock_days: 30}\n"
    found = said(aws_that(get_public_key=answer), tmp_path, platform=platform)
    assert found == ([f"exports.yaml:9 {expected}"] if expected else [])
