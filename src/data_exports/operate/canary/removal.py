"""Takes a canary's world down, finds what a killed run left, and names what could not be removed.

In: a `World` or the account's AWS. Out: what is `Left`; the worlds that are there. Effects: deletes what has a name of
the world's and its tag. What has the name and not the tag is somebody else's, unless it is an empty bucket: there, a
run may have been killed between making and tagging.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, call_or_none, code_of, reason_of
from data_exports.json_values import json_as
from data_exports.names import MOVER_POLICY, SERVICE_ROLE_PATH
from data_exports.operate.canary.world import NAME_PREFIX, TAG, World

_NAME = re.compile(rf"(?:/aws/lambda/)?{NAME_PREFIX}([0-9a-f]{{8}})(?:-hub|-recipient|-elsewhere)?")
_BUSY_SECONDS = 120


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """A resource: its kind, in words, and its name."""

    kind: str
    name: str


@json_as("kind=thing.kind name=thing.name reason")
@dataclass(frozen=True, slots=True)
class Left:
    """What could not be removed, and why."""

    thing: Thing
    reason: str


class _NotOursError(Exception):
    """It bears a canary's name and not its tag."""


def remove_world(world: World, aws: Aws) -> tuple[Left, ...]:
    """Remove everything that is there. Raises nothing of AWS's: what stays is named with its reason."""
    left = []
    for thing, remove in _removals(world, aws):
        try:
            remove()
        except _NotOursError:
            left.append(Left(thing, f"it does not carry the tag {TAG}={world.identifier}: it may be somebody else's"))
        except AWS_EXCEPTIONS as error:
            if answer_of(error) is not AwsAnswer.NOT_FOUND:
                left.append(Left(thing, reason_of(error)))
    return tuple(left)


def _removals(world: World, aws: Aws) -> Iterator[tuple[Thing, Callable[[], None]]]:
    """In this order: what uses something comes before it."""
    yield Thing("event source mapping", world.name), lambda: _remove_mappings(world, aws)
    yield Thing("function", world.name), lambda: _remove_function(world, aws)
    yield Thing("queue", world.name), lambda: _remove_queue(world, aws)
    for bucket in world.buckets:
        yield Thing("bucket", bucket), partial(_remove_bucket, world, aws, bucket)
    yield Thing("role", world.name), lambda: _remove_role(world, aws)
    yield Thing("log group", world.log_group), lambda: _remove_log_group(world, aws)


def _check_tag(world: World, value: str | None) -> None:
    if value != world.identifier:
        raise _NotOursError


def _remove_mappings(world: World, aws: Aws) -> None:
    """Remove what feeds the function; while it is being made or changed, Lambda refuses that."""
    functions, sqs = aws.client("lambda"), aws.client("sqs")
    mappings = functions.list_event_source_mappings(EventSourceArn=world.queue_arn)["EventSourceMappings"]
    if mappings:
        _check_queue(world, sqs)
    for mapping in mappings:
        if mapping.get("State") == "Deleting":
            continue
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                functions.delete_event_source_mapping(UUID=mapping["UUID"])
            except AWS_EXCEPTIONS as error:
                if code_of(error) != "ResourceInUseException" or time.monotonic() > until:
                    raise
                time.sleep(3)
            else:
                break


def _check_queue(world: World, sqs: Any) -> None:
    """See to it that the queue, if it is still there, is ours."""
    tags = call_or_none(lambda: sqs.list_queue_tags(QueueUrl=sqs.get_queue_url(QueueName=world.name)["QueueUrl"]))
    if tags is not None:
        _check_tag(world, tags.get("Tags", {}).get(TAG))


def _remove_function(world: World, aws: Aws) -> None:
    functions = aws.client("lambda")
    found = functions.get_function(FunctionName=world.name)
    _check_tag(world, found.get("Tags", {}).get(TAG))
    functions.delete_function(FunctionName=world.name)


