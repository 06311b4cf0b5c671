"""``exports redrive``: dead letters go back, and are tried again."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_push_datasets
from data_exports.cli.options import EstateOption, JsonOption, open_estate, push_dataset_of
from data_exports.cli.output import wants_colour, write_data, write_json, write_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data_exports.operate.queues import Move

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The push dataset.", autocompletion=complete_push_datasets)
]


def redrive(name: NameArgument, *, estate: EstateOption = None, as_json: JsonOption = False) -> None:
    """Have everything that was given up tried again.

    SQS moves the dataset's dead letters back to its queue, and the mover tries each as if for the first time. Does no
    harm when it is repeated, or when there is nothing. Interrupted, SQS goes on. What fails again comes back after its
    tries: see `exports failures`, which tells what has to be mended first.

    Example:
      exports redrive health_referrals
    """
    declared = open_estate(estate)
    push = push_dataset_of(declared, name)
    from data_exports.aws import Aws
    from data_exports.deploy.remote import check_account
    from data_exports.operate.redrive import plan_redrive
    from data_exports.operate.redrive import redrive as move_back
    from data_exports.text import counted
    from data_exports.views.redrive import RedriveData

    aws = Aws(declared.platform.region)
    check_account(aws, declared.platform)
    count = plan_redrive(declared.platform, push, aws)
    moved = 0
    if count:
        write_progress(f"moving about {counted(count, 'dead letter')} of {push.name} back; the mover tries each again")
        try:
            moved = _shown(move_back(declared.platform, push, aws))
        except KeyboardInterrupt:
            write_progress(
                f"SQS goes on with the move; run it again to see how far it is, or: exports status {push.name}"
            )
            raise
    if as_json:
        write_json("redrive", RedriveData(push.name, count, moved))
    elif count:
        write_data(f"{counted(moved, 'dead letter')} moved back; see: exports history {push.name} --since 1h")
    else:
        write_data(f"{push.name} has no dead letters: nothing to do")


def _shown(moves: "Iterator[Move]") -> int:
    """Show the move as it goes on; gives how many were moved."""
    moved = 0
    if not wants_colour(sys.stderr):
        for move in moves:
            moved = move.moved
            write_progress(f"{move.status.lower()}: {move.moved:,} of about {max(move.to_move, move.moved):,} moved")
        return moved
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("moving back", total=None)
        for move in moves:
            moved = move.moved
            bar.update(task, completed=move.moved, total=max(move.to_move, move.moved) or None)
    return moved
