"""Transfer Family as AWS does it: SFTP with the rights of the user's role, and nothing without them."""

import asyncio
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncssh
import pytest

from data_exports.errors import LocalAwsError
from data_exports.local.sftp_ports import sftp_port_of
from data_exports.names import DatasetName
from data_exports.operate.access_logs import parse_access_line
from tests.emulator.sftp_client import SftpClient, key_named, public_text, read_of
from tests.emulator.steps import ACCOUNT, REGION, Statement, Steps, allow, policy_of, refusal_of, wait_until
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.emulator

DENIED = "SFTPPermissionDenied"
MISSING = "SFTPNoSuchFile"

Unique = Callable[[str], str]


def trusting(user_arns: str = f"arn:aws:transfer:{REGION}:{ACCOUNT}:user/*", account: str = ACCOUNT) -> str:
    """The trust of a user's role, as AWS recommends it.

    https://docs.aws.amazon.com/transfer/latest/userguide/confused-deputy.html
    """
    condition = {"StringEquals": {"aws:SourceAccount": account}, "ArnLike": {"aws:SourceArn": user_arns}}
    service = {"Service": "transfer.amazonaws.com"}
    trust = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole", "Condition": condition}
    return policy_of(trust)


def reading(bucket: str) -> list[Statement]:
    """The rights to read a bucket and to list it."""
    return [
        allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"),
        allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"),
    ]


@dataclass(frozen=True)
class Sftp:
    """A server, and users of it."""

    steps: Steps
    server_id: str

    def role(self, *statements: Statement, trust: str = "") -> str:
        role = self.steps.role(*statements)
        iam, name = self.steps.client("iam"), role.rpartition("/")[2]
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust or trusting())
        return role

    def user(self, name: str, role: str, bucket: str, **more: Any) -> SftpClient:
        """A user whose home is the bucket and nothing else."""
        home = [{"Entry": "/", "Target": f"/{bucket}"}]
        settings = {"HomeDirectoryType": "LOGICAL", "HomeDirectoryMappings": home, **more}
        self.steps.client("transfer").create_user(
            ServerId=self.server_id,
            UserName=name,
            Role=role,
            SshPublicKeyBody=public_text(key_named(name)),
            **{key: value for key, value in settings.items() if value is not None},
        )
        return SftpClient(self.steps, self.server_id, name, key_named(name))

    def reader(self, bucket: str, *more: Statement, name: str = "reader", **settings: Any) -> SftpClient:
        """A user who may read the bucket, and do what else is stated."""
        return self.user(name, self.role(*reading(bucket), *more), bucket, **settings)


@pytest.fixture
def sftp(steps: Steps) -> Sftp:
    """A server of its own for each test; users are known by their name on it."""
    return Sftp(steps, steps.client("transfer").create_server()["ServerId"])


@pytest.fixture
def bucket(steps: Steps) -> str:
    """A versioned bucket with two files."""
    name = steps.bucket(versioned=True)
    for key in ("orders/1.csv", "top.csv"):
        steps.client("s3").put_object(Bucket=name, Key=key, Body=key.encode())
    return name


def content_of(steps: Steps, bucket: str) -> dict[str, bytes]:
    s3 = steps.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_a_user_reads_and_lists_what_the_role_may(sftp: Sftp, bucket: str) -> None:
    reader = sftp.reader(bucket)
    assert reader.names("/") == ["orders", "top.csv"]
    assert reader.names("/orders") == ["1.csv"]
    assert reader.names("/nowhere") == MISSING
    assert reader.read("orders/1.csv") == b"orders/1.csv"
    assert reader.read("/nowhere.csv") == MISSING
    attributes = reader.does(lambda c: c.stat("/top.csv"), lambda c: c.stat("/orders"), lambda c: c.stat("/nowhere"))
    sizes = [each if isinstance(each, str) else (each.size, each.permissions) for each in attributes]
    assert sizes == [(7, 0o100644), (0, 0o40755), MISSING]


def test_a_read_only_role_changes_nothing(sftp: Sftp, steps: Steps, bucket: str) -> None:
    before = content_of(steps, bucket)
    reader = sftp.reader(bucket)
    assert reader.write("/new.csv") == DENIED
    assert reader.write("/top.csv") == DENIED
    assert reader.does(
        lambda c: c.remove("/top.csv"),
        lambda c: c.rename("/top.csv", "/other.csv"),
        lambda c: c.posix_rename("/top.csv", "/other.csv"),
        lambda c: c.mkdir("/folder"),
        lambda c: c.rmdir("/orders"),
    ) == [DENIED, DENIED, DENIED, DENIED, "SFTPFailure"]
    assert content_of(steps, bucket) == before


