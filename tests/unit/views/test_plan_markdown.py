"""A plan as a comment: bounded, and safe whatever people write into declarations."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from data_exports.deploy.plan.consents import Consent
from data_exports.deploy.plan.offline import plan_against
from data_exports.deploy.plan.plan_data import PlanFindings
from data_exports.deploy.plan.planning import MissingRoles, Plan
from data_exports.estate.findings import Place, warning
from data_exports.estate.models import Estate
from data_exports.names import AccountId, AccountRootArn, DatasetName, RoleArn, RoleName
from data_exports.text import code_span as code
from data_exports.views.plan_markdown import (
    COMMENT_CHARACTERS,
    MARKER,
    SECTION_BYTES,
    SENTENCE_BYTES,
    plan_as_markdown,
)
from tests.estates import LOADER, PLATFORM, READER, estate_of, pull, push

NOW = datetime(2026, 11, 25, tzinfo=UTC)
EVIL = "@everyone `` ` <img src=x> [x](https://evil) #1 \n\n# Approved | <!-- -->"


def _plan(before: Estate | None, after: Estate, name: str = "main (0123456789ab)") -> Plan:
    return plan_against(after, before, name=name, moment=NOW)


def test_a_comment_reads_access_first_then_stacks_then_findings() -> None:
    plan = _plan(estate_of(push(), pull()), estate_of(push(), pull(allow_push=True, expires=date(2031, 3, 31))))
    finding = warning(Place(Path("pull_datasets/court_lists.yaml"), 3, 7), "EX601", "no paperwork is named")
    assert plan_as_markdown(plan, PLATFORM, PlanFindings((finding,), (finding,))) == (
        """\
<!-- data-exports plan -->
### Plan: more 1, shorter 1

Marks: **write 1, no paperwork 1**

Accounts that gain: `Cloud Platform` (754256621582)

Compared with `main (0123456789ab)`. Account `593291632749`, `eu-west-1, hub mojap-hub-exports`.

#### Needs consent to be deployed

- **--allow write**: it lets outsiders write what none of them could: `court_lists`

If this is meant: `exports deploy --allow write`

#### Access

- **more, shorter** **[WRITE]** may read and write `s3://mojap-court-lists` until 31 March 2031 \
(before: could read only; without an end): `Cloud Platform` (754256621582) role `cloud-platform/irsa-reader` \
(no paperwork)
- **shorter** may read and write `s3://mojap-court-lists` until 31 March 2031 (before: without an end): \
`alpha_user_ana` (no paperwork)

#### Stacks

- **update** `exports-pull-court-lists` `change BucketPolicy (PolicyDocument) and change UsersPolicy (PolicyDocument)`

All stacks: `1 update, 4 unchanged`

#### Findings

- `pull_datasets/court_lists.yaml:3:7` EX601 warning: `no paperwork is named`

Findings that were there before: 1.
"""
    )


def test_nothing_to_tell_is_told() -> None:
    text = plan_as_markdown(_plan(estate_of(pull()), estate_of(pull())), PLATFORM)
    assert text.splitlines()[1] == "### Plan: nobody gains or loses any"
    assert "Nobody gains or loses any." in text
    assert "None changes." in text
    assert "No new ones." in text


def _outside_code(markdown: str) -> str:
    """What is left of a line's text when every code span is taken out, as GitHub does first."""
    return re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", markdown)


def test_nothing_that_people_wrote_stands_outside_a_code_span() -> None:
    names = ((AccountId("754256621582"), EVIL),)
    role = RoleArn("arn:aws:iam::112233445566:role/@team/a@b=c,d.e")
    estate = estate_of(
        push(paperwork=(EVIL,)),
        pull(outsiders=(role,), users=(RoleName("alpha_user_@all"),), paperwork=(EVIL, EVIL)),
        platform=replace(PLATFORM, account_names=names),
    )
    plan = replace(
        _plan(None, estate, name=EVIL),
        missing_roles=(MissingRoles(DatasetName("court_lists"), (RoleName("alpha_user_@all"),)),),
        roles_not_checked=EVIL,
    )
    finding = warning(Place(Path(EVIL)), "EX101", EVIL)
    text = plan_as_markdown(plan, estate.platform, PlanFindings((finding,)))
    outside = _outside_code(text)
    assert "evil" in text
    assert [sign for sign in ("@", "evil", "<img", "Approved", "alpha_user", "](") if sign in outside] == []
    assert [line for line in text.splitlines() if line.startswith("# ")] == []


