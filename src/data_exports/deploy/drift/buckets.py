"""A bucket and its policy, compared with the template that made them.

In: an `Aws` and the properties of a bucket or of its policy. Out: differences. Effects: reads the bucket's settings.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from data_exports.aws import Aws, AwsAnswer, call_or_none
from data_exports.deploy.drift.deployed import DeployedTemplate, ResourceProperties
from data_exports.deploy.drift.difference import DifferenceKind, LiveDifference, Revert, call, document_text
from data_exports.deploy.drift.policies import policy_differences_of
from data_exports.deploy.remote import prefix_of_rule, read_bucket_tags
from data_exports.stacks.stack import BUCKET_TAG, DATASET_TAG, HUB_TAG
from data_exports.text import counted

_NOTHING_SET = (
    AwsAnswer.NOT_FOUND,
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "ObjectLockConfigurationNotFoundError",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
)
_OWNER, _CIPHER, _MARKER = "BucketOwnerEnforced", "AES256", "ExpiredObjectDeleteMarker"
_RULES = {
    "LambdaFunctionConfigurations": "LambdaFunctionArn",
    "QueueConfigurations": "QueueArn",
    "TopicConfigurations": "TopicArn",
}


def check_buckets(aws: Aws, template: DeployedTemplate) -> Iterator[LiveDifference]:
    """What differs in the stack's buckets and their policies. Raises botocore's exceptions."""
    policies = {
        template.named(properties["Bucket"])["BucketName"]: properties["PolicyDocument"]
        for _, properties in template.resources("AWS::S3::BucketPolicy")
    }
    for _, properties in template.resources("AWS::S3::Bucket"):
        name = properties["BucketName"]
        tags = read_bucket_tags(aws, name, account=_account_of(template))
        if tags is None:
            yield LiveDifference(
                DifferenceKind.BUCKET_GONE, f"the bucket {name} is gone", Revert(), returns_access=True
            )
            continue
        for each in _drift_of(aws, properties, tags, template):
            yield replace(each, what=f"the bucket {name}: {each.what}")
        yield from _drift_of_policy(aws, name, policies.get(name))


def _drift_of_policy(aws: Aws, bucket: str, wanted: Mapping[str, Any] | None) -> Iterator[LiveDifference]:
    found, of = _setting(aws, "get_bucket_policy", bucket), f"the bucket {bucket}: its policy"
    put = call("s3", "put_bucket_policy", Bucket=bucket, Policy=document_text(wanted))
    if wanted is None:
        put = call("s3", "delete_bucket_policy", Bucket=bucket)
    if found is None:
        if wanted:
            yield LiveDifference(DifferenceKind.BUCKET_POLICY_GONE, f"{of} is gone", put, returns_access=True)
        return
    yield from policy_differences_of(
        wanted or {}, json.loads(found["Policy"]), kind=DifferenceKind.BUCKET_POLICY, of=of, repair=put
    )


def _drift_of(
    aws: Aws, properties: ResourceProperties, tags: Mapping[str, str], template: DeployedTemplate
) -> Iterator[LiveDifference]:
    name = properties["BucketName"]
    wanted = {key: value for key, value in template.stack.tags if key in (HUB_TAG, DATASET_TAG, BUCKET_TAG)}
    tagged = [{"Key": key, "Value": value} for key, value in sorted({**tags, **wanted}.items())]
    for key, value in sorted(wanted.items(), key=lambda each: (HUB_TAG, DATASET_TAG, BUCKET_TAG).index(each[0])):
        if tags.get(key) != value:
            put = call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": tagged})
            yield LiveDifference(
                DifferenceKind.BUCKET_TAG, f"its tag {key} is {tags.get(key, 'gone')}, deployed as {value}", put
            )
    status = properties.get("VersioningConfiguration", {}).get("Status")
    found = (_setting(aws, "get_bucket_versioning", name) or {}).get("Status", "never on")
    if status and found != status:
        put = call("s3", "put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": status})
        yield LiveDifference(DifferenceKind.VERSIONING, f"versioning is {found}, deployed as {status}", put)
    yield from _lock(aws, properties)
    yield from _blocks(name, _setting(aws, "get_public_access_block", name))
    yield from _ownership(name, _setting(aws, "get_bucket_ownership_controls", name))
    yield from _encryption(name, _setting(aws, "get_bucket_encryption", name))
    yield from _lifecycle(properties, _setting(aws, "get_bucket_lifecycle_configuration", name))
    yield from _logging(properties, _setting(aws, "get_bucket_logging", name) or {})
    yield from _rules(properties, _setting(aws, "get_bucket_notification_configuration", name) or {})


def _lock(aws: Aws, properties: ResourceProperties) -> Iterator[LiveDifference]:
    """For how long nobody deletes what is written; what was written before keeps the lock that it got then.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html
    """
    name, configured = properties["BucketName"], properties.get("ObjectLockConfiguration")
    if configured is None:
        return
    found = (_setting(aws, "get_object_lock_configuration", name) or {}).get("ObjectLockConfiguration", {})
    wanted, there = (each.get("Rule", {}).get("DefaultRetention", {}) for each in (configured, found))
    if there != wanted:
        put = call("s3", "put_object_lock_configuration", Bucket=name, ObjectLockConfiguration=configured)
        what = f"what is written is locked: {_lock_in_words(there)}, deployed as {_lock_in_words(wanted)}"
        yield LiveDifference(DifferenceKind.OBJECT_LOCK, what, put)


def _lock_in_words(kept: Mapping[str, Any]) -> str:
    if not kept:
        return "not at all"
    length = counted(kept["Days"], "day") if "Days" in kept else counted(kept.get("Years", 0), "year")
    return f"{length} ({kept.get('Mode', '')})"


def _blocks(name: str, found: Mapping[str, Any] | None) -> Iterator[LiveDifference]:
    blocks = (found or {}).get("PublicAccessBlockConfiguration", {})
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    open_now = [each for each in names if not blocks.get(each)]
    if open_now:
        blocked = dict.fromkeys(names, True)
        put = call("s3", "put_public_access_block", Bucket=name, PublicAccessBlockConfiguration=blocked)
        yield LiveDifference(
            DifferenceKind.PUBLIC_ACCESS, f"public access is not blocked any more: {', '.join(open_now)} off", put
        )


def _ownership(name: str, found: Mapping[str, Any] | None) -> Iterator[LiveDifference]:
    owners = [rule["ObjectOwnership"] for rule in (found or {}).get("OwnershipControls", {}).get("Rules", [])]
    if owners != [_OWNER]:
        controls = {"Rules": [{"ObjectOwnership": _OWNER}]}
        put = call("s3", "put_bucket_ownership_controls", Bucket=name, OwnershipControls=controls)
        yield LiveDifference(
            DifferenceKind.OWNERSHIP, f"object ownership is {', '.join(owners) or 'not set'}, deployed as {_OWNER}", put
        )


def _encryption(name: str, found: Mapping[str, Any] | None) -> Iterator[LiveDifference]:
    rules = (found or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    kinds = [rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "none") for rule in rules]
    if kinds != [_CIPHER]:
        default = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": _CIPHER}}]}
        put = call("s3", "put_bucket_encryption", Bucket=name, ServerSideEncryptionConfiguration=default)
        yield LiveDifference(
            DifferenceKind.ENCRYPTION, f"default encryption is {', '.join(kinds) or 'off'}, deployed as {_CIPHER}", put
        )


def _logging(properties: ResourceProperties, found: Mapping[str, Any]) -> Iterator[LiveDifference]:
    """Where S3 logs who used the bucket; of one that we do not log, others may have it logged."""
    configured, there = properties.get("LoggingConfiguration"), found.get("LoggingEnabled")
    if configured is None:
        return
    wanted = {
        "TargetBucket": configured["DestinationBucketName"],
        "TargetPrefix": configured["LogFilePrefix"],
        "TargetObjectKeyFormat": configured["TargetObjectKeyFormat"],
    }
    if there == wanted:
        return
    name = properties["BucketName"]
    put = call("s3", "put_bucket_logging", Bucket=name, BucketLoggingStatus={"LoggingEnabled": wanted})
    if there is None:
        yield LiveDifference(DifferenceKind.LOGGING_GONE, "nobody logs any more who uses it", put)
    else:
        place = f"{there['TargetBucket']}/{there['TargetPrefix']}"
        what = f"who uses it is logged in {place}, in another form or place than deployed"
        yield LiveDifference(DifferenceKind.OTHER_LOGGING, what, put)


def _lifecycle(properties: ResourceProperties, found: Mapping[str, Any] | None) -> Iterator[LiveDifference]:
    """Lifecycle rules: one that somebody added may delete data."""
    name, rules = properties["BucketName"], properties.get("LifecycleConfiguration", {}).get("Rules", [])
    wanted = {_rule_in_words(rule) for rule in rules}
    there = {_rule_in_words(rule) for rule in (found or {}).get("Rules", [])}
    put = call("s3", "delete_bucket_lifecycle", Bucket=name)
    if rules:
        configuration = {"Rules": [_lifecycle_rule_of(rule) for rule in rules]}
        put = call("s3", "put_bucket_lifecycle_configuration", Bucket=name, LifecycleConfiguration=configuration)
    for rule in sorted(there - wanted):
        yield LiveDifference(DifferenceKind.OTHER_LIFECYCLE_RULE, f"it has another lifecycle rule: {rule}", put)
    for rule in sorted(wanted - there):
        yield LiveDifference(DifferenceKind.LIFECYCLE_RULE_GONE, f"its lifecycle rule is gone: {rule}", put)


def _lifecycle_rule_of(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A template's lifecycle rule as S3's own call takes it.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
    """
    expiration = {"Days": rule.get("ExpirationInDays"), "ExpiredObjectDeleteMarker": rule.get(_MARKER)}
    given = {
        key: rule[key]
        for key in ("Status", "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
        if key in rule
    }
    expires = {key: value for key, value in expiration.items() if value is not None}
    named = {"ID": rule["Id"]} if "Id" in rule else {}
    return {
        **named,
        **given,
        **({"Expiration": expires} if expires else {}),
        "Filter": {"Prefix": rule.get("Prefix", "")},
    }


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


def _rules(properties: ResourceProperties, found: Mapping[str, Any]) -> Iterator[LiveDifference]:
    """Notification rules: what is told of new objects, and what is told too much."""
    configured = properties.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    wanted = {(_prefix_in_template(rule), rule["Queue"]) for rule in configured}
    there = {(prefix_of_rule(rule), rule[arn]) for kind, arn in _RULES.items() for rule in found.get(kind, [])}
    configuration = {"QueueConfigurations": [_notification_rule_of(rule) for rule in configured]}
    put = call(
        "s3",
        "put_bucket_notification_configuration",
        Bucket=properties["BucketName"],
        NotificationConfiguration=configuration if configured else {},
        SkipDestinationValidation=True,  # a queue that is gone must not keep the others from being told
    )
    for prefix, target in sorted(wanted - there):
        yield LiveDifference(
            DifferenceKind.HUB_RULE_GONE, f"its rule for {prefix} is gone: nothing tells {target} of new files", put
        )
    for prefix, target in sorted(there - wanted):
        yield LiveDifference(
            DifferenceKind.OTHER_HUB_RULE,
            f"it has another rule for {prefix or 'every file'}, which tells {target}",
            put,
        )
    if "EventBridgeConfiguration" in found:
        yield LiveDifference(
            DifferenceKind.TELLS_EVENTBRIDGE, "it tells EventBridge of every change, which is not deployed", put
        )


def _notification_rule_of(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A template's notification rule as S3's own call takes it.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_QueueConfiguration.html
    """
    prefix = {"Name": "prefix", "Value": _prefix_in_template(rule)}
    return {"QueueArn": rule["Queue"], "Events": [rule["Event"]], "Filter": {"Key": {"FilterRules": [prefix]}}}


def _prefix_in_template(rule: Mapping[str, Any]) -> str:
    return next((str(each["Value"]) for each in rule["Filter"]["S3Key"]["Rules"] if each["Name"] == "prefix"), "")


def _setting(aws: Aws, operation: str, bucket: str) -> dict[str, Any] | None:
    """What one of S3's calls answers about the bucket, or None when nothing is set."""
    return call_or_none(lambda: dict(getattr(aws.client("s3"), operation)(Bucket=bucket)), *_NOTHING_SET)


def _account_of(template: DeployedTemplate) -> str:
    return template.stack.stack_id.split(":")[4]
