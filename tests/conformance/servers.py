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
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.seaweed import ACCESS_KEY, SECRET_KEY, free_ports, seaweed
from benchmarks.servers import process
from data_exports.aws import aws_errors
from data_exports.errors import UsageError
from data_exports.mover.wire.signing import Credentials
from tests.conformance.http_world import Ground, http_world
from tests.conformance.judged import Server
from tests.conformance.lacking import LACKING
from tests.conformance.steps import Capability

S3 = "CONFORMANCE_S3"
REGION, ELSEWHERE = "eu-west-1", "eu-west-2"
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


def named_s3(environment: Mapping[str, str]) -> list[Server]:
    """The S3 that the environment names, if it names one. Raises `ExportsError` where it does so by half."""
    place = environment.get(S3, "")
    for name in ("CONFORMANCE_ACCOUNT", "CONFORMANCE_REGIONS", "CONFORMANCE_LEFT_OUT"):
        if environment.get(name) and not place:
            raise UsageError(f"is set, and {S3} is not", where=name, next_step=f"set {S3}, too, or unset {name}")
    if not place:
        return []
    if place != "aws" and not re.fullmatch(r"https?://[^/?#@\s]+/?", place):
        raise UsageError(f"{place!r} is neither aws nor the URL of an endpoint", where=S3)
    regions = (environment.get("CONFORMANCE_REGIONS") or f"{REGION},{ELSEWHERE}").split(",")
    if len(regions) != 2 or not all(re.fullmatch(r"[a-z0-9-]+", region) for region in regions):
        raise UsageError("must be two regions with a comma between", where="CONFORMANCE_REGIONS")
    lacks = _lacks_in(environment)
    credentials, account = _caller_of(environment, regions[0])
    ground = _ground_of(None if place == "aws" else place, credentials, account, regions=regions, clears_up=True)
    return [Server(place, lacks, lambda scenario: http_world(ground, scenario))]


def _lacks_in(environment: Mapping[str, str]) -> dict[Capability, str]:
    names = [name.strip() for name in environment.get("CONFORMANCE_LEFT_OUT", "").split(",") if name.strip()]
    if unknown := [name for name in names if name not in Capability.__members__]:
        said = f"{', '.join(unknown)}: not among {', '.join(Capability.__members__)}"
        raise UsageError(said, where="CONFORMANCE_LEFT_OUT")
    lacks = {Capability[name]: "CONFORMANCE_LEFT_OUT says so" for name in names}
    lacks.setdefault(Capability.INITIATORS, "the mover here is no session of a function's role")
    return lacks


def _caller_of(environment: Mapping[str, str], region: str) -> tuple[Credentials, str]:
    """Whose credentials AWS's tools would use, and the account that owns the buckets."""
    import boto3

    session = boto3.Session()
    with aws_errors(S3):
        found = session.get_credentials()
        if found is None:
            said = "is set, and there are no AWS credentials"
            raise UsageError(said, where=S3, next_step="set AWS_PROFILE or AWS_ACCESS_KEY_ID")
        keys = found.get_frozen_credentials()
        told = environment.get("CONFORMANCE_ACCOUNT") or session.client("sts", region).get_caller_identity()["Account"]
    return Credentials(keys.access_key or "", keys.secret_key or "", keys.token or ""), told


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
