"""Azurite, Azure Blob Storage as Microsoft emulates it: a process of Node's, by TLS, with tokens or an account's key.

In: a folder for its certificate and output. Out: an `AzuriteServer`. Effects: a process on a port of 127.0.0.1, its
contents in its memory, gone when the block ends.

It looks at what a token says, and at no signature. https://github.com/Azure/Azurite#oauth-configuration
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

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.seaweed import free_ports
from benchmarks.servers import process
from benchmarks.usage import BenchmarkError

_PROGRAM = Path(__file__).parents[1] / "tests" / "conformance" / "azurite" / "node_modules" / ".bin" / "azurite-blob"
_TENANT = "00000000-0000-4000-8000-000000000000"  # it takes any
_VERSION = "2021-12-02"


@dataclass(frozen=True)
class AzuriteServer:
    """A running one."""

    url: str
    account: str
    certificate: Path
    account_key: str = field(repr=False)

    @property
    def account_url(self) -> str:
        """The storage account's own address."""
        return f"{self.url}/{self.account}"

    def ask(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        """One request of the account's owner."""
        headers = {"authorization": f"Bearer {owner_token()}", "x-ms-version": _VERSION}
        asked = urllib.request.Request(
            f"{self.account_url}/{path}", b"" if method == "PUT" else None, headers, method=method
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

    def make_container(self, name: str) -> None:
        """Make a container, which must not be there."""
        status, _headers, said = self.ask("PUT", f"{name}?restype=container")
        assert status == 201, said


def azurite_is_installed() -> bool:
    """Whether it is there, and Node, too."""
    return _PROGRAM.exists() and shutil.which("node") is not None


@contextmanager
def azurite_server(folder: Path, account: str) -> Iterator[AzuriteServer]:
    """One that has this storage account, for the time of the block. Raises BenchmarkError where it is not installed."""
    if not azurite_is_installed():
        raise BenchmarkError("Azurite is not installed: make tests/conformance/azurite/node_modules (it needs Node)")
    (port,) = free_ports(1)
    folder.mkdir(parents=True)
    certificate, key = _certificate_in(folder)
    words = [str(_PROGRAM), "--oauth", "basic", "--cert", str(certificate), "--key", str(key)]
    words += ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    words += ["--blobHost", "127.0.0.1", "--blobPort", str(port)]
    account_key = base64.b64encode(secrets.token_bytes(32)).decode()
    environment = {"AZURITE_ACCOUNTS": f"{account}:{account_key}"}
    url = f"https://127.0.0.1:{port}"
    with process(words, folder / "run", url, environment, certificate=certificate):
        yield AzuriteServer(url, account, certificate, account_key)


def owner_token() -> str:
    """What it takes for the owner's token, for an hour: it asks for no signature."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"aud": "https://storage.azure.com", "iss": f"https://sts.windows.net/{_TENANT}/"}
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
