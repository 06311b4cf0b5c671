"""A container of Azure Blob Storage as a recipient, with a token that its owner gave: Azure itself, or Azurite.

In: a container, an address, a token. Out: a `Recipient`. Effects: blobs below a random name in the container for each
scenario, gone at its end. The mover is told that this name is the container, at an address that ends in the real one:
so it needs no right to make containers, and no two scenarios meet.
https://learn.microsoft.com/en-us/rest/api/storageservices/get-blob
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

from data_exports.contract.settings import AzureSettings
from data_exports.local.clouds.running import start_clouds
from data_exports.local.emulator import LocalAws
from data_exports.mover.places.azure.blobs import VERSION
from tests.conformance.given_token import GivenToken, TokenGiver, WireAnswer
from tests.conformance.outside_world import Found, OutsideStore, remove_left
from tests.conformance.stand_ins import in_s3s_words
from tests.emulator.other_clouds import CLIENT, TENANT, OtherClouds

_HEADERS = {"x-ms-version": VERSION}
# https://learn.microsoft.com/en-us/azure/role-based-access-control/built-in-roles/storage#storage-blob-data-contributor
_RIGHTS = "the role Storage Blob Data Contributor on the container"


@dataclass
class AzureContainer:
    """One container. `url`: that of the account's blobs; `environment`: the mover's; `folder`: the scenario's own."""

    account: str
    container: str
    url: str
    token: GivenToken
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""

    def __post_init__(self) -> None:
        self._giver = TokenGiver(self.token)

    def check_access(self) -> None:
        """Raises `UsageError` if the token's owner cannot list the container."""
        self.token.check_opens(self._listing({"maxresults": "1"}), _HEADERS, _RIGHTS)

    def let_in(self, local: LocalAws, issuer: str, role: str) -> OutsideStore:
        clouds = start_clouds(local)
        OtherClouds(clouds, issuer, role).let_in_by_entra()
        self.folder = f"conformance-{secrets.token_hex(6)}"
        target = AzureSettings(storage_account=self.account, container=self.folder, tenant=TENANT, client=CLIENT)
        urls = {
            "sts_url": local.endpoint_url,
            "login_url": self._giver.url_before(clouds.url("entra")),
            "store_url": f"{self.url}/{self.container}",
        }
        return OutsideStore(target, urls, self.environment, self.clear)

    def found(self, key: str) -> Found | None:
        status, headers, body = self._ask("GET", f"{self.folder}/{key}")
        return (body, in_s3s_words(headers, "x-ms-meta-")) if status == 200 else None

    def clear(self) -> None:
        """Remove the scenario's blobs, and blocks that no list names. Raises `LeftBehindError`."""
        remove_left(self._names, self._remove, f"{self.url}/{self.container}/{self.folder}")

    def _names(self) -> list[str]:
        """What is there, also of what only blocks are: https://learn.microsoft.com/en-us/rest/api/storageservices/list-blobs."""
        names: list[str] = []
        marker: str | None = ""
        while marker is not None:
            asked = {"prefix": f"{self.folder}/", "include": "uncommittedblobs", "marker": marker}
            listed = ElementTree.fromstring(self.token.fetch(self._listing(asked), _HEADERS))
            names += [each.text or "" for each in listed.iterfind("Blobs/Blob/Name")]
            marker = listed.findtext("NextMarker") or None
        return names

    def _remove(self, name: str) -> None:
        """Blocks that no list names end with the blob's next write, or after a week.

        https://learn.microsoft.com/en-us/rest/api/storageservices/put-block#remarks
        https://learn.microsoft.com/en-us/rest/api/storageservices/delete-blob
        """
        if self._ask("DELETE", name).status == 404:
            self._ask("PUT", name, {"x-ms-blob-type": "BlockBlob"})
            self._ask("DELETE", name)

    def _ask(self, method: str, name: str, headers: dict[str, str] | None = None) -> WireAnswer:
        url = f"{self.url}/{self.container}/{quote(name)}"
        return self.token.ask(method, url, headers={**_HEADERS, **(headers or {})})

    def _listing(self, asked: dict[str, str]) -> str:
        return f"{self.url}/{self.container}?{urlencode({'restype': 'container', 'comp': 'list', **asked})}"
