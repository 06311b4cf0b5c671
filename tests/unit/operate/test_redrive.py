"""A redrive starts one move, joins one that is under way, and tells how it ends."""

from typing import Any

import pytest

from data_exports.errors import AwsError
from data_exports.operate.queues import Move
from data_exports.operate.redrive import redrive
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, push

SOURCE = f"arn:aws:sqs:{PLATFORM.region}:{PLATFORM.account}:export_hearings-DLQ"
BUSY = refusal("UnsupportedOperation", "Another task is running")


class Sqs(AwsAnswers):
    """SQS whose move of a queue goes through these states, one for each look."""

    def __init__(self, *states: dict[str, Any] | None, started: Exception | None = None) -> None:
        super().__init__({"list_message_move_tasks": self._tasks, "start_message_move_task": started})
        self.states = list(states)

    def _tasks(self, *, SourceArn: str, MaxResults: int) -> Any:  # noqa: N803
        assert (SourceArn, MaxResults) == (SOURCE, 1)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"Results": [state] if state else []}


def task(status: str, moved: int, to_move: int = 3, **more: str) -> dict[str, Any]:
    counts = {"ApproximateNumberOfMessagesMoved": moved, "ApproximateNumberOfMessagesToMove": to_move}
    return {"Status": status, **counts, **more}


def moves(sqs: Sqs) -> list[Move]:
    followed = list(redrive(PLATFORM, push(), sqs, pause=lambda _: None))
    assert sqs.services == {"sqs"}
    return followed


def test_a_move_is_started_and_followed_to_its_end() -> None:
    sqs = Sqs(None, task("RUNNING", 0), task("RUNNING", 0), task("RUNNING", 2), task("COMPLETED", 3))
    assert moves(sqs) == [Move("RUNNING", 0, 3), Move("RUNNING", 2, 3), Move("COMPLETED", 3, 3)]
    queue = SOURCE.removesuffix("-DLQ")
    assert sqs.asked_for("start_message_move_task") == [{"SourceArn": SOURCE, "DestinationArn": queue}]


def test_a_move_that_is_under_way_is_joined() -> None:
    sqs = Sqs(task("RUNNING", 1), task("COMPLETED", 3))
    assert [move.moved for move in moves(sqs)] == [1, 3]
    assert sqs.asked_for("start_message_move_task") == []


def test_a_move_that_somebody_else_started_just_then_is_joined() -> None:
    sqs = Sqs(task("COMPLETED", 9), task("RUNNING", 1), task("COMPLETED", 3), started=BUSY)
    assert [move.moved for move in moves(sqs)] == [1, 3]


def test_a_move_that_fails_is_an_error_with_its_reason() -> None:
    sqs = Sqs(None, task("FAILED", 1, FailureReason="AccessDenied"))
    with pytest.raises(AwsError, match="hearings: SQS ended the move as FAILED after 1 dead letters: AccessDenied"):
        moves(sqs)
