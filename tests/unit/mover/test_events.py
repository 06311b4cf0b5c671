import json
from dataclasses import replace
from typing import Any

import pytest

from data_exports.mover.events import Message, read_messages
from data_exports.mover.rules.uploads import Upload
from tests.unit.mover.notifications import TEST_EVENT, message, notification

UPLOAD = Upload(
    bucket="hub",
    key="orders/a.csv",
    version_id="v1",
    etag="7fc56270e7a70fa81a5935b72eacbe29",
    size_bytes=1,
    uploaded_by="AWS:AROAEXAMPLE:alice@example.org",
    uploaded_at="2026-11-02T09:00:00.000Z",
    receive_count=1,
    received_before=False,
    message_id="m1",
    sequencer="0055AED6DCD90281E5",
)


def told(message_id: str, uploads: tuple[Upload, ...], problems: tuple[str, ...]) -> Message:
    """A message as it is read at its first receive."""
    own = tuple(replace(upload, message_id=message_id) for upload in uploads)
    return Message(message_id, own, problems, f"AQEB-{message_id}", 1)


def test_an_upload_event_is_read_whole() -> None:
    assert read_messages({"Records": [message(notification())]}) == [told("m1", (UPLOAD,), ())]


def test_a_message_may_tell_of_several_uploads() -> None:
    (read,) = read_messages({"Records": [message(notification("orders/a.csv"), notification("orders/b.csv"))]})
    assert read == told("m1", (UPLOAD, replace(UPLOAD, key="orders/b.csv")), ())


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("orders/red+flower.jpg", "orders/red flower.jpg"),
        ("orders/1%2B1%3D2.csv", "orders/1+1=2.csv"),
        ("orders/100%25.csv", "orders/100%.csv"),
        ("orders/caf%C3%A9/%E2%82%AC.csv", "orders/café/€.csv"),
        ("orders/a%26b%3Cc%3E%0Ad%01", "orders/a&b<c>\nd\x01"),
        ("orders//..//a", "orders//..//a"),
    ],
)
def test_keys_are_form_decoded(sent: str, key: str) -> None:
    assert read_messages({"Records": [message(notification(sent))]}) == [told("m1", (replace(UPLOAD, key=key),), ())]


@pytest.mark.parametrize(
    ("received", "sent", "received_before"),
    [("1", 1, False), ("1", 30, False), ("1", -2, False), ("2", 1, True), ("17", 1, True), ("1", 31, True)],
)
def test_only_a_message_that_came_straight_is_taken_for_new(received: str, sent: int, received_before: bool) -> None:
    """A redriven message starts to be counted anew, but it was enqueued long after the upload."""
    (read,) = read_messages({"Records": [message(notification(), received=received, sent=sent)]})
    assert read.uploads == (replace(UPLOAD, receive_count=int(received), received_before=received_before),)


@pytest.mark.parametrize("missing", ["attributes", "ApproximateReceiveCount", "SentTimestamp"])
def test_a_message_without_its_attributes_counts_as_received_before(missing: str) -> None:
    record = message(notification())
    record.pop(missing, None)
    record.get("attributes", {}).pop(missing, None)
    (read,) = read_messages({"Records": [record]})
    assert [upload.received_before for upload in read.uploads] == [True]


@pytest.mark.parametrize(("sent", "received_before"), [(3600, False), (3629, False), (3631, True), (1, True)])
def test_a_message_of_the_sweep_is_new_if_it_came_straight_from_there(sent: int, received_before: bool) -> None:
    swept = {**notification(), "sweptAt": "2026-11-02T10:00:00.000Z"}
    (read,) = read_messages({"Records": [message(swept, sent=sent)]})
    assert read.uploads == (replace(UPLOAD, swept=True, received_before=received_before),)


@pytest.mark.parametrize("identity", [None, "alice", [], {}, {"principalId": None}, {"principalId": ["alice"]}])
def test_who_and_when_are_texts_or_not_known(identity: object) -> None:
    odd = notification(eventTime={"at": 9}) | {"userIdentity": identity}
    (read,) = read_messages({"Records": [message(odd)]})
    assert read.uploads == (replace(UPLOAD, uploaded_by=None, uploaded_at=None, received_before=True),)


