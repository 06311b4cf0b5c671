"""Lambda's polling of queues: how many messages a batch takes, how long it waits for them, and whose right it needs."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ministack.services import lambda_svc, sqs

from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.rights import role_may

QueueMessage = dict[str, Any]
Mapped = dict[str, Any]

_PAYLOAD_BYTES = 6 * 1024 * 1024
_RECORD_OVERHEAD_BYTES = 600
"""What a record carries next to its body: ids, receipt handle, attributes, ARN."""

_polled = threading.local()


@mends(lambda_svc, "_sqs_esm_concurrency", "esm func_rec config queue")
def polling_a_queue_needs_the_functions_role(
    original: Callable[..., int], esm: Mapped, func_rec: Mapping[str, Any], *args: Any, **kwargs: Any
) -> int:
    """The function's role must be allowed `sqs:ReceiveMessage` on the queue, or nothing is read from it.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html (execution role permissions)
    """
    _polled.mapping = esm
    role = ((func_rec or {}).get("config") or {}).get("Role", "")
    if role and not role_may(role, "sqs:ReceiveMessage", esm["EventSourceArn"]):
        esm["LastProcessingResult"] = "PROBLEM: Lambda cannot read the queue: its role lacks sqs:ReceiveMessage"
        return 0
    return original(esm, func_rec, *args, **kwargs)


@mends(sqs, "_receive_messages_for_esm", "queue_url max_number")
def a_batch_waits_for_its_window_and_may_be_large(
    _original: Callable[..., list[QueueMessage]], queue_url: str, max_number: int
) -> list[QueueMessage]:
    """A batch takes up to the mapping's size (10,000) and 6 MB, once it is full or its window has passed.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html (batch size, batch window)
    """
    with sqs._queues_lock:
        queue = sqs._get_q(queue_url)
        sqs._expire_retained(queue)
        sqs._dlq_sweep(queue)
        now = time.time()
        visible = [m for m in queue["messages"] if m.get("visible_at", 0) <= now]
        wait = _seconds_to_wait(visible, max_number, now)
        is_off = not _polled.mapping.get("Enabled", True)  # since the poller looked
        if not visible or wait > 0 or is_off:
            if wait > 0:
                _look_again_in(wait)
            return []
        taken = sum(1 for _ in _within_payload(visible[: max(int(max_number or 1), 1)]))
        timeout = int(queue["attributes"].get("VisibilityTimeout", "30"))
        return list(sqs._collect_msgs(queue, taken, timeout))


def _seconds_to_wait(visible: list[QueueMessage], max_number: int, now: float) -> float:
    """What is left of the window since the first message could be read; 0 when the batch is full already."""
    if not visible or len(visible) >= max_number:
        return 0.0
    first = min(max(m["sent_at"], m.get("visible_at") or 0) for m in visible)
    window = _polled.mapping.get("MaximumBatchingWindowInSeconds") or 0
    return max(0.0, float(first + window - now))


def _look_again_in(seconds: float) -> None:
    timer = threading.Timer(seconds, sqs.esm_wake.set)
    timer.daemon = True
    timer.start()


def _within_payload(messages: list[QueueMessage]) -> Iterator[QueueMessage]:
    """The first messages that fit one invocation together; always at least one."""
    size = 0
    for message in messages:
        size += len(message["body"]) + _RECORD_OVERHEAD_BYTES
        if size > _PAYLOAD_BYTES and size > len(message["body"]) + _RECORD_OVERHEAD_BYTES:
            return
        yield message
