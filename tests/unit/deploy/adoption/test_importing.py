"""The bare stack that adopts what exists: what it holds, and what comes later."""

import json

import pytest

from data_exports.deploy.adoption.importing import import_stack_of
from data_exports.deploy.plan.planning import Existing, ExistingKind
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import ADOPTING_TAG, DIGEST_TAG, Stack, Surroundings
from tests.estates import GOOGLE_READER, PLATFORM, pull, push

AROUND = Surroundings(code_key="code/mover-0123456789abcdef.zip")
PUSH = push_stack(PLATFORM, push("orders"), AROUND)
ROLE = Existing(ExistingKind.ROLE, "export_orders-move")
FUNCTION = Existing(ExistingKind.FUNCTION, "export_orders-move")
LOG_GROUP = Existing(ExistingKind.LOG_GROUP, "/aws/lambda/export_orders-move")
LATER = {"Mover", "MoverEvents"}


def _resources(stack: Stack) -> dict[str, dict[str, object]]:
    return dict(json.loads(stack.body)["Resources"])


@pytest.mark.parametrize("existing", [(ROLE,), (FUNCTION,), (ROLE, FUNCTION, LOG_GROUP)])
def test_the_mover_comes_once_its_role_has_our_rights_and_the_old_function_is_gone(
    existing: tuple[Existing, ...],
) -> None:
    left_out = set(_resources(PUSH)) - set(_resources(import_stack_of(PUSH, existing)))
    assert left_out >= LATER
    assert {name for name in left_out if "Queue" in name or "Alarm" in name or name == "UsersPolicy"} == set()


def test_an_adopted_role_is_named_with_its_path_and_trust_and_nothing_else() -> None:
    role = _resources(import_stack_of(PUSH, (ROLE, LOG_GROUP)))
    whole = _resources(PUSH)["MoverRole"]["Properties"]
    assert isinstance(whole, dict)
    kept = {key: whole[key] for key in ("AssumeRolePolicyDocument", "Path", "RoleName")}
    retained = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    assert role["MoverRole"] == {"Type": "AWS::IAM::Role", "Properties": kept, **retained}
    assert role["MoverLog"]["Properties"] == {"LogGroupName": LOG_GROUP.name}


def test_an_adopted_bucket_gets_its_policy_and_settings_later() -> None:
    stack = pull_stack(PLATFORM, pull("lists"), AROUND)
    bare = import_stack_of(stack, (Existing(ExistingKind.BUCKET, "mojap-lists"),))
    assert _resources(bare)["Bucket"]["Properties"] == {"BucketName": "mojap-lists"}
    assert set(_resources(stack)) - set(_resources(bare)) == {"BucketPolicy"}


def test_a_new_buckets_policy_comes_later_too_because_what_a_bucket_has_is_taken_before() -> None:
    stack = pull_stack(PLATFORM, pull("lists", identities=(GOOGLE_READER,)), AROUND)
    role = Existing(ExistingKind.ROLE, f"export_lists-pull-{GOOGLE_READER.short_id}")
    bare = import_stack_of(stack, (role,))
    assert set(_resources(stack)) - set(_resources(bare)) == {"BucketPolicy"}
    assert _resources(bare)["Bucket"] == _resources(stack)["Bucket"]


def test_a_bare_stack_tells_that_it_is_one_and_has_a_digest_of_its_own() -> None:
    bare = import_stack_of(PUSH, (ROLE,))
    assert json.loads(bare.body)["Metadata"]["DataExports"]["adopting"] is True
    assert dict(bare.tags) == {**dict(PUSH.tags), DIGEST_TAG: bare.digest, ADOPTING_TAG: "true"}
    assert bare.digest != PUSH.digest
