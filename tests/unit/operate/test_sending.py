"""Sending against S3-compatible servers that answer oddly: what is uploaded is told, whatever dates they write."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from data_exports.aws import aws_with_keys
from data_exports.errors import AwsError, RefusedError
from data_exports.estate.models import PushDataset
from data_exports.operate.send import LISTED_AT_MOST, SendListener, Sent, check_sender, read_waiting, send
from data_exports.operate.sources import read_sources
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, push
from tests.unit.mover.loopback import Played, serving

MOVES = push("moves")
NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)
TEN = datetime(2026, 11, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dates", "began_at"),
    [
        (["Mon, 02 Nov 2026 09:00:00 GMT"], NINE),
        (["Mon, 02 Nov 2026 11:00:00 GMT"], TEN),
        (["Mon, 02 Nov 2026 09:00:00"], NINE),
        (["Mon, 02 Nov 2026 09:00:00 -0000"], NINE),
        (["Mon, 02 Nov 2026 09:00:00 GMT"] * 2, NINE),
        (["Mon, 02 Nov 99999999 09:00:00 GMT"], TEN),
        (["Mon, 02 Nov 2026 09:00:00 +9999"], TEN),
        ([""], TEN),
        (["yesterday"], TEN),
    ],
)
def test_a_date_without_a_zone_twice_or_odd_ends_no_upload(
    dates: list[str], began_at: datetime, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(b"case,room\n")
    sources = read_sources([tmp_path / "a.csv"], MOVES.prefix)
    headers = (("etag", '"e"'), ("x-amz-version-id", "v1"), *(("date", date) for date in dates))
    with serving(Played(200, b"", headers)) as server:
        aws = aws_with_keys("eu-west-1", endpoint_url=server.url, access_key_id="a", secret_access_key="b")
        sent = send(PLATFORM, MOVES, aws, sources.files, listener=SendListener(), sent=Sent(TEN))
    assert [(each.source.key, each.version_id) for each in sent.uploaded] == [("moves/a.csv", "v1")]
    assert (sent.failed, sent.began_at) == ([], began_at)


class Hub(AwsAnswers):
    """Lists its keys in order, two a page, and keeps which of them were read."""

    def __init__(self, *keys: str) -> None:
        super().__init__({"list_objects_v2": self._pages})
        self.keys = sorted(keys)
        self.listed: list[str] = []

    def _pages(self, **asked: str) -> Iterator[dict[str, Any]]:
        keys = [key for key in self.keys if key.startswith(asked["Prefix"])]
        for start in range(0, len(keys), 2) or [0]:
            self.listed += keys[start : start + 2]
            yield {"Contents": [{"Key": key} for key in keys[start : start + 2]]} if keys else {}


def waiting_among(hub: Hub, folder: Path, *names: str) -> frozenset[str]:
    for name in names:
        (folder / name).write_bytes(b"1")
    sources = read_sources([folder / name for name in names], MOVES.prefix)
    waiting = read_waiting(PLATFORM, MOVES, hub, sources.files)
    assert hub.services == {"s3"}
    return waiting


def test_uploads_that_wait_are_looked_for_from_the_first_key_to_the_last_and_no_further(tmp_path: Path) -> None:
    hub = Hub("moves/2030", "moves/2031-01", "moves/2031-02", "moves/2031-03", "moves/2031-09", "moves/2032", "other/1")
    assert waiting_among(hub, tmp_path, "2031-02", "2031-03", "2031-01") == {
        "moves/2031-01",
        "moves/2031-02",
        "moves/2031-03",
    }
    assert hub.asked == [("list_objects_v2", {"Bucket": "mojap-hub-exports", "Prefix": "moves/2031-0"})]
    assert hub.listed == ["moves/2031-01", "moves/2031-02", "moves/2031-03", "moves/2031-09"]


def test_a_key_between_two_that_are_sent_is_none_of_those_that_wait(tmp_path: Path) -> None:
    hub = Hub("moves/a", "moves/b", "moves/c.csv")
    assert waiting_among(hub, tmp_path, "a", "c.csv") == {"moves/a", "moves/c.csv"}
    assert hub.asked == [("list_objects_v2", {"Bucket": "mojap-hub-exports", "Prefix": "moves/"})]


def test_nothing_waits_in_an_empty_hub_and_a_single_key_is_its_own_range(tmp_path: Path) -> None:
    hub = Hub()
    assert waiting_among(hub, tmp_path, "a") == frozenset()
    assert hub.asked == [("list_objects_v2", {"Bucket": "mojap-hub-exports", "Prefix": "moves/a"})]


def test_no_more_of_a_range_is_looked_through_than_is_worth_it(tmp_path: Path) -> None:
    hub = Hub("moves/a", *(f"moves/b{number:05d}" for number in range(LISTED_AT_MOST)), "moves/c")
    assert waiting_among(hub, tmp_path, "a", "c") == {"moves/a"}
    assert len(hub.listed) <= LISTED_AT_MOST + 2


ROOT = "arn:aws:iam::593291632749:root"
SESSION = "arn:aws:sts::593291632749:assumed-role/{}/session"
DENIED = refusal("AccessDenied")


def asked_by(arn: str, listing: Any, dataset: PushDataset = MOVES, **answers: Any) -> list[str]:
    """What AWS is asked before this caller may send."""
    aws = AwsAnswers({"caller": (arn.split(":")[4], arn), "list_objects_v2": listing, **answers})
    check_sender(PLATFORM, dataset, aws, now=TEN)
    prefix = {"Bucket": "mojap-hub-exports", "Prefix": "moves/", "ExpectedBucketOwner": "593291632749", "MaxKeys": 1}
    assert aws.asked[1] == ("list_objects_v2", prefix)
    return [operation for operation, _ in aws.asked]


def test_a_declared_sender_who_may_list_the_datasets_own_prefix_may_send() -> None:
    assert asked_by(SESSION.format("alpha_user_ana"), {}) == ["caller", "list_objects_v2"]


class Queues(AwsAnswers):
    """Queues that are there, or not, besides the rest."""

    class meta:  # noqa: N801 - as a client has it
        endpoint_url = "https://sqs.eu-west-1.amazonaws.com"


COUNTS = dict.fromkeys(("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"), "0")
NOT_DECLARED = [
    SESSION.format("operator"),
    SESSION.format("alpha_user_eve"),
    "arn:aws:iam::593291632749:user/alpha_user_ana",
    ROOT,
]


def queues_asked(arn: str, answer: Any) -> int:
    """How often a caller who may list, but is not declared, makes us look at the dataset's queues."""
    aws = Queues({"caller": (arn.split(":")[4], arn), "list_objects_v2": {}, "get_queue_attributes": answer})
    check_sender(PLATFORM, MOVES, aws, now=TEN)
    return [operation for operation, _ in aws.asked].count("get_queue_attributes")


