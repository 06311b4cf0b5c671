"""Conditions in the vendors' words let in what they say, and unknown ones are refused."""

from collections.abc import Callable

import pytest

from data_exports.local.clouds.conditions import blob_condition_of, object_prefix_of, subjects_let_in
from tests.emulator.other_clouds import BLOBS, DATA_ACTIONS, blob_condition, object_condition

ADD, WRITE = DATA_ACTIONS


@pytest.mark.parametrize(
    ("action", "container", "blob", "expected"),
    [
        (WRITE, "incoming", "orders/a", True),
        (ADD, "incoming", "orders/a", True),
        (WRITE, "incoming", "orders", False),
        (WRITE, "others", "orders/a", False),
        (ADD, "incoming", "other/orders/a", False),
        (f"{BLOBS}/read", "others", "a", True),  # it holds the actions that it names, and no others
    ],
)
def test_a_role_is_held_to_container_and_prefix(action: str, container: str, blob: str, expected: bool) -> None:
    condition = blob_condition_of(blob_condition())
    assert condition is not None
    assert condition.lets(action, container, blob) is expected


def test_a_binding_is_held_to_its_prefix() -> None:
    assert object_prefix_of(object_condition()) == ("hj-incoming", "orders/")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('assertion.sub == "a"', ["a"]),
        ('assertion.sub in ["a"]', ["a"]),
        ('assertion.sub in ["a", "b,c"]', ["a", "b,c"]),
    ],
)
def test_a_provider_lets_in_whom_it_names(expression: str, expected: list[str]) -> None:
    assert subjects_let_in(expression) == expected


def test_without_a_condition_there_is_none() -> None:
    assert (blob_condition_of(""), object_prefix_of(""), subjects_let_in("")) == (None, None, None)


UNKNOWN: list[tuple[Callable[[str], object], str]] = [
    (blob_condition_of, blob_condition().replace("StringStartsWith", "StringLike")),
    (blob_condition_of, blob_condition().replace(" AND !(", " OR !(")),
    (blob_condition_of, f"{blob_condition()} OR true"),
    (object_prefix_of, f"{object_condition()} || true"),
    (object_prefix_of, 'resource.name == "x"'),
    (subjects_let_in, 'assertion.sub.startsWith("a")'),
    (subjects_let_in, 'assertion.sub in ["a"] || true'),
    (subjects_let_in, "assertion.sub in []"),
]


@pytest.mark.parametrize(("read", "expression"), UNKNOWN)
def test_what_is_not_known_is_refused(read: Callable[[str], object], expression: str) -> None:
    with pytest.raises(ValueError, match="the stand-in knows no such"):
        read(expression)
