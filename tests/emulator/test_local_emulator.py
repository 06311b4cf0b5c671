"""The local AWS as a process: it starts, is found, stays on this computer, and leaves nothing behind."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from data_exports.errors import LocalAwsError
from data_exports.local import clients, emulator
from data_exports.local.emulator import LocalAws
from data_exports.local.processes import is_alive
from tests.emulator.steps import ACCOUNT, REGION, Steps, allow, refusal_of, wait_until

pytestmark = pytest.mark.emulator

OTHER = "754256621582"


def start(folder: Path, **more: object) -> LocalAws:
    options = {"account": ACCOUNT, "region": REGION, "owner_pid": os.getpid(), **more}
    return emulator.start(folder, **options)  # type: ignore[arg-type]  # the options are spelt out by the tests


def test_it_starts_is_found_stops_and_leaves_only_its_log(tmp_path: Path) -> None:
    folder = tmp_path / "aws"
    local = start(folder)
    try:
        assert (local.account, local.region, local.endpoint_url) == (
            ACCOUNT,
            REGION,
            f"http://127.0.0.1:{local.port}",
        )
        assert emulator.read_status(folder) == local
        assert folder.stat().st_mode & 0o777 == 0o700
        with pytest.raises(LocalAwsError, match="already runs"):
            start(folder)
    finally:
        emulator.stop(local)
    assert not is_alive(local.pid)
    assert emulator.read_status(folder) is None
    assert [path.name for path in folder.iterdir()] == ["emulator.log"]
    emulator.stop(local)


def test_two_run_side_by_side_and_know_nothing_of_each_other(local_aws: LocalAws, tmp_path: Path) -> None:
    other = start(tmp_path / "aws")
    try:
        Steps(other).bucket(name="only-in-the-other")
        assert refusal_of(lambda: Steps(local_aws).client("s3").head_bucket(Bucket="only-in-the-other")) == "404"
    finally:
        emulator.stop(other)


def test_a_taken_port_is_said_to_be_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalAwsError, match=f"port {port} of 127.0.0.1 cannot be used"):
            start(tmp_path / "aws", port=port)


def test_a_server_that_dies_at_once_says_why(tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match="ended before it was ready") as caught:
        start(tmp_path / "aws", region="--none")
    assert "argument --region: expected one argument" in str(caught.value)


def test_it_ends_with_its_owner(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    local = start(tmp_path / "aws", owner_pid=owner.pid)
    owner.kill()
    owner.communicate()
    wait_until(lambda: emulator.read_status(tmp_path / "aws") is None)
    emulator.stop(local)
    assert not (tmp_path / "aws" / "tmp").exists()


def test_the_state_of_one_that_was_killed_is_cleaned(tmp_path: Path) -> None:
    local = start(tmp_path / "aws")
    os.killpg(local.pid, 9)
    wait_until(lambda: emulator.read_status(tmp_path / "aws") is None)
    emulator.stop(local)
    assert [path.name for path in (tmp_path / "aws").iterdir()] == ["emulator.log"]


def test_a_number_that_another_program_got_later_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    emulator.stop(LocalAws(tmp_path, 1, stranger.pid, ACCOUNT, REGION, ""))
    assert stranger.poll() is None
    stranger.kill()
    stranger.communicate()


def listening_ports_of(pid: int) -> list[str]:
    """The addresses a process listens on, as ``ip:port``."""
    if Path("/proc/net/tcp").exists():
        inodes = {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
        found = []
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                    address, port = fields[1].split(":")
                    found.append(f"{socket.inet_ntoa(bytes.fromhex(address)[::-1])}:{int(port, 16)}")
        return found
    words = ["lsof", "-nP", "-a", "-p", str(pid), "-iTCP", "-sTCP:LISTEN", "-Fn"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line[1:] for line in lines if line.startswith("n")]


def test_it_listens_on_one_port_of_this_computer_and_one_for_each_sftp_server(
    local_aws: LocalAws, steps: Steps
) -> None:
    steps.bucket()
    of_sftp = {f"127.0.0.1:{place.read_text()}" for place in (local_aws.folder / "state" / "sftp").glob("s-*")}
    assert set(listening_ports_of(local_aws.pid)) - of_sftp == {f"127.0.0.1:{local_aws.port}"}


def test_services_the_product_does_not_use_are_off(steps: Steps) -> None:
    assert refusal_of(lambda: steps.client("dynamodb").list_tables()) == "400"


def test_the_ordinary_aws_command_works_and_never_sees_this_computers_profiles(steps: Steps, tmp_path: Path) -> None:
    bucket = steps.bucket()
    steps.client("s3").put_object(Bucket=bucket, Key="a.csv", Body=b"1,2")
    role = steps.role(allow("s3:ListAllMyBuckets", "*"))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text("[profile mine]\nendpoint_url = http://127.0.0.1:1\n")
    hostile = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_PROFILE": "mine",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
    }
    previous = os.environ.get("AWS_ENDPOINT_URL_S3")
    os.environ["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1"
    try:
        root, session = clients.environment_of(steps.local), clients.environment_of(steps.local, role)
    finally:
        del os.environ["AWS_ENDPOINT_URL_S3"]
        if previous is not None:
            os.environ["AWS_ENDPOINT_URL_S3"] = previous

    def aws(variables: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
        program = shutil.which("aws", path=str(Path(sys.executable).parent)) or "aws"
        return subprocess.run([program, *words], env=hostile | variables, capture_output=True, text=True, check=False)

    assert aws(root, "s3", "cp", f"s3://{bucket}/a.csv", "-").stdout == "1,2"
    assert aws(session, "s3api", "list-buckets").returncode == 0
    assert "(403)" in aws(session, "s3", "cp", f"s3://{bucket}/a.csv", "-").stderr
    whoami = aws(session, "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
    assert whoami.stdout.strip() == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rsplit('/', 1)[-1]}/local"


def test_functions_and_their_files_go_when_it_stops(tmp_path: Path) -> None:
    from tests.emulator.functions import answer_of, function

    local = start(tmp_path / "aws")
    steps = Steps(local)
    code = "import os\ndef handler(event, context):\n    return os.getpid()\n"
    function(steps, code, steps.role(), name="f")
    worker = answer_of(steps, "f")
    assert is_alive(worker)
    emulator.stop(local)
    assert not is_alive(worker)
    assert [path.name for path in (tmp_path / "aws").iterdir()] == ["emulator.log"]
