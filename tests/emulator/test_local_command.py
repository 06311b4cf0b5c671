"""``exports local`` as people use it: up, env, the ordinary aws command as somebody, down."""

import json
import os
import shutil
import signal
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from data_exports.local.clients import VARIABLES
from data_exports.local.folders import example_estate_folder
from tests.emulator.steps import wait_until
from tests.envelopes import read_json
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.emulator

EXPORTS = [sys.executable, "-m", "data_exports"]
AWS = str(Path(sys.executable).with_name("aws"))
TRUSTED = Path(__file__).with_name("tls") / "certificate.pem"
"""Of a server that passes for AWS's queues, with its key; it signed itself."""
SENDER = "alpha_user_annika-lindqvist"


@dataclass(frozen=True)
class Shell:
    """A home of its own with a copy of the example estate, and commands run there."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str, code: int = 0, env: dict[str, str] | None = None, text: str = "") -> str:
        """Run a command; gives its stdout and stderr, and fails the test on another exit code."""
        run = subprocess.run(
            words,
            cwd=self.folder / "estate",
            env=self.environment | (env or {}),
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == code, run.stdout + run.stderr
        assert "Traceback" not in run.stderr
        return run.stdout + run.stderr

    def exports(self, *words: str, code: int = 0, env: dict[str, str] | None = None) -> str:
        return self.run(*EXPORTS, *words, code=code, env=env)

    def env(self, *words: str) -> dict[str, str]:
        found: dict[str, str] = read_json(self.exports("local", "env", "--json", *words).split("\nwarning:")[0])[
            "variables"
        ]
        return found


@contextmanager
def shell_in(home: Path) -> Iterator[Shell]:
    shutil.copytree(example_estate_folder(), home / "estate")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EXPORTS_", "XDG_"))}
    made = Shell(home, plain | {"HOME": str(home)})
    yield made
    made.exports("local", "down")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with shell_in(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """With a local AWS that runs, shared by the tests of the group `local_command`, which leave it as it is."""
    with shell_in(tmp_path_factory.mktemp("home")) as made:
        made.exports("local", "up")
        yield made


on_the_running_one = pytest.mark.xdist_group("local_command")


def test_a_laptop_runs_the_whole_system_and_the_aws_command_acts_as_a_sender(shell: Shell) -> None:
    assert "next: start one: exports local up" in shell.exports("local", "status", code=3)
    assert "the local AWS runs on http://127.0.0.1:" in shell.exports("local", "up")
    assert "the local AWS runs on" in shell.exports("local", "up")  # again: adds what is new
    status = read_json(shell.exports("local", "status", "--json"))
    assert (status["account"], status["region"]) == ("593291632749", "eu-west-1")

    owner, sender, recipient = shell.env(), shell.env("--as", SENDER), shell.env("--as", "203591025782")
    assert "exports-hub" in shell.exports("deploy", env=owner)
    assert SENDER in shell.run(AWS, "sts", "get-caller-identity", env=sender)
    target = "s3://mojap-hub-exports/court_hearings/hello.txt"
    shell.run(AWS, "s3", "cp", "-", target, env=sender, text="hello")
    shell.run(
        AWS, "s3api", "wait", "object-exists", "--bucket", "hearings-landing-prod", "--key", "court_hearings/hello.txt",
        env=recipient,
    )  # fmt: skip
    arrived = shell.run(AWS, "s3", "cp", "s3://hearings-landing-prod/court_hearings/hello.txt", "-", env=recipient)
    assert arrived == "hello"
    assert "403" in shell.run(AWS, "s3", "cp", target, "-", env=sender, code=1)
    assert "AccessDenied" in shell.run(AWS, "s3", "ls", "s3://mojap-hub-exports/", env=sender, code=255)

    assert "stopped the local AWS" in shell.exports("local", "down")
    assert "no local AWS runs for this estate" in shell.exports("local", "down")


@on_the_running_one
def test_a_taken_port_is_said(running: Shell) -> None:
    port = read_json(running.exports("local", "status", "--json"))["endpoint_url"]
    other = running.folder / "other"
    shutil.copytree(running.folder / "estate", other)
    said = running.exports("local", "up", "--estate", str(other), "--port", port.rsplit(":", 1)[1], code=3)
    assert "Address already in use" in said
    assert "next: name another port" in said


@on_the_running_one
def test_env_acts_as_whom_the_estate_names_and_tells_who_that_is(running: Shell) -> None:
    for principal in ("bail-research", "arn:aws:iam::871026394550:role/bail-research"):
        assert "assumed-role/bail-research" in running.run(
            AWS, "sts", "get-caller-identity", env=running.env("--as", principal)
        )
    assert SENDER in running.exports("local", "env", "--as", "alpha_user_nobody", code=2)
    assert "must be 12 digits" in running.exports("local", "env", "--as", "1234567890", code=2)
    assert "it runs already, on port" in running.exports("local", "up", "--port", "1", code=2)


LISTS = """\
name: lists
pull_identities:
  - oidc:
      issuer: https://token.actions.githubusercontent.com
      subject: repo:example/reports:environment:prod
      audience: sts.amazonaws.com
