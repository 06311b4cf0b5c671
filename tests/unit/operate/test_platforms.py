"""Remembered platforms: kept for their user alone, and a file that is damaged is told as that."""

import json
from pathlib import Path

import pytest

from data_exports.errors import UsageError
from data_exports.names import AccountId, BucketName, DatasetName, Region
from data_exports.operate.platforms import (
    UsedPlatform,
    chosen_platform,
    read_platforms,
    with_datasets,
    write_platforms,
)

HUB, REGION, ACCOUNT = BucketName("mojap-hub-exports"), Region("eu-west-1"), AccountId("593291632749")
JUSTICE = UsedPlatform("justice", HUB, REGION, ACCOUNT, (DatasetName("orders"),))
HEALTH = UsedPlatform("health", BucketName("health-hub"), REGION, ACCOUNT)


def test_what_is_written_is_read_back_sorted_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert read_platforms(folder) == ()
    write_platforms(folder, [JUSTICE, HEALTH])
    assert read_platforms(folder) == (HEALTH, JUSTICE)
    assert (folder.stat().st_mode & 0o777, (folder / "platforms.json").stat().st_mode & 0o777) == (0o700, 0o600)
    assert json.loads((folder / "platforms.json").read_text())["platforms"][0] == {
        "name": "health",
        "hub_bucket": "health-hub",
        "region": "eu-west-1",
        "account": "593291632749",
        "datasets": [],
    }


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "it is damaged, or of another version"),
        (b"[]", "it is damaged, or of another version"),
        (b'{"platforms": [1]}', "it is damaged, or of another version"),
        (
            b'{"platforms": [{"name": "x", "hub_bucket": "UP", "region": "eu-west-1", "account": "1"}]}',
            "UP",
        ),
        (b"[" * 100_000, "it is damaged, or of another version"),
        (b"\xff", "it is no text"),
    ],
)
def test_a_damaged_file_is_told_with_its_place_and_left_alone(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "platforms.json").write_bytes(content)
    with pytest.raises(UsageError) as told:
        read_platforms(tmp_path)
    assert told.value.where == str(tmp_path / "platforms.json")
    assert why in told.value.what
    assert (tmp_path / "platforms.json").read_bytes() == content


def test_where_nothing_can_be_written_it_says_what_to_set() -> None:
    with pytest.raises(UsageError, match="cannot be remembered: Not a directory") as told:
        write_platforms(Path("/dev/null/.config/data-exports"), [JUSTICE])
    assert told.value.next_step == "set XDG_CONFIG_HOME, or HOME, to a folder of your own"
    assert read_platforms(Path("/dev/null/.config/data-exports")) == ()


def test_the_only_platform_needs_no_name_and_of_several_one_is_chosen() -> None:
    assert chosen_platform([JUSTICE], "") == JUSTICE
    assert chosen_platform([HEALTH, JUSTICE], "justice") == JUSTICE
    with pytest.raises(UsageError) as several:
        chosen_platform([HEALTH, JUSTICE], "")
    assert several.value.next_step == 'choose one with --platform: "health", "justice"'
    with pytest.raises(UsageError, match="no platform 'x' is remembered"):
        chosen_platform([], "x")


def test_datasets_that_were_asked_for_are_kept_with_their_platform() -> None:
    new = DatasetName("appeals")
    (health, justice) = with_datasets([HEALTH, JUSTICE], JUSTICE, [new])
    assert (health, justice.datasets) == (HEALTH, (new, DatasetName("orders")))
