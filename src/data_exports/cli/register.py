"""``exports register``: the estate as pages to look at."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, estate_folder, exclude, load
from data_exports.cli.output import write_data, write_progress
from data_exports.errors import DeclarationError, ExportsError, PartlyDoneError
from data_exports.text import counted

if TYPE_CHECKING:
    from data_exports.estate.loader import Loaded
    from data_exports.estate.models import Estate
    from data_exports.operate.status import DatasetStatus
    from data_exports.views.register.facts import Register

OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="A new folder, or one that only a register has written.")
]
ForOption = Annotated[
    str,
    typer.Option("--for", metavar="ACCOUNT", help="Only what this account gets, to hand over.", show_default=False),
]
LiveOption = Annotated[bool, typer.Option("--live", help="Ask AWS too: what is deployed, what arrived, what fails.")]


def register(app: typer.Typer) -> None:
    """Add the command, whose own name is that of this function."""
    app.command("register")(_register)


@reaches_aws
def _register(
    out: OutOption,
    *,
    account: ForOption = "",
    live: LiveOption = False,
    estate: EstateOption = None,
) -> None:
    """Build a site of plain pages: every export, recipient and person, who may do what, what changed and when.

    Comes from the declarations, their reviews and git, and needs no AWS. The pages open as files, print, and load
    nothing from elsewhere. They name people and accounts: publish them only where those who may know may look. With
    --for they name nobody but that account and this platform.

    Examples:
      exports register --out register                           then open register/index.html
      exports register --out to-probation --for 460183957226    what one recipient gets, to hand over
      exports register --out register --live                    with the last deliveries and what fails
    """
    exclude(**{"--for": bool(account), "--live": live})
    from data_exports.views.register.pages import pages_of
    from data_exports.views.register.site import check_is_ours, write_site

    check_is_ours(out)
    folder, loaded = estate_folder(estate), load(estate)
    made = _for(folder, loaded, account) if account else _whole(folder, loaded, live=live)
    count = write_site(out, pages_of(made))
    write_data(str(out / "index.html"))
    write_progress(f"{counted(len(made.exports), 'export')} in {counted(count, 'file')}; they name people")
    if made.findings:
        raise DeclarationError(
            f"{counted(len(made.findings), 'error')} in the declarations: the pages show the last commit, and them",
            next_step="mend them, then see `exports check`",
        )
    if made.gaps:
        raise PartlyDoneError("\n".join(["the pages say what could not be read:", *made.gaps]))


def _for(folder: Path, loaded: "Loaded", account: str) -> "Register":
    from data_exports.estate.commits import read_commits
    from data_exports.views.register.facts import register_for

    return register_for(loaded.require(), read_commits(folder), account, now=datetime.now(UTC))


def _whole(folder: Path, loaded: "Loaded", *, live: bool) -> "Register":
    from data_exports.estate.commits import read_commits
    from data_exports.reviews.review_file import read_reviews
    from data_exports.views.register.facts import register_of

    declared = loaded.estate or _last_commit(folder, loaded)
    found = read_reviews(folder)
    statuses, gaps = _read_statuses(declared) if live else ({}, [])
    gaps += [f"a review: {finding}" for finding in found.findings]
    return register_of(
        declared,
        read_commits(folder),
        found.reviews,
        now=datetime.now(UTC),
        statuses=statuses,
        findings=loaded.errors,
        gaps=tuple(gaps),
    )


def _last_commit(folder: Path, loaded: "Loaded") -> "Estate":
    """The estate of the last commit, where files hold errors. Raises `DeclarationError` where that has some, too."""
    from data_exports.estate.revision import load_revision

    try:
        committed = load_revision(folder, "HEAD").estate
    except ExportsError:
        committed = None
    return committed or loaded.require()


def _read_statuses(declared: "Estate") -> "tuple[dict[str, DatasetStatus], list[str]]":
    from data_exports.operate.status import status_of

    found = status_of(declared, connect(declared.platform.region))
    rows = [
        replace(each, amiss=(*each.amiss, *found.amiss)) if each.kind == "push" else each for each in found.datasets
    ]
    return {each.name: each for each in rows}, [*found.notes, *found.not_for_senders]