def test_a_role_that_may_write_below_a_prefix_writes_there_alone(sftp: Sftp, steps: Steps, bucket: str) -> None:
    pusher = sftp.reader(bucket, allow("s3:PutObject", f"arn:aws:s3:::{bucket}/incoming/*"))
    assert pusher.write("/incoming/in.csv", b"x" * 3_000_000) is None
    assert pusher.write("/incoming.csv") == DENIED
    assert pusher.write("/incoming/../orders/1.csv") == DENIED
    assert pusher.does(
        lambda c: c.remove("/incoming/in.csv"), lambda c: c.rename("/incoming/in.csv", "/incoming/2.csv")
    ) == [DENIED, DENIED]
    found = content_of(steps, bucket)
    assert found.pop("incoming/2.csv") == found.pop("incoming/in.csv") == b"x" * 3_000_000  # the copy was allowed
    assert found == {"orders/1.csv": b"orders/1.csv", "top.csv": b"top.csv"}


def test_what_was_written_when_the_connection_broke_is_a_file(sftp: Sftp, steps: Steps, bucket: str) -> None:
    """https://docs.aws.amazon.com/transfer/latest/userguide/API_WorkflowDetails.html (partial uploads)."""
    pusher = sftp.reader(bucket, allow("s3:PutObject", f"arn:aws:s3:::{bucket}/incoming/*"))

    async def breaks(connection: asyncssh.SSHClientConnection) -> str:
        client = await connection.start_sftp_client()
        for path in ("/incoming/part.csv", "/part.csv"):
            await (await client.open(path, "wb")).write(b"12345")
        connection.abort()
        return "broken"

    assert pusher.connected(breaks) == "broken"
    wait_until(lambda: "incoming/part.csv" in content_of(steps, bucket))
    found = content_of(steps, bucket)
    assert (found["incoming/part.csv"], "part.csv" in found) == (b"12345", False)
    assert pusher.read("/incoming/part.csv") == b"12345"


def test_a_role_that_may_do_everything_does_it(sftp: Sftp, steps: Steps, bucket: str) -> None:
    owner = sftp.user("owner", sftp.role(allow("s3:*", "*")), bucket)
    assert owner.does(
        lambda c: c.mkdir("/made"),
        lambda c: c.rename("/top.csv", "/made/moved.csv"),
        lambda c: c.rmdir("/made"),
        lambda c: c.remove("/orders/1.csv"),
        lambda c: c.mkdir("/empty"),
        lambda c: c.rmdir("/empty"),
    ) == [None, None, "SFTPFailure", None, None, None]
    assert content_of(steps, bucket) == {"made/": b"", "made/moved.csv": b"top.csv"}


def test_a_prefix_that_may_not_be_listed_is_not(sftp: Sftp, bucket: str) -> None:
    condition = {"StringLike": {"s3:prefix": ["orders/*"]}}
    statements = [
        allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", Condition=condition),
        allow("s3:GetObject", f"arn:aws:s3:::{bucket}/orders/*"),
    ]
    user = sftp.user("narrow", sftp.role(*statements), bucket)
    assert user.names("/orders") == ["1.csv"]
    assert (user.names("/"), user.names("/other")) == (DENIED, DENIED)
    assert user.read("/top.csv") == DENIED


def test_nothing_leads_out_of_a_home(sftp: Sftp, steps: Steps, bucket: str) -> None:
    other = steps.bucket()
    steps.client("s3").put_object(Bucket=other, Key="secret.csv", Body=b"secret")
    user = sftp.user("prisoner", sftp.role(allow("s3:*", "*")), bucket)
    for path in (f"/../{other}/secret.csv", f"/{other}/secret.csv", f"orders/../../../{other}/secret.csv"):
        assert user.read(path) == MISSING, path
    assert user.names("/..") == ["orders", "top.csv"]
    assert user.read("/../../etc/passwd") == MISSING
    assert user.do(lambda c: c.realpath("orders/../../..//x/.")) == "/x"
    assert (
        user.does(
            lambda c: c.symlink("/etc/passwd", "/link"),
            lambda c: c.link("/top.csv", "/link"),
            lambda c: c.readlink("/top.csv"),
            lambda c: c.statvfs("/"),
            lambda c: c.setstat("/top.csv", asyncssh.SFTPAttrs(mtime=1, atime=1)),
        )
        == ["SFTPOpUnsupported"] * 5
    )
    assert set(content_of(steps, bucket)) == {"orders/1.csv", "top.csv"}


