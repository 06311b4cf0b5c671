"""What fails and waits is handed over at once if the hub still shows it, with its sender; all else is left alone."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from data_exports.contract.receipts import Receipt
from data_exports.errors import AwsError
from data_exports.operate.retry import read_failing, retry_now
from tests.estates import PLATFORM, push
from tests.unit.operate.failing_world import World
from tests.unit.operate.receipt_log import file_at, line, packed

NOW = datetime(2031, 3, 31, 12, tzinfo=UTC)
AT = "2031-03-31T11:00:00.000Z"


class Hub(World):
    """A hub that shows some versions, and a queue."""

    def __init__(self, shown: dict[str, str], files: dict[str, bytes] | None = None, *, refuses: bool = False) -> None:
        super().__init__(files or {}, [])
        self.shown, self.refuses = shown, refuses
        self.sent: list[dict[str, Any]] = []

    def caller(self) -> tuple[str, str]:
        return PLATFORM.account, "arn:aws:sts::593291632749:assumed-role/operator/o"

    def list_object_versions(self, *, Bucket: str, Prefix: str, MaxKeys: int, ExpectedBucketOwner: str) -> Any:  # noqa: N803
        assert (Bucket, MaxKeys, ExpectedBucketOwner) == (PLATFORM.hub_bucket, 1, PLATFORM.account)
        for key in sorted(self.shown):
            if key.startswith(Prefix):
                entry = {"Key": key, "VersionId": self.shown[key], "IsLatest": True}
                if not self.shown[key]:
                    return {"DeleteMarkers": [entry]}
                return {"Versions": [entry | {"Size": 3, "ETag": '"e1"', "LastModified": NOW}]}
        return {}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> Any:  # noqa: N803
        assert QueueUrl == f"https://sqs.eu-west-1.amazonaws.com/{PLATFORM.account}/export_hearings"
        if self.refuses:
            return {"Failed": [{"Id": "0", "Code": "AccessDenied", "Message": "no"}]}
        self.sent += [json.loads(entry["MessageBody"]) for entry in Entries]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}


def failed(key: str, **changes: Any) -> dict[str, Any]:
    return line(key, **({"outcome": "failed", "cause": "recipient_denied", "recorded_at": AT} | changes))


def failing_in(hub: Hub) -> tuple[Receipt, ...]:
    return read_failing(PLATFORM, push(), hub, now=NOW)  # type: ignore[arg-type]


def hub_with(shown: dict[str, str], *lines: dict[str, Any], **more: bool) -> Hub:
    return Hub(shown, {file_at("20310331T110000Z"): packed(*lines)}, **more)


def test_what_the_hub_shows_is_handed_over_with_its_sender() -> None:
    hub = hub_with({"hearings/a b": "v1"}, failed("hearings/a b"))
    done = retry_now(PLATFORM, push(), hub, failing_in(hub))  # type: ignore[arg-type]
    assert [each.key for each in done] == ["hearings/a b"]
    (record,) = hub.sent[0]["Records"]
    assert (record["userIdentity"], record["s3"]["object"]) == (
        {"principalId": "AWS:AROAANA:ana"},
        {"key": "hearings/a+b", "size": 3, "eTag": "e1", "versionId": "v1"},
    )
    assert "sweptAt" in record  # so that the mover leaves alone what was delivered in the meantime


def test_what_was_replaced_withdrawn_or_hidden_is_left_alone_and_so_is_a_longer_key() -> None:
    names = ("replaced", "withdrawn", "hidden", "shown")
    shown = {"hearings/replaced": "v2", "hearings/withdrawn.csv": "v1", "hearings/hidden": "", "hearings/shown": "v1"}
    hub = hub_with(shown, *(failed(f"hearings/{name}") for name in names))
    failing, counts = failing_in(hub), list[int]()
    done = retry_now(PLATFORM, push(), hub, failing, counted=counts.append)  # type: ignore[arg-type]
    assert [each.key for each in done] == ["hearings/shown"]
    assert (len(hub.sent), counts) == (1, [1, 2, 3, 4])


def test_messages_that_tell_of_no_upload_and_what_is_through_do_not_fail() -> None:
    hub = hub_with({}, failed("", version_id="", message_id="m1"), failed("hearings/a"), line("hearings/a"))
    assert failing_in(hub) == ()
    assert retry_now(PLATFORM, push(), hub, ()) == ()  # type: ignore[arg-type]
    assert hub.sent == []


def test_a_refusal_of_sqs_says_which_right_is_missing() -> None:
    hub = hub_with({"hearings/a": "v1"}, failed("hearings/a"), refuses=True)
    with pytest.raises(AwsError, match="operator may not do sqs:SendMessage on queue export_hearings"):
        retry_now(PLATFORM, push(), hub, failing_in(hub))  # type: ignore[arg-type]
