"""CloudFormation as AWS does it: properties that take effect, change sets, failures and what is kept."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.emulator.stack_steps import Resources, apply, delete, template_of
from tests.emulator.steps import ACCOUNT, Steps, allow, policy_of, refusal_of

pytestmark = pytest.mark.emulator

Unique = Callable[[str], str]


def bucket_resource(name: str, **properties: Any) -> Resources:
    return {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, **properties}}}


def test_the_properties_of_a_bucket_take_effect(steps: Steps, unique: Unique) -> None:
    name = unique("bucket")
    rule = {
        "Id": "end-of-recovery",
        "Status": "Enabled",
        "Prefix": "orders/",
        "ExpiredObjectDeleteMarker": True,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
    }
    properties = {
        "LifecycleConfiguration": {"Rules": [rule]},
        "Tags": [{"Key": "owner", "Value": "us"}],
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}
            ]
        },
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "VersioningConfiguration": {"Status": "Enabled"},
    }
    stack = unique("stack")
    made = apply(steps, stack, template_of(bucket_resource(name, **properties)), Tags=[{"Key": "app", "Value": "x"}])
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert made["Tags"] == [{"Key": "app", "Value": "x"}]
    s3 = steps.client("s3")
    assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"] == [
        {
            "ID": "end-of-recovery",
            "Status": "Enabled",
            "Filter": {"Prefix": "orders/"},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
        }
    ]
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    assert (tags["owner"], tags["app"], tags["aws:cloudformation:stack-name"]) == ("us", "x", stack)
    controls = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption == [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}]
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"

    suspended = properties | {"VersioningConfiguration": {"Status": "Suspended"}}
    del suspended["LifecycleConfiguration"]
    apply(steps, stack, template_of(bucket_resource(name, **suspended)), kind="UPDATE")
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    missing = refusal_of(lambda: s3.get_bucket_lifecycle_configuration(Bucket=name))
    assert missing == "NoSuchLifecycleConfiguration"


def test_a_bucket_with_objects_or_versions_is_not_deleted_with_its_stack(steps: Steps, unique: Unique) -> None:
    name, s3 = unique("bucket"), steps.client("s3")
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    stack_id = apply(steps, unique("stack"), template_of(bucket_resource(name, **versioned)))["StackId"]
    version = s3.put_object(Bucket=name, Key="k", Body=b"1")["VersionId"]
    assert delete(steps, stack_id) == "DELETE_FAILED"
    marker = s3.delete_object(Bucket=name, Key="k")["VersionId"]
    assert delete(steps, stack_id) == "DELETE_FAILED"
    for one in (version, marker):
        s3.delete_object(Bucket=name, Key="k", VersionId=one)
    assert delete(steps, stack_id) == "DELETE_COMPLETE"
    assert refusal_of(lambda: s3.head_bucket(Bucket=name)) == "404"


def test_a_retained_bucket_outlives_its_stack_and_is_adopted_again(steps: Steps, unique: Unique) -> None:
    name, s3, stack = unique("bucket"), steps.client("s3"), unique("stack")
    resources = bucket_resource(name)
    resources["Bucket"]["DeletionPolicy"] = resources["Bucket"]["UpdateReplacePolicy"] = "Retain"
    stack_id = apply(steps, stack, template_of(resources))["StackId"]
    s3.put_object(Bucket=name, Key="k", Body=b"1")
    assert delete(steps, stack_id) == "DELETE_COMPLETE"
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"1"
    again = apply(steps, stack, template_of(resources), ImportExistingResources=True)
    assert again["StackStatus"] == "CREATE_COMPLETE"
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == b"1"


def test_a_stack_fails_on_a_bucket_policy_naming_nobody_and_leaves_nothing_behind(steps: Steps, unique: Unique) -> None:
    name, role = unique("bucket"), f"arn:aws:iam::{ACCOUNT}:role/{unique('nobody')}"
    statement = allow("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal={"AWS": role})
    policy = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": json.loads(policy_of(statement))},
    }
    template = template_of({**bucket_resource(name), "Policy": policy})
    stack = unique("stack")
    made = apply(steps, stack, template, OnStackFailure="DELETE")
    assert made["StackStatus"] == "DELETE_COMPLETE"
    events = steps.client("cloudformation").describe_stack_events(StackName=made["StackId"])["StackEvents"]
    reasons = [e["ResourceStatusReason"] for e in events if e["ResourceStatus"] == "CREATE_FAILED"]
    assert any("Invalid principal in policy" in reason for reason in reasons)
    assert refusal_of(lambda: steps.client("s3").head_bucket(Bucket=name)) == "404"
    steps.role(name=role.rsplit("/", 1)[-1])
    assert apply(steps, stack, template, OnStackFailure="DELETE")["StackStatus"] == "CREATE_COMPLETE"


def test_an_update_that_names_nobody_is_rolled_back(steps: Steps, unique: Unique) -> None:
    name, stack = unique("bucket"), unique("stack")

    def template(role: str) -> str:
        statement = allow("s3:GetObject", f"arn:aws:s3:::{name}/*", Principal={"AWS": role})
        properties = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": json.loads(policy_of(statement))}
        return template_of(
            {**bucket_resource(name), "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": properties}}
        )

    somebody = steps.role()
    apply(steps, stack, template(somebody))
    nobody = f"arn:aws:iam::{ACCOUNT}:role/{unique('nobody')}"
    assert apply(steps, stack, template(nobody), kind="UPDATE")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    policy = json.loads(steps.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    assert policy["Statement"][0]["Principal"] == {"AWS": somebody}


def test_a_functions_reserved_concurrency_follows_its_template(steps: Steps, unique: Unique) -> None:
    name, stack, role = unique("function"), unique("stack"), steps.role()

    def template(**more: int) -> str:
        fixed = {"FunctionName": name, "Runtime": "python3.13", "Handler": "index.handler", "Role": role}
        code = {"Code": {"ZipFile": "def handler(event, context): pass\n"}}
        return template_of({"F": {"Type": "AWS::Lambda::Function", "Properties": {**fixed, **code, **more}}})

    def reserved() -> int | None:
        answer = steps.client("lambda").get_function_concurrency(FunctionName=name)
        found: int | None = answer.get("ReservedConcurrentExecutions")
        return found

    apply(steps, stack, template(ReservedConcurrentExecutions=3))
    assert reserved() == 3
    apply(steps, stack, template(ReservedConcurrentExecutions=5), kind="UPDATE")
    assert reserved() == 5
    apply(steps, stack, template(), kind="UPDATE")
    assert reserved() is None


def test_without_on_stack_failure_a_failed_stack_stays_and_blocks_an_update(steps: Steps, unique: Unique) -> None:
    stack, taken = unique("stack"), steps.bucket()
    document = json.loads(policy_of(allow("s3:GetObject", f"arn:aws:s3:::{taken}/*")))
    properties = {"PolicyName": "p", "Roles": [unique("gone")], "PolicyDocument": document}
    resources = {"Policy": {"Type": "AWS::IAM::Policy", "Properties": properties}}
    assert apply(steps, stack, template_of(resources))["StackStatus"] == "ROLLBACK_COMPLETE"
    cfn = steps.client("cloudformation")
    call = {"StackName": stack, "ChangeSetName": "next", "TemplateBody": template_of(resources)}
    for kind in ("UPDATE", "CREATE"):
        refused = refusal_of(partial(cfn.create_change_set, **call, ChangeSetType=kind))
        assert refused == "ValidationError"


def test_a_change_set_without_changes_fails_with_that_reason(steps: Steps, unique: Unique) -> None:
    stack, template = unique("stack"), template_of(bucket_resource(unique("bucket")))
    apply(steps, stack, template)
    cfn = steps.client("cloudformation")
    named = {"StackName": stack, "ChangeSetName": "same"}
    cfn.create_change_set(**named, ChangeSetType="UPDATE", TemplateBody=template)
    with pytest.raises(WaiterError):
        cfn.get_waiter("change_set_create_complete").wait(**named, WaiterConfig={"Delay": 1})
    found = cfn.describe_change_set(**named)
    assert (found["Status"], found["ExecutionStatus"], found["Changes"]) == ("FAILED", "UNAVAILABLE", [])
    assert found["StatusReason"].startswith("The submitted information didn't contain changes.")


def test_changed_stack_tags_alone_are_a_change(steps: Steps, unique: Unique) -> None:
    stack, template = unique("stack"), template_of(bucket_resource(unique("bucket")))
    apply(steps, stack, template, Tags=[{"Key": "digest", "Value": "1"}])
    made = apply(steps, stack, template, kind="UPDATE", Tags=[{"Key": "digest", "Value": "2"}])
    assert (made["StackStatus"], made["Tags"]) == ("UPDATE_COMPLETE", [{"Key": "digest", "Value": "2"}])


def test_a_change_set_tells_what_is_replaced_from_what_is_changed_in_place(steps: Steps, unique: Unique) -> None:
    stack, one, other = unique("stack"), unique("bucket"), unique("bucket")
    apply(steps, stack, template_of(bucket_resource(one)))
    cfn = steps.client("cloudformation")

    def replacement(change: str, template: str) -> list[tuple[str, str]]:
        named = {"StackName": stack, "ChangeSetName": change}
        cfn.create_change_set(**named, ChangeSetType="UPDATE", TemplateBody=template)
        changes = [found["ResourceChange"] for found in cfn.describe_change_set(**named)["Changes"]]
        return [(found["Action"], found["Replacement"]) for found in changes]

    versioned = bucket_resource(one, VersioningConfiguration={"Status": "Enabled"})
    assert replacement("in-place", template_of(versioned)) == [("Modify", "False")]
    assert replacement("replaced", template_of(bucket_resource(other))) == [("Modify", "True")]


def test_a_template_is_read_from_a_bucket(steps: Steps, unique: Unique) -> None:
    code, name = steps.bucket(), unique("bucket")
    steps.client("s3").put_object(Bucket=code, Key="t/x.json", Body=template_of(bucket_resource(name)).encode())
    url = f"https://{code}.s3.eu-west-1.amazonaws.com/t/x.json"
    assert apply(steps, unique("stack"), url)["StackStatus"] == "CREATE_COMPLETE"
    assert refusal_of(lambda: steps.client("s3").head_bucket(Bucket=name)) == ""


def role_resource(name: str, *, path: str = "/service-role/") -> Resources:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.loads(policy_of(allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], "*")))
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": name,
                "Path": path,
                "AssumeRolePolicyDocument": json.loads(policy_of(trust)),
                "Policies": [{"PolicyName": "mover", "PolicyDocument": document}],
            },
        }
    }


def test_a_whole_delivery_stack_comes_up_and_goes(steps: Steps, unique: Unique) -> None:
    name, user = unique("export"), steps.role(name=unique("alpha_user"))
    bucket = steps.bucket()
    code = "def handler(event, context):\n    return {'batchItemFailures': []}\n"
    policy = json.loads(policy_of(allow("s3:PutObject", f"arn:aws:s3:::{bucket}/{name}/*")))
    queue_policy = allow(
        "sqs:SendMessage",
        {"Fn::GetAtt": ["Queue", "Arn"]},
        Principal={"Service": "s3.amazonaws.com"},
        Condition={"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{bucket}"}},
    )
    resources = {
        **role_resource(name),
        "DeadLetters": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": f"{name}-dead",
                "MessageRetentionPeriod": 1209600,
                "RedriveAllowPolicy": {"redrivePermission": "allowAll"},
            },
        },
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": name,
                "VisibilityTimeout": 900,
                "SqsManagedSseEnabled": True,
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
                    "maxReceiveCount": 5,
                },
            },
        },
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Statement": [queue_policy]}},
        },
        "Log": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": f"/aws/lambda/{name}", "RetentionInDays": 400},
        },
        "Mover": {
            "Type": "AWS::Lambda::Function",
            "DependsOn": "Log",
            "Properties": {
                "FunctionName": name,
                "Runtime": "python3.13",
                "Architectures": ["arm64"],
                "Handler": "index.handler",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"ZipFile": code},
                "MemorySize": 1024,
                "Timeout": 900,
                "ReservedConcurrentExecutions": 3,
                "Environment": {"Variables": {"A": "1"}},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": {"Ref": "Mover"},
                "BatchSize": 1000,
                "MaximumBatchingWindowInSeconds": 1,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "ScalingConfig": {"MaximumConcurrency": 5},
            },
        },
        "Sweep": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": f"{name}-sweep",
                "ScheduleExpression": "rate(1 hour)",
                "Targets": [{"Id": "m", "Arn": {"Fn::GetAtt": ["Mover", "Arn"]}, "Input": '{"sweep": true}'}],
            },
        },
        "MayInvoke": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Mover"},
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": ["Sweep", "Arn"]},
            },
        },
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}},
        "TopicPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [{"Ref": "Topic"}],
                "PolicyDocument": {
                    "Statement": [
                        allow("sns:Publish", {"Ref": "Topic"}, Principal={"Service": "cloudwatch.amazonaws.com"})
                    ]
                },
            },
        },
        "Mail": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "a@example.gov.uk"},
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": name,
                "Namespace": "AWS/SQS",
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetters", "QueueName"]}}],
                "Statistic": "Maximum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 0,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
                "AlarmActions": [{"Ref": "Topic"}],
            },
        },
        "Senders": {
            "Type": "AWS::IAM::Policy",
            "Metadata": {"why": "declared"},
            "Properties": {
                "PolicyName": "hub-exports",
                "Roles": [user.rsplit("/", 1)[-1]],
                "PolicyDocument": policy,
            },
        },
    }
    template = template_of(
        resources, Metadata={"declaration": {"name": name}}, Outputs={"Arn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}}
    )
    stack = unique("stack")
    made = apply(steps, stack, template)
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert made["Outputs"][0]["OutputValue"] == f"arn:aws:iam::{ACCOUNT}:role/service-role/{name}"
    lambda_client, sqs = steps.client("lambda"), steps.client("sqs")
    assert lambda_client.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 3
    (mapping,) = lambda_client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 5}
    assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (1000, 1)
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert json.loads(attributes["RedrivePolicy"]) == {
        "deadLetterTargetArn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:{name}-dead",
        "maxReceiveCount": 5,
    }
    assert attributes["VisibilityTimeout"] == "900"
    iam = steps.client("iam")
    inline = iam.get_role_policy(RoleName=user.rsplit("/", 1)[-1], PolicyName="hub-exports")
    assert inline["PolicyDocument"] == policy
    body = steps.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    read = body if isinstance(body, dict) else json.loads(body)
    assert read["Metadata"] == {"declaration": {"name": name}}
    retention = steps.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    assert [group["retentionInDays"] for group in retention] == [400]

    assert delete(steps, made["StackId"]) == "DELETE_COMPLETE"
    assert refusal_of(lambda: iam.get_role(RoleName=name)) == "NoSuchEntity"
    gone = refusal_of(lambda: iam.get_role_policy(RoleName=user.rsplit("/", 1)[-1], PolicyName="hub-exports"))
    assert gone == "NoSuchEntity"
    assert refusal_of(lambda: lambda_client.get_function(FunctionName=name)) == "ResourceNotFoundException"


def test_notification_rules_come_with_the_bucket_and_bad_ones_fail_the_stack(steps: Steps, unique: Unique) -> None:
    name, (url, arn) = unique("hub"), steps.queue()
    from_bucket = {"ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{name}"}}
    policy = policy_of(allow("sqs:SendMessage", arn, Principal={"Service": "s3.amazonaws.com"}, Condition=from_bucket))
    steps.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    def hub(*prefixes: str) -> str:
        rules = [
            {
                "Event": "s3:ObjectCreated:*",
                "Queue": arn,
                "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": prefix}]}},
            }
            for prefix in prefixes
        ]
        return template_of(bucket_resource(name, NotificationConfiguration={"QueueConfigurations": rules}))

    stack = unique("stack")
    assert apply(steps, stack, hub("a/", "b/"))["StackStatus"] == "CREATE_COMPLETE"
    failed = apply(steps, stack, hub("a/", "a/b/"), kind="UPDATE")
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    found = steps.client("s3").get_bucket_notification_configuration(Bucket=name)["QueueConfigurations"]
    prefixes = [rule["Filter"]["Key"]["FilterRules"][0]["Value"] for rule in found]
    assert prefixes == ["a/", "b/"]


def test_a_user_policy_goes_from_a_role_that_is_deleted_already(steps: Steps, unique: Unique) -> None:
    names = [steps.role(name=unique("alpha_user")).rsplit("/", 1)[-1] for _ in range(2)]
    document = json.loads(policy_of(allow("s3:GetObject", "arn:aws:s3:::b/*")))

    def template(roles: list[str]) -> str:
        properties = {"PolicyName": "p", "Roles": roles, "PolicyDocument": document}
        return template_of({"Users": {"Type": "AWS::IAM::Policy", "Properties": properties}})

    stack, iam = unique("stack"), steps.client("iam")
    apply(steps, stack, template(names))
    iam.delete_role_policy(RoleName=names[0], PolicyName="p")
    iam.delete_role(RoleName=names[0])
    made = apply(steps, stack, template(names[1:]), kind="UPDATE")
    assert made["StackStatus"] == "UPDATE_COMPLETE"
    assert iam.list_role_policies(RoleName=names[1])["PolicyNames"] == ["p"]
    assert delete(steps, made["StackId"]) == "DELETE_COMPLETE"


def test_all_stacks_are_described_to_whom_may_list_them_and_one_to_whom_may_describe_it(steps: Steps) -> None:
    describes = steps.role(allow("cloudformation:DescribeStacks", "*"))
    lists = steps.role(allow(["cloudformation:DescribeStacks", "cloudformation:ListStacks"], "*"))
    as_describer = steps.as_role("cloudformation", describes)
    with pytest.raises(ClientError, match=r"not authorized to perform: cloudformation:ListStacks"):
        as_describer.describe_stacks()
    assert refusal_of(lambda: as_describer.describe_stacks(StackName="nobodys")) == "ValidationError"
    assert steps.as_role("cloudformation", lists).describe_stacks()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_stack_tells_the_change_set_that_brought_it(steps: Steps, unique: Unique) -> None:
    stack, client = unique("stack"), steps.client("cloudformation")
    made = apply(steps, stack, template_of(bucket_resource(unique("bucket"))))
    (described,) = client.describe_stacks(StackName=stack)["Stacks"]
    assert described["StackId"] == made["StackId"]
    assert described["ChangeSetId"].startswith("arn:aws:cloudformation:")
    first = client.describe_change_set(ChangeSetName=described["ChangeSetId"])
    assert (first["ChangeSetId"], first["StackId"]) == (described["ChangeSetId"], made["StackId"])
    client.update_stack(StackName=stack, TemplateBody=template_of(bucket_resource(unique("another"))))
    client.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1})
    (described,) = client.describe_stacks(StackName=stack)["Stacks"]
    assert "ChangeSetId" not in described
