"""``exports use``: remember a platform, so that senders need no clone of its declarations."""

from typing import Annotated

import typer

from data_exports.cli.completion import complete_platforms
from data_exports.cli.connecting import connect, reaches_aws, region_in_use
from data_exports.cli.options import JsonOption, configuration_folder
from data_exports.cli.output import write_answer, write_progress
from data_exports.errors import UsageError
from data_exports.names import AccountId, BucketName, InvalidNameError, Region
from data_exports.operate.platforms import UsedPlatform, chosen_platform, read_platforms, write_platforms
from data_exports.views.platforms import PlatformsData, render_platforms

HubArgument = Annotated[
    str, typer.Argument(metavar="[HUB]", help="The platform's hub bucket. Default: list what is remembered.")
]
NameOption = Annotated[
    str, typer.Option("--name", metavar="NAME", help="What you call it. Default: the hub's name.", show_default=False)
]
RegionOption = Annotated[
    str,
    typer.Option("--region", metavar="REGION", help="Its region. Default: that of your settings.", show_default=False),
]
AccountOption = Annotated[
    str,
    typer.Option("--account", metavar="ID", help="Its account. Default: that of your credentials.", show_default=False),
]
ForgetOption = Annotated[
    str,
    typer.Option(
        "--forget", metavar="NAME", autocompletion=complete_platforms, help="Forget this one.", show_default=False
    ),
]


@reaches_aws
def use(
    hub: HubArgument = "",
    *,
    name: NameOption = "",
    region: RegionOption = "",
    account: AccountOption = "",
    forget: ForgetOption = "",
    as_json: JsonOption = False,
) -> None:
    """Remember a platform, so that you can send to it from any folder, without a clone of its declarations.

    The platform's operators tell its hub bucket. What is remembered lies in your configuration folder (XDG_CONFIG_HOME,
    or ~/.config), for you alone to read. Then `exports send FILE NAME`, `history NAME`, `failures NAME` and
    `status NAME` work anywhere; with several platforms, choose one with --platform. Without HUB, prints what is
    remembered.

    Examples:
      exports use mojap-hub-exports --region eu-west-1
      exports use mojap-hub-exports --name justice --region eu-west-1 --account 593291632749
      exports use
      exports use --forget justice
    """
    folder = configuration_folder()
    known = read_platforms(folder)
    if hub and forget:
        raise UsageError("HUB and --forget exclude each other", next_step="give one of them")
    if forget:
        gone = chosen_platform(known, forget)
        known = tuple(each for each in known if each != gone)
        write_platforms(folder, known)
        write_progress(f"forgot {gone.name}; nothing on the platform has changed")
    elif hub:
        new = _platform(hub, name=name, region=region, account=account)
        known = tuple(sorted([*(each for each in known if each.name != new.name), new]))
        write_platforms(folder, known)
        write_progress(f"remembered {new.name}; next: exports send FILE NAME")
    elif name or region or account:
        raise UsageError("no hub bucket is named", next_step="exports use HUB, with these options")
    write_answer("use", PlatformsData(known), render_platforms(known), as_json=as_json)


def _platform(hub: str, *, name: str, region: str, account: str) -> UsedPlatform:
    """The platform that is named; what is left out, settings and credentials tell."""
    try:
        bucket = BucketName(hub)
    except InvalidNameError as error:
        raise UsageError(str(error), where="HUB", next_step=error.hint) from error
    try:
        in_region = Region(region or _usual_region())
    except InvalidNameError as error:
        raise UsageError(str(error), where="--region", next_step=error.hint) from error
    try:
        of_account = AccountId(account or _own_account(in_region))
    except InvalidNameError as error:
        raise UsageError(str(error), where="--account", next_step=error.hint) from error
    return UsedPlatform(name or str(bucket), bucket, in_region, of_account)


def _usual_region() -> str:
    found = region_in_use()
    if not found:
        raise UsageError("the platform's region is not known", next_step="name it: --region eu-west-1")
    return found


def _own_account(region: Region) -> str:
    from data_exports.aws import aws_errors

    with aws_errors("the account"):
        return connect(region).caller()[0]