def test_another_bucket_is_refused_where_a_home_names_it(sftp: Sftp, steps: Steps, bucket: str) -> None:
    other = steps.bucket()
    steps.client("s3").put_object(Bucket=other, Key="secret.csv", Body=b"secret")
    role = sftp.role(*reading(bucket))
    wanderer = sftp.user(
        "wanderer", role, "", HomeDirectoryType="PATH", HomeDirectory=f"/{bucket}/orders", HomeDirectoryMappings=None
    )
    assert (wanderer.read("1.csv"), wanderer.read(f"/{bucket}/top.csv")) == (b"orders/1.csv", b"top.csv")
    assert (wanderer.read(f"/{other}/secret.csv"), wanderer.names(f"/{other}")) == (DENIED, DENIED)


def test_several_folders_can_be_mapped(sftp: Sftp, steps: Steps, bucket: str) -> None:
    other = steps.bucket()
    steps.client("s3").put_object(Bucket=other, Key="2.csv", Body=b"deep")
    mappings = [
        {"Entry": "/a/in", "Target": f"/{bucket}/orders"},
        {"Entry": "/a/in/deep", "Target": f"/{other}"},
        {"Entry": "/top.csv", "Target": f"/{bucket}/top.csv"},
    ]
    user = sftp.reader(bucket, *reading(other), HomeDirectoryMappings=mappings)
    assert (user.names("/"), user.names("/a"), user.names("/a/in")) == (["a", "top.csv"], ["in"], ["1.csv", "deep"])
    assert user.read("/a/in/deep/2.csv") == b"deep"
    assert (user.read("/a/in/1.csv"), user.read("/top.csv")) == (b"orders/1.csv", b"top.csv")
    assert (user.read("/a/other"), user.write("/x")) == (DENIED, DENIED)