def test_an_event_without_a_time_counts_as_received_before() -> None:
    (read,) = read_messages({"Records": [message(notification(eventTime=None))]})
    assert read.uploads == (replace(UPLOAD, uploaded_at=None, received_before=True),)


def test_an_upload_from_before_versioning_has_the_version_id_null() -> None:
    (read,) = read_messages({"Records": [message(notification(versionId=None))]})
    assert read.uploads == (replace(UPLOAD, version_id="null"),)


def test_an_event_without_etag_or_size_is_read_and_left_to_the_rules() -> None:
    (read,) = read_messages({"Records": [message(notification(eTag=None, size=None))]})
    assert read.uploads == (replace(UPLOAD, etag="", size_bytes=None),)


def test_an_etag_in_quotes_is_read_without_them() -> None:
    (read,) = read_messages({"Records": [message(notification(eTag='"7fc56270e7a70fa81a5935b72eacbe29"'))]})
    assert read.uploads == (UPLOAD,)


def test_the_test_event_that_s3_sends_when_rules_are_set_asks_for_nothing() -> None:
    assert read_messages({"Records": [message(body=json.dumps(TEST_EVENT))]}) == [told("m1", (), ())]


SNS = json.dumps(
    {
        "Type": "Notification",
        "TopicArn": "arn:aws:sns:eu-west-1:1:hub",
        "Message": json.dumps({"Records": [notification()]}),
    }
)
EVENTBRIDGE = json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": {"bucket": {"name": "hub"}}})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "it is a text that is no JSON, and begins with ''"),
        ("Please resend July.", "it is a text that is no JSON, and begins with 'Please resend July.'"),
        ("[" * 100_000, f"it is a text that is no JSON, and begins with '{'[' * 60}'"),
        ("[]", "it is JSON, but list where an object is expected"),
        ("null", "it is JSON, but NoneType where an object is expected"),
        ("{}", "it is a JSON object without Records; it has nothing"),
        ('{"b": 1, "a": 2}', "it is a JSON object without Records; it has a, b"),
        ('{"Records": []}', "its Records are not a list of events"),
        ('{"Records": null}', "its Records are not a list of events"),
        (SNS, "it is a message of the SNS topic 'arn:aws:sns:eu-west-1:1:hub'; S3 has to notify the queue itself"),
        (
            EVENTBRIDGE,
            "it is an EventBridge event ('Object Created' from 'aws.s3'); S3 has to notify the queue itself",
        ),
    ],
)
def test_a_malformed_message_becomes_a_problem_and_leaves_the_others_alone(body: str, problem: str) -> None:
    assert read_messages({"Records": [message(body=body), message(notification(), message_id="m2")]}) == [
        told("m1", (), (f"the message is no S3 event notification: {problem}",)),
        told("m2", (UPLOAD,), ()),
    ]


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        (7, "its eventName is missing"),
        ({}, "its eventName is missing"),
        (notification() | {"s3": None}, "its s3.object.key is missing"),
        (notification(eventName="ObjectRemoved:Delete"), "its eventName is 'ObjectRemoved:Delete'"),
        (notification(bucket=["hub"]), "its s3.bucket.name is ['hub'], which is no text"),
        (notification(size="many"), "its size is 'many', which is no number of bytes"),
        (notification(size=float("inf")), "its size is inf, which is no number of bytes"),
        (
            notification("orders/\ud800"),
            "'utf-8' codec can't encode character '\\ud800' in position 7: surrogates not allowed",
        ),
        (
            notification("orders/%FF"),
            "'utf-8' codec can't decode byte 0xff in position 7: invalid start byte",
        ),
    ],
)
def test_a_malformed_record_becomes_a_problem_and_leaves_the_others_of_its_message_alone(
    record: Any, problem: str
) -> None:
    (read,) = read_messages({"Records": [message(notification(), record)]})
    assert read == told("m1", (UPLOAD,), (f"record 2 of the message is no S3 upload event: {problem}",))


@pytest.mark.parametrize("event", [{}, {"Records": None}, {"task": "dance"}])
def test_an_invocation_by_hand_is_told_what_the_function_takes(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the function is invoked by its queue, or with"):
        read_messages(event)
