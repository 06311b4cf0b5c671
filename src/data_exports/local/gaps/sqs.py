"""SQS: no message is lost between threads, dead letters can be moved back, and batches need no rights of their own."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import sns, sqs

from data_exports.local.gaps.patching import mends

sqs._queues_lock = threading.RLock()

SqsMessage = dict[str, Any]
MoveTask = dict[str, Any]

_tasks: dict[str, list[MoveTask]] = {}
"""Move tasks by the ARN of their source, newest first."""


def _one_at_a_time(holder: Any, name: str, parameters: str) -> None:
    """Guard a function that changes a queue's messages with the one lock of all queues."""

    @mends(holder, name, parameters)
    def no_message_is_lost_between_threads(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A queue keeps every message it took, however many readers and writers there are.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
        """
        with sqs._queues_lock:
            return original(*args, **kwargs)


for _name in (
    "SendMessage",
    "SendMessageBatch",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "PurgeQueue",
    "GetQueueAttributes",
):
    _one_at_a_time(sqs._HANDLERS, _name, "data qurl")
for _name, _parameters in (
    ("_expire_retained", "q"),
    ("_dlq_sweep", "q"),
    ("_collect_msgs", "q max_n vis_timeout"),
):
    _one_at_a_time(sqs, _name, _parameters)
_one_at_a_time(
    sns,
    "_deliver_to_sqs",
    "endpoint envelope raw raw_message message_group_id message_dedup_id message_attributes topic_arn",
)


def _moved(message: SqsMessage, now: float) -> SqsMessage:
    """The message as it arrives in the queue it is moved to: new there, never received."""
    system = {k: v for k, v in (message.get("sys") or {}).items() if k != "DeadLetterQueueSourceArn"}
    fresh = {"receipt_handle": None, "visible_at": now, "receive_count": 0, "first_receive_at": None, "sent_at": now}
    return {**message, **fresh, "sys": system}


def _source_queue(arn: str) -> Any:
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise sqs._Err(
            "ResourceNotFoundException",
            "The resource that you specified for the SourceArn parameter doesn't exist.",
            404,
        )
    return queue


def _is_dead_letter_queue(arn: str) -> bool:
    for queue in sqs._queues._data.values():
        try:
            policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
        except ValueError:
            continue
        if isinstance(policy, dict) and policy.get("deadLetterTargetArn") == arn:
            return True
    return False


def a_move_task_moves_dead_letters_back(data: Mapping[str, Any], _queue_url: str) -> dict[str, str]:
    """StartMessageMoveTask: every visible message goes to the queue it came from, or to the one named.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
    """
    arn = data["SourceArn"]
    source = _source_queue(arn)
    if not _is_dead_letter_queue(arn):
        raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.", 400)
    now, kept, moved = time.time(), [], 0
    with sqs._queues_lock:
        for message in source["messages"]:
            target_arn = data.get("DestinationArn") or (message.get("sys") or {}).get("DeadLetterQueueSourceArn")
            target = sqs._queue_by_arn(target_arn) if target_arn else None
            if target is None or message.get("visible_at", 0) > now:
                kept.append(message)
            else:
                target["messages"].append(_moved(message, now))
                moved += 1
        source["messages"] = kept
    task: MoveTask = {
        "Status": "COMPLETED",
        "SourceArn": arn,
        "ApproximateNumberOfMessagesMoved": moved,
        "ApproximateNumberOfMessagesToMove": moved,
        "StartedTimestamp": int(now * 1000),
    }
    if data.get("DestinationArn"):
        task["DestinationArn"] = data["DestinationArn"]
    _tasks.setdefault(arn, []).insert(0, task)
    sqs.esm_wake.set()
    return {"TaskHandle": str(uuid.uuid4())}


def move_tasks_are_listed_newest_first(data: Mapping[str, Any], _queue_url: str) -> dict[str, list[MoveTask]]:
    """ListMessageMoveTasks: the last tasks of a source, one unless more are asked for, at most ten.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html
    """
    _source_queue(data["SourceArn"])
    return {"Results": _tasks.get(data["SourceArn"], [])[: min(int(data.get("MaxResults") or 1), 10)]}


sqs._HANDLERS["StartMessageMoveTask"] = a_move_task_moves_dead_letters_back
sqs._HANDLERS["ListMessageMoveTasks"] = move_tasks_are_listed_newest_first


@mends(iam_actions, "extract_resource_arn", "service method path headers body query_params region account_id")
def a_move_task_is_allowed_on_its_source(
    original: Callable[..., Any], service: str, method: str, path: str, *arguments: Any
) -> Any:
    """The permission for a move task is asked on the dead-letter queue that the request names.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
    """
    headers, body, *_ = arguments
    if service == "sqs" and "MessageMoveTask" in headers.get("x-amz-target", ""):
        return json.loads(body or b"{}").get("SourceArn") or "*"
    return original(service, method, path, *arguments)


@mends(iam_actions, "extract_iam_action", "service method path headers body query_params")
def a_batch_needs_the_right_of_the_single_call(
    original: Callable[..., Any], service: str, method: str, path: str, *arguments: Any
) -> Any:
    """A batch of messages needs the permission for one: there is none named `sqs:SendMessageBatch` or the like.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    """
    action = original(service, method, path, *arguments)
    return action.removesuffix("Batch") if action and service == "sqs" else action
