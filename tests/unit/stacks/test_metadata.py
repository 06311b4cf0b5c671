"""What a stack grants, read back from its template: whole, or not at all."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.access.grants import Role, grants_of_dataset
from data_exports.deploy.plan.planning import stack_of_dataset
from data_exports.estate.models import Dataset
from data_exports.names import RoleName
from data_exports.stacks.metadata import UnreadableMetadataError, grants_in
from data_exports.stacks.stack import ADOPTING_KEY, METADATA_KEY, Surroundings
from tests.estates import FULL, PLATFORM, estate_of, push

AROUND = Surroundings(code_key="code/mover-0123456789abcdef.zip")
Spoil = Callable[[dict[str, Any]], object]


def template_of(dataset: Dataset, around: Surroundings = AROUND) -> dict[str, Any]:
    stack = stack_of_dataset(estate_of(dataset), dataset, around)
    found: dict[str, Any] = json.loads(stack.body)
    return found


PUSHED = template_of(push())


@pytest.mark.parametrize("dataset", list(FULL.datasets()), ids=lambda dataset: dataset.name)
def test_a_stack_tells_exactly_what_its_dataset_grants(dataset: Dataset) -> None:
    assert grants_in(template_of(dataset), dataset.name) == grants_of_dataset(PLATFORM, dataset)


def test_users_whose_roles_were_missing_have_nothing_and_everybody_else_has_all() -> None:
    around = Surroundings(code_key="c", missing_roles=frozenset({RoleName("alpha_user_ana")}))
    found = grants_in(template_of(push(), around), push().name)
    assert {grant.principal.rsplit("/")[-1] for grant in found if grant.role is Role.SENDER} == {"alpha_user_Ben-Two"}
    everything = grants_of_dataset(PLATFORM, push())
    assert set(everything) - set(found) == {each for each in everything if each.principal.endswith("alpha_user_ana")}


def _grant(spoil: Spoil) -> Spoil:
    """Spoils one grant."""
    return lambda found: spoil(found["grants"][0])


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda found: found.update({ADOPTING_KEY: True}), "the rest is not in place yet"),
        (lambda found: found.pop("grants"), "lists no grants"),
        (lambda found: found.update(grants=[]), "lists no grants"),
        (lambda found: found.update(grants={"a": 1}), "lists no grants"),
        (lambda found: found.update(grants=["a"]), "a grant is not there, or is no mapping"),
        (lambda found: found.update(missing_roles="alpha_user_ana"), "a list is expected where there is none"),
        (lambda found: found.update(missing_roles=["not/a/name"]), "is not an IAM role name"),
        (_grant(lambda grant: grant.pop("principal")), "a grant has no 'principal'"),
        (_grant(lambda grant: grant.update(principal="*")), "'*' is not a principal"),
        (_grant(lambda grant: grant.update(role="owner")), "written by another version: role 'owner'"),
        (_grant(lambda grant: grant.update(only_if="x")), "written by another version: a grant has 'only_if'"),
        (_grant(lambda grant: grant.update(until="tomorrow")), "'tomorrow' is not a time"),
        (_grant(lambda grant: grant.update(until="2031-04-01T00:00:00")), "has no time zone"),
        (_grant(lambda grant: grant.update(until=7)), "text is expected where there is none"),
        (_grant(lambda grant: grant.update(key_prefix="hearings")), "is not a key prefix"),
        (_grant(lambda grant: grant.update(owner_account="12")), "is not an AWS account id"),
        (_grant(lambda grant: grant.update(dataset="other")), "reach no objects"),
        (lambda found: [grant.update(dataset="other") for grant in found["grants"]], "is of the dataset other"),
        (_grant(lambda grant: grant.update(actions="s3:*")), "a list is expected where there is none"),
    ],
)
def test_damaged_metadata_says_what_is_wrong_and_grants_nothing_are_two_answers(spoil: Spoil, reason: str) -> None:
    template = copy.deepcopy(PUSHED)
    spoil(template["Metadata"][METADATA_KEY])
    with pytest.raises(UnreadableMetadataError, match=_literally(reason)):
        grants_in(template, push().name)


STRANGE: list[object] = [None, "text", [], {}, {"Metadata": []}, {"Metadata": {METADATA_KEY: "x"}}]


@pytest.mark.parametrize("template", STRANGE, ids=str)
def test_a_template_without_our_metadata_is_unreadable(template: object) -> None:
    with pytest.raises(UnreadableMetadataError, match="is not there, or is no mapping"):
        grants_in(template, push().name)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.sampled_from(sorted(PUSHED["Metadata"][METADATA_KEY]["grants"][0])), PLAIN)
def test_whatever_stands_in_a_field_it_is_read_or_refused(field: str, value: object) -> None:
    template = copy.deepcopy(PUSHED)
    template["Metadata"][METADATA_KEY]["grants"][0][field] = value
    try:
        found = grants_in(template, push().name)
    except UnreadableMetadataError:
        return
    assert len(found) == len(grants_of_dataset(PLATFORM, push()))


def _literally(text: str) -> str:
    return text.replace("*", r"\*")
