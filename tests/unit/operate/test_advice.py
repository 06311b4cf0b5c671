"""Every cause that the mover records has advice, and where the other side's grant is missing, the statements."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from data_exports.access.handover import route_of
from data_exports.contract.causes import OLD_CAUSES, Cause, Side
from data_exports.operate.advice import advice_on_cause
from tests.estates import KEY, at_s3, estate_of, push

NOW = datetime(2031, 3, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("cause", [*Cause, *OLD_CAUSES, None, "a cause of a later mover"])
def test_every_cause_has_advice_and_the_other_sides_statements_only_if_it_denies(cause: str | None) -> None:
    dataset = push(destination=at_s3(kms_key=KEY))
    advice = advice_on_cause(cause, estate_of(dataset), dataset, now=NOW)
    assert advice.text
    assert bool(advice.statements) == (cause in ("recipient_denied", "denied"))


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause.is_permanent])
def test_advice_on_what_somebody_must_mend_is_of_its_own_and_says_who(cause: Cause) -> None:
    dataset = push(destination=at_s3(kms_key=KEY))
    text = advice_on_cause(cause, estate_of(dataset), dataset, now=NOW).text
    assert "it may pass by itself" not in text
    assert ("the recipient" in text) is (cause.side is Side.RECIPIENT)
    assert ("send" in text) is (cause.side is Side.SENDER or cause is Cause.HUB_REQUEST)
    assert ("exports deploy" in text or "exports repair" in text) is (cause.side is Side.HUB)


@pytest.mark.parametrize("cause", OLD_CAUSES)
def test_advice_on_what_an_older_mover_recorded_says_that_it_named_no_side(cause: str) -> None:
    dataset = push(destination=at_s3(kms_key=KEY))
    estate = estate_of(dataset)
    new = advice_on_cause(OLD_CAUSES[cause], estate, dataset, now=NOW)
    before = "an earlier mover recorded this and did not tell whose it is to act, so read the reason; "
    assert advice_on_cause(cause, estate, dataset, now=NOW) == replace(new, text=before + new.text)


def test_a_bucket_of_the_recipient_may_be_in_any_region() -> None:
    dataset = push()
    assert advice_on_cause("recipient_bucket", estate_of(dataset), dataset, now=NOW).text == (
        "check with the recipient that cp-hearings exists and is open, in whichever region; if its name is another, "
        "correct target_bucket and deploy; then redrive"
    )


def test_a_denial_is_cured_by_the_statements_of_the_handover() -> None:
    dataset = push(destination=at_s3(kms_key=KEY))
    estate = estate_of(dataset)
    advice = advice_on_cause("recipient_denied", estate, dataset, now=NOW)
    route = route_of(estate, dataset)
    assert (advice.statements, advice.key_statements) == (route.statements["Receive"], route.statements["Encrypt"])
    assert [each["Sid"] for each in (*advice.statements, *advice.key_statements)] == [
        "ReceiveHearings",
        "EncryptHearings",
    ]
    assert advice.text == (
        "the recipient adds these statements to the policy of cp-hearings and of its key, then redrive; "
        'if they are there: check that the bucket belongs to "Cloud Platform" (754256621582)'
    )


def test_a_denial_after_the_last_day_is_ours_to_cure() -> None:
    dataset = push(expires=date(2031, 3, 30))
    advice = advice_on_cause("recipient_denied", estate_of(dataset), dataset, now=NOW)
    assert advice.statements == ()
    assert advice.text.startswith("the access of hearings ended on 2031-03-30: agree on a new date")
