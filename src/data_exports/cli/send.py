"""``exports send``: upload files for a push dataset, and follow them to the recipient."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_files_then_push_dataset
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.declaring import is_somebody_there, line_for
from data_exports.cli.options import EstateOption, JsonOption, push_dataset_of
from data_exports.cli.output import painted, screen_width, write_answer, write_progress
from data_exports.cli.progress import bytes_shown, follow_shown
from data_exports.cli.used import PlatformOption, open_for_sender
from data_exports.errors import UsageError

if TYPE_CHECKING:
    from data_exports.aws import Aws
    from data_exports.estate.models import Estate, Platform, PushDataset
    from data_exports.operate.follow import Followed
    from data_exports.operate.send import Sent
    from data_exports.operate.sources import Sources

WordsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE... [NAME]",
        autocompletion=complete_files_then_push_dataset,
        help="Files, and folders with everything in them; then the push dataset. Without NAME, those that you may send"
        " to are offered.",
    ),
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait until the recipient has them, and print the receipts.")]
TimeoutOption = Annotated[str, typer.Option("--timeout", metavar="TIME", help="How long to wait: 90s, 15m, 2h.")]
PrefixOption = Annotated[
    str, typer.Option("--prefix", metavar="PATH", help="Put them below this path.", show_default=False)
]
KeyOption = Annotated[
    str, typer.Option("--key", metavar="PATH", help="Send the one file under this name.", show_default=False)
]


@reaches_aws
def send(
    words: WordsArgument,
    *,
    wait: WaitOption = False,
    timeout: TimeoutOption = "15m",
    prefix: PrefixOption = "",
    key: KeyOption = "",
    estate: EstateOption = None,
    platform: PlatformOption = "",
    as_json: JsonOption = False,
) -> None:
    """Upload files for a push dataset; with --wait, until they have arrived.

    Without NAME it offers, on a terminal, the datasets that you may send to. With NAME it works in any folder, once
    `exports use` has remembered the platform.

    A file goes to the recipient under its own name, what is in a folder under its path within that folder; names that
    begin with a dot are left out of folders. Large files go up in parts. Interrupted, an upload leaves nothing behind.

    Exit code 0 only if every file was uploaded and, with --wait, delivered. 1: refused, or with --wait a file was
    superseded by a newer upload, cancelled, or failed. 4: some files were not uploaded, or not delivered in time.

    Examples:
      exports send hearings.csv court_hearings --wait
      exports send july/ summary.csv court_hearings --prefix 2031/july
      exports send extract.csv court_hearings --key 2031/hearings.csv --wait --timeout 2h --json
    """
    # Where awscrt is installed, botocore signs with it, and it prints a traceback for each part that Ctrl-C stops.
    os.environ.setdefault("BOTO_DISABLE_CRT", "true")
    declared = open_for_sender(estate, platform, words[1:][-1:])
    files, name = _split(declared, words)
    from data_exports.operate.periods import parse_seconds
    from data_exports.operate.send import check_sender, read_waiting
    from data_exports.operate.sources import read_sources
    from data_exports.views.send import error_of_sending, render_sent, sent_as_data

    hub, seconds = declared.platform, parse_seconds(timeout, option="--timeout")
    push = push_dataset_of(declared, name or _chosen(declared))
    problem_of_name = push.destination.settings.problem_of_name
    sources = read_sources(files, push.prefix, below=prefix, key=key, problem_of_name=problem_of_name)
    aws = connect(hub.region)
    check_sender(hub, push, aws)
    _tell_before(sources, read_waiting(hub, push, aws, sources.files), push)
    sent = _upload(hub, push, aws, sources)
    followed: tuple[Followed, ...] = ()
    if wait and sent.uploaded:
        followed = follow_shown(
            *(hub, push, aws, {(each.source.key, each.version_id): None for each in sent.uploaded}),
            since=sent.began_at,
            timeout_seconds=seconds,
            when_interrupted="everything is uploaded, and its delivery goes on; "
            f"see later: exports history {push.name}",
        )
    text = render_sent(sent, followed, width=screen_width()) if sent.uploaded else ""
    write_answer("send", sent_as_data(push, hub, sent, followed), text, as_json=as_json)
    error = error_of_sending(push, sent, followed)
    if error:
        raise error


def _split(estate: "Estate", words: list[str]) -> "tuple[list[Path], str]":
    """The files, and the dataset's name: ``""`` if it is not given."""
    names = [push.name for push in estate.push_datasets]
    *files, last = words
    if not files and last in names and not Path(last).exists():
        raise UsageError("no file is named", next_step=f"exports send FILE {last}")
    if files and (last in names or not os.path.lexists(last)):
        return [Path(file) for file in files], last
    if missing := [file for file in words if not os.path.lexists(file)]:
        raise UsageError("there is no such file", where=missing[0], next_step="check its name")
    return [Path(file) for file in words], ""


def _chosen(estate: "Estate") -> str:
    """The dataset that somebody at the terminal chooses among those that they may send to. Raises `UsageError`."""
    from data_exports.operate.send import datasets_of_sender
    from data_exports.text import printable

    who, pushes = datasets_of_sender(estate, connect(estate.platform.region))
    offered = {str(number): push for number, push in enumerate(pushes, start=1)}
    if not offered:
        names = ", ".join(push.name for push in estate.push_datasets) or "none"
        raise UsageError(f"no dataset is named, and none has {who} among its users", next_step=f"there are: {names}")
    if not is_somebody_there():
        names = ", ".join(push.name for push in pushes)
        raise UsageError("no dataset is named", next_step=f"end with its name; {who} may send to: {names}")
    write_progress(f"{who} may send to:")
    for number, push in offered.items():
        write_progress(f"  {number} {push.name}  {printable(push.description)}".rstrip())
    while (typed := line_for("dataset, by name or number")) not in (*offered, *(push.name for push in pushes)):
        write_progress(f"  {typed!r} is none of them")
    return offered[typed].name if typed in offered else typed


def _tell_before(sources: "Sources", waiting: frozenset[str], push: "PushDataset") -> None:
    from data_exports.views.send import render_hidden, render_sources, render_superseded

    if hidden := render_hidden(sources):
        write_progress(hidden)
    if superseded := render_superseded(push, waiting):
        write_progress(f"{painted('note:', 'yellow', stream=sys.stderr)} {superseded}", styled=True)
    write_progress(render_sources(sources, push))


def _upload(platform: "Platform", push: "PushDataset", aws: "Aws", sources: "Sources") -> "Sent":
    from datetime import UTC, datetime

    from data_exports.operate.send import SendListener, Sent
    from data_exports.operate.send import send as send_files
    from data_exports.views.send import render_file_result, render_interrupted

    sent = Sent(datetime.now(UTC))
    try:
        with bytes_shown("uploading", sources.size_bytes) as (count, tell):
            listener = SendListener(on_bytes=count, on_file=lambda result: tell(render_file_result(result)))
            return send_files(platform, push, aws, sources.files, listener=listener, sent=sent)
    except KeyboardInterrupt:
        write_progress(render_interrupted(sources, sent))
        raise
