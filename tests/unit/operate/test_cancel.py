"""Withdrawing removes what was shown, oldest first, and tells when the mover was faster."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data_exports.contract.receipts import Receipt
from data_exports.errors import PartlyDoneError, RefusedError
from data_exports.operate.cancel import key_of, read_withdrawal, withdraw
from tests.aws_answers import AwsAnswers
from tests.estates import PLATFORM, push
from tests.unit.operate.receipt_log import Log, file_at, line, packed

KEY = "hearings/a.csv"
NOON = datetime(2031, 3, 30, 12, tzinfo=UTC)


class World(AwsAnswers):
    """AWS with versions of keys in the hub, oldest first, and receipts; `on_delete` happens with the removal."""

    def __init__(self, *versions: tuple[str, str, bool], files: dict[str, bytes] | None = None) -> None:
        super().__init__(
            {
                "list_objects_v2": self._list_receipts,
                "get_object": self._receipts,
                "list_object_versions": self._list_versions,
                "delete_objects": self._remove,
            }
        )
        self.entries: list[dict[str, Any]] = [
            {"Key": key, "VersionId": version, "LastModified": NOON + timedelta(minutes=number), "Size": 5, "m": marker}
            for number, (key, version, marker) in enumerate(versions)
        ]
        self.log = Log(files or {}, page=1000)
        self.removed: list[str] = []
        self.errors: list[dict[str, str]] = []
        self.on_delete: dict[str, bytes] = {}

    def client(self, service: str) -> Any:
        assert service == "s3"
        return super().client(service)

    def _receipts(self, *, ExpectedBucketOwner: str, Bucket: str, Key: str) -> Any:  # noqa: N803
        return self.log.get_object(Bucket="hub-log", Key=Key)

    def _remove(self, *, Bucket: str, ExpectedBucketOwner: str, Delete: dict[str, Any]) -> Any:  # noqa: N803
        assert (Bucket, ExpectedBucketOwner) == (PLATFORM.hub_bucket, PLATFORM.account)
        assert {each["Key"] for each in Delete["Objects"]} == {KEY}
        self.removed += [each["VersionId"] for each in Delete["Objects"]]
        self.log.files.update(self.on_delete)
        return {"Errors": self.errors}

    def _list_receipts(self, *, Prefix: str, ExpectedBucketOwner: str, Bucket: str, **more: Any) -> Any:  # noqa: N803
        return self.log.paginate(Bucket="hub-log", Prefix=Prefix, **more)

    def _list_versions(self, *, Prefix: str, ExpectedBucketOwner: str, Bucket: str, **_: Any) -> Any:  # noqa: N803
        found = [entry for entry in reversed(self.entries) if entry["Key"].startswith(Prefix)]
        found.sort(key=lambda entry: entry["Key"])
        return [{"Versions": [e for e in found if not e["m"]], "DeleteMarkers": [e for e in found if e["m"]]}]


def delivered(version: str) -> dict[str, bytes]:
    at = "2031-03-30T12:15:00.000Z"
    return {file_at("20310330T121500Z"): packed(line(KEY, version_id=version, delivered_at=at, recorded_at=at))}


def test_every_version_of_the_key_goes_oldest_first_and_no_other_key() -> None:
    versions = [(KEY, "v1", False), (KEY, "m1", True), (KEY, "v2", False), ("hearings/a.csv.gz", "x", False)]
    world = World(*versions, files=delivered("v1"))
    found = read_withdrawal(PLATFORM, push(), world, key_of(push(), "a.csv"))
    assert (found.key, found.waiting.version_id) == (KEY, "v2")
    assert [(each.version_id, each.delivered_at) for each in found.older] == [("v1", "2031-03-30T12:15:00.000Z")]
    assert withdraw(PLATFORM, push(), world, found) is None
    assert world.removed == ["v1", "m1", "v2"]


def test_what_is_delivered_or_not_there_is_refused() -> None:
    retired = World((KEY, "v1", False), (KEY, "m1", True), files=delivered("v1"))
    with pytest.raises(
        RefusedError, match=r"hearings/a.csv was delivered at 2031-03-30 12:15:00 UTC: it is in s3://cp-"
    ):
        read_withdrawal(PLATFORM, push(), retired, KEY)
    with pytest.raises(RefusedError, match=r"no upload of hearings/a.csv is in the hub"):
        read_withdrawal(PLATFORM, push(), World((KEY, "m1", True)), KEY)
    assert retired.removed == []


def test_a_file_that_only_hides_under_a_marker_still_waits_and_can_be_withdrawn() -> None:
    hidden = World((KEY, "v1", False), (KEY, "m1", True))
    assert read_withdrawal(PLATFORM, push(), hidden, KEY).waiting.version_id == "v1"


def test_a_mover_that_was_faster_is_told() -> None:
    world = World((KEY, "v1", False))
    found = read_withdrawal(PLATFORM, push(), world, KEY)
    world.on_delete = delivered("v1")
    arrived = withdraw(PLATFORM, push(), world, found)
    assert isinstance(arrived, Receipt)
    assert arrived.version_id == "v1"


def test_what_s3_does_not_remove_is_told() -> None:
    world = World((KEY, "v1", False))
    world.errors = [{"VersionId": "v1", "Code": "AccessDenied", "Message": "Access Denied"}]
    found = read_withdrawal(PLATFORM, push(), world, KEY)
    with pytest.raises(PartlyDoneError, match="1 of 1 versions were not removed: v1: AccessDenied, Access Denied"):
        withdraw(PLATFORM, push(), world, found)
