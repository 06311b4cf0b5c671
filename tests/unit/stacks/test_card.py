"""A card tells its dataset and no other, and is read back as it was declared."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.estate.models import Estate, PushDataset
from data_exports.estate.promises import parse_promise
from data_exports.names import DatasetName
from data_exports.stacks.card import UnreadableCardError, card_of, estate_of_card
from tests.estates import FULL, KEY, PLATFORM, at_s3, push

NAME = DatasetName("hearings")
PROMISED = push(due=parse_promise("daily by 06:00 Europe/London"), no_delivery_on=(date(2031, 3, 31),))


def read(card: Any) -> Estate:
    return estate_of_card(json.dumps(card), NAME)


def test_a_card_holds_the_declaration_and_of_the_platform_what_the_dataset_needs() -> None:
    assert json.loads(card_of(PLATFORM, push(expires=date(2031, 3, 31)))) == {
        "dataset": {
            "name": "hearings",
            "expires": "2031-03-31",
            "keep_files": False,
            "max_concurrency": 5,
            "paperwork": ["DPIA-17"],
            "target_account": "754256621582",
            "target_bucket": "cp-hearings",
            "users": ["alpha_user_ana", "alpha_user_Ben-Two"],
        },
        "platform": {
            "account": "593291632749",
            "accounts": {"754256621582": "Cloud Platform"},
            "hub_bucket": "mojap-hub-exports",
            "large_file_mib": 256,
            "pull_bucket_prefix": "mojap-",
            "recovery_days": 7,
            "region": "eu-west-1",
            "user_roles": ["alpha_user_ana", "alpha_user_Ben-Two"],
        },
    }


def test_a_card_names_nothing_of_other_datasets() -> None:
    accounts = (*PLATFORM.account_names, ("112233445566", "Somebody Else"))
    platform = replace(PLATFORM, account_names=accounts, user_roles=("alpha_user_*", "secret_team_*"))  # type: ignore[arg-type]
    card = card_of(platform, push())
    assert not [word for word in ("Somebody", "112233445566", "secret", "alpha_user_*", "exports@") if word in card]


@pytest.mark.parametrize(
    "declared", [*FULL.push_datasets, PROMISED, push(destination=at_s3(kms_key=str(KEY)), owner="a@b.example")]
)
def test_a_card_is_read_back_as_it_was_declared(declared: PushDataset) -> None:
    found = estate_of_card(card_of(PLATFORM, declared), declared.name)
    assert (found.push_datasets, found.pull_datasets) == ((declared,), ())
    assert str(found.push_datasets[0].place.path) == f"push_datasets/{declared.name}.yaml"
    told = ("account", "region", "hub_bucket", "log_bucket", "large_file_mib", "recovery_days")
    assert [getattr(found.platform, name) for name in told] == [getattr(PLATFORM, name) for name in told]


@given(st.text(min_size=1, max_size=40).filter(lambda text: text == text.strip() and text.isprintable()))
def test_what_people_wrote_comes_through(text: str) -> None:
    declared = push(description=text)
    assert estate_of_card(card_of(PLATFORM, declared), NAME).push_datasets == (declared,)


def test_what_a_later_version_tells_besides_is_left_out() -> None:
    card = json.loads(card_of(PLATFORM, push()))
    later = {"more": 1, "platform": card["platform"] | {"new": [1]}, "dataset": card["dataset"] | {"invented": "later"}}
    assert read(later).push_datasets == (push(),)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"dataset": None}, "it tells of no push"),
        ({"platform": []}, "it tells of no platform"),
        (
            {"dataset": {"name": "orders", "target_bucket": "b-1", "users": ["alpha_user_ana"]}},
            "it is of the dataset orders",
        ),
        ({"dataset": {"name": "hearings"}}, "push_datasets/hearings.yaml: "),
        ({"platform": {"account": "1"}}, "exports.yaml: "),
    ],
)
def test_a_card_that_tells_no_dataset_is_refused_with_the_reason(change: dict[str, Any], why: str) -> None:
    with pytest.raises(UnreadableCardError) as refused:
        read(json.loads(card_of(PLATFORM, push())) | change)
    assert str(refused.value).startswith(why)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "[" * 100_000])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(UnreadableCardError, match="it is no JSON"):
        estate_of_card(text, NAME)
