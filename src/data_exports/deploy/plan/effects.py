"""What carrying a plan out would change within stacks and in who may do what, told from the templates as they are.

In: a `Plan`, its estate, and the present templates of the stacks that change. Out: the same plan with `StackStep.how`,
`Plan.access` and `Plan.settings`. Effects: none. A stack that does not change needs no template: it grants what its
declaration says.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from data_exports.access.changes import changes_between
from data_exports.access.grants import Grant, grants_of_dataset
from data_exports.access.mails import Mail
from data_exports.deploy.deployed import DATASET_STACK_PREFIXES, PULL_STACK_PREFIX, PUSH_STACK_PREFIX
from data_exports.deploy.plan.outside_words import EGRESS_PRICE, WAITING_FILES
from data_exports.deploy.plan.planning import Action, Plan, SettingChange, StackStep
from data_exports.deploy.plan.sftp_words import NEW_SFTP_SERVER
from data_exports.destinations.kinds import OUTSIDE_KINDS
from data_exports.estate.models import Estate
from data_exports.names import FOUNDATION_STACK, SFTP_STACK, AccountId, DatasetName, RoleArn, RoleName
from data_exports.stacks.comparison import Effect, resource_changes
from data_exports.stacks.metadata import (
    UnreadableMetadataError,
    grants_in,
    mailed_in,
    outside_target_in,
    platform_settings_in,
    without_missing,
)


@dataclass(frozen=True, slots=True)
class TemplateLookup:
    """A stack's template as it is, or why it could not be read."""

    template: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""
    """Why its metadata says nothing about the access that the stack gives; ``""`` when it does."""


def with_effects(
    plan: Plan,
    estate: Estate,
    templates: Mapping[str, TemplateLookup],
    *,
    moment: datetime,
    account_names: Mapping[AccountId, str] | None = None,
) -> Plan:
    """The plan, with what changes within its stacks and in who may do what.

    `templates` by the stack's name, of the stacks that are updated or deleted; `account_names` are for accounts that
    the platform does not name itself.
    """
    sides = _Sides()
    datasets = {dataset.name: dataset for dataset in estate.datasets()}
    missing = {each.dataset: frozenset(each.roles) for each in plan.missing_roles}
    account = estate.platform.account
    nobody: frozenset[RoleName] = frozenset()
    for step in plan.steps:
        if step.action is Action.BLOCKED and not plan.against:  # AWS stays as it is, but the declarations do not
            continue
        dataset = datasets.get(step.dataset) if step.dataset and step.action is not Action.DELETE else None
        granted = grants_of_dataset(estate.platform, dataset) if dataset else ()
        sides.add(
            step, templates, without_missing(granted, missing.get(step.dataset, nobody) if step.dataset else nobody)
        )
    return replace(
        plan,
        steps=tuple(_with_target_notes(_with_how(step, templates), templates) for step in plan.steps),
        settings=tuple(_settings(plan, templates)),
        settings_unknown=_settings_unknown(plan, templates),
        compared=changes_between(
            sides.before,
            sides.after,
            moment=moment,
            unchanged=sides.unchanged,
            unknown=sides.unknown,
            is_first=plan.is_first,
            gone={(name, RoleArn.of(account, role)) for name, roles in missing.items() for role in roles},
            mails=(sides.mailed_before, sides.mailed_after),
            mail_domains=estate.platform.mail_domains,
            account_names={**(account_names or {}), **dict(estate.platform.account_names)},
        ),
    )


