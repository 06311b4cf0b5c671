"""`exports send`: what it says of each file, and how it ends."""

from pathlib import Path

import pytest

from data_exports.cli.app import main
from tests.unit.aws_server import answering, caller, listing, operation_of
from tests.unit.mover.loopback import Played

DONE = Played(200, b"", (("etag", '"e"'), ("x-amz-version-id", "v1")))
REFUSED = Played(403, b"<Error><Code>AccessDenied</Code><Message>no right</Message></Error>")


def test_a_file_that_is_uploaded_is_told_so_with_its_size(
    estate: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (estate / "a.csv").write_bytes(b"1,2\n")
    with answering(monkeypatch, caller(), listing(), listing("orders/a.csv"), DONE) as aws:
        assert main(["send", "a.csv", "orders"]) == 0
    assert [operation_of(each) for each in aws.asked] == [
        "POST /",
        "GET /mojap-hub-exports",
        "GET /mojap-hub-exports",
        "PUT /mojap-hub-exports/orders/a.csv",
    ]
    assert capsys.readouterr().err.splitlines() == [
        "note: still waiting under the same name, and now superseded: orders/a.csv",
        "sending 1 file, 4 B, for orders",
        "uploaded orders/a.csv (4 B)",
    ]


def test_a_file_that_is_not_uploaded_is_told_so_with_the_reason_and_ends_it_with_3(
    estate: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (estate / "a.csv").write_bytes(b"1,2\n")
    with answering(monkeypatch, caller(), listing(), listing(), REFUSED, caller()):
        assert main(["send", "a.csv", "orders"]) == 3
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[:2]) == (
        "",
        [
            "sending 1 file, 4 B, for orders",
            "NOT uploaded a.csv: alpha_user_ana may not do s3:PutObject there: access denied: no right",
        ],
    )


def test_who_may_not_list_may_not_send_and_hears_why(
    estate: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (estate / "a.csv").write_bytes(b"1,2\n")
    with answering(monkeypatch, caller("arn:aws:sts::593291632749:assumed-role/alpha_user_bob/b"), REFUSED) as aws:
        assert main(["send", "a.csv", "orders"]) == 1
    assert len(aws.asked) == 2
    assert capsys.readouterr().err.splitlines()[0] == (
        "error: alpha_user_bob may not send for orders: s3:ListBucket on mojap-hub-exports/orders/ is denied; "
        "it is not among the dataset's users: alpha_user_ana"
    )
