"""Stores outside AWS that the environment names: Azure Blob Storage and Google Cloud Storage themselves.

In: the environment. Out: `Recipient`s. No effects. Raises `UsageError` for what is named by half, or is no name.

CONFORMANCE_AZURE              `ACCOUNT/CONTAINER`: a container that is held to the suite, too. It is there already;
                               each check has a random name of its own below it, `conformance-*`, emptied afterwards
CONFORMANCE_AZURE_TOKEN_FILE   a file for you alone, with a token of somebody who may read, list, write and delete
                               blobs there (Storage Blob Data Contributor on the container)
CONFORMANCE_AZURE_URL          where the account's blobs are, if not at https://ACCOUNT.blob.core.windows.net: a private
                               endpoint, another cloud of Azure's, an emulator
CONFORMANCE_GOOGLE             a bucket, likewise
CONFORMANCE_GOOGLE_TOKEN_FILE  likewise, of somebody who may do so with objects and uploads in parts (Storage Object
                               User on the bucket)
CONFORMANCE_GOOGLE_URL         where Google's storage is, if not at https://storage.googleapis.com
"""

import re
from collections.abc import Mapping
from pathlib import Path

from data_exports.errors import UsageError
from tests.conformance.azure_container import AzureContainer
from tests.conformance.given_token import GivenToken
from tests.conformance.google_bucket import GoogleBucket

AZURE, GOOGLE = "CONFORMANCE_AZURE", "CONFORMANCE_GOOGLE"
# https://learn.microsoft.com/en-us/azure/storage/common/storage-account-overview#storage-account-name
# https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
_CONTAINER = re.compile(r"([a-z0-9]{3,24})/((?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*)")
# https://cloud.google.com/storage/docs/buckets#naming
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
# A token goes nowhere in clear, but on this machine.
_SAFE_URL = re.compile(r"(https://[^/?#@\s]+|http://(localhost|127(\.\d+){3})(:\d+)?)(/[^?#\s]*)?")
# https://learn.microsoft.com/en-us/cli/azure/account#az-account-get-access-token
_AZURE_COMMAND = (
    "(umask 077; az account get-access-token --resource https://storage.azure.com/ "
    "--query accessToken --output tsv > FILE)"
)
# https://cloud.google.com/sdk/gcloud/reference/auth/print-access-token
_GOOGLE_COMMAND = "(umask 077; gcloud auth print-access-token > FILE)"

NamedStore = AzureContainer | GoogleBucket


def named_stores(environment: Mapping[str, str]) -> dict[str, NamedStore]:
    """What is named, by what it is called in tables."""
    found: dict[str, NamedStore] = {}
    if is_store_named(environment, AZURE):
        found[f"azure {environment[AZURE]}"] = azure_named(environment)
    if is_store_named(environment, GOOGLE):
        found[f"google {environment[GOOGLE]}"] = google_named(environment)
    return found


def is_store_named(environment: Mapping[str, str], variable: str) -> bool:
    """Whether the variable names a store. Raises `UsageError` where it is set by half."""
    file, url = f"{variable}_TOKEN_FILE", f"{variable}_URL"
    for name, needed in ((variable, file), (file, variable), (url, variable)):
        if environment.get(name) and not environment.get(needed):
            step = f"set {needed}, too, or unset {name}"
            raise UsageError(f"is set, and {needed} is not", where=name, next_step=step)
    return bool(environment.get(variable))


def azure_named(environment: Mapping[str, str], movers: Mapping[str, str] | None = None) -> AzureContainer:
    """The container that is named. `movers`: what a mover's environment needs to reach it."""
    place = environment[AZURE]
    if not (named := _CONTAINER.fullmatch(place)):
        raise UsageError(f"{place!r} is no ACCOUNT/CONTAINER", where=AZURE)
    url = _url(environment, AZURE, f"https://{named[1]}.blob.core.windows.net")
    return AzureContainer(named[1], named[2], url, _token(environment, AZURE, _AZURE_COMMAND), movers or {})


def google_named(environment: Mapping[str, str]) -> GoogleBucket:
    """The bucket that is named."""
    bucket = environment[GOOGLE]
    if not _BUCKET.fullmatch(bucket):
        raise UsageError(f"{bucket!r} is no name of a bucket", where=GOOGLE)
    url = _url(environment, GOOGLE, "https://storage.googleapis.com")
    return GoogleBucket(bucket, url, _token(environment, GOOGLE, _GOOGLE_COMMAND))


def _token(environment: Mapping[str, str], variable: str, command: str) -> GivenToken:
    name = f"{variable}_TOKEN_FILE"
    return GivenToken(Path(environment[name]).expanduser(), name, command)


def _url(environment: Mapping[str, str], variable: str, usual: str) -> str:
    url = environment.get(f"{variable}_URL") or usual
    if not _SAFE_URL.fullmatch(url):
        raise UsageError("must be https://, or http:// on this machine, without a query", where=f"{variable}_URL")
    return url.rstrip("/")
