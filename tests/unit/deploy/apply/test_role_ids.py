"""The recorded ids of roles only grow, also when two deployments record at once."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_exports.deploy.apply.role_ids import ROLE_IDS_KEY, read_recorded_role_ids, write_role_ids
from data_exports.errors import RefusedError
from data_exports.names import RoleName
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM

ANA, BEN = RoleName("alpha_user_ana"), RoleName("alpha_user_ben")


class Kept:
    """The object, as S3 keeps it: written only if it is what was read."""

    def __init__(self, body: bytes | None, *, quicker: bytes | None = None) -> None:
        self.body, self.quicker = body, quicker
        self.aws = AwsAnswers({"get_object": self.get, "put_object": self.put})

    def get(self, **asked: Any) -> Any:
        assert asked == {"Bucket": PLATFORM.log_bucket, "Key": ROLE_IDS_KEY, "ExpectedBucketOwner": PLATFORM.account}
        if self.body is None:
            return refusal("NoSuchKey")
        return {"Body": io.BytesIO(self.body), "ETag": self.body.hex()}

    def put(self, *, Body: str, IfMatch: str = "", IfNoneMatch: str = "", **_: Any) -> Any:  # noqa: N803
        if self.quicker is not None:
            self.body, self.quicker = self.quicker, None
        there = "" if self.body is None else self.body.hex()
        if there != IfMatch or (IfNoneMatch == "*") is not (self.body is None):
            return refusal("PreconditionFailed")
        self.body = Body.encode()
        return {}


def test_what_was_seen_is_added_and_what_was_recorded_stays() -> None:
    kept = Kept(None)
    write_role_ids(kept.aws, PLATFORM, {"AROA1": ANA})
    write_role_ids(kept.aws, PLATFORM, {"AROA2": ANA, "AROA3": BEN})
    assert read_recorded_role_ids(kept.aws, PLATFORM) == {"AROA1": ANA, "AROA2": ANA, "AROA3": BEN}
    write_role_ids(kept.aws, PLATFORM, {"AROA3": BEN})
    assert len(kept.aws.asked_for("put_object")) == 2


def test_a_deployment_that_was_quicker_loses_nothing() -> None:
    kept = Kept(b"{}", quicker=json.dumps({"AROA9": BEN}).encode())
    write_role_ids(kept.aws, PLATFORM, {"AROA1": ANA})
    assert read_recorded_role_ids(kept.aws, PLATFORM) == {"AROA9": BEN, "AROA1": ANA}


def test_what_aws_denies_is_raised() -> None:
    aws = AwsAnswers({"get_object": refusal("NoSuchKey"), "put_object": refusal("AccessDenied")})
    with pytest.raises(ClientError, match="AccessDenied"):
        write_role_ids(aws, PLATFORM, {"AROA1": ANA})


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"[" * 100_000, b'"text"', b'{"AROA1": 3}'])
def test_an_object_that_is_none_of_ours_tells_nothing(body: bytes) -> None:
    assert read_recorded_role_ids(Kept(body).aws, PLATFORM) == {}


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"AROA1": "no role"}'])
def test_what_may_hold_the_past_of_roles_is_not_written_over(body: bytes) -> None:
    kept = Kept(body)
    with pytest.raises(RefusedError, match=f"{ROLE_IDS_KEY} in {PLATFORM.log_bucket} is not as a deployment writes it"):
        write_role_ids(kept.aws, PLATFORM, {"AROA1": ANA})
    assert kept.body == body
