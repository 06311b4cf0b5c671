"""What differs in AWS from what was deployed: every stack of the estate looked at.

In: an `Estate` (its platform, and which datasets must be there) and an `Aws`. Out: a `DriftReport`. Effects: reads; has
CloudFormation look for drift. What was deployed is read from the stacks' own templates, so that a declaration which
waits for its deployment is no drift.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from data_exports.aws import AWS_EXCEPTIONS, Aws, reason_of
from data_exports.deploy.apply.change_sets import work_on
from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.drift.buckets import check_buckets
from data_exports.deploy.drift.deployed import DeployedTemplate, read_template
from data_exports.deploy.drift.detection import check_by_cloudformation
from data_exports.deploy.drift.difference import DEPLOY, ByHand, DifferenceKind, LiveDifference, Redeploy, Repair
from data_exports.deploy.drift.inline_code import check_inline_code
from data_exports.deploy.drift.movers import check_movers
from data_exports.deploy.drift.providers import NeededAudience, check_provider, needed_audiences_of
from data_exports.deploy.drift.recorded import RecordedLook, looks_at_recorded
from data_exports.deploy.drift.roles import check_roles, check_undeclared_access, policies_given_by
from data_exports.deploy.drift.sftp import check_sftp, check_undeclared_users, sftp_users_in
from data_exports.deploy.evidence_keys import OTHER_KEY_NEXT, said_of_deployed_key
from data_exports.deploy.remote import check_account, read_deployed
from data_exports.errors import ExportsError
from data_exports.estate.models import Estate, Platform
from data_exports.evidence.notes import KEYS_FILE
from data_exports.json_values import json_as
from data_exports.names import ACCESS_LOGS_STACK, EVIDENCE_STACK, FOUNDATION_STACK, HUB_STACK, SFTP_STACK
from data_exports.parallel import map_ordered
from data_exports.stacks.stack import DATASET_TAG, HUB_TAG


@json_as("stack=where what")
@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One difference, or one reason why we could not look."""

    where: str
    """A stack; ``users' roles`` for what no stack put there."""
    what: str
    repair: Repair | None = field(default=None, compare=False)
    """What puts it back; None for what could not be looked at."""
    returns_access: bool = field(default=False, compare=False)
    kind: DifferenceKind | None = field(default=None, compare=False)
    """None for what could not be looked at."""


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All that was found."""

    drifts: tuple[Drift, ...]
    not_checked: tuple[Drift, ...]
    """What could not be looked at, and why."""
    stacks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Looked:
    """What looking at one stack, or one role, brought."""

    drifts: tuple[Drift, ...] = ()
    not_checked: tuple[Drift, ...] = ()
    template: DeployedTemplate | None = None


Brought = TypeVar("Brought")
USERS_ROLES = "users' roles"


def read_drift(estate: Estate, aws: Aws, *, counted: Callable[[int, int], None]) -> DriftReport:
    """Look at every stack of the estate, and at the roles of its users; `counted` hears how many of how many stacks.

    Raises `RefusedError` when the credentials are of another account, `AwsError` when AWS cannot be asked at all; what
    cannot be looked at alone is in the report.
    """
    began = time.monotonic()
    platform = estate.platform
    check_account(aws, platform)
    deployed = read_deployed(aws)
    stacks = [stack for stack in deployed.stacks if stack.belongs_to(platform.hub_bucket)]
    looked = list(_look_at_all(aws, platform, stacks, counted=counted))
    looked += [*_look_at_roles(aws, platform, looked), *_look_at_sftp_users(aws, stacks, looked)]
    looked += _look_at_providers(aws, platform, looked)
    looked += _look_at_key(aws, platform, stacks)
    looked += _look_at_what_is_recorded(aws, estate, [each.template for each in looked if each.template])
    drifts = [*_missing_stacks(estate, deployed), *(drift for each in looked for drift in each.drifts)]
    not_checked = [drift for each in looked for drift in each.not_checked]
    return DriftReport(tuple(sorted(drifts)), tuple(sorted(not_checked)), len(stacks), time.monotonic() - began)


def _look_at_all(
    aws: Aws, platform: Platform, stacks: Sequence[DeployedStack], *, counted: Callable[[int, int], None]
) -> Iterator[_Looked]:
    """Look at the stacks, several at once. On Ctrl-C those that wait for CloudFormation stop waiting."""
    poll_seconds, stop = work_on(aws, platform).poll_seconds, threading.Event()
    try:
        looked = map_ordered(lambda stack: _look_at(aws, platform, stack, poll_seconds, stop), stacks)
        for count, each in enumerate(looked, start=1):
            counted(count, len(stacks))
            yield each
    finally:
        stop.set()


def _look_at(aws: Aws, platform: Platform, stack: DeployedStack, poll_seconds: float, stop: threading.Event) -> _Looked:
    if stack.is_in_progress:
        return _Looked(not_checked=(Drift(stack.name, f"CloudFormation is at work on it: {stack.status}"),))
    if not stack.has_resources:
        said = f"its resources are not all there: {stack.status}"
        return _Looked((Drift(stack.name, said, DEPLOY, kind=DifferenceKind.STACK_WITHOUT_RESOURCES),))
    try:
        template = read_template(aws, stack)
    except AWS_EXCEPTIONS as error:
        return _Looked(not_checked=(Drift(stack.name, f"its template: {reason_of(error)}"),))
    drifts = [_drift(stack.name, each) for each in _drift_of_stack(template, platform)]
    not_checked: list[Drift] = []
    looks: Mapping[str, Callable[[], Iterator[LiveDifference]]] = {
        "its buckets": lambda: check_buckets(aws, template),
        "its roles": lambda: check_roles(aws, template),
        "its queues, functions and alarms": lambda: check_movers(aws, template),
        "its SFTP server and users": lambda: check_sftp(aws, template),
        "the code in its template": lambda: check_inline_code(aws, template),
        "the rest of it": lambda: check_by_cloudformation(aws, stack, poll_seconds=poll_seconds, stop=stop),
    }
    for what, look in looks.items():
        found, refusal = _heard(look)
        drifts += [_drift(stack.name, each) for each in found]
        if refusal:
            not_checked.append(Drift(stack.name, f"{what}: {refusal}"))
    return _Looked(tuple(drifts), tuple(not_checked), template)


def _drift(where: str, difference: LiveDifference) -> Drift:
    return Drift(where, difference.what, difference.repair, difference.returns_access, difference.kind)


def _drift_of_stack(template: DeployedTemplate, platform: Platform) -> Iterator[LiveDifference]:
    """What somebody else has done to the stack itself."""
    stack = template.stack
    if stack.status.endswith("_FAILED"):
        yield LiveDifference(DifferenceKind.STACK_FAILED, f"CloudFormation reports {stack.status}", DEPLOY)
    if stack.was_rolled_back:  # its tags may be those of the change that failed
        return
    if stack.is_adopting:
        yield LiveDifference(
            DifferenceKind.STACK_ADOPTING,
            "it has begun to adopt what existed, and has not finished: deploy again",
            DEPLOY,
        )
    if not template.is_ours:
        yield LiveDifference(DifferenceKind.TEMPLATE, "its template was changed by somebody else", Redeploy())
    tags, wanted = dict(stack.tags), {**template.tags, HUB_TAG: str(platform.hub_bucket)}
    if stack.dataset:
        wanted[DATASET_TAG] = str(stack.dataset)
    for key, value in sorted(wanted.items()):
        if tags.get(key) != value:
            yield LiveDifference(
                DifferenceKind.STACK_TAG, f"its tag {key} is {tags.get(key, 'gone')}, deployed as {value}", Redeploy()
            )


def _missing_stacks(estate: Estate, deployed: Deployed) -> Iterator[Drift]:
    """Stacks that the estate needs and AWS does not have."""
    for name in (
        FOUNDATION_STACK,
        ACCESS_LOGS_STACK,
        HUB_STACK,
        *((EVIDENCE_STACK,) if estate.platform.evidence else ()),
        *([SFTP_STACK] if any(pull.sftp_readers for pull in estate.pull_datasets) else []),
        *(dataset.stack_name for dataset in estate.datasets()),
    ):
        if not deployed.find(name):
            yield Drift(name, "it is declared, and its stack is not there", DEPLOY, kind=DifferenceKind.STACK_GONE)


def _look_at_roles(aws: Aws, platform: Platform, looked: Iterable[_Looked]) -> list[_Looked]:
    """Look for policies on the users' roles that reach our buckets and are none of ours."""
    ours: dict[str, set[str]] = defaultdict(set)
    for each in looked:
        for role, policy in policies_given_by(each.template) if each.template else ():
            ours[role].add(policy)

    def look_at(role: str) -> _Looked:
        found, refusal = _heard(lambda: check_undeclared_access(aws, platform, role, ours=ours[role]))
        return _Looked(
            tuple(_drift(USERS_ROLES, each) for each in found),
            (Drift(USERS_ROLES, f"the role {role}: {refusal}"),) if refusal else (),
        )

    return list(map_ordered(look_at, sorted(ours)))


