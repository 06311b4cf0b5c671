"""A plan as a comment: bounded, and safe whatever people write into declarations."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.deploy.compare import plan_against
from data_exports.deploy.consents import Consent
from data_exports.deploy.markdown import (
    COMMENT_CHARACTERS,
    LINE_BYTES,
    MARKER,
    SECTION_BYTES,
    plan_as_markdown,
)
from data_exports.deploy.plan import MissingRoles, Plan
from data_exports.deploy.report import Found
from data_exports.estate.findings import warning
from data_exports.estate.models import Estate, Place
from data_exports.names import AccountId, DatasetName, RoleArn, RoleName
from data_exports.text import code_span as code
from tests.estates import PLATFORM, estate_of, pull, push

NOW = datetime(2026, 11, 25, tzinfo=UTC)
EVIL = "@everyone `` ` <img src=x> [x](https://evil) #1 \n\n# Approved | <!-- -->"


def _plan(before: Estate | None, after: Estate, name: str = "main (0123456789ab)") -> Plan:
    return plan_against(after, before, name=name, moment=NOW)


def test_a_comment_reads_access_first_then_stacks_then_findings() -> None:
    plan = _plan(estate_of(push(), pull()), estate_of(push(), pull(allow_push=True, expires=date(2031, 3, 31))))
    finding = warning(Place(Path("pull_datasets/court_lists.yaml"), 3, 7), "EX601", "no paperwork is named")
    assert plan_as_markdown(plan, PLATFORM, Found((finding,), (finding,))) == (
        """\
<!-- data-exports plan -->
### Plan: more 1, shorter 1

Compared with `main (0123456789ab)`. Account `593291632749`, `eu-west-1, hub mojap-hub-exports`.

#### Needs consent to be deployed

- **--allow write**: it lets outsiders write where they could only read: `court_lists`

If this is meant: `exports deploy --allow write`

#### Access

- **more, shorter** **[WRITE]** `Cloud Platform` (754256621582) role `cloud-platform/irsa-reader` can read and write \
`s3://mojap-court-lists` until 31 March 2031 (no paperwork); before: could read only; without an end
- **shorter** `alpha_user_ana` can read and write `s3://mojap-court-lists` until 31 March 2031 (no paperwork); \
before: without an end

#### Stacks

- **update** `exports-pull-court-lists` `change BucketPolicy (PolicyDocument) and change UsersPolicy (PolicyDocument)`

All stacks: `1 update, 3 unchanged`

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
    text = plan_as_markdown(plan, estate.platform, Found((finding,)))
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
    text = plan_as_markdown(plan, PLATFORM, Found(findings))
    assert len(text.encode()) < COMMENT_CHARACTERS
    assert text.splitlines()[0] == MARKER
    assert re.findall(r"… and ([\d,]+) more", text) != []
    assert _outside_code(text).count("`") == 0


def test_even_with_every_list_full_there_is_room_for_all_consents_and_the_heading() -> None:
    lines = len(Consent) + 4  # the heading, what is compared, the account, the command
    words_of_ours = 2_000
    assert sum(SECTION_BYTES.values()) + lines * LINE_BYTES + words_of_ours < COMMENT_CHARACTERS


@pytest.mark.parametrize("size", [1, 20, 40])
def test_what_is_left_out_is_counted(size: int) -> None:
    estate = estate_of(*(pull(f"d{number}", users=(), paperwork=("x" * 1800,)) for number in range(size)))
    text = plan_as_markdown(_plan(None, estate), PLATFORM)
    shown = text.count("- **gains**")
    rest = re.findall(r"… and (\d+) more", text)
    assert shown + sum(map(int, rest)) == size
