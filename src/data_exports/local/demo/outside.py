"""The demo's scene of readers outside AWS: in Google Cloud, in Azure, and with an SSH key.

In: a `Stage`. Out: a story, as in `scenes`. Effects: as in `scenes`. The tokens are signed by stand-ins for Google and
Microsoft with real keys, and the local AWS verifies them as AWS does. Nobody has the private half of the example's SSH
key but the example's reader, so a key of the demo's own is declared beside it, in a copy of the estate, and deployed.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_exports.deploy.sftp_server import read_sftp_server
from data_exports.estate.models import PullDataset
from data_exports.local.clients import aws_of, client_with, session_by_token
from data_exports.local.demo.commands import run_command
from data_exports.local.demo.operating import Story
from data_exports.local.demo.stage import Expectation, Stage, is_refused
from data_exports.local.issuers import local_issuer, token_claims_of
from data_exports.local.sftp_ports import sftp_port_of
from data_exports.readers.azure import AzurePrincipal
from data_exports.readers.google import GoogleServiceAccount
from data_exports.readers.kinds import AnyReader

if TYPE_CHECKING:
    import asyncssh

READ_FROM_OUTSIDE = "custody_dashboard"
"""The dataset of the example estate that readers in Google Cloud and Azure and one with an SSH key are declared for."""
_TABLE, _KEY = b"prison,in custody\nA,812\n", "2031/custody.csv"
_ANOTHER_TENANT = "https://sts.windows.net/00000000-7a41-4b8e-9d26-31f0a6e2b874/"


def readers_outside_aws_fetch_a_file(stage: Stage) -> Story:
    """Whoever is declared fetches a file, by a token of their own or an SSH key; all others are refused."""
    pull = stage.pull(READ_FROM_OUTSIDE)
    bucket = pull.bucket(stage.estate.platform)
    yield f"{pull.users[0]} puts {_KEY} into {bucket}"
    stage.as_user(pull.users[0]).put_object(Bucket=bucket, Key=_KEY, Body=_TABLE)
    for reader in pull.identities:
        found = _as_reader(stage, pull, reader).get_object(Bucket=bucket, Key=_KEY)["Body"].read()
        yield Expectation(f"{reader.label} fetches it, with a token of its own", found == _TABLE)
    yield from _refusals(stage, pull)
    yield from _by_ssh_key(stage, pull)


def _as_reader(
    stage: Stage, pull: PullDataset, reader: AnyReader, *, issuer: str = "", claims: Mapping[str, str] | None = None
) -> Any:
    """An S3 client with the role of this reader, for a token of this issuer and with these claims; else its own."""
    token = local_issuer(stage.local.folder, issuer or reader.issuer).token(
        {**token_claims_of(reader), **(claims or {})}
    )
    role = pull.role_arn_of(reader, stage.estate.platform)
    return client_with(stage.local, "s3", session_by_token(stage.local, role, token, session_name="nightly"))


def _refusals(stage: Stage, pull: PullDataset) -> Story:
    (google,) = (each for each in pull.identities if isinstance(each, GoogleServiceAccount))
    (azure,) = (each for each in pull.identities if isinstance(each, AzurePrincipal))
    bucket, other = pull.bucket(stage.estate.platform), stage.pull("bail_research").bucket(stage.estate.platform)
    for text, call in (
        (
            "a token of the reader in Google Cloud for somebody else's service",
            partial(_as_reader, stage, pull, google, claims={"aud": "https://elsewhere.example"}),
        ),
        (
            "the id of the reader in Azure, in another tenant",
            partial(_as_reader, stage, pull, azure, issuer=_ANOTHER_TENANT),
        ),
        (
            "the reader in Azure writes what it may read",
            partial(_as_reader(stage, pull, azure).put_object, Bucket=bucket, Key=_KEY, Body=b""),
        ),
        (
            "the reader in Google Cloud lists another dataset",
            partial(_as_reader(stage, pull, google).list_objects_v2, Bucket=other),
        ),
    ):
        yield Expectation(f"refused: {text}", *is_refused(call))


def _by_ssh_key(stage: Stage, pull: PullDataset) -> Story:
    import asyncssh

    (reader,) = pull.sftp_readers
    key, stranger = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    with _declared(stage, key.export_public_key().decode().split()[:2]) as estate:
        yield f"{reader.name} sends the public half of another SSH key; it is declared beside the first"
        deployed = run_command(stage, None, "deploy", "--yes", estate=estate)
        yield from deployed.told()
    yield Expectation("the plan names the key, and is carried out", deployed.code == 0 and "SHA256:" in deployed.out)
    at = _Server(stage)
    yield Expectation(f"{reader.label} fetches the file", at.read(reader.name, key) == _TABLE)
    yield Expectation("refused: another key", at.read(reader.name, stranger) == "PermissionDenied")
    yield Expectation(f"refused: {reader.name} deletes the file", at.delete(reader.name, key) == "SFTPPermissionDenied")
    yield "the key is taken out of the declaration again"
    deployed = run_command(stage, None, "deploy", "--yes")
    refused = at.read(reader.name, key) == "PermissionDenied"
    yield Expectation("refused: the key that is not declared any more", deployed.code == 0 and refused)


@contextmanager
def _declared(stage: Stage, key: list[str]) -> Iterator[Path]:
    """A copy of the estate with one more key of its reader by SFTP."""
    with tempfile.TemporaryDirectory(dir=stage.local.folder) as folder:
        estate = Path(shutil.copytree(stage.folder, Path(folder) / "estate"))
        file = estate / "pull_datasets" / f"{READ_FROM_OUTSIDE}.yaml"
        file.write_text(f"{file.read_text(encoding='utf-8')}      - {' '.join(key)}\n", encoding="utf-8")
        yield estate


class _Server:
    """The SFTP server of the local AWS, for whoever trusts the host key that Transfer Family tells of it."""

    def __init__(self, stage: Stage) -> None:
        server = read_sftp_server(aws_of(stage.local))
        assert server, "the example declares a reader by SFTP"
        self._fingerprint, self._port = server.host_key, sftp_port_of(stage.local.folder, server.server_id)

    def read(self, name: str, key: "asyncssh.SSHKey") -> bytes | str:
        """The file's content, or the name of what refused it."""
        return asyncio.run(self._does(name, key, _read))

    def delete(self, name: str, key: "asyncssh.SSHKey") -> bytes | str:
        """The name of what refused it."""
        return asyncio.run(self._does(name, key, lambda sftp: sftp.remove(f"/{_KEY}")))

    async def _does(
        self, name: str, key: "asyncssh.SSHKey", act: "Callable[[asyncssh.SFTPClient], Awaitable[bytes | None]]"
    ) -> bytes | str:
        import asyncssh

        shown = await asyncssh.get_server_host_key("127.0.0.1", self._port)
        if shown is None or shown.get_fingerprint() != self._fingerprint:
            return "it is another server"
        try:
            async with (
                asyncssh.connect(
                    "127.0.0.1",
                    self._port,
                    username=name,
                    client_keys=[key],
                    known_hosts=([shown], [], []),
                    config=None,
                    agent_path=None,
                ) as connection,
                connection.start_sftp_client() as sftp,
            ):
                return await act(sftp) or b"done"
        except asyncssh.Error as error:
            return type(error).__name__


async def _read(sftp: "asyncssh.SFTPClient") -> bytes:
    async with sftp.open(f"/{_KEY}", "rb", encoding=None) as file:
        content: Any = await file.read()  # asyncssh's types know text alone
    return bytes(content)