@dataclass
class _Sides:
    """The grants, and who is told, before and after, as the steps tell them one by one."""

    before: list[Grant] = field(default_factory=list)
    after: list[Grant] = field(default_factory=list)
    unchanged: list[Grant] = field(default_factory=list)
    unknown: dict[DatasetName, str] = field(default_factory=dict)
    mailed_before: set[Mail] = field(default_factory=set)
    mailed_after: set[Mail] = field(default_factory=set)

    def add(self, step: StackStep, templates: Mapping[str, TemplateLookup], granted: Iterable[Grant]) -> None:
        """Take one step in; `granted` is what the declarations grant through its stack."""
        self._add_mailed(step, templates)
        if step.dataset is None:
            return
        if step.action is Action.UNCHANGED:
            self.unchanged += granted
            return
        self.after += granted
        if step.name in templates:
            self._add_deployed(_dataset_before(step) or step.dataset, templates[step.name])

    def _add_mailed(self, step: StackStep, templates: Mapping[str, TemplateLookup]) -> None:
        if step.action is Action.UNCHANGED or not (
            step.name == FOUNDATION_STACK or step.name.startswith(DATASET_STACK_PREFIXES)
        ):
            return
        is_pull = step.name.startswith(PULL_STACK_PREFIX)
        if step.name in templates:
            before = _dataset_before(step)
            self.mailed_before |= {Mail(each, before, is_pull) for each in mailed_in(templates[step.name].template)}
        if step.stack:
            self.mailed_after |= {Mail(each, step.dataset, is_pull) for each in mailed_in(json.loads(step.stack.body))}

    def _add_deployed(self, dataset: DatasetName, deployed: TemplateLookup) -> None:
        if deployed.problem:
            self.unknown[dataset] = deployed.problem
            return
        try:
            self.before += grants_in(deployed.template, dataset)
        except UnreadableMetadataError as error:
            self.unknown[dataset] = str(error)


def _dataset_before(step: StackStep) -> DatasetName | None:
    """The dataset whose stack it was: another one when only `_` and `-` in its name have changed."""
    return (step.deployed.dataset if step.deployed else None) or step.dataset


def _settings(plan: Plan, templates: Mapping[str, TemplateLookup]) -> Iterator[SettingChange]:
    """The settings that the foundation carries in its metadata, where they are not the same."""
    step = _foundation(plan)
    if step is None or step.stack is None or step.name not in templates:
        return
    before, after = (
        platform_settings_in(templates[step.name].template),
        platform_settings_in(json.loads(step.stack.body)),
    )
    if not before:  # nobody knows what they were: `_settings_unknown`
        return
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield SettingChange(name, before.get(name), after.get(name))


def _settings_unknown(plan: Plan, templates: Mapping[str, TemplateLookup]) -> str:
    step = _foundation(plan)
    found = templates.get(FOUNDATION_STACK)
    if step is None or step.stack is None or found is None or step.action is Action.BLOCKED:
        return ""
    return found.problem or ("" if platform_settings_in(found.template) else "its metadata holds none")


def _foundation(plan: Plan) -> StackStep | None:
    return next((each for each in plan.steps if each.name == FOUNDATION_STACK), None)


def _with_how(step: StackStep, templates: Mapping[str, TemplateLookup]) -> StackStep:
    found = templates.get(step.name)
    if step.action is not Action.UPDATE or step.stack is None or found is None or not found.template:
        return step
    how = resource_changes(found.template, json.loads(step.stack.body))
    is_new_server = step.name == SFTP_STACK and any(each.effect is Effect.REPLACE for each in how)
    said = [step.reason, *([NEW_SFTP_SERVER] if is_new_server else [])]
    return replace(step, how=how, reason="; ".join(filter(None, said)))


def _with_target_notes(step: StackStep, templates: Mapping[str, TemplateLookup]) -> StackStep:
    """What deliveries to another cloud cost, and what becomes of files that wait, where either is new."""
    if step.stack is None or not step.is_change or not step.name.startswith(PUSH_STACK_PREFIX):
        return step
    there = templates.get(step.name)
    was = outside_target_in(there.template) if there else {}
    has_one = any(f'"{field}"' in step.stack.body for field in OUTSIDE_KINDS)  # few have: the others are not parsed
    will_be = outside_target_in(json.loads(step.stack.body)) if has_one else {}
    if was == will_be:
        return step
    said = [step.reason, WAITING_FILES * bool(there), EGRESS_PRICE * bool(will_be)]
    return replace(step, reason="; ".join(filter(None, said)))
