"""The local AWS as a process: start it, find it again, stop it.

In: a folder for its log, its state and its temporary files. Out: a `LocalAws` that says where it listens. Effects: one
detached process on a free port of 127.0.0.1, and files in the folder (mode 0700) and nowhere else.
`client`, `client_as`, `aws_of`, `session_of` and `environment_of` (from `clients`) are how to talk to it.
"""

import hmac
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from pathlib import Path
from shutil import rmtree

from data_exports.errors import LocalAwsError
from data_exports.estate.atomic_files import write_private
from data_exports.local.gaps.patching import check_emulator_version
from data_exports.local.processes import command_line_of, is_alive
from data_exports.local.proof import CLIENT, NONCE_HEADER, PROOF_HEADER, PROOF_PATH, SERVER, proof_of

_SERVER_MODULE = "data_exports.local.server"
_STATE_FILE = "state.json"
_LOG_FILE = "emulator.log"
_POLL_SECONDS = 0.05
_GRACE_SECONDS = 10.0
_PORT_ATTEMPTS = 3
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy of this computer's user has no business between two processes of it."""

# Started by this very process: to be waited for when they end, or they stay behind as zombies.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class LocalAws:
    """A running local AWS: its folder, its port on 127.0.0.1, its pid, its first account and its region.

    `secret` was drawn for this start: it is the secret access key of every account's root.
    """

    folder: Path
    port: int
    pid: int
    account: str
    region: str
    secret: str = field(repr=False)

    @property
    def endpoint_url(self) -> str:
        """What `AWS_ENDPOINT_URL` must be."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        """What the emulator wrote to stdout and stderr."""
        return self.folder / _LOG_FILE


def start(
    folder: Path,
    *,
    account: str,
    region: str,
    port: int | None = None,
    timeout_seconds: float = 120,
    owner_pid: int | None = None,
) -> LocalAws:
    """Start a local AWS that outlives this process, and wait until it answers.

    `account` (12 digits) is the platform's; any other 12-digit account exists as well. `port` None takes a free one.
    With `owner_pid` it ends itself when that process is gone, however that ended.
    Raises `LocalAwsError` when one already runs in the folder, the port is taken, or it dies or stays silent.
    """
    check_emulator_version()
    folder = folder.resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise LocalAwsError(
            f"the folder of the local AWS cannot be used: {error.strerror}",
            where=str(folder),
            next_step="make it writable, or name another place for it with XDG_STATE_HOME",
        ) from error
    running = read_status(folder)
    if running is not None:
        raise LocalAwsError(
            f"a local AWS already runs in {folder} (pid {running.pid}, port {running.port})",
            next_step="use it, or stop it first",
        )
    attempts = _PORT_ATTEMPTS if port is None else 1
    for attempt in range(1, attempts + 1):
        chosen = _free_port() if port is None else _checked_port(port)
        try:
            return _launch(
                folder, chosen, account=account, region=region, owner_pid=owner_pid, timeout_seconds=timeout_seconds
            )
        except _PortLostError:
            if attempt == attempts:
                raise
    raise AssertionError


class _PortLostError(LocalAwsError):
    """Somebody else took the port between our look and the emulator's bind."""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _checked_port(port: int) -> int:
    """The port itself; raises `LocalAwsError` when something listens there or it may not be used."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LocalAwsError(
                f"port {port} of 127.0.0.1 cannot be used: {error.strerror}",
                next_step="name another port, or none to take a free one",
            ) from error
    return port


def _launch(
    folder: Path, port: int, *, account: str, region: str, owner_pid: int | None, timeout_seconds: float
) -> LocalAws:
    """Start the server process, wait until it answers, and write the folder's state file."""
    words = [sys.executable, "-m", _SERVER_MODULE, "--port", str(port), "--account", account, "--region", region]
    words += ["--folder", str(folder)] + (["--owner-pid", str(owner_pid)] if owner_pid else [])
    with (folder / _LOG_FILE).open("wb") as log:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
            words,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )
    _children[child.pid] = child
    local = LocalAws(folder, port, child.pid, account, region, secret=secrets.token_urlsafe(30))
    try:
        write_secret(child, local.secret)
        _wait_until_healthy(local, child, timeout_seconds)
        _write_state(local)
    except BaseException:
        stop(local)
        raise
    return local


