"""The letters to readers outside AWS: what they hold is put in place and run as it stands, against the local AWS.

The programs of other clouds that give somebody a token, `gcloud` and `az`, are stood in for by ones that print it.
"""

import asyncio
import configparser
import json
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import asyncssh
import pytest
import yaml

from data_exports.deploy.sftp_server import read_sftp_server
from data_exports.local.clients import session_by_token
from data_exports.local.emulator import LocalAws
from data_exports.local.sftp_ports import sftp_port_of
from data_exports.operate.handover.halves import ReadingOutside, SftpReading, TokenReading, halves_of
from data_exports.readers.google import GoogleServiceAccount
from data_exports.readers.guide import SCRIPTS
from data_exports.readers.kinds import AnyReader, OutsideReader, reader_of
from data_exports.readers.sftp import SftpAddress, SftpName, SftpReader
from data_exports.readers.ssh_keys import SshPublicKey
from data_exports.views.handover.letter import letter_of
from tests.emulator.deploying import Ground, ground_of
from tests.emulator.federated import token_of
from tests.emulator.sftp_client import key_named, public_text, read_of
from tests.estates import (
    AZURE_READER,
    CLUSTER_READER,
    GOOGLE_READER,
    READERS_OUTSIDE_AWS,
    TRANSFER_READER,
    WORKFLOW_READER,
    estate_of,
    pull,
)

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("letters")]

ELSEWHERE = reader_of(
    {"oidc": {"issuer": "https://id.example.org/main", "subject": "the loader", "audience": "exports&files"}}
)
MERIDIAN = SftpReader(SftpName("meridian"), (SshPublicKey(public_text(key_named("meridian"))),))
LISTS = pull(
    "lists",
    outsiders=(),
    identities=(*READERS_OUTSIDE_AWS, ELSEWHERE),
    sftp_readers=(MERIDIAN,),
    allow_push=True,
)
CONTENT = b"name,date\n"


@pytest.fixture(scope="module")
def ground(local_aws: LocalAws) -> Ground:
    found = ground_of(local_aws, "718281828459", "letters")
    estate = found.estate(LISTS, sftp=True)
    found.make_users_of(estate)
    assert found.deploy(estate).is_complete
    found.client("s3").put_object(Bucket=LISTS.bucket(found.platform), Key="2031/a.csv", Body=CONTENT)
    return found


@dataclass(frozen=True)
class Outside:
    """A machine of a reader's own: a home, and the letter that its owner got."""

    ground: Ground
    half: ReadingOutside
    home: Path

    @property
    def blocks(self) -> list[str]:
        """Each command and file of the letter, as it stands there, without what it is set off by."""
        letter = letter_of(self.half)
        steps = [("\n".join(step.lines), 7) for step in self.half.steps if step.lines]
        uses = [("\n".join(step.lines), 4) for step in self.half.guide.use if step.lines]
        for text, margin in (*steps, *uses):
            assert textwrap.indent(text, " " * margin) in letter
        return [text for text, _ in (*steps, *uses)]

    def block(self, start: str) -> str:
        """The one that begins so."""
        (found,) = (text for text in self.blocks if text.startswith(start))
        return found

    def token(self, **claims: Any) -> str:
        """A token of the reader, by its own issuer."""
        assert isinstance(self.half, TokenReading)
        return token_of(self.ground.local, self.half.reader, **claims)

    def write_program(self, name: str, text: str) -> None:
        """Put a program into the folder that stands for those of the letter."""
        program = self.home / "bin" / name
        program.write_text(text)
        program.chmod(0o755)

    def write_token_printer(self, name: str, token: str, *words: str) -> None:
        """A program of another cloud that, when it is asked right, prints a token and an end of line."""
        asked = " ".join(words)
        self.write_program(
            name, f'#!/bin/sh\n[ "$*" = "{asked}" ] || {{ echo "not asked so: $*" >&2; exit 1; }}\necho "{token}"\n'
        )

    def write_profile(self, text: str) -> None:
        """Add to the configuration of `aws`, as the letter says; programs lie in the home."""
        (self.home / ".aws" / "config").write_text(text.replace(SCRIPTS, str(self.home / "bin")))

    def shell(self, script: str, env: Mapping[str, str] = MappingProxyType({}), *, code: int = 0) -> str:
        """What a script prints, run as the letter has it."""
        basic = {
            "PATH": f"{self.home / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(self.home),
            "AWS_ENDPOINT_URL": self.ground.local.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "NO_PROXY": "127.0.0.1",
        }
        run = subprocess.run(
            ["sh", "-e"], input=script, cwd=self.home, env={**basic, **env}, capture_output=True, text=True, check=False
        )
        assert run.returncode == code, run.stdout + run.stderr
        return run.stdout + run.stderr

    def check_fetched(self) -> None:
        """The files of the dataset are here."""
        assert (self.home / "lists" / "2031" / "a.csv").read_bytes() == CONTENT


