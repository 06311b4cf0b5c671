"""Azurite, Azure Blob Storage as Microsoft emulates it: a process of Node's, by TLS, with bearer tokens.

In: a folder for its certificate, token and output. Out: a `Recipient`, named as Azure itself is (`named_stores`), so
that each run of this one runs what the real one would. Effects: a process on a port of 127.0.0.1, gone when the block
ends. It looks at what a token says, and at no signature; and it knows no roles: what is not allowed is tried at our
stand-in alone.
"""

import base64
import datetime
import ipaddress
import json
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.seaweed import free_ports
from data_exports.estate.atomic_files import write_private
from data_exports.mover.places.azure.blobs import VERSION
from tests.conformance.azure_container import AzureContainer
from tests.conformance.named_stores import AZURE, azure_named
from tests.conformance.outside_world import environment_with
from tests.conformance.servers import process
from tests.emulator.other_clouds import CONTAINER, STORAGE_ACCOUNT, TENANT

PROGRAM = Path(__file__).parent / "azurite" / "node_modules" / ".bin" / "azurite-blob"


@contextmanager
def azurite(folder: Path) -> Iterator[AzureContainer]:
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
    token = folder / "token"
    write_private(token, _token_of_anybody())
    named = {
        AZURE: f"{STORAGE_ACCOUNT}/{CONTAINER}",
        f"{AZURE}_URL": f"{url}/{STORAGE_ACCOUNT}",
        f"{AZURE}_TOKEN_FILE": str(token),
    }
    trusting = {"AWS_CA_BUNDLE": str(certificate)}
    with process(words, folder / "run", url, environment, certificate=certificate):
        found = azure_named(named, trusting)
        with environment_with(**trusting):
            place = f"{found.url}/{CONTAINER}?restype=container"
            assert found.token.ask("PUT", place, headers={"x-ms-version": VERSION}).status == 201
            found.check_access()
        yield found


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
