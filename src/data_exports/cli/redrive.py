"""``exports redrive``: dead letters go back, and are tried again."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_push_datasets
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, open_estate, push_dataset_of
from data_exports.cli.output import wants_colour, write_answer, write_progress
from data_exports.cli.progress import count_shown, follow_shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data_exports.aws import Aws
    from data_exports.contract.receipts import Receipt
    from data_exports.estate.models import Estate, Platform, PushDataset
    from data_exports.operate.follow import UploadId
    from data_exports.operate.queues import Move

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The push dataset.", autocompletion=complete_push_datasets)
]
NowOption = Annotated[bool, typer.Option("--now", help="Try at once, too, what fails and waits for its next try.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait until the recipient has them, and print the receipts.")]
TimeoutOption = Annotated[str, typer.Option("--timeout", metavar="TIME", help="How long to wait: 90s, 15m, 2h.")]


@reaches_aws
def redrive(
    name: NameArgument,
    *,
    now: NowOption = False,
    wait: WaitOption = False,
    timeout: TimeoutOption = "15m",
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have everything that was given up tried again.

    SQS moves the dataset's dead letters back to its queue, and the mover tries each as if for the first time. Does no
    harm when it is repeated, or when there is nothing. Interrupted, SQS goes on. What fails again comes back after its
    tries: see `exports failures`, which tells what has to be mended first.

    What failed and was not given up waits for its next try, up to 3 h; --now has that tried at once, too. Exit code 0
    also when there is nothing to do. With --wait: 1 if a file did not arrive, 4 if one has no receipt in time.

    Examples:
      exports redrive health_referrals
      exports redrive health_referrals --now --wait
    """
    declared = open_estate(estate)
    push, platform = push_dataset_of(declared, name), declared.platform
    from datetime import UTC, datetime

    from data_exports.deploy.remote import check_account
    from data_exports.operate.periods import parse_seconds
    from data_exports.operate.redrive import plan_redrive
    from data_exports.operate.retry import read_failing, retry_now
    from data_exports.views.redrive import Redriven, redriven_as_data, render_redriven
    from data_exports.views.send import error_of_late, error_of_lost

    seconds = parse_seconds(timeout, option="--timeout")
    aws = connect(platform.region)
    check_account(aws, platform)
    done = Redriven(push.name, datetime.now(UTC), plan_redrive(platform, push, aws))
    if now or not done.dead_letters:
        done.failing = read_failing(platform, push, aws)
    uploads = _given_up(declared, push, aws) if wait and done.dead_letters else {}
    if done.dead_letters:
        done.moved = _move(platform, push, aws, done.dead_letters)
    if now:
        with count_shown("looked for in the hub", total=len(done.failing)) as counted:
            done.handed_over = retry_now(platform, push, aws, done.failing, counted=counted)
    uploads |= {(each.key, each.version_id): each for each in done.handed_over}
    if wait and uploads:
        done.followed = follow_shown(
            *(platform, push, aws, uploads),
            since=done.at,
            timeout_seconds=seconds,
            when_interrupted=f"the mover goes on; see later: exports history {push.name} --since 1h",
        )
    write_answer("redrive", redriven_as_data(done), render_redriven(done, now=now), as_json=as_json)
    error = error_of_lost(push, done.followed) or error_of_late(push, done.followed)
    if error:
        raise error


def _given_up(estate: "Estate", push: "PushDataset", aws: "Aws") -> "dict[UploadId, Receipt | None]":
    """The uploads that dead letters tell of, with the receipts of their last tries."""
    from data_exports.operate.failures import failures_of

    found = failures_of(estate, push, aws).found
    return {(each.key, each.version_id): each.last for each in found if each.given_up and each.key and not each.settled}


def _move(platform: "Platform", push: "PushDataset", aws: "Aws", count: int) -> int:
    """Move the dead letters back; gives how many were moved."""
    from data_exports.operate.redrive import redrive as move_back
    from data_exports.text import counted

    write_progress(f"moving about {counted(count, 'dead letter')} of {push.name} back; the mover tries each again")
    try:
        return _shown(move_back(platform, push, aws))
    except KeyboardInterrupt:
        write_progress(f"SQS goes on with the move; run it again to see how far it is, or: exports status {push.name}")
        raise


def _shown(moves: "Iterator[Move]") -> int:
    """Show the move as it goes on; gives how many were moved."""
    from data_exports.views.redrive import render_move

    moved = 0
    if not wants_colour(sys.stderr):
        for move in moves:
            moved = move.moved
            write_progress(render_move(move))
        return moved
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("moving back", total=None)
        for move in moves:
            moved = move.moved
            bar.update(task, completed=move.moved, total=max(move.to_move, move.moved) or None)
    return moved
