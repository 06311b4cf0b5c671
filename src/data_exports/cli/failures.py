"""``exports failures``: what could not be delivered, why, and what to do."""

from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.options import EstateOption, JsonOption, open_estate, push_datasets_of
from data_exports.cli.output import write_data, write_json, write_progress
from data_exports.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from data_exports.aws import Aws
    from data_exports.estate.models import Estate, PushDataset
    from data_exports.operate.failures import Failures

NamesArgument = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Push datasets. Default: all.")]
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="Look at so many dead letters of a dataset.")
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("failures")(failures)


def failures(
    names: NamesArgument = None, *, estate: EstateOption = None, limit: LimitOption = 1_000, as_json: JsonOption = False
) -> None:
    """Show what could not be delivered: each file, why, since when, and what to do.

    The dead letters are uploads that were tried until the last time; other failures of the last day are tried again by
    themselves. All their files are still in the hub. Looking consumes nothing. Exit code 1 if there are any, 0 if none.

    Examples:
      exports failures
      exports failures health_referrals
      exports failures --json | jq '.[].advice'
    """
    declared = open_estate(estate)
    pushes = push_datasets_of(declared, names or [])
    from data_exports.aws import Aws
    from data_exports.deploy.remote import check_account
    from data_exports.operate.failures_text import failures_as_data, render_failures

    aws = Aws(declared.platform.region)
    check_account(aws, declared.platform)
    found = _read(declared, pushes, aws, limit=limit, named=bool(names))
    failed = [each for each in found if each.dead_letters or each.found]
    if as_json:
        write_json([failures_as_data(each, declared) for each in failed])
    else:
        for each in failed:
            write_data(render_failures(each, declared))
    if failed:
        raise typer.Exit(1)
    write_progress("nothing was given up, and nothing fails")


def _read(
    estate: "Estate", pushes: "Sequence[PushDataset]", aws: "Aws", *, limit: int, named: bool
) -> "list[Failures]":
    from data_exports.operate.failures import failures_of

    found = []
    for push in pushes:
        try:
            found.append(failures_of(estate, push, aws, at_most=limit))
        except RefusedError as error:
            if named:
                raise
            write_progress(f"{push.name} is not deployed: {error.what}")
    return found
