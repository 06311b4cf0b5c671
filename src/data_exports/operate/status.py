"""How every dataset stands: declared and deployed, what waits, what failed, what arrived.

In: an estate and an `Aws`. Out: a `Status`. Effects: reads AWS. What we may not read is a note, not an end.

Requests: one for each page of the account's stacks and of its roles; and for each push dataset, of which a hub holds at
most 100, two for its queues, one for what is in the hub, one for the last day's receipts and one for each file of them
(of all datasets together about `STATUS_RECEIPT_FILES` at most, the newest of each); two listings more where there was
none, and where a promised delivery is late, the receipts since its day began.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Literal, TypeVar

from data_exports.aws import AWS_EXCEPTIONS, Aws, reason_of
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Outcome, Receipt, moment_of
from data_exports.deploy.deployed import Deployed
from data_exports.deploy.plan.planning import Action, Plan, plan_deploy
from data_exports.deploy.remote import RoleLookup, check_account, read_deployed, read_missing_roles, read_stack
from data_exports.deploy.removal.buckets import read_kept_buckets
from data_exports.errors import ExportsError
from data_exports.estate.models import Dataset, Estate, Platform, PullDataset, PushDataset
from data_exports.names import FOUNDATION_STACK, HUB_STACK, DatasetName, RoleName
from data_exports.operate.cards import is_deployed_as_declared
from data_exports.operate.failing import TRIED_WITHIN, Failing, Outcomes, failing_of
from data_exports.operate.live_look import look_at_dataset, look_at_hub
from data_exports.operate.queues import QueueFigures, count_dead_letters, read_figures
from data_exports.operate.receipts import Period, list_receipt_days, list_receipt_files, read_receipts_in
from data_exports.operate.rights import NotAllowedError, is_sender, needing
from data_exports.parallel import map_ordered
from data_exports.stacks.code import mover_code
from data_exports.stacks.stack import Surroundings
from data_exports.text import age_words, ago_words, counted, moment_words

Read = TypeVar("Read")

STATUS_RECEIPT_FILES = 1_000
LONG_AGO_FILES = 10
"""Files of an earlier day that are looked through for the last delivery."""
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
class HubBacklog:
    """What lies in the hub under a dataset's prefix and has not left it yet."""

    files: int
    oldest: datetime | None
    is_partial: bool
    """Whether there is more than one listing holds, so that there may be older ones."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What arrived."""

    last: datetime | None
    day_files: int
    day_bytes: int
    is_partial: bool
    """Whether the last day has more receipts than were read, so that the figures are the least."""


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
    looked = map_ordered(partial(_with_look, aws, estate.platform), zip(wanted.datasets(), rows, strict=False))
    for number, (row, said) in enumerate(list(looked)):
        rows[number] = row
        notes += said
    standing = [push for push, row in zip(wanted.push_datasets, rows, strict=False) if row.is_deployed]
    look_at_rules = partial(look_at_hub, estate.platform, standing, aws)
    hub = _noted(notes, "the hub's rules", look_at_rules, senders_may=False) if standing else None
    if not datasets:
        rows += _noted(notes, "removed datasets' buckets", partial(_kept, estate, rows, aws)) or []
    shared = () if datasets or not plan else tuple(_shared(plan))
    is_sender = _asks_as_sender(estate.platform, datasets, aws, notes)
    if is_sender and plan is None:
        pushes = zip(rows, wanted.push_datasets, strict=True)
        rows = [_with_state_by_card(row, push, wanted.platform, aws) for row, push in pushes]
    for_operators = tuple(note.what for note in notes if is_sender and note.is_for_operators)
    rest = tuple(dict.fromkeys(str(note) for note in notes if not (is_sender and note.is_for_operators)))
    return Status(now, tuple(rows), shared, rest, for_operators, tuple(hub or ()))


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


def _with_look(aws: Aws, platform: Platform, each: tuple[Dataset, DatasetStatus]) -> tuple[DatasetStatus, list[_Note]]:
    """The row with what was changed by hand, and a note if we may not look."""
    dataset, row = each
    notes: list[_Note] = []
    if not row.is_deployed:
        return row, notes
    look = partial(look_at_dataset, platform, dataset, row.missing_roles, aws)
    found = _noted(notes, f"what {dataset.name} rests on", look, senders_may=False)
    return replace(row, amiss=tuple(found or ())), notes


