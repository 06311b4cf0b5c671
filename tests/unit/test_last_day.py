"""The day on which an access ends is one day in every output, whoever reads it."""

from datetime import UTC, date, datetime

from data_exports.access.accesses import accesses_of
from data_exports.access.changes import changes_between
from data_exports.access.grants import grants_of
from data_exports.access.sentences import plain, sentence_of_change
from data_exports.operate.handover.halves import halves_of
from data_exports.operate.who.holdings import holdings_of
from data_exports.views.access_review import review_of
from data_exports.views.handover.data import handover_as_data
from data_exports.views.handover.letter import letter_of
from data_exports.views.who import holding_as_data, render_holdings
from tests.estates import PLATFORM, estate_of, pull
from tests.json_data import json_data

LAST = date(2027, 3, 31)
UNTIL = datetime(2027, 4, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 28, tzinfo=UTC)
DATASET = pull("lists", expires=LAST)
ESTATE = estate_of(DATASET)


def test_python_has_the_day_beside_the_moment_after_it() -> None:
    grants = grants_of(ESTATE)
    assert {(grant.last_day, grant.until) for grant in grants} == {(LAST, UNTIL)}
    assert {(access.last_day, access.until) for access in accesses_of(grants)} == {(LAST, UNTIL)}
    assert {grant.last_day for grant in grants_of(estate_of(pull("lists")))} == {None}


def test_json_has_the_day_beside_the_moment_after_it() -> None:
    in_json = tuple(json_data([LAST, UNTIL]))
    for holding in holdings_of(ESTATE):
        facts = json_data(holding_as_data(holding, PLATFORM, now=NOW))
        assert {(each["last_day"], each["until"]) for each in (facts, *facts["grants"])} == {in_json}
    for half in halves_of(ESTATE, DATASET):
        (agreed,) = json_data(handover_as_data([half]))["handovers"]
        assert (agreed["last_day"], agreed["until"]) == in_json


def test_people_read_the_day_and_never_the_moment_after_it() -> None:
    changes = changes_between([], grants_of(ESTATE), moment=NOW)
    for text in (
        render_holdings(holdings_of(ESTATE), PLATFORM, now=NOW),
        review_of(holdings_of(ESTATE), PLATFORM, now=NOW, source="here", asked=""),
        *(plain(sentence_of_change(each, changes)) for each in changes.changes),
    ):
        assert str(LAST) in text or "31 March 2027" in text
        assert str(UNTIL.date()) not in text
        assert "1 April 2027" not in text
    for half in halves_of(ESTATE, DATASET):  # the policies in a letter hold the moment, as IAM wants it
        assert "the last day is 2027-03-31, in UTC" in letter_of(half)
