"""How every dataset stands: declared and deployed, what waits, what failed, what arrived.

In: an estate and an `Aws`. Out: a `Status`. Effects: reads AWS. What we may not read is a note, not an end.

Requests: one for each page of the account's stacks and of its roles; and for each push dataset, of which a hub holds at
most 100, two for its queues, one for what is in the hub, one for the last day's receipts and one for each file of them
(of all datasets together about `STATUS_RECEIPT_FILES` at most, the newest of each); two listings more where there was
none, and where a promised delivery is late, the receipts since its day began. Where the whole estate is asked for, one
for what the keeper is told; with evidence two, and one for each push dataset.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Literal, TypeVar

from data_exports.aws import AWS_EXCEPTIONS, Aws, reason_of
from data_exports.deploy.deployed import Deployed
from data_exports.deploy.evidence_keys import read_keys
from data_exports.deploy.plan.planning import Action, Plan, plan_deploy
from data_exports.deploy.remote import RoleLookup, check_account, read_deployed, read_missing_roles, read_stack
from data_exports.deploy.removal.buckets import read_kept_buckets
from data_exports.errors import ExportsError
from data_exports.estate.models import Dataset, Estate, Platform, PullDataset, PushDataset
from data_exports.names import FOUNDATION_STACK, DatasetName, RoleName
from data_exports.operate.cards import is_deployed_as_declared
from data_exports.operate.evidence_look import EvidenceStatus, look_at_evidence
from data_exports.operate.failing import Failing
from data_exports.operate.keeper_look import look_at_keeper
from data_exports.operate.live_look import MOST_POLICIES, look_at_dataset, look_at_hub
from data_exports.operate.queues import QueueFigures, count_dead_letters, read_figures
from data_exports.operate.rights import NotAllowedError, is_sender, needing
from data_exports.operate.traffic import LONG_AGO_FILES, Deliveries, HubBacklog, read_backlog, read_last_deliveries
from data_exports.parallel import map_ordered
from data_exports.stacks.code import mover_code
from data_exports.stacks.stack import Surroundings
from data_exports.text import age_words, ago_words, counted, moment_words

Read = TypeVar("Read")

STATUS_RECEIPT_FILES = 1_000
SOON = timedelta(days=30)
LATE = timedelta(minutes=15)
"""What waits longer than this deserves a look: the sweep should have found it."""

State = Literal[
    "as declared", "different", "not deployed", "not finished", "blocked", "not declared", "removed", "not known"
]
_STATES: dict[Action, State] = {
    Action.UNCHANGED: "as declared",
    Action.UPDATE: "different",
    Action.CREATE: "not deployed",
    Action.REPLACE: "not finished",
    Action.BLOCKED: "blocked",
    Action.DELETE: "not declared",
}


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """How one dataset stands. What is None is not known, or does not apply."""

    name: DatasetName
    kind: Literal["push", "pull", ""]
    state: State
    reason: str = ""
    """Why it is in this state, where CloudFormation or the plan says so."""
    expires: date | None = None
    missing_roles: tuple[RoleName, ...] = ()
    queues: QueueFigures | None = None
    waiting: HubBacklog | None = None
    """None with `keep_files`: delivered files stay there, too."""
    deliveries: Deliveries | None = None
    failing: Failing | None = None
    """What fails and is tried again; None when nothing is known to."""
    late_since: datetime | None = None
    """When a promised delivery should have come that has not; None when none is overdue."""
    amiss: tuple[str, ...] = ()
    """What somebody has changed in AWS that keeps access or delivery from working."""

    @property
    def is_deployed(self) -> bool:
        """Whether its stack has resources, as far as is known."""
        return self.state in ("as declared", "different")

    def concerns(self, now: datetime) -> tuple[str, ...]:
        """What somebody should look at."""
        return tuple(self._concerns(now))

    def _concerns(self, now: datetime) -> Iterator[str]:
        if self.state != "as declared":
            yield f"{self.state}: {self.reason}" if self.reason else self.state
        yield from (f"{each}: exports repair" for each in self.amiss)
        if self.queues and self.queues.dead_letters:
            yield f"{counted(self.queues.dead_letters, 'dead letter')}: exports failures {self.name}"
        if self.failing:
            yield f"{self.failing.words(now)}: exports failures {self.name}"
        if self.late_since:
            last = self.deliveries.last if self.deliveries else None
            came = f"the last delivery came {ago_words(last, now)}" if last else "no delivery is known"
            yield f"late since {moment_words(self.late_since)} UTC: {came}"
        explained = self.failing.files if self.failing else 0
        if self.waiting and self.waiting.files > explained and self.waiting.oldest and now - self.waiting.oldest > LATE:
            age = age_words((now - self.waiting.oldest).total_seconds())
            yield f"a file has waited {age}: exports failures {self.name} may tell why"
        if self.expires and self.expires < now.date():
            yield f"its access ended on {self.expires}"
        elif self.expires and self.expires - now.date() <= SOON:
            yield f"its access ends on {self.expires}"
        if self.missing_roles:
            yield f"no such role: {', '.join(self.missing_roles)}"


@dataclass(frozen=True, slots=True)
class Status:
    """How an estate stands."""

    at: datetime
    datasets: tuple[DatasetStatus, ...]
    shared: tuple[tuple[str, State], ...] = ()
    """The foundation's and the hub's stacks; none when only some datasets were asked for."""
    notes: tuple[str, ...] = ()
    """What could not be read, and why."""
    not_for_senders: tuple[str, ...] = ()
    """What was not looked at because one of the datasets' senders asks, and is not granted that."""
    amiss: tuple[str, ...] = ()
    """What somebody has changed in AWS at the hub that keeps files from being delivered."""
    left_out: str = ""
    """What was not looked at because it takes too long."""
    to_renew: tuple[str, ...] = ()
    """What the keeper lacks, which a deployment writes."""
    evidence: EvidenceStatus | None = None
    """How the log stands; None: there is none, only some datasets were asked for, or it is not known."""