def _look_at_providers(aws: Aws, platform: Platform, looked: Iterable[_Looked]) -> list[_Looked]:
    """Look at the identity providers that readers rely on."""
    by_arn: dict[str, list[NeededAudience]] = defaultdict(list)
    for needed in needed_audiences_of(platform.account, [each.template for each in looked if each.template]):
        by_arn[needed.arn].append(needed)

    def look_at(arn: str) -> _Looked:
        found, refusal = _heard(lambda: check_provider(aws, arn, by_arn[arn]))
        said = Drift(by_arn[arn][0].stack, f"the identity provider {arn}: {refusal}")
        return _Looked(tuple(_drift(*each) for each in found), (said,) if refusal else ())

    return list(map_ordered(look_at, sorted(by_arn)))


def _look_at_key(aws: Aws, platform: Platform, stacks: Iterable[DeployedStack]) -> list[_Looked]:
    """Look whether the estate keeps the key that signs the evidence; where it keeps none yet, none is another."""
    folder = platform.place.path.parent
    if not (folder / KEYS_FILE).exists() or all(stack.name != EVIDENCE_STACK for stack in stacks):
        return []

    def look() -> Iterator[LiveDifference]:
        if said := said_of_deployed_key(folder, platform, aws):
            yield LiveDifference(DifferenceKind.EVIDENCE_KEY, said, ByHand(OTHER_KEY_NEXT))

    found, refusal = _heard(look)
    drifts = tuple(_drift(EVIDENCE_STACK, each) for each in found)
    return [_Looked(drifts, (Drift(EVIDENCE_STACK, f"its key: {refusal}"),) if refusal else ())]


