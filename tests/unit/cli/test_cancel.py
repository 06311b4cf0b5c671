"""`exports cancel`: nothing is asked of AWS before it is clear what is meant and that somebody means it."""

import json
from pathlib import Path

import pytest

from data_exports.cli.app import main
from tests.unit.aws_server import answering, caller, operation_of, sqs

STRAY = {"MessageId": "m1", "ReceiptHandle": "h1", "Body": "hello", "Attributes": {"SentTimestamp": "1932714000000"}}


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize("words", [["a.csv"], ["--message", "m1"]])
def test_without_a_terminal_it_takes_yes(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cancel", "orders", *words]) == 2
    assert (
        capsys.readouterr().err
        == "error: cancel asks for confirmation, and stdin is not a terminal\n  next: add --yes\n"
    )


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize("words", [[], ["a.csv", "--message", "m1"]])
def test_it_takes_a_key_or_a_message_and_not_both(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cancel", "orders", *words, "--yes"]) == 2
    assert "cancel takes the key of a file, or --message and the id of a dead letter" in capsys.readouterr().err


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize("as_json", [False, True])
def test_a_stray_dead_letter_is_shown_and_removed_by_its_id(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    received, nothing = sqs(Messages=[STRAY]), sqs()
    with answering(monkeypatch, caller(), received, nothing, received, nothing, nothing) as aws:
        assert main(["cancel", "orders", "--message", "m1", "--yes", *["--json"] * as_json]) == 0
    assert [operation_of(each) for each in aws.asked[1:]] == [
        *("ReceiveMessage", "ChangeMessageVisibilityBatch"),
        *("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibilityBatch"),
    ]
    assert json.loads(aws.asked[4].body)["ReceiptHandle"] == "h1"
    out, err = capsys.readouterr()
    assert err == "message m1, sent 2031-03-31 09:00:00, tells of no upload of orders:\n  hello\n"
    if as_json:
        assert json.loads(out) == {
            "schema": "data-exports/cancel-message/1",
            "dataset": "orders",
            "message_id": "m1",
            "sent_at": "2031-03-31T09:00:00Z",
            "body": "hello",
        }
    else:
        assert out == "removed: message m1 of orders\n"


def test_credentials_of_another_account_cancel_nothing(
    estate: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(monkeypatch, caller("arn:aws:sts::111122223333:assumed-role/x/y")) as aws:
        assert main(["cancel", "orders", "a.csv", "--yes"]) == 1
    assert len(aws.asked) == 1
    assert "the credentials are of account 111122223333" in capsys.readouterr().err
