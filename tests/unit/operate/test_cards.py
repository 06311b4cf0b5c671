"""What is known of a dataset without its declaration, and what is said where nothing is."""

import io
from dataclasses import replace
from typing import Any

import pytest

from data_exports.contract.keys import card_key_of
from data_exports.errors import RefusedError, UsageError
from data_exports.names import AccountId
from data_exports.operate.cards import read_used_estate
from data_exports.operate.platforms import UsedPlatform
from data_exports.stacks.card import card_of
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, push

USED = UsedPlatform("justice", PLATFORM.hub_bucket, PLATFORM.region, PLATFORM.account)
ANA = f"arn:aws:sts::{PLATFORM.account}:assumed-role/alpha_user_ana/local"
MOVES = push("moves", keep_files=True)
CARDS = {card_key_of(each.name): card_of(PLATFORM, each).encode() for each in (push(), MOVES)}


def aws(cards: dict[str, bytes] = CARDS, *, account: str = PLATFORM.account) -> AwsAnswers:
    def get(Bucket: str, Key: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803 - AWS's names
        assert (Bucket, ExpectedBucketOwner) == (f"{PLATFORM.hub_bucket}-log", PLATFORM.account)
        if Key not in cards:
            return refusal("AccessDenied" if "others" in Key else "NoSuchKey")
        return {"Body": io.BytesIO(cards[Key])}

    return AwsAnswers({"get_object": get, "caller": (account, ANA)})


def test_the_datasets_that_are_named_are_one_estate() -> None:
    found = read_used_estate(USED, ["hearings", "moves", "hearings"], aws())
    assert found.push_datasets == (push(), MOVES)
    assert (found.platform.hub_bucket, found.pull_datasets) == (PLATFORM.hub_bucket, ())


@pytest.mark.parametrize(
    ("name", "account", "said"),
    [
        ("unknown", PLATFORM.account, "nothing is known of unknown without its declaration"),
        ("others", PLATFORM.account, "alpha_user_ana has no push dataset others on mojap-hub-exports"),
        ("others", "111122223333", "the credentials are of account 111122223333, the platform is 593291632749"),
    ],
)
def test_where_there_is_no_card_to_read_it_is_said_why(name: str, account: str, said: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_used_estate(USED, [name], aws(account=account))
    assert refused.value.what.startswith(said)
    assert refused.value.next_step


def test_a_name_that_is_none_is_refused_before_anything_is_asked() -> None:
    with pytest.raises(UsageError, match="is not a dataset name"):
        read_used_estate(USED, ["../x"], AwsAnswers({}))


def test_a_card_that_leads_elsewhere_is_refused() -> None:
    other = replace(PLATFORM, account=AccountId("111122223333"))
    with pytest.raises(RefusedError, match="of another platform than is remembered"):
        read_used_estate(USED, ["hearings"], aws({card_key_of("hearings"): card_of(other, push()).encode()}))


@pytest.mark.parametrize("body", [b"{}", b"\xff", b"x" * 2_000_000])
def test_a_damaged_card_is_refused_with_its_place(body: bytes) -> None:
    with pytest.raises(RefusedError, match="what hearings is cannot be told") as refused:
        read_used_estate(USED, ["hearings"], aws({card_key_of("hearings"): body}))
    assert refused.value.where == "mojap-hub-exports-log/deliveries/dataset=hearings/card.json"
