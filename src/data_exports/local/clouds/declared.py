"""What owners in other clouds have put in place: whom they trust, who may write where. Plain values, and as JSON.

In: values, or JSON. Out: the other. No effects. Conditions are the vendors' own expressions, of which those are known
here that `conditions` knows: another one is refused when it is declared, and not passed over.
"""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from data_exports.local.clouds.conditions import (
    blob_condition_of,
    object_prefix_of,
    subjects_let_in,
)


@dataclass(frozen=True)
class FederatedCredential:
    """Whose tokens an application takes for its own; all three to the letter.

    https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
    """

    issuer: str
    subject: str
    audiences: tuple[str, ...]


@dataclass(frozen=True)
class EntraApplication:
    """An application, or a managed identity, of a tenant. `token_seconds`: how long what it gets is valid."""

    tenant: str
    client: str
    credentials: tuple[FederatedCredential, ...] = ()
    token_seconds: int = 3599

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by."""
        return (self.tenant, self.client)


@dataclass(frozen=True)
class RoleAssignment:
    """What an application may do in a container. `condition`: of the role's assignment; empty: none."""

    client: str
    data_actions: tuple[str, ...]
    condition: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a condition that is not known here."""
        blob_condition_of(self.condition)


@dataclass(frozen=True)
class BlobContainer:
    """A container of a storage account, which trusts one tenant.

    `exists`: False after it was deleted, with its assignments left. `immutable`: a policy keeps what is there.
    `firewall`: requests from outside its networks are refused, whoever makes them.
    """

    account: str
    container: str
    tenant: str
    assignments: tuple[RoleAssignment, ...] = ()
    exists: bool = True
    immutable: bool = False
    firewall: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by."""
        return (self.account, self.container)


@dataclass(frozen=True)
class WorkloadProvider:
    """Whose tokens a pool of Google's takes. `audiences`: empty for the provider's own name.

    `name`: ``projects/N/locations/global/workloadIdentityPools/POOL/providers/P``.
    https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers
    """

    name: str
    issuer: str
    audiences: tuple[str, ...] = ()
    attribute_condition: str = ""
    attribute_mapping: Mapping[str, str] = field(default_factory=lambda: {"google.subject": "assertion.sub"})
    token_seconds: int = 3599

    def __post_init__(self) -> None:
        """Raise `ValueError` for a condition or a mapping that is not known here."""
        subjects_let_in(self.attribute_condition)
        if self.attribute_mapping != {"google.subject": "assertion.sub"}:
            raise ValueError("the stand-in knows the mapping google.subject=assertion.sub alone")

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by."""
        return (self.name,)


@dataclass(frozen=True)
class ActingAccount:
    """A service account, and the principals with roles/iam.workloadIdentityUser on it."""

    email: str
    users: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by."""
        return (self.email,)


@dataclass(frozen=True)
class BucketBinding:
    """What a principal may do in a bucket. `condition`: of the binding; empty: none."""

    member: str
    permissions: tuple[str, ...]
    condition: str = ""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a condition that is not known here."""
        object_prefix_of(self.condition)


@dataclass(frozen=True)
class CloudBucket:
    """A bucket of Google Cloud Storage. `retained`: a retention policy keeps what is there."""

    bucket: str
    bindings: tuple[BucketBinding, ...] = ()
    retained: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by."""
        return (self.bucket,)


CloudThing = EntraApplication | BlobContainer | WorkloadProvider | ActingAccount | CloudBucket
_Kind = TypeVar("_Kind", bound=CloudThing)
_KINDS: Mapping[str, type[Any]] = {
    each.__name__: each for each in (EntraApplication, BlobContainer, WorkloadProvider, ActingAccount, CloudBucket)
}
_PARTS: Mapping[str, type[Any]] = {
    "credentials": FederatedCredential,
    "assignments": RoleAssignment,
    "bindings": BucketBinding,
}


def declared_json(thing: CloudThing) -> dict[str, Any]:
    """The thing as JSON, with its kind."""
    return {"kind": type(thing).__name__, **asdict(thing)}


def declared_of(value: Mapping[str, Any]) -> CloudThing:
    """The thing of JSON; raises `ValueError` when it is none."""
    kind = _KINDS.get(value.get("kind", ""))
    if kind is None:
        raise ValueError(f"kind must be one of {', '.join(_KINDS)}")
    thing: CloudThing = _of(kind, {name: part for name, part in value.items() if name != "kind"})
    return thing


def _of(kind: type[Any], value: Mapping[str, Any]) -> Any:
    named = {each.name for each in fields(kind)}
    if unknown := sorted(set(value) - named):
        raise ValueError(f"{kind.__name__} has no {unknown[0]}")
    parts = {
        name: tuple(_of(_PARTS[name], each) if name in _PARTS else each for each in part)
        if isinstance(part, list)
        else part
        for name, part in value.items()
    }
    try:
        return kind(**parts)
    except TypeError as error:
        raise ValueError(str(error)) from error


class Declared:
    """All that is in place now; each thing once, by its key."""

    def __init__(self) -> None:
        self._things: dict[tuple[type[Any], tuple[str, ...]], CloudThing] = {}
        self._lock = threading.Lock()

    def replace(self, thing: CloudThing) -> None:
        """Put it in place of the one that goes by the same key, if there is one."""
        with self._lock:
            self._things[type(thing), thing.key] = thing

    def find(self, kind: type[_Kind], *key: str) -> _Kind | None:
        """The thing of this kind and key, or None."""
        with self._lock:
            found = self._things.get((kind, key))
        return found if isinstance(found, kind) else None

    def has_tenant(self, tenant: str) -> bool:
        """Whether there is an application of this tenant."""
        with self._lock:
            return any(isinstance(each, EntraApplication) and each.tenant == tenant for each in self._things.values())
