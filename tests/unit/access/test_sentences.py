"""What changes in access, in the sentences that a reviewer reads."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from data_exports.access.changes import changes_between
from data_exports.access.grants import grants_of
from data_exports.access.mails import Mail
from data_exports.access.sentences import (
    Quoted,
    day_in_words,
    listed,
    plain,
    sentence_of_mail,
    sentence_of_unknown,
    statements_of,
)
from data_exports.estate.models import Dataset
from data_exports.names import AccountId, AccountRootArn, RoleName, UserArn
from tests.estates import KEY, LOADER, PLATFORM, READER, at_s3, estate_of, pull, push

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CLOUD = '"Cloud Platform" (754256621582)'
IRSA = f"{CLOUD} role cloud-platform/irsa-reader"
TARGET = f"s3://cp-hearings/hearings/ of {CLOUD}"
ANA = (RoleName("alpha_user_ana"),)


def said(before: list[Dataset], after: list[Dataset]) -> list[str]:
    found = changes_between(
        grants_of(estate_of(*before)),
        grants_of(estate_of(*after)),
        moment=NOW,
        account_names=dict(PLATFORM.account_names),
    )
    return [plain(each.sentence) for each in statements_of(found)]


def test_a_push_dataset_that_is_new_tells_where_its_files_go_and_who_may_write() -> None:
    assert said([], [push(expires=date(2031, 3, 31))]) == [
        f'files of hearings go to {TARGET} until 31 March 2031 (paperwork "DPIA-17")',
        (
            "may write under s3://mojap-hub-exports/hearings/ until 31 March 2031: alpha_user_Ben-Two and"
            ' alpha_user_ana (paperwork "DPIA-17")'
        ),
    ]


def test_a_pull_dataset_that_is_new_tells_who_reads_and_who_writes_whole_accounts_first() -> None:
    user = UserArn("arn:aws:iam::754256621582:user/loads/nightly")
    root = AccountRootArn("arn:aws:iam::112233445566:root")
    assert said([], [pull(outsiders=(READER, user, LOADER, root), allow_push=True, paperwork=("A 1", "B 2"))]) == [
        f'may read and write s3://mojap-court-lists: {who} (paperwork "A 1" and "B 2")'
        for who in (
            "account 112233445566 as a whole",
            "account 112233445566 role loader",
            f"{IRSA}",
            f"{CLOUD} user loads/nightly",
            "alpha_user_ana",
        )
    ]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (
            pull(),
            pull(allow_push=True),
            f"may read and write s3://mojap-court-lists (before: could read only): {IRSA} (no paperwork)",
        ),
        (
            pull(allow_push=True),
            pull(),
            f"may read s3://mojap-court-lists (before: could read and write): {IRSA} (no paperwork)",
        ),
        (
            pull(users=()),
            pull(users=(), expires=date(2031, 3, 31), paperwork=("DPIA-2",)),
            (
                "may read s3://mojap-court-lists until 31 March 2031 (before: without an end):"
                f' {IRSA} (paperwork "DPIA-2"; before: no paperwork)'
            ),
        ),
        (
            pull(users=(), expires=date(2026, 11, 24)),
            pull(users=(), expires=date(2031, 3, 31)),
            (
                "may read s3://mojap-court-lists until 31 March 2031 (before: ended with 24 November 2026):"
                f" {IRSA} (no paperwork)"
            ),
        ),
        (
            pull(users=(), expires=date(2031, 3, 31)),
            pull(users=(), expires=date(2026, 11, 24)),
            (
                "may read s3://mojap-court-lists, but that ended with 24 November 2026 (before: until 31 March 2031):"
                f" {IRSA} (no paperwork)"
            ),
        ),
        (
            push(users=ANA),
            push(users=ANA, destination=at_s3("other", None)),
            (
                "files of hearings go to s3://other/hearings/, whose account is not named"
                f' (before: to {TARGET}) (paperwork "DPIA-17")'
            ),
        ),
        (
            push(users=ANA),
            push(users=ANA, destination=at_s3(kms_key=KEY)),
            (
                f"files of hearings go to {TARGET}, encrypted with {KEY}"
                ' (before: encrypted with no key of theirs) (paperwork "DPIA-17")'
            ),
        ),
        (
            push(users=ANA),
            push(users=ANA, keep_files=True),
            (
                f"files of hearings go to {TARGET} and stay in the hub"
                " (before: they left the hub; by arn:aws:iam::593291632749:role/service-role/export_hearings-move;"
                " the recipient must let in arn:aws:iam::593291632749:role/service-role/export_hearings-copy)"
                ' (paperwork "DPIA-17")'
            ),
        ),
    ],
)
def test_a_change_tells_how_it_will_be_and_how_it_was(before: Dataset, after: Dataset, sentence: str) -> None:
    assert said([before], [after]) == [sentence]


def test_losses_tell_what_is_no_longer_possible() -> None:
    assert said([push(users=ANA), pull(expires=date(2026, 11, 24))], []) == [
        f"may no longer read s3://mojap-court-lists, which ended with 24 November 2026: {IRSA}",
        f"files of hearings no longer go to {TARGET}",
        "may no longer read and write s3://mojap-court-lists, which ended with 24 November 2026: alpha_user_ana",
        "may no longer write under s3://mojap-hub-exports/hearings/: alpha_user_ana",
    ]


def test_rights_without_words_of_their_own_are_named() -> None:
    before = grants_of(estate_of(pull(users=())))
    after = [replace(grant, actions=("s3:GetObjectAcl", *grant.actions)) for grant in before]
    (statement,) = statements_of(changes_between(before, after, moment=NOW))
    assert "(before: without s3:GetObjectAcl): " in plain(statement.sentence)
    longer = [
        replace(grant, actions=("s3:GetObjectAcl", *grant.actions), until=NOW.replace(year=2031)) for grant in before
    ]
    (statement,) = statements_of(changes_between(before, longer, moment=NOW))
    assert "(before: without an end; without s3:GetObjectAcl): " in plain(statement.sentence)


def test_what_cannot_be_told_says_why_and_what_it_will_be() -> None:
    changes = changes_between(
        [],
        grants_of(estate_of(pull())),
        moment=NOW,
        unknown={pull().name: "its metadata lists no grants", push().name: "gone"},
        account_names={AccountId("754256621582"): "Cloud Platform"},
    )
    assert [plain(sentence_of_unknown(each, changes)) for each in changes.unknown] == [
        (
            "what court_lists granted before cannot be told: its metadata lists no grants. After this:"
            f" may read s3://mojap-court-lists: {IRSA} (no paperwork);"
            " may read and write s3://mojap-court-lists: alpha_user_ana (no paperwork)"
        ),
        "what hearings granted before cannot be told: gone. It will grant nothing",
    ]


def test_paperwork_and_names_that_read_like_the_plans_own_words_do_not_get_out_of_their_quotes() -> None:
    evil = "+1); and alpha_user_a can no longer write anything (paperwork x"
    found = changes_between(
        [],
        grants_of(estate_of(pull(users=(), paperwork=(evil,)))),
        moment=NOW,
        account_names={AccountId("754256621582"): 'Cloud" (111122223333) role x, and "Other'},
    )
    who = '"Cloud\\" (111122223333) role x, and \\"Other" (754256621582) role cloud-platform/irsa-reader'
    assert [plain(each.sentence) for each in statements_of(found)] == [
        f'may read s3://mojap-court-lists: {who} (paperwork "{evil}")'
    ]


def test_a_pull_datasets_owner_is_mailed_before_its_end_and_never_of_failures() -> None:
    owner, other = Mail("a@example.gov.uk", pull().name, is_pull=True), Mail("b@example.gov.uk", push().name)
    for before, after, verb in ((set(), {owner, other}, "is mailed"), ({owner, other}, set(), "is no longer mailed")):
        found = changes_between([], [], moment=NOW, mails=(before, after), mail_domains=("example.gov.uk",))
        assert [plain(each.sentence) for each in statements_of(found)] == [
            f"{verb} before the access of court_lists ends: a@example.gov.uk",
            f"{verb} the failures of hearings, with the names of files: b@example.gov.uk",
        ]
        assert (
            plain(sentence_of_mail(found.mails[0])) == f"{verb} before the access of court_lists ends: {owner.address}"
        )


def test_what_others_have_written_is_quoted_and_shows_itself() -> None:
    (statement,) = statements_of(
        changes_between([], grants_of(estate_of(pull(users=(), paperwork=("see\x1b[2J\u202e@x",)))), moment=NOW)
    )
    assert plain(statement.sentence).endswith('(paperwork "see\\x1b[2J\\u202e@x")')
    assert [part for part in statement.sentence if isinstance(part, Quoted)] == [
        "s3://mojap-court-lists",
        "cloud-platform/irsa-reader",
        "see\x1b[2J\u202e@x",
    ]


def test_days_are_the_last_on_which_access_holds() -> None:
    assert day_in_words(datetime(2031, 4, 1, tzinfo=UTC)) == "31 March 2031"
    assert day_in_words(datetime(2031, 4, 1, 9, 30, tzinfo=UTC)) == "1 April 2031 09:30 UTC"


def test_lists_read_as_lists_and_long_ones_are_counted() -> None:
    parts = [(letter,) for letter in "abcd"]
    assert ["".join(listed(parts[:number])) for number in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert "".join(listed(parts, at_most=2)) == "a, b and 2 more"
    assert "".join(listed(parts, at_most=4)) == "a, b, c and d"
