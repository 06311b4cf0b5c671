"""``exports history``: what became of each upload, and who used which file of a pull dataset."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_datasets, complete_users
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import (
    EstateOption,
    JsonOption,
    account_of,
    dataset_of,
    exclude,
    unread_words,
    write_left_out,
)
from data_exports.cli.output import data_held, screen_width, write_data, write_progress
from data_exports.cli.used import PlatformOption, open_for_sender
from data_exports.errors import PartlyDoneError, RefusedError, UsageError
from data_exports.text import csv_line

if TYPE_CHECKING:
    from data_exports.contract.receipts import Damaged
    from data_exports.estate.models import Estate, PullDataset, PushDataset
    from data_exports.names import AccountId
    from data_exports.operate.access_logs import AccessRecord
    from data_exports.operate.bucket_history import BucketHistory
    from data_exports.operate.history import History, HistoryEntry, Wanted

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="Datasets. Default: all push datasets, one after the other.",
        autocompletion=complete_datasets,
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
        help="Only what this role, session, principal or reader did (* and ?).",
    ),
]
OutcomeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--outcome",
        metavar="OUTCOME",
        help="delivered, superseded, cancelled, failed or given_up; of pull datasets read, wrote, deleted, listed or "
        "refused; more than once.",
    ),
]
AccountOption = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="ACCOUNT",
        help="Only what was delivered to this account, by its id or name, and what its roles did with pull datasets.",
        show_default=False,
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
    account: AccountOption = "",
    follow: FollowOption = False,
    every: EveryOption = 5,
    as_csv: CsvOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what became of each upload, from the receipts; of a pull dataset who read or wrote what, from S3's logs.

    Oldest first, repeats left out; --json prints one object a line. What is damaged is skipped and counted on stderr.
    Exit code 0 also when there is none; 4 if, of all datasets, some could not be read. With --follow it goes on until
    Ctrl-C (exit code 130), and prints each receipt once as it comes. S3's logs are its best effort, and hours late.

    Examples:
      exports history court_hearings --since 7d
      exports history court_hearings --key '*.csv' --by alpha_user_annika-lindqvist
      exports history bail_research --since 7d --outcome read
      exports history --account 'Cloud Platform' --since 90d
      exports history --follow --outcome failed --outcome given_up
      exports history --since 2031-01-01 --until 2031-04-01 --outcome delivered --csv > quarter.csv
    """
    exclude(**{"--csv": as_csv, "--json": as_json})
    exclude(**{"--follow": follow, "--until": bool(until)})
    declared = open_for_sender(estate, platform, names or [])
    recipient = account_of(declared.platform, account) if account else None
    wanted = _wanted(key=key, since=since, until=until, by=by, outcomes=outcome or [])
    pushes, pulls = _datasets(declared, names or [], recipient, outcome or [])
    if follow and pulls:
        raise UsageError(
            f"--follow shows receipts, and {pulls[0].name} is a pull dataset", next_step="name push datasets alone"
        )
    if as_csv and pushes and pulls:
        what = f"--csv has other columns for push datasets ({pushes[0].name}) than for pull datasets ({pulls[0].name})"
        raise UsageError(what, next_step="name datasets of one kind")
    from data_exports.deploy.remote import check_account
    from data_exports.operate.access_logs import LOGS_ARE_LATE
    from data_exports.operate.bucket_history import BucketHistory
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
    histories: list[History | BucketHistory] = [
        *(history_of(declared.platform, push, aws, wanted, role_ids=role_ids) for push in pushes),
        *(BucketHistory(declared.platform, pull, aws, wanted, recipient) for pull in pulls),
    ]
    unread: list[str] = []
    with data_held() as hold:
        readable = _readable(histories, None if names else unread)
        count = _write(readable, hold, as_csv=as_csv, as_json=as_json, is_pull=bool(pulls))
    if pulls:
        write_progress(LOGS_ARE_LATE)
    for each in histories:
        if isinstance(each, BucketHistory) and each.not_logged:
            write_progress(f"{each.dataset}: {each.not_logged}")
    if damaged := [each for history in histories for each in history.damaged]:
        write_progress(render_damaged(damaged, "line" if pulls else "receipt"))
    if unread:
        raise PartlyDoneError(unread_words(unread), next_step="name the datasets whose receipts and logs you may read")
    if not count:
        write_progress(
            "no lines: nothing was read or written, or nothing like this"
            if pulls
            else "no receipts: nothing was delivered, or nothing like this"
        )


