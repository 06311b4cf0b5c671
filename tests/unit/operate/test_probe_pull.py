"""The probe of a pull dataset: which side lacks what, told by who asks. S3's answers are given."""

from typing import Any

import pytest

from data_exports.destinations.destination import Party
from data_exports.operate.probe.pull import probe_pull
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import LOADER, READER, estate_of, pull

REFUSED = refusal("AccessDenied", "Access Denied")
MAY_TRY: dict[str, Any] = {
    "list_objects_v2": {},
    "head_object": {},
    "create_multipart_upload": {"UploadId": "1"},
    "abort_multipart_upload": {},
}
"""All that an outsider asks."""


def caller(account: str, arn: str, *refused: str) -> AwsAnswers:
    """An AWS that knows who asks, and refuses these operations."""
    return AwsAnswers({"caller": (account, arn), **MAY_TRY, **dict.fromkeys(refused, REFUSED)})


def lacks_of(*refused: str, arn: str = str(READER), **fields: Any) -> list[tuple[Party, str]]:
    dataset = pull(outsiders=(READER, LOADER), **fields)
    name = arn.rpartition("/")[2]
    account = arn.split(":")[4]
    aws = caller(account, f"arn:aws:sts::{account}:assumed-role/{name}/session", *refused)
    probed = probe_pull(estate_of(dataset), dataset, aws)
    assert aws.services == {"s3"}, "an outsider asks nobody else"
    return [(lack.side, lack.what) for lack in probed.lacks]


def test_an_outsider_who_may_do_all_that_is_granted_lacks_nothing() -> None:
    assert lacks_of() == []
    assert lacks_of(allow_push=True) == []


@pytest.mark.parametrize(
    ("operation", "action"), [("list_objects_v2", "s3:ListBucket"), ("head_object", "s3:GetObject")]
)
def test_what_an_outsider_is_refused_may_be_either_sides_fault(operation: str, action: str) -> None:
    assert lacks_of(operation) == [(Party.EITHER, f"we may not do {action}")]


@pytest.mark.parametrize(
    ("operation", "action"),
    [("abort_multipart_upload", "s3:AbortMultipartUpload"), ("create_multipart_upload", "s3:PutObject")],
)
def test_so_may_be_what_an_outsider_who_may_write_is_refused(operation: str, action: str) -> None:
    assert lacks_of(operation, allow_push=True, arn=str(LOADER)) == [(Party.EITHER, f"we may not do {action}")]


def test_what_one_of_our_own_users_is_refused_is_our_own_fault() -> None:
    dataset = pull()
    user = "arn:aws:sts::593291632749:assumed-role/alpha_user_ana/session"
    policies = {"get_bucket_policy", "get_role_policy"}
    aws = caller("593291632749", user, "list_objects_v2", *policies)
    probed = probe_pull(estate_of(dataset), dataset, aws)
    assert [(lack.side, lack.what) for lack in probed.lacks] == [(Party.OURS, "we may not do s3:ListBucket")]
    assert aws.services == {"s3", "iam"}
