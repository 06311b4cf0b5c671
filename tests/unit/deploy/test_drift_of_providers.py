"""What deployed templates ask of identity providers, and what differs from that."""

import json
from typing import Any

from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.providers import NeededAudience, needed_audiences_of
from data_exports.stacks.identity_providers import identity_providers_stack
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.stack import Stack
from tests.estates import CLUSTER_READER, PLATFORM, READERS_OUTSIDE_AWS, WORKFLOW_READER, pull
from tests.unit.stacks.all_stacks import AROUND

LISTS = pull("lists", identities=READERS_OUTSIDE_AWS)
NOTES = pull("notes", identities=(WORKFLOW_READER,))


def _deployed(stack: Stack | None) -> DeployedTemplate:
    assert stack is not None
    body: dict[str, Any] = json.loads(stack.body)
    return DeployedTemplate(DeployedStack(stack.name, "id", "CREATE_COMPLETE", stack.tags), body)


def _arn(host: str) -> str:
    return f"arn:aws:iam::{PLATFORM.account}:oidc-provider/{host}"


def test_what_our_stack_holds_is_asked_of_it_once_whoever_relies_on_it() -> None:
    templates = [
        _deployed(identity_providers_stack(PLATFORM, [NOTES])),
        _deployed(pull_stack(PLATFORM, NOTES, AROUND)),
    ]
    assert needed_audiences_of(PLATFORM.account, templates) == (
        NeededAudience(
            "exports-identity-providers", _arn(WORKFLOW_READER.host), "sts.amazonaws.com", "mojap-hub-exports"
        ),
    )


def test_what_it_does_not_hold_is_asked_once_for_the_first_dataset_and_nothing_of_googles_issuer() -> None:
    templates = [_deployed(pull_stack(PLATFORM, each, AROUND)) for each in (LISTS, NOTES)]
    found = needed_audiences_of(PLATFORM.account, templates)
    assert {(each.stack, each.hub) for each in found} == {("exports-pull-lists", "")}
    assert {each.arn: each.audience for each in found} == {
        _arn(each.host): each.audience for each in READERS_OUTSIDE_AWS if each.provider
    }
    assert NeededAudience("exports-pull-lists", _arn(CLUSTER_READER.host), "sts.amazonaws.com") in found
