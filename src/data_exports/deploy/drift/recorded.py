"""What deployments write to the log bucket, compared with what the templates were made from.

In: an `Aws`, the declared estate, the templates of all stacks, and the day. Out: looks, each of which brings
differences. Effects: reads the cards of push datasets, what the keeper is told, the recorded ids of roles, and from IAM
the ids of the users' roles.

Of a card it is compared what it means: one of another version may hold more. What the keeper is told is compared value
by value, the recorded ids with IAM.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from data_exports.aws import Aws, call_or_none
from data_exports.contract.keys import card_key_of
from data_exports.deploy.apply.role_ids import ROLE_IDS_KEY, names_in, request_to_add
from data_exports.deploy.deployed import DATASET_STACK_PREFIXES, PUSH_STACK_PREFIX
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.difference import DEPLOY, ByHand, DifferenceKind, LiveDifference, Repair, call
from data_exports.deploy.drift.roles import policies_given_by
from data_exports.deploy.remote import read_stored
from data_exports.errors import ExportsError
from data_exports.estate.models import Estate, Platform
from data_exports.names import FOUNDATION_STACK, KEEPER, KEEPER_SETTINGS, DatasetName
from data_exports.parallel import map_ordered
from data_exports.stacks.card import UnreadableCardError, card_of, estate_of_card
from data_exports.stacks.keeper_settings import (
    HORIZON_YEARS,
    horizon_in,
    keeper_settings_of,
    said_of_lost_settings,
    year_of,
)
from data_exports.stacks.written import DeployedEstate, deployed_estate

SHOWN_NAMES = 8


@dataclass(frozen=True, slots=True)
class RecordedLook:
    """One thing to look at: of which stack it is, what it is, and the look, which raises botocore's exceptions."""

    where: str
    what: str
    look: Callable[[], Iterator[LiveDifference]]


@dataclass(frozen=True, slots=True)
class _Log:
    """The log bucket, and what stands in it as far as the stacks tell."""

    aws: Aws
    platform: Platform
    deployed: DeployedEstate

    def read(self, key: str) -> bytes | None:
        return read_stored(self.aws, self.platform.log_bucket, key, account=str(self.platform.account))

    def get(self, key: str) -> Any:
        bucket, owner, s3 = str(self.platform.log_bucket), str(self.platform.account), self.aws.client("s3")
        return call_or_none(lambda: s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner))

    def put(self, key: str, body: str) -> Repair:
        where = {"Bucket": str(self.platform.log_bucket), "ExpectedBucketOwner": str(self.platform.account)}
        return call("s3", "put_object", **where, Key=key, Body=body, ContentType="application/json")


def looks_at_recorded(
    aws: Aws, declared: Estate, templates: Sequence[DeployedTemplate], *, today: date
) -> Iterator[RecordedLook]:
    """What there is to look at: nothing before a deployment has made the keeper, since till then none recorded it.

    Of `declared` the platform counts, and the names: a dataset may wait for its stack.
    """
    foundation = next((each for each in templates if each.stack.name == FOUNDATION_STACK), None)
    functions = foundation.resources("AWS::Lambda::Function") if foundation else ()
    if not foundation or all(each.get("FunctionName") != KEEPER for _, each in functions):
        return
    named = [
        (each.stack.dataset, each.stack.name.startswith(PUSH_STACK_PREFIX), each)
        for each in templates
        if each.stack.dataset and each.stack.name.startswith(DATASET_STACK_PREFIXES)
    ]
    told = deployed_estate(foundation.body, [(name, is_push, each.body) for name, is_push, each in named])
    log = _Log(aws, declared.platform, told)
    unread = [each.stack.name for name, _, each in named if name in told.unread]
    for where in unread if told.estate else [FOUNDATION_STACK, *unread]:
        yield RecordedLook(where, "what was declared", _compare_with_nothing)
    for name, is_push, template in named:
        if is_push:
            yield RecordedLook(template.stack.name, "its card", partial(_look_at_card, log, name))
    names = {str(each.name) for each in declared.datasets()}
    look_at_settings = partial(_look_at_keeper_settings, log, [name for name, *_ in named], names, today)
    yield RecordedLook(FOUNDATION_STACK, "what the keeper is told", look_at_settings)
    roles = sorted({role for each in templates for role, _ in policies_given_by(each)})
    if roles:
        yield RecordedLook(FOUNDATION_STACK, "the recorded ids of roles", partial(_look_at_role_ids, log, roles))


def _compare_with_nothing() -> Iterator[LiveDifference]:
    raise ExportsError("its template does not tell, so what deployments recorded of it is compared with nothing")


