"""``exports register``: the estate as pages to look at."""

from pathlib import Path
from typing import Annotated

import typer

from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import (
    EstateOption,
    JsonOption,
    account_of,
    cache_folder,
    estate_folder,
    exclude,
    load,
    write_left_out,
)
from data_exports.cli.output import write_answer, write_progress

OutOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="A new folder, or one that only a register has written.")
]
ForOption = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar="ACCOUNT",
        help="Only what this account, by its id or name, gets, to hand over.",
        show_default=False,
    ),
]
LiveOption = Annotated[bool, typer.Option("--live", help="Ask AWS too: what is deployed, what arrived, what fails.")]


def register(app: typer.Typer) -> None:
    """Add the command, whose own name is that of this function."""
    app.command("register")(_register)


@reaches_aws
def _register(
    out: OutOption,
    *,
    account: ForOption = None,
    live: LiveOption = False,
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a site of plain pages: every export, recipient and person, who may do what, what changed and when.

    Comes from the declarations, their reviews and git, and needs no AWS. The pages open as files, print, and load
    nothing from elsewhere. They name people and accounts: publish them only where those who may know may look. With
    --for they name nobody but that account and this platform. With --live they show the deliveries of the last 90 days;
    sums of whole days are kept in your cache folder, so that only the first time takes long. To look at it here, see
    `exports open`.

    Examples:
      exports register --out register                           then open register/index.html
      exports register --out to-probation --for 460183957226    what one recipient gets, to hand over
      exports register --out to-hearings --for 'Court Hearings Service'
      exports register --out register --live                    with deliveries day by day, and what fails
      exports register --out register --json                    what was built, and what could not be read
    """
    exclude(**{"--for": account is not None, "--live": live})
    from data_exports.views.register.pages import pages_of
    from data_exports.views.register.reading import LiveSource, read_register, read_register_for
    from data_exports.views.register.site import check_is_ours, write_site
    from data_exports.views.register.summary import ASKING, problem_of, register_as_data, render_built

    folder, loaded = estate_folder(estate), load(estate)
    recipient = account_of(loaded.require().platform, account, option="--for") if account else None
    whose = str(recipient or "")
    check_is_ours(out, whose=whose)
    if live:
        write_progress(ASKING)
    if recipient:
        declared = loaded.require()
        write_left_out(each.name for each in declared.push_datasets if each.is_to_unknown_account)
        made = read_register_for(folder, declared, recipient)
    else:
        made = read_register(folder, loaded, LiveSource(connect, cache_folder() / "daily-sums") if live else None)
    sizes = write_site(out, pages_of(made), whose=whose)
    write_answer("register", register_as_data(made, out, sizes), str(out / "index.html"), as_json=as_json)
    write_progress(render_built(made, sizes))
    if problem := problem_of(made):
        raise problem