def _datasets(
    declared: "Estate", names: list[str], recipient: "AccountId | None", outcomes: list[str]
) -> "tuple[list[PushDataset], list[PullDataset]]":
    """The datasets that are asked about: those named; or all pushes, of an account all; as their outcomes go."""
    from data_exports.estate.models import PullDataset, PushDataset
    from data_exports.operate.access_logs import Doing
    from data_exports.operate.history import OUTCOMES

    named = [dataset_of(declared, name) for name in dict.fromkeys(names)]
    for each in named:
        kind, own = ("push", OUTCOMES) if isinstance(each, PushDataset) else ("pull", tuple(Doing))
        if outcomes and not {*own} & {*outcomes}:
            what = f"{each.name} is a {kind} dataset, of which nothing is {outcomes[0]}"
            raise UsageError(what, where="--outcome", next_step=f"one of {', '.join(own)}")
    wants_pushes = not outcomes or bool({*outcomes} & {*OUTCOMES})
    wants_pulls = bool({*outcomes} & {*Doing}) or (recipient is not None and not outcomes)
    pushes = [
        each for each in named or declared.push_datasets if isinstance(each, PushDataset) and (named or wants_pushes)
    ]
    pulls = [
        each for each in named or declared.pull_datasets if isinstance(each, PullDataset) and (named or wants_pulls)
    ]
    if recipient:
        write_left_out(push.name for push in pushes if push.is_to_unknown_account)
        elsewhere = [push for push in pushes if push.destination.account not in (None, recipient)]
        if named and elsewhere:
            listed = ", ".join(f"{push.name} (to {push.destination.account})" for push in elsewhere)
            write_progress(f"left out, as they go to another account: {listed}")
        pushes = [push for push in pushes if push.destination.account == recipient]
        if not pushes and not pulls:
            what = f"no dataset that is asked about goes to account {recipient}"
            raise UsageError(what, where="--account", next_step="name others, or leave --account out")
    return pushes, pulls


def _readable(
    histories: "Iterable[History | BucketHistory]", unread: list[str] | None
) -> "Iterator[HistoryEntry | AccessRecord]":
    """The entries of all; where AWS denies some to us, `unread` notes why, or if there is none that is raised."""
    from data_exports.operate.rights import NotAllowedError

    for history in histories:
        try:
            yield from history
        except (NotAllowedError, RefusedError) as error:
            if unread is None:
                raise
            unread.append(error.what)


def _wanted(*, key: str, since: str, until: str, by: str, outcomes: list[str]) -> "Wanted":
    from data_exports.operate.access_logs import Doing
    from data_exports.operate.history import OUTCOMES, Wanted
    from data_exports.operate.periods import parse_moment
    from data_exports.operate.receipts import Period

    for outcome in outcomes:
        if outcome not in (*OUTCOMES, *Doing):
            choice = f"one of {', '.join(OUTCOMES)}; of pull datasets {', '.join(Doing)}"
            raise UsageError(f"{outcome!r} is no outcome", where="--outcome", next_step=choice)
    now = datetime.now(UTC)
    first = parse_moment(since, option="--since", now=now) if since else None
    last = parse_moment(until, option="--until", now=now) if until else None
    if first and last and last <= first:
        raise UsageError("--until is not after --since, so nothing can be between them")
    return Wanted(Period(first, last), key, by, tuple(outcomes))


def _write(
    entries: "Iterable[HistoryEntry | AccessRecord]",
    write: Callable[[str], None],
    *,
    as_csv: bool,
    as_json: bool,
    is_pull: bool = False,
) -> int:
    """Write a line for each entry; gives how many."""
    from data_exports.operate.access_logs import AccessRecord
    from data_exports.views.envelope import line_of
    from data_exports.views.history import (
        HEADING,
        csv_fields_of,
        entry_as_row,
        render_entry,
        render_record,
    )

    count, width = 0, screen_width()
    if as_csv:
        write(csv_line(csv_fields_of(is_pull=is_pull)))
    for count, entry in enumerate(entries, start=1):
        if as_csv:
            write(csv_line(entry_as_row(entry)))
        elif as_json:
            write(line_of("access", entry) if isinstance(entry, AccessRecord) else line_of("history", entry))
        else:
            told = (
                render_record(entry, width=width)
                if isinstance(entry, AccessRecord)
                else render_entry(entry, width=width)
            )
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
