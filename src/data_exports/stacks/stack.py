"""A stack as a value: its name, its wave, its template's exact bytes and its tags.

In: a troposphere template. Out: a `Stack` whose body is canonical JSON, so that equal declarations give equal bytes
and a digest tells whether anything changed. Effects: none.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

from troposphere import AWSObject, Template

from data_exports.access.grants import Grant
from data_exports.destinations.kinds import OutsideDestination
from data_exports.estate.findings import Place
from data_exports.estate.models import Dataset, Platform, PushDataset
from data_exports.estate.promises import Promise
from data_exports.names import BucketName, DatasetName, RoleName
from data_exports.readers.kinds import OutsideReader

DIGEST_TAG = "data-exports:digest"
DATASET_TAG = "data-exports:dataset"
HUB_TAG = "data-exports:hub"
"""The hub bucket of the estate that a stack belongs to; bucket names are unique, so it tells estates apart."""
BUCKET_TAG = "data-exports:bucket"
"""The bucket of a pull dataset's stack."""
ADOPTING_TAG = "data-exports:adopting"
"""A stack that has adopted what existed, and not put the rest in place yet."""
METADATA_KEY = "DataExports"
ADOPTING_KEY = "adopting"
"""Stands in the metadata of a stack as long as it has adopted what existed, and not put the rest in place yet."""
STACK_CAPABILITIES = ("CAPABILITY_NAMED_IAM",)
"""What CloudFormation must be told that our templates do: they name the roles that they make."""


class Wave(IntEnum):
    """The order in which stacks are created; they are deleted in the other order.

    The hub comes last: its notification rules need every queue, and no upload may land before its queue is there.
    """

    FOUNDATION = 1
    DATASETS = 2
    HUB = 3


@dataclass(frozen=True, slots=True)
class ExistingProvider:
    """An OIDC provider that the account has already."""

    issuer: str
    audiences: frozenset[str]
    is_ours: bool = False
    """Whether this estate made it, by a stack that is there or by an earlier one."""
    is_in_stack: bool = False
    """Whether our stack holds it; any other one is only referred to."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a template depends on besides the declarations.

    `missing_roles`: users' roles that do not exist; they are left out, because one of them would fail the stack.
    `require_tls` is False on the local AWS only, which speaks plain HTTP.
    """

    code_key: str
    """Key of the mover's zip in the log bucket; holds the zip's digest."""
    missing_roles: frozenset[RoleName] = frozenset()
    require_tls: bool = True
    providers: tuple[ExistingProvider, ...] = ()
    """The identity providers that the account has already."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack as it should be."""

    name: str
    wave: Wave
    body: str
    """The template: JSON, sorted keys, a newline at the end."""
    tags: tuple[tuple[str, str], ...]
    dataset: DatasetName | None = None
    buckets: tuple[BucketName, ...] = ()
    """Buckets that outlive the stack (``DeletionPolicy: Retain``)."""
    card: str = ""
    """What the senders of a push dataset are told of it (`data_exports.stacks.card`)."""

    @property
    def digest(self) -> str:
        """SHA-256 of the body, 64 hexadecimal digits; also the stack's tag `DIGEST_TAG`."""
        return digest_of(self.body)

    @property
    def hub(self) -> str:
        """The hub bucket of its estate."""
        return dict(self.tags)[HUB_TAG]

    @property
    def template_key(self) -> str:
        """Where in the log bucket the template is stored when it is too large for a request."""
        return f"templates/{self.digest}.json"


def template_url_of(platform: Platform, stack: Stack) -> str:
    """The address of a stored template, as CloudFormation takes it."""
    return f"https://s3.{platform.region}.amazonaws.com/{platform.log_bucket}/{stack.template_key}"


def body_of(template: Mapping[str, Any]) -> str:
    """A template's text, the same bytes for equal templates."""
    return json.dumps(template, sort_keys=True, indent=1) + "\n"


def digest_of(body: str) -> str:
    """SHA-256 of a template's text, 64 hexadecimal digits."""
    return hashlib.sha256(body.encode()).hexdigest()


def stack_of(
    template: Template,
    *,
    name: str,
    wave: Wave,
    platform: Platform,
    dataset: DatasetName | None = None,
    buckets: tuple[BucketName, ...] = (),
) -> Stack:
    """The stack of a finished template; CloudFormation passes its tags on to every resource that takes tags."""
    template.metadata[METADATA_KEY]["tags"] = dict(platform.tags)
    body = body_of(template.to_dict())
    tags = dict(platform.tags) | {DIGEST_TAG: digest_of(body), HUB_TAG: str(platform.hub_bucket)}
    if dataset:
        tags[DATASET_TAG] = dataset
    if dataset and buckets:
        tags[BUCKET_TAG] = str(buckets[0])
    return Stack(name, wave, body, tuple(sorted(tags.items())), dataset, buckets)


def with_template(stack: Stack, template: Mapping[str, Any]) -> Stack:
    """The stack with another template."""
    body = body_of(template)
    tags = dict(stack.tags) | {DIGEST_TAG: digest_of(body)}
    return replace(stack, body=body, tags=tuple(sorted(tags.items())))


def new_template(description: str, metadata: Mapping[str, Any]) -> Template:
    """A template that carries what it was made from, so that what is deployed can be read back from AWS alone."""
    template = Template(Description=description)
    template.set_version("2010-09-09")
    template.set_metadata({METADATA_KEY: plain_of(metadata)})
    return template


def dataset_metadata(dataset: Dataset, grants: Sequence[Grant], missing_roles: Sequence[RoleName]) -> dict[str, Any]:
    """The normalised declaration, its grants, and the users' roles that were left out."""
    return {
        "declaration": declaration_of(dataset),
        "grants": [_fields_of(grant) for grant in grants],
        "missing_roles": sorted(missing_roles),
    }


def declaration_of(dataset: Dataset) -> dict[str, Any]:
    """The declaration as values, by the names of its fields."""
    declaration = {key: value for key, value in _fields_of(dataset).items() if key not in ("place", "destination")}
    if isinstance(dataset, PushDataset):
        declaration |= dataset.destination.declaration
    return declaration


def _fields_of(value: Dataset | Grant) -> dict[str, Any]:
    """As `dataclasses.asdict`, which copies every value deeply: a third of the time that a stack takes."""
    return {each.name: getattr(value, each.name) for each in fields(value)}


def plain_of(value: Any) -> Any:
    """A value as JSON can hold it, without what is empty."""
    if isinstance(value, OutsideReader | OutsideDestination):
        value = value.declaration
    match value:
        case Mapping():
            return {str(key): plain_of(each) for key, each in value.items() if each not in (None, "", (), [])}
        case str():
            return str(value)
        case Place() | Path() | Promise():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Sequence() | frozenset():
            return [plain_of(each) for each in value]
        case _:
            return value


def add_dependencies(resource: AWSObject, *others: AWSObject) -> None:
    """Make a resource wait for others that its properties do not refer to."""
    resource.resource["DependsOn"] = sorted(other.title for other in others)