def _look_at_sftp_users(aws: Aws, stacks: Iterable[DeployedStack], looked: Sequence[_Looked]) -> list[_Looked]:
    """Look for users of the SFTP server that no stack has made; where a template is not known, its users are not."""
    if not any(stack.name == SFTP_STACK for stack in stacks) or any(each.template is None for each in looked):
        return []
    ours = {user for each in looked if each.template for user in sftp_users_in(each.template)}
    found, refusal = _heard(lambda: check_undeclared_users(aws, ours=ours))
    drifts = tuple(_drift(SFTP_STACK, each) for each in found)
    return [_Looked(drifts, (Drift(SFTP_STACK, f"its users: {refusal}"),) if refusal else ())]


def _look_at_what_is_recorded(aws: Aws, declared: Estate, templates: Sequence[DeployedTemplate]) -> list[_Looked]:
    """Look at what deployments write to the log bucket."""

    def look_at(each: RecordedLook) -> _Looked:
        found, refusal = _heard(each.look)
        drifts = tuple(_drift(each.where, difference) for difference in found)
        return _Looked(drifts, (Drift(each.where, f"{each.what}: {refusal}"),) if refusal else ())

    looks = looks_at_recorded(aws, declared, templates, today=datetime.now(UTC).date())
    return list(map_ordered(look_at, looks))


def _heard(look: Callable[[], Iterator[Brought]]) -> tuple[list[Brought], str]:
    """All that a look brings, and what stopped it, if anything did."""
    found: list[Brought] = []
    try:
        found.extend(look())
    except (*AWS_EXCEPTIONS, ExportsError) as error:
        return found, reason_of(error)
    return found, ""