@pytest.fixture
def outside(ground: Ground, tmp_path: Path) -> Callable[[OutsideReader], Outside]:
    for folder in ("bin", ".aws"):
        (tmp_path / folder).mkdir()

    def of(reader: OutsideReader) -> Outside:
        server = read_sftp_server(ground.aws)
        assert server is not None
        address = SftpAddress(server.host_name, server.host_key)
        halves = halves_of(estate_of(LISTS, platform=ground.platform), LISTS, server=address)
        (half,) = (each for each in halves if isinstance(each, ReadingOutside) and each.reader == reader)
        return Outside(ground, half, tmp_path)

    return of


def check_profile(there: Outside, env: Mapping[str, str] = MappingProxyType({})) -> None:
    """Run all that the letter says of using the profile."""
    assert isinstance(there.half, TokenReading)
    name = there.half.role.name
    seen = there.shell(there.block("aws sts get-caller-identity"), env)
    assert f"assumed-role/{name}/" in seen
    assert "2031/" in seen
    (there.home / "FILE").write_text("new")
    there.shell(there.block("aws s3 sync"), env)
    there.check_fetched()
    python = there.block("import boto3").replace("KEY", "2031/a.csv").replace('"FILE"', '"fetched"')
    there.shell(f"{sys.executable} - <<'END'\n{python}\nEND\n", env)
    assert (there.home / "fetched").read_bytes() == CONTENT


@pytest.mark.parametrize("profile", ["", "export-lists"])
def test_a_service_account_of_google_uses_its_letter(outside: Callable[[OutsideReader], Outside], profile: str) -> None:
    there = outside(GOOGLE_READER)
    reader = there.half.reader
    assert isinstance(reader, GoogleServiceAccount)
    account, audience = f"--impersonate-service-account={reader.service_account}", f"--audiences={reader.audience}"
    there.write_token_printer("gcloud", there.token(), "auth", "print-identity-token", account, audience)
    there.write_program("export-lists", there.block("#!/bin/sh"))
    there.write_profile(there.block("[profile"))
    check_profile(there, {"AWS_PROFILE": profile} if profile else {})


def test_a_principal_of_azure_uses_its_letter(outside: Callable[[OutsideReader], Outside]) -> None:
    there = outside(AZURE_READER)
    asked = ("account", "get-access-token", "--resource", str(AZURE_READER.audience), "--query", "accessToken")
    there.write_token_printer("az", there.token(), *asked, "--output", "tsv")
    there.write_program("export-lists", there.block("#!/bin/sh"))
    there.write_profile(there.block("[profile"))
    check_profile(there)


@pytest.mark.parametrize("reader", [GOOGLE_READER, AZURE_READER])
def test_the_other_way_to_a_token_of_the_program_works_too(
    outside: Callable[[OutsideReader], Outside], reader: AnyReader
) -> None:
    """`curl` asks the machine itself, whose address no test may ask: what it is asked for is held here."""
    there = outside(reader)
    program = there.block("#!/bin/sh")
    token = there.token()
    answer = token if reader is GOOGLE_READER else json.dumps({"access_token": token})
    there.write_program(
        "curl", f"#!/bin/sh\nfor word; do echo \"$word\" >> {there.home}/asked; done\necho '{answer}'\n"
    )
    there.write_program("jq", f"#!{sys.executable}\nimport json, sys\nprint(json.load(sys.stdin)['access_token'])\n")
    (_, _, first, _, other, *rest) = program.splitlines()
    there.write_program("export-lists", program.replace(first, "").replace(other, other.replace("# ", "", 1)))
    there.write_profile(there.block("[profile"))
    assert rest
    check_profile(there)
    asked = (there.home / "asked").read_text().splitlines()
    metadata = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts"
    if reader is GOOGLE_READER:
        assert asked[:2] == ["-fsS", "-H"]
        assert {"Metadata-Flavor: Google", "audience=https://exports.example.gov.uk"} <= set(asked)
        assert f"{metadata}/reader@reports.iam.gserviceaccount.com/identity" in asked
    else:
        assert {"Metadata:true", "resource=api://exports", f"object_id={reader.subject}"} <= set(asked)
        assert "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01" in asked