@given(st.text())
def test_a_code_span_holds_any_text_on_one_line_and_cannot_be_left(text: str) -> None:
    span = code(text)
    assert "\n" not in span
    assert "\r" not in span
    assert _outside_code(f"a {span} b") == "a  b"


def test_a_comment_fits_github_however_much_changes() -> None:
    many = tuple(RoleName(f"alpha_user_{number:053}") for number in range(25))
    before = estate_of(*(pull(f"old_{number:045}", users=many[:3]) for number in range(100)))
    after = estate_of(*(pull(f"new_{number:045}", users=many, paperwork=("ü" * 900,)) for number in range(100)))
    plan = _plan(before, after, name="x" * 200)
    plan = replace(plan, missing_roles=tuple(MissingRoles(each.name, many) for each in after.pull_datasets))
    findings = tuple(warning(Place(Path("p" * 300)), "EX601", "m" * 900) for _ in range(300))
    text = plan_as_markdown(plan, PLATFORM, PlanFindings(findings))
    assert len(text.encode()) < COMMENT_CHARACTERS
    assert text.splitlines()[0] == MARKER
    assert re.findall(r"… and ([\d,]+) more", text) != []
    assert _outside_code(text).count("`") == 0


NOT_WHOLE = "This comment does not hold the whole plan"
LINK = "https://github.com/example/estate/actions/runs/1"


def _reader(number: int, *, path: str = "") -> RoleArn:
    return RoleArn(f"arn:aws:iam::754256621582:role/{path}reader-{number:03}")


def _lines_of_access(text: str) -> list[str]:
    return text.split("#### Access\n\n")[1].split("\n\n#### ", maxsplit=1)[0].splitlines()


def test_a_role_with_a_long_path_hides_neither_the_next_role_nor_the_bucket_nor_a_consent() -> None:
    """As it could come from an estate that an older version has checked, with no bound on paths."""
    long = RoleArn(f"arn:aws:iam::112233445566:role/{'a' * 1985}/x")
    second = RoleArn("arn:aws:iam::112233445566:role/second")
    after = estate_of(pull(outsiders=(READER, long, second), paperwork=("D",)))
    text = plan_as_markdown(_plan(estate_of(pull(paperwork=("D",))), after), PLATFORM, whole_at=LINK)
    (line,) = _lines_of_access(text)
    assert line.startswith(
        "- **gains** **[NEW ACCOUNT]** may read `s3://mojap-court-lists`: account 112233445566 role "
    )
    assert line.endswith("aaaaaaa/x` (1,987 characters) and role `second` (paperwork `D`)")
    assert "- **--allow account**: it opens data to accounts that had no access before: account 112233445566" in text
    assert f"{NOT_WHOLE}: 1 texts or lists are shortened. The whole is at <{LINK}>" in text


def test_eighty_outsiders_are_all_shown_and_of_thousands_some_and_the_rest_counted() -> None:
    eighty = plan_as_markdown(_plan(estate_of(), estate_of(pull(outsiders=tuple(map(_reader, range(80)))))), PLATFORM)
    assert eighty.count("role `reader-") == 80
    assert NOT_WHOLE not in eighty
    thousands = estate_of(pull(outsiders=tuple(map(_reader, range(3_000))), users=()))
    text = plan_as_markdown(_plan(estate_of(), thousands), PLATFORM, whole_at="the check's summary")
    assert "read 3,000" in text
    assert ", role `reader-019` and 2,980 more (no paperwork)" in text
    assert "The whole is at `the check's summary`" in text


def test_thirteen_datasets_without_paperwork_push_nothing_out() -> None:
    quiet = [pull(f"a{number:02}", paperwork=("x" * 500,)) for number in range(200)]
    loud = pull("z", outsiders=(AccountRootArn("arn:aws:iam::112233445566:root"),), allow_push=True)
    text = plan_as_markdown(_plan(estate_of(), estate_of(*quiet, loud)), PLATFORM)
    assert _lines_of_access(text)[0].startswith(
        "- **gains** **[WHOLE ACCOUNT, WRITE, NEW ACCOUNT]** may read and write"
    )
    head = text.split("####")[0]
    assert "Marks: **whole account 1, write 1, new account 201, read 402, no paperwork 2**" in head
    assert "Accounts that gain: account 112233445566 (new) and `Cloud Platform` (754256621582) (new)" in head
    assert NOT_WHOLE in head


