"""A bucket and its policy, compared with the template that made them.

In: an `Aws` and the properties of a bucket or of its policy. Out: sentences. Effects: reads the bucket's settings.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from data_exports.aws import Aws, AwsAnswer, call_or_none
from data_exports.deploy.drift.deployed import DeployedTemplate, ResourceProperties
from data_exports.deploy.drift.policies import policy_differences_of
from data_exports.deploy.remote import prefix_of_rule, read_bucket_tags
from data_exports.stacks.stack import BUCKET_TAG, DATASET_TAG, HUB_TAG

_NOTHING_SET = (
    AwsAnswer.NOT_FOUND,
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
)
_RULES = {
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
}


def check_buckets(aws: Aws, template: DeployedTemplate) -> Iterator[str]:
    """What differs in the stack's buckets and their policies. Raises botocore's exceptions."""
    policies = {
        template.named(properties["Bucket"])["BucketName"]: properties["PolicyDocument"]
        for _, properties in template.resources("AWS::S3::BucketPolicy")
    }
    for _, properties in template.resources("AWS::S3::Bucket"):
        name = properties["BucketName"]
        tags = read_bucket_tags(aws, name, account=_account_of(template))
        if tags is None:
            yield f"the bucket {name} is gone"
            continue
        yield from (f"the bucket {name}: {said}" for said in _drift_of(aws, properties, tags, template))
        yield from (f"the bucket {name}: its policy {said}" for said in _drift_of_policy(aws, name, policies.get(name)))


def _drift_of_policy(aws: Aws, bucket: str, wanted: Mapping[str, Any] | None) -> Iterator[str]:
    found = _setting(aws, "get_bucket_policy", bucket)
    if found is None:
        if wanted:
            yield "is gone"
        return
    yield from policy_differences_of(wanted or {}, json.loads(found["Policy"]))


def _drift_of(
    aws: Aws, properties: ResourceProperties, tags: Mapping[str, str], template: DeployedTemplate
) -> Iterator[str]:
    name = properties["BucketName"]
    wanted = dict(template.stack.tags)
    for key in (HUB_TAG, DATASET_TAG, BUCKET_TAG):
        if key in wanted and tags.get(key) != wanted[key]:
            yield f"its tag {key} is {tags.get(key, 'gone')}, deployed as {wanted[key]}"
    status = properties.get("VersioningConfiguration", {}).get("Status")
    found = (_setting(aws, "get_bucket_versioning", name) or {}).get("Status", "never on")
    if status and found != status:
        yield f"versioning is {found}, deployed as {status}"
    yield from _blocks(_setting(aws, "get_public_access_block", name))
    ownership = _setting(aws, "get_bucket_ownership_controls", name) or {"OwnershipControls": {"Rules": []}}
    owners = [rule["ObjectOwnership"] for rule in ownership["OwnershipControls"]["Rules"]]
    if owners != ["BucketOwnerEnforced"]:
        yield f"object ownership is {', '.join(owners) or 'not set'}, deployed as BucketOwnerEnforced"
    yield from _encryption(_setting(aws, "get_bucket_encryption", name))
    yield from _lifecycle(properties, _setting(aws, "get_bucket_lifecycle_configuration", name))
    yield from _rules(properties, _setting(aws, "get_bucket_notification_configuration", name) or {})


def _blocks(found: Mapping[str, Any] | None) -> Iterator[str]:
    blocks = (found or {}).get("PublicAccessBlockConfiguration", {})
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    open_now = [name for name in names if not blocks.get(name)]
    if open_now:
        yield f"public access is not blocked any more: {', '.join(open_now)} off"


def _encryption(found: Mapping[str, Any] | None) -> Iterator[str]:
    rules = (found or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    kinds = [rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "none") for rule in rules]
    if kinds != ["AES256"]:
        yield f"default encryption is {', '.join(kinds) or 'off'}, deployed as AES256"


def _lifecycle(properties: ResourceProperties, found: Mapping[str, Any] | None) -> Iterator[str]:
    """Lifecycle rules: one that somebody added may delete data."""
    wanted = {_rule_in_words(rule) for rule in properties.get("LifecycleConfiguration", {}).get("Rules", [])}
    there = {_rule_in_words(rule) for rule in (found or {}).get("Rules", [])}
    for rule in sorted(there - wanted):
        yield f"it has another lifecycle rule: {rule}"
    for rule in sorted(wanted - there):
        yield f"its lifecycle rule is gone: {rule}"


def _rule_in_words(rule: Mapping[str, Any]) -> str:
    """What a lifecycle rule does, from a template or from S3's own answer."""
    expiration = rule.get("Expiration", {})
    told = {
        "days": expiration.get("Days", rule.get("ExpirationInDays")),
        "on": expiration.get("Date", rule.get("ExpirationDate")),
        "expired markers": expiration.get("ExpiredObjectDeleteMarker", rule.get("ExpiredObjectDeleteMarker")),
        "noncurrent days": rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
        "abandoned uploads' days": rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
        "transitions": len([*rule.get("Transitions", []), *rule.get("NoncurrentVersionTransitions", [])]) or None,
        "prefix": rule.get("Filter", {}).get("Prefix") or rule.get("Prefix") or None,
    }
    words = ", ".join(f"{key} {str(value).lower()}" for key, value in told.items() if value is not None)
    return f"{rule.get('Id', rule.get('ID', ''))} ({rule['Status']}; {words})"


def _rules(properties: ResourceProperties, found: Mapping[str, Any]) -> Iterator[str]:
    """Notification rules: what is told of new objects, and what is told too much."""
    configured = properties.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    wanted = {(_prefix_in_template(rule), rule["Queue"]) for rule in configured}
    there = {(prefix_of_rule(rule), rule[arn]) for kind, arn in _RULES.items() for rule in found.get(kind, [])}
    for prefix, target in sorted(wanted - there):
        yield f"its rule for {prefix} is gone: nothing tells {target} of new files"
    for prefix, target in sorted(there - wanted):
        yield f"it has another rule for {prefix or 'every file'}, which tells {target}"
    if "EventBridgeConfiguration" in found:
        yield "it tells EventBridge of every change, which is not deployed"


def _prefix_in_template(rule: Mapping[str, Any]) -> str:
    return next((str(each["Value"]) for each in rule["Filter"]["S3Key"]["Rules"] if each["Name"] == "prefix"), "")


def _setting(aws: Aws, operation: str, bucket: str) -> dict[str, Any] | None:
    """What one of S3's calls answers about the bucket, or None when nothing is set."""
    return call_or_none(lambda: dict(getattr(aws.client("s3"), operation)(Bucket=bucket)), *_NOTHING_SET)


def _account_of(template: DeployedTemplate) -> str:
    return template.stack.stack_id.split(":")[4]
