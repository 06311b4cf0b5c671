"""What people are told of files that are given up, and that telling holds up nothing."""

from urllib.parse import parse_qs

import pytest

from data_exports.contract.causes import Cause
from data_exports.mover.places.alerts import FILES_TOLD, Alert, GivenUp, alert_of, publish
from data_exports.mover.wire.service import Service
from data_exports.mover.wire.signing import Credentials
from tests.unit.mover.loopback import Loopback, Played, serving

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret-of-nobody")
TOPIC, OTHER = (f"arn:aws:sns:eu-west-1:593291632749:{name}" for name in ("exports-alerts", "exports-alerts-orders"))
PUBLISHED = Played(
    200,
    b'<PublishResponse xmlns="http://x/"><PublishResult><MessageId>94f2</MessageId></PublishResult></PublishResponse>',
)
REFUSED = GivenUp("orders/a.csv", "the copy is refused (AccessDenied)", Cause.RECIPIENT_DENIED)


def tell(server: Loopback, *topics: str) -> list[str]:
    alert = Alert("subject", "a & b = c\nd\n")
    with Service(server.url, name="sns", region="eu-west-1", credentials=CREDENTIALS) as sns:
        return [str(problem) for problem in publish(alert, topics, sns)]


def test_an_alert_names_dataset_files_reasons_and_what_to_do() -> None:
    alert = alert_of("orders", [REFUSED])
    assert alert == Alert(
        "Export orders: 1 file not delivered",
        "The export orders gave up on 1 file, after all tries. Nothing is lost: what was uploaded is in the hub.\n"
        "\n"
        "  orders/a.csv\n"
        "    the copy is refused (AccessDenied)\n"
        "\n"
        "Next:\n"
        "  exports probe orders      which side lacks what\n"
        "  exports handover orders   what the recipient must put in place\n"
        "  exports failures orders   every file that was given up, and what to do about it\n"
        "  exports redrive orders    deliver them, once the cause is mended\n",
    )


@pytest.mark.parametrize(
    ("cause", "steps"),
    [
        (Cause.UPLOAD_SSE_C, ["  ask the senders to send these files again, as the reasons say"]),
        (Cause.HUB_DENIED, ["  exports drift      what of the platform's own was changed; exports deploy mends it"]),
        (Cause.THROTTLED, []),
        (None, []),
    ],
)
def test_what_to_do_next_follows_from_the_side_that_has_to_act(cause: Cause | None, steps: list[str]) -> None:
    lines = alert_of("orders", [GivenUp("orders/a", "no", cause)]).text.splitlines()
    after = lines[lines.index("Next:") + 1 :]
    assert after[:-2] == steps
    assert [line.split("  ")[1] for line in after[-2:]] == ["exports failures orders", "exports redrive orders"]


def test_where_the_recipient_is_not_the_cause_it_is_not_probed() -> None:
    alert = alert_of("orders", [GivenUp("", "the message is no S3 event", Cause.BAD_MESSAGE, "3f0c")])
    assert "exports probe" not in alert.text
    assert "  (message 3f0c, which names no file)\n    the message is no S3 event\n" in alert.text
    assert "  exports cancel orders --message ID   remove a message that names no file\n" in alert.text


def test_a_batch_that_fails_as_a_whole_is_one_message_of_bounded_length() -> None:
    given_up = [GivenUp(f"orders/{number}-{'k' * 900}", "r" * 5000, Cause.RECIPIENT_DENIED) for number in range(1000)]
    alert = alert_of("o" * 52, given_up)
    assert alert.text.count("\n    r") == FILES_TOLD
    assert "  and 980 more\n" in alert.text
    assert len(alert.text.encode()) < 256 * 1024
    assert (len(alert.subject) <= 100, alert.subject.isascii()) == (True, True)


def test_a_key_cannot_forge_a_line() -> None:
    text = alert_of("orders", [GivenUp("orders/x\n\nNext:\n  run this\u202e\x1b[2J", "no", None)]).text
    assert "  orders/x\\n\\nNext:\\n  run this\\u202e\\x1b[2J\n" in text


def test_each_topic_gets_one_signed_request() -> None:
    with serving(PUBLISHED) as server:
        assert tell(server, TOPIC, OTHER) == []
    assert [parse_qs(asked.body.decode())["TopicArn"] for asked in server.asked] == [[TOPIC], [OTHER]]
    asked = server.asked[0]
    assert parse_qs(asked.body.decode()) == {
        "Action": ["Publish"],
        "Version": ["2010-03-31"],
        "TopicArn": [TOPIC],
        "Subject": ["subject"],
        "Message": ["a & b = c\nd\n"],
    }
    assert "/eu-west-1/sns/aws4_request" in asked.headers["authorization"]


def test_a_topic_that_refuses_is_told_and_the_other_still_hears() -> None:
    denied = Played(403, b"<Error><Code>AuthorizationError</Code></Error>")
    with serving(denied, PUBLISHED) as server:
        (problem,) = tell(server, TOPIC, OTHER)
    assert problem.startswith(f"Publish to {TOPIC} failed: 403 ")
    assert len(server.asked) == 2


def test_a_service_that_is_unwell_is_asked_again() -> None:
    with serving(Played(503), PUBLISHED) as server:
        assert tell(server, TOPIC) == []
    with serving(Played(503)) as server:
        assert tell(server, TOPIC) == [f"Publish to {TOPIC} failed: 503 "]
        assert len(server.asked) == 3


@pytest.mark.parametrize(
    "body", [b"", b"<html>proxy</html>", b"<PublishResponse><MessageId></MessageId></PublishResponse>"]
)
def test_an_answer_that_names_no_message_is_not_taken_for_published(body: bytes) -> None:
    with serving(Played(200, body), PUBLISHED) as server:
        assert tell(server, TOPIC, OTHER) == [
            f"Publish to {TOPIC} was answered with what is no answer of SNS: {body[:80]!r}"
        ]
