"""S3s that were built by others, as servers for scenarios: processes of this machine, or one named in the environment.

In: a folder for their files; the environment. Out: Servers. Effects: a process each on free ports of 127.0.0.1, gone
when the block ends.

CONFORMANCE_S3           `aws`, or the URL of an endpoint: an S3 that is held to the scenarios, too. The credentials are
                         those that AWS's tools would use (AWS_PROFILE, AWS_ACCESS_KEY_ID ...). They need to be allowed
                         all of S3 on buckets `conformance-*`, which are made for each scenario and removed afterwards
CONFORMANCE_ACCOUNT      the account that owns them; by default whose the credentials are, as STS tells it
CONFORMANCE_REGIONS      two regions with a comma between, default eu-west-1,eu-west-2
CONFORMANCE_LEFT_OUT     names of capabilities that it lacks, with commas between (tests/conformance/steps.py)
LOCALSTACK_BIN           the Python of the environment that holds LocalStack
"""

import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.seaweed import ACCESS_KEY, SECRET_KEY, free_ports, seaweed
from data_exports.mover.wire.signing import Credentials
from tests.conformance.http_world import Ground, http_world
from tests.conformance.judged import Server
from tests.conformance.lacking import LACKING
from tests.conformance.steps import Capability

REGION, ELSEWHERE = "eu-west-1", "eu-west-2"
_START_TIMEOUT_SECONDS = 90
_MOTO_ACCOUNT = "123456789012"
_LOCALSTACK_ACCOUNT = "593291632749"  # an access key id of twelve digits is the account there


@contextmanager
def moto(folder: Path) -> Iterator[Server]:
    """The server of moto."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with process(words, folder, url, {}):
        yield _server("moto", _ground_of(url, Credentials("AKIAMOTO", "secret-of-nobody"), _MOTO_ACCOUNT))


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Server]:
    """SeaweedFS, which has no accounts."""
    with seaweed(folder) as running:
        credentials = Credentials(ACCESS_KEY, SECRET_KEY)
        # Its disk is cut into volumes, and each bucket takes some of them.
        yield _server("SeaweedFS", _ground_of(running.endpoint_url, credentials, _MOTO_ACCOUNT, clears_up=True))


@contextmanager
def localstack(folder: Path) -> Iterator[Server]:
    """LocalStack's S3, run by an environment of its own, without Docker."""
    (port,) = free_ports(1)
    environment = {
        "SERVICES": "s3,sqs",
        "EAGER_SERVICE_LOADING": "1",
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "ACTIVATE_PRO": "0",
        "DNS_ADDRESS": "0",
        "FILESYSTEM_ROOT": str(folder),
        "HOME": str(folder),  # it keeps a cache there
    }
    words = [os.environ["LOCALSTACK_BIN"], "-m", "localstack.runtime.main"]
    url = f"http://127.0.0.1:{port}"
    with process(words, folder, f"{url}/_localstack/health", environment):
        yield _server("LocalStack", _ground_of(url, Credentials(_LOCALSTACK_ACCOUNT, "test"), _LOCALSTACK_ACCOUNT))


def is_named(environment: Mapping[str, str]) -> bool:
    """Whether the environment names an S3 of its own."""
    return bool(environment.get("CONFORMANCE_S3"))


def named(environment: Mapping[str, str]) -> Server:
    """The S3 that the environment names."""
    import boto3

    place = environment["CONFORMANCE_S3"]
    url = None if place == "aws" else place
    region, other_region = environment.get("CONFORMANCE_REGIONS", f"{REGION},{ELSEWHERE}").split(",")
    session = boto3.Session()
    found = session.get_credentials()
    if found is None:
        raise SystemExit(
            "CONFORMANCE_S3 is set, and there are no AWS credentials. Set AWS_PROFILE or AWS_ACCESS_KEY_ID"
        )
    keys = found.get_frozen_credentials()
    account = environment.get("CONFORMANCE_ACCOUNT") or session.client("sts", region).get_caller_identity()["Account"]
    credentials = Credentials(keys.access_key or "", keys.secret_key or "", keys.token or "")
    ground = _ground_of(url, credentials, account, regions=(region, other_region), clears_up=True)
    left_out = filter(None, environment.get("CONFORMANCE_LEFT_OUT", "").split(","))
    lacks = {Capability[name.strip()]: "CONFORMANCE_LEFT_OUT says so" for name in left_out}
    lacks.setdefault(Capability.INITIATORS, "the mover here is no session of a function's role")
    return Server(place, lacks, lambda scenario: http_world(ground, scenario))


def _server(name: str, ground: Ground) -> Server:
    return Server(name, LACKING[name], lambda scenario: http_world(ground, scenario))


def _ground_of(
    url: str | None,
    credentials: Credentials,
    account: str,
    *,
    regions: Sequence[str] = (REGION, ELSEWHERE),
    clears_up: bool = False,
) -> Ground:
    """A ground where one account is the platform's and the recipient's."""
    here, elsewhere = (_client(url, credentials, region) for region in regions)
    return Ground(
        endpoint_url=url,
        region=regions[0],
        other_region=regions[1],
        owner=here,
        recipient=here,
        recipient_elsewhere=elsewhere,
        hub_account=account,
        target_account=account,
        credentials=credentials,
        clears_up=clears_up,
    )


def _client(url: str | None, credentials: Credentials, region: str) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token or None,
        config=Config(
            s3={"addressing_style": "path" if url else "virtual"},
            retries={"total_max_attempts": 2},
            read_timeout=60,
            request_checksum_calculation="when_required",
        ),
    )


@contextmanager
def process(
    words: list[str], folder: Path, url: str, environment: Mapping[str, str], *, certificate: Path | None = None
) -> Iterator[None]:
    """Run a server for the time of the block, once it answers at the URL, with this certificate if it has one."""
    folder.mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(
            words,
            env={**kept, **environment},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not _answers(url, certificate):
            if server.poll() is not None or time.monotonic() > deadline:
                said = (folder / "output").read_text(errors="replace")[-2000:]
                raise SystemExit(f"{' '.join(words)} does not answer; it said:\n{said}")
            time.sleep(0.1)
        yield
    finally:
        server.kill()
        server.wait()


def _answers(url: str, certificate: Path | None) -> bool:
    trusting = ssl.create_default_context(cafile=str(certificate)) if certificate else None
    try:
        with urllib.request.urlopen(url, timeout=2, context=trusting):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
