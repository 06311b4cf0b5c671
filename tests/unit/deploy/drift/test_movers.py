"""What keeps files from being delivered, or us from hearing of it: queues, functions, alarms, AWS's answers given."""

import base64
import copy
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.movers import check_movers
from data_exports.stacks.foundation import foundation_stack
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import Stack, Surroundings
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, push

PUSH = push_stack(PLATFORM, push(), Surroundings(code_key="code/mover-0123abcd.zip"))
FOUNDATION = foundation_stack(PLATFORM, require_tls=True)
ALARMS = [
    "exports-push-hearings-DeadLetterAlarm",
    "exports-push-hearings-OldestEventAlarm",
    "exports-push-hearings-RefusedAlarm",
]
FUNCTION, QUEUE, DEAD_LETTERS = "export_hearings-move", "export_hearings", "export_hearings-DLQ"
GONE = refusal("ResourceNotFoundException")


def resources(stack: Stack, kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in json.loads(stack.body)["Resources"].values() if each["Type"] == kind]


def policy_of(queue: str) -> dict[str, Any]:
    """The policy that the template gives a queue."""
    arn = f"arn:aws:sqs:eu-west-1:593291632749:{queue}"
    (found,) = [
        each["PolicyDocument"]
        for each in resources(PUSH, "AWS::SQS::QueuePolicy")
        if each["PolicyDocument"]["Statement"][0]["Resource"] == [arn]
    ]
    return copy.deepcopy(found)


def feeding(*states: str, queue: str = QUEUE) -> list[dict[str, Any]]:
    arn = f"arn:aws:sqs:eu-west-1:593291632749:{queue}"
    return [{"EventSourceMappings": [{"EventSourceArn": arn, "State": state, "UUID": state}]} for state in states]


def aws_that(**answers: Any) -> AwsAnswers:
    """An AWS in which everything is as deployed, but for these answers."""
    code = base64.b64encode(bytes.fromhex("0123abcd" + "00" * 28)).decode()
    deployed = {
        "get_queue_url": lambda QueueName: {"QueueUrl": f"https://sqs/{QueueName}"},  # noqa: N803
        "get_queue_attributes": lambda QueueUrl, AttributeNames: {  # noqa: N803
            "Attributes": {name: json.dumps(policy_of(QueueUrl.rpartition("/")[2])) for name in AttributeNames}
        },
        "get_function_configuration": {"CodeSha256": code},
        "get_function_concurrency": {},
        "list_event_source_mappings": [{"EventSourceMappings": []}, *feeding("Enabled")],
        "describe_alarms": {"MetricAlarms": [{"AlarmName": name, "ActionsEnabled": True} for name in ALARMS]},
        "describe_rule": {"State": "ENABLED"},
    }
    return AwsAnswers(deployed | answers)


def drift_of(aws: AwsAnswers, stack: Stack = PUSH) -> list[str]:
    stack_id = "arn:aws:cloudformation:eu-west-1:593291632749:stack/x/1"
    template = DeployedTemplate(DeployedStack(stack.name, stack_id, "", stack.tags), json.loads(stack.body))
    return [each.what for each in check_movers(aws, template)]


def test_nothing_is_told_of_a_mover_that_nobody_touched() -> None:
    aws = aws_that()
    assert drift_of(aws) == []
    assert [asked for asked in aws.asked if asked[0] != "get_queue_attributes"] == [
        ("get_queue_url", {"QueueName": DEAD_LETTERS}),
        ("get_queue_url", {"QueueName": QUEUE}),
        ("get_function_configuration", {"FunctionName": FUNCTION}),
        ("get_function_concurrency", {"FunctionName": FUNCTION}),
        ("describe_rule", {"Name": FUNCTION}),
        ("list_event_source_mappings", {"FunctionName": FUNCTION}),
        ("describe_alarms", {"AlarmNames": ALARMS}),
    ]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            {"get_queue_url": refusal("AWS.SimpleQueueService.NonExistentQueue")},
            [f"the queue {DEAD_LETTERS} is gone", f"the queue {QUEUE} is gone"],
        ),
        ({"get_function_configuration": GONE}, [f"the function {FUNCTION} is gone"]),
        (
            {"get_function_configuration": {"CodeSha256": base64.b64encode(b"other").decode()}},
            [f"the function {FUNCTION}: its code is not what was deployed"],
        ),
        (
            {"get_function_concurrency": {"ReservedConcurrentExecutions": 0}},
            [f"the function {FUNCTION} is stopped: its reserved concurrency is 0"],
        ),
        (
            {"get_function_concurrency": {"ReservedConcurrentExecutions": 7}},
            [f"the function {FUNCTION}: reserved concurrency is 7, deployed as none"],
        ),
        (
            {"list_event_source_mappings": GONE},
            [f"nothing feeds {FUNCTION} from the queue {QUEUE} any more: no file is delivered"],
        ),
        (
            {"list_event_source_mappings": [{"EventSourceMappings": []}]},
            [f"nothing feeds {FUNCTION} from the queue {QUEUE} any more: no file is delivered"],
        ),
        (
            {"list_event_source_mappings": feeding("Enabled", queue="another")},
            [f"nothing feeds {FUNCTION} from the queue {QUEUE} any more: no file is delivered"],
        ),
        (
            {"list_event_source_mappings": feeding("Disabled", "Disabling", "Enabling")},
            [f"what feeds {FUNCTION} from the queue {QUEUE} is switched off: no file is delivered"] * 2,
        ),
        ({"describe_rule": GONE}, [f"the schedule {FUNCTION} is gone"]),
        ({"describe_rule": {"State": "DISABLED"}}, [f"the schedule {FUNCTION} is DISABLED, deployed as ENABLED"]),
        ({"describe_rule": {}}, [f"the schedule {FUNCTION} is without a state, deployed as ENABLED"]),
        ({"describe_alarms": {"MetricAlarms": []}}, [f"the alarm {name} is gone" for name in ALARMS]),
        (
            {
                "describe_alarms": {
                    "MetricAlarms": [
                        {"AlarmName": ALARMS[0], "ActionsEnabled": False},
                        {"AlarmName": ALARMS[1]},
                        {"AlarmName": "another", "ActionsEnabled": False},
                    ]
                }
            },
            [f"the alarm {ALARMS[0]} tells nobody: its actions are switched off", f"the alarm {ALARMS[2]} is gone"],
        ),
    ],
)
def test_what_is_gone_stopped_or_switched_off_is_told(answers: dict[str, Any], said: list[str]) -> None:
    assert drift_of(aws_that(**answers)) == said


