"""``exports failures``: what could not be delivered, why, and what to do."""

from typing import Annotated

import typer

from data_exports.cli.completion import complete_push_datasets
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, push_datasets_of, unread_words
from data_exports.cli.output import write_data, write_json, write_progress
from data_exports.cli.used import PlatformOption, open_for_sender
from data_exports.errors import PartlyDoneError

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Push datasets. Default: all.", autocompletion=complete_push_datasets),
]
LimitOption = Annotated[
    int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="Look at so many dead letters of a dataset.")
]


@reaches_aws
def failures(
    names: NamesArgument = None,
    *,
    estate: EstateOption = None,
    platform: PlatformOption = "",
    limit: LimitOption = 1_000,
    as_json: JsonOption = False,
) -> None:
    """Show what could not be delivered: each file, why, since when, and what to do.

    The dead letters are uploads that were tried until the last time; other failures of the last day are tried again by
    themselves. All their files are still in the hub. Looking consumes nothing. Exit code 1 if there are any, 0 if none,
    4 if a dataset could not be looked at. Senders see their own: dead letters counted, what was given up by receipts.

    Examples:
      exports failures
      exports failures health_referrals
      exports failures --json | jq '.datasets[].advice'
    """
    declared = open_for_sender(estate, platform, names or [])
    pushes = push_datasets_of(declared, names or [])
    from data_exports.deploy.remote import check_account
    from data_exports.operate.failures import Failures, failures_of_all
    from data_exports.operate.rights import NotAllowedError
    from data_exports.views.failures import failures_as_data, render_failures

    aws = connect(declared.platform.region)
    check_account(aws, declared.platform)
    found, unread = [], []
    for each in failures_of_all(declared, pushes, aws, at_most=limit):
        if isinstance(each, Failures):
            found.append(each)
        elif names:
            raise each.error
        elif isinstance(each.error, NotAllowedError):
            unread.append(each.error.what)
        else:
            write_progress(f"{each.push.name} is not deployed: {each.error.what}")
    failed = [each for each in found if each.dead_letters or each.found]
    if as_json:
        write_json("failures", failures_as_data(failed, declared))
    else:
        for each in failed:
            write_data(render_failures(each, declared))
    if unread:
        raise PartlyDoneError(unread_words(unread), next_step="name the datasets that you may look at")
    if failed:
        raise typer.Exit(1)
    write_progress("nothing was given up, and nothing fails")