users:
  - alpha_user_ana
paperwork: DPIA-2
"""
WORKFLOW = ("--issuer", "https://token.actions.githubusercontent.com", "--subject", "repo:example/reports:pull_request")


def test_a_reader_outside_aws_is_played_with_the_ordinary_aws_command(shell: Shell) -> None:
    for folder in ("push_datasets", "pull_datasets"):
        shutil.rmtree(shell.folder / "estate" / folder)
    declared = shell.folder / "estate" / "pull_datasets" / "lists.yaml"
    declared.parent.mkdir()
    declared.write_text(LISTS)
    shell.exports("local", "up")
    owner = shell.env()
    shell.exports("deploy", env=owner)
    reader = shell.env("--as", role_in(shell.exports("local", "env", "--as", "nobody", code=2)))
    role = reader["AWS_ROLE_ARN"]
    (bucket,) = [name for name in shell.run(AWS, "s3", "ls", env=owner).split() if name.endswith("-lists")]
    shell.run(AWS, "s3", "cp", "-", f"s3://{bucket}/x", env=owner, text="for all")
    assert "for all" in shell.run(AWS, "s3", "cp", f"s3://{bucket}/x", "-", env=reader)
    assert "AccessDenied" in shell.run(AWS, "s3", "cp", "-", f"s3://{bucket}/y", env=reader, text="no", code=1)

    def refused(*words: str) -> str:
        said = shell.exports("local", "token", "token.jwt", *words)
        token = shell.folder / "estate" / "token.jwt"
        assert (token.stat().st_mode & 0o777, token.read_text() in said) == (0o600, False)
        stranger = shell.env("--as", role, "--token-file", "token.jwt")
        return shell.run(AWS, "s3", "ls", f"s3://{bucket}/", env=stranger, code=255)

    assert "Incorrect token audience" in refused("--of", role, "--audience", "another")
    assert "ExpiredTokenException" in refused("--of", role, "--minutes", "-6")
    assert "AccessDenied" in refused(*WORKFLOW, "--audience", "sts.amazonaws.com")
    assert "No OpenIDConnect provider" in refused("--of", role, "--issuer", "https://another.example")
    assert "AccessDenied" in refused("--of", role, "--claim", "sub=repo:example/reports:pull_request")


def role_in(said: str) -> str:
    """The role of a reader outside AWS among those that env knows."""
    return next(word.strip(",;") for word in said.split() if word.startswith("export_lists-pull-"))


@on_the_running_one
def test_a_token_that_cannot_be_is_said(running: Shell) -> None:
    def said(*words: str) -> str:
        return running.exports("local", *words, code=2)

    right = ("token", "token.jwt", *WORKFLOW, "--audience", "a")
    assert "next: write the tokens' iss: https://" in said(*right, "--issuer", "accounts.google.com")
    assert "azp is no claim" in said(*right, "--claim", "azp")
    assert "next: give --of, or --issuer" in said(*right[:-2])
    assert "cannot be written: " in said("token", "nowhere/token.jwt", *right[2:])
    assert "bail-research needs no token" in said(*right, "--of", "bail-research")
    assert "there is no file nowhere" in said("env", "--token-file", "nowhere")
    running.exports("local", *right)
    for role in ((), ("--as", "bail-research")):
        told = said("env", "--token-file", "token.jwt", *role)
        assert "next: name it: --as ARN" in told
        assert told.startswith("false")


@on_the_running_one
def test_what_env_sets_it_can_take_away(running: Shell) -> None:
    script = f"""eval "$({sys.executable} -m data_exports local env)" && env | grep -c ^AWS_
        eval "$({sys.executable} -m data_exports local env --unset)" ; env | grep -c ^AWS_ ; true"""
    assert running.run("bash", "-c", script).splitlines()[:2] == [str(len(VARIABLES)), "0"]


@contextmanager
def stand_in_for_aws(requests: list[bytes]) -> Iterator[str]:
    """An HTTPS proxy behind which a server passes for AWS's queues; keeps what requests begin with."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TRUSTED)

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            """Take CONNECT for any host, and then a request over TLS."""
            while self.rfile.readline().strip():
                pass
            self.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with suppress(OSError), context.wrap_socket(self.connection, server_side=True) as tls:
                requests.append(tls.recv(4))
                tls.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@on_the_running_one
