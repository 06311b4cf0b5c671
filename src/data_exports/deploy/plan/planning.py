"""What deploying would do, as data: `plan` prints this very object, `deploy` carries it out.

In: an estate, what AWS has (`Deployed`), and the surroundings (which hold the missing roles). Out: a `Plan`: one
`StackStep` for each stack, in the order of work. Effects: none.

Order: the foundation, the access logs and the identity providers; the evidence; the datasets' stacks; the hub, whose
rules need every queue; then the stacks of removed datasets, whose rules the hub has lost by then.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from data_exports.access.changes import AccessChanges
from data_exports.deploy.deployed import DATASET_STACK_PREFIXES, PUSH_STACK_PREFIX, ROLLED_BACK, Deployed, DeployedStack
from data_exports.deploy.plan.audiences import MissingAudience, missing_audiences_of
from data_exports.deploy.plan.sftp_words import NO_SFTP_READERS, SFTP_PRICE
from data_exports.destinations.destination import Federation
from data_exports.estate.models import Dataset, Estate, PushDataset
from data_exports.json_values import json_as
from data_exports.names import HUB_STACK, SFTP_STACK, BucketName, DatasetName, RoleName
from data_exports.stacks.access_logs import access_logs_stack
from data_exports.stacks.comparison import ResourceChange
from data_exports.stacks.evidence import evidence_stacks
from data_exports.stacks.foundation import foundation_stack
from data_exports.stacks.hub import hub_stack
from data_exports.stacks.identity_providers import identity_providers_stack
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.push import push_stack
from data_exports.stacks.sftp import sftp_stack
from data_exports.stacks.stack import DATASET_TAG, Stack, Surroundings, Wave
from data_exports.stacks.users import split_roles

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-data-status-codes
_AS_DEPLOYED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
_NEVER_CREATED = frozenset({"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED"})
_WAY_OUT = {
    "UPDATE_ROLLBACK_FAILED": "repair what its events name, then `aws cloudformation continue-update-rollback`",
    "UPDATE_FAILED": "`aws cloudformation rollback-stack`, then deploy again",
    "ROLLBACK_FAILED": "delete the stack in CloudFormation, then deploy again",
}


class Action(StrEnum):
    """What is to be done with one stack."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    REPLACE = "replace"
    """Delete what a failed creation left (it holds no data), then create."""
    DELETE = "delete"
    BLOCKED = "blocked"
    """Nothing can be done before somebody, or something, else has finished or repaired it."""


@dataclass(frozen=True, slots=True)
class ExistingBucket:
    """A bucket that is there before the stack that is to hold it."""

    name: BucketName
    holds_data: bool
    """Any version or delete marker; True also where we may not look."""


class ExistingKind(StrEnum):
    """What can be there before the stack that is to hold it."""

    BUCKET = "bucket"
    ROLE = "role"
    FUNCTION = "function"
    LOG_GROUP = "log group"


@json_as("ours=is_ours holds_data lets_in loses_rules")
@dataclass(frozen=True, slots=True)
class Existing:
    """One thing that is there before the stack that is to hold it."""

    kind: ExistingKind
    name: str
    is_ours: bool = False
    """Whether an earlier stack of this estate left it, and nobody has given it a policy since."""
    holds_data: bool = False
    lets_in: tuple[str, ...] = ()
    """Whom the bucket's own policy, which will be replaced, allows anything."""
    loses_rules: tuple[str, ...] = ()
    """Prefixes whose notification rules go, and nothing declared takes their place."""

    @property
    def needs_consent(self) -> bool:
        """Whether adopting it changes what is not ours; a log group only gets its retention."""
        return not self.is_ours and self.kind is not ExistingKind.LOG_GROUP

    @property
    def in_words(self) -> str:
        """``the role export_orders-move``."""
        empty = "empty " if self.kind is ExistingKind.BUCKET and not self.holds_data else ""
        return f"the {empty}{self.kind} {self.name}"