def test_what_there_is_no_room_for_is_counted_by_mark_and_account() -> None:
    many = estate_of(*(pull(f"d{number:03}", outsiders=(_other(number),), allow_push=True) for number in range(999)))
    text = plan_as_markdown(_plan(estate_of(), many), PLATFORM, whole_at=LINK)
    assert len(text.encode()) < COMMENT_CHARACTERS
    *lines, last = _lines_of_access(text)
    rest = 2 * 999 - len(lines)
    of_outsiders = sum("WRITE" in line for line in lines)
    assert last.startswith(f"- … and {rest:,} more: write {999 - of_outsiders}, new account {999 - of_outsiders}, ")
    assert f"; of accounts {200_000_000_000 + of_outsiders}, " in last
    assert f"{rest:,} changes of access are only counted" in text
    assert "**write 999, new account 999, read 1,998, no paperwork 1,998**" in text


def _other(number: int) -> RoleArn:
    return RoleArn(f"arn:aws:iam::{200_000_000_000 + number}:role/r")


def test_long_settings_tell_what_comes_and_what_goes() -> None:
    old = tuple(f"someone-{number:03}@example.gov.uk" for number in range(300))
    before = replace(PLATFORM, alerts=old, user_roles=tuple(f"alpha_{'x' * 50}{number}" for number in range(99)))
    after = replace(before, alerts=(*old[1:], "spy@example.org"), user_roles=(*before.user_roles, "alpha_*"))
    text = plan_as_markdown(_plan(estate_of(platform=before), estate_of(platform=after)), after)
    assert "- **alerts** now also `spy@example.org`; no longer `someone-000@example.gov.uk`" in text
    assert "- **user_roles** now also `alpha_*`" in text
    assert "**[MAIL OUTSIDE]** is mailed the failures of every push dataset, with the names of files: `spy@ex" in text


def test_a_long_account_name_hides_no_id_and_long_paperwork_no_before() -> None:
    names = ((AccountId("754256621582"), "N" * 100), (AccountId("112233445566"), "M" * 2_000))
    platform = replace(PLATFORM, account_names=names)
    before = estate_of(pull(expires=date(2030, 3, 31)), platform=platform)
    after = estate_of(
        pull(outsiders=(READER, LOADER), expires=date(2031, 3, 31), paperwork=("p" * 500,) * 9), platform=platform
    )
    text = plan_as_markdown(_plan(before, after), platform)
    (needs,) = (line for line in text.splitlines() if line.startswith("- **--allow account**"))
    assert "(2,000 characters) (112233445566) through `court_lists`" in needs
    assert text.count("until 31 March 2031 (before: until 31 March 2030)") == 2


def test_long_names_of_many_accounts_push_no_account_that_gains_out_of_the_head() -> None:
    numbers = [f"1{number:011}" for number in range(60)]
    names = tuple((AccountId(number), f"{chr(0x4E00 + int(number[-3:])) * 98}") for number in numbers)
    outsiders = tuple(RoleArn(f"arn:aws:iam::{number}:role/x") for number in (*numbers, "999999999999"))
    platform = replace(PLATFORM, account_names=names)
    after = estate_of(pull(outsiders=outsiders), platform=platform)
    head = plan_as_markdown(_plan(estate_of(platform=platform), after), platform).split("#### ")[0]
    assert [number for number in (*numbers, "999999999999") if f"account {number} (new)" not in head] == []


def test_even_with_every_list_full_there_is_room_for_changes_of_access() -> None:
    around = len(Consent) * (SENTENCE_BYTES + 500) + 2 * SENTENCE_BYTES + 4_000
    assert sum(SECTION_BYTES.values()) + around < COMMENT_CHARACTERS - 10_000


def test_what_is_left_out_is_counted() -> None:
    for size in (1, 20, 300):
        estate = estate_of(*(pull(f"d{number}", users=(), paperwork=("x" * 1800,)) for number in range(size)))
        text = plan_as_markdown(_plan(None, estate), PLATFORM)
        shown = sum("s3://mojap-d" in line for line in _lines_of_access(text))
        rest = re.findall(r"… and (\d+) more", "".join(_lines_of_access(text)))
        assert shown + sum(map(int, rest)) == size
