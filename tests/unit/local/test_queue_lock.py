"""SQS as AWS does it, where only a race would show it: whoever changes a queue's messages waits for the others."""

import threading
from collections.abc import Callable

import pytest
from ministack.services import sqs

from data_exports.local.gaps import patching, s3_notifications
from data_exports.local.gaps import sqs as _mended  # noqa: F401 - notes the mends

GUARDED = sorted(mend.name for mend in patching.noted() if "no_message_is_lost" in mend.wrapper.__name__)


def waits_for_the_lock(call: Callable[[], object]) -> bool:
    """Whether the call does nothing while somebody else holds the lock of all queues, and goes on afterwards."""
    done = threading.Event()

    def run() -> None:
        call()
        done.set()

    with sqs._queues_lock:
        thread = threading.Thread(target=run)
        thread.start()
        waited = not done.wait(0.05)
    thread.join()
    return waited and done.is_set()


def test_everything_that_changes_a_queue_is_guarded() -> None:
    assert GUARDED == [
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "DeleteMessageBatch",
        "GetQueueAttributes",
        "PurgeQueue",
        "SendMessage",
        "SendMessageBatch",
        "_collect_msgs",
        "_deliver_to_sqs",
        "_dlq_sweep",
        "_expire_retained",
    ]


@pytest.mark.parametrize("name", GUARDED)
def test_a_guarded_function_waits(name: str) -> None:
    (mend,) = [mend for mend in patching.noted() if mend.name == name]
    assert waits_for_the_lock(lambda: mend.wrapper(lambda: None))


def test_an_event_waits() -> None:
    deliver = s3_notifications.an_event_names_who_caused_it
    assert waits_for_the_lock(lambda: deliver(lambda *_: None, "arn", {"Event": "s3:TestEvent"}, "eu-west-1"))