@json_as("stack=name dataset action reason? next_step? resources=how audiences")
@dataclass(frozen=True, slots=True)
class StackStep:
    """What is to be done with one stack, and why."""

    action: Action
    name: str
    wave: Wave
    stack: Stack | None = None
    """As it should be; None when it is to be deleted."""
    deployed: DeployedStack | None = None
    """As it is; None when AWS has none."""
    dataset: DatasetName | None = None
    reason: str = ""
    next_step: str = ""
    takes_over: ExistingBucket | None = None
    """The pull dataset's bucket, when an earlier stack left it."""
    existing: tuple[Existing, ...] = ()
    """All that a stack which is to be created finds in place."""
    audiences: tuple[MissingAudience, ...] = ()
    """What the dataset's readers lack of identity providers outside our stack."""
    how: tuple[ResourceChange, ...] | None = None
    """What an update does to the stack's resources; empty when only metadata or tags change, None when not compared."""

    @property
    def is_change(self) -> bool:
        """Whether it would change something."""
        return self.action is not Action.BLOCKED and (self.action is not Action.UNCHANGED or bool(self.audiences))

    @property
    def is_impossible(self) -> bool:
        """Whether the declarations ask of this estate's own stack what no deployment can do: see `_contradiction`."""
        if self.action is not Action.BLOCKED or self.stack is None or self.deployed is None:
            return False
        return self.deployed.belongs_to(self.stack.hub) and any(_contradiction(self.stack, self.deployed))


@dataclass(frozen=True, slots=True)
class MissingRoles:
    """Users of one dataset whose roles do not exist; they get nothing until they do and `deploy` has run again."""

    dataset: DatasetName
    roles: tuple[RoleName, ...]


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting of ``exports.yaml`` that is another one than was deployed."""

    name: str
    before: object
    after: object
    """Both as JSON holds them; None where it is not set."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that deploying would do; `steps` in the order of work."""

    steps: tuple[StackStep, ...]
    compared: AccessChanges | None = None
    """Who gains, loses or keeps what; None before `effects` has found that out."""
    settings: tuple[SettingChange, ...] = ()
    """What the platform's settings change: whom a dataset may name, who is told, how long things are kept."""
    settings_unknown: str = ""
    """Why nobody can tell what the settings were; ``""`` when they are known, or there were none."""
    missing_roles: tuple[MissingRoles, ...] = ()
    roles_not_checked: str = ""
    """Why the users' roles could not be looked up; all of them are taken to exist then."""
    federation: Federation | None = None
    """Whether the account lets its movers prove who they are outside AWS; None where no destination needs it."""
    is_local: bool = False
    """Whether this is for a local AWS."""
    is_first: bool = False
    """Whether there is nothing to compare with: the estate has never been deployed as a whole."""
    against: str = ""
    """The git revision that is compared with, for people; ``""`` when that is what AWS has."""

    @property
    def access(self) -> AccessChanges:
        """Who gains, loses or keeps what. A plan is neither shown nor carried out before that is known."""
        if self.compared is None:
            raise AssertionError("what this plan changes in access has not been found out")
        return self.compared

    @property
    def changes(self) -> tuple[StackStep, ...]:
        """The steps that would change something."""
        return tuple(step for step in self.steps if step.is_change)

    def of_wave(self, wave: Wave) -> tuple[StackStep, ...]:
        """The steps of this wave, deletions left out."""
        return tuple(step for step in self.steps if step.wave is wave and step.action is not Action.DELETE)

    @property
    def impossible(self) -> tuple[StackStep, ...]:
        """What can never be carried out; then nothing is, for the rest would be half of what was meant."""
        return tuple(step for step in self.steps if step.is_impossible)

    @property
    def deletions(self) -> tuple[StackStep, ...]:
        """The stacks of removed datasets."""
        return tuple(step for step in self.steps if step.action is Action.DELETE)


def plan_deploy(estate: Estate, deployed: Deployed, surroundings: Surroundings, *, roles_not_checked: str = "") -> Plan:
    """What it takes to make AWS what the estate declares."""
    platform = estate.platform
    shared = [*first_stacks(estate, surroundings), *evidence_stacks(platform, require_tls=surroundings.require_tls)]
    datasets = [stack_of_dataset(estate, dataset, surroundings) for dataset in estate.datasets()]
    lacking = [missing_audiences_of(dataset, surroundings.providers) for dataset in estate.datasets()]
    dataset_steps = [
        replace(step_of(stack, deployed.find(stack.name)), audiences=audiences)
        for stack, audiences in zip(datasets, lacking, strict=True)
    ]
    with_queue = pushes_with_queue(estate, dataset_steps)
    removals = tuple(_removals([*datasets, *shared], deployed, hub=platform.hub_bucket))
    kept = kept_rules([*dataset_steps, *removals], with_queue, hub=platform.hub_bucket)
    hub = hub_stack(platform, with_queue, kept=kept, require_tls=surroundings.require_tls)
    steps = [*(step_of(stack, deployed.find(stack.name)) for stack in shared), *dataset_steps]
    steps += [step_of(hub, deployed.find(HUB_STACK)), *removals]
    return Plan(
        tuple(steps),
        missing_roles=tuple(_missing_roles(estate, surroundings)),
        roles_not_checked=roles_not_checked,
        is_local=not surroundings.require_tls,
        is_first=not _was_complete(deployed, hub=platform.hub_bucket),
    )


