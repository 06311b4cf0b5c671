"""``exports who``: who can get at what, and who did."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_who
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import (
    EstateOption,
    JsonOption,
    account_of,
    dataset_of,
    estate_folder,
    exclude,
    open_estate,
    unread_words,
    write_left_out,
)
from data_exports.cli.output import screen_width, write_answer, write_data, write_json, write_progress
from data_exports.errors import PartlyDoneError, RefusedError, UsageError
from data_exports.text import counted

if TYPE_CHECKING:
    from pathlib import Path

    from data_exports.aws import Aws
    from data_exports.estate.models import Dataset, Estate, Platform
    from data_exports.operate.who.holdings import Holding, Question
    from data_exports.operate.who.uses import Uses

USUALLY = "90d"
"""How far `did` looks back."""

WordsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[WHAT]...",
        autocompletion=complete_who,
        help="A role or a dataset; or `can read|write ADDRESS`; or `did [NAME]...`.",
    ),
]
AccountOption = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="ACCOUNT",
        help="Only what this account, by its id or name, has a part in.",
        show_default=False,
    ),
]
ExpiringOption = Annotated[
    str,
    typer.Option("--expiring", metavar="TIME", help="Only what ends within 60d, or has ended.", show_default=False),
]
NoPaperworkOption = Annotated[bool, typer.Option("--no-paperwork", help="Only what no paperwork is named for.")]
LiveOption = Annotated[bool, typer.Option("--live", help="Read what is deployed, not what is declared.")]
MarkdownOption = Annotated[bool, typer.Option("--markdown", help="Write an access review to sign.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV, a line for each access, for a spreadsheet.")]
SinceOption = Annotated[
    str, typer.Option("--since", metavar="TIME", help=f"With `did`: how far to look back ({USUALLY}, unless given).")
]


@reaches_aws
def who(
    words: WordsArgument = None,
    *,
    account: AccountOption = "",
    expiring: ExpiringOption = "",
    no_paperwork: NoPaperworkOption = False,
    live: LiveOption = False,
    since: SinceOption = "",
    markdown: MarkdownOption = False,
    as_csv: CsvOption = False,
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who can get at what, through which dataset, until when, on what paperwork; and who did.

    From the declarations, without AWS; with --live from the stacks that are deployed. `did` tells when everybody last
    used what they may: senders by the receipts, users and readers of pull datasets by S3's access logs, which are its
    best effort and hours late; and marks grants that nobody used. Options add up. What other policies of the accounts
    grant is not seen.

    Examples:
      exports who alpha_user_priya-raman
      exports who bail_research
      exports who can read s3://mojap-bail-research/tables.csv
      exports who can write gs://hj-incoming
      exports who --expiring 60d --no-paperwork
      exports who --account 'Cloud Platform' --live --markdown > review.md
      exports who did court_hearings --since 180d
      exports who did --csv > uses.csv
    """
    exclude(**{"--markdown": markdown, "--csv": as_csv, "--json": as_json})
    declared = open_estate(estate)
    now = datetime.now(UTC)
    if words and words[0] == "did":
        narrowing = {"--account": account, "--expiring": expiring, "--no-paperwork": no_paperwork}
        for option, given in {**narrowing, "--live": live, "--markdown": markdown}.items():
            exclude(**{"did": True, option: bool(given)})
        _did(declared, words[1:], since=since or USUALLY, as_csv=as_csv, as_json=as_json, now=now)
        return
    if since:
        raise UsageError("--since is about what people did", next_step="exports who did [NAME]... --since TIME")
    question = _question(declared, words or [], account=account, expiring=expiring, no_paperwork=no_paperwork)
    if live:
        found, unread = _deployed(declared)
    else:
        from data_exports.operate.who.holdings import holdings_of

        found, unread = holdings_of(declared), []
    on_record = _on_record(estate_folder(estate)) if markdown else ""
    forms = {"live": live, "markdown": markdown, "as_csv": as_csv, "as_json": as_json}
    _write(declared, found, question, **forms, now=now, on_record=on_record)
    if unread:
        raise PartlyDoneError("\n".join(["what some stacks grant cannot be told:", *unread]), next_step="exports plan")


def _question(
    declared: "Estate", words: Sequence[str], *, account: str, expiring: str, no_paperwork: bool
) -> "Question":
    from data_exports.operate.periods import parse_seconds
    from data_exports.operate.who.holdings import Question, parse_location

    wanted = account_of(declared.platform, account) if account else None
    ends_within = timedelta(seconds=parse_seconds(expiring, option="--expiring")) if expiring else None
    match list(words):
        case []:
            return Question(account=wanted, ends_within=ends_within, without_paperwork=no_paperwork)
        case ["can", "read" | "write" as verb, place]:
            where = parse_location(place)
            return Question(
                verb=verb, place=where, account=wanted, ends_within=ends_within, without_paperwork=no_paperwork
            )
        case [name] if name != "can":
            return Question(who=name, account=wanted, ends_within=ends_within, without_paperwork=no_paperwork)
        case _:
            raise UsageError(
                f"{' '.join(words)!r} is no question",
                next_step="exports who ROLE, exports who DATASET, "
                "exports who can read|write ADDRESS, exports who did [NAME]...",
            )


