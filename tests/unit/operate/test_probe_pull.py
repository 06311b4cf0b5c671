"""The probe of a pull dataset: which side lacks what, told by who asks. S3's answers are given."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from data_exports.aws import Aws
from data_exports.destinations.destination import Party
from data_exports.operate.probe.pull import probe_pull
from tests.estates import LOADER, READER, estate_of, pull

REFUSED = {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}


class Caller:
    """An AWS that knows who asks, and refuses the operations that it is told to refuse."""

    is_local = True

    def __init__(self, account: str, arn: str, *refused: str) -> None:
        self._who, self._refused = (account, arn), refused

    def caller(self) -> tuple[str, str]:
        return self._who

    def client(self, service: str) -> Any:
        assert service == "s3", "an outsider asks nobody else"
        return self

    def __getattr__(self, operation: str) -> Any:
        def ask(**_: object) -> dict[str, Any]:
            if operation in self._refused:
                raise ClientError(cast(Any, REFUSED), operation)
            return {"UploadId": "1"} if operation == "create_multipart_upload" else {}

        return ask


def lacks_of(*refused: str, arn: str = str(READER), **fields: Any) -> list[tuple[Party, str]]:
    dataset = pull(outsiders=(READER, LOADER), **fields)
    name = arn.rpartition("/")[2]
    account = arn.split(":")[4]
    aws = Caller(account, f"arn:aws:sts::{account}:assumed-role/{name}/session", *refused)
    probed = probe_pull(estate_of(dataset), dataset, cast(Aws, aws))
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
    aws = OwnUser("593291632749", user, "list_objects_v2", *policies)
    probed = probe_pull(estate_of(dataset), dataset, cast(Aws, aws))
    assert [(lack.side, lack.what) for lack in probed.lacks] == [(Party.OURS, "we may not do s3:ListBucket")]


class OwnUser(Caller):
    """One of the platform's account; it may not look at policies."""

    def client(self, service: str) -> Any:
        assert service in ("s3", "iam")
        return self
