"""CloudFormation as AWS does it: servers and users of Transfer Family, made, changed, replaced, drifted and deleted."""

import json
from collections.abc import Callable
from typing import Any

import asyncssh
import pytest

from tests.emulator.sftp_client import SftpClient, key_named, public_text
from tests.emulator.stack_steps import Resources, apply, delete, template_of
from tests.emulator.steps import ACCOUNT, REGION, Steps, allow, policy_of, refusal_of, wait_until

pytestmark = pytest.mark.emulator

Unique = Callable[[str], str]

POLICY = "TransferSecurityPolicy-2025-03"
SECOND_KEY = asyncssh.generate_private_key("ecdsa-sha2-nistp256")


def role_of(steps: Steps, bucket: str) -> str:
    """A role that reads the bucket for Transfer Family."""
    role = steps.role(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    trust = {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}
    named = {"RoleName": role.rpartition("/")[2]}
    steps.client("iam").update_assume_role_policy(**named, PolicyDocument=policy_of(trust))
    return role


def server(**properties: Any) -> Resources:
    return {"Type": "AWS::Transfer::Server", "Properties": {"SecurityPolicyName": POLICY, **properties}}


def user(role: str, bucket: str, **properties: Any) -> Resources:
    usual = {
        "ServerId": {"Fn::GetAtt": ["Server", "ServerId"]},
        "UserName": "reader",
        "Role": role,
        "HomeDirectoryType": "LOGICAL",
        "HomeDirectoryMappings": [{"Entry": "/", "Target": f"/{bucket}"}],
        "SshPublicKeys": [public_text(key_named("reader"))],
    }
    return {"Type": "AWS::Transfer::User", "Properties": {**usual, **properties}}


def outputs() -> Resources:
    attributes = {"ServerArn": "Server.Arn", "ServerId": "Server.ServerId", "UserArn": "User.Arn"}
    return {name: {"Value": {"Fn::GetAtt": path.split(".")}} for name, path in attributes.items()}


def output_of(stack: dict[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def test_a_stack_makes_a_server_with_a_user_changes_and_deletes_them(steps: Steps, unique: Unique) -> None:
    bucket, transfer, stack = steps.bucket(), steps.client("transfer"), unique("stack")
    steps.client("s3").put_object(Bucket=bucket, Key="x", Body=b"content")
    role = role_of(steps, bucket)

    def template(server: Resources, user: Resources) -> str:
        return template_of({"Server": server, "User": user}, Outputs=outputs())

    made = apply(steps, stack, template(server(), user(role, bucket)), Tags=[{"Key": "app", "Value": "x"}])
    assert made["StackStatus"] == "CREATE_COMPLETE"
    told = output_of(made)
    server_id = told["ServerId"]
    start = f"arn:aws:transfer:{REGION}:{ACCOUNT}"
    assert told["ServerArn"] == f"{start}:server/{server_id}"
    assert told["UserArn"] == f"{start}:user/{server_id}/reader"
    found = transfer.describe_server(ServerId=server_id)["Server"]
    assert (found["SecurityPolicyName"], found["State"]) == (POLICY, "ONLINE")
    assert {"Key": "app", "Value": "x"} in found["Tags"]
    reader = SftpClient(steps, server_id, "reader", key_named("reader"))
    assert reader.read("/x") == b"content"
    host_key = reader.server_key()

    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{unique('log')}:*"
    nothing = json.loads(policy_of({"Effect": "Deny", "Action": "*", "Resource": "*"}))
    changed = template(
        server(StructuredLogDestinations=[log]),
        user(role, bucket, SshPublicKeys=[public_text(SECOND_KEY)], Policy=json.dumps(nothing)),
    )
    assert output_of(apply(steps, stack, changed, kind="UPDATE")) == told
    assert transfer.describe_server(ServerId=server_id)["Server"]["StructuredLogDestinations"] == [log]
    assert reader.login() == "PermissionDenied"
    second = SftpClient(steps, server_id, "reader", SECOND_KEY)
    assert second.pinning(host_key).read("/x") == "SFTPPermissionDenied"
    apply(steps, stack, template(server(), user(role, bucket)), kind="UPDATE")
    assert reader.pinning(host_key).read("/x") == b"content"
    assert transfer.describe_server(ServerId=server_id)["Server"].get("StructuredLogDestinations", []) == []

    assert delete(steps, made["StackId"]) == "DELETE_COMPLETE"
    assert refusal_of(lambda: transfer.describe_server(ServerId=server_id)) == "ResourceNotFoundException"


def test_a_user_of_another_name_is_another_user(steps: Steps, unique: Unique) -> None:
    bucket, transfer, stack = steps.bucket(), steps.client("transfer"), unique("stack")
    role = role_of(steps, bucket)
    made = apply(steps, stack, template_of({"Server": server(), "User": user(role, bucket)}, Outputs=outputs()))
    renamed = template_of({"Server": server(), "User": user(role, bucket, UserName="other")}, Outputs=outputs())
    assert apply(steps, stack, renamed, kind="UPDATE")["StackStatus"] == "UPDATE_COMPLETE"
    server_id = output_of(made)["ServerId"]
    assert [each["UserName"] for each in transfer.list_users(ServerId=server_id)["Users"]] == ["other"]


def test_a_user_with_a_key_that_is_none_fails_the_stack_and_nothing_stays(steps: Steps, unique: Unique) -> None:
    bucket, transfer = steps.bucket(), steps.client("transfer")
    there = transfer.create_server()["ServerId"]
    bad = user(role_of(steps, bucket), bucket, ServerId=there, SshPublicKeys=["ssh-ed25519 AAAA"])
    failed = apply(steps, unique("stack"), template_of({"User": bad}), OnStackFailure="DELETE")
    assert failed["StackStatus"] == "DELETE_COMPLETE"
    assert transfer.list_users(ServerId=there)["Users"] == []


def test_drift_of_a_server_and_a_user_is_seen(steps: Steps, unique: Unique) -> None:
    bucket, transfer, cfn = steps.bucket(), steps.client("transfer"), steps.client("cloudformation")
    made = apply(
        steps,
        unique("stack"),
        template_of({"Server": server(), "User": user(role_of(steps, bucket), bucket)}, Outputs=outputs()),
    )

    def drift() -> dict[str, str]:
        asked = cfn.detect_stack_drift(StackName=made["StackId"])["StackDriftDetectionId"]

        def status() -> str:
            described = cfn.describe_stack_drift_detection_status(StackDriftDetectionId=asked)
            return str(described["DetectionStatus"])

        wait_until(lambda: status() == "DETECTION_COMPLETE")
        found = cfn.describe_stack_resource_drifts(StackName=made["StackId"])["StackResourceDrifts"]
        return {each["LogicalResourceId"]: each["StackResourceDriftStatus"] for each in found}

    assert drift() == {"Server": "IN_SYNC", "User": "IN_SYNC"}
    named = {"ServerId": output_of(made)["ServerId"]}
    transfer.update_server(**named, SecurityPolicyName="TransferSecurityPolicy-2018-11")
    transfer.import_ssh_public_key(**named, UserName="reader", SshPublicKeyBody=public_text(SECOND_KEY))
    assert drift() == {"Server": "MODIFIED", "User": "MODIFIED"}
    transfer.delete_user(**named, UserName="reader")
    assert drift()["User"] == "DELETED"
