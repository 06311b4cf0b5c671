"""Two templates: what happens to each resource between them."""

import json
from typing import Any

from data_exports.estate.models import PushDataset
from data_exports.names import RoleName
from data_exports.stacks.comparison import Effect, ResourceChange, resource_changes
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import Surroundings
from tests.estates import PLATFORM, push

ANA = (RoleName("alpha_user_ana"),)


def template_of(dataset: PushDataset, **around: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(push_stack(PLATFORM, dataset, Surroundings(code_key="c", **around)).body)
    return found


def test_equal_resources_do_not_change_whatever_the_metadata_says() -> None:
    assert resource_changes(template_of(push()), template_of(push(description="other", paperwork=("other",)))) == ()


def test_users_change_their_policy_alone() -> None:
    assert resource_changes(template_of(push()), template_of(push(users=ANA))) == (
        ResourceChange(Effect.CHANGE, "UsersPolicy", ("Roles",)),
    )


def test_a_policy_without_any_user_left_is_removed_and_comes_back() -> None:
    nobody = template_of(push(users=ANA), missing_roles=frozenset(ANA))
    assert resource_changes(template_of(push(users=ANA)), nobody) == (ResourceChange(Effect.REMOVE, "UsersPolicy"),)
    assert resource_changes(nobody, template_of(push(users=ANA))) == (ResourceChange(Effect.ADD, "UsersPolicy"),)


def test_what_gets_another_name_is_replaced() -> None:
    found = resource_changes(template_of(push()), template_of(push(keep_files=True)))
    assert [change.resource for change in found if change.effect is Effect.REPLACE] == [
        "Mover",
        "MoverLog",
        "MoverRole",
    ]
    assert str(found[2]) == "replace MoverRole (Policies, RoleName)"


def test_attributes_beside_the_properties_count() -> None:
    before = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "a"}}}}
    after = {"Resources": {"Queue": {**before["Resources"]["Queue"], "DeletionPolicy": "Retain"}}}
    assert [str(change) for change in resource_changes(before, after)] == ["change Queue (DeletionPolicy)"]


def test_a_template_that_is_none_has_no_resources() -> None:
    assert [str(each) for each in resource_changes({"Resources": "?"}, {"Resources": {"Queue": 1}})] == ["add Queue"]
    assert [str(each) for each in resource_changes({"Resources": {"Queue": 2}}, {"Resources": {"Queue": 1}})] == [
        "change Queue"
    ]
