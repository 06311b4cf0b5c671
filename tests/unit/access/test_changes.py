"""Two sets of grants: every difference between them is told, and what it is."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.access.accesses import UnclearGrantsError, accesses_of
from data_exports.access.changes import AccessChanges, NewAccount, changes_between
from data_exports.access.grants import Grant, Role, grants_of
from data_exports.access.kinds import Kind, Mark
from data_exports.access.mails import Mail, MailChange
from data_exports.estate.models import Dataset
from data_exports.names import AccountId, AccountRootArn, BucketName, RoleName
from tests.estates import FULL, KEY, LOADER, READER, at_s3, estate_of, pull, push

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ANA, BEN = "arn:aws:iam::593291632749:role/alpha_user_ana", "arn:aws:iam::593291632749:role/alpha_user_Ben-Two"


def between(before: list[Dataset], after: list[Dataset]) -> AccessChanges:
    return changes_between(grants_of(estate_of(*before)), grants_of(estate_of(*after)), moment=NOW)


def told(before: list[Dataset], after: list[Dataset]) -> list[tuple[tuple[Kind, ...], str]]:
    return [(change.kinds, str(change.access.principal)) for change in between(before, after).changes]


def of_outsider(before: Dataset, after: Dataset) -> tuple[tuple[Kind, ...], tuple[Mark, ...]]:
    (change,) = (each for each in between([before], [after]).changes if each.access.role is Role.OUTSIDER)
    return change.kinds, change.marks


def test_nothing_changes_between_equal_grants() -> None:
    assert between(list(FULL.datasets()), list(FULL.datasets())).is_empty


def test_a_user_who_is_added_gains_and_one_who_is_taken_out_loses() -> None:
    only_ana, only_ben = push(users=(RoleName("alpha_user_ana"),)), push(users=(RoleName("alpha_user_Ben-Two"),))
    assert told([only_ana], [only_ben]) == [((Kind.GAINS,), BEN), ((Kind.LOSES,), ANA)]


def test_a_new_dataset_is_a_gain_for_everybody_in_it_and_for_its_recipient() -> None:
    found = between([], [push()]).changes
    assert [(change.kinds, change.access.role) for change in found] == [
        ((Kind.GAINS,), Role.MOVER),
        ((Kind.GAINS,), Role.SENDER),
        ((Kind.GAINS,), Role.SENDER),
    ]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, date(2031, 3, 31), Kind.SHORTER),
        (date(2031, 3, 31), None, Kind.LONGER),
        (date(2031, 3, 31), date(2032, 3, 31), Kind.LONGER),
        (date(2032, 3, 31), date(2031, 3, 31), Kind.SHORTER),
        (date(2026, 11, 24), date(2031, 3, 31), Kind.GAINS),
        (date(2026, 11, 24), None, Kind.GAINS),
        (date(2031, 3, 31), date(2026, 11, 24), Kind.LOSES),
        (None, date(2026, 11, 24), Kind.LOSES),
        (date(2026, 11, 24), date(2026, 11, 23), Kind.SHORTER),
    ],
)
def test_another_end_is_longer_or_shorter_and_across_this_moment_a_gain_or_a_loss(
    before: date | None, after: date | None, kind: Kind
) -> None:
    assert of_outsider(pull(expires=before), pull(expires=after))[0] == (kind,)


def test_writing_that_is_added_is_more_and_marked_and_taken_away_is_less() -> None:
    assert of_outsider(pull(), pull(allow_push=True)) == ((Kind.MORE,), (Mark.WRITE, Mark.NO_PAPERWORK))
    assert of_outsider(pull(allow_push=True), pull()) == ((Kind.LESS,), ())


def test_several_changes_at_once_are_all_told() -> None:
    kinds, _ = of_outsider(
        pull(expires=date(2031, 3, 31)), pull(allow_push=True, expires=date(2030, 3, 31), paperwork=("DPIA-2",))
    )
    assert kinds == (Kind.MORE, Kind.CHANGED, Kind.SHORTER)


def test_other_paperwork_is_a_change() -> None:
    assert of_outsider(pull(), pull(paperwork=("DPIA-2",))) == ((Kind.CHANGED,), ())


@pytest.mark.parametrize(
    "changes",
    [
        {"destination": at_s3("elsewhere")},
        {"destination": at_s3(account="112233445566")},
        {"destination": at_s3(account=None)},
        {"destination": at_s3(kms_key=KEY)},
        {"keep_files": True},
    ],
    ids=str,
)
def test_a_delivery_that_goes_elsewhere_or_otherwise_is_one_change_of_the_mover(changes: dict[str, Any]) -> None:
    (change,) = between([push()], [push(**changes)]).changes
    assert (change.kinds, change.access.role) == ((Kind.CHANGED,), Role.MOVER)


def test_rights_that_have_no_words_of_their_own_are_told_too() -> None:
    before = grants_of(estate_of(pull()))
    after = [replace(grant, actions=("s3:GetObjectAcl", *grant.actions)) for grant in before]
    found = changes_between(before, after, moment=NOW).changes
    assert {change.kinds for change in found} == {(Kind.MORE,)}
    shifted = [replace(grant, why=("another",)) if grant.actions == ("s3:ListBucket",) else grant for grant in before]
    assert [change.kinds for change in changes_between(before, shifted, moment=NOW).changes] == [(Kind.CHANGED,)]


GRANTS = grants_of(FULL)


@given(st.sets(st.integers(0, len(GRANTS) - 1)), st.sets(st.integers(0, len(GRANTS) - 1)))
def test_whatever_differs_is_in_some_change_and_nothing_else_is(first: set[int], second: set[int]) -> None:
    before, after = ([GRANTS[number] for number in sorted(chosen)] for chosen in (first, second))
    try:
        found = changes_between(before, after, moment=NOW)
    except UnclearGrantsError:
        return
    differing = {_key(grant) for grant in set(before) ^ set(after)}
    assert {_key(change.access.grants[0]) for change in found.changes} == differing
    assert all(change.kinds for change in found.changes)


def _key(grant: Grant) -> tuple[str, str, str]:
    return (grant.dataset, grant.role, grant.principal)


def test_new_accounts_are_those_of_outsiders_and_recipients_that_had_nothing() -> None:
    found = between([push()], [push(), pull(outsiders=(READER, LOADER)), pull("notes", outsiders=(LOADER,))])
    assert found.new_accounts == (
        NewAccount(AccountId("112233445566"), "s3://mojap-court-lists", (pull().name, pull("notes").name)),
    )
    marked = [change.access.principal for change in found.changes if Mark.NEW_ACCOUNT in change.marks]
    assert marked == [LOADER, LOADER]


def test_a_recipient_whose_account_gets_its_name_is_new_and_one_who_loses_it_is_not() -> None:
    (named,) = between(
        [push(destination=at_s3(account=None))], [push()]
    ).new_accounts  # it would count as known from then on
    assert (named.account, named.datasets) == ("754256621582", ("hearings",))
    assert between([push()], [push(destination=at_s3(account=None))]).new_accounts == ()
    other = push(destination=at_s3(account="112233445566"))
    assert [each.account for each in between([push()], [other]).new_accounts] == ["112233445566"]


def test_accounts_of_what_does_not_change_are_not_new() -> None:
    found = changes_between([], grants_of(estate_of(pull())), moment=NOW, unchanged=grants_of(estate_of(push())))
    assert (found.new_accounts, found.count_before) == ((), 3)


EVERYBODY = AccountRootArn("arn:aws:iam::754256621582:root")


@pytest.mark.parametrize(
    ("before", "after", "marks"),
    [
        (None, pull(outsiders=(EVERYBODY,)), (Mark.WHOLE_ACCOUNT, Mark.NEW_ACCOUNT, Mark.READ, Mark.NO_PAPERWORK)),
        (pull(), pull(outsiders=(EVERYBODY,)), (Mark.WHOLE_ACCOUNT, Mark.READ, Mark.NO_PAPERWORK)),
        (pull(outsiders=(EVERYBODY,)), pull(outsiders=(EVERYBODY,), paperwork=("D",)), ()),
        (None, pull(outsiders=(EVERYBODY,), expires=date(2026, 11, 24)), (Mark.ENDED,)),
        (
            pull(allow_push=True, expires=date(2026, 11, 24), paperwork=("D",)),
            pull(allow_push=True, expires=date(2031, 3, 31), paperwork=("D",)),
            (Mark.WRITE, Mark.NEW_ACCOUNT, Mark.READ),
        ),
        (pull(expires=date(2031, 3, 31), paperwork=("D",)), pull(paperwork=("D",)), (Mark.LONGER,)),
    ],
    ids=["new", "instead of a role", "on other paperwork", "over already", "reopened", "longer"],
)
def test_marks_tell_what_is_gained_the_most_dangerous_first(
    before: Dataset | None, after: Dataset, marks: tuple[Mark, ...]
) -> None:
    """What was over before counts as not there: its account is new, and it may write anew."""
    (change,) = (
        each
        for each in between([before] if before else [], [after]).changes
        if each.access.role is Role.OUTSIDER and Kind.LOSES not in each.kinds
    )
    assert change.marks == marks


def test_the_most_dangerous_change_comes_first_whatever_else_changes() -> None:
    quiet = [pull(f"a{number:02}", paperwork=()) for number in range(13)]
    loud = pull("z", outsiders=(EVERYBODY,), allow_push=True, paperwork=("D",))
    found = between([], [*quiet, loud]).changes
    assert found[0].access.principal == EVERYBODY
    assert found[0].marks[:2] == (Mark.WHOLE_ACCOUNT, Mark.WRITE)


def test_an_account_all_of_whose_accesses_have_ended_is_new_when_one_is_opened_again() -> None:
    over, open_again = pull(expires=date(2026, 11, 24)), pull(expires=date(2031, 3, 31))
    assert [each.account for each in between([over], [open_again]).new_accounts] == ["754256621582"]
    assert between([over, push()], [open_again, push()]).new_accounts == ()
    assert between([], [over]).new_accounts == ()


def test_what_aws_itself_has_taken_is_marked_and_neither_lost_nor_counted() -> None:
    before = grants_of(estate_of(push()))
    after = [grant for grant in before if grant.principal != ANA]
    found = changes_between(before, after, moment=NOW, gone={(push().name, ANA)})
    assert [(change.access.principal, change.kinds, change.marks) for change in found.changes] == [
        (ANA, (Kind.LOSES,), (Mark.ROLE_GONE,))
    ]
    assert (found.lost, found.count_before) == ((), 2)


def test_mails_are_told_by_address_those_outside_the_domains_first() -> None:
    every, one = Mail("a@x.example.gov.uk"), Mail("b@EXAMPLE.gov.uk", push().name)
    strange, gone = Mail("c@notexample.gov.uk"), Mail("d@example.gov.uk")
    found = changes_between(
        [], [], moment=NOW, mails=({gone}, {every, one, strange}), mail_domains=("example.gov.uk",)
    ).mails
    assert found == (
        MailChange(Kind.GAINS, strange, (Mark.MAIL_OUTSIDE, Mark.MAIL)),
        MailChange(Kind.GAINS, every, (Mark.MAIL,)),
        MailChange(Kind.GAINS, one, (Mark.MAIL,)),
        MailChange(Kind.LOSES, gone),
    )


def test_what_nobody_can_tell_is_unknown_and_neither_gain_nor_loss() -> None:
    estate = estate_of(pull(), pull("notes"))
    found = changes_between([], grants_of(estate), moment=NOW, unknown={pull().name: "damaged", push().name: "gone"})
    assert {change.access.dataset for change in found.changes} == {"notes"}
    assert [(each.dataset, each.reason, len(each.after)) for each in found.unknown] == [
        ("court_lists", "damaged", 2),
        ("hearings", "gone", 0),
    ]


def test_grants_that_reach_no_data_are_refused() -> None:
    (listing, _, _, _) = grants_of(estate_of(pull()))
    with pytest.raises(UnclearGrantsError, match="reach no objects"):
        accesses_of([replace(listing, resource="arn:aws:s3:::mojap-court-lists")])


def test_datasets_to_one_bucket_of_an_unnamed_account_open_it_once_and_two_buckets_are_two() -> None:
    verdicts, lists = BucketName("cp-verdicts"), BucketName("cp-lists")
    one, two = (push(name, destination=at_s3(verdicts, None)) for name in ("one", "two"))
    three = push("three", destination=at_s3(lists, None))
    assert between([push()], [push(), one, two, three]).new_accounts == (
        NewAccount(None, "s3://cp-lists/three/", (three.name,)),
        NewAccount(None, "s3://cp-verdicts/one/", (one.name, two.name)),
    )
    assert between([push(), one], [push(), one, two]).new_accounts == ()
    assert between([push(), one], [push(), three]).new_accounts == (
        NewAccount(None, "s3://cp-lists/three/", (three.name,)),
    )


def test_an_account_that_is_named_for_the_bucket_of_nobody_is_new_or_it_would_count_as_known_from_then_on() -> None:
    bucket = BucketName("cp-verdicts")
    unnamed = push("one", destination=at_s3(bucket, None))
    named = push("one", destination=at_s3(bucket, "990011223344"))
    found = between([push(), unnamed], [push(), named])
    assert found.new_accounts == (NewAccount(AccountId("990011223344"), "s3://cp-verdicts/one/", (named.name,)),)
    assert [change.marks[0] for change in found.changes] == [Mark.NEW_ACCOUNT]
    known = push("one", destination=at_s3(bucket))
    assert between([push(), unnamed], [push(), known]).new_accounts == ()