def _remove_queue(world: World, aws: Aws) -> None:
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=world.name)["QueueUrl"]
    _check_tag(world, sqs.list_queue_tags(QueueUrl=url).get("Tags", {}).get(TAG))
    sqs.delete_queue(QueueUrl=url)


def _remove_role(world: World, aws: Aws) -> None:
    iam = aws.client("iam")
    tags = {tag["Key"]: tag["Value"] for tag in iam.get_role(RoleName=world.name)["Role"].get("Tags", [])}
    _check_tag(world, tags.get(TAG))
    call_or_none(lambda: iam.delete_role_policy(RoleName=world.name, PolicyName=MOVER_POLICY))
    iam.delete_role(RoleName=world.name)


def _remove_log_group(world: World, aws: Aws) -> None:
    logs = aws.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=world.log_group)["logGroups"]
    if any(group["logGroupName"] == world.log_group for group in groups):
        arn = f"arn:aws:logs:{world.region}:{world.account}:log-group:{world.log_group}"
        _check_tag(world, logs.list_tags_for_resource(resourceArn=arn).get("tags", {}).get(TAG))
        logs.delete_log_group(logGroupName=world.log_group)


def _remove_bucket(world: World, aws: Aws, bucket: str) -> None:
    """Remove a bucket with all its versions; botocore finds its region by itself."""
    s3 = aws.client("s3")
    s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=world.account)
    if _tag_of_bucket(s3, bucket) == world.identifier:
        _empty(s3, bucket)
    try:
        s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=world.account)
    except AWS_EXCEPTIONS as error:
        if code_of(error) == "BucketNotEmpty" and _tag_of_bucket(s3, bucket) != world.identifier:
            raise _NotOursError from error
        raise


def _tag_of_bucket(s3: Any, bucket: str) -> str | None:
    tags = call_or_none(lambda: s3.get_bucket_tagging(Bucket=bucket)["TagSet"], "NoSuchTagSet") or ()
    return next((tag["Value"] for tag in tags if tag["Key"] == TAG), None)


def _empty(s3: Any, bucket: str) -> None:
    """Delete each version by itself: a request for many could not carry a key with control characters."""
    for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def find_worlds(aws: Aws) -> dict[str, tuple[Thing, ...]]:
    """What has the names of canaries' worlds, by identifier: all buckets and roles, the rest in this region."""
    found: dict[str, set[Thing]] = {}
    for thing in _named_things(aws):
        named = _NAME.fullmatch(thing.name)
        if named:
            found.setdefault(named.group(1), set()).add(thing)
    return {identifier: tuple(sorted(things)) for identifier, things in sorted(found.items())}


def _named_things(aws: Aws) -> Iterator[Thing]:
    for bucket in _listed(aws, "s3", "list_buckets", "Buckets", Prefix=NAME_PREFIX):
        yield Thing("bucket", bucket["Name"])
    for role in _listed(aws, "iam", "list_roles", "Roles", PathPrefix=SERVICE_ROLE_PATH):
        yield Thing("role", role["RoleName"])
    for url in _listed(aws, "sqs", "list_queues", "QueueUrls", QueueNamePrefix=NAME_PREFIX):
        yield Thing("queue", url.rpartition("/")[2])
    for function in _listed(aws, "lambda", "list_functions", "Functions"):
        yield Thing("function", function["FunctionName"])
    for mapping in _listed(aws, "lambda", "list_event_source_mappings", "EventSourceMappings"):
        if mapping.get("State") != "Deleting":
            yield Thing("event source mapping", mapping.get("EventSourceArn", "").rpartition(":")[2])
    for group in _listed(
        aws, "logs", "describe_log_groups", "logGroups", logGroupNamePrefix=f"/aws/lambda/{NAME_PREFIX}"
    ):
        yield Thing("log group", group["logGroupName"])


def _listed(aws: Aws, service: str, operation: str, name: str, **filters: str) -> Iterator[Any]:
    for page in aws.client(service).get_paginator(operation).paginate(**filters):
        yield from page.get(name, [])
