"""IAM as AWS does it: sessions, trust, explicit denies and the policy simulator."""

import pytest
from botocore.exceptions import ClientError

from data_exports.local import clients
from tests.emulator.steps import ACCOUNT, Steps, allow, policy_of, refusal_of

pytestmark = pytest.mark.emulator

OTHER = "754256621582"


def test_a_session_is_its_role_and_may_what_the_role_may(steps: Steps) -> None:
    role = steps.role(allow("s3:ListAllMyBuckets", "*"), path="/aws-reserved/sso.amazonaws.com/eu-west-2/")
    identity = steps.as_role("sts", role, session_name="ana").get_caller_identity()
    assert identity["Account"] == ACCOUNT
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rsplit('/', 1)[-1]}/ana"
    assert refusal_of(lambda: steps.as_role("s3", role).list_buckets()) == ""
    assert refusal_of(lambda: steps.as_role("sqs", role).list_queues()) == "AccessDenied"


def test_a_role_is_assumed_by_whom_it_trusts_only(steps: Steps) -> None:
    role = steps.role(account=OTHER)
    sts = steps.client("sts")
    assert refusal_of(lambda: sts.assume_role(RoleArn=role, RoleSessionName="xx")) == "AccessDenied"
    assert clients.session_of(steps.local, role).session_token
    with pytest.raises(ClientError):
        clients.session_of(steps.local, f"arn:aws:iam::{OTHER}:role/nobody")


def test_a_role_is_assumed_under_its_full_name_only(steps: Steps) -> None:
    role = steps.role(path="/service-role/")
    sts = steps.client("sts")
    short = role.replace("/service-role", "")
    assert refusal_of(lambda: sts.assume_role(RoleArn=short, RoleSessionName="xx")) == "AccessDenied"
    assert refusal_of(lambda: sts.assume_role(RoleArn=role, RoleSessionName="xx")) == ""


def test_an_explicit_deny_wins_over_every_allow(steps: Steps) -> None:
    bucket = steps.bucket()
    deny = allow("s3:ListBucket", f"arn:aws:s3:::{bucket}") | {"Effect": "Deny"}
    s3 = steps.as_role("s3", steps.role(allow("s3:*", "*"), deny))
    assert refusal_of(lambda: s3.list_objects_v2(Bucket=bucket)) == "AccessDenied"


def test_a_wrong_secret_is_refused(steps: Steps) -> None:
    import boto3

    session = clients.session_of(steps.local, steps.role(allow("s3:*", "*")))
    s3 = boto3.client(
        "s3",
        region_name="eu-west-1",
        endpoint_url=steps.local.endpoint_url,
        aws_access_key_id=session.access_key_id,
        aws_secret_access_key=session.secret_access_key[::-1],
        aws_session_token=session.session_token,
    )
    assert refusal_of(s3.list_buckets) == "SignatureDoesNotMatch"


def test_the_simulator_knows_a_role_by_its_arn_with_path(steps: Steps) -> None:
    role = steps.role(allow("s3:GetObject", "arn:aws:s3:::a/*"), path="/service-role/")
    answer = steps.client("iam").simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["s3:GetObject", "s3:PutObject"], ResourceArns=["arn:aws:s3:::a/k"]
    )
    decisions = {result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]}
    assert decisions == {"s3:GetObject": "allowed", "s3:PutObject": "implicitDeny"}


def test_policies_of_a_role_add_up_and_are_read_back_as_written(steps: Steps) -> None:
    role = steps.role(allow("s3:ListAllMyBuckets", "*"))
    iam, name = steps.client("iam"), role.rsplit("/", 1)[-1]
    document = policy_of(allow("sqs:ListQueues", "*"))
    iam.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=document)
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["rights", "more"]
    assert refusal_of(lambda: steps.as_role("sqs", role).list_queues()) == ""
    iam.delete_role_policy(RoleName=name, PolicyName="more")
    assert refusal_of(lambda: steps.as_role("sqs", role).list_queues()) == "AccessDenied"


def test_a_star_matches_every_character_of_a_key(steps: Steps) -> None:
    bucket = steps.bucket()
    s3 = steps.as_role("s3", steps.role(allow("s3:PutObject", f"arn:aws:s3:::{bucket}/orders/*")))
    assert refusal_of(lambda: s3.put_object(Bucket=bucket, Key="orders/a\nb", Body=b"")) == ""
    assert refusal_of(lambda: s3.put_object(Bucket=bucket, Key="other/a\norders/b", Body=b"")) == "AccessDenied"
