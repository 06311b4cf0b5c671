"""What deployments write to the log bucket, compared with what the templates were made from.

In: an `Aws`, the platform, and the templates of all stacks. Out: looks, each of which brings differences. Effects:
reads the cards of push datasets, what the keeper is told, the recorded ids of roles, and the users' roles.

A card or settings of another version may hold more; what they mean is compared, not their text.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from data_exports.aws import Aws, call_or_none
from data_exports.contract.keys import card_key_of
from data_exports.deploy.apply.role_ids import ROLE_IDS_KEY, names_in, role_ids_text
from data_exports.deploy.deployed import DATASET_STACK_PREFIXES, PUSH_STACK_PREFIX
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.difference import DEPLOY, ByHand, DifferenceKind, LiveDifference, Repair, call
from data_exports.deploy.drift.roles import policies_given_by
from data_exports.deploy.remote import read_stored
from data_exports.estate.models import Estate, Platform
from data_exports.names import FOUNDATION_STACK, KEEPER, KEEPER_SETTINGS, DatasetName
from data_exports.parallel import map_ordered
from data_exports.stacks.card import UnreadableCardError, card_of, estate_of_card
from data_exports.stacks.keeper_settings import horizon_in, keeper_settings_of
from data_exports.stacks.written import deployed_estate

SHOWN_NAMES = 8
_HORIZON_YEARS = 2
"""Due moments are known up to the beginning of the year after the next (`data_exports.stacks.keeper_settings`)."""


@dataclass(frozen=True, slots=True)
class RecordedLook:
    """One thing to look at: of which stack it is, what it is, and the look, which raises botocore's exceptions."""

    where: str
    what: str
    look: Callable[[], Iterator[LiveDifference]]


@dataclass(frozen=True, slots=True)
class _Log:
    """The log bucket, and what stands in it if the stacks tell."""

    aws: Aws
    platform: Platform
    deployed: Estate | None

    def read(self, key: str) -> bytes | None:
        return read_stored(self.aws, self.platform.log_bucket, key, account=str(self.platform.account))

    def get(self, key: str) -> Any:
        bucket, owner, s3 = str(self.platform.log_bucket), str(self.platform.account), self.aws.client("s3")
        return call_or_none(lambda: s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner))

    def put(self, key: str, body: str, **more: str) -> Repair:
        where = {"Bucket": str(self.platform.log_bucket), "ExpectedBucketOwner": str(self.platform.account)}
        return call("s3", "put_object", **where, Key=key, Body=body, ContentType="application/json", **more)


def looks_at_recorded(aws: Aws, platform: Platform, templates: Sequence[DeployedTemplate]) -> Iterator[RecordedLook]:
    """What there is to look at: nothing without the foundation, whose bucket it lies in."""
    foundation = next((each for each in templates if each.stack.name == FOUNDATION_STACK), None)
    if foundation is None:
        return
    named = [
        (each.stack.dataset, each.stack.name.startswith(PUSH_STACK_PREFIX), each)
        for each in templates
        if each.stack.dataset and each.stack.name.startswith(DATASET_STACK_PREFIXES)
    ]
    estate = deployed_estate(foundation.body, [(name, is_push, each.body) for name, is_push, each in named])
    log = _Log(aws, platform, estate)
    for name, is_push, template in named:
        if is_push:
            yield RecordedLook(template.stack.name, "its card", partial(_look_at_card, log, name))
    functions = [each["FunctionName"] for _, each in foundation.resources("AWS::Lambda::Function")]
    if KEEPER in functions:
        look_at_keeper_settings = partial(_look_at_keeper_settings, log, [name for name, *_ in named])
        yield RecordedLook(FOUNDATION_STACK, "what the keeper is told", look_at_keeper_settings)
    roles = sorted({role for each in templates for role, _ in policies_given_by(each)})
    if roles:
        yield RecordedLook(FOUNDATION_STACK, "the recorded ids of roles", partial(_look_at_role_ids, log, roles))


def _look_at_card(log: _Log, name: DatasetName) -> Iterator[LiveDifference]:
    key = card_key_of(name)
    repair: Repair = DEPLOY
    wanted: Estate | None = None
    push = next((each for each in log.deployed.push_datasets if each.name == name), None) if log.deployed else None
    if log.deployed and push:
        text = card_of(log.deployed.platform, push)
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


def _look_at_keeper_settings(log: _Log, names: Sequence[DatasetName]) -> Iterator[LiveDifference]:
    found = log.read(KEEPER_SETTINGS)
    horizon = None if found is None else horizon_in(found)
    year = horizon.year - _HORIZON_YEARS if horizon else datetime.now(UTC).year
    text = keeper_settings_of(log.deployed, date(year, 1, 1)) if log.deployed else ""
    repair = log.put(KEEPER_SETTINGS, text) if text else DEPLOY
    there, wanted = _by_dataset(json.loads(found)) if found and horizon else {}, _by_dataset(json.loads(text or "{}"))
    if found is None or horizon is None or (text and there[""] != wanted[""]):
        said = "is gone" if found is None else "is not as a deployment writes it"
        what = f"what the keeper is told {said}: nobody hears of ends and of missed deliveries"
        yield LiveDifference(DifferenceKind.KEEPER_SETTINGS, what, repair)
        return
    lacking = [name for name in names if name not in there or (text and there[name] != wanted[name])]
    if lacking:
        what = f"what the keeper is told of {_some(lacking)} is not what was deployed"
        yield LiveDifference(DifferenceKind.KEEPER_SETTINGS, what, repair)


def _by_dataset(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by dataset; what is of none under ``""``."""
    datasets = settings.get("datasets")
    listed = [each for each in datasets if isinstance(each, dict)] if isinstance(datasets, list) else []
    rest = {key: value for key, value in settings.items() if key != "datasets"}
    return {"": rest, **{str(each.get("name")): each for each in listed}}


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
        only_if = {"IfMatch": found["ETag"]} if found else {"IfNoneMatch": "*"}  # a deployment may record meanwhile
        put = log.put(ROLE_IDS_KEY, role_ids_text({**recorded, **ids}), **only_if)
        what = f"the ids of the roles {_some(lacking)} are not recorded: {lost}"
        yield LiveDifference(DifferenceKind.ROLE_IDS, what, put)


def _some(names: Iterable[str]) -> str:
    ordered = sorted(map(str, names))
    more = len(ordered) - SHOWN_NAMES
    return ", ".join(ordered[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
