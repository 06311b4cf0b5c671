"""`exports failures`: what it says and how it ends."""

import json

import pytest

from data_exports.cli.app import main
from tests.unit.aws_server import answering, caller, listing, operation_of, role, sqs


def counts(waiting: int) -> dict[str, object]:
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return {"Attributes": dict(zip(names, (str(waiting), "0"), strict=True))}


@pytest.mark.usefixtures("estate")
def test_where_nothing_fails_it_says_so_and_ends_with_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(monkeypatch, caller(), sqs(**counts(0)), listing()) as aws:
        assert main(["failures"]) == 0
    assert capsys.readouterr() == ("", "nothing was given up, and nothing fails\n")
    assert operation_of(aws.asked[1]) == "GetQueueAttributes"


@pytest.mark.usefixtures("estate")
def test_a_dead_letter_is_shown_and_ends_it_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = {"MessageId": "m1", "ReceiptHandle": "h1", "Body": "x", "Attributes": {"SentTimestamp": "1932714000000"}}
    answers = (sqs(**counts(1)), sqs(Messages=[letter]), sqs(), listing(), role("AROAANA"))
    with answering(monkeypatch, caller(), *answers):
        assert main(["failures", "orders"]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[:2] == ["orders: 1 dead letter", "  message m1, tried since 2031-03-31 09:00:00"]
    assert err == ""
    with answering(monkeypatch, caller(), *answers):
        assert main(["failures", "orders", "--json"]) == 1
    (dataset,) = json.loads(capsys.readouterr().out)["datasets"]
    assert (dataset["dataset"], [each["message_id"] for each in dataset["failures"]]) == ("orders", ["m1"])