@pytest.mark.parametrize("arn", NOT_DECLARED)
@pytest.mark.parametrize(("answer", "count"), [({"Attributes": COUNTS}, 2), (DENIED, 1)])
def test_who_may_list_without_being_declared_may_send_what_is_deployed_or_cannot_be_looked_at(
    arn: str, answer: Any, count: int
) -> None:
    assert queues_asked(arn, answer) == count


@pytest.mark.parametrize("arn", NOT_DECLARED)
def test_nobody_who_is_not_declared_sends_what_nothing_would_take(arn: str) -> None:
    with pytest.raises(RefusedError, match="there is no queue export_moves"):
        queues_asked(arn, refusal("QueueDoesNotExist"))


DENIAL = " may not send for moves: s3:ListBucket on mojap-hub-exports/moves/ is denied"
ENDED = push("moves", expires=date(2026, 11, 1))


@pytest.mark.parametrize(
    ("arn", "dataset", "why", "next_step"),
    [
        (
            "arn:aws:sts::111122223333:assumed-role/alpha_user_ana/s",
            MOVES,
            f"alpha_user_ana{DENIAL}; the credentials are of account 111122223333, the hub is in 593291632749",
            "use credentials of 593291632749",
        ),
        (
            SESSION.format("alpha_user_eve"),
            ENDED,
            f"alpha_user_eve{DENIAL}; it is not among the dataset's users: alpha_user_ana, alpha_user_Ben-Two",
            "add it to users in {path}, and have that deployed; or use one of these roles",
        ),
        (
            ROOT,
            MOVES,
            f"{ROOT}{DENIAL}; it is not among the dataset's users: alpha_user_ana, alpha_user_Ben-Two",
            "add it to users in {path}, and have that deployed; or use one of these roles",
        ),
        (
            SESSION.format("alpha_user_ana"),
            ENDED,
            f"alpha_user_ana{DENIAL}; the dataset's access ended on 2026-11-01",
            "agree on a new date, change expires in {path}, and have that deployed",
        ),
        (
            SESSION.format("alpha_user_ana"),
            push("moves", expires=date(2026, 11, 2)),
            f"alpha_user_ana{DENIAL}, although the declarations allow it",
            "ask the platform's operators: exports status and exports drift tell them what is not as declared",
        ),
        (
            SESSION.format("alpha_user_ana"),
            MOVES,
            f"alpha_user_ana{DENIAL}, although the declarations allow it",
            "ask the platform's operators: exports status and exports drift tell them what is not as declared",
        ),
    ],
)
def test_who_may_not_send_hears_why_as_far_as_the_declarations_tell(
    arn: str, dataset: PushDataset, why: str, next_step: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        asked_by(arn, DENIED, dataset)
    assert (refused.value.what, refused.value.next_step) == (why, next_step.format(path=dataset.place.path))


@pytest.mark.parametrize(
    ("code", "kind", "what"),
    [("SlowDown", AwsError, "SlowDown"), ("NoSuchBucket", RefusedError, "there is no mojap-hub-exports/moves/")],
)
def test_another_answer_than_a_refusal_is_told_as_what_it_is(code: str, kind: type[AwsError], what: str) -> None:
    with pytest.raises(kind, match=what):
        asked_by(SESSION.format("alpha_user_ana"), refusal(code, code))
