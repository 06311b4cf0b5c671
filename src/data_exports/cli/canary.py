"""``exports canary``: prove on an AWS account what delivery rests on."""

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.asking import ask
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import JsonOption
from data_exports.cli.output import write_answer, write_data, write_json, write_progress
from data_exports.errors import PartlyDoneError, RefusedError, UsageError
from data_exports.names import InvalidNameError, Region

if TYPE_CHECKING:
    from data_exports.aws import Aws
    from data_exports.operate.canary.removal import Left
    from data_exports.operate.canary.world import World

RegionOption = Annotated[
    str,
    typer.Option("--region", metavar="REGION", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="Where to try it."),
]
OtherRegionOption = Annotated[
    str, typer.Option("--other-region", metavar="REGION", help="Where a recipient's bucket in another region is tried.")
]
WaitOption = Annotated[
    int, typer.Option("--wait", metavar="SECONDS", min=1, max=3600, help="How long the one delivery may take.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask before anything is made.")]
ListOption = Annotated[bool, typer.Option("--list", help="Show what earlier runs left, and make nothing.")]
RemoveOption = Annotated[str, typer.Option("--remove", metavar="ID", help="Remove what an earlier run left.")]


@reaches_aws
def canary(
    *,
    region: RegionOption = "",
    other_region: OtherRegionOption = "",
    wait: WaitOption = 300,
    yes: YesOption = False,
    listed: ListOption = False,
    remove: RemoveOption = "",
    as_json: JsonOption = False,
) -> None:
    """Prove on your own AWS account what delivery rests on, before you trust it with data.

    Makes a small world of its own, exports-canary-ID-...: two buckets (a third in another region), a role, a queue and
    the mover. Tries each fact there, shows what AWS answered and what it cost, and removes everything again, also after
    Ctrl-C. It touches nothing else, and needs no declarations. Exit code 1 when a fact failed, 4 when something could
    not be removed.

    Examples:
      exports canary --region eu-west-1
      exports canary --yes --json | jq '.facts[] | select(.verdict != "held")'
      exports canary --list
      exports canary --remove 1f0a9c3e
    """
    home, other = _regions_of(region, other_region)
    if listed and remove:
        raise UsageError("--list and --remove are two things", next_step="give one of them")
    if remove and not re.fullmatch("[0-9a-f]{8}", remove):
        raise UsageError(f"{remove!r} is no canary's identifier", next_step="take one of `exports canary --list`")
    if not (yes or listed or remove or sys.stdin.isatty()):
        raise UsageError("canary asks before it makes anything, and stdin is not a terminal", next_step="add --yes")
    from data_exports.operate.canary.bench import problems_of_the_way
    from data_exports.operate.canary.world import World

    aws = connect(home)
    if listed:
        _list(aws, as_json=as_json)
        return
    account, _ = aws.caller()
    if remove:
        _remove(World(remove, account, home), aws, as_json=as_json)
        return
    problems = problems_of_the_way(aws)
    if problems:
        raise UsageError("; ".join(problems), where="this environment")
    world = World.new(account, home)
    if not yes and (ask(f"Make {world.name} on account {account}, {home}, and remove it again? [y/N] ") or "") != "y":
        raise RefusedError("nothing was made")
    _run(world, aws, other, wait_seconds=wait, as_json=as_json)


def _regions_of(region: str, other_region: str) -> tuple[Region, Region]:
    if not region:
        raise UsageError("no region is named", next_step="add --region, such as --region eu-west-1, or set AWS_REGION")
    try:
        home = Region(region)
        other = Region(other_region or ("eu-central-1" if region == "eu-west-1" else "eu-west-1"))
    except InvalidNameError as error:
        raise UsageError(str(error), next_step=error.hint) from error
    if other == home:
        raise UsageError(f"--other-region is {other}, which is the region itself", next_step="name another one")
    return home, other


def _run(world: "World", aws: "Aws", other: Region, *, wait_seconds: int, as_json: bool) -> None:
    from data_exports.operate.canary.run import FactVerdict, run_canary
    from data_exports.views.canary import render_report

    report = run_canary(world, aws, other_region=other, wait_seconds=wait_seconds, tell=write_progress)
    write_answer("canary", report, render_report(report), as_json=as_json)
    _refuse_left(world, report.left)
    if report.count(FactVerdict.FAILED):
        raise typer.Exit(1)


def _list(aws: "Aws", *, as_json: bool) -> None:
    from data_exports.operate.canary.removal import find_worlds
    from data_exports.views.canary import render_worlds, worlds_as_data

    worlds = find_worlds(aws)
    if as_json:
        write_json("canaries", worlds_as_data(worlds))
    elif worlds:
        write_data(render_worlds(worlds, aws.region))
    else:
        write_progress(f"nothing of a canary is left in {aws.region}")


def _remove(world: "World", aws: "Aws", *, as_json: bool) -> None:
    from data_exports.operate.canary.run import take_down
    from data_exports.views.canary import worlds_as_data

    _refuse_left(world, take_down(world, aws, write_progress))
    write_answer("canaries", worlds_as_data({world.identifier: ()}), f"removed: {world.name}", as_json=as_json)


def _refuse_left(world: "World", left: tuple["Left", ...]) -> None:
    if left:
        named = "\n".join(f"  {each.thing.kind} {each.thing.name}: {each.reason}" for each in left)
        raise PartlyDoneError(
            f"{len(left)} of {world.name} could not be removed:\n{named}",
            next_step=f"exports canary --remove {world.identifier} --region {world.region}",
        )