def first_stacks(estate: Estate, surroundings: Surroundings) -> Iterator[Stack]:
    """The shared stacks that come before those of datasets."""
    platform, require_tls = estate.platform, surroundings.require_tls
    yield foundation_stack(platform, require_tls=require_tls)
    yield access_logs_stack(platform, estate.pull_datasets, require_tls=require_tls)
    providers = identity_providers_stack(platform, estate.pull_datasets, surroundings.providers)
    server = sftp_stack(platform, estate.pull_datasets)
    yield from filter(None, (providers, server))


def _was_complete(deployed: Deployed, *, hub: str) -> bool:
    """Whether a deployment of the estate has come to its end before: the hub is the last stack that is made."""
    found = deployed.find(HUB_STACK)
    return found is not None and found.belongs_to(hub) and found.has_resources


def stack_of_dataset(estate: Estate, dataset: Dataset, surroundings: Surroundings) -> Stack:
    """The stack of a dataset of either kind."""
    if isinstance(dataset, PushDataset):
        return push_stack(estate.platform, dataset, surroundings)
    return pull_stack(estate.platform, dataset, surroundings)


def pushes_with_queue(
    estate: Estate, steps: Sequence[StackStep], created: Mapping[str, bool] | None = None
) -> tuple[PushDataset, ...]:
    """The push datasets whose queue exists by the time the hub is made.

    `created`: stack name → whether creating it went well, once that is known; until then it is expected to.
    """
    by_name = {step.name: step for step in steps}
    platform = estate.platform

    def has_queue(push: PushDataset) -> bool:
        step = by_name[push.stack_name]
        if step.action in (Action.CREATE, Action.REPLACE):
            return created is None or created.get(step.name, False)
        there = step.deployed
        is_its_own = there is not None and there.belongs_to(platform.hub_bucket) and there.dataset == push.name
        return there is not None and is_its_own and there.has_resources

    return tuple(push for push in estate.push_datasets if has_queue(push))


def kept_rules(steps: Iterable[StackStep], ready: Sequence[PushDataset], *, hub: str) -> tuple[DatasetName, ...]:
    """The datasets that nobody declares any more and whose stacks stay, because they are blocked: so do their rules.

    Their senders can still upload, and what they upload must not lie in the hub unheard.
    """
    stays = (
        step.deployed
        for step in steps
        if step.action is Action.BLOCKED and step.name.startswith(PUSH_STACK_PREFIX) and step.deployed
    )
    names = {stack.dataset for stack in stays if stack.belongs_to(hub) and stack.has_resources and stack.dataset}
    return tuple(sorted(names - {push.name for push in ready}))


def step_of_hub(plan: Plan, stack: Stack) -> StackStep:
    """The hub's step for another hub than the plan expected."""
    planned = next(step for step in plan.steps if step.name == HUB_STACK)
    return step_of(stack, planned.deployed)


def step_of(stack: Stack, deployed: DeployedStack | None) -> StackStep:
    """Compare one stack with what AWS has under its name."""
    action, reason, next_step = _compare(stack, deployed)
    if stack.name == SFTP_STACK and action in (Action.CREATE, Action.REPLACE):
        reason = "; ".join(filter(None, [reason, SFTP_PRICE]))
    return StackStep(action, stack.name, stack.wave, stack, deployed, stack.dataset, reason, next_step)


