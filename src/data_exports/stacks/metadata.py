"""What a deployed stack grants, read back from the metadata of its template.

In: a template as CloudFormation holds it, and the dataset whose stack it is. Out: the grants that `stack.new_template`
and `stack.dataset_metadata` wrote there, or `UnreadableMetadataError`. Effects: none. Anybody with rights on the stack
can have changed what stands there, and a later version of this product may write other things: nothing is guessed, and
what cannot be read is never taken for "grants nothing".
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from data_exports.access.accesses import UnclearGrantsError, accesses_of
from data_exports.access.grants import Grant, Role
from data_exports.destinations.kinds import OUTSIDE_KINDS, outside_destination_of
from data_exports.names import (
    AccountId,
    AccountRootArn,
    DatasetName,
    InvalidNameError,
    KeyPrefix,
    Outsider,
    RoleArn,
    RoleName,
    UserArn,
)
from data_exports.readers.kinds import outside_reader_of
from data_exports.stacks.stack import ADOPTING_KEY, METADATA_KEY

_REQUIRED = {"principal", "role", "dataset", "resource", "actions"}
_OPTIONAL = {"key_prefix", "until", "why", "owner_account", "conditions", "reader", "destination"}
_OF_USERS = (Role.SENDER, Role.PULL_USER)


class UnreadableMetadataError(ValueError):
    """The metadata does not tell what the stack grants; `str()` says why."""


def grants_in(template: object, dataset: DatasetName) -> tuple[Grant, ...]:
    """What the stack of this dataset grants: users whose roles were missing get nothing.

    Raises `UnreadableMetadataError`.
    """
    found = _mapping(_mapping(_mapping(template, "the template").get("Metadata"), "its metadata").get(METADATA_KEY))
    if ADOPTING_KEY in found:
        raise UnreadableMetadataError("it has adopted what existed, and the rest is not in place yet")
    listed = found.get("grants")
    if not isinstance(listed, list) or not listed:
        raise UnreadableMetadataError("its metadata lists no grants")
    try:
        missing = frozenset(RoleName(name) for name in _texts(found.get("missing_roles", [])))
        grants = tuple(_grant(each) for each in listed)
        accesses_of(grants)
    except (InvalidNameError, UnclearGrantsError, TypeError) as error:
        raise UnreadableMetadataError(f"its metadata is damaged: {error}") from error
    others = sorted({grant.dataset for grant in grants} - {dataset})
    if others:
        raise UnreadableMetadataError(f"its metadata is of the dataset {others[0]}")
    return without_missing(grants, missing)


def platform_settings_in(template: object) -> Mapping[str, Any]:
    """The platform's settings and tags, as the foundation's template has them; none where they cannot be read."""
    metadata = _at(template, "Metadata", METADATA_KEY)
    platform, tags = _at(metadata, "platform"), _at(metadata, "tags")
    return {**platform, **({"tags": tags} if tags else {})} if platform else {}


def outside_target_in(template: object) -> Mapping[str, Any]:
    """What declares the destination of a push dataset, if that is outside AWS; nothing if not, or if it is not told."""
    declared = _at(template, "Metadata", METADATA_KEY, "declaration")
    return {name: value for name, value in declared.items() if name in OUTSIDE_KINDS}


def mailed_in(template: object) -> frozenset[str]:
    """The addresses that are told by e-mail: the subscriptions themselves say so, of whatever version."""
    resources = _at(template, "Resources").values()
    subscribed = [_at(each, "Properties") for each in resources if _at(each).get("Type") == "AWS::SNS::Subscription"]
    return frozenset(str(each["Endpoint"]) for each in subscribed if "Endpoint" in each)


def _at(found: object, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def without_missing(grants: Iterable[Grant], missing: Collection[RoleName]) -> tuple[Grant, ...]:
    """The grants without those of users whose roles do not exist: a stack leaves them out."""
    return tuple(grant for grant in grants if not _is_left_out(grant, missing)) if missing else tuple(grants)


def _is_left_out(grant: Grant, missing: Collection[RoleName]) -> bool:
    return grant.role in _OF_USERS and isinstance(grant.principal, RoleArn) and grant.principal.name in missing


def _grant(found: object) -> Grant:
    fields = _mapping(found, "a grant")
    strange = sorted(set(map(str, fields)) - _REQUIRED - _OPTIONAL)
    if strange:  # it could narrow or widen the grant
        raise UnreadableMetadataError(f"its metadata was written by another version: a grant has {strange[0]!r}")
    absent = sorted(_REQUIRED - set(fields))
    if absent:
        raise UnreadableMetadataError(f"its metadata is damaged: a grant has no {absent[0]!r}")
    return Grant(
        _principal(_text(fields["principal"])),
        _role(_text(fields["role"])),
        DatasetName(_text(fields["dataset"])),
        _text(fields["resource"]),
        _texts(fields["actions"]),
        _optional(fields, "key_prefix", KeyPrefix),
        _moment(fields.get("until")),
        _texts(fields.get("why", [])),
        _optional(fields, "owner_account", AccountId),
        tuple(_condition(each) for each in fields.get("conditions", [])),
        None if fields.get("reader") is None else outside_reader_of(fields["reader"]),
        None if fields.get("destination") is None else outside_destination_of(fields["destination"]),
    )


def _principal(arn: str) -> Outsider:
    for kind in (RoleArn, UserArn, AccountRootArn):
        if kind.pattern.fullmatch(arn):
            return kind(arn)
    raise UnreadableMetadataError(f"its metadata is damaged: {arn!r} is not a principal")


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise UnreadableMetadataError(f"its metadata was written by another version: role {word!r}") from None


def _moment(found: object) -> datetime | None:
    if found is None:
        return None
    text = _text(found)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnreadableMetadataError(f"its metadata is damaged: {found!r} is not a time") from error
    if moment.tzinfo is None:
        raise UnreadableMetadataError(f"its metadata is damaged: {found!r} has no time zone")
    return moment


def _optional(fields: Mapping[str, Any], name: str, kind: Any) -> Any:
    return None if fields.get(name) is None else kind(_text(fields[name]))


def _mapping(found: object, what: str = "what it was made from") -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise UnreadableMetadataError(f"{what} is not there, or is no mapping")
    return found


def _texts(found: object) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise UnreadableMetadataError("its metadata is damaged: a list is expected where there is none")
    return tuple(_text(each) for each in found)


def _condition(found: object) -> tuple[str, str, str]:
    match _texts(found):
        case (operator, key, value):
            return operator, key, value
    raise UnreadableMetadataError("its metadata is damaged: a condition is not an operator, a key and a value")


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise UnreadableMetadataError("its metadata is damaged: text is expected where there is none")
    return found
