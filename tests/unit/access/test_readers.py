"""Readers outside AWS among the accesses: who gains and loses, in words, and who is new like an account."""

from datetime import UTC, datetime
from typing import Any

import pytest

from data_exports.access.accesses import accesses_of
from data_exports.access.changes import AccessChanges, changes_between
from data_exports.access.grants import Role, grants_of
from data_exports.access.kinds import Kind, Mark
from data_exports.access.sentences import plain, sentence_of_new_account, statements_of
from data_exports.estate.models import Dataset
from data_exports.operate.who.holdings import Question, find_holdings, holdings_of
from data_exports.readers.kinds import AnyReader, reader_of
from data_exports.views.who import render_holdings
from tests.estates import AZURE_READER, GOOGLE_READER, PLATFORM, READERS_OUTSIDE_AWS, WORKFLOW_READER, estate_of, pull

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
COLLEAGUE = reader_of({"azure": AZURE_READER.declaration["azure"] | {"object": "00000000-6d4e-4b0f-8a57-90c1d2e3f4a5"}})


def tables(*readers: AnyReader, **changes: Any) -> Dataset:
    return pull("tables", **{"outsiders": (), "users": (), "identities": readers, **changes})


def between(before: list[Dataset], after: list[Dataset]) -> AccessChanges:
    return changes_between(grants_of(estate_of(*before)), grants_of(estate_of(*after)), moment=NOW)


def told(found: AccessChanges) -> list[tuple[tuple[Kind, ...], tuple[Mark, ...], str]]:
    return [(each.kinds, each.marks, plain(each.sentence)) for each in statements_of(found)]


def new_in(found: AccessChanges) -> list[str]:
    return [plain(sentence_of_new_account(each, {})) for each in found.new_accounts]


def test_an_access_of_its_own_with_no_account() -> None:
    (access,) = accesses_of(grants_of(estate_of(tables(GOOGLE_READER))))
    assert (access.role, access.reader, access.account) == (Role.FEDERATED, GOOGLE_READER, None)
    assert access.principal == f"arn:aws:iam::593291632749:role/export_tables-pull-{GOOGLE_READER.short_id}"
    assert (access.where, access.reads, access.writes, access.is_outside) == ("s3://mojap-tables", True, False, True)


def test_a_reader_gains_and_another_loses_in_words() -> None:
    found = between([tables(GOOGLE_READER, paperwork=("A",))], [tables(AZURE_READER, paperwork=("A",))])
    assert told(found) == [
        (
            (Kind.GAINS,),
            (Mark.NEW_ACCOUNT, Mark.READ),
            (
                "may read s3://mojap-tables: Azure's principal 8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5 of tenant "
                '1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394 (paperwork "A")'
            ),
        ),
        (
            (Kind.LOSES,),
            (),
            (
                "may no longer read s3://mojap-tables: Google's service account "
                "reader@reports.iam.gserviceaccount.com (unique id 117203498723049872304)"
            ),
        ),
    ]
    assert new_in(found) == ["the Azure tenant 1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394 through tables"]


def test_whoever_else_a_known_tenant_sends_is_not_new() -> None:
    found = between([tables(AZURE_READER)], [tables(AZURE_READER, COLLEAGUE)])
    assert (new_in(found), [each.kinds for each in found.changes]) == ([], [(Kind.GAINS,)])


def test_each_of_another_issuer_is_new() -> None:
    assert new_in(between([tables(AZURE_READER)], [tables(*READERS_OUTSIDE_AWS)])) == [
        "Google's Storage Transfer Service (subject 104320958746283910576) through tables",
        (
            "Google's service account reader@reports.iam.gserviceaccount.com (unique id 117203498723049872304) "
            "through tables"
        ),
        (
            "the Kubernetes cluster https://oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF "
            "through tables"
        ),
        "the owner of repositories at GitHub example through tables",
    ]


def test_another_audience_changes_whom_the_role_trusts() -> None:
    other = reader_of({"oidc": WORKFLOW_READER.declaration["oidc"] | {"audience": "another"}})
    ((kinds, _, sentence),) = told(between([tables(WORKFLOW_READER)], [tables(other)]))
    assert kinds == (Kind.CHANGED,)
    assert (
        "(before: with tokens of https://token.actions.githubusercontent.com for sts.amazonaws.com; now with tokens of "
        "https://token.actions.githubusercontent.com for another): the holder of a token of" in sentence
    )


def test_another_address_of_the_same_service_account_is_no_other_token() -> None:
    moved = reader_of(
        {"google": GOOGLE_READER.declaration["google"] | {"service_account": "new@reports.iam.gserviceaccount.com"}}
    )
    ((_, _, sentence),) = told(between([tables(GOOGLE_READER)], [tables(moved)]))
    assert "(before: Google's service account reader@reports.iam.gserviceaccount.com (unique id " in sentence
    assert "tokens" not in sentence


def test_a_reader_in_the_place_of_another_gains_though_its_role_has_the_same_name() -> None:
    one, other = (
        reader_of(
            {"oidc": WORKFLOW_READER.declaration["oidc"] | {"subject": f"repo:example/reports:environment:{name}"}}
        )
        for name in ("e39192", "e99994")
    )
    assert one.short_id == other.short_id
    found = between([tables(one, paperwork=("A",))], [tables(other, paperwork=("A",))])
    assert [(kinds, marks) for kinds, marks, _ in told(found)] == [((Kind.GAINS,), (Mark.READ,)), ((Kind.LOSES,), ())]


def test_write_for_readers_outside_aws_is_told_as_for_outsiders() -> None:
    found = between([tables(GOOGLE_READER)], [tables(GOOGLE_READER, allow_push=True)])
    assert (found.changes[0].marks, found.widened) == ((Mark.WRITE, Mark.NO_PAPERWORK), ("tables",))


@pytest.mark.parametrize(
    "name", ["reader@reports.iam.gserviceaccount.com", f"export_tables-pull-{GOOGLE_READER.short_id}"]
)
def test_who_finds_a_reader_by_its_own_names(name: str) -> None:
    found = find_holdings(holdings_of(estate_of(tables(*READERS_OUTSIDE_AWS))), Question(who=name), now=NOW)
    assert render_holdings(found, PLATFORM, now=NOW).splitlines() == [
        (
            "Google's service account reader@reports.iam.gserviceaccount.com (unique id 117203498723049872304), "
            "through export_tables-pull-c50ba884"
        ),
        "  as federated reader of pull dataset tables, no end, NO PAPERWORK",
        "    read s3://mojap-tables/",
    ]
