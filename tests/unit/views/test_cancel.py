"""What cancelling removes, as text and as data."""

from datetime import UTC, datetime

import pytest

from data_exports.operate.cancel import UploadedVersion, Withdrawal
from data_exports.operate.queues import DeadLetter
from data_exports.views.cancel import CancelData, CancelMessageData, render_stray, render_withdrawal
from tests.json_data import json_data

NOON = datetime(2031, 3, 30, 12, tzinfo=UTC)
WAITING = UploadedVersion("v3", 1_200, NOON, is_marker=False)
MARKER = UploadedVersion("m1", 0, NOON, is_marker=True)
OLDER = UploadedVersion("v2", 5, NOON, is_marker=False)
ARRIVED = UploadedVersion("v1", 5, NOON, is_marker=False, delivered_at="2031-03-30T12:00:01.000Z")


@pytest.mark.parametrize(
    ("older", "more"),
    [
        ((), []),
        ((MARKER,), []),
        ((OLDER,), ["1 older upload of it goes as well"]),
        (
            (OLDER, ARRIVED),
            [
                "2 older uploads of it go as well; 1 of them arrived, and can then no longer be recovered from the hub",
            ],
        ),
    ],
)
def test_an_upload_is_shown_with_the_older_ones_that_go_with_it(
    older: tuple[UploadedVersion, ...], more: list[str]
) -> None:
    first = "hearings/a.csv  1.2 kB, uploaded 2031-03-30 12:00:00, version v3: not delivered"
    assert render_withdrawal(Withdrawal("hearings/a.csv", (WAITING, *older))).splitlines() == [first, *more]


def test_programs_hear_of_the_older_uploads_and_of_no_marker() -> None:
    withdrawal = Withdrawal("hearings/a.csv", (WAITING, MARKER, ARRIVED))
    assert json_data(CancelData("hearings", withdrawal)) == {
        "dataset": "hearings",
        "key": "hearings/a.csv",
        "version_id": "v3",
        "older_uploads": [
            {"version_id": "v1", "uploaded_at": json_data(NOON), "delivered_at": "2031-03-30T12:00:01.000Z"}
        ],
    }


@pytest.mark.parametrize(
    ("body", "shown"),
    [("", "(it is empty)"), ("x" * 300, "x" * 300), ("x" * 301, "x" * 300 + "..."), ("a\x1b[2J", "a\\x1b[2J")],
)
def test_a_stray_message_is_shown_by_its_beginning(body: str, shown: str) -> None:
    assert render_stray("hearings", DeadLetter("m-1", body, NOON)).splitlines() == [
        "message m-1, sent 2031-03-30 12:00:00, tells of no upload of hearings:",
        f"  {shown}",
    ]


def test_programs_get_a_removed_message_whole() -> None:
    assert json_data(CancelMessageData("hearings", DeadLetter("m-1", "x" * 301, NOON))) == {
        "dataset": "hearings",
        "message_id": "m-1",
        "sent_at": json_data(NOON),
        "body": "x" * 301,
    }