def _compare(stack: Stack, deployed: DeployedStack | None) -> tuple[Action, str, str]:
    """The action, its reason, and a next step where we cannot act."""
    if deployed is None:
        return Action.CREATE, "", ""
    if deployed.status == "REVIEW_IN_PROGRESS":  # has no resources, and no tags to tell whose it is
        return Action.REPLACE, "an earlier creation stopped before it began", ""
    obstacle, next_step = _obstacle(stack, deployed)
    if obstacle:
        return Action.BLOCKED, obstacle, next_step
    if deployed.status in _NEVER_CREATED:
        return Action.REPLACE, f"left by an earlier run: {deployed.status}", ""
    if deployed.was_rolled_back:  # its tags may be those of the change that failed: let CloudFormation compare
        return Action.UPDATE, "an earlier change was rolled back", ""
    unfinished = "an earlier run began to adopt what existed, and did not finish" if deployed.is_adopting else ""
    return (Action.UNCHANGED if _is_as_wanted(stack, deployed) else Action.UPDATE), unfinished, ""


def _obstacle(stack: Stack, deployed: DeployedStack) -> tuple[str, str]:
    """Why the stack can be neither created nor changed now, and what to do; two empty texts when it can."""
    status = deployed.status
    if not deployed.belongs_to(stack.hub):
        return _whose(stack, deployed)
    if deployed.is_in_progress:
        return f"CloudFormation is at work on it: {status}", "deploy again when it has finished"
    contradiction, way_out = _contradiction(stack, deployed)
    if contradiction:
        return contradiction, way_out
    if status in _AS_DEPLOYED | ROLLED_BACK | _NEVER_CREATED:
        return "", ""
    could_not_undo = "could not undo a failed change:" if status in _WAY_OUT else "reports"
    return f"CloudFormation {could_not_undo} {status}", _WAY_OUT.get(status, "look at the stack in CloudFormation")


def _contradiction(stack: Stack, deployed: DeployedStack) -> tuple[str, str]:
    """Why this stack can never become what is declared; and what to do. Two empty texts when it can."""
    if deployed.dataset not in (None, stack.dataset):
        return f"it is the stack of the dataset {deployed.dataset}", "remove that dataset, deploy, then add this one"
    if deployed.bucket and deployed.bucket not in stack.buckets:
        return (
            f"its bucket would become {stack.buckets[0]}, and the data in {deployed.bucket} would be left behind",
            "put platform.pull_bucket_prefix back; or remove the dataset, deploy, move the data, then add it again",
        )
    return "", ""


def _whose(stack: Stack, deployed: DeployedStack) -> tuple[str, str]:
    """Whose stack it is when it is not this estate's, and what to do."""
    if deployed.is_ours:
        return (
            f"belongs to the estate whose hub is {deployed.hub}; this estate's hub is {stack.hub}",
            "correct platform.hub_bucket, or deploy this estate to another account or region",
        )
    strange = deployed.strange_dataset
    why = f": its tag {DATASET_TAG} is {strange!r}, which is no dataset's name" if strange else ""
    return f"a stack of this name exists and is not ours{why}", "rename or delete that stack"


def _is_as_wanted(stack: Stack, deployed: DeployedStack) -> bool:
    """Same template, and every tag of ours in place; tags that others added do not count."""
    return deployed.digest == stack.digest and set(stack.tags) <= set(deployed.tags)


def removal_of(stack: DeployedStack) -> StackStep:
    """The step that deletes the stack of a dataset which is no longer declared, or the SFTP server's."""
    busy = stack.is_in_progress
    is_server = stack.name == SFTP_STACK
    why = NO_SFTP_READERS if is_server else "no longer declared"
    return StackStep(
        Action.BLOCKED if busy else Action.DELETE,
        stack.name,
        Wave.FOUNDATION if is_server else Wave.DATASETS,
        deployed=stack,
        dataset=stack.dataset,
        reason=f"CloudFormation is at work on it: {stack.status}" if busy else why,
        next_step="deploy again when it has finished" if busy else "",
    )


def _removals(wanted: Sequence[Stack], deployed: Deployed, *, hub: str) -> Iterator[StackStep]:
    """What this estate no longer needs, the SFTP server last; another estate's stacks are none of our business."""
    names = {stack.name for stack in wanted}
    for stack in sorted(deployed.stacks, key=lambda each: each.name == SFTP_STACK):
        is_removable = stack.name.startswith(DATASET_STACK_PREFIXES) or stack.name == SFTP_STACK
        if is_removable and stack.name not in names and stack.belongs_to(hub):
            yield removal_of(stack)


def _missing_roles(estate: Estate, surroundings: Surroundings) -> Iterator[MissingRoles]:
    for dataset in estate.datasets():
        _, missing = split_roles(dataset, surroundings)
        if missing:
            yield MissingRoles(dataset.name, missing)
