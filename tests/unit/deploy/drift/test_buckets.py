"""What somebody changed in a bucket since it was deployed: each setting by itself, S3's answers given."""

import copy
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.drift.buckets import check_buckets
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.stacks.hub import hub_stack
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, push

HUB = str(PLATFORM.hub_bucket)
STACK = hub_stack(PLATFORM, [push()], require_tls=True)
BODY = json.loads(STACK.body)
QUEUE = "arn:aws:sqs:eu-west-1:593291632749:export_hearings"
Answers = dict[str, Any]


def as_deployed() -> Answers:
    """What S3 answers about a bucket that nobody has touched."""
    by_type = {each["Type"]: each["Properties"] for each in BODY["Resources"].values()}
    rules = by_type["AWS::S3::Bucket"]["LifecycleConfiguration"]["Rules"]
    return {
        "get_bucket_tagging": {"TagSet": [{"Key": key, "Value": value} for key, value in STACK.tags]},
        "get_bucket_policy": {"Policy": json.dumps(by_type["AWS::S3::BucketPolicy"]["PolicyDocument"])},
        "get_bucket_versioning": {"Status": "Enabled"},
        "get_public_access_block": {
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            }
        },
        "get_bucket_ownership_controls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
        "get_bucket_encryption": {
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            }
        },
        "get_bucket_lifecycle_configuration": {"Rules": [_as_s3_tells(rule) for rule in rules]},
        "get_bucket_logging": {},
        "get_bucket_notification_configuration": {
            "QueueConfigurations": [
                {"QueueArn": QUEUE, "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "hearings/"}]}}}
            ]
        },
    }


