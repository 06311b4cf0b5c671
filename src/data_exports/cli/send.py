"""``exports send``: upload files for a push dataset, and follow them to the recipient."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_exports.cli.completion import complete_files_then_push_dataset
from data_exports.cli.declaring import is_somebody_there, line_for
from data_exports.cli.options import EstateOption, JsonOption, open_estate, push_dataset_of
from data_exports.cli.output import painted, wants_colour, write_answer, write_progress
from data_exports.cli.progress import waiting_shown
from data_exports.errors import UsageError

if TYPE_CHECKING:
    from data_exports.aws import Aws
    from data_exports.estate.models import Estate, Platform, PushDataset
    from data_exports.operate.follow import Followed
    from data_exports.operate.send import Heard, NotUploaded, Sent, Uploaded
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
NAMED_AT_MOST = 10


def send(
    words: WordsArgument,
    *,
    wait: WaitOption = False,
    timeout: TimeoutOption = "15m",
    prefix: PrefixOption = "",
    key: KeyOption = "",
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Upload files for a push dataset; with --wait, until they have arrived.

    Without NAME it offers, on a terminal, the datasets that you may send to.

    A file goes to the recipient under its own name, what is in a folder under its path within that folder; names that
    begin with a dot are left out of folders. Large files go up in parts. Interrupted, an upload leaves nothing behind.

    Exit code 0 only if every file was uploaded and, with --wait, delivered. 1: refused, or with --wait a file was
    superseded by a newer upload, cancelled, or failed. 4: some files were not uploaded, or not delivered in time.

    Examples:
      exports send hearings.csv court_hearings --wait
      exports send july/ summary.csv court_hearings --prefix 2031/july
      exports send extract.csv court_hearings --key 2031/hearings.csv --wait --timeout 2h --json
    """
    declared = open_estate(estate)
    platform = declared.platform
    files, name = _split(declared, words)
    # Where awscrt is installed, botocore signs with it, and it prints a traceback for each part that Ctrl-C stops.
    os.environ.setdefault("BOTO_DISABLE_CRT", "true")
    from data_exports.aws import Aws
    from data_exports.operate.periods import parse_seconds
    from data_exports.operate.send import check_sender, read_waiting
    from data_exports.operate.sources import read_sources
    from data_exports.views.send import error_of_sending, render_sent, sent_as_data

    patience = parse_seconds(timeout, option="--timeout")
    push = push_dataset_of(declared, name or _chosen(declared))
    sources = read_sources(files, push.prefix, below=prefix, key=key)
    aws = Aws(platform.region)
    check_sender(platform, push, aws)
    _tell_before(sources, read_waiting(platform, push, aws, sources.files), push)
    sent = _upload(platform, push, aws, sources)
    followed = _follow(platform, push, aws, sent, patience) if wait and sent.uploaded else ()
    text = render_sent(sent, followed) if sent.uploaded else ""
    write_answer("send", sent_as_data(push, platform, sent, followed), text, as_json=as_json)
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
    from data_exports.aws import Aws
    from data_exports.operate.send import datasets_of_sender
    from data_exports.text import printable

    who, pushes = datasets_of_sender(estate, Aws(estate.platform.region))
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
    from data_exports.text import counted, printable, size_words

    if sources.hidden:
        names = ", ".join(printable(str(path)) for path in sources.hidden[:NAMED_AT_MOST])
        write_progress(f"left out, because hidden: {names}{_and_more(len(sources.hidden))}")
    if waiting:
        names = ", ".join(printable(key) for key in sorted(waiting)[:NAMED_AT_MOST])
        what = "kept in the hub under the same name" if push.keep_files else "still waiting under the same name"
        write_progress(
            f"{painted('note:', 'yellow', stream=sys.stderr)} {what}, and now superseded: {names}"
            f"{_and_more(len(waiting))}",
            styled=True,
        )
    write_progress(f"sending {counted(len(sources.files), 'file')}, {size_words(sources.size_bytes)}, for {push.name}")


def _and_more(count: int) -> str:
    return f" and {count - NAMED_AT_MOST:,} more" if count > NAMED_AT_MOST else ""


def _upload(platform: "Platform", push: "PushDataset", aws: "Aws", sources: "Sources") -> "Sent":
    from datetime import UTC, datetime

    from data_exports.operate.send import Sent
    from data_exports.operate.send import send as send_files
    from data_exports.text import counted, printable

    sent = Sent(datetime.now(UTC))
    try:
        with _shown(sources) as heard:
            return send_files(platform, push, aws, sources.files, heard=heard, sent=sent)
    except KeyboardInterrupt:
        through, rest = len(sent.uploaded), len(sources.files) - len(sent.uploaded)
        write_progress(f"{counted(through, 'file')} uploaded, and will be delivered; {counted(rest, 'file')} not:")
        keys = [each.source.key for each in sent.uploaded]
        for source in [each for each in sources.files if each.key not in keys][:NAMED_AT_MOST]:
            write_progress(f"  {printable(str(source.path))}")
        if rest > NAMED_AT_MOST:
            write_progress(f" {_and_more(rest)}")
        raise


@contextmanager
def _shown(sources: "Sources") -> Iterator["Heard"]:
    """What hears of the uploads: a line for each file, and on a terminal a bar over all bytes."""
    from data_exports.operate.send import Heard, Uploaded
    from data_exports.text import printable, size_words

    def line_of(result: "Uploaded | NotUploaded") -> str:
        if isinstance(result, Uploaded):
            return f"uploaded {printable(result.source.key)} ({size_words(result.source.size_bytes)})"
        return f"NOT uploaded {printable(str(result.source.path))}: {printable(result.reason)}"

    class Lines(Heard):
        def done(self, result: "Uploaded | NotUploaded") -> None:
            write_progress(line_of(result))

    if not wants_colour(sys.stderr):
        yield Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("uploading"), BarColumn(30), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    console = Console(stderr=True, highlight=False)
    bar: Any = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    total = bar.add_task("", total=sources.size_bytes)

    class Bar(Heard):
        def bytes_sent(self, count: int) -> None:
            bar.advance(total, count)

        def done(self, result: "Uploaded | NotUploaded") -> None:
            bar.console.print(line_of(result), markup=False)

    with bar:
        yield Bar()


def _follow(
    platform: "Platform", push: "PushDataset", aws: "Aws", sent: "Sent", patience: int
) -> "tuple[Followed, ...]":
    from data_exports.operate.follow import follow
    from data_exports.text import counted
    from data_exports.views.history import render_heard

    uploads = [(each.source.key, each.version_id) for each in sent.uploaded]
    try:
        with waiting_shown(f"waiting for {counted(len(uploads), 'receipt')}") as tell:
            return follow(
                *(platform, push, aws, uploads),
                since=sent.began_at,
                timeout_seconds=patience,
                heard=lambda receipt: tell(render_heard(receipt)),
            )
    except KeyboardInterrupt:
        write_progress(f"everything is uploaded, and its delivery goes on; see later: exports history {push.name}")
        raise
