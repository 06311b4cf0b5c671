"""Every cause that the mover records has advice, and where the other side's grant is missing, the statements."""

from datetime import UTC, date, datetime

import pytest

from data_exports.access.handover import recipient_bucket_statements, recipient_key_statements
from data_exports.mover.causes import Cause
from data_exports.operate.advice import NEEDS_SOMEBODY, advice_on, needs_somebody
from tests.estates import KEY, estate_of, push

NOW = datetime(2031, 3, 31, 12, tzinfo=UTC)


def test_the_causes_that_need_somebody_are_the_movers_permanent_ones() -> None:
    assert {cause.value for cause in Cause if cause.is_permanent} == NEEDS_SOMEBODY
    assert not needs_somebody(None)


@pytest.mark.parametrize("cause", [*Cause, None, "a cause of a later mover"])
def test_every_cause_has_advice(cause: str | None) -> None:
    dataset = push(target_kms_key=KEY)
    advice = advice_on(cause, estate_of(dataset), dataset, now=NOW)
    assert advice.text
    assert bool(advice.statements) == (cause == "denied")


def test_a_denial_is_cured_by_the_statements_of_the_handover() -> None:
    dataset = push(target_kms_key=KEY)
    estate = estate_of(dataset)
    advice = advice_on("denied", estate, dataset, now=NOW)
    assert advice.statements == tuple(recipient_bucket_statements(estate, dataset))
    assert advice.key_statements == tuple(recipient_key_statements(estate, dataset))
    assert advice.text == (
        "the recipient adds these statements to the policy of cp-hearings and of its key, then redrive; "
        "if they are there: check that the bucket belongs to Cloud Platform (754256621582)"
    )


def test_a_denial_after_the_last_day_is_ours_to_cure() -> None:
    dataset = push(expires=date(2031, 3, 30))
    advice = advice_on("denied", estate_of(dataset), dataset, now=NOW)
    assert advice.statements == ()
    assert advice.text.startswith("the access of hearings ended on 2031-03-30: agree on a new date")
