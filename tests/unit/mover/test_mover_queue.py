"""SQS over HTTP: what is sent, and that whatever SQS answers is told and never raised."""

import json

from data_exports.mover.queue import Queue
from data_exports.mover.signing import Credentials
from tests.unit.mover.loopback import Loopback, Played, serving

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret-of-nobody", "token-of-nobody")
DONE = Played(200, b'{"Successful": [{"Id": "0"}], "Failed": []}')
EXPIRED = Played(400, b'{"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "No."}')


def url_of(server: Loopback) -> str:
    return f"{server.url}/593291632749/export_orders"


def keep_away(server: Loopback, seconds_by_handle: dict[str, int]) -> list[str]:
    with Queue(url_of(server), region="eu-west-1", credentials=CREDENTIALS) as queue:
        return queue.keep_away(seconds_by_handle)


def test_a_message_is_kept_away_by_one_signed_request() -> None:
    with serving(DONE) as server:
        assert keep_away(server, {"AQEB": 15}) == []
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
    with serving(DONE) as server:
        assert keep_away(server, {f"handle-{number}": number for number in range(25)}) == []
    sizes = [len(json.loads(asked.body)["Entries"]) for asked in server.asked]
    ids = [entry["Id"] for asked in server.asked for entry in json.loads(asked.body)["Entries"]]
    assert (sizes, ids) == ([10, 10, 5], [str(number) for number in range(25)])


def test_a_message_that_sqs_refuses_is_told() -> None:
    refusal = b'{"Failed": [{"Id": "0", "Code": "ReceiptHandleIsInvalid", "Message": "Old.", "SenderFault": true}]}'
    with serving(Played(200, refusal)) as server:
        assert keep_away(server, {"a": 1}) == [
            "ChangeMessageVisibilityBatch refuses 1 of 1 messages: ReceiptHandleIsInvalid, Old."
        ]


def test_a_request_that_sqs_refuses_is_told_and_the_rest_goes_on() -> None:
    with serving(EXPIRED, DONE) as server:
        (problem,) = keep_away(server, {f"handle-{number}": 1 for number in range(11)})
    assert problem.startswith(f"ChangeMessageVisibilityBatch on {url_of(server)} failed: 400")
    assert "ExpiredTokenException" in problem
    assert len(server.asked) == 2


def test_a_queue_that_is_unwell_or_loses_the_connection_is_asked_again() -> None:
    with serving(Played(503), Played(200, b"x" * 10, cut=5), DONE) as server:
        assert keep_away(server, {"a": 1}) == []
    assert len(server.asked) == 3


def test_a_queue_that_cannot_be_reached_is_told() -> None:
    with serving(DONE) as server:
        pass
    (problem,) = keep_away(server, {"a": 1})
    assert problem.startswith(f"ChangeMessageVisibilityBatch on {url_of(server)} failed: no answer (ConnectionRefused")
