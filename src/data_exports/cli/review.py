"""``exports review``: every access looked at, decided about, and kept on record in ``reviews/``."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_datasets, complete_reviews
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.deciding import ask_about, parse_day, review_at, write_decision
from data_exports.cli.options import EstateOption, JsonOption, estate_folder, exclude, open_estate
from data_exports.cli.output import path_from, write_answer, write_data, write_progress
from data_exports.errors import DeclarationError, RefusedError, UsageError
from data_exports.text import counted

if TYPE_CHECKING:
    from data_exports.estate.models import Estate
    from data_exports.reviews.models import AccessRow, Decision, Review, ReviewedDataset
    from data_exports.reviews.review_file import Reviews
    from data_exports.reviews.rows import RowId

    Rows = Sequence[tuple[ReviewedDataset, AccessRow]]

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="[REVIEW]",
        help="2026-Q4; the newest unless given.",
        show_default=False,
        autocompletion=complete_reviews,
    ),
]
DueOption = Annotated[
    str, typer.Option("--due", metavar="DATE", help="The day by which all is to be decided.", show_default=False)
]
RefreshOption = Annotated[
    bool, typer.Option("--refresh", help="Look everything up again; keep the decisions about what is as it was.")
]
LiveOption = Annotated[
    bool, typer.Option("--live", help="Read from the receipts when each access was last used; needs AWS.")
]
SinceOption = Annotated[
    str, typer.Option("--since", metavar="TIME", help="With --live: how far to look back; 90d unless given.")
]
AccessesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ACCESS]...", help="By the beginning of their id in the file.", show_default=False),
]
DatasetOption = Annotated[
    str, typer.Option("--dataset", metavar="NAME", help="All of this dataset's.", autocompletion=complete_datasets)
]
KeepOption = Annotated[bool, typer.Option("--keep", help="It is still needed.")]
RemoveOption = Annotated[bool, typer.Option("--remove", help="It is not needed any more.")]
ShortenOption = Annotated[
    str, typer.Option("--shorten", metavar="DATE", help="It is needed until the end of this day.", show_default=False)
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.", show_default=False)]
ByOption = Annotated[
    str, typer.Option("--by", metavar="PERSON", help="Who decides. Default: who commits, by git.", show_default=False)
]
BranchOption = Annotated[
    str, typer.Option("--branch", metavar="BRANCH", help="Default: review- and its name.", show_default=False)
]
HtmlOption = Annotated[bool, typer.Option("--html", help="A page to read, print and sign.")]


def register(app: typer.Typer) -> None:
    """Add ``exports review`` and its commands."""
    review = typer.Typer(help="Look at every access, decide about it, and keep that on record.", no_args_is_help=True)
    for command in (start, decide, status, show, close):
        review.command(command.__name__)(command)
    app.add_typer(review, name="review")


@reaches_aws
def start(
    *,
    due: DueOption = "",
    refresh: RefreshOption = False,
    live: LiveOption = False,
    since: SinceOption = "",
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the file of a new review, with every access that the declarations give.

    It lies in reviews/, is called after the quarter, and is for git: decide in it, and commit it. When each access was
    last used stands in it only with --live. With --refresh an open review is brought up to date; comments that somebody
    wrote into it are not kept.

    Examples:
      exports review start --due 2026-12-31
      exports review start --live --since 365d
      exports review start --refresh
    """
    if since and not live:
        raise UsageError("--since says how far --live looks back", next_step="give --live, too, or leave --since out")
    declared, folder, today = open_estate(estate), estate_folder(estate), datetime.now(UTC).date()
    from data_exports.estate.atomic_files import create_files, replace_file
    from data_exports.estate.file_kinds import REVIEWS_FOLDER
    from data_exports.reviews.review_file import name_of_new
    from data_exports.reviews.review_text import render_review
    from data_exports.reviews.rows import review_of_estate
    from data_exports.reviews.standing import refreshed

    opened = _reviews(folder).open
    if opened and not refresh:
        again = f"exports review start --refresh{' --live' if live else ''}"
        next_step = f"exports review decide, or bring it up to date: {again}"
        raise RefusedError(f"a review is open: {opened[-1].name}", next_step=next_step)
    if refresh and not opened:
        raise UsageError("no review is open", where="--refresh", next_step="exports review start")
    path = opened[-1].place.path if opened else folder / REVIEWS_FOLDER / f"{name_of_new(folder, today)}.yaml"
    last_uses = _last_uses(declared, since or "90d") if live else {}
    last_day = parse_day(due, "--due", today) if due else None
    made = review_of_estate(declared, path, today=today, due=last_day, last_uses=last_uses)
    if opened:
        made = refreshed(opened[-1], declared, made)
        replace_file(path, render_review(made))
    else:
        create_files({path: render_review(made)})
    _write_status(made, declared, today, as_json=as_json)


