"""SQS over HTTP: what is sent, and that whatever SQS answers is told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from data_exports.mover.places.queue import Queue
from data_exports.mover.wire.service import Service, ServiceError
from data_exports.mover.wire.signing import Credentials
from tests.unit.mover.loopback import Loopback, Played, serving

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret-of-nobody", "token-of-nobody")


def done_with(*ids: str) -> Played:
    return Played(200, json.dumps({"Successful": [{"Id": each} for each in ids], "Failed": []}).encode())


DONE = done_with("0")
EXPIRED = Played(400, b'{"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "No."}')


def url_of(server: Loopback) -> str:
    return f"{server.url}/593291632749/export_orders"


@contextmanager
def queue_of(server: Loopback) -> Iterator[Queue]:
    with Service(server.url, name="sqs", region="eu-west-1", credentials=CREDENTIALS) as sqs:
        yield Queue(url_of(server), sqs)


def delay(server: Loopback, seconds_by_handle: dict[str, int]) -> list[str]:
    with queue_of(server) as queue:
        return [str(problem) for problem in queue.delay_messages(seconds_by_handle)]


def test_a_message_is_delayed_by_one_signed_request() -> None:
    with serving(DONE) as server:
        assert delay(server, {"AQEB": 15}) == []
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/")
    assert json.loads(asked.body) == {
        "QueueUrl": url_of(server),
        "Entries": [{"Id": "0", "ReceiptHandle": "AQEB", "VisibilityTimeout": 15}],
    }
    assert asked.headers["x-amz-target"] == "AmazonSQS.ChangeMessageVisibilityBatch"
    assert asked.headers["content-type"] == "application/x-amz-json-1.0"
    assert "/eu-west-1/sqs/aws4_request" in asked.headers["authorization"]
    assert asked.headers["x-amz-security-token"] == "token-of-nobody"


def test_ten_messages_go_into_one_request() -> None:
    done = [done_with(*map(str, range(start, min(start + 10, 25)))) for start in (0, 10, 20)]
    with serving(*done) as server:
        assert delay(server, {f"handle-{number}": number for number in range(25)}) == []
    sizes = [len(json.loads(asked.body)["Entries"]) for asked in server.asked]
    ids = [entry["Id"] for asked in server.asked for entry in json.loads(asked.body)["Entries"]]
    assert (sizes, ids) == ([10, 10, 5], [str(number) for number in range(25)])


def test_a_message_that_sqs_refuses_is_told() -> None:
    refusal = b'{"Failed": [{"Id": "0", "Code": "ReceiptHandleIsInvalid", "Message": "Old.", "SenderFault": true}]}'
    with serving(Played(200, refusal)) as server:
        assert delay(server, {"a": 1}) == [
            "ChangeMessageVisibilityBatch refuses 1 of 1 messages: ReceiptHandleIsInvalid, Old."
        ]


def test_a_request_that_sqs_refuses_is_told_and_the_rest_goes_on() -> None:
    with serving(EXPIRED, done_with("10")) as server:
        (problem,) = delay(server, {f"handle-{number}": 1 for number in range(11)})
    assert problem.startswith(f"ChangeMessageVisibilityBatch on {url_of(server)} failed: 400")
    assert "ExpiredTokenException" in problem
    assert len(server.asked) == 2


def test_a_queue_that_is_unwell_or_loses_the_connection_is_asked_again() -> None:
    with serving(Played(503), Played(200, b"x" * 10, cut=5), DONE) as server:
        assert delay(server, {"a": 1}) == []
    assert len(server.asked) == 3


def test_a_queue_that_cannot_be_reached_is_told() -> None:
    with serving(DONE) as server:
        pass
    (problem,) = delay(server, {"a": 1})
    assert problem.startswith(f"ChangeMessageVisibilityBatch on {url_of(server)} failed: no answer (ConnectionRefused")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{}", "does not say what came of 2 of 2 messages"),
        (b'{"Successful": null}', "does not say what came of 2 of 2 messages"),
        (b'{"Successful": [{"Id": "1"}, "0", {"Id": 0}, {"Id": []}]}', "does not say what came of 1 of 2 messages"),
        (b'{"Successful": [], "Failed": [{"Id": "0"}]}', "SendMessageBatch refuses 1 of 2 messages: None, "),
        (b"", "was answered with what is no answer of SQS: b''"),
        (b"<html>proxy</html>", "was answered with what is no answer of SQS: b'<html>proxy</html>'"),
        (b"[]", "was answered with what is no answer of SQS: b'[]'"),
    ],
)
def test_no_message_is_taken_for_sent_that_sqs_does_not_name(body: bytes, told: str) -> None:
    with (
        serving(Played(200, body)) as server,
        queue_of(server) as queue,
        pytest.raises(ServiceError) as raised,
    ):
        queue.send(["a", "b"])
    where = "" if told.startswith("SendMessageBatch") else f"SendMessageBatch on {url_of(server)} "
    assert str(raised.value) == f"{where}{told}"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"",
        b"<html>",
        b'{"Attributes": {}}',
        b'{"Attributes": null}',
        b'{"Attributes": {"ApproximateNumberOfMessages": null}}',
        b'{"Attributes": {"ApproximateNumberOfMessages": "many"}}',
    ],
)
def test_a_queue_that_does_not_tell_how_much_waits_is_told(body: bytes) -> None:
    with (
        serving(Played(200, body)) as server,
        queue_of(server) as queue,
        pytest.raises(ServiceError, match=r"GetQueueAttributes on .* answered"),
    ):
        queue.waiting()


def test_how_much_waits_is_what_sqs_says_and_nothing_else_is_asked() -> None:
    with (
        serving(Played(200, b'{"Attributes": {"ApproximateNumberOfMessages": "17"}}')) as server,
        queue_of(server) as queue,
    ):
        assert queue.waiting() == 17
    assert [json.loads(each.body) for each in server.asked] == [
        {"QueueUrl": url_of(server), "AttributeNames": ["ApproximateNumberOfMessages"]}
    ]
    assert server.asked[0].headers["x-amz-target"] == "AmazonSQS.GetQueueAttributes"