def _look_at_card(log: _Log, name: DatasetName) -> Iterator[LiveDifference]:
    key = card_key_of(name)
    repair: Repair = DEPLOY
    wanted: Estate | None = None
    estate = log.deployed.estate
    push = next((each for each in estate.push_datasets if each.name == name), None) if estate else None
    if estate and push:
        text = card_of(estate.platform, push)
        repair, wanted = log.put(key, text), estate_of_card(text, name)
    of = "its card, from which senders without a clone know it,"
    found = log.read(key)
    if found is None:
        yield LiveDifference(DifferenceKind.CARD, f"{of} is gone", repair)
        return
    try:
        told = estate_of_card(found.decode(), name)
    except (UnreadableCardError, UnicodeDecodeError):
        yield LiveDifference(DifferenceKind.CARD, f"{of} is not as a deployment writes it", repair)
        return
    if wanted and told != wanted:
        yield LiveDifference(DifferenceKind.CARD, f"{of} does not tell what was deployed", repair)


def _look_at_keeper_settings(
    log: _Log, names: Sequence[DatasetName], declared: Collection[str], today: date
) -> Iterator[LiveDifference]:
    found = log.read(KEEPER_SETTINGS)
    horizon = None if found is None else horizon_in(found)
    year = (year_of(horizon, today) if horizon else None) or today.year
    there = _Told.of(found) if found and horizon else None
    wanted, repair = _as_deployed(log, year, today)
    if there is None or (wanted and there.rest != wanted.rest):
        yield LiveDifference(DifferenceKind.KEEPER_SETTINGS, said_of_lost_settings(found), repair)
        return
    compared = wanted.by_name if wanted else {}
    lacking = [
        name
        for name in names
        if name not in there.by_name or there.by_name[name] != compared.get(name, there.by_name[name])
    ]
    if lacking:
        what = f"what the keeper is told of {_some(lacking)} is not what was deployed"
        yield LiveDifference(DifferenceKind.KEEPER_SETTINGS, what, repair)
    added = [*there.by_name.keys() - {*declared, *map(str, names)}, *there.strange]
    if added:
        what = f"what the keeper is told also holds what no deployment writes: {_some(added)}"
        yield LiveDifference(DifferenceKind.KEEPER_SETTINGS, what, repair)


def _as_deployed(log: _Log, year: int, today: date) -> tuple["_Told | None", Repair]:
    """What a deployment of that year told the keeper, as far as the stacks tell, and what puts it back.

    What has run out by now is not put back, but what a deployment writes today.
    """
    if log.deployed.estate is None:
        return None, DEPLOY
    estate, lasts = log.deployed.estate, date(year + HORIZON_YEARS, 1, 1) > today
    text = keeper_settings_of(estate, date(year, 1, 1))
    put = log.put(KEEPER_SETTINGS, text if lasts else keeper_settings_of(estate, today))
    return _Told.of(text), DEPLOY if log.deployed.unread else put


@dataclass(frozen=True, slots=True)
class _Told:
    """What the keeper is told: by dataset, of none, and entries that no deployment writes."""

    by_name: Mapping[str, Any]
    rest: Mapping[str, Any]
    strange: Sequence[str]

    @classmethod
    def of(cls, settings: str | bytes) -> "_Told | None":
        """None when there is no list of datasets."""
        told = json.loads(settings)
        listed = told.pop("datasets", None)
        if not isinstance(listed, list):
            return None
        named = [each for each in listed if isinstance(each, dict) and isinstance(each.get("name"), str)]
        counts = Counter(each["name"] for each in named)
        strange = [f"{name} {count} times" for name, count in counts.items() if count > 1]
        if len(named) < len(listed):
            strange.append(f"entries without a name ({len(listed) - len(named)})")
        return cls({each["name"]: each for each in named}, told, strange)


def _look_at_role_ids(log: _Log, roles: Sequence[str]) -> Iterator[LiveDifference]:
    lost = "once a role is made again, whose its uploads were is not known"
    iam = log.aws.client("iam")
    asked = map_ordered(lambda role: call_or_none(lambda: str(iam.get_role(RoleName=role)["Role"]["RoleId"])), roles)
    ids = {identifier: role for identifier, role in zip(list(asked), roles, strict=True) if identifier}
    found = log.get(ROLE_IDS_KEY)
    recorded = names_in(found["Body"].read() if found else b"{}")
    if recorded is None:
        what = f"the recorded ids of users' roles ({ROLE_IDS_KEY}) are not as a deployment writes them: {lost}"
        next_step = "put back what a deployment wrote there, or move it away; then `exports deploy`"
        yield LiveDifference(DifferenceKind.ROLE_IDS, what, ByHand(next_step))
        return
    lacking = sorted(role for identifier, role in ids.items() if recorded.get(identifier) != role)
    if lacking:
        put = call("s3", "put_object", **request_to_add(log.platform, {**recorded, **ids}, found))
        what = f"the ids of the roles {_some(lacking)} are not recorded: {lost}"
        yield LiveDifference(DifferenceKind.ROLE_IDS, what, put)


def _some(names: Iterable[str]) -> str:
    ordered = sorted(map(str, names))
    more = len(ordered) - SHOWN_NAMES
    return ", ".join(ordered[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
