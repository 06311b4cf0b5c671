"""Queues, movers and alerts, compared with the template: what keeps files from being delivered, or us from hearing.

In: an `Aws` and a template. Out: differences. Effects: reads queues, functions, event source mappings, alarms, topics.
"""

import base64
import json
import re
from collections.abc import Iterator

from data_exports.aws import Aws, call_or_none
from data_exports.deploy.drift.deployed import DeployedTemplate, ResourceProperties
from data_exports.deploy.drift.difference import (
    DifferenceKind,
    LiveDifference,
    Revert,
    ServiceCall,
    call,
    document_text,
)
from data_exports.deploy.drift.policies import policy_differences_of

_DIGEST_IN_KEY = re.compile(r"mover-([0-9a-f]+)\.zip")


def check_movers(aws: Aws, template: DeployedTemplate) -> Iterator[LiveDifference]:
    """What differs in queues' and topics' policies, and what is stopped or gone. Raises botocore's exceptions."""
    for _, properties in template.resources("AWS::SQS::QueuePolicy"):
        for queue in properties["Queues"]:
            yield from _drift_of_queue_policy(aws, template.named(queue)["QueueName"], properties)
    for _, properties in template.resources("AWS::SNS::TopicPolicy"):
        for topic in properties["Topics"]:
            yield from _drift_of_topic_policy(aws, template, template.named(topic)["TopicName"], properties)
    for _, properties in template.resources("AWS::Lambda::Function"):
        yield from _drift_of_function(aws, properties)
    for _, properties in template.resources("AWS::Events::Rule"):
        yield from _drift_of_schedule(aws, properties)
    for _, properties in template.resources("AWS::Lambda::EventSourceMapping"):
        function = template.named(properties["FunctionName"])["FunctionName"]
        yield from _drift_of_mapping(aws, function, template.named(properties["EventSourceArn"])["QueueName"])
    yield from _drift_of_alarms(aws, [alarm["AlarmName"] for _, alarm in template.resources("AWS::CloudWatch::Alarm")])


def _drift_of_queue_policy(aws: Aws, queue: str, properties: ResourceProperties) -> Iterator[LiveDifference]:
    sqs = aws.client("sqs")
    url = call_or_none(lambda: sqs.get_queue_url(QueueName=queue)["QueueUrl"])
    if url is None:
        yield LiveDifference(DifferenceKind.QUEUE_GONE, f"the queue {queue} is gone", Revert())
        return
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    wanted, found = properties["PolicyDocument"], json.loads(attributes.get("Policy") or "{}")
    put = call("sqs", "set_queue_attributes", QueueUrl=url, Attributes={"Policy": document_text(wanted)})
    yield from policy_differences_of(
        wanted,
        found,
        kind=DifferenceKind.QUEUE_POLICY,
        of=f"the queue {queue}: its policy",
        repair=put,
        lets_in=False,
    )


def _drift_of_topic_policy(
    aws: Aws, template: DeployedTemplate, topic: str, properties: ResourceProperties
) -> Iterator[LiveDifference]:
    _, _, _, region, account, *_ = template.stack.stack_id.split(":")
    arn = f"arn:aws:sns:{region}:{account}:{topic}"
    found = call_or_none(lambda: aws.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"])
    if found is None:
        yield LiveDifference(DifferenceKind.TOPIC_GONE, f"the topic {topic} is gone", Revert())
        return
    wanted, there = properties["PolicyDocument"], json.loads(found.get("Policy") or "{}")
    value = document_text(wanted)
    put = call("sns", "set_topic_attributes", TopicArn=arn, AttributeName="Policy", AttributeValue=value)
    yield from policy_differences_of(
        wanted,
        there,
        kind=DifferenceKind.TOPIC_POLICY,
        of=f"the topic {topic}: its policy",
        repair=put,
        lets_in=False,
    )


def _drift_of_function(aws: Aws, properties: ResourceProperties) -> Iterator[LiveDifference]:
    name, client = properties["FunctionName"], aws.client("lambda")
    found = call_or_none(lambda: client.get_function_configuration(FunctionName=name))
    if found is None:
        yield LiveDifference(DifferenceKind.FUNCTION_GONE, f"the function {name} is gone", Revert())
        return
    code = properties["Code"]
    digest = _DIGEST_IN_KEY.search(code.get("S3Key", ""))
    if digest and not base64.b64decode(found["CodeSha256"]).hex().startswith(digest[1]):
        put = call("lambda", "update_function_code", FunctionName=name, S3Bucket=code["S3Bucket"], S3Key=code["S3Key"])
        yield LiveDifference(
            DifferenceKind.FUNCTION_CODE, f"the function {name}: its code is not what was deployed", put
        )
    wanted = properties.get("ReservedConcurrentExecutions")
    reserved = client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
    said = f"the function {name}: reserved concurrency is {reserved or 'none'}, deployed as {wanted or 'none'}"
    if reserved == 0 and wanted != 0:
        said = f"the function {name} is stopped: its reserved concurrency is 0"
    if reserved != wanted:
        yield LiveDifference(DifferenceKind.CONCURRENCY, said, _reserve(name, wanted))


def _reserve(name: str, wanted: int | None) -> ServiceCall:
    if wanted is None:
        return call("lambda", "delete_function_concurrency", FunctionName=name)
    return call("lambda", "put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=wanted)


def _drift_of_mapping(aws: Aws, function: str, queue: str) -> Iterator[LiveDifference]:
    pages = aws.client("lambda").get_paginator("list_event_source_mappings").paginate(FunctionName=function)
    found = call_or_none(lambda: [each for page in pages for each in page["EventSourceMappings"]])
    feeding = [each for each in found or () if each["EventSourceArn"].rsplit(":", 1)[1] == queue]
    if not feeding:
        yield LiveDifference(
            DifferenceKind.MAPPING_GONE,
            f"nothing feeds {function} from the queue {queue} any more: no file is delivered",
            Revert(),
        )
    for each in feeding:
        if each["State"] in ("Disabled", "Disabling"):
            on = call("lambda", "update_event_source_mapping", UUID=each["UUID"], Enabled=True)
            said = f"what feeds {function} from the queue {queue} is switched off: no file is delivered"
            yield LiveDifference(DifferenceKind.MAPPING_OFF, said, on)


def _drift_of_schedule(aws: Aws, properties: ResourceProperties) -> Iterator[LiveDifference]:
    name = properties["Name"]
    found = call_or_none(lambda: aws.client("events").describe_rule(Name=name))
    if found is None:
        yield LiveDifference(DifferenceKind.SCHEDULE_GONE, f"the schedule {name} is gone", Revert())
    elif found.get("State") != properties["State"]:
        said = f"the schedule {name} is {found.get('State', 'without a state')}, deployed as {properties['State']}"
        yield LiveDifference(DifferenceKind.SCHEDULE_OFF, said, call("events", "enable_rule", Name=name))


def _drift_of_alarms(aws: Aws, names: list[str]) -> Iterator[LiveDifference]:
    if not names:
        return
    found = {
        each["AlarmName"]: each for each in aws.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    }
    for name in names:
        if name not in found:
            yield LiveDifference(DifferenceKind.ALARM_GONE, f"the alarm {name} is gone", Revert())
        elif not found[name].get("ActionsEnabled", True):
            on = call("cloudwatch", "enable_alarm_actions", AlarmNames=[name])
            yield LiveDifference(
                DifferenceKind.ALARM_SILENT, f"the alarm {name} tells nobody: its actions are switched off", on
            )
