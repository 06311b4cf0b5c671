"""Who can get at what: every question, asked of the declarations, and the review that is signed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from data_exports.access.grants import Role, grants_of
from data_exports.errors import UsageError
from data_exports.names import AccountId, AccountRootArn
from data_exports.operate.who.holdings import (
    Holding,
    Location,
    Question,
    find_holdings,
    holdings_of,
    parse_location,
)
from data_exports.reviews.rows import review_of_estate
from data_exports.text import is_seen
from data_exports.views.access_review import review_of
from data_exports.views.who import holding_as_data, holdings_as_csv, question_words, render_holdings
from tests.estates import FULL, PLATFORM, READER, at_azure, at_google, estate_of, pull, push
from tests.json_data import json_data

NOW = datetime(2027, 3, 1, tzinfo=UTC)
HUB = "mojap-hub-exports"
IN_HUB = f"s3://{HUB}"
SIXTY = timedelta(days=60)


def found(question: Question, now: datetime = NOW) -> list[tuple[str, str, str]]:
    return [(h.name, h.access.dataset, h.access.role) for h in find_holdings(holdings_of(FULL), question, now=now)]


def test_the_holdings_are_the_grants_and_nothing_else() -> None:
    held = sorted((grant for holding in holdings_of(FULL) for grant in holding.access.grants), key=repr)
    assert held == sorted(grants_of(FULL), key=repr)


def test_a_user_is_asked_for_for_by_name_or_arn() -> None:
    mine = [
        ("alpha_user_ana", "case_notes", "pull user"),
        ("alpha_user_ana", "court_lists", "pull user"),
        ("alpha_user_ana", "hearings", "sender"),
        ("alpha_user_ana", "prison_moves", "sender"),
        ("alpha_user_ana", "sealed-files", "sender"),
    ]
    assert found(Question(who="alpha_user_ana")) == mine
    assert found(Question(who="arn:aws:iam::593291632749:role/alpha_user_ana")) == mine
    assert [dataset for _, dataset, _ in found(Question(who=READER))] == ["case_notes", "court_lists"]


def test_a_name_that_nobody_has_is_a_usage_error_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="'alpha_user_anna' is no dataset, and nobody is granted anything") as stopped:
        found(Question(who="alpha_user_anna"))
    assert stopped.value.next_step == "did you mean alpha_user_ana?"
    with pytest.raises(UsageError) as stopped:
        found(Question(who="x"))
    assert stopped.value.next_step == "give the name of a role or a dataset, or an ARN"


@pytest.mark.parametrize(
    ("verb", "place", "who"),
    [
        ("read", "s3://mojap-case-notes", {"alpha_user_ana", "irsa-reader", "loader"}),
        ("read", "s3://mojap-case-notes/any/key", {"alpha_user_ana", "irsa-reader", "loader"}),
        ("write", "s3://mojap-case-notes/any/key", {"alpha_user_ana", "irsa-reader", "loader"}),
        ("write", "s3://mojap-court-lists/any/key", {"alpha_user_ana"}),
        ("read", f"s3://{HUB}/hearings/a.csv", {"export_hearings-move"}),
        ("write", f"s3://{HUB}/hearings/a.csv", {"alpha_user_ana", "alpha_user_Ben-Two", "export_hearings-move"}),
        ("write", f"s3://{HUB}/hearings", set()),
        ("write", f"s3://{HUB}/hearings_private/a.csv", set()),
        ("write", "s3://cp-hearings/prison_moves/", {"export_prison_moves-copy"}),
        ("read", "s3://cp-hearings", set()),
        ("read", "s3://no-such-bucket", set()),
    ],
)
def test_a_place_is_reached_by_those_whose_grants_reach_it(verb: Any, place: str, who: set[str]) -> None:
    assert {name for name, _, _ in found(Question(verb=verb, place=parse_location(place)))} == who


def test_a_folder_is_reached_from_above_and_from_below() -> None:
    below = found(Question(verb="write", place=Location(IN_HUB)))
    assert {dataset for _, dataset, _ in below} == {"hearings", "prison_moves", "sealed-files"}
    assert {dataset for _, dataset, _ in found(Question(place=Location(IN_HUB, "hearings/2031/")))} == {"hearings"}


AZURE, GOOGLE = "https://hjresearch.blob.core.windows.net/incoming", "gs://hj-incoming"


@pytest.mark.parametrize(
    ("verb", "place", "who"),
    [
        ("write", AZURE, {"orders"}),
        ("write", f"{AZURE}/orders/a.csv", {"orders"}),
        ("write", f"{AZURE}/tables/", set()),
        ("write", f"{AZURE}2/orders/", set()),
        ("read", f"{AZURE}/orders/a.csv", set()),
        ("write", GOOGLE, {"tables"}),
        ("write", f"{GOOGLE}/tables/a.csv", {"tables"}),
        ("write", f"{GOOGLE}/orders/", set()),
        ("write", "s3://hj-incoming/tables/", set()),
    ],
)
def test_a_place_in_another_cloud_is_asked_for_by_its_address(verb: Any, place: str, who: set[str]) -> None:
    estate = estate_of(push("orders", destination=at_azure()), push("tables", destination=at_google()))
    question = Question(verb=verb, place=parse_location(place))
    assert {each.access.dataset for each in find_holdings(holdings_of(estate), question, now=NOW)} == who


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mojap-hub", "'mojap-hub' is no address of a bucket or a container"),
        ("s3://", "'' is not an S3 bucket name"),
        ("s3://Bad_Name/x", "'Bad_Name' is not an S3 bucket name"),
        ("https://x", "'https://x' is no address of a bucket or a container"),
        ("https://hjresearch.blob.core.windows.net", "is no address of a bucket or a container"),
        ("https://hjresearch.blob.core.windows.net/a/b", "'a' is not the name of a container of Azure Blob Storage"),
        ("gs://Bad", "'Bad' is not the name of a bucket of Google Cloud Storage"),
    ],
)
def test_what_is_no_place_is_a_usage_error(text: str, said: str) -> None:
    with pytest.raises(UsageError) as stopped:
        parse_location(text)
    assert said in str(stopped.value)
    assert stopped.value.next_step == (
        "write s3://BUCKET/KEY or https://STORAGE_ACCOUNT.blob.core.windows.net/CONTAINER/KEY or gs://BUCKET/KEY, "
        "without /KEY for all of it"
    )


def test_who_gets_files_in_another_cloud_is_told_in_words_in_every_form() -> None:
    estate = estate_of(push("orders", destination=at_azure(), users=()))
    words = " ".join(at_azure().words)
    (holding,) = holdings_of(estate)
    assert holding.access.bucket == AZURE
    assert f"| `{words}, through export_orders-move` |" in review_of(
        [holding], PLATFORM, now=NOW, source="as declared", asked=""
    )
    assert f"as mover of push dataset orders, to {words}, no end" in render_holdings([holding], PLATFORM, now=NOW)
    assert json_data(holding_as_data(holding, PLATFORM, now=NOW))["recipient"] == words
    heads, row = holdings_as_csv([holding], PLATFORM, now=NOW).splitlines()
    assert heads.endswith(',"reader","recipient"')
    assert row.endswith(f',"","{words}"')
    (reviewed,) = review_of_estate(estate, Path("review.yaml"), today=NOW.date()).datasets[0].accesses
    assert (reviewed.who, reviewed.account) == (f"{AZURE}/orders/", words)


def test_an_account_is_asked_for_for_as_that_of_outsiders_and_of_recipients() -> None:
    assert found(Question(account=AccountId("754256621582"))) == [
        ("export_hearings-move", "hearings", "mover"),
        ("export_prison_moves-copy", "prison_moves", "mover"),
        ("irsa-reader", "case_notes", "outsider"),
        ("irsa-reader", "court_lists", "outsider"),
    ]


def test_what_ends_soon_or_has_ended_is_found_and_what_has_no_end_is_not() -> None:
    soon = Question(ends_within=SIXTY)
    assert {dataset for _, dataset, _ in found(soon)} == {"case_notes", "prison_moves"}
    assert found(soon, now=datetime(2026, 11, 25, tzinfo=UTC)) == []
    assert {dataset for _, dataset, _ in found(soon, now=datetime(2030, 1, 1, tzinfo=UTC))} == {
        "case_notes",
        "prison_moves",
    }


def test_what_has_no_paperwork_is_found_and_questions_add_up() -> None:
    assert {dataset for _, dataset, _ in found(Question(without_paperwork=True))} == {"case_notes", "court_lists"}
    assert found(Question(who="loader", without_paperwork=True, ends_within=SIXTY)) == [
        ("loader", "case_notes", "outsider")
    ]


def test_a_mover_that_goes_on_with_its_records_has_ended_all_the_same() -> None:
    (mover,) = (h for h in holdings_of(FULL) if h.access.dataset == "prison_moves" and h.access.role is Role.MOVER)
    assert mover.access.until == datetime(2027, 4, 1, tzinfo=UTC)
    assert mover.access.has_ended(datetime(2027, 4, 1, tzinfo=UTC))


def one(**changes: Any) -> tuple[Holding, ...]:
    return holdings_of(estate_of(pull("lists", users=(), **changes)))


def test_people_read_who_does_what_until_when_on_what_paperwork() -> None:
    ends = {"expires": date(2027, 3, 31), "paperwork": ("DPIA-1",)}
    assert render_holdings(one(**ends), PLATFORM, now=NOW) == (
        'irsa-reader of "Cloud Platform" (754256621582)\n'
        '  as outsider of pull dataset lists, until 2027-03-31, paperwork: "DPIA-1"\n'
        "    read s3://mojap-lists/"
    )
    over = render_holdings(one(**ends), PLATFORM, now=datetime(2027, 4, 1, tzinfo=UTC))
    assert "ENDED with 2027-03-31" in over
    whole = one(outsiders=(AccountRootArn("arn:aws:iam::754256621582:root"),), allow_push=True)
    assert render_holdings(whole, PLATFORM, now=NOW) == (
        'everybody whom "Cloud Platform" (754256621582) lets\n'
        "  as outsider of pull dataset lists, no end, NO PAPERWORK\n"
        "    read, write and delete s3://mojap-lists/"
    )


def test_programs_get_the_grants_themselves() -> None:
    (holding,) = one(paperwork=("DPIA-1",), owner="Courts")
    facts = json_data(holding_as_data(holding, PLATFORM, now=NOW))
    assert {key: facts[key] for key in ("name", "role", "account_name", "kind", "may", "paperwork", "owner")} == {
        "name": "irsa-reader",
        "role": "outsider",
        "account_name": "Cloud Platform",
        "kind": "pull",
        "may": [{"verbs": ["read"], "where": "s3://mojap-lists/"}],
        "paperwork": ["DPIA-1"],
        "owner": "Courts",
    }
    assert [each["actions"] for each in facts["grants"]] == [list(grant.actions) for grant in holding.access.grants]


def test_a_question_is_told_in_words() -> None:
    question = Question(
        verb="read",
        place=Location(IN_HUB, "a/"),
        account=PLATFORM.account,
        ends_within=SIXTY,
        without_paperwork=True,
    )
    assert question_words(question) == (
        "who can read s3://mojap-hub-exports/a/, account 593291632749, what ends within 60 days, what has no paperwork"
    )
    assert question_words(Question()) == ""


def test_a_review_has_a_row_to_decide_on_for_every_access_and_a_place_to_sign() -> None:
    review = review_of(holdings_of(FULL), PLATFORM, now=NOW, source="as declared", asked="")
    rows = [line for line in review.splitlines() if line.endswith("| ☐ | ☐ |")]
    assert len(rows) == len(holdings_of(FULL))
    assert review.index("## Outside the platform") < review.index("## On the platform") < review.index("## Signed")
    assert (
        '| `irsa-reader of "Cloud Platform" (754256621582)` | `read s3://mojap-court-lists/` | `court_lists` (outsider)'
        in review
    )
    assert "| **nobody named** | no end | **none** |" in review


def test_a_review_has_no_row_of_what_serves_the_delivery_alone() -> None:
    review = review_of(
        holdings_of(FULL), PLATFORM, now=NOW, source="as declared", asked="", on_record="On record: `x`."
    )
    assert f"s3://{PLATFORM.log_bucket}" not in review
    assert "checkpoints" not in review
    assert "| `write s3://mojap-hub-exports/hearings/` | `hearings` (sender) |" in review
    assert "\n\nOn record: `x`.\n\n" in review


HOSTILE = (
    "a | b \\| c \\\\| @d https://e www.f g@h.org\n\n# i <img src=x> [j](https://k) `l` ``m`` **n** &lt; ~~o~~ $p$"
    " \x1b[31m \u2028\\"
)


def test_nothing_that_was_declared_gets_out_of_its_cell_or_becomes_more_than_code() -> None:
    estate = estate_of(
        push("hearings", owner=HOSTILE, paperwork=(HOSTILE,)),
        platform=replace(PLATFORM, account_names=((AccountId("754256621582"), HOSTILE),)),
    )
    review = review_of(holdings_of(estate), estate.platform, now=NOW, source="as declared", asked=HOSTILE)
    calm = estate_of(push("hearings", owner="o", paperwork=("p",)))
    calm_review = review_of(holdings_of(calm), PLATFORM, now=NOW, source="as declared", asked="x")
    assert _shape_of(review) == _shape_of(calm_review)
    assert [char for char in review.replace("\n", "") if not is_seen(char)] == []


def _shape_of(markdown: str) -> list[tuple[str, str]]:
    """What a reader of Markdown makes of it, but for what is in code: every token's kind, and the text of words."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    inner = (each for token in tokens for each in (token, *(token.children or ())))
    return [(each.type, each.content if each.type in ("text", "html_inline") else "") for each in inner]
