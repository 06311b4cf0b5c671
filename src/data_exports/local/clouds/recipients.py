"""What owners in other clouds put in place when they do what the letters say.

In: their halves (`destinations`). Out: what stand-ins are told. No effects. Several datasets may go to one container,
by one application, or to one bucket: what each letter adds stands beside what the others added, as it does there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from data_exports.destinations.azure.half import ContainerHalf
from data_exports.destinations.google.half import GoogleBucketHalf
from data_exports.local.clouds.declared import (
    ActingAccount,
    BlobContainer,
    BucketBinding,
    CloudBucket,
    CloudThing,
    EntraApplication,
    FederatedCredential,
    RoleAssignment,
    WorkloadProvider,
)


def things_put_in_place(halves: Iterable[object]) -> Iterator[CloudThing]:
    """All that these letters ask for; each needs to know the issuer of our account's tokens. Others are passed over."""
    known = list(halves)
    yield from _in_azure([each for each in known if isinstance(each, ContainerHalf)])
    yield from _at_google([each for each in known if isinstance(each, GoogleBucketHalf)])


def _in_azure(halves: Iterable[ContainerHalf]) -> Iterator[CloudThing]:
    credentials: defaultdict[tuple[str, str], list[FederatedCredential]] = defaultdict(list)
    assignments: defaultdict[tuple[str, str, str], list[RoleAssignment]] = defaultdict(list)
    for half in halves:
        said = half.federated_credential
        credential = FederatedCredential(said["issuer"], said["subject"], tuple(said["audiences"]))
        credentials[half.tenant, half.client].append(credential)
        assignment = RoleAssignment(half.client, tuple(half.role_definition["DataActions"]), half.condition)
        assignments[half.storage_account, half.container, half.tenant].append(assignment)
    for (tenant, client), taken in credentials.items():
        yield EntraApplication(tenant, client, tuple(taken))
    for place, given in assignments.items():
        yield BlobContainer(*place, tuple(given))


def _at_google(halves: Iterable[GoogleBucketHalf]) -> Iterator[CloudThing]:
    users: defaultdict[str, list[str]] = defaultdict(list)
    bindings: defaultdict[str, list[BucketBinding]] = defaultdict(list)
    for half in halves:
        yield WorkloadProvider(half.provider, half.issuer or "", attribute_condition=half.attribute_condition)
        bindings[half.bucket].append(BucketBinding(half.member, tuple(half.permissions), half.condition))
        if half.service_account:
            users[half.service_account].append(half.principal)
    for email, principals in users.items():
        yield ActingAccount(email, tuple(principals))
    for bucket, given in bindings.items():
        yield CloudBucket(bucket, tuple(given))
