"""For any two estates that differ, everything that changes stands in the plan, in each of its forms.

The judge knows the two estates only: it lists who may do what until when in each, in its own way, and looks for every
difference. It knows no sentence of ours beyond the few words in which a place, a day and a name are written.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_exports.deploy.plan.offline import plan_against
from data_exports.deploy.plan.plan_data import plan_as_data
from data_exports.destinations.s3.destination import S3Destination
from data_exports.estate.models import Dataset, Estate, PullDataset, PushDataset
from data_exports.local.world import bucket_of, s3_destination_of
from data_exports.names import AccountId, AccountRootArn, BucketName, DatasetName, RoleArn, RoleName, UserArn
from data_exports.views.plan import render_plan
from data_exports.views.plan_markdown import COMMENT_CHARACTERS, plan_as_markdown
from tests.estates import KEY, PLATFORM
from tests.json_data import json_data

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = NOW.date()
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

# --- pairs of estates, hostile in what people may write -------------------------------------------------------------

ACCOUNTS = [AccountId(number) for number in ("754256621582", "112233445566", "990011223344")]
NAMES = [DatasetName(name) for name in ("a", "b_c", "b-c", "d", "e" * 52)]
USERS = [RoleName(f"alpha_user_{name}") for name in ("ana", "ben", "c" * 53)]
DAYS = [None, date(2020, 1, 31), date(2026, 11, 24), date(2026, 11, 25), date(2031, 3, 31), date(2032, 2, 29)]
ADDRESSES = ["ana@example.gov.uk", "ben@data.example.gov.uk", "spy@example.org", f"{'x' * 60}@{'y' * 60}.example.org"]
HOSTILE = [
    "",
    " (no paperwork)",
    "); and alpha_user_ana may no longer read (paperwork x",
    " `` ` <b> @everyone [x](https://evil.example) # | **[WRITE]** ",
    ' "until 31 March 2031" ',
    "ü" * 480,
    "x" * 480,
]


@st.composite
def paperwork(draw: st.DrawFn) -> tuple[str, ...]:
    marks = draw(st.lists(st.sampled_from(["P1", "P2", "P3"]), max_size=2, unique=True))
    return tuple(f"{mark}{draw(st.sampled_from(HOSTILE))}" for mark in marks)


def some(values: list[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)


OUTSIDERS: list[RoleArn | UserArn | AccountRootArn] = [
    *(RoleArn(f"arn:aws:iam::{account}:role/{path}reader") for account in ACCOUNTS for path in ("", f"{'p' * 509}/")),
    UserArn(f"arn:aws:iam::{ACCOUNTS[0]}:user/loads/nightly"),
    *(AccountRootArn(f"arn:aws:iam::{account}:root") for account in ACCOUNTS),
]
SHARED = {
    "users": some(USERS),
    "paperwork": paperwork(),
    "owner": st.sampled_from(["", "Ana", *(f"Ana <{address}>" for address in ADDRESSES)]),
    "description": st.sampled_from(["", "text"]),
    "expires": st.sampled_from(DAYS),
}
PUSH = st.builds(
    PushDataset,
    name=st.sampled_from(NAMES),
    destination=st.builds(
        S3Destination,
        bucket=st.sampled_from([BucketName("landing-one"), BucketName("landing-two")]),
        account=st.sampled_from([None, *ACCOUNTS]),
        kms_key=st.sampled_from([None, KEY]),
    ),
    keep_files=st.booleans(),
    max_concurrency=st.sampled_from([5, 6]),
    **SHARED,
)
PULL = st.builds(
    PullDataset,
    name=st.sampled_from(NAMES),
    outsiders=some(OUTSIDERS),
    allow_push=st.booleans(),
    bucket_versioning=st.booleans(),
    **SHARED,
)
PLATFORMS = st.builds(
    replace,
    st.just(PLATFORM),
    pull_bucket_prefix=st.sampled_from(["mojap-"] * 5 + ["other-"]),
    user_roles=some(["alpha_user_*", "alpha_app_*", "alpha_*"]),
    account_names=st.sampled_from([(), ((ACCOUNTS[0], "N" * 90), (ACCOUNTS[1], "role x (112233445566)"))]),
    paperwork=st.sampled_from(["warn", "required"]),
    audit=st.sampled_from([None, "cloudtrail"]),
    recovery_days=st.sampled_from([7, 9]),
    large_file_mib=st.sampled_from([64, 256]),
    alerts=st.lists(st.sampled_from(ADDRESSES), max_size=3, unique=True).map(tuple),
    mail_domains=st.sampled_from([(), ("example.gov.uk",), ("example.gov.uk", "example.org")]),
    tags=st.sampled_from([(), (("owner", "Ana"),), (("owner", "x" * 256),)]),
)


@st.composite
def estates(draw: st.DrawFn, size: int = 4) -> Estate:
    drawn = draw(st.lists(PUSH | PULL, max_size=size, unique_by=lambda each: each.name.replace("_", "-")))
    return Estate(
        draw(PLATFORMS),
        tuple(sorted((each for each in drawn if isinstance(each, PushDataset)), key=lambda each: each.name)),
        tuple(sorted((each for each in drawn if isinstance(each, PullDataset)), key=lambda each: each.name)),
    )


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Estate, Estate]:
    """Two estates; half of the time the second is the first with one field of one declaration changed."""
    before = draw(estates())
    if draw(st.booleans()) or not (before.push_datasets or before.pull_datasets):
        return before, draw(estates())
    push, pull = list(before.push_datasets), list(before.pull_datasets)
    of: list[Any] = push or pull if draw(st.booleans()) else pull or push
    number = draw(st.integers(0, len(of) - 1))
    other = draw(PUSH if of is push else PULL)
    field = draw(st.sampled_from([name for name in type(other).__dataclass_fields__ if name not in ("name", "place")]))
    of[number] = replace(of[number], **{field: getattr(other, field)})
    return before, replace(before, push_datasets=tuple(push), pull_datasets=tuple(pull))


# --- the judge ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """One access: who, where, and what may change about it."""

    dataset: str
    who: str
    """An ARN, or an address."""
    shown: str
    """How people call it."""
    account: str
    where: str
    writes: bool
    reads: bool
    until: date | None
    paperwork: tuple[str, ...]
    more: tuple[object, ...] = ()
    """Of a delivery: whether files stay, with which key they are encrypted."""

    @property
    def is_over(self) -> bool:
        return self.until is not None and self.until < TODAY


def facts(estate: Estate) -> dict[tuple[str, ...], Fact]:
    """Who may do what in an estate."""
    platform = estate.platform
    found: dict[tuple[str, ...], Fact] = {}
    for push in estate.push_datasets:
        where, rest = f"s3://{bucket_of(push)}/{push.name}/", (push.expires, push.paperwork)
        account = push.destination.account or ""
        name = f"export_{push.name}-{'copy' if push.keep_files else 'move'}"
        mover = f"arn:aws:iam::{platform.account}:role/service-role/{name}"
        more = (push.keep_files, s3_destination_of(push).kms_key)
        fact = Fact(push.name, mover, push.name, account, where, True, False, *rest, more)
        found["delivery", push.name] = fact
        for user in push.users:
            arn, where = f"arn:aws:iam::{platform.account}:role/{user}", f"s3://{platform.hub_bucket}/{push.name}/"
            found["sender", push.name, arn] = Fact(push.name, arn, user, "", where, True, False, *rest)
    for pull in estate.pull_datasets:
        where = f"s3://{platform.pull_bucket_prefix}{pull.name.replace('_', '-')}"
        for user in pull.users:
            arn = f"arn:aws:iam::{platform.account}:role/{user}"
            found["user", pull.name, arn] = Fact(
                pull.name, arn, user, "", where, True, True, pull.expires, pull.paperwork
            )
        for outsider in pull.outsiders:
            shown = re.sub(r"^.*:(role|user)/", "", outsider) if "/" in outsider else "as a whole"
            rest = (pull.expires, pull.paperwork)
            account = outsider.split(":")[4]
            found["outsider", pull.name, outsider] = Fact(
                pull.name, outsider, shown, account, where, pull.allow_push, True, *rest
            )
    return found


def mails(estate: Estate) -> set[tuple[str, str]]:
    """Who is told of failures in which dataset; "" for all of them."""
    owners = ((push.name, re.search(r"<(.*)>", push.owner)) for push in estate.push_datasets)
    told = {(str(name), match[1]) for name, match in owners if match and match[1] not in estate.platform.alerts}
    return told | {("", address) for address in estate.platform.alerts}


def day(moment: date) -> str:
    return f"{moment.day} {moment:%B %Y}"


def stacks_of(estate: Estate) -> dict[str, Dataset]:
    kinds = (("push", estate.push_datasets), ("pull", estate.pull_datasets))
    return {f"exports-{kind}-{each.name.replace('_', '-')}": each for kind, some in kinds for each in some}


def refused(before: Estate, after: Estate) -> dict[str, set[str]]:
    """The stacks that cannot become what is declared, and the datasets that they are about."""
    old, new = stacks_of(before), stacks_of(after)
    moved = before.platform.pull_bucket_prefix != after.platform.pull_bucket_prefix
    return {
        name: {old[name].name, new[name].name}
        for name in sorted(set(old) & set(new))
        if old[name].name != new[name].name or (moved and "-pull-" in name)
    }


def differences(before: Estate, after: Estate) -> list[tuple[Fact | None, Fact | None]]:
    """Every access that is not what it was, of what is refused, too: the next pull request may make it possible."""
    old, new = facts(before), facts(after)
    return [(old.get(key), new.get(key)) for key in sorted({*old, *new}) if old.get(key) != new.get(key)]


def danger(pair: tuple[Fact | None, Fact | None]) -> set[str]:
    """What is gained by an outsider."""
    old, new = pair
    if new is None or new.is_over or not new.who.startswith("arn:aws:iam::") or not new.account:
        return set()
    had = old if old and not old.is_over else None
    is_anew = had is None or had.where != new.where
    is_longer = had is not None and had.until is not None and (new.until is None or had.until < new.until)
    is_more = is_anew or is_longer or bool(had and new.writes > had.writes)
    found = {"whole account"} if new.who.endswith(":root") and is_more else set()
    return found | ({"write"} if new.reads and new.writes and (is_anew or not (had and had.writes)) else set())


def parts_of(pair: tuple[Fact | None, Fact | None]) -> list[str]:
    """What must stand together on one line about this change."""
    old, new = pair
    fact = new or old
    assert fact
    parts = [fact.where, fact.shown, fact.account]
    if new and new.until:
        parts.append(day(new.until))
    if old and new and old.until != new.until:
        parts.append(day(old.until) if old.until else "without an end")
    if old and new and old.where != new.where:
        parts += [old.where, old.account]
    if new and old and old.paperwork != new.paperwork:
        parts += [entry[:2] for entry in (*old.paperwork, *new.paperwork)]
        parts += ["no paperwork"] if not (old.paperwork and new.paperwork) else []
    if new:
        parts += [entry[:2] for entry in new.paperwork] or ["no paperwork"]
    return [part for part in parts if part]


def missing_from(lines: list[str], pair: tuple[Fact | None, Fact | None]) -> bool:
    return not any(all(part in line for part in parts_of(pair)) for line in lines)


# --- what must hold -------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(pairs())
def test_whatever_differs_stands_in_the_text_on_a_line_of_its_own_with_old_and_new(pair: tuple[Estate, Estate]) -> None:
    before, after = pair
    plan = plan_against(after, before, name="main", moment=NOW)
    text = render_plan(plan, after.platform)
    lines = text.splitlines()
    assert [each for each in differences(before, after) if missing_from(lines, each)] == []
    for name, address in mails(before) ^ mails(after):
        assert any(address in line and (name in line or not name) and "mail" in line for line in lines)
    for stack in refused(before, after):
        assert any(line.startswith(f"REFUSED: {stack}: ") for line in lines)
    for name in ("user_roles", "mail_domains", "paperwork", "audit", "tags", "recovery_days", "large_file_mib"):
        if getattr(before.platform, name) != getattr(after.platform, name):
            assert any(line.startswith(f"  {name} ") for line in lines)


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(pairs())
def test_the_json_holds_exactly_the_differences_as_facts(pair: tuple[Estate, Estate]) -> None:
    before, after = pair
    found = json_data(plan_as_data(plan_against(after, before, name="main", moment=NOW)))
    told = [(_plain(each["before"]), _plain(each["after"])) for each in found["access"]["changes"]]
    # A mover may tell another topic once another address is told: a right that is no access to data.
    told = [(old, new) for old, new in told if old != new or mails(before) == mails(after)]
    wanted = [(_said(old), _said(new)) for old, new in differences(before, after)]
    assert sorted(told, key=repr) == sorted(wanted, key=repr)
    assert sorted(found["refused"]) == sorted(refused(before, after))
    counted: Counter[str] = Counter(mark for each in differences(before, after) for mark in danger(each))
    for mark in ("whole account", "write"):
        assert found["access"]["marks"].get(mark, 0) == counted[mark]


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(pairs(), st.integers(0, 40))
def test_the_comment_fits_and_tells_the_most_dangerous_first_whatever_else_there_is(
    pair: tuple[Estate, Estate], noise: int
) -> None:
    """With up to 40 more datasets of long and hostile texts beside the change."""
    before, after = pair
    loud = tuple(
        PullDataset(
            name=DatasetName(f"n{number:03}"),
            users=tuple(USERS),
            outsiders=(OUTSIDERS[1], OUTSIDERS[3]),
            paperwork=(f"P{number}{HOSTILE[number % len(HOSTILE)]}",) * 3,
        )
        for number in range(noise)
    )
    after = replace(after, pull_datasets=(*after.pull_datasets, *loud))
    text = plan_as_markdown(plan_against(after, before, name="main", moment=NOW), after.platform, whole_at="summary")
    assert len(text.encode()) < COMMENT_CHARACTERS
    head, access = text.split("#### Access\n\n")
    lines = access.split("\n\n#### ")[0].splitlines()
    counted: Counter[str] = Counter(mark for each in differences(before, after) for mark in danger(each))
    for mark in ("whole account", "write"):
        assert (f"{mark} {counted[mark]:,}" in head) == bool(counted[mark])
    assert {new.account for old, new in differences(before, after) if new and danger((old, new))} <= set(
        re.findall(r"\b\d{12}\b", head)
    )
    ranks = [_rank(line) for line in lines if line.startswith("- **")]
    assert ranks == sorted(ranks)
    dangerous = [each for each in differences(before, after) if danger(each)]
    assert [each for each in dangerous if not _is_shown(lines, each)] == []
    if "does not hold the whole plan" not in head:
        assert [each for each in differences(before, after) if missing_from(lines, each)] == []


def _is_shown(lines: list[str], pair: tuple[Fact | None, Fact | None]) -> bool:
    """Whether at least its verb, place, end and account stand there."""
    _, new = pair
    assert new
    ends = day(new.until) if new.until else ""
    return any(new.where in line and new.account in line and ends in line for line in lines)


def _rank(line: str) -> int:
    marks = re.match(r"- \*\*[a-z, ]+\*\*(?: \*\*\[([A-Z, ]+)\]\*\*)?", line)
    assert marks, line
    known = ["WHOLE ACCOUNT", "WRITE", "NEW ACCOUNT", "MAIL OUTSIDE"]
    return next((number for number, mark in enumerate(known) if mark in (marks[1] or "").split(", ")), len(known))


def _plain(found: dict[str, Any] | None) -> object:
    if found is None:
        return None
    reads = found["read"] and found["role"] != "mover"
    until = found["until"] and date.fromisoformat(found["until"][:10])
    account = (found["account"] or "") if found["role"] in ("outsider", "mover") else ""
    more = (found["keeps_files"], found["key"]) if found["role"] == "mover" else ()
    head = (found["dataset"], found["principal"], account, found["where"], found["write"], reads, until, more)
    return (*head, *found["paperwork"])


def _said(fact: Fact | None) -> object:
    if fact is None:
        return None
    end = fact.until and date.fromordinal(fact.until.toordinal() + 1)  # the first moment at which it holds no more
    head = (fact.dataset, fact.who, fact.account, fact.where, fact.writes, fact.reads, end, fact.more)
    return (*head, *fact.paperwork)


def test_a_first_plan_keeps_the_lines_of_a_dataset_together() -> None:
    outsiders = (OUTSIDERS[0], OUTSIDERS[2], OUTSIDERS[-1])
    datasets = tuple(
        PullDataset(name=DatasetName(name), users=tuple(USERS[:2]), outsiders=outsiders, allow_push=name == "d")
        for name in ("a", "d")
    )
    estate = Estate(replace(PLATFORM, alerts=()), (), datasets)
    lines = render_plan(plan_against(estate, None, name="main", moment=NOW), estate.platform).splitlines()
    buckets = [match[1] for line in lines if (match := re.search(r"gains .*s3://mojap-(\w+)[ :]", line))]
    assert buckets == ["d"] * 4 + ["a"] * 4
