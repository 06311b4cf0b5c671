"""Azurite, Azure Blob Storage as Microsoft emulates it: a process of Node's, by TLS, with bearer tokens.

In: a folder for its certificate and output. Out: a `Recipient`. Effects: a process on a port of 127.0.0.1, gone when
the block ends. It looks at what a token says, and at no signature: the token comes from our stand-in for Entra, which
does (`local.clouds.entra`). It knows no roles: what is not allowed is tried at our stand-in alone.
"""

import base64
import datetime
import ipaddress
import json
import secrets
import shutil
import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.seaweed import free_ports
from data_exports.contract.settings import AzureSettings
from data_exports.local.clouds.running import start_clouds
from data_exports.local.emulator import LocalAws
from data_exports.mover.wire.endpoints import default_tls_context
from tests.conformance.outside_world import Found, OutsideStore
from tests.conformance.servers import process
from tests.conformance.stand_ins import in_s3s_words
from tests.emulator.other_clouds import CLIENT, STORAGE_ACCOUNT, TENANT, OtherClouds

PROGRAM = Path(__file__).parent / "azurite" / "node_modules" / ".bin" / "azurite-blob"
VERSION = "2021-12-02"


@dataclass
class Azurite:
    """A running one; another container for each scenario."""

    url: str
    certificate: Path
    container: str = ""
    bearer: str = field(default="", repr=False)

    def let_in(self, local: LocalAws, issuer: str, role: str) -> OutsideStore:
        clouds = start_clouds(local)
        OtherClouds(clouds, issuer, role).let_in_by_entra()
        self.container, self.bearer = f"incoming-{secrets.token_hex(4)}", _token_of_anybody()
        assert self._asked("PUT", f"{self.container}?restype=container")[0] == 201
        default_tls_context.cache_clear()  # the mover trusts whom its environment names from now on
        target = AzureSettings(storage_account=STORAGE_ACCOUNT, container=self.container, tenant=TENANT, client=CLIENT)
        urls = {
            "sts_url": local.endpoint_url,
            "login_url": clouds.url("entra"),
            "store_url": f"{self.url}/{STORAGE_ACCOUNT}",
        }
        return OutsideStore(target, urls, {"AWS_CA_BUNDLE": str(self.certificate)})

    def found(self, key: str) -> Found | None:
        status, headers, body = self._asked("GET", f"{self.container}/{quote(key)}")
        return (body, in_s3s_words(headers, "x-ms-meta-")) if status == 200 else None

    def _asked(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        headers = {"authorization": f"Bearer {self.bearer}", "x-ms-version": VERSION}
        asked = urllib.request.Request(
            f"{self.url}/{STORAGE_ACCOUNT}/{path}", b"" if method == "PUT" else None, headers, method=method
        )
        trusting = ssl.create_default_context(cafile=str(self.certificate))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
        )
        try:
            with opener.open(asked, timeout=60) as reply:
                return reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.read()
        except HTTPError as error:
            return error.code, {}, error.read()


@contextmanager
def azurite(folder: Path) -> Iterator[Azurite]:
    """One that runs for the time of the block. Raises `SystemExit` where it is not installed."""
    if not PROGRAM.exists() or not shutil.which("node"):
        raise SystemExit("Azurite is not installed: make tests/conformance/azurite/node_modules (it needs Node)")
    (port,) = free_ports(1)
    folder.mkdir(parents=True)
    certificate, key = _certificate_in(folder)
    words = [str(PROGRAM), "--oauth", "basic", "--cert", str(certificate), "--key", str(key)]
    words += ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    words += ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    account_key = base64.b64encode(secrets.token_bytes(32)).decode()
    environment = {"AZURITE_ACCOUNTS": f"{STORAGE_ACCOUNT}:{account_key}"}
    url = f"https://127.0.0.1:{port}"
    with process(words, folder / "run", url, environment, certificate=certificate):
        yield Azurite(url, certificate)


def _token_of_anybody() -> str:
    """What Azurite takes for the owner's token: it asks for no signature."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"aud": "https://storage.azure.com", "iss": f"https://sts.windows.net/{TENANT}/"}
    times = {"iat": now, "nbf": now - 60, "exp": now + 3600}
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims | times)}.bm9ib2R5"


def _certificate_in(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=2)).add_extension(here, critical=False)
    made = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
        key, hashes.SHA256()
    )
    form, unencrypted = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    places = folder / "certificate.pem", folder / "key.pem"
    places[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    places[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, unencrypted))
    return places