def test_a_program_that_gets_no_token_gives_no_credentials(outside: Callable[[OutsideReader], Outside]) -> None:
    there = outside(GOOGLE_READER)
    there.write_program("gcloud", "#!/bin/sh\necho not signed in >&2\nexit 1\n")
    there.write_program("export-lists", there.block("#!/bin/sh"))
    there.write_profile(there.block("[profile"))
    said = there.shell(there.block("aws sts get-caller-identity"), code=255)
    assert "not signed in" in said


def test_the_transfer_service_is_given_the_role_that_trusts_it(outside: Callable[[OutsideReader], Outside]) -> None:
    there = outside(TRANSFER_READER)
    role = json.loads(there.block("{"))["roleArn"]
    assert there.block("gcloud transfer jobs create").startswith(
        f"gcloud transfer jobs create s3://{there.half.bucket} "
    )
    session = session_by_token(there.ground.local, role, there.token())
    assert session.session_token


def test_a_pod_has_what_its_letter_gives_it(outside: Callable[[OutsideReader], Outside]) -> None:
    there = outside(CLUSTER_READER)
    pod = yaml.safe_load(there.block("apiVersion: v1"))
    assert pod["metadata"] == {"name": "export-lists", "namespace": "reports"}
    assert pod["spec"]["serviceAccountName"] == "loader"
    (container,) = pod["spec"]["containers"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
    (projected,) = volumes["token"]["projected"]["sources"]
    told = projected["serviceAccountToken"]
    token = Path(mounts["token"]) / told["path"]
    assert (str(token), told["audience"], told["expirationSeconds"] >= 600) == (
        variables["AWS_WEB_IDENTITY_TOKEN_FILE"],
        CLUSTER_READER.audience,
        True,
    )
    here = there.home / "token"
    here.write_text(there.token(aud=[told["audience"]]))
    command = " ".join(["aws", *container["args"]]).replace(mounts["data"], "lists/")
    there.shell(command, {**variables, "AWS_WEB_IDENTITY_TOKEN_FILE": str(here)})
    there.check_fetched()


def test_a_workflow_runs_with_the_role_of_its_letter(outside: Callable[[OutsideReader], Outside]) -> None:
    there = outside(WORKFLOW_READER)
    (job,) = yaml.safe_load(there.block("jobs:"))["jobs"].values()
    assert (job["permissions"], job["environment"]) == ({"id-token": "write"}, "prod")
    action, fetch = job["steps"]
    assert action["uses"] == "aws-actions/configure-aws-credentials@v6"
    given: Mapping[str, str] = action["with"]
    token = there.token(aud=given["audience"])
    made = session_by_token(there.ground.local, given["role-to-assume"], token)
    variables = {
        "AWS_ACCESS_KEY_ID": made.access_key_id,
        "AWS_SECRET_ACCESS_KEY": made.secret_access_key,
        "AWS_SESSION_TOKEN": made.session_token,
        "AWS_REGION": given["aws-region"],
    }  # as the action sets them
    there.shell(fetch["run"], variables)
    there.check_fetched()


def test_the_holder_of_a_token_reads_it_from_a_file(outside: Callable[[OutsideReader], Outside]) -> None:
    there = outside(ELSEWHERE)
    profile = there.block("[profile")
    (named,) = re.findall("(?m)^web_identity_token_file = (.+)$", profile)
    assert named in letter_of(there.half).replace("\n", " ")
    file = there.home / "token"
    file.write_text(there.token())
    there.write_profile(profile.replace(named, str(file)))
    check_profile(there)


@pytest.fixture
def by_sftp(outside: Callable[[OutsideReader], Outside]) -> Outside:
    """A reader by SFTP, with its private key where the letter has PRIVATE_KEY, and a file to hand in."""
    if missing := [tool for tool in ("sftp", "ssh-keyscan", "ssh-keygen") if shutil.which(tool) is None]:
        pytest.skip(f"the letter's commands are OpenSSH's, of which this machine lacks {', '.join(missing)}")
    there = outside(MERIDIAN)
    key = there.home / "PRIVATE_KEY"
    key.write_bytes(key_named("meridian").export_private_key())
    key.chmod(0o600)
    (there.home / "FILE").write_text("handed in")
    return there


def here(there: Outside, text: str) -> str:
    """The text with the server's address of the local AWS: another port than 22 is an option of its own."""
    assert isinstance(there.half, SftpReading)
    host = there.half.host or ""
    port = sftp_port_of(there.ground.local.folder, host.partition(".")[0])
    for before, after in (
        (f"ssh-keyscan {host}", f"ssh-keyscan -p {port} 127.0.0.1"),
        (f"meridian@{host}", f"-P {port} meridian@127.0.0.1"),
        (f"host = {host}", f"host = 127.0.0.1\nport = {port}"),
    ):
        text = text.replace(before, after)
    assert host not in text
    return text


def check_pinned(there: Outside) -> None:
    """The first step of the letter shows the fingerprint that the letter names."""
    assert isinstance(there.half, SftpReading)
    shown = there.shell(here(there, there.block("ssh-keyscan")))
    assert re.findall(r"SHA256:\S+", shown) == [there.half.host_key]
    assert f"    its host key:       {there.half.host_key}\n" in letter_of(there.half)


def test_a_reader_by_sftp_uses_openssh_as_its_letter_says(by_sftp: Outside) -> None:
    check_pinned(by_sftp)
    assert "2031" in by_sftp.shell(f"echo ls | {here(by_sftp, by_sftp.block('sftp '))}")
    by_sftp.shell(here(by_sftp, by_sftp.block("mkdir -p lists")))
    by_sftp.check_fetched()
    by_sftp.shell(here(by_sftp, by_sftp.block("echo 'put")))
    bucket = str(by_sftp.half.bucket)
    stored = by_sftp.ground.client("s3").get_object(Bucket=bucket, Key="incoming/FILE")["Body"].read()
    assert stored == b"handed in"


def test_openssh_as_in_the_letter_does_not_log_in_to_another_server(by_sftp: Outside) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    command = here(by_sftp, by_sftp.block("sftp "))
    (port,) = re.findall(r"-P ([0-9]+)", command)
    (by_sftp.home / "export-lists.known_hosts").write_text(f"[127.0.0.1]:{port} {other}")
    assert "Host key verification failed" in by_sftp.shell(f"echo ls | {command}", code=255)


def test_the_remote_of_rclone_has_the_settings_that_let_somebody_in(by_sftp: Outside) -> None:
    """There is no rclone here: what its settings say, a client of ours does."""
    check_pinned(by_sftp)
    parsed = configparser.ConfigParser()
    parsed.read_string(here(by_sftp, by_sftp.block("[export-lists]")))
    remote = parsed["export-lists"]
    assert (remote["type"], remote["set_modtime"], remote["shell_type"]) == ("sftp", "false", "none")

    async def read() -> bytes:
        async with (
            asyncssh.connect(
                remote["host"],
                int(remote["port"]),
                username=remote["user"],
                client_keys=[str(by_sftp.home / remote["key_file"])],
                known_hosts=str(by_sftp.home / remote["known_hosts_file"]),
                config=None,
                agent_path=None,
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):
            return await read_of(sftp, "/2031/a.csv")

    assert asyncio.run(read()) == CONTENT
    copies = by_sftp.block("rclone copy").splitlines()
    assert copies == ["rclone copy export-lists:/ lists/", "rclone copy --inplace FILE export-lists:/incoming/"]