def _write(
    declared: "Estate",
    holdings: "Sequence[Holding]",
    question: "Question",
    *,
    live: bool,
    markdown: bool,
    as_csv: bool,
    as_json: bool,
    now: datetime,
    on_record: str,
) -> None:
    from data_exports.operate.who.holdings import find_holdings
    from data_exports.views.access_review import review_of
    from data_exports.views.who import count_words, holdings_as_csv, holdings_as_data, question_words, render_holdings

    platform = declared.platform
    found = find_holdings(holdings, question, now=now)
    if question.account:
        of_all = find_holdings(holdings, replace(question, account=None), now=now)
        write_left_out(each.access.dataset for each in of_all if each not in found and each.is_to_unknown_account)
    if as_json:
        write_json("who", holdings_as_data(found, platform, now=now))
    elif markdown:
        source = "read from the deployed stacks" if live else "as declared"
        asked = question_words(question)
        write_data(review_of(found, platform, now=now, source=source, asked=asked, on_record=on_record))
    elif as_csv:
        write_data(holdings_as_csv(found, platform, now=now))
    elif found:
        write_data(render_holdings(found, platform, now=now, width=screen_width()))
    write_progress(count_words(found) if found else "nobody: no such access is granted by this estate")


def _on_record(folder: "Path") -> str:
    """Which review stands beside the declarations."""
    from data_exports.reviews.review_file import read_reviews
    from data_exports.views.review import latest_review_words

    return latest_review_words(read_reviews(folder).reviews)


def _deployed(declared: "Estate") -> "tuple[Sequence[Holding], list[str]]":
    from data_exports.operate.who.live import read_holdings

    return read_holdings(declared.platform, connect(declared.platform.region))


def _did(declared: "Estate", names: Sequence[str], *, since: str, as_csv: bool, as_json: bool, now: datetime) -> None:
    datasets = [dataset_of(declared, name) for name in dict.fromkeys(names)] or list(declared.datasets())
    from data_exports.deploy.remote import check_account
    from data_exports.operate.access_logs import LOGS_ARE_LATE
    from data_exports.operate.periods import parse_moment
    from data_exports.views.who import render_uses, uses_as_csv, uses_as_data

    moment = parse_moment(since, option="--since", now=now)
    aws = connect(declared.platform.region)
    check_account(aws, declared.platform)
    unread: list[str] = []
    found = list(_uses(declared.platform, datasets, aws, moment, None if names else unread))
    if as_csv:
        write_data(uses_as_csv(found))
    else:
        text = "\n".join(render_uses(uses, since=moment, width=screen_width()) for uses in found)
        write_answer("uses", uses_as_data(found, since=moment), text, as_json=as_json)
    unused = sum(use.is_unused for uses in found for use in uses.uses)
    write_progress(f"{counted(unused, 'grant')} not used since {moment:%Y-%m-%d}")
    if any(use.requests is not None for uses in found for use in uses.uses):
        write_progress(LOGS_ARE_LATE)
    damaged = sum(len(uses.damaged) for uses in found)
    if damaged:
        write_progress(f"warning: {counted(damaged, 'damaged line')} skipped; `exports history` names them")
    if unread:
        next_step = "name the datasets whose receipts and logs you may read"
        raise PartlyDoneError(unread_words(unread), next_step=next_step)
    if not all(uses.is_whole for uses in found):
        unknown = sum(not (use.is_known or use.is_used) for uses in found for use in uses.uses if use.is_granted)
        raise PartlyDoneError(
            f"of {counted(unknown, 'grant')} it is not known whether they were used"
            if unknown
            else "not all receipts and logs could be read",
            next_step="docs/operate.md tells what records who used what; `exports history` shows it line by line",
        )


def _uses(
    platform: "Platform", datasets: "Sequence[Dataset]", aws: "Aws", since: datetime, unread: list[str] | None
) -> "Iterator[Uses]":
    """Who used each; where AWS denies some to us, `unread` notes why, or if there is none that is raised."""
    from data_exports.estate.models import PushDataset
    from data_exports.operate.rights import NotAllowedError
    from data_exports.operate.who.bucket_uses import read_pull_uses
    from data_exports.operate.who.uses import read_uses

    for each in datasets:
        try:
            if isinstance(each, PushDataset):
                yield read_uses(platform, each, aws, since=since)
            else:
                yield read_pull_uses(platform, each, aws, since=since)
        except (NotAllowedError, RefusedError) as error:
            if unread is None:
                raise
            unread.append(error.what)