def write_secret(child: subprocess.Popen[bytes], secret: str) -> None:
    """Give a server that was started its secret, where no other user of this computer can read it."""
    assert child.stdin is not None  # it was started with a pipe
    with suppress(BrokenPipeError), child.stdin:  # it has ended: who waits for it says why
        child.stdin.write(f"{secret}\n".encode())


def _write_state(local: LocalAws) -> None:
    state = {**asdict(local), "folder": str(local.folder)}
    write_private(local.folder / _STATE_FILE, json.dumps(state, indent=2) + "\n")


def _wait_until_healthy(local: LocalAws, child: subprocess.Popen[bytes], timeout_seconds: float) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not answers(local):
        if child.poll() is not None:
            tail = _last_lines(local.log_file)
            kind = _PortLostError if "already in use" in tail else LocalAwsError
            raise kind(
                f"the local AWS ended before it was ready (exit code {child.returncode})",
                next_step=f"see {local.log_file}; its last lines:\n{tail}",
            )
        if time.monotonic() > deadline:
            raise LocalAwsError(
                f"the local AWS did not answer on port {local.port} within {timeout_seconds:g} s",
                next_step=f"see {local.log_file}; its last lines:\n{_last_lines(local.log_file)}",
            )
        time.sleep(_POLL_SECONDS)


def answers(local: LocalAws) -> bool:
    """Whether this very server answers on its port, and no other program that got it first."""
    nonce = secrets.token_hex(16)
    proof = {NONCE_HEADER: nonce, PROOF_HEADER: proof_of(local.secret, CLIENT, nonce)}
    asked = urllib.request.Request(local.endpoint_url + PROOF_PATH, headers=proof)  # noqa: S310 - our own address
    try:
        with _DIRECTLY.open(asked, timeout=2) as reply:
            return hmac.compare_digest(reply.read(64), proof_of(local.secret, SERVER, nonce).encode())
    except (OSError, HTTPException):
        return False


def _last_lines(path: Path, count: int = 12) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "(no log)"
    return "\n".join(lines[-count:]) or "(empty log)"


def read_status(folder: Path) -> LocalAws | None:
    """The local AWS that runs in this folder, or None; a state file left behind by a dead one is removed."""
    path = folder.resolve() / _STATE_FILE
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        local = LocalAws(**{**state, "folder": Path(state["folder"])})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, KeyError):
        path.unlink(missing_ok=True)
        return None
    if _is_ours(local):
        return local
    _tidy_up_after(local)
    return None


def _is_ours(local: LocalAws) -> bool:
    """Whether the pid still belongs to this local AWS, and not to a program that got its number later."""
    if not is_alive(local.pid):
        return False
    words = command_line_of(local.pid)
    return _SERVER_MODULE in words and "--port" in words and words[words.index("--port") + 1] == str(local.port)


def stop(local: LocalAws) -> None:
    """End the local AWS and its functions' processes, and remove its files but the log; fine when it is gone already.

    Raises `LocalAwsError` when it survives even SIGKILL.
    """
    if _is_ours(local):
        os.kill(local.pid, signal.SIGTERM)
        if not _ended(local, _GRACE_SECONDS):
            with suppress(ProcessLookupError):
                os.killpg(local.pid, signal.SIGKILL)  # its functions, too: it leads a process group of its own
            if not _ended(local, _GRACE_SECONDS):
                raise LocalAwsError(
                    f"the local AWS (pid {local.pid}) does not end", next_step=f"end process {local.pid} yourself"
                )
    _tidy_up_after(local)


def _tidy_up_after(local: LocalAws) -> None:
    """Remove the files of a local AWS that has ended, and its place in this process's list of children."""
    child = _children.pop(local.pid, None)
    if child is not None:
        child.wait(_GRACE_SECONDS)
    for name in ("tmp", "state"):
        rmtree(local.folder / name, ignore_errors=True)
    (local.folder / _STATE_FILE).unlink(missing_ok=True)


def _ended(local: LocalAws, timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if not _is_ours(local):
            return True
        time.sleep(_POLL_SECONDS)
    return False
