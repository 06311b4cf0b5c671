"""CloudFormation: properties of buckets and functions that take effect, and what it refuses to do."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from ministack.services import lambda_svc, s3
from ministack.services.cloudformation import provisioners

from data_exports.local.gaps.iam import unknown_principal_of
from data_exports.local.gaps.patching import mends

TemplateProperties = Mapping[str, Any]

_handlers = provisioners._RESOURCE_HANDLERS

_REPLACING: Mapping[str, Sequence[str]] = {
    "AWS::CloudWatch::Alarm": ["AlarmName"],
    "AWS::Events::Rule": ["Name"],
    "AWS::IAM::Policy": [],
    "AWS::Lambda::EventSourceMapping": ["EventSourceArn", "StartingPosition", "StartingPositionTimestamp"],
    "AWS::Lambda::Permission": ["Action", "FunctionName", "Principal", "PrincipalOrgID", "SourceAccount", "SourceArn"],
    "AWS::Logs::LogGroup": ["LogGroupName"],
    "AWS::S3::Bucket": ["BucketName"],
    "AWS::S3::BucketPolicy": ["Bucket"],
    "AWS::SNS::Subscription": ["Endpoint", "Protocol", "TopicArn"],
    "AWS::SNS::TopicPolicy": [],
    "AWS::SQS::QueuePolicy": [],
}
"""Change sets say which changes replace a resource: the create-only properties of each type's schema.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html ("Update requires")
"""

for _type, _names in _REPLACING.items():
    provisioners._REPLACING_PROPERTIES.setdefault(_type, tuple(_names))

provisioners._STACK_TAG_PROPERTY["AWS::S3::Bucket"] = ("Tags", "list")
"""Stack tags reach buckets.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html"""


def _fill(parent: Element, fields: Mapping[str, Any]) -> None:
    """Add one child for each field that is set; booleans as S3 writes them."""
    for name, value in fields.items():
        if value is not None:
            SubElement(parent, name).text = str(value).lower() if isinstance(value, bool) else str(value)


def _lifecycle_xml(configuration: TemplateProperties) -> bytes:
    """A `LifecycleConfiguration` as the body of PutBucketLifecycleConfiguration."""
    root = Element("LifecycleConfiguration", xmlns=s3.S3_NS)
    for rule in configuration.get("Rules") or []:
        element = SubElement(root, "Rule")
        _fill(element, {"ID": rule.get("Id")})
        _fill(SubElement(element, "Filter"), {"Prefix": rule.get("Prefix", "")})
        _fill(element, {"Status": rule["Status"]})
        expiration = {
            "Days": rule.get("ExpirationInDays"),
            "ExpiredObjectDeleteMarker": rule.get("ExpiredObjectDeleteMarker"),
        }
        for name, fields in (
            ("Expiration", {k: v for k, v in expiration.items() if v is not None}),
            ("NoncurrentVersionExpiration", rule.get("NoncurrentVersionExpiration")),
            ("AbortIncompleteMultipartUpload", rule.get("AbortIncompleteMultipartUpload")),
        ):
            if fields:
                _fill(SubElement(element, name), fields)
    return bytes(tostring(root, encoding="utf-8"))


def _ownership_xml(controls: TemplateProperties) -> bytes:
    """An `OwnershipControls` as the body of PutBucketOwnershipControls."""
    root = Element("OwnershipControls", xmlns=s3.S3_NS)
    for rule in controls.get("Rules") or []:
        _fill(SubElement(root, "Rule"), rule)
    return bytes(tostring(root, encoding="utf-8"))


def _encryption_xml(encryption: TemplateProperties) -> bytes:
    """A `BucketEncryption` as the body of PutBucketEncryption."""
    root = Element("ServerSideEncryptionConfiguration", xmlns=s3.S3_NS)
    for rule in encryption.get("ServerSideEncryptionConfiguration") or []:
        element = SubElement(root, "Rule")
        default = rule.get("ServerSideEncryptionByDefault") or {}
        if default:
            _fill(SubElement(element, "ApplyServerSideEncryptionByDefault"), default)
        _fill(element, {"BucketKeyEnabled": rule.get("BucketKeyEnabled")})
    return bytes(tostring(root, encoding="utf-8"))


def _logging_xml(configuration: TemplateProperties) -> bytes:
    """A `LoggingConfiguration` as the body of PutBucketLogging."""
    root = Element("BucketLoggingStatus", xmlns=s3.S3_NS)
    if configuration:
        enabled = SubElement(root, "LoggingEnabled")
        _fill(
            enabled,
            {"TargetBucket": configuration["DestinationBucketName"], "TargetPrefix": configuration["LogFilePrefix"]},
        )
        by = (configuration.get("TargetObjectKeyFormat") or {}).get("PartitionedPrefix")
        if by is not None:
            _fill(SubElement(SubElement(enabled, "TargetObjectKeyFormat"), "PartitionedPrefix"), by)
    return bytes(tostring(root, encoding="utf-8"))


def _object_lock_xml(configuration: TemplateProperties) -> bytes:
    """An `ObjectLockConfiguration` as the body of PutObjectLockConfiguration."""
    root = Element("ObjectLockConfiguration", xmlns=s3.S3_NS)
    _fill(root, {"ObjectLockEnabled": configuration.get("ObjectLockEnabled")})
    retention = (configuration.get("Rule") or {}).get("DefaultRetention")
    if retention:
        _fill(SubElement(SubElement(root, "Rule"), "DefaultRetention"), retention)
    return bytes(tostring(root, encoding="utf-8"))


def _put_logging(name: str, body: bytes) -> Any:
    return s3._put_bucket_logging(name, body)  # as it is mended by then


_BUCKET_CONFIGURATIONS: Sequence[tuple[str, Callable[[TemplateProperties], bytes], Any, Any]] = (
    ("LifecycleConfiguration", _lifecycle_xml, s3._put_bucket_lifecycle, s3._delete_bucket_lifecycle),
    ("OwnershipControls", _ownership_xml, s3._put_bucket_ownership_controls, s3._delete_bucket_ownership_controls),
    ("BucketEncryption", _encryption_xml, s3._put_bucket_encryption, s3._delete_bucket_encryption),
    ("ObjectLockConfiguration", _object_lock_xml, s3._put_object_lock_configuration, lambda _name: None),
    ("LoggingConfiguration", _logging_xml, _put_logging, s3._bucket_logging_config.pop),
)


def _name_of_trail(_logical_id: str, properties: TemplateProperties, _stack: str) -> tuple[str, dict[str, str]]:
    return properties["TrailName"], {}


_handlers["AWS::CloudTrail::Trail"] = {
    "create": _name_of_trail,
    "update": lambda _physical_id, _old, new, stack: _name_of_trail("", new, stack),
    "delete": lambda *_: None,
}
"""A trail stands in its stack, and records nothing here."""


@mends(provisioners, "_s3_apply_configurations", "name props old_props")
def bucket_properties_take_effect(
    original: Callable[..., None], name: str, props: TemplateProperties, old_props: TemplateProperties | None = None
) -> None:
    """Lifecycle, ownership, encryption, Object Lock, logging, tags and suspended versioning of a bucket are as written.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-s3-bucket.html
    """
    original(name, props, old_props)
    for prop, to_xml, put, delete in _BUCKET_CONFIGURATIONS:
        if prop in props:
            answer = put(name, to_xml(props[prop] or {}))
            if answer[0] >= 400:
                raise ValueError(f"AWS::S3::Bucket {prop} rejected: {answer[2]!r}")
        elif prop in (old_props or {}):
            delete(name)
    if props.get("Tags"):
        s3._bucket_tags[name] = {tag["Key"]: tag["Value"] for tag in props["Tags"]}
    elif (old_props or {}).get("Tags"):
        s3._bucket_tags.pop(name, None)
    versioning = (props.get("VersioningConfiguration") or {}).get("Status")
    if versioning == "Suspended" or (versioning is None and s3._bucket_versioning.get(name)):
        s3._bucket_versioning[name] = "Suspended"


@mends(_handlers["AWS::S3::Bucket"], "delete", "physical_id props")
def a_bucket_with_objects_is_not_deleted(
    original: Callable[..., None], physical_id: str, props: TemplateProperties
) -> None:
    """A bucket that holds any object or version fails the deletion of its stack.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html (delete stack fails)
    """
    record = s3._buckets.get(physical_id)
    versions = any(key[0] == physical_id and found for key, found in s3._object_versions.items())
    if record and (record["objects"] or versions):
        raise ValueError(
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket. "
            "(Service: S3, Status Code: 409)"
        )
    original(physical_id, props)


@mends(_handlers["AWS::S3::BucketPolicy"], "create", "logical_id props stack_name")
@mends(_handlers["AWS::S3::BucketPolicy"], "update", "physical_id old_props new_props stack_name")
def a_bucket_policy_in_a_stack_names_only_who_exists(original: Callable[..., Any], *arguments: Any) -> Any:
    """A stack fails on a bucket policy that names a role that does not exist.

    https://repost.aws/knowledge-center/s3-invalid-principal-in-policy-error
    """
    *_, props, _stack_name = arguments
    document = props.get("PolicyDocument")
    if unknown_principal_of(json.loads(document) if isinstance(document, str) else document):
        raise ValueError("Invalid principal in policy (Service: S3, Status Code: 400, Error Code: MalformedPolicy)")
    return original(*arguments)


def _reserving_concurrency(action: str, parameters: str, *, props_at: int) -> None:
    @mends(_handlers["AWS::Lambda::Function"], action, parameters)
    def a_function_reserves_its_concurrency(original: Callable[..., Any], *arguments: Any) -> Any:
        """`ReservedConcurrentExecutions` of a function takes effect, when it is made and when it changes.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-function.html
        """
        made = original(*arguments)
        value = arguments[props_at].get("ReservedConcurrentExecutions")
        if made[0] in lambda_svc._functions:
            lambda_svc._functions[made[0]]["concurrency"] = None if value is None else int(value)
        return made


_reserving_concurrency("create", "logical_id props stack_name", props_at=1)
_reserving_concurrency("update", "physical_id old_props new_props stack_name logical_id", props_at=2)
