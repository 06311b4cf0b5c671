"""A plan as plain data: what ``plan --json`` prints, what a plan file keeps, and what two plans are compared by.

In: a `Plan`, and the findings about the declarations. Out: dicts that JSON can hold. Effects: none.
"""

from dataclasses import dataclass
from typing import TypedDict

from data_exports.access.accesses import Access
from data_exports.access.changes import AccessChange, AccessChanges
from data_exports.access.grants import Role
from data_exports.access.mails import MailChange
from data_exports.access.sentences import plain, sentence_of_change, sentence_of_mail
from data_exports.deploy.plan.consents import needed_consents
from data_exports.deploy.plan.planning import Plan, Step
from data_exports.estate.findings import Finding, FindingData, finding_as_data


@dataclass(frozen=True, slots=True)
class PlanFindings:
    """What was found in the declarations; `known` are the findings that the revision compared with had as well."""

    new: tuple[Finding, ...] = ()
    known: tuple[Finding, ...] = ()


NOTHING_FOUND = PlanFindings()


class ResourceData(TypedDict):
    """A resource that a change set changes."""

    effect: str
    resource: str
    properties: list[str]


class StepData(TypedDict):
    """What is to be done with one stack."""

    stack: str
    dataset: str | None
    action: str
    reason: str
    next_step: str
    resources: list[ResourceData] | None


class SettingData(TypedDict):
    """A setting of the platform that changes."""

    name: str
    before: object
    after: object


class AccessData(TypedDict):
    """Who may do what where, until when, on what paperwork."""

    dataset: str
    role: str
    principal: str
    account: str | None
    where: str
    read: bool
    write: bool
    key: str | None
    keeps_files: bool | None
    last_day: str | None
    until: str | None
    paperwork: list[str]


class ChangeData(TypedDict):
    """An access that somebody gains, loses, or has otherwise than before."""

    kinds: list[str]
    marks: list[str]
    sentence: str
    before: AccessData | None
    after: AccessData | None


class UnknownData(TypedDict):
    """A dataset of which nobody can tell what it granted."""

    dataset: str
    reason: str
    after: list[AccessData]


class NewAccountData(TypedDict):
    """An account that had no access before."""

    account: str | None
    where: str
    datasets: list[str]


class MailData(TypedDict):
    """An address that is told of failures from now on, or no longer."""

    kind: str
    marks: list[str]
    sentence: str
    address: str
    dataset: str | None


class AccessChangesData(TypedDict):
    """What changes of who can get at what."""

    changes: list[ChangeData]
    unknown: list[UnknownData]
    new_accounts: list[NewAccountData]
    mails: list[MailData]
    marks: dict[str, int]
    lost: int
    count_before: int


class PlanFindingData(FindingData):
    """A finding, and whether the revision compared with did not have it."""

    new: bool


class Effects(TypedDict):
    """What deploying changes, but for the stacks."""

    local: bool
    against: str | None
    first_deployment: bool
    access: AccessChangesData
    settings: list[SettingData]
    settings_unknown: str
    missing_roles: dict[str, list[str]]
    roles_not_checked: str
    refused: list[str]
    consents: dict[str, list[str]]


class PlanData(Effects):
    """What deploying would change."""

    stacks: list[StepData]
    findings: list[PlanFindingData]


def plan_as_data(plan: Plan, found: PlanFindings = NOTHING_FOUND) -> PlanData:
    """The plan as JSON can hold it, with the findings."""
    stacks = [step_as_data(step) for step in plan.steps]
    return {**effects_as_data(plan), "stacks": stacks, "findings": _findings_as_data(found)}


def effects_as_data(plan: Plan) -> Effects:
    """All of the plan but its stacks."""
    return {
        "local": plan.is_local,
        "against": plan.against or None,
        "first_deployment": plan.is_first,
        "access": _access_as_data(plan.access),
        "settings": [{"name": each.name, "before": each.before, "after": each.after} for each in plan.settings],
        "settings_unknown": plan.settings_unknown,
        "missing_roles": {str(each.dataset): [str(role) for role in each.roles] for each in plan.missing_roles},
        "roles_not_checked": plan.roles_not_checked,
        "refused": [step.name for step in plan.impossible],
        "consents": {str(each.consent): list(each.names) for each in needed_consents(plan)},
    }


def step_as_data(step: Step) -> StepData:
    """A step as JSON can hold it."""
    return {
        "stack": step.name,
        "dataset": str(step.dataset) if step.dataset else None,
        "action": str(step.action),
        "reason": step.reason,
        "next_step": step.next_step,
        "resources": None
        if step.how is None
        else [
            {"effect": str(each.effect), "resource": each.resource, "properties": list(each.properties)}
            for each in step.how
        ],
    }


def _access_as_data(changes: AccessChanges) -> AccessChangesData:
    return {
        "changes": [_change_as_data(change, plain(sentence_of_change(change, changes))) for change in changes.changes],
        "unknown": [
            {
                "dataset": str(each.dataset),
                "reason": each.reason,
                "after": [_facts_of(access) for access in each.after],
            }
            for each in changes.unknown
        ],
        "new_accounts": [
            {
                "account": str(new.account) if new.account else None,
                "where": new.where,
                "datasets": [str(dataset) for dataset in new.datasets],
            }
            for new in changes.new_accounts
        ],
        "mails": [_mail_as_data(change) for change in changes.mails],
        "marks": {str(mark): number for mark, number in changes.marks.items()},
        "lost": len(changes.lost),
        "count_before": changes.count_before,
    }


def _change_as_data(change: AccessChange, sentence: str) -> ChangeData:
    return {
        "kinds": [str(kind) for kind in change.kinds],
        "marks": [str(mark) for mark in change.marks],
        "sentence": sentence,
        "before": _facts_of(change.before) if change.before else None,
        "after": _facts_of(change.after) if change.after else None,
    }


def _mail_as_data(change: MailChange) -> MailData:
    return {
        "kind": str(change.kind),
        "marks": [str(mark) for mark in change.marks],
        "sentence": plain(sentence_of_mail(change)),
        "address": change.mail.address,
        "dataset": str(change.mail.dataset) if change.mail.dataset else None,
    }


def _facts_of(access: Access) -> AccessData:
    return {
        "dataset": str(access.dataset),
        "role": str(access.role),
        "principal": str(access.principal),
        "account": str(access.account) if access.account else None,
        "where": access.where,
        "read": access.reads,
        "write": access.writes,
        "key": access.key or None,
        "keeps_files": access.keeps if access.role is Role.MOVER else None,
        "last_day": access.last_day.isoformat() if access.last_day else None,
        "until": access.until.isoformat().replace("+00:00", "Z") if access.until else None,
        "paperwork": list(access.paperwork),
    }


def _findings_as_data(found: PlanFindings) -> list[PlanFindingData]:
    by_novelty = ((True, found.new), (False, found.known))
    return [{**finding_as_data(each), "new": is_new} for is_new, findings in by_novelty for each in findings]
