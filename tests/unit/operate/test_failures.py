"""What failed is told apart: given up, being tried again, and through nevertheless."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from data_exports.operate.failing import NextTry
from data_exports.operate.failures import UploadFailure, failures_of
from data_exports.operate.people import Uploader
from data_exports.views.failures import failures_as_data, render_failures
from tests.aws_answers import refusal
from tests.estates import PLATFORM, estate_of, push
from tests.json_data import json_data
from tests.unit.operate.failing_world import ANA, World
from tests.unit.operate.receipt_log import file_at, line, packed

NOW = datetime(2031, 3, 31, 12, tzinfo=UTC)


def event(key: str, version: str) -> str:
    entry = {"object": {"key": key, "versionId": version, "size": 3}}
    record = {"eventTime": "2031-03-30T08:59:59.000Z", "userIdentity": {"principalId": "AWS:AROAANA:ana"}, "s3": entry}
    return json.dumps({"Records": [record]})


def failed(key: str, version: str, **changes: Any) -> dict[str, Any]:
    plain = {"outcome": "failed", "reason": "refused", "cause": "denied", "delivered_at": None}
    return line(key, version_id=version, **(plain | changes))


def found_in(world: World, *, at_most: int = 1000) -> dict[str, UploadFailure]:
    dataset = push()
    found = failures_of(estate_of(dataset), dataset, world, at_most=at_most, now=NOW)  # type: ignore[arg-type]
    return {failure.key or failure.message_id: failure for failure in found.found}


def test_a_dead_letter_has_the_reason_of_its_last_failure_and_its_sender() -> None:
    world = World(
        {
            file_at("20310330T090001Z"): packed(
                failed("hearings/a b.csv", "v1", reason="slow down", cause="throttled")
            ),
            file_at("20310330T120000Z"): packed(failed("hearings/a b.csv", "v1", outcome="given_up")),
            file_at("20310330T120001Z"): packed(failed("hearings/a b.csv", "other version", reason="not this")),
        },
        [event("hearings/a+b.csv", "v1")],
    )
    found = found_in(world)["hearings/a b.csv"]
    assert found.last is not None
    assert found.last.outcome == "given_up"
    assert replace(found, last=None) == UploadFailure(
        given_up=True,
        message_id="m0",
        key="hearings/a b.csv",
        version_id="v1",
        size_bytes=3,
        uploaded_at="2031-03-30T08:59:59.000Z",
        by=Uploader("AROAANA:ana", ANA, "ana"),
        since=datetime(2031, 3, 30, 9, tzinfo=UTC),
        reason="refused",
        cause="denied",
    )
    assert world.put_back == ["h0"]


class ToSender(World):
    """The same to one of its senders: may count dead letters, look at none, and look up no role."""

    def receive_message(self, **_: Any) -> Any:
        raise refusal("AccessDenied")

    def get_role(self, **_: Any) -> Any:
        raise refusal("AccessDenied")

    def caller(self) -> tuple[str, str]:
        return PLATFORM.account, ARN

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": PLATFORM.account, "Arn": ARN, "UserId": "AROAANA:local"}


ARN = f"arn:aws:sts::{PLATFORM.account}:assumed-role/{ANA}/local"


def test_a_sender_is_told_from_receipts_what_was_given_up_and_how_much_was_not_looked_at() -> None:
    files = {
        file_at("20310320T120000Z"): packed(failed("hearings/old", "v", outcome="given_up", uploaded_by="AWS:AROAX:b")),
        file_at("20310330T120000Z"): packed(
            failed("hearings/own", "v", outcome="given_up", cause="hub_denied", uploaded_by="AWS:AROAANA:local")
        ),
        file_at("20310330T120001Z"): packed(failed("hearings/again", "v", outcome="given_up")),
        file_at("20310330T130000Z"): packed(line("hearings/again", version_id="v")),
        file_at("20310101T120000Z"): packed(failed("hearings/long ago", "v", outcome="given_up")),
    }
    estate = estate_of(push())
    world = ToSender(files, [event("hearings/old", "v"), event("hearings/own", "v")])
    found = failures_of(estate, push(), world, now=NOW)  # type: ignore[arg-type]
    why = f"{ANA} may not do sqs:ReceiveMessage on queue export_hearings-DLQ"
    assert (found.dead_letters, found.looked_at, found.not_looked_at) == (2, 0, why)
    assert [(each.key, each.given_up, str(each.by)) for each in found.found] == [
        ("hearings/old", True, "AROAX:b"),
        ("hearings/own", True, f"{ANA} (local)"),
    ]
    text = render_failures(found, estate)
    assert text.splitlines()[0] == "hearings: 2 dead letters"
    assert "  to do, for the platform's operators: the platform's own policies refuse the mover" in text
    assert "  then:  the platform's operators do: exports redrive hearings" in text
    assert text.splitlines()[-2:] == [
        f"  ? dead letters were counted, and not looked at: {why}",
        "    the receipts of the last 14 days tell of 2 uploads given up",
    ]
    (dataset,) = json_data(failures_as_data([found], estate))["datasets"]
    assert (dataset["looked_at"], dataset["not_looked_at"]) == (0, why)


def test_a_sender_without_dead_letters_is_told_of_none_that_receipts_remember() -> None:
    world = ToSender({file_at("20310330T120000Z"): packed(failed("hearings/old", "v", outcome="given_up"))}, [])
    found = failures_of(estate_of(push()), push(), world, now=NOW)  # type: ignore[arg-type]
    assert (found.found, found.dead_letters, found.not_looked_at) == ((), 0, "")


def test_what_fails_and_is_tried_again_is_no_dead_letter() -> None:
    recent = "2031-03-31T11:00:00.000Z"
    world = World(
        {
            file_at("20310330T080000Z"): packed(failed("hearings/old", "v", recorded_at="2031-03-30T08:00:00.000Z")),
            file_at("20310331T110000Z"): packed(
                failed("hearings/trying", "v", recorded_at=recent), failed("hearings/through", "v", recorded_at=recent)
            ),
            file_at("20310331T110500Z"): packed(line("hearings/through", version_id="v", recorded_at=recent)),
        },
        [],
    )
    found = found_in(world)
    next_try = NextTry(datetime(2031, 3, 31, 11, 7, 30, tzinfo=UTC), datetime(2031, 3, 31, 11, 15, tzinfo=UTC))
    assert {key: (each.given_up, each.reason, each.since, each.next_try) for key, each in found.items()} == {
        "hearings/trying": (False, "refused", datetime(2031, 3, 31, 11, tzinfo=UTC), next_try)
    }


def test_a_dead_letter_whose_upload_is_through_only_needs_tidying() -> None:
    world = World(
        {
            file_at("20310330T090001Z"): packed(failed("hearings/a", "v1", outcome="given_up")),
            file_at("20310330T100000Z"): packed(line("hearings/a", version_id="v1")),
            file_at("20310330T110000Z"): packed(line("hearings/a", version_id="v1", outcome="superseded")),
        },
        [event("hearings/a", "v1")],
    )
    assert found_in(world)["hearings/a"].settled == "delivered"


def test_a_message_that_is_no_upload_is_known_by_its_own_id() -> None:
    bodies = ["not json", "[]", '{"Records": []}', '{"Records": [{"s3": 3}]}', '{"Records": "x"}']
    world = World(
        {file_at("20310330T120000Z"): packed(failed("", "", message_id="m1", reason="no event", cause="bad_message"))},
        bodies,
    )
    found = found_in(world)
    assert {key: (each.reason, each.cause) for key, each in found.items()} == {
        "m0": ("the message is no S3 upload event", "bad_message"),
        "m1": ("no event", "bad_message"),
        "m2": ("the message is no S3 upload event", "bad_message"),
        "m3": ("the message is no S3 upload event", "bad_message"),
        "m4": ("the message is no S3 upload event", "bad_message"),
    }


def test_no_more_are_looked_at_than_asked_for_and_each_is_put_back() -> None:
    world = World({}, [event(f"hearings/{number}", "v") for number in range(95)])
    dataset = push()
    estate = estate_of(dataset)
    found = failures_of(estate, dataset, world, at_most=30, now=NOW)  # type: ignore[arg-type]
    assert (found.dead_letters, found.looked_at, len(found.found)) == (95, 30, 30)
    assert len(world.put_back) == 30
    text = render_failures(found, estate).splitlines()
    assert text[0] == "hearings: 95 dead letters, of which 30 were looked at"
    assert text[1] == (
        "  hearings/0  3 B, uploaded 2031-03-30 08:59:59 by alpha_user_ana (ana), tried since 2031-03-30 09:00:00"
    )
    assert text[2] == "    no receipt says why"
    assert "  and 10 more for the same reason (--json lists them)" in text
    assert [len(each["failures"]) for each in json_data(failures_as_data([found], estate))["datasets"]] == [30]


def test_an_interruption_puts_back_what_was_taken() -> None:
    class Interrupted(World):
        def receive_message(self, **arguments: Any) -> Any:
            if len(self.waiting) < 20:
                raise KeyboardInterrupt
            return super().receive_message(**arguments)

    world = Interrupted({}, [event(f"hearings/{number}", "v") for number in range(25)])
    try:
        found_in(world)
    except KeyboardInterrupt:
        assert len(world.put_back) == 10
    else:
        raise AssertionError


def test_an_upload_of_nobody_is_an_upload() -> None:
    nobody = event("hearings/a.csv", "v1").replace('{"principalId": "AWS:AROAANA:ana"}', "null")
    assert found_in(World({}, [nobody]))["hearings/a.csv"].by is None
