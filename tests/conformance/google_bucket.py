"""A bucket of Google Cloud Storage as a recipient, with a token that its owner gave: Google itself, or fake-gcs-server.

In: a bucket, an address, a token. Out: a `Recipient`. Effects: objects below a random name in the bucket for each
scenario, and uploads in parts, gone at its end. The mover is told that this name is the bucket, at an address that ends
in the real one: so it needs no right to make buckets, and no two scenarios meet.

Its owner asks by the JSON API, which the mover does not use, but for uploads in parts, which only the XML API knows.
https://cloud.google.com/storage/docs/json_api/v1
"""

import json
import secrets
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

from benchmarks.fake_gcs import META, PROPERTIES
from data_exports.contract.settings import GoogleSettings
from data_exports.local.clouds.running import start_clouds
from data_exports.local.emulator import LocalAws
from tests.conformance.given_token import GivenToken, TokenGiver
from tests.conformance.outside_world import Found, OutsideStore, remove_left
from tests.conformance.stand_ins import in_s3s_words
from tests.emulator.other_clouds import PROVIDER, OtherClouds

# https://cloud.google.com/storage/docs/access-control/iam-roles
_RIGHTS = "the role Storage Object User (roles/storage.objectUser) on the bucket"


@dataclass
class GoogleBucket:
    """One bucket. `url`: that of Google's storage; `folder`: the scenario's own."""

    bucket: str
    url: str
    token: GivenToken
    folder: str = ""

    def __post_init__(self) -> None:
        self._giver = TokenGiver(self.token)
        self._objects = f"{self.url}/storage/v1/b/{self.bucket}/o"

    def check_access(self) -> None:
        """Raises `UsageError` if the token's owner cannot list the bucket."""
        self.token.check_opens(f"{self._objects}?maxResults=1", {}, _RIGHTS)

    def let_in(self, local: LocalAws, issuer: str, role: str) -> OutsideStore:
        clouds = start_clouds(local)
        OtherClouds(clouds, issuer, role).let_in_by_google()
        self.folder = f"conformance-{secrets.token_hex(6)}"
        urls = {
            "sts_url": local.endpoint_url,
            "login_url": self._giver.url_before(clouds.url("google_tokens")),
            "store_url": f"{self.url}/{self.bucket}",
        }
        target = GoogleSettings(bucket=self.folder, provider=PROVIDER)
        return OutsideStore(target, urls, clear=self.clear)

    def found(self, key: str) -> Found | None:
        place = f"{self._objects}/{quote(f'{self.folder}/{key}', safe='')}"
        status, _, told = self.token.ask("GET", place)
        if status != 200:
            return None
        facts = json.loads(told)
        headers = {name: facts[theirs] for name, theirs in PROPERTIES.items() if facts.get(theirs)}
        headers |= {META + name: value for name, value in facts.get("metadata", {}).items()}
        # Or Google unpacks what is held for packed: https://cloud.google.com/storage/docs/transcoding
        body = self.token.ask("GET", f"{place}?alt=media", headers={"accept-encoding": "gzip"}).body
        return body, in_s3s_words(headers, META)

    def clear(self) -> None:
        """Remove the scenario's objects, and uploads in parts. Raises `LeftBehindError`."""
        remove_left(self._addresses, self._remove, f"gs://{self.bucket}/{self.folder}")

    def _addresses(self) -> list[str]:
        """Of each object, and of each upload in parts that was neither completed nor aborted.

        https://cloud.google.com/storage/docs/json_api/v1/objects/list
        https://cloud.google.com/storage/docs/xml-api/get-bucket-uploads
        """
        found: list[str] = []
        page: dict[str, str] | None = {}
        while page is not None:
            asked = urlencode({"prefix": f"{self.folder}/", **page})
            listed = json.loads(self.token.fetch(f"{self._objects}?{asked}"))
            found += [f"{self._objects}/{quote(each['name'], safe='')}" for each in listed.get("items", ())]
            page = {"pageToken": listed["nextPageToken"]} if listed.get("nextPageToken") else None
        uploads = f"{self.url}/{self.bucket}?uploads&{urlencode({'prefix': f'{self.folder}/'})}"
        for upload in ElementTree.fromstring(self.token.fetch(uploads)).iterfind("{*}Upload"):
            name, upload_id = (upload.findtext(f"{{*}}{tag}") or "" for tag in ("Key", "UploadId"))
            found.append(f"{self.url}/{self.bucket}/{quote(name)}?{urlencode({'uploadId': upload_id})}")
        return found

    def _remove(self, address: str) -> None:
        self.token.ask("DELETE", address)
