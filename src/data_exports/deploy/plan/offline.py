"""A plan from two states of the declarations, without AWS: what deploying one after the other would change.

In: an estate, and the same as it was. Out: a `Plan`. Effects: none. Stacks are built only for datasets whose
declaration, or whose platform, is not the same; what only AWS knows (missing roles, failed stacks) is not in it.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.plan.effects import TemplateLookup, with_effects
from data_exports.deploy.plan.planning import (
    Action,
    Plan,
    StackStep,
    first_stacks,
    kept_rules,
    removal_of,
    stack_of_dataset,
    step_of,
)
from data_exports.estate.models import Estate, Platform
from data_exports.names import SFTP_STACK
from data_exports.stacks.evidence import evidence_stacks
from data_exports.stacks.hub import hub_stack
from data_exports.stacks.stack import Stack, Surroundings, Wave

_AROUND = Surroundings(code_key="code/mover.zip")
"""The same on both sides: with another version of this program other things may change as well."""


def plan_against(estate: Estate, base: Estate | None, *, name: str, moment: datetime) -> Plan:
    """What deploying the estate would change where `base` is deployed; None: where nothing is.

    `name` is the base for people.
    """
    steps, templates = _compare(estate, base)
    return with_effects(
        Plan(steps, is_first=base is None, against=name),
        estate,
        templates,
        moment=moment,
        account_names=dict(base.platform.account_names) if base else {},
    )


def _compare(estate: Estate, base: Estate | None) -> tuple[tuple[StackStep, ...], dict[str, TemplateLookup]]:
    """One step for each stack; and the old templates, by name."""
    unchanged = _unchanged(estate, base) if base else frozenset()
    before = {stack.name: stack for stack in (*_datasets_of(base, unchanged), _hub_of(base))} if base else {}
    steps = [_step(stack, before.get(stack.name)) for stack in _datasets_of(estate, unchanged)]
    hub = _hub_of(estate, blocked=[step for step in steps if step.action is Action.BLOCKED])
    steps.append(_step(hub, before.get(hub.name)))
    steps += (
        StackStep(Action.UNCHANGED, dataset.stack_name, Wave.DATASETS, dataset=dataset.name)
        for dataset in estate.datasets()
        if dataset.stack_name in unchanged
    )
    wanted = {step.name for step in steps}
    ours = estate.platform.hub_bucket  # with another hub it is another estate, which takes nothing of this one down
    left = (each for name, each in before.items() if name not in wanted and each.hub == ours)
    gone = (each for each in left if each.dataset or each.name == SFTP_STACK)
    steps += (removal_of(_as_deployed(stack)) for stack in gone)
    return tuple(steps), {name: TemplateLookup(json.loads(stack.body)) for name, stack in before.items()}


def _datasets_of(estate: Estate, unchanged: Collection[str]) -> Iterator[Stack]:
    """The shared stacks that come first and the datasets', but for those whose stacks nobody needs to see."""
    yield from first_stacks(estate, _AROUND)
    yield from evidence_stacks(estate.platform, require_tls=True)
    for dataset in estate.datasets():
        if dataset.stack_name not in unchanged:
            yield stack_of_dataset(estate, dataset, _AROUND)


def _hub_of(estate: Estate, blocked: Sequence[StackStep] = ()) -> Stack:
    """The hub's stack, with the rules of what is deployed under the names of the `blocked` stacks."""
    names = {step.name for step in blocked if step.is_impossible}
    ready = [push for push in estate.push_datasets if push.stack_name not in names]
    kept = kept_rules(blocked, ready, hub=estate.platform.hub_bucket)
    return hub_stack(estate.platform, ready, kept=kept, require_tls=True)


def _unchanged(estate: Estate, base: Estate) -> frozenset[str]:
    """The names of the stacks of datasets that are declared as they were."""
    if _for_stacks(estate.platform) != _for_stacks(base.platform):
        return frozenset()
    before = {dataset.stack_name: dataset for dataset in base.datasets()}
    return frozenset(each.stack_name for each in estate.datasets() if before.get(each.stack_name) == each)


def _for_stacks(platform: Platform) -> Platform:
    """The platform without what is only checked, or said to people."""
    return replace(platform, account_names=(), user_roles=(), paperwork="warn", mail_domains=(), contact="", sftp=False)


def _step(stack: Stack, before: Stack | None) -> StackStep:
    return step_of(stack, _as_deployed(before) if before else None)


def _as_deployed(stack: Stack) -> DeployedStack:
    return DeployedStack(stack.name, "", "CREATE_COMPLETE", stack.tags)
