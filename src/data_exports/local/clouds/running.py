"""The stand-ins of other clouds, a process beside a local AWS: start them, find them again, say what is allowed.

In: a local AWS. Out: a `LocalClouds`. Effects: one detached process, which ends with the local AWS; files below its
state folder, for this user alone.
"""

import json
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from urllib.error import HTTPError
from urllib.parse import quote

from data_exports.errors import LocalAwsError
from data_exports.estate.atomic_files import write_private
from data_exports.local.cloud_addresses import read_state, state_file_of, variables_of
from data_exports.local.clouds.declared import CloudThing, declared_json
from data_exports.local.clouds.faults import InjectedFault
from data_exports.local.emulator import LocalAws, write_secret
from data_exports.local.processes import command_line_of, is_alive

_SERVER_MODULE = "data_exports.local.clouds.server"
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TIMEOUT_SECONDS = 60

Headers = Mapping[str, str]

# Started by this very process, which waits for them when it ends.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class LocalClouds:
    """Running stand-ins: their process, their ports of 127.0.0.1 by service, and the token of the recipients' side."""

    pid: int
    ports: Mapping[str, int]
    owner_token: str = field(repr=False)

    def url(self, service: str) -> str:
        """Where a service answers."""
        return f"http://127.0.0.1:{self.ports[service]}"

    @property
    def variables(self) -> dict[str, str]:
        """What tells the mover where they are."""
        return variables_of(self.ports)

    def declare(self, *things: CloudThing) -> None:
        """Put these in place; raises `LocalAwsError` for what the stand-ins do not know."""
        for thing in things:
            self._put("declared", declared_json(thing))

    def add_fault(self, fault: InjectedFault) -> None:
        """Have the next requests to a service meet it."""
        self._put("faults", asdict(fault))

    def _put(self, what: str, value: object) -> None:
        status, _headers, said = self._asked("PUT", f"{self.url('administration')}/{what}", json.dumps(value).encode())
        if status != 204:
            raise LocalAwsError(f"the local clouds refuse it: {said.decode(errors='replace').strip()}")

    def stored(self, service: str, place: str, name: str) -> tuple[Headers, bytes] | None:
        """What its owner finds there, with its headers by names in lower case; None: nothing.

        `service`: ``blobs`` or ``objects``; `place`: ``ACCOUNT/CONTAINER``, or a bucket.
        """
        status, headers, body = self._asked("GET", f"{self.url(service)}/{place}/{quote(name)}")
        return (headers, body) if status == 200 else None

    def held(self, kind: str) -> Mapping[str, Sequence[str]]:
        """The names of what is there, by place as `stored` takes it; `kind`: ``blobs``, ``objects``, ``unfinished``.

        What is unfinished has parts that were neither completed nor aborted.
        """
        status, _headers, said = self._asked("GET", f"{self.url('administration')}/held")
        assert status == 200, said
        found: Mapping[str, Sequence[str]] = json.loads(said)[kind]
        return found

    def remove_stored(self, service: str, place: str, name: str) -> None:
        """Have its owner delete it, if it is there."""
        self._asked("DELETE", f"{self.url(service)}/{place}/{quote(name)}")

    def _asked(self, method: str, url: str, body: bytes | None = None) -> tuple[int, Headers, bytes]:
        headers = {"Authorization": f"Bearer {self.owner_token}", "x-ms-version": "2023-11-03"}
        asked = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - our own address
        try:
            with _DIRECTLY.open(asked, timeout=_TIMEOUT_SECONDS) as reply:
                return reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.read()
        except HTTPError as error:
            return error.code, {}, error.read()


def running_clouds(local: LocalAws) -> LocalClouds | None:
    """Those that run beside a local AWS, or None. Raises `LocalAwsError` where what is known of them is damaged."""
    told = read_state(local.folder / "state")
    if told is None:
        return None
    found = LocalClouds(**told)
    return found if is_alive(found.pid) and _SERVER_MODULE in command_line_of(found.pid) else None


def start_clouds(local: LocalAws) -> LocalClouds:
    """Those that run beside a local AWS; started, if there are none. Functions that start from now on are told of them.

    Raises `LocalAwsError` when they do not start.
    """
    running = running_clouds(local)
    if running:
        return running
    state = local.folder / "state"
    words = [sys.executable, "-m", _SERVER_MODULE, "--folder", str(state / "clouds")]
    words += ["--aws-url", local.endpoint_url, "--owner-pid", str(local.pid)]
    token = secrets.token_urlsafe(30)
    with (local.folder / "clouds.log").open("wb") as log:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=local.folder,
            start_new_session=True,
        )
    _children[child.pid] = child
    write_secret(child, token)
    assert child.stdout is not None  # it was started with a pipe
    with child.stdout:
        said = child.stdout.readline()
    if not said:
        child.kill()
        child.wait()
        raise LocalAwsError(
            "the stand-ins of other clouds do not start", next_step=f"see {local.folder / 'clouds.log'}"
        )
    clouds = LocalClouds(child.pid, json.loads(said), token)
    write_private(state_file_of(state), json.dumps(asdict(clouds)))
    return clouds
