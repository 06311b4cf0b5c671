"""A plan for programs: what ``plan --json`` prints, what a plan file keeps, and what two plans are compared by.

In: a `Plan`, and the findings about the declarations. Out: values for JSON. Effects: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_exports.access.changes import AccessChange, AccessChanges
from data_exports.access.mails import MailChange
from data_exports.access.sentences import plain, sentence_of_change, sentence_of_mail
from data_exports.deploy.plan.consents import needed_consents, refusals_of
from data_exports.deploy.plan.planning import Plan
from data_exports.estate.findings import Finding
from data_exports.json_values import json_as


@dataclass(frozen=True, slots=True)
class PlanFindings:
    """What was found in the declarations; `known` are the findings that the revision compared with had as well."""

    new: tuple[Finding, ...] = ()
    known: tuple[Finding, ...] = ()


NOTHING_FOUND = PlanFindings()


@json_as("kinds=change.kinds marks=change.marks sentence before=change.before after=change.after")
@dataclass(frozen=True, slots=True)
class ChangeData:
    """An access that somebody gains, loses, or has otherwise than before."""

    change: AccessChange
    sentence: str


@json_as("kind=change.kind marks=change.marks sentence address=change.mail.address dataset=change.mail.dataset")
@dataclass(frozen=True, slots=True)
class MailData:
    """An address that is told of failures from now on, or no longer."""

    change: MailChange
    sentence: str


@json_as(
    "changes unknown=whole.unknown new_accounts=whole.new_accounts mails marks=whole.marks lost",
    "count_before=whole.count_before",
)
@dataclass(frozen=True, slots=True)
class AccessChangesData:
    """What changes of who can get at what."""

    whole: AccessChanges
    changes: Sequence[ChangeData]
    mails: Sequence[MailData]
    lost: int


@dataclass(frozen=True, slots=True)
class Effects:
    """What deploying changes, but for the stacks."""

    plan: Plan

    @property
    def access(self) -> AccessChangesData:
        """Who gains, loses or keeps what, each in a sentence, too."""
        all_of_it = self.plan.access
        changes = [ChangeData(each, plain(sentence_of_change(each, all_of_it))) for each in all_of_it.changes]
        mails = [MailData(each, plain(sentence_of_mail(each))) for each in all_of_it.mails]
        return AccessChangesData(all_of_it, changes, mails, len(all_of_it.lost))

    @property
    def missing_roles(self) -> Mapping[str, Sequence[str]]:
        """By dataset, the users' roles that do not exist."""
        return {each.dataset: each.roles for each in self.plan.missing_roles}

    @property
    def refused(self) -> Sequence[str]:
        """What can never be carried out: stacks, or what of the account stands against it."""
        return [each.name for each in refusals_of(self.plan)]

    @property
    def consents(self) -> Mapping[str, Sequence[str]]:
        """What has to be consented to, and for what."""
        return {each.consent: each.names for each in needed_consents(self.plan)}


EFFECTS = """
    local=plan.is_local against?=plan.against first_deployment=plan.is_first access settings=plan.settings
    settings_unknown?=plan.settings_unknown missing_roles roles_not_checked?=plan.roles_not_checked
    federation=plan.federation refused consents
"""


@json_as("*finding new")
@dataclass(frozen=True, slots=True)
class PlanFindingData:
    """A finding, and whether the revision compared with did not have it."""

    finding: Finding
    new: bool


@json_as(EFFECTS, "stacks=plan.steps findings")
@dataclass(frozen=True, slots=True)
class PlanData(Effects):
    """What deploying would change."""

    findings: Sequence[PlanFindingData]


def plan_as_data(plan: Plan, found: PlanFindings = NOTHING_FOUND) -> PlanData:
    """The plan as JSON has it, with the findings."""
    by_novelty = ((True, found.new), (False, found.known))
    return PlanData(plan, [PlanFindingData(each, is_new) for is_new, some in by_novelty for each in some])
