"""Failures as text and as data: what is given up and what is tried again are told apart, and each has its way out."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from data_exports.contract.causes import side_of
from data_exports.names import RoleName
from data_exports.operate.failures import Failures, UploadFailure, advice_for
from data_exports.operate.people import Uploader
from data_exports.views.failures import failures_as_data, render_failures
from tests.estates import estate_of, push
from tests.json_data import json_data

PUSH = push()
ESTATE = estate_of(PUSH)
NINE = datetime(2031, 3, 30, 9, tzinfo=UTC)
DEAD = UploadFailure(
    given_up=True,
    message_id="m1",
    key="hearings/a.csv",
    version_id="v1",
    size_bytes=3,
    uploaded_at="2031-03-30T08:59:59.000Z",
    by=Uploader("AROAANA:ana", RoleName("alpha_user_ana"), "ana"),
    since=NINE,
    reason="slow down",
    cause="throttled",
)
TRYING = replace(DEAD, given_up=False, key="hearings/b.csv", message_id="", by=None, reason="", cause=None)
STRAY = replace(DEAD, key="", message_id="m2", version_id="", reason="no event", cause="bad_message")
THROUGH = replace(DEAD, key="hearings/c.csv", settled="delivered")


def test_failures_are_told_by_cause_with_what_to_do_and_a_redrive_of_what_was_given_up() -> None:
    found = Failures(PUSH, (DEAD, STRAY, TRYING, THROUGH), dead_letters=3, looked_at=3, at=NINE)
    assert render_failures(found, ESTATE).splitlines() == [
        "hearings: 3 dead letters; 1 file failing and being tried again",
        "  hearings/a.csv  3 B, uploaded 2031-03-30 08:59:59 by alpha_user_ana (ana), tried since 2031-03-30 09:00:00",
        "    slow down",
        f"  to do: {advice_for(found, ESTATE, 'throttled').text}",
        "  then:  exports redrive hearings",
        "  message m2, tried since 2031-03-30 09:00:00",
        "    no event",
        f"  to do: {advice_for(found, ESTATE, 'bad_message').text}",
        "  then:  exports redrive hearings",
        "  hearings/b.csv  3 B, uploaded 2031-03-30 08:59:59, last tried 2031-03-30 09:00:00",
        "    no receipt says why",
        f"  to do: {advice_for(found, ESTATE, None).text}",
        "  then:  exports redrive hearings --now",
        "  1 dead letter of uploads that are through by now: exports redrive hearings tidies up",
    ]


def test_what_was_not_given_up_is_tried_at_once_and_no_dead_letters_are_counted() -> None:
    found = Failures(PUSH, (TRYING,), dead_letters=0, looked_at=0, at=NINE)
    lines = render_failures(found, ESTATE).splitlines()
    assert lines[0] == "hearings: 1 file failing and being tried again"
    assert lines[-1] == "  then:  exports redrive hearings --now"


def test_dead_letters_alone_are_counted_alone() -> None:
    found = Failures(PUSH, (DEAD,), dead_letters=2, looked_at=1, at=NINE)
    assert render_failures(found, ESTATE).splitlines()[0] == ("hearings: 2 dead letters, of which 1 were looked at")


def test_twenty_of_a_cause_are_shown_and_the_rest_is_counted() -> None:
    many = tuple(replace(DEAD, key=f"hearings/{number}") for number in range(21))
    lines = render_failures(Failures(PUSH, many[:20], 20, 20, NINE), ESTATE).splitlines()
    assert (sum(line.startswith("  hearings/") for line in lines), "more for" in "".join(lines)) == (20, False)
    lines = render_failures(Failures(PUSH, many, 21, 21, NINE), ESTATE).splitlines()
    assert sum(line.startswith("  hearings/") for line in lines) == 20
    assert "  and 1 more for the same reason (--json lists them)" in lines


def test_the_recipients_statements_stand_below_the_advice_one_line_below_the_other() -> None:
    found = Failures(PUSH, (replace(DEAD, cause="recipient_denied"),), 1, 1, NINE)
    advice = advice_for(found, ESTATE, "recipient_denied")
    lines = render_failures(found, ESTATE).splitlines()
    shown = "\n".join(line.removeprefix("    ") for line in lines[4:-1])
    assert shown == "\n".join(json.dumps(each, indent=2) for each in advice.statements)
    assert [each["Sid"] for each in advice.statements] == ["ReceiveHearings"]


def test_programs_get_every_fact_and_the_advice_for_each_cause_once() -> None:
    found = Failures(PUSH, (DEAD, replace(DEAD, key="hearings/d.csv"), TRYING), dead_letters=2, looked_at=2, at=NINE)
    facts = json_data(failures_as_data([found], ESTATE))
    (dataset,) = facts["datasets"]
    assert {name: dataset[name] for name in ("dataset", "dead_letters", "looked_at")} == {
        "dataset": "hearings",
        "dead_letters": 2,
        "looked_at": 2,
    }
    plain = {
        "given_up": True,
        "message_id": "m1",
        "key": "hearings/a.csv",
        "version_id": "v1",
        "size_bytes": 3,
        "uploaded_at": "2031-03-30T08:59:59.000Z",
        "uploaded_by": "AROAANA:ana",
        "uploaded_by_role": "alpha_user_ana",
        "since": json_data(NINE),
        "reason": "slow down",
        "cause": "throttled",
        "settled": None,
        "next_try": None,
    }
    unknown = dict.fromkeys(("message_id", "uploaded_by", "uploaded_by_role", "reason", "cause"))
    assert dataset["failures"] == [
        plain,
        {**plain, "key": "hearings/d.csv"},
        {**plain, **unknown, "key": "hearings/b.csv", "given_up": False},
    ]
    assert dataset["advice"] == [
        {
            "cause": cause,
            "side": side_of(cause),
            "next_step": advice_for(found, ESTATE, cause).text,
            "bucket_policy_statements": list(advice_for(found, ESTATE, cause).statements),
            "key_policy_statements": list(advice_for(found, ESTATE, cause).key_statements),
        }
        for cause in ("throttled", None)
    ]
