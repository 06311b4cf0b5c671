"""`exports probe` of readers outside AWS: as the holder of a token, and what can be read back without one."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from data_exports.deploy.plan.consents import Consent
from data_exports.deploy.sftp_server import read_sftp_server
from data_exports.destinations.destination import Party
from data_exports.estate.models import Estate, PullDataset
from data_exports.local.emulator import LocalAws
from data_exports.local.issuers import unknown_issuer
from data_exports.names import PULL_ROLE_POLICY, RoleArn
from data_exports.operate.probe.findings import CheckAnswer, Probed
from data_exports.operate.probe.pull import probe_as_reader, probe_pull
from data_exports.operate.probe.web_token import read_web_token
from data_exports.readers.kinds import AnyReader
from data_exports.readers.sftp import SftpName, SftpReader
from data_exports.readers.ssh_keys import SshPublicKey
from tests.emulator.deploying import Ground, ground_of, write_estate
from tests.emulator.federated import token_of
from tests.emulator.sftp_client import key_named, public_text
from tests.emulator.steps import allow, policy_of
from tests.estates import CLUSTER_READER, READERS_OUTSIDE_AWS, TRANSFER_READER, WORKFLOW_READER, estate_of, pull

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("probe_readers")]

LISTS = pull("lists", outsiders=(), identities=READERS_OUTSIDE_AWS, expires=date(2035, 3, 31))
WRITTEN = pull("written", outsiders=(), identities=(WORKFLOW_READER,), allow_push=True)
READS = [("sts:AssumeRoleWithWebIdentity", "ok"), ("s3:ListBucket", "ok"), ("s3:GetObject", "ok")]


@pytest.fixture(scope="module")
def ground(local_aws: LocalAws) -> Ground:
    found = ground_of(local_aws, "618033988749", "probed-readers")
    estate = found.estate(LISTS, WRITTEN)
    found.make_users_of(estate)
    assert found.deploy(estate).is_complete
    return found


@pytest.fixture
def estate(ground: Ground) -> Estate:
    return estate_of(LISTS, WRITTEN, platform=ground.platform)


@pytest.fixture
def probe(ground: Ground, estate: Estate, tmp_path: Path) -> Callable[..., Probed]:
    """As the holder of a token of a reader, with these claims, or of this very token."""

    def run(reader: AnyReader, dataset: PullDataset = LISTS, *, token: str = "", **claims: Any) -> Probed:
        file = tmp_path / "token.jwt"
        file.write_text(token or token_of(ground.local, reader, **claims))
        return probe_as_reader(estate, dataset, ground.aws, read_web_token(file))

    return run


def role_of(ground: Ground, reader: AnyReader, dataset: PullDataset = LISTS) -> RoleArn:
    return dataset.role_arn_of(reader, ground.platform)


def tried(probed: Probed) -> list[tuple[str, str]]:
    return [(check.action, check.answer.value) for check in probed.checks]


@pytest.mark.parametrize("reader", READERS_OUTSIDE_AWS)
def test_each_reader_gets_its_role_and_may_read_and_not_write(probe: Callable[..., Probed], reader: AnyReader) -> None:
    probed = probe(reader)
    location = [("s3:GetBucketLocation", "ok")] if reader == TRANSFER_READER else []
    assert tried(probed) == [*READS[:2], *location, READS[2], ("s3:PutObject", "ok")]
    assert (probed.is_good, probed.checks[-1].text) == (True, "as ourselves: write an object, which is refused")
    assert reader.label in probed.about


def test_a_reader_that_may_write_tries_that_and_leaves_nothing(ground: Ground, probe: Callable[..., Probed]) -> None:
    ground.client("s3").put_object(Bucket=WRITTEN.bucket(ground.platform), Key="a", Body=b"1")
    probed = probe(WORKFLOW_READER, WRITTEN)
    assert tried(probed) == [*READS, ("s3:AbortMultipartUpload", "ok"), ("s3:PutObject", "ok")]
    assert probed.is_good
    bucket, s3 = str(WRITTEN.bucket(ground.platform)), ground.client("s3")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_a_forged_token_is_told_as_theirs(probe: Callable[..., Probed]) -> None:
    forger = unknown_issuer(CLUSTER_READER.issuer)
    right = {"sub": str(CLUSTER_READER.subject), "aud": str(CLUSTER_READER.audience)}
    (lack,) = probe(CLUSTER_READER, token=forger.token(right)).lacks
    assert (lack.side, lack.what) == (
        Party.THEIRS,
        f"AWS does not believe that {CLUSTER_READER.issuer} issued the token",
    )


def test_a_role_that_trusts_somebody_else_is_told_as_ours_by_whoever_asks(
    ground: Ground, estate: Estate, probe: Callable[..., Probed]
) -> None:
    role, iam = role_of(ground, WORKFLOW_READER), ground.client("iam")
    trust = iam.get_role(RoleName=role.name)["Role"]["AssumeRolePolicyDocument"]
    other = json.loads(json.dumps(trust).replace("environment:prod", "environment:test"))
    iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=json.dumps(other))
    try:
        (lack,), mine = probe(WORKFLOW_READER).lacks, probe_pull(estate, LISTS, ground.aws)
    finally:
        iam.update_assume_role_policy(RoleName=role.name, PolicyDocument=json.dumps(trust))
    assert (lack.side, lack.what.partition(", or")[0]) == (Party.OURS, "our role is not there")
    assert [each.what for each in mine.lacks] == [
        f"role {role.name} does not let in {WORKFLOW_READER.label} as declared"
    ]
    assert probe_pull(estate, LISTS, ground.aws).is_good


def test_a_role_that_may_more_than_is_declared_is_found_out_by_trying_and_by_looking(
    ground: Ground, estate: Estate, probe: Callable[..., Probed]
) -> None:
    role, iam = role_of(ground, CLUSTER_READER), ground.client("iam")
    policy = iam.get_role_policy(RoleName=role.name, PolicyName=PULL_ROLE_POLICY)["PolicyDocument"]
    more = allow(["s3:PutObject", "s3:AbortMultipartUpload"], f"{LISTS.bucket(ground.platform).arn}/*")
    wider = policy_of(*policy["Statement"], more)
    iam.put_role_policy(RoleName=role.name, PolicyName=PULL_ROLE_POLICY, PolicyDocument=wider)
    try:
        (lack,), mine = probe(CLUSTER_READER).lacks, probe_pull(estate, LISTS, ground.aws)
    finally:
        iam.put_role_policy(RoleName=role.name, PolicyName=PULL_ROLE_POLICY, PolicyDocument=json.dumps(policy))
    assert lack.what == "we may do s3:PutObject, which nothing declares"
    assert [each.what for each in mine.lacks] == [
        f"role {role.name} has not the policy {PULL_ROLE_POLICY} that is declared"
    ]


def test_an_audience_that_the_account_does_not_take_is_found_by_trying_and_by_looking(
    ground: Ground, estate: Estate, probe: Callable[..., Probed]
) -> None:
    iam = ground.client("iam")
    arn = f"arn:aws:iam::{ground.platform.account}:oidc-provider/{CLUSTER_READER.provider}"
    named = {"OpenIDConnectProviderArn": arn, "ClientID": str(CLUSTER_READER.audience)}
    iam.remove_client_id_from_open_id_connect_provider(**named)
    try:
        (lack,), mine = probe(CLUSTER_READER).lacks, probe_pull(estate, LISTS, ground.aws)
    finally:
        iam.add_client_id_to_open_id_connect_provider(**named)
    what = f"the account takes no tokens of {CLUSTER_READER.issuer} for sts.amazonaws.com"
    assert ((lack.side, lack.what), [each.what for each in mine.lacks]) == ((Party.OURS, what), [what])


def test_without_a_token_all_that_is_ours_is_read_back(ground: Ground, estate: Estate) -> None:
    probed = probe_pull(estate, LISTS, ground.aws)
    assert probed.is_good, probed.lacks
    assert len(probed.checks) == 2 + 2 * len(READERS_OUTSIDE_AWS) + 3
    assert (
        probed.note
        == "Whether a reader outside AWS gets in shows only when it tries: the same command with --token-file"
    )


def test_what_may_not_be_looked_at_is_not_known(ground: Ground, estate: Estate) -> None:
    for action in ("iam:GetRole", "iam:GetOpenIDConnectProvider"):
        probed = probe_pull(estate, LISTS, ground.without(action))
        unknown = {check.action for check in probed.checks if check.answer is CheckAnswer.UNKNOWN}
        assert (unknown, probed.lacks, probed.is_good) == ({action}, (), False)


def test_the_command_needs_no_credentials_of_aws_and_shows_no_token(ground: Ground, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate", ground, names=[], users=[])
    reader = WORKFLOW_READER.declaration["oidc"]
    (folder / "pull_datasets" / "lists.yaml").write_text(
        f"name: lists\nusers: [alpha_user_ana]\npull_identities: {json.dumps([{'oidc': reader}])}\n"
    )
    file = tmp_path / "token.jwt"
    file.write_text(token_of(ground.local, WORKFLOW_READER) + "\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"AWS_ENDPOINT_URL": ground.local.endpoint_url, "AWS_EC2_METADATA_DISABLED": "true"}
    environment |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    words = ("probe", "lists", "--token-file", str(file), "--estate", str(folder))
    done = subprocess.run(
        [sys.executable, "-m", "data_exports", *words], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["Nothing is lacking."]), done.stderr
    assert file.read_text().strip().rpartition(".")[2] not in done.stdout + done.stderr


KEYS = tuple(SshPublicKey(public_text(key_named(name))) for name in ("probed", "other"))
BY_SFTP = SftpReader(SftpName("probed"), KEYS[:1])
SERVED = pull("served", outsiders=(), sftp_readers=(BY_SFTP,))


@pytest.fixture(scope="module")
def served(ground: Ground) -> Estate:
    """The same account with a reader by SFTP."""
    estate = ground.estate(LISTS, WRITTEN, SERVED, sftp=True)
    assert ground.deploy(estate, allow=[Consent.ACCOUNT]).is_complete
    return estate


def user_of_sftp(ground: Ground) -> dict[str, str]:
    server = read_sftp_server(ground.aws)
    assert server is not None
    return {"ServerId": server.server_id, "UserName": "probed"}


def test_what_is_deployed_for_a_reader_by_sftp_is_read_back(ground: Ground, served: Estate) -> None:
    probed = probe_pull(served, SERVED, ground.aws)
    role = SERVED.role_arn_of(BY_SFTP, ground.platform).name
    assert [check.text for check in probed.checks if "user alpha" not in check.text] == [
        f"our half: the policy of bucket {SERVED.bucket(ground.platform)}",
        "our half: the SFTP server lets people in",
        "our half: the user probed, its keys and its home",
        f"our half: whom role {role} trusts",
        f"our half: the policy of role {role}",
    ]
    assert (probed.is_good, probed.note) == (True, "Whether a reader by SFTP gets in shows only when it logs in")


def test_another_key_or_home_of_a_user_is_found(ground: Ground, served: Estate) -> None:
    transfer, user = ground.client("transfer"), user_of_sftp(ground)
    known = transfer.describe_user(**user)["User"]
    home = known["HomeDirectoryMappings"]
    key = transfer.import_ssh_public_key(**user, SshPublicKeyBody=str(KEYS[1]))["SshPublicKeyId"]
    transfer.update_user(**user, HomeDirectoryType="LOGICAL", HomeDirectoryMappings=[{**home[0], "Target": "/other"}])
    try:
        probed = probe_pull(served, SERVED, ground.aws)
    finally:
        transfer.delete_ssh_public_key(**user, SshPublicKeyId=key)
        transfer.update_user(**user, HomeDirectoryType="LOGICAL", HomeDirectoryMappings=home)
    (lacking,) = (check for check in probed.checks if check.answer is CheckAnswer.LACKING)
    assert lacking.detail == f"also let in by {KEYS[1].fingerprint}; another home"
    assert [lack.what for lack in probed.lacks] == ["the SFTP server does not let in probed as declared"]
    assert probe_pull(served, SERVED, ground.aws).is_good


def test_a_server_that_is_off_lets_nobody_in(ground: Ground, served: Estate) -> None:
    transfer, server = ground.client("transfer"), user_of_sftp(ground)["ServerId"]
    transfer.stop_server(ServerId=server)
    try:
        probed = probe_pull(served, SERVED, ground.aws)
    finally:
        transfer.start_server(ServerId=server)
    assert [lack.what for lack in probed.lacks] == ["there is no SFTP server that lets anybody in"]


def test_without_a_server_or_the_right_to_see_it_that_is_told(ground: Ground, local_aws: LocalAws) -> None:
    bare = ground_of(local_aws, "577215664901", "probed-bare")
    plain = replace(SERVED, sftp_readers=())
    bare.make_users_of(bare.estate(plain))
    assert bare.deploy(bare.estate(plain)).is_complete
    probed = probe_pull(bare.estate(SERVED, sftp=True), SERVED, bare.aws)
    assert [(lack.side, lack.what) for lack in probed.lacks] == [
        (Party.OURS, "there is no SFTP server that lets anybody in")
    ]
    blind = probe_pull(bare.estate(SERVED, sftp=True), SERVED, bare.without("cloudformation:DescribeStacks"))
    assert (blind.checks[-1].answer, blind.lacks) == (CheckAnswer.UNKNOWN, ())
