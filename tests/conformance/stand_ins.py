"""Recipients at the stand-ins of other clouds beside the local AWS.

In: a local AWS. Out: `Recipient`s. Effects: what is put in place and stored there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from data_exports.contract.settings import AzureSettings, GoogleSettings
from data_exports.local.clouds.declared import ActingAccount
from data_exports.local.clouds.running import LocalClouds, start_clouds
from data_exports.local.emulator import LocalAws
from tests.conformance.outside_world import Found, OutsideStore
from tests.emulator.other_clouds import (
    BUCKET,
    CLIENT,
    CONTAINER,
    PROVIDER,
    STORAGE_ACCOUNT,
    TENANT,
    OtherClouds,
    principal_of,
)

_CARRIED = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type")
_DEFAULT_TYPES = ("application/octet-stream", "binary/octet-stream")


def in_s3s_words(headers: Mapping[str, str], meta: str) -> dict[str, str]:
    """What describes a file, by the names of S3's headers; `meta`: what names of metadata begin with there."""
    told = {name: headers[name] for name in _CARRIED if name in headers}
    told |= {f"x-amz-meta-{k.removeprefix(meta)}": v for k, v in headers.items() if k.startswith(meta)}
    if told.get("content-type") in _DEFAULT_TYPES:
        del told["content-type"]
    # Azure's names of metadata are identifiers: the mover writes a hyphen as `_`.
    return {name.replace("_", "-"): value for name, value in told.items()}


@dataclass
class AzureStandIn:
    """A container at the stand-in, another one for each scenario."""

    clouds: LocalClouds | None = None
    place: str = ""

    def let_in(self, local: LocalAws, issuer: str, role: str) -> OutsideStore:
        self.clouds = start_clouds(local)
        there = OtherClouds(self.clouds, issuer, role)
        there.let_in_by_entra()
        container = f"{CONTAINER}-{role.rsplit('-', 1)[1]}"
        there.let_write_blobs(container=container)
        self.place = f"{STORAGE_ACCOUNT}/{container}"
        urls = {
            "sts_url": local.endpoint_url,
            "login_url": self.clouds.url("entra"),
            "store_url": f"{self.clouds.url('blobs')}/{STORAGE_ACCOUNT}",
        }
        target = AzureSettings(storage_account=STORAGE_ACCOUNT, container=container, tenant=TENANT, client=CLIENT)
        return OutsideStore(target, urls)

    def found(self, key: str) -> Found | None:
        assert self.clouds is not None
        stored = self.clouds.stored("blobs", self.place, key)
        return stored and (stored[1], in_s3s_words(stored[0], "x-ms-meta-"))


@dataclass
class GoogleStandIn:
    """A bucket at the stand-in, another one for each scenario. `account`: whom the mover acts as, if it is somebody."""

    account: str | None = None
    clouds: LocalClouds | None = None
    bucket: str = ""

    def let_in(self, local: LocalAws, issuer: str, role: str) -> OutsideStore:
        self.clouds, self.bucket = start_clouds(local), f"{BUCKET}-{role.rsplit('-', 1)[1]}"
        there = OtherClouds(self.clouds, issuer, role)
        there.let_in_by_google()
        there.let_write_objects(member=f"serviceAccount:{self.account}" if self.account else "", bucket=self.bucket)
        if self.account:
            self.clouds.declare(ActingAccount(self.account, (principal_of(role),)))
        urls = {
            "sts_url": local.endpoint_url,
            "login_url": self.clouds.url("google_tokens"),
            "impersonation_url": self.clouds.url("google_tokens"),
            "store_url": self.clouds.url("objects"),
        }
        return OutsideStore(GoogleSettings(bucket=self.bucket, provider=PROVIDER, service_account=self.account), urls)

    def found(self, key: str) -> Found | None:
        assert self.clouds is not None
        stored = self.clouds.stored("objects", self.bucket, key)
        return stored and (stored[1], in_s3s_words(stored[0], "x-goog-meta-"))


class ActingGoogleStandIn(GoogleStandIn):
    """The same, for a mover that acts as a service account."""

    def __init__(self) -> None:
        super().__init__("exporter@hj.iam.gserviceaccount.com")