def _shared(plan: Plan) -> Iterator[tuple[str, State]]:
    for step in plan.steps:
        if step.name in (FOUNDATION_STACK, HUB_STACK):
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
        waiting = _noted(notes, f"the hub's {push.prefix}", partial(_read_waiting, platform, push, aws))
    receipts = _noted(
        notes, f"the receipts of {push.name}", partial(_read_deliveries, platform, push, aws, now=now, budget=budget)
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


def _read_waiting(platform: Platform, push: PushDataset, aws: Aws) -> HubBacklog:
    hub = platform.hub_bucket
    with needing(aws, "s3:ListBucket", f"{hub}/{push.prefix}"):
        page = aws.client("s3").list_objects_v2(
            Bucket=str(hub), Prefix=str(push.prefix), ExpectedBucketOwner=str(platform.account)
        )
    entries = [entry for entry in page.get("Contents", []) if entry["Key"] != push.prefix]  # a console's empty folder
    oldest = min((entry["LastModified"] for entry in entries), default=None)
    return HubBacklog(len(entries), oldest, bool(page.get("IsTruncated")))


def _read_deliveries(
    platform: Platform, push: PushDataset, aws: Aws, *, now: datetime, budget: int
) -> tuple[Deliveries, Failing | None]:
    """What arrived, and what fails, by the last day's receipts."""
    s3, bucket, account = aws.client("s3"), platform.log_bucket, str(platform.account)
    with needing(aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(push.name)}"):
        day = Period(now - timedelta(days=1))
        files = list(list_receipt_files(s3, bucket, push.name, day, account=account))
        read = files[-budget:]
        delivered, outcomes = dict[tuple[str, str], Receipt](), Outcomes()
        for receipt in read_receipts_in(s3, bucket, read, account=account):
            outcomes.note(receipt)
            if receipt.outcome == Outcome.DELIVERED and day.holds(receipt):
                delivered[receipt.key, receipt.version_id] = receipt
        last = max((moment for each in delivered.values() if (moment := _moment(each))), default=None)
        if last is None:
            last = _last_before(platform, push, aws)
        if missed := push.missed(last, now):
            last = _last_since(platform, push, aws, missed.opens) or last
    size = sum(receipt.size_bytes or 0 for receipt in delivered.values())
    deliveries = Deliveries(last, len(delivered), size, is_partial=len(files) > len(read))
    return deliveries, failing_of(outcomes.being_tried(now - TRIED_WITHIN))


def _last_before(platform: Platform, push: PushDataset, aws: Aws) -> datetime | None:
    """The last delivery, when the last day has none: in the newest files of the last day that has any."""
    s3, account = aws.client("s3"), str(platform.account)
    days = list_receipt_days(s3, platform.log_bucket, push.name, account=account)
    if not days:
        return None
    since = datetime.combine(days[-1], datetime.min.time(), UTC)
    files = list(list_receipt_files(s3, platform.log_bucket, push.name, Period(since), account=account))
    receipts = read_receipts_in(s3, platform.log_bucket, files[-LONG_AGO_FILES:], account=account)
    delivered = (receipt for receipt in receipts if receipt.outcome == Outcome.DELIVERED)
    return max((moment for each in delivered if (moment := _moment(each))), default=None)


def _last_since(platform: Platform, push: PushDataset, aws: Aws, since: datetime) -> datetime | None:
    """A delivery since then, the newest: before a promise is said to be broken, every receipt since then is looked at.

    What fails leaves receipts, too, so that the newest files alone may hold no delivery.
    """
    s3, account = aws.client("s3"), str(platform.account)
    files = list(list_receipt_files(s3, platform.log_bucket, push.name, Period(since), account=account))
    receipts = read_receipts_in(s3, platform.log_bucket, reversed(files), account=account)
    delivered = (receipt for receipt in receipts if receipt.outcome == Outcome.DELIVERED)
    moments = (moment for receipt in delivered if (moment := _moment(receipt)) and moment >= since)
    return next(moments, None)


def _moment(receipt: Receipt) -> datetime | None:
    return moment_of(receipt.delivered_at) or moment_of(receipt.recorded_at)
