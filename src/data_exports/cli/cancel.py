"""``exports cancel``: withdraw an upload before it is delivered, or remove a stray dead letter."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.asking import confirm
from data_exports.cli.completion import complete_push_datasets
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, YesOption, open_estate, push_dataset_of
from data_exports.cli.output import write_data, write_json, write_progress
from data_exports.errors import ExportsError, UsageError

if TYPE_CHECKING:
    from data_exports.aws import Aws
    from data_exports.estate.models import Platform, PushDataset

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The push dataset.", autocompletion=complete_push_datasets)
]
KeyArgument = Annotated[
    str | None, typer.Argument(metavar="[KEY]", help="The file's key, with or without NAME/ before it.")
]
MessageOption = Annotated[
    str | None,
    typer.Option("--message", metavar="ID", help="Remove this dead letter instead, which tells of no upload."),
]


class DeliveredMeanwhileError(ExportsError):
    """The file arrived while it was being withdrawn."""

    kind = "delivered_meanwhile"


@reaches_aws
def cancel(
    name: NameArgument,
    key: KeyArgument = None,
    *,
    message: MessageOption = None,
    estate: EstateOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Withdraw an upload that was not delivered yet, and remove it from the hub for good.

    Shows what it removes, and asks. Older uploads of the same key go as well, or one of them would take its place.
    Refuses what is delivered already. If the mover is copying the file at this very moment it may still arrive; then
    its receipt says so, and so does this command if it sees it. Exit code 0 only if it was withdrawn.

    With --message it removes a stray dead letter: a message that tells of no upload of the dataset, which no redrive
    cures. `exports failures` shows the ids. Refuses a message whose file waits in the hub.

    Examples:
      exports cancel court_hearings sent-by-mistake.csv
      exports cancel court_hearings court_hearings/2031/july.csv --yes
      exports cancel court_hearings --message 2d0a5f2e-5c5b-4b8e-9d3a-5d1f0c9b7a11
    """
    if (key is None) is (message is None):
        raise UsageError(
            "cancel takes the key of a file, or --message and the id of a dead letter",
            next_step="exports cancel --help shows both",
        )
    declared = open_estate(estate)
    push, platform = push_dataset_of(declared, name), declared.platform
    if not yes and not sys.stdin.isatty():
        raise UsageError("cancel asks for confirmation, and stdin is not a terminal", next_step="add --yes")
    from data_exports.deploy.remote import check_account
    from data_exports.operate.cancel import key_of, read_withdrawal, withdraw
    from data_exports.text import moment_words, printable, shell_word
    from data_exports.views.cancel import CancelData, render_withdrawal

    aws = connect(platform.region)
    check_account(aws, platform)
    if key is None:
        _cancel_message(platform, push, aws, message or "", yes=yes, as_json=as_json)
        return
    withdrawal = read_withdrawal(platform, push, aws, key_of(push, key))
    write_progress(render_withdrawal(withdrawal))
    if not yes:
        confirm("Withdraw it?", "nothing was withdrawn")
    arrived = withdraw(platform, push, aws, withdrawal)
    if arrived:
        raise DeliveredMeanwhileError(
            f"it was delivered at {moment_words(arrived.delivered_at)} UTC, while it was being withdrawn",
            next_step=f"ask the recipient to remove it from {push.destination.name}",
        )
    if as_json:
        write_json("cancel", CancelData(push.name, withdrawal))
    else:
        write_data(f"withdrawn: {printable(withdrawal.key)} is gone from the hub, and will not be delivered")
    write_progress(
        "  a mover that was copying it at this moment leaves a receipt: "
        f"exports history {push.name} --key {shell_word(withdrawal.key)}"
    )
    write_progress(f"  if it was given up before, its dead letter goes with: exports redrive {push.name}")


def _cancel_message(
    platform: "Platform", push: "PushDataset", aws: "Aws", message_id: str, *, yes: bool, as_json: bool
) -> None:
    from data_exports.operate.strays import read_stray, remove_stray
    from data_exports.views.cancel import CancelMessageData, render_stray

    stray = read_stray(platform, push, aws, message_id)
    write_progress(render_stray(push.name, stray))
    if not yes:
        confirm("Remove it for good?", "nothing was removed")
    remove_stray(platform, push, aws, message_id)
    if as_json:
        write_json("cancel-message", CancelMessageData(push.name, stray))
    else:
        write_data(f"removed: message {message_id} of {push.name}")