def _as_s3_tells(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule of a template in the words of S3's own answer."""
    told: dict[str, Any] = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "ExpiredObjectDeleteMarker" in rule:
        told["Expiration"] = {"ExpiredObjectDeleteMarker": rule["ExpiredObjectDeleteMarker"]}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            told[name] = rule[name]
    return told


def drift_of(answers: Answers) -> list[str]:
    """What is told, with S3 answering so; what is not among the answers is not set."""
    stack = DeployedStack(STACK.name, "arn:aws:cloudformation:eu-west-1:593291632749:stack/x/1", "", STACK.tags)
    aws = AwsAnswers(dict.fromkeys(as_deployed(), refusal("NoSuchBucketPolicy")) | answers)
    return [each.what for each in check_buckets(aws, DeployedTemplate(stack, BODY))]


def test_nothing_is_told_of_a_bucket_that_nobody_touched() -> None:
    assert drift_of(as_deployed()) == []


@pytest.mark.parametrize("name", ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"])
def test_each_block_of_public_access_that_is_off_is_told_by_its_name(name: str) -> None:
    answers = as_deployed()
    answers["get_public_access_block"]["PublicAccessBlockConfiguration"][name] = False
    assert drift_of(answers) == [f"the bucket {HUB}: public access is not blocked any more: {name} off"]


def test_a_bucket_without_any_block_of_public_access_is_told() -> None:
    answers = as_deployed()
    del answers["get_public_access_block"]
    names = "BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets"
    assert drift_of(answers) == [f"the bucket {HUB}: public access is not blocked any more: {names} off"]


@pytest.mark.parametrize(
    ("operation", "answer", "said"),
    [
        ("get_bucket_versioning", {"Status": "Suspended"}, "versioning is Suspended, deployed as Enabled"),
        ("get_bucket_versioning", {}, "versioning is never on, deployed as Enabled"),
        (
            "get_bucket_ownership_controls",
            {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
            "object ownership is ObjectWriter, deployed as BucketOwnerEnforced",
        ),
        (
            "get_bucket_encryption",
            {"ServerSideEncryptionConfiguration": {"Rules": []}},
            "default encryption is off, deployed as AES256",
        ),
    ],
)
def test_each_setting_that_differs_is_told(operation: str, answer: dict[str, Any], said: str) -> None:
    assert drift_of(as_deployed() | {operation: answer}) == [f"the bucket {HUB}: {said}"]


def test_lifecycle_rules_that_came_or_went_are_told() -> None:
    answers = as_deployed()
    rules = answers["get_bucket_lifecycle_configuration"]["Rules"]
    gone = copy.deepcopy(rules[0])
    rules[0] = {"ID": "sweep-all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    found = drift_of(answers)
    assert found[0] == f"the bucket {HUB}: it has another lifecycle rule: sweep-all (Enabled; days 1)"
    assert [line.partition(" (")[0] for line in found[1:]] == [
        f"the bucket {HUB}: its lifecycle rule is gone: {gone['ID']}"
    ]


def test_rules_that_came_or_went_are_told() -> None:
    other = {"QueueArn": QUEUE, "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "other/"}]}}}
    answers = as_deployed() | {
        "get_bucket_notification_configuration": {"QueueConfigurations": [other], "EventBridgeConfiguration": {}}
    }
    assert drift_of(answers) == [
        f"the bucket {HUB}: its rule for hearings/ is gone: nothing tells {QUEUE} of new files",
        f"the bucket {HUB}: it has another rule for other/, which tells {QUEUE}",
        f"the bucket {HUB}: it tells EventBridge of every change, which is not deployed",
    ]


def test_a_tag_that_was_changed_is_told() -> None:
    answers = as_deployed()
    for tag in answers["get_bucket_tagging"]["TagSet"]:
        if tag["Key"] == "data-exports:hub":
            tag["Value"] = "another-hub"
    assert drift_of(answers) == [f"the bucket {HUB}: its tag data-exports:hub is another-hub, deployed as {HUB}"]


def test_a_policy_that_is_gone_is_told() -> None:
    answers = as_deployed()
    del answers["get_bucket_policy"]
    assert drift_of(answers) == [f"the bucket {HUB}: its policy is gone"]


def test_a_bucket_that_is_gone_is_told_and_not_asked_further() -> None:
    assert drift_of({"get_bucket_tagging": refusal("NoSuchBucket")}) == [f"the bucket {HUB} is gone"]


def test_a_bucket_without_tags_is_told() -> None:
    assert drift_of(as_deployed() | {"get_bucket_tagging": refusal("NoSuchTagSet")}) == [
        f"the bucket {HUB}: its tag data-exports:hub is gone, deployed as {HUB}"
    ]


@pytest.mark.parametrize("operation", as_deployed())
def test_a_setting_that_may_not_be_read_is_an_error_and_never_taken_for_unset(operation: str) -> None:
    with pytest.raises(ClientError):
        drift_of(as_deployed() | {operation: refusal("AccessDenied")})


BLOCKS = "BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets"


@pytest.mark.parametrize(
    ("operation", "code", "said"),
    [
        (
            "get_bucket_ownership_controls",
            "OwnershipControlsNotFoundError",
            "object ownership is not set, deployed as BucketOwnerEnforced",
        ),
        (
            "get_bucket_encryption",
            "ServerSideEncryptionConfigurationNotFoundError",
            "default encryption is off, deployed as AES256",
        ),
        ("get_bucket_versioning", "NoSuchBucket", "versioning is never on, deployed as Enabled"),
        (
            "get_public_access_block",
            "NoSuchPublicAccessBlockConfiguration",
            f"public access is not blocked any more: {BLOCKS} off",
        ),
        ("get_bucket_policy", "NoSuchBucketPolicy", "its policy is gone"),
    ],
)
def test_a_setting_that_was_taken_away_is_told(operation: str, code: str, said: str) -> None:
    assert drift_of(as_deployed() | {operation: refusal(code)}) == [f"the bucket {HUB}: {said}"]


def test_every_lifecycle_rule_that_was_taken_away_is_told() -> None:
    answers = as_deployed()
    rules = answers["get_bucket_lifecycle_configuration"]["Rules"]
    answers["get_bucket_lifecycle_configuration"] = refusal("NoSuchLifecycleConfiguration")
    assert [line.partition(" (")[0] for line in drift_of(answers)] == sorted(
        f"the bucket {HUB}: its lifecycle rule is gone: {rule['ID']}" for rule in rules
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"Expiration": {"Days": 30}}, "days 30"),
        ({"Expiration": {"Date": "2031-01-01"}}, "on 2031-01-01"),
        ({"Expiration": {"ExpiredObjectDeleteMarker": True}}, "expired markers true"),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 3}}, "noncurrent days 3"),
        ({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}}, "abandoned uploads' days 2"),
        ({"Transitions": [{}], "NoncurrentVersionTransitions": [{}, {}]}, "transitions 3"),
        ({"Filter": {"Prefix": "a/"}, "Expiration": {"Days": 1}}, "days 1, prefix a/"),
        ({"Prefix": "b/", "Expiration": {"Days": 1}}, "days 1, prefix b/"),
    ],
)
def test_a_lifecycle_rule_that_came_is_told_in_words(rule: dict[str, Any], words: str) -> None:
    answers = as_deployed()
    answers["get_bucket_lifecycle_configuration"]["Rules"].append({"ID": "more", "Status": "Disabled", **rule})
    said = f"it has another lifecycle rule: more (Disabled; {words})"
    assert drift_of(answers) == [f"the bucket {HUB}: {said}"]


@pytest.mark.parametrize(
    ("kind", "arn"),
    [
        ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
        ("QueueConfigurations", "QueueArn"),
        ("TopicConfigurations", "TopicArn"),
    ],
)
def test_a_rule_that_tells_somebody_else_is_told_whatever_it_tells(kind: str, arn: str) -> None:
    answers = as_deployed()
    answers["get_bucket_notification_configuration"].setdefault(kind, []).append({arn: "arn:aws:x:other"})
    said = "it has another rule for every file, which tells arn:aws:x:other"
    assert drift_of(answers) == [f"the bucket {HUB}: {said}"]