@dataclass(frozen=True, slots=True)
class _Note:
    """Something that could not be read."""

    what: str
    why: str
    is_for_operators: bool = False
    """Whether AWS denies it, and senders are not granted it."""

    def __str__(self) -> str:
        return f"{self.what}: not known: {self.why}"


def status_of(estate: Estate, aws: Aws, datasets: Sequence[Dataset] = (), *, now: datetime | None = None) -> Status:
    """How these datasets stand, or all of the estate. Raises `AwsError` or `RefusedError` when nothing can be said."""
    check_account(aws, estate.platform)
    now = now or datetime.now(UTC)
    wanted = _only(estate, datasets) if datasets else estate
    notes: list[_Note] = []
    plan = _noted(notes, "what is deployed", partial(_read_plan, wanted, aws, datasets), senders_may=False)
    rows = [_row_of(dataset, plan) for dataset in wanted.datasets()]
    if plan and not datasets:
        rows += _removed(plan)
    budget = max(STATUS_RECEIPT_FILES // max(len(wanted.push_datasets), 1), LONG_AGO_FILES)
    told = list(
        map_ordered(
            lambda each: _with_traffic(*each, estate.platform, aws, now=now, budget=budget),
            zip(rows, wanted.push_datasets, strict=False),  # push datasets come first
        )
    )
    for _, said in told:
        notes += said
    rows[: len(told)] = [row for row, _ in told]
    policies = sum(len(dataset.users) for dataset in wanted.datasets())
    look = partial(_with_look, aws, estate.platform, is_small=policies <= MOST_POLICIES)
    looked = map_ordered(look, zip(wanted.datasets(), rows, strict=False))
    for number, (row, said) in enumerate(list(looked)):
        rows[number] = row
        notes += said
    standing = [push for push, row in zip(wanted.push_datasets, rows, strict=False) if row.is_deployed]
    look_at_rules = partial(look_at_hub, estate.platform, standing, aws)
    hub = _noted(notes, "the hub's rules", look_at_rules, senders_may=False) if standing else None
    if not datasets:
        rows += _noted(notes, "removed datasets' buckets", partial(_kept, estate, rows, aws)) or []
    shared = () if datasets or not plan else tuple(_shared(plan))
    keeper = None
    if (FOUNDATION_STACK, "as declared") in shared:
        promises = any(push.due for push in wanted.push_datasets)
        look_at = partial(look_at_keeper, estate.platform, aws, has_promises=promises, now=now)
        keeper = _noted(notes, "what the keeper is told", look_at)
    evidence = None
    if wanted.platform.evidence and not datasets:
        evidence = _noted(notes, "how the evidence stands", partial(_look_at_log, wanted, aws))
    is_sender = _asks_as_sender(estate.platform, datasets, aws, notes)
    if is_sender and plan is None:
        pushes = zip(rows, wanted.push_datasets, strict=True)
        rows = [_with_state_by_card(row, push, wanted.platform, aws) for row, push in pushes]
    for_operators = tuple(note.what for note in notes if is_sender and note.is_for_operators)
    rest = tuple(dict.fromkeys(str(note) for note in notes if not (is_sender and note.is_for_operators)))
    many = f"{policies} policies of users, which `exports drift` looks at" if policies > MOST_POLICIES else ""
    return Status(now, tuple(rows), shared, rest, for_operators, tuple(hub or ()), many, tuple(keeper or ()), evidence)


def _look_at_log(estate: Estate, aws: Aws) -> EvidenceStatus:
    platform = estate.platform
    return look_at_evidence(platform, estate.push_datasets, read_keys(platform.place.path.parent), aws)


def _with_state_by_card(row: DatasetStatus, push: PushDataset, platform: Platform, aws: Aws) -> DatasetStatus:
    """The row with what the card tells a sender of what is deployed, if there is one."""
    as_declared = is_deployed_as_declared(platform, push, aws)
    if as_declared is None:
        return row
    return replace(row, state="as declared" if as_declared else "different")


def _asks_as_sender(platform: Platform, datasets: Sequence[Dataset], aws: Aws, notes: Sequence[_Note]) -> bool:
    """Whether the caller is a sender of all these datasets, so that what is lacking is nothing amiss."""
    if not datasets or not any(note.is_for_operators for note in notes):
        return False
    _, arn = aws.caller()
    return all(isinstance(each, PushDataset) and is_sender(platform, each, arn) for each in datasets)


def _only(estate: Estate, datasets: Sequence[Dataset]) -> Estate:
    pushes = tuple(each for each in datasets if isinstance(each, PushDataset))
    return replace(
        estate,
        push_datasets=pushes,
        pull_datasets=tuple(each for each in datasets if isinstance(each, PullDataset)),
    )


def _read_plan(estate: Estate, aws: Aws, datasets: Sequence[Dataset]) -> Plan:
    """What deploying would do: the same answer as `exports plan`."""
    if datasets:
        with needing(aws, "cloudformation:DescribeStacks", "the stacks"):
            stacks = [read_stack(aws, dataset.stack_name) for dataset in datasets]
        deployed = Deployed(tuple(stack for stack in stacks if stack))
    else:
        deployed = read_deployed(aws)
    code = mover_code()
    users = {user for dataset in estate.datasets() for user in dataset.users}
    roles = read_missing_roles(aws, users) if users else RoleLookup()
    surroundings = Surroundings(code_key=code.key, missing_roles=roles.missing, require_tls=not aws.is_local)
    return plan_deploy(estate, deployed, surroundings, roles_not_checked=roles.not_checked)


def _row_of(dataset: Dataset, plan: Plan | None) -> DatasetStatus:
    kind: Literal["push", "pull"] = "push" if isinstance(dataset, PushDataset) else "pull"
    if plan is None:
        return DatasetStatus(dataset.name, kind, "not known", expires=dataset.expires)
    step = next(step for step in plan.steps if step.name == dataset.stack_name)
    missing = next((each.roles for each in plan.missing_roles if each.dataset == dataset.name), ())
    reason = step.reason or (step.deployed.status_reason if step.deployed else "")
    return DatasetStatus(dataset.name, kind, _STATES[step.action], reason, dataset.expires, missing)


def _removed(plan: Plan) -> Iterator[DatasetStatus]:
    for step in plan.deletions:
        if step.dataset:
            yield DatasetStatus(step.dataset, "", _STATES[step.action], f"the stack {step.name} is still there")


def _kept(estate: Estate, rows: Sequence[DatasetStatus], aws: Aws) -> list[DatasetStatus]:
    """A row for each removed pull dataset whose bucket is still there."""
    named = {row.name for row in rows}
    with needing(aws, "s3:ListAllMyBuckets and s3:GetBucketTagging", "the account's buckets"):
        kept = [each for each in read_kept_buckets(aws, estate) if each.dataset not in named]
    said = "its bucket {0.bucket} is kept: exports purge {0.dataset}"
    return [DatasetStatus(each.dataset, "pull", "removed", said.format(each)) for each in kept]


def _with_look(
    aws: Aws, platform: Platform, each: tuple[Dataset, DatasetStatus], *, is_small: bool
) -> tuple[DatasetStatus, list[_Note]]:
    """The row with what was changed by hand, and a note if we may not look."""
    dataset, row = each
    users = [user for user in dataset.users if is_small and user not in row.missing_roles]
    notes: list[_Note] = []
    if not row.is_deployed:
        return row, notes
    look = partial(look_at_dataset, platform, dataset, users, aws)
    found = _noted(notes, f"what {dataset.name} rests on", look, senders_may=False)
    return replace(row, amiss=tuple(found or ())), notes


def _shared(plan: Plan) -> Iterator[tuple[str, State]]:
    for step in plan.steps:
        if step.dataset is None and step.stack is not None:
            yield step.name, _STATES[step.action]


def _with_traffic(
    row: DatasetStatus, push: PushDataset, platform: Platform, aws: Aws, *, now: datetime, budget: int
) -> tuple[DatasetStatus, list[_Note]]:
    """The row with what goes on in the dataset, and notes on what could not be read."""
    notes: list[_Note] = []
    if row.state == "not deployed":
        return row, notes
    queues = _noted(notes, f"the queues of {push.name}", partial(_read_figures, platform, push, aws, notes))
    waiting = None
    if not push.keep_files:
        waiting = _noted(notes, f"the hub's {push.prefix}", partial(read_backlog, platform, push, aws))
    receipts = _noted(
        notes,
        f"the receipts of {push.name}",
        partial(read_last_deliveries, platform, push, aws, now=now, budget=budget),
    )
    deliveries, failing = receipts or (None, None)
    missed = push.missed(deliveries.last, now) if deliveries else None
    return replace(
        row,
        queues=queues,
        waiting=waiting,
        deliveries=deliveries,
        failing=failing,
        late_since=missed.at if missed else None,
    ), notes


def _noted(notes: list[_Note], what: str, read: Callable[[], Read], *, senders_may: bool = True) -> Read | None:
    """What is read, or None and a note why not."""
    try:
        return read()
    except (ExportsError, *AWS_EXCEPTIONS) as error:
        is_for_operators = not senders_may and isinstance(error, NotAllowedError)
        notes.append(_Note(what, reason_of(error), is_for_operators))
        return None


def _read_figures(platform: Platform, push: PushDataset, aws: Aws, notes: list[_Note]) -> QueueFigures:
    """What is in the queues, or of the dead letters alone, and a note why."""
    try:
        return read_figures(platform, push, aws)
    except NotAllowedError as error:
        dead_letters = count_dead_letters(platform, push, aws)
        notes.append(_Note(f"how much is in the queue of {push.name}", error.what, is_for_operators=True))
        return QueueFigures(None, None, dead_letters)
