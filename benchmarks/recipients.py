"""Recipients outside AWS on this machine: Azurite, fake-gcs-server, and whoever gives tokens for them.

In: a folder. Out: an `OutsideRecipient`: what the mover is told of it, what rclone is, what is there. Effects: their
processes and listeners, gone when the block ends.

The tokens mean nothing: Azurite looks at no signature, and fake-gcs-server at no token. They are given at once, by a
listener in the benchmark's own process, as AWS's STS and each cloud's exchange do (`mover/places/federation.py`); what
they must hold is the matter of `tests/conformance`. Before fake-gcs-server stands a proxy (`wire`), for whoever writes
there: it says in JSON what the mover asks in XML, and passes on what others ask.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen
from xml.etree import ElementTree

from benchmarks.azurite import AzuriteServer, azurite_is_installed, azurite_server, owner_token
from benchmarks.fake_gcs import JSON_API, XmlInJson, fake_gcs_server, make_bucket
from benchmarks.files import DATASET
from benchmarks.wire import PassOn, Request, wire
from data_exports.contract.settings import AzureSettings, DestinationSettings, GoogleSettings

AZURE = AzureSettings(
    storage_account="benchmark",
    container="incoming",
    tenant="1b9e8c6a-0d3f-4b52-9d5e-2f3c4a5b6c7d",
    client="8f2c6d7e-0000-4000-8000-000000000001",
)
GOOGLE = GoogleSettings(
    bucket="incoming", provider="projects/1/locations/global/workloadIdentityPools/pool/providers/exports"
)
NO_AZURITE = "left out: Azurite (it needs Node and npm: make tests/conformance/azurite/node_modules)"

Found = Mapping[str, tuple[int, str]]
"""Of each file its size in bytes and its MD5 in hexadecimal; "" where the store tells none."""


@dataclass(frozen=True)
class OutsideRecipient:
    """A running one. `variables`: what tells the mover where it is; `rclone`: how rclone comes there."""

    destination: DestinationSettings
    variables: Mapping[str, str]
    rclone_path: str
    rclone: Sequence[str] = field(repr=False)
    found: Callable[[], Found] = field(repr=False)
    seen: Sequence[Request] = field(default=(), repr=False)  # what was asked of it, where something stands before it


@contextmanager
def azure_recipient(folder: Path) -> Iterator[OutsideRecipient]:
    """A container in Azurite."""
    with azurite_server(folder, AZURE.storage_account) as server, wire(server.url, _give_tokens) as tokens:
        server.make_container(AZURE.container)
        variables = {
            "AWS_ENDPOINT_URL_STS": tokens.url,
            "AZURE_ENDPOINT_URL_LOGIN": tokens.url,
            "AZURE_ENDPOINT_URL_BLOB": server.url,
            "AWS_CA_BUNDLE": str(server.certificate),
        }
        rclone = [f"--azureblob-endpoint={server.account_url}", f"--azureblob-account={server.account}"]
        rclone += [f"--azureblob-key={server.account_key}", "--azureblob-no-check-container"]
        rclone += [f"--ca-cert={server.certificate}"]
        path = f":azureblob:{AZURE.container}/{DATASET}"
        yield OutsideRecipient(AZURE, variables, path, rclone, lambda: _blobs_in(server))


@contextmanager
def google_recipient(folder: Path) -> Iterator[OutsideRecipient]:
    """A bucket in fake-gcs-server."""
    in_json = XmlInJson()

    async def translate(request: Request, pass_on: PassOn) -> bytes:
        is_json = request.target.startswith(JSON_API)
        return await (pass_on() if is_json else in_json(request, pass_on))

    with fake_gcs_server(folder) as url, wire(url, _give_tokens) as tokens, wire(url, translate) as before:
        make_bucket(url, GOOGLE.bucket)
        variables = {
            "AWS_ENDPOINT_URL_STS": tokens.url,
            "GOOGLE_ENDPOINT_URL_STS": tokens.url,
            "GOOGLE_ENDPOINT_URL_STORAGE": before.url,
        }
        rclone = [f"--gcs-endpoint={before.url}/storage/v1/", "--gcs-access-token=of-nobody", "--gcs-no-check-bucket"]
        path = f":gcs:{GOOGLE.bucket}/{DATASET}"
        yield OutsideRecipient(GOOGLE, variables, path, rclone, lambda: _objects_in(url), before.seen)


@contextmanager
def outside_recipient(name: str, folder: Path) -> Iterator[OutsideRecipient]:
    """The one of this name, of those in `RECIPIENTS`."""
    with RECIPIENTS[name](folder) as running:
        yield running


RECIPIENTS = {"azurite": azure_recipient, "fake-gcs": google_recipient}


def installed_recipients() -> list[str]:
    """Those that can be started here."""
    return [name for name in RECIPIENTS if name != "azurite" or azurite_is_installed()]


async def _give_tokens(request: Request, _: PassOn) -> bytes:
    if request.target == "/":
        token = "<WebIdentityToken>of-nobody</WebIdentityToken>"
        told = f"<GetWebIdentityTokenResult>{token}</GetWebIdentityTokenResult>"
    else:
        told = json.dumps({"access_token": owner_token(), "token_type": "Bearer", "expires_in": 3599})
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(told)}\r\n\r\n{told}".encode()


def _blobs_in(server: AzuriteServer) -> Found:
    found, marker = {}, ""
    while True:
        page = f"{AZURE.container}?restype=container&comp=list&prefix={DATASET}/&marker={quote(marker)}"
        status, _headers, body = server.ask("GET", page)
        assert status == 200, body
        root = ElementTree.fromstring(body)
        for blob in root.iter("Blob"):
            told = {each.tag: each.text or "" for each in blob.iter()}
            found[told["Name"]] = (int(told["Content-Length"]), b64decode(told.get("Content-MD5", "")).hex())
        marker = root.findtext("NextMarker") or ""
        if not marker:
            return found


def _objects_in(url: str) -> Found:
    with urlopen(f"{url}/storage/v1/b/{GOOGLE.bucket}/o?prefix={DATASET}/", timeout=60) as reply:
        listed = json.loads(reply.read()).get("items", [])
    return {each["name"]: (int(each["size"]), b64decode(each.get("md5Hash", "")).hex()) for each in listed}
