"""Redriving: dead letters go back to their queue, by SQS's own move, and the mover tries each again.

In: a dataset and an `Aws`. Out: the states of the move as it goes on. Effects: starts a move, unless one is under way.
Harmless to repeat: a file that was delivered meanwhile is found to be so, and its message is done.
"""

import time
from collections.abc import Callable, Iterator

from data_exports.aws import Aws
from data_exports.errors import AwsError
from data_exports.estate.models import Platform, PushDataset
from data_exports.operate.queues import Move, count_dead_letters, read_move, start_move

POLL_SECONDS = 1.0


def plan_redrive(platform: Platform, push: PushDataset, aws: Aws) -> int:
    """About how many dead letters a redrive would move now. Raises `AwsError`, `RefusedError` if it is not deployed."""
    return count_dead_letters(platform, push, aws)


def redrive(
    platform: Platform, push: PushDataset, aws: Aws, *, pause: Callable[[float], None] = time.sleep
) -> Iterator[Move]:
    """Move the dead letters back; yields the move whenever it has gone on, at last as it ended.

    The move is SQS's: it goes on when we stop looking. Raises as `plan_redrive`, and `AwsError` when the move fails.
    """
    move, told = start_move(platform, push, aws), None
    while True:
        if move != told:
            yield move
            told = move
        if move.is_over:
            break
        pause(POLL_SECONDS)
        move = read_move(platform, push, aws) or move
    if move.status != "COMPLETED":
        why = move.reason or "no reason given"
        raise AwsError(
            f"{push.name}: SQS ended the move as {move.status} after {move.moved:,} dead letters: {why}",
            next_step="exports redrive again; it takes up what is left",
        )
