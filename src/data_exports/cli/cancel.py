"""``exports cancel``: withdraw an upload before it is delivered, or remove a stray dead letter."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.asking import confirm
from data_exports.cli.options import EstateOption, JsonOption, YesOption, open_estate, push_dataset_of
from data_exports.cli.output import write_data, write_json, write_progress
from data_exports.errors import ExportsError, UsageError

if TYPE_CHECKING:
    from data_exports.aws import Aws
    from data_exports.estate.models import Platform, PushDataset
    from data_exports.operate.cancel import Withdrawal

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The push dataset.")]
KeyArgument = Annotated[
    str | None, typer.Argument(metavar="[KEY]", help="The file's key, with or without NAME/ before it.")
]
MessageOption = Annotated[
    str | None,
    typer.Option("--message", metavar="ID", help="Remove this dead letter instead, which tells of no upload."),
]
_SHOWN_OF_A_MESSAGE = 300  # characters


class DeliveredMeanwhileError(ExportsError):
    """The file arrived while it was being withdrawn."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cancel")(cancel)


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
    from data_exports.aws import Aws
    from data_exports.deploy.remote import check_account
    from data_exports.operate.cancel import key_of, read_withdrawal, withdraw
    from data_exports.text import moment_words, printable, shell_word

    aws = Aws(platform.region)
    check_account(aws, platform)
    if key is None:
        _cancel_message(platform, push, aws, message or "", yes=yes, as_json=as_json)
        return
    withdrawal = read_withdrawal(platform, push, aws, key_of(push, key))
    write_progress(_words_of(withdrawal))
    if not yes:
        confirm("Withdraw it?", "nothing was withdrawn")
    arrived = withdraw(platform, push, aws, withdrawal)
    if arrived:
        raise DeliveredMeanwhileError(
            f"it was delivered at {moment_words(arrived.delivered_at)} UTC, while it was being withdrawn",
            next_step=f"ask the recipient to remove it from {push.destination.name}",
        )
    if as_json:
        write_json(_as_data(withdrawal))
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
    from data_exports.text import moment_words, printable

    stray = read_stray(platform, push, aws, message_id)
    begin = printable(stray.body[:_SHOWN_OF_A_MESSAGE]) + "..." * (len(stray.body) > _SHOWN_OF_A_MESSAGE)
    write_progress(f"message {message_id}, sent {moment_words(stray.sent_at)}, tells of no upload of {push.name}:")
    write_progress(f"  {begin or '(it is empty)'}")
    if not yes:
        confirm("Remove it for good?", "nothing was removed")
    remove_stray(platform, push, aws, message_id)
    if as_json:
        write_json({"dataset": push.name, "removed": message_id, "sent_at": stray.sent_at, "body": stray.body})
    else:
        write_data(f"removed: message {message_id} of {push.name}")


def _words_of(withdrawal: "Withdrawal") -> str:
    from data_exports.text import counted, moment_words, printable, size_words

    waiting, older = withdrawal.waiting, withdrawal.older
    text = (
        f"{printable(withdrawal.key)}  {size_words(waiting.size_bytes)}, uploaded {moment_words(waiting.uploaded_at)}"
    )
    text += f", version {waiting.version_id}: not delivered"
    if older:
        delivered = sum(version.delivered_at is not None for version in older)
        text += f"\n{counted(len(older), 'older upload')} of it go{'es' * (len(older) == 1)} as well"
        text += f"; {delivered} of them arrived, and can then no longer be recovered from the hub" if delivered else ""
    return text


def _as_data(withdrawal: "Withdrawal") -> dict[str, object]:
    return {
        "key": withdrawal.key,
        "withdrawn": withdrawal.waiting.version_id,
        "older_uploads": [
            {"version_id": each.version_id, "uploaded_at": each.uploaded_at, "delivered_at": each.delivered_at}
            for each in withdrawal.older
        ],
    }
