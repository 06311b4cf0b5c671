from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.access.sizes import (
    RoleLoad,
    bucket_policy_bound,
    bucket_policy_size,
    check_policy_sizes,
    fullest_role,
    user_policy_size,
)
from data_exports.estate.findings import Place
from data_exports.estate.models import Dataset
from data_exports.names import AccountRootArn, Region, RoleArn, RoleName
from tests.estates import FULL, PLATFORM, estate_of, pull, push

ANA = RoleName("alpha_user_ana")


def test_an_ordinary_estate_fits() -> None:
    assert check_policy_sizes(FULL) == ()


def test_a_user_of_too_many_datasets_is_found_before_iam_refuses() -> None:
    many = [push(f"dataset-{number:02}", users=(RoleName("alpha_user_ana"),)) for number in range(40)]
    (finding,) = check_policy_sizes(estate_of(*many))
    assert finding.code == "EX701"
    assert "alpha_user_ana would carry" in finding.message
    assert "from 40 datasets" in finding.message


LONGEST, FAR, END = "x" * 52, "ap-northeast-1", date(2031, 3, 31)
SIZES = [
    ("court_hearings", "eu-west-1", None, 821, 731),
    ("court_hearings", "eu-west-1", END, 1081, 991),
    (LONGEST, FAR, None, 1016, 883),
    (LONGEST, FAR, END, 1276, 1143),
]
"""The last is what it was while senders could not count dead letters."""


@pytest.mark.parametrize(("name", "region", "expires", "size", "before"), SIZES)
def test_what_a_sender_carries_for_a_dataset_has_grown_by_150_characters_at_most(
    name: str, region: str, expires: date | None, size: int, before: int
) -> None:
    dataset = push(name, users=(ANA,), expires=expires)
    assert user_policy_size(replace(PLATFORM, region=Region(region)), dataset) == size
    assert size - before <= 150


@pytest.mark.parametrize(("expires", "fit"), [(None, 12), (END, 9)])
def test_so_many_datasets_fit_as_the_documentation_says(expires: date | None, fit: int) -> None:
    datasets = [push(f"court_hearing{number:x}", users=(ANA,), expires=expires) for number in range(16)]
    assert check_policy_sizes(estate_of(*datasets[:fit])) == ()
    (finding,) = check_policy_sizes(estate_of(*datasets[: fit + 1]))
    assert finding.message.endswith(f"IAM allows 10,240, which is enough for {fit}")
    said = "12 datasets like `court_hearings`, or 9 of them if they end"
    assert said in Path("docs/access.md").read_text(encoding="utf-8")


def test_the_fullest_role_is_known_with_what_more_would_fit() -> None:
    ben = push("court_orders", users=(RoleName("alpha_user_ben"),))
    found = fullest_role(estate_of(ben, *(push(f"court_hearing{number:x}", users=(ANA,)) for number in range(8))))
    assert found == RoleLoad(8 * 821, ANA, 8)
    assert found.more == 4
    assert fullest_role(estate_of()) is None


def test_a_user_of_too_many_datasets_is_told_where_the_largest_of_them_is_declared() -> None:
    ana, longest = RoleName("alpha_user_ana"), f"the-longest-name-{'x' * 30}"
    many = [push(f"dataset-{number:02}", users=(ana,)) for number in range(40)]
    place = Place(Path("push_datasets/longest.yaml"), 1, 1)
    (finding,) = check_policy_sizes(estate_of(*many[:20], push(longest, users=(ana,), place=place), *many[20:]))
    assert finding.place == place


def test_a_bucket_with_too_many_outsiders_is_found_before_s3_refuses() -> None:
    roles = tuple(
        RoleArn(f"arn:aws:iam::754256621582:role/a-rather-long-role-name-{number:04}") for number in range(200)
    )
    (finding,) = check_policy_sizes(estate_of(pull(outsiders=roles)))
    assert finding.code == "EX702"
    assert "S3 allows 20,480" in finding.message


NAMES = st.from_regex(r"[a-z][a-z0-9_]{8,38}[a-z]", fullmatch=True)
ENDS = st.sampled_from([None, date(2031, 1, 2), date(2035, 12, 31)])


@given(NAMES, NAMES, ENDS, ENDS, st.sampled_from([push, pull]))
def test_users_policies_are_of_one_size_where_names_are_as_long(
    first: str, second: str, one_end: date | None, other_end: date | None, kind: Callable[..., Dataset]
) -> None:
    second = (second * 5)[: len(first) - 1] + "z"
    other_end = None if one_end is None else other_end or one_end
    datasets = kind(first, expires=one_end), kind(second, expires=other_end)
    sizes = {user_policy_size(PLATFORM, dataset) for dataset in datasets}
    assert len(sizes) == 1
    assert min(sizes) > 300


@given(st.sets(st.integers(0, 10**12 - 1), max_size=60), st.integers(1, 64), st.booleans(), st.booleans())
def test_a_buckets_policy_is_never_larger_than_its_bound(
    accounts: set[int], length: int, allow_push: bool, whole: bool
) -> None:
    arns = [f"arn:aws:iam::{account:012}:role/{'r' * length}" for account in accounts]
    roots = [AccountRootArn(f"arn:aws:iam::{account:012}:root") for account in accounts] if whole else []
    dataset = pull("n" * 50, outsiders=(*map(RoleArn, arns), *roots), allow_push=allow_push, expires=date(2031, 1, 2))
    assert bucket_policy_size(PLATFORM, dataset) <= bucket_policy_bound(dataset)


def test_a_dataset_without_users_counts_for_nobody_and_hides_nobody() -> None:
    ana = (RoleName("alpha_user_ana"),)
    many = [push(f"dataset-{number:02}", users=ana if number else ()) for number in range(41)]
    (finding,) = check_policy_sizes(estate_of(*many))
    assert "from 40 datasets" in finding.message