def test_nothing_leaves_for_the_real_aws_even_when_aws_version_1_tries(running: Shell) -> None:
    variables, requests = running.env(), list[bytes]()
    with stand_in_for_aws(requests) as proxy:
        own = {"HTTPS_PROXY": proxy, "AWS_CA_BUNDLE": str(TRUSTED), "AWS_MAX_ATTEMPTS": "1"}
        before = own | {name: value for name, value in variables.items() if name != "AWS_CA_BUNDLE"}
        running.run(AWS, "sqs", "list-queues", code=255, env=before)
        assert requests == [b"POST"]  # so it would leave
        said = running.run(AWS, "sqs", "list-queues", code=255, env=own | variables)
        assert "SSL validation failed for https://eu-west-1.queue.amazonaws.com/" in said
        assert requests == [b"POST"]
    words = ("sqs", "list-queues", "--endpoint-url", variables["AWS_ENDPOINT_URL"])
    assert json.loads(running.run(AWS, *words, env=variables)) == {"QueueUrls": []}


@on_the_running_one
def test_env_says_when_the_aws_command_is_the_old_one(running: Shell) -> None:
    old, new = (running.folder / name for name in ("old", "new"))
    for folder, version in ((old, "aws-cli/1.46.3 Python/3.11"), (new, "aws-cli/2.31.0 Python/3.13")):
        folder.mkdir()
        (folder / "aws").write_text(f"#!/bin/sh\necho {version}\n")
        (folder / "aws").chmod(0o755)
    path = os.environ["PATH"]
    assert "Use version 2" in running.exports("local", "env", env={"PATH": f"{old}:{path}"})
    assert "Use version 2" not in running.exports("local", "env", env={"PATH": f"{new}:{path}"})


def test_a_failed_env_is_no_success_for_eval(shell: Shell) -> None:
    script = f"""eval "$({sys.executable} -m data_exports local env)" && echo deploying to the real AWS"""
    assert "deploying" not in shell.run("bash", "-c", script, code=1)


@on_the_running_one
def test_a_role_the_local_aws_does_not_have_yet_is_no_success_for_eval_either(running: Shell) -> None:
    file = running.folder / "estate" / "pull_datasets" / "bail_research.yaml"
    declared = file.read_text()
    file.write_text(declared.replace("alpha_user_priya-raman", "alpha_user_new-here"))
    script = f"""eval "$({sys.executable} -m data_exports local env --as alpha_user_new-here)" && echo going on"""
    assert "going on" not in running.run("bash", "-c", script, code=1)
    file.write_text(declared)


def test_an_interrupted_start_leaves_no_local_aws_behind(shell: Shell) -> None:
    for _ in range(20):  # until this machine is quick enough to interrupt it while the world is being made
        starting = subprocess.Popen([*EXPORTS, "local", "up"], cwd=shell.folder / "estate", env=shell.environment)
        wait_until(lambda: bool(list(shell.folder.glob(".local/state/data-exports/*/state.json"))))
        starting.send_signal(signal.SIGINT)
        if starting.wait(timeout=PATIENCE_SECONDS) != 0:
            break
        shell.exports("local", "down")
    assert starting.returncode == 130
    assert "no local AWS runs" in shell.exports("local", "status", code=3)


def test_a_shell_left_behind_by_a_stopped_local_aws_is_told_so(shell: Shell) -> None:
    shell.exports("local", "up")
    left = shell.env()
    shell.exports("local", "down")
    assert "the local AWS that this shell points at has ended" in shell.exports("plan", env=left, code=3)


def test_an_emulator_that_died_is_not_taken_for_running(shell: Shell) -> None:
    shell.exports("local", "up")
    pid = read_json(shell.exports("local", "status", "--json"))["pid"]
    os.kill(pid, 9)
    assert "no local AWS runs" in shell.exports("local", "status", code=3)
