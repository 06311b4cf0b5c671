"""``exports history``: what became of each upload."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_push_datasets, complete_users
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, exclude, push_datasets_of
from data_exports.cli.output import data_held, screen_width, write_data, write_progress
from data_exports.cli.used import PlatformOption, open_for_sender
from data_exports.errors import PartlyDoneError, UsageError
from data_exports.text import counted, csv_line

if TYPE_CHECKING:
    from data_exports.contract.receipts import Damaged
    from data_exports.operate.history import History, HistoryEntry, Wanted

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="Push datasets. Default: all, one after the other.",
        autocompletion=complete_push_datasets,
    ),
]
KeyOption = Annotated[
    str, typer.Option("--key", metavar="GLOB", help="Only this key, or keys like this (* and ?).", show_default=False)
]
SinceOption = Annotated[
    str, typer.Option("--since", metavar="WHEN", help="Recorded since: 7d, 36h, 2031-03-31. Reads no older receipts.")
]
UntilOption = Annotated[str, typer.Option("--until", metavar="WHEN", help="Recorded before; as --since.")]
ByOption = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="WHO",
        autocompletion=complete_users,
        help="Only uploads of this role, session or principal (* and ?).",
    ),
]
OutcomeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--outcome", metavar="OUTCOME", help="delivered, superseded, cancelled, failed or given_up; more than once."
    ),
]
FollowOption = Annotated[
    bool, typer.Option("--follow", help="Print receipts as they come, until Ctrl-C; those before only with --since.")
]
EveryOption = Annotated[
    float, typer.Option("--every", metavar="SECONDS", min=1, max=3600, help="With --follow: look so often.")
]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV, with every field, for a spreadsheet.")]


@reaches_aws
def history(
    names: NamesArgument = None,
    *,
    estate: EstateOption = None,
    platform: PlatformOption = "",
    key: KeyOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    by: ByOption = "",
    outcome: OutcomeOption = None,
    follow: FollowOption = False,
    every: EveryOption = 5,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what became of each upload, from the receipts.

    Oldest first, repeats left out; --json prints one object a line. Damaged receipts are skipped and counted on stderr.
    Exit code 0 also when there is none; 4 if, of all datasets, some could not be read. With --follow it goes on until
    Ctrl-C (exit code 130), and prints each receipt once as it comes.

    Examples:
      exports history court_hearings --since 7d
      exports history court_hearings --key '*.csv' --by alpha_user_annika-lindqvist
      exports history --follow --outcome failed --outcome given_up
      exports history --since 2031-01-01 --until 2031-04-01 --outcome delivered --csv > quarter.csv
    """
    exclude(**{"--csv": as_csv, "--json": as_json})
    exclude(**{"--follow": follow, "--until": bool(until)})
    declared = open_for_sender(estate, platform, names or [])
    pushes = push_datasets_of(declared, names or [])
    wanted = _wanted(key=key, since=since, until=until, by=by, outcomes=outcome or [])
    from data_exports.deploy.remote import check_account
    from data_exports.operate.history import history_of
    from data_exports.operate.people import read_role_ids
    from data_exports.views.history import render_damaged

    aws = connect(declared.platform.region)
    check_account(aws, declared.platform)
    role_ids = read_role_ids(aws, declared.platform, {user for push in pushes for user in push.users})
    if follow:
        from data_exports.operate.watch import follow_history

        new = follow_history(declared.platform, pushes, aws, wanted, role_ids=role_ids, every_seconds=every)
        _write(_undamaged(new), write_data, as_csv=as_csv, as_json=as_json)
    histories = [history_of(declared.platform, push, aws, wanted, role_ids=role_ids) for push in pushes]
    unread: list[str] = []
    with data_held() as hold:
        count = _write(_readable(histories, None if names else unread), hold, as_csv=as_csv, as_json=as_json)
    if damaged := [each for history in histories for each in history.damaged]:
        write_progress(render_damaged(damaged))
    if unread:
        what = "\n".join([f"{counted(len(unread), 'dataset')} could not be read:", *(f"  {each}" for each in unread)])
        raise PartlyDoneError(what, next_step="name the datasets whose receipts you may read")
    if not count:
        write_progress("no receipts: nothing was delivered, or nothing like this")


def _readable(histories: "Iterable[History]", unread: list[str] | None) -> "Iterator[HistoryEntry]":
    """The entries of all; where AWS denies some to us, `unread` notes why, or if there is none that is raised."""
    from data_exports.operate.rights import NotAllowedError

    for history in histories:
        try:
            yield from history
        except NotAllowedError as error:
            if unread is None:
                raise
            unread.append(error.what)


def _wanted(*, key: str, since: str, until: str, by: str, outcomes: list[str]) -> "Wanted":
    from data_exports.operate.history import OUTCOMES, Wanted
    from data_exports.operate.periods import parse_moment
    from data_exports.operate.receipts import Period

    for outcome in outcomes:
        if outcome not in OUTCOMES:
            raise UsageError(f"{outcome!r} is no outcome", where="--outcome", next_step=f"one of {', '.join(OUTCOMES)}")
    now = datetime.now(UTC)
    first = parse_moment(since, option="--since", now=now) if since else None
    last = parse_moment(until, option="--until", now=now) if until else None
    if first and last and last <= first:
        raise UsageError("--until is not after --since, so nothing can be between them")
    return Wanted(Period(first, last), key, by, tuple(outcomes))


def _write(entries: Iterable["HistoryEntry"], write: Callable[[str], None], *, as_csv: bool, as_json: bool) -> int:
    """Write a line for each entry; gives how many."""
    from data_exports.views.envelope import line_of
    from data_exports.views.history import CSV_FIELDS, HEADING, entry_as_row, render_entry

    count, width = 0, screen_width()
    if as_csv:
        write(csv_line(CSV_FIELDS))
    for count, entry in enumerate(entries, start=1):
        if as_csv:
            write(csv_line(entry_as_row(entry)))
        elif as_json:
            write(line_of("history", entry))
        else:
            told = render_entry(entry, width=width)
            write(told if count > 1 else f"{HEADING}\n{told}")
    return count


def _undamaged(found: "Iterable[HistoryEntry | Damaged]") -> "Iterator[HistoryEntry]":
    """The receipts that can be read; of others a warning is written."""
    from data_exports.contract.receipts import Damaged
    from data_exports.views.history import render_damaged

    for each in found:
        if isinstance(each, Damaged):
            write_progress(render_damaged([each]))
        else:
            yield each