def test_what_a_bucket_policy_denies_is_denied(sftp: Sftp, steps: Steps, bucket: str) -> None:
    reader = sftp.reader(bucket)
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/orders/*"}
    steps.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy_of(deny))
    assert (reader.read("/orders/1.csv"), reader.read("/top.csv")) == (DENIED, b"top.csv")


def test_the_bucket_of_another_account_is_its_owners_to_open(sftp: Sftp, steps: Steps) -> None:
    foreign = steps.bucket(account="210987654321")
    steps.client("s3", "210987654321").put_object(Bucket=foreign, Key="x.csv", Body=b"x")
    role = sftp.role(*reading(foreign))
    user = sftp.user("abroad", role, foreign)
    assert user.read("/x.csv") == DENIED
    statement = allow("s3:GetObject", f"arn:aws:s3:::{foreign}/*", Principal={"AWS": role})
    steps.client("s3", "210987654321").put_bucket_policy(Bucket=foreign, Policy=policy_of(statement))
    assert user.read("/x.csv") == b"x"


def test_a_grant_that_has_ended_lets_nobody_read(sftp: Sftp, steps: Steps, bucket: str) -> None:
    def until(year: int) -> Statement:
        condition = {"DateLessThan": {"aws:CurrentTime": f"{year}-01-01T00:00:00Z"}}
        return allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Condition=condition)

    user = sftp.user("guest", sftp.role(until(2100)), bucket)
    assert user.read("/top.csv") == b"top.csv"
    role = steps.client("transfer").describe_user(ServerId=sftp.server_id, UserName="guest")["User"]["Role"]

    def end() -> None:
        named = {"RoleName": role.rpartition("/")[2], "PolicyName": "rights"}
        steps.client("iam").put_role_policy(**named, PolicyDocument=policy_of(until(2020)))

    async def read_and_end(client: asyncssh.SFTPClient) -> bytes:
        content = await read_of(client, "/top.csv")
        end()
        return content

    within_one_session = user.does(read_and_end, lambda c: read_of(c, "/top.csv"))
    assert within_one_session == [b"top.csv", DENIED]


def test_a_session_policy_narrows_what_the_role_may(sftp: Sftp, bucket: str) -> None:
    statements = [
        allow("s3:GetObject", "arn:aws:s3:::*/${transfer:UserName}/*"),
        allow("s3:ListBucket", "arn:aws:s3:::*"),
    ]
    user = sftp.reader(bucket, name="orders", Policy=policy_of(*statements))
    assert (user.read("/orders/1.csv"), user.read("/top.csv")) == (b"orders/1.csv", DENIED)
    assert user.names("/") == ["orders", "top.csv"]


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        (trusting(), ""),
        (trusting(f"arn:aws:transfer:{REGION}:{ACCOUNT}:user/{{server}}/reader"), ""),
        (trusting(f"arn:aws:transfer:{REGION}:{ACCOUNT}:user/{{server}}/writer"), "PermissionDenied"),
        (trusting(f"arn:aws:transfer:{REGION}:{ACCOUNT}:server/{{server}}"), "PermissionDenied"),
        (trusting(account="210987654321"), "PermissionDenied"),
        (trusting().replace("transfer.amazonaws.com", "lambda.amazonaws.com"), "PermissionDenied"),
    ],
)
def test_a_role_must_let_transfer_family_in_for_this_user(sftp: Sftp, bucket: str, trust: str, said: str) -> None:
    role = sftp.role(*reading(bucket), trust=trust.replace("{server}", sftp.server_id))
    assert sftp.user("reader", role, bucket).login() == said


def test_only_a_users_own_key_lets_in(sftp: Sftp, steps: Steps, bucket: str) -> None:
    reader, other = sftp.reader(bucket), sftp.reader(bucket, name="other")
    assert (reader.login(), other.login()) == ("", "")
    methods = asyncio.run(asyncssh.get_server_auth_methods("127.0.0.1", reader.port, "reader"))
    assert list(methods) == ["publickey"]
    wrong = SftpClient(steps, sftp.server_id, "reader", key_named("other"))
    nobody = SftpClient(steps, sftp.server_id, "nobody", key_named("reader"))
    assert (wrong.login(), nobody.login()) == ("PermissionDenied", "PermissionDenied")
    transfer = steps.client("transfer")
    (kept,) = transfer.describe_user(ServerId=sftp.server_id, UserName="reader")["User"]["SshPublicKeys"]
    named = {"ServerId": sftp.server_id, "UserName": "reader"}
    transfer.import_ssh_public_key(**named, SshPublicKeyBody=public_text(key_named("second")))
    transfer.delete_ssh_public_key(**named, SshPublicKeyId=kept["SshPublicKeyId"])
    second = SftpClient(steps, sftp.server_id, "reader", key_named("second"))
    assert (reader.login(), second.login()) == ("PermissionDenied", "")
    transfer.delete_user(**named)
    assert second.login() == "PermissionDenied"


def test_a_user_of_one_server_is_none_of_another(sftp: Sftp, steps: Steps, bucket: str) -> None:
    reader = sftp.reader(bucket)
    elsewhere = steps.client("transfer").create_server()["ServerId"]
    assert SftpClient(steps, elsewhere, "reader", reader.key).login() == "PermissionDenied"


def test_there_is_no_shell_and_no_way_on(sftp: Sftp, bucket: str) -> None:
    reader = sftp.reader(bucket)

    async def shell(connection: asyncssh.SSHClientConnection) -> str:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.run("id")
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", reader.port)
        return "refused"

    assert reader.connected(shell) == "refused"


def test_a_session_ends_as_a_program_that_went_well(sftp: Sftp, bucket: str) -> None:
    """`scp`, which speaks SFTP since OpenSSH 9, fails otherwise."""

    async def ended(connection: asyncssh.SSHClientConnection) -> int | None:
        process = await connection.create_process(subsystem="sftp", encoding=None)
        process.stdin.write(bytes([0, 0, 0, 5, 1, 0, 0, 0, 3]))  # SSH_FXP_INIT of version 3
        await process.stdout.read(5)
        process.stdin.write_eof()
        return (await process.wait()).exit_status

    assert sftp.reader(bucket).connected(ended) == 0


def test_a_server_keeps_its_host_key_and_another_has_another(sftp: Sftp, steps: Steps, bucket: str) -> None:
    reader, transfer = sftp.reader(bucket), steps.client("transfer")
    pinned, port = reader.server_key(), reader.port
    assert reader.pinning(pinned).login() == ""
    transfer.stop_server(ServerId=sftp.server_id)
    transfer.start_server(ServerId=sftp.server_id)
    assert (reader.port, reader.pinning(pinned).login()) == (port, "")
    elsewhere = Sftp(steps, transfer.create_server()["ServerId"]).reader(bucket)
    assert elsewhere.login() == ""
    assert elsewhere.pinning(pinned).login() == "HostKeyNotVerifiable"


def test_a_server_that_is_stopped_or_gone_does_not_listen(sftp: Sftp, steps: Steps, bucket: str) -> None:
    reader, transfer = sftp.reader(bucket), steps.client("transfer")
    port = reader.port

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    async def outlasts(connection: asyncssh.SSHClientConnection) -> str:
        transfer.stop_server(ServerId=sftp.server_id)
        await asyncio.wait_for(connection.wait_closed(), PATIENCE_SECONDS)
        return "ended"

    assert reader.connected(outlasts) == "ended"
    wait_until(lambda: not listens())
    with pytest.raises(LocalAwsError, match=f"no SFTP server {sftp.server_id} listens"):
        sftp_port_of(steps.local.folder, sftp.server_id)
    assert transfer.describe_server(ServerId=sftp.server_id)["Server"]["State"] == "OFFLINE"
    transfer.start_server(ServerId=sftp.server_id)
    assert listens()
    transfer.delete_server(ServerId=sftp.server_id)
    wait_until(lambda: not listens())
    assert refusal_of(lambda: transfer.describe_server(ServerId=sftp.server_id)) == "ResourceNotFoundException"
    assert refusal_of(lambda: transfer.describe_user(ServerId=sftp.server_id, UserName="reader")) == (
        "ResourceNotFoundException"
    )


def test_a_server_and_a_user_are_what_they_are_set_to(steps: Steps, bucket: str) -> None:
    transfer = steps.client("transfer")
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/transfer/x:*"
    policy = {"SecurityPolicyName": "TransferSecurityPolicy-2025-03", "StructuredLogDestinations": [log]}
    server_id = transfer.create_server(**policy, Tags=[{"Key": "app", "Value": "x"}])["ServerId"]
    server = transfer.describe_server(ServerId=server_id)["Server"]
    assert {name: server[name] for name in (*policy, "Tags", "State", "Arn")} == {
        **policy,
        "Tags": [{"Key": "app", "Value": "x"}],
        "State": "ONLINE",
        "Arn": f"arn:aws:transfer:{REGION}:{ACCOUNT}:server/{server_id}",
    }
    transfer.update_server(ServerId=server_id, ProtocolDetails={"SetStatOption": "ENABLE_NO_OP"})
    reader = Sftp(steps, server_id).reader(bucket)
    times = asyncssh.SFTPAttrs(mtime=1, atime=1)
    assert reader.do(lambda c: c.setstat("/top.csv", times)) is None
    assert transfer.describe_server(ServerId=server_id)["Server"]["SecurityPolicyName"] == policy["SecurityPolicyName"]

    named = {"ServerId": server_id, "UserName": "reader"}
    transfer.update_user(**named, Policy=policy_of(allow("s3:GetObject", "*")))
    assert json.loads(transfer.describe_user(**named)["User"]["Policy"])["Statement"][0]["Action"] == "s3:GetObject"
    assert (reader.read("/top.csv"), reader.names("/")) == (b"top.csv", DENIED)


def test_what_is_no_server_no_user_and_no_key_is_refused(sftp: Sftp, steps: Steps) -> None:
    transfer, role = steps.client("transfer"), sftp.role()
    home = {"HomeDirectoryType": "LOGICAL", "HomeDirectoryMappings": [{"Entry": "/", "Target": "/b"}]}
    user = {"ServerId": sftp.server_id, "UserName": "someone", "Role": role, **home}
    wrong: list[dict[str, Any]] = [
        {"UserName": "-someone"},
        {"HomeDirectoryMappings": [{"Entry": "here", "Target": "/b"}]},
        {"HomeDirectory": "/b"},
        {"SshPublicKeyBody": "ssh-ed25519 AAAA"},
        {"SshPublicKeyBody": public_text(asyncssh.generate_private_key("ssh-dss"))},
    ]
    for each in wrong:
        code = refusal_of(lambda each=each: transfer.create_user(**{**user, **each}))  # type: ignore[misc]
        assert code == "InvalidRequestException", each
    assert refusal_of(lambda: transfer.create_server(SecurityPolicyName="Weak")) == "InvalidRequestException"
    assert refusal_of(lambda: transfer.update_server(ServerId="s-01234567890abcdef")) == "ResourceNotFoundException"
    assert refusal_of(lambda: transfer.update_user(ServerId=sftp.server_id, UserName="nobody")) == (
        "ResourceNotFoundException"
    )
    assert transfer.list_users(ServerId=sftp.server_id)["Users"] == []


def test_s3s_access_log_names_the_user_and_the_server(sftp: Sftp, steps: Steps, bucket: str) -> None:
    target = steps.bucket()
    service = {"Service": "logging.s3.amazonaws.com"}
    steps.client("s3").put_bucket_policy(
        Bucket=target, Policy=policy_of(allow("s3:PutObject", f"arn:aws:s3:::{target}/*", Principal=service))
    )
    enabled = {"TargetBucket": target, "TargetPrefix": ""}
    steps.client("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": enabled})
    reader = sftp.reader(bucket)
    assert (reader.read("/top.csv"), reader.write("/top.csv")) == (b"top.csv", DENIED)
    lines = [line for text in content_of(steps, target).values() for line in text.decode().splitlines()]
    records = [record for line in lines if (record := parse_access_line(line, DatasetName("any")))]
    role = steps.client("transfer").describe_user(ServerId=sftp.server_id, UserName="reader")["User"]["Role"]
    start = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/reader."
    done = [each for each in records if each.requester.startswith(start)]
    assert all(each.requester.endswith(f"@{sftp.server_id}") for each in done)
    assert {(each.operation, each.key, each.status) for each in done} == {
        ("REST.GET.OBJECT", "top.csv", 200),
        ("REST.PUT.OBJECT", "top.csv", 403),
    }


def test_a_session_leaves_its_lines_in_the_servers_log(steps: Steps, bucket: str, unique: Unique) -> None:
    group, logs, transfer = unique("sftp-log"), steps.client("logs"), steps.client("transfer")
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
    sftp = Sftp(steps, transfer.create_server(StructuredLogDestinations=[arn])["ServerId"])
    reader = sftp.reader(bucket, allow("s3:PutObject", f"arn:aws:s3:::{bucket}/incoming/*"))
    assert (reader.read("/top.csv"), reader.write("/incoming/x", b"12"), reader.write("/x")) == (
        b"top.csv",
        None,
        DENIED,
    )
    SftpClient(steps, sftp.server_id, "reader", key_named("wrong")).login()

    def lines() -> list[dict[str, str]]:
        return [json.loads(each["message"]) for each in logs.filter_log_events(logGroupName=group)["events"]]

    wait_until(lambda: sum(each["activity-type"] == "DISCONNECTED" for each in lines()) == 3)
    server = f"arn:aws:transfer:{REGION}:{ACCOUNT}:server/{sftp.server_id}"
    assert {each["resource-arn"] for each in lines()} == {server}
    connected = next(each for each in lines() if each["activity-type"] == "CONNECTED")
    assert (connected["user"], connected["home-dir"], connected["source-ip"], connected["ssh-public-key-type"]) == (
        *("reader", "/", "127.0.0.1", "ssh-ed25519"),
    )
    assert connected["ssh-public-key-fingerprint"] == reader.key.get_fingerprint()
    (refused,) = [each for each in lines() if each["activity-type"] == "AUTH_FAILURE"]
    assert (refused["user"], key_named("wrong").get_fingerprint() in refused["message"]) == ("reader", True)
    told = [
        {name: value for name, value in each.items() if name not in ("session-id", "resource-arn")}
        for each in lines()
        if each.get("session-id") == connected["session-id"]
    ]
    assert [each["activity-type"] for each in told] == ["CONNECTED", "OPEN", "CLOSE", "DISCONNECTED"]
    assert told[1] == {"activity-type": "OPEN", "path": f"/{bucket}/top.csv", "mode": "READ"}
    assert told[2] == {"activity-type": "CLOSE", "path": f"/{bucket}/top.csv", "bytes-out": "7"}
    sent = [each for each in lines() if each.get("path") == f"/{bucket}/incoming/x" and "bytes-in" in each]
    assert [each["bytes-in"] for each in sent] == ["2"]
    assert [each["message"] for each in lines() if each["activity-type"] == "ERROR"] == ["AccessDenied"]
