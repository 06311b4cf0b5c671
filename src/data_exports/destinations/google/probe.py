"""What a probe of a bucket at Google tries, and which side lacks what. Effects: none.

https://cloud.google.com/iam/docs/troubleshooting-workload-identity-federation
https://cloud.google.com/storage/docs/xml-api/reference-status
"""

from collections.abc import Iterator, Mapping, Sequence

from data_exports.contract.tasks import Try
from data_exports.destinations.destination import Lack, Route
from data_exports.destinations.federation import GET_TOKEN
from data_exports.destinations.google.bucket import GoogleBucket
from data_exports.destinations.outside_probe import Doors, outside_lacks

GOOGLE_TRIES: Mapping[str, tuple[str, str]] = {
    "token": ("get a token of our account", GET_TOKEN),
    "exchange": ("exchange it at Google", ""),
    "impersonate": ("act as the service account", "iam.serviceAccounts.getAccessToken"),
    "put": ("write an object", "storage.objects.create"),
    "part": ("write an object in parts", "storage.multipartUploads.create"),
    "overwrite": ("write it anew", "storage.objects.delete"),
}
"""What the mover tried → in words, and the permission it takes."""

_KNOWN = {
    "unauthorized_client": "the condition of the provider does not name the role",
    "invalid_target": "there is no such provider, or it is disabled",
    "invalid_grant": "the provider's issuer or audience is another one",
    "invalid_request": "the provider does not take such tokens",
    "PERMISSION_DENIED": "the service account does not let the role act as it",
    "AccessDenied": "the member that the letter names has no role on the bucket under that prefix",
    "NoSuchBucket": "there is no such bucket",
    "UserProjectMissing": "the bucket has its requesters pay, which a mover cannot",
    "UserProjectAccountProblem": "the bucket's project has no billing",
    "ObjectUnderActiveHold": "a hold keeps the object as it is",
    "RetentionPolicyNotMet": "a retention policy keeps the object as it is",
}


def google_lacks(
    there: GoogleBucket, tries: Sequence[Try], route: Route, *, is_ours_good: bool | None
) -> Iterator[Lack]:
    """What is lacking, told from a probe's tries."""
    doors = Doors(f"Google's {there.provider}", f"the bucket {there.name}, under {route.prefix},", _KNOWN)
    yield from outside_lacks(doors, tries, route, is_ours_good=is_ours_good)