def decide(
    accesses: AccessesArgument = None,
    *,
    dataset: DatasetOption = "",
    keep: KeepOption = False,
    shorten: ShortenOption = "",
    remove: RemoveOption = False,
    reason: ReasonOption = "",
    by: ByOption = "",
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide about accesses of the open review: keep, shorten to a day, or remove.

    Without a decision it asks on a terminal about each access that waits for one, and writes every answer at once: what
    is decided when you stop stays decided. An end is the whole dataset's, so decide to shorten for all of its accesses.
    Nothing changes for anybody before `exports review close` and the pull request.

    Examples:
      exports review decide
      exports review decide --dataset court_hearings
      exports review decide 5f2c90ab --remove --reason "left the team in May"
      exports review decide --dataset prison_moves --shorten 2027-03-31 --reason "the project ends"
    """
    from data_exports.reviews.branch import git_person

    given = {"--keep": keep, "--shorten": bool(shorten), "--remove": remove}
    exclude(**given)
    declared, folder = open_estate(estate), estate_folder(estate)
    review = _open_review(folder)
    decision = _given_decision(keep=keep, shorten=shorten, remove=remove)
    wanted = _rows_wanted(review, accesses or [], dataset)
    who = by or git_person(folder)
    if not who:
        raise UsageError(
            "nobody is named who decides", next_step="add --by PERSON, or tell git: `git config user.name`"
        )
    path = review.place.path
    if decision is None:
        ask_about(path, wanted, by=who)
    elif not reason:
        raise UsageError("a decision needs a reason", where="--reason", next_step='add --reason "..."')
    elif not accesses and not dataset:
        next_step = "name accesses by id (`exports review show`), or --dataset NAME"
        raise UsageError("it is not said about which accesses this is", next_step=next_step)
    else:
        write_decision(path, wanted, decision, by=who, reason=reason)
    _write_status(review_at(path), declared, datetime.now(UTC).date(), as_json=as_json)


def status(name: NameArgument = "", *, estate: EstateOption = None, as_json: JsonOption = False) -> None:
    """Show how a review stands: what is decided, for whose decisions it waits, what has changed since.

    Example:
      exports review status
    """
    declared, folder = open_estate(estate), estate_folder(estate)
    _write_status(_named(folder, name), declared, datetime.now(UTC).date(), as_json=as_json)


def show(
    name: NameArgument = "", *, html: HtmlOption = False, estate: EstateOption = None, as_json: JsonOption = False
) -> None:
    """Show every access of a review with what was decided, by whom and why; or a page of it, to print and sign.

    Examples:
      exports review show
      exports review show 2026-Q4 --html > review.html
    """
    exclude(**{"--html": html, "--json": as_json})
    review = _named(estate_folder(estate), name)
    from data_exports.views.review import ReviewData, render_review_rows
    from data_exports.views.review_page import review_page

    if html:
        write_data(review_page(review))
    else:
        write_answer("review", ReviewData(review), render_review_rows(review), as_json=as_json)


def close(*, branch: BranchOption = "", estate: EstateOption = None, as_json: JsonOption = False) -> None:
    """Close the open review, and make a branch with the changes that follow, ready for a pull request.

    Everything must be decided and committed, and be about what is declared now. The branch holds one commit: the
    review, closed and sealed; ends that are set, people who are taken out, declarations of which nothing is kept
    removed. Your files, the index and the branch that you are on stay as they are. Nothing is pushed.

    Example:
      exports review close
    """
    declared, folder = open_estate(estate), estate_folder(estate)
    review = _open_review(folder)
    from data_exports.reviews.closing import close_review
    from data_exports.views.review import next_step_of_closed, render_closed

    closed = close_review(folder, review, declared, today=datetime.now(UTC).date(), branch=branch)
    write_answer("review-close", closed, render_closed(closed), as_json=as_json)
    write_progress(f"  next: {next_step_of_closed(closed)}")


# --- which review ----------------------------------------------------------------------------------------------------


def _reviews(folder: Path) -> "Reviews":
    """Every review of the estate. Raises `DeclarationError` that lists what is wrong with their files."""
    from data_exports.estate.findings import Severity
    from data_exports.reviews.review_file import read_reviews

    found = read_reviews(folder)
    if errors := [str(each) for each in found.findings if each.severity is Severity.ERROR]:
        message = f"{counted(len(errors), 'error')} in the reviews\n" + "\n".join(errors)
        raise DeclarationError(message, next_step="mend them, then see `exports check`")
    return found


def _open_review(folder: Path) -> "Review":
    opened = _reviews(folder).open
    if not opened:
        raise UsageError("no review is open", where=str(folder), next_step="exports review start")
    return opened[-1]


def _named(folder: Path, name: str) -> "Review":
    """The review of this name, or the newest."""
    found = {review.name: review for review in _reviews(folder).reviews}
    if not found:
        raise UsageError("there is no review yet", where=str(folder), next_step="exports review start")
    if name and name not in found:
        raise UsageError(f"no review is named {name!r}", next_step=f"there are: {', '.join(found)}")
    return found[name] if name else list(found.values())[-1]


def _write_status(review: "Review", declared: "Estate", today: date, *, as_json: bool) -> None:
    from data_exports.views.review import next_step_of_review, render_review_status, review_status_as_data

    found = review_status_as_data(review, declared, today=today, path=path_from(Path.cwd(), review.place.path))
    write_answer("review-status", found, render_review_status(found), as_json=as_json)
    if step := next_step_of_review(found):
        write_progress(f"  next: {step}")


def _last_uses(declared: "Estate", since: str) -> "Mapping[RowId, str]":
    from data_exports.cli.progress import count_shown
    from data_exports.deploy.remote import check_account
    from data_exports.operate.last_use import read_last_uses
    from data_exports.operate.periods import parse_moment

    moment = parse_moment(since, option="--since", now=datetime.now(UTC))
    aws = connect(declared.platform.region)
    check_account(aws, declared.platform)
    found: dict[RowId, str] = {}
    with count_shown("datasets looked at", total=len(list(declared.datasets()))) as counted_so_far:
        for number, (_, uses) in enumerate(read_last_uses(declared, aws, since=moment), start=1):
            found |= uses
            counted_so_far(number)
    return found


# --- decisions -------------------------------------------------------------------------------------------------------


def _given_decision(*, keep: bool, shorten: str, remove: bool) -> "Decision | None":
    from data_exports.reviews.models import KEEP, REMOVE, Decision

    if shorten:
        return Decision("shorten", parse_day(shorten, "--shorten", datetime.now(UTC).date()))
    return KEEP if keep else REMOVE if remove else None


def _rows_wanted(review: "Review", ids: Sequence[str], dataset: str) -> "Rows":
    """The accesses that are named; all when none is."""
    rows = [pair for pair in review.rows() if not dataset or pair[0].dataset == dataset]
    if not rows:
        names = ", ".join(each.dataset for each in review.datasets)
        raise UsageError(f"the review has no dataset {dataset!r}", where="--dataset", next_step=f"there are: {names}")
    if not ids:
        return rows
    found = []
    for each in ids:
        fits = [
            pair for pair in rows if pair[1].access.removeprefix("sha256:").startswith(each.removeprefix("sha256:"))
        ]
        if len(fits) != 1:
            what = "no access" if not fits else counted(len(fits), "time")
            next_step = "copy an id from `exports review show`, or from the file"
            raise UsageError(f"{each!r} fits {what} in {review.name}", next_step=next_step)
        found += fits
    return found