def test_a_function_whose_reservation_was_taken_away_is_told() -> None:
    body = json.loads(PUSH.body)
    body["Resources"]["Mover"]["Properties"]["ReservedConcurrentExecutions"] = 5
    stack = DeployedStack(PUSH.name, "arn:aws:cloudformation:eu-west-1:593291632749:stack/x/1", "", PUSH.tags)
    template = DeployedTemplate(stack, body)
    said = f"the function {FUNCTION}: reserved concurrency is none, deployed as 5"
    assert [each.what for each in check_movers(aws_that(), template)] == [said]
    as_deployed = aws_that(get_function_concurrency={"ReservedConcurrentExecutions": 5})
    assert list(check_movers(as_deployed, template)) == []


@pytest.mark.parametrize("attributes", [{}, {"Attributes": {}}, {"Attributes": {"Policy": ""}}])
def test_a_queue_without_its_policy_is_told_right_by_right(attributes: dict[str, Any]) -> None:
    def answer(QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:  # noqa: N803
        name = QueueUrl.rpartition("/")[2]
        return attributes if name == QUEUE else {"Attributes": {"Policy": json.dumps(policy_of(name))}}

    arn, hub = "arn:aws:sqs:eu-west-1:593291632749:export_hearings", "arn:aws:s3:::mojap-hub-exports"
    from_hub = f"aws:sourcearn ArnEquals {hub} and aws:sourceaccount StringEquals 593291632749"
    without_tls = "aws:securetransport Bool false"
    assert drift_of(aws_that(get_queue_attributes=answer)) == [
        f"the queue {QUEUE}: its policy no longer allows sqs:SendMessage on {arn} to s3.amazonaws.com, if {from_hub}",
        f"the queue {QUEUE}: its policy no longer denies sqs:* on {arn} to everybody, if {without_tls}",
    ]


def topic(policy: str | None) -> AwsAnswers:
    names = ("exports-foundation-KeeperAlarm", "exports-foundation-KeeperSilentAlarm")
    return AwsAnswers(
        {
            "get_topic_attributes": {"Attributes": {} if policy is None else {"Policy": policy}},
            "get_function_configuration": {"CodeSha256": "x"},
            "get_function_concurrency": {},
            "describe_rule": {"State": "ENABLED"},
            "describe_alarms": {"MetricAlarms": [{"AlarmName": name, "ActionsEnabled": True} for name in names]},
        }
    )


def test_a_topic_is_as_deployed_changed_or_gone() -> None:
    (wanted,) = [each["PolicyDocument"] for each in resources(FOUNDATION, "AWS::SNS::TopicPolicy")]
    aws = topic(json.dumps(wanted))
    assert drift_of(aws, FOUNDATION) == []
    arn = "arn:aws:sns:eu-west-1:593291632749:exports-alerts"
    assert aws.asked[0] == ("get_topic_attributes", {"TopicArn": arn})
    for policy in (None, ""):
        lines = drift_of(topic(policy), FOUNDATION)
        assert len(lines) == len(wanted["Statement"])
        assert all(line.startswith("the topic exports-alerts: its policy no longer ") for line in lines)
    gone = topic(None)
    gone.answers["get_topic_attributes"] = refusal("NotFound")
    assert drift_of(gone, FOUNDATION) == ["the topic exports-alerts is gone"]


def test_a_keeper_that_is_gone_or_stopped_is_told() -> None:
    (wanted,) = [each["PolicyDocument"] for each in resources(FOUNDATION, "AWS::SNS::TopicPolicy")]
    aws = topic(json.dumps(wanted))
    aws.answers["get_function_concurrency"] = {"ReservedConcurrentExecutions": 0}
    assert drift_of(aws, FOUNDATION) == [
        "the function exports-keeper is stopped: its reserved concurrency is 0",
    ]
    aws.answers["get_function_configuration"] = GONE
    assert drift_of(aws, FOUNDATION) == ["the function exports-keeper is gone"]


@pytest.mark.parametrize(
    "operation",
    [
        *("get_queue_url", "get_queue_attributes", "get_function_configuration", "list_event_source_mappings"),
        *("get_function_concurrency", "describe_alarms", "describe_rule"),
    ],
)
def test_what_may_not_be_looked_at_is_never_taken_for_gone(operation: str) -> None:
    with pytest.raises(ClientError):
        drift_of(aws_that(**{operation: refusal("AccessDenied")}))
