"""``exports drift``: what differs in AWS from what was deployed."""

from itertools import groupby
from typing import TYPE_CHECKING

import typer

from data_exports.cli.options import EstateOption, JsonOption, open_estate
from data_exports.cli.output import write_data, write_json, write_progress
from data_exports.cli.progress import count_shown
from data_exports.errors import PartlyDoneError
from data_exports.text import counted, printable

if TYPE_CHECKING:
    from data_exports.deploy.drift.finding import DriftReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("drift")(drift)


def drift(*, estate: EstateOption = None, as_json: JsonOption = False) -> None:
    """Show what somebody changed in AWS since it was deployed.

    Compares with what was deployed, not with what is declared: what policies mean, the hub's rules, buckets' settings,
    what feeds the movers, the stacks themselves, and by CloudFormation's own drift detection all the rest. Names
    policies on users' roles that reach the buckets and that no dataset declares. Changes nothing. Exit code 1 if
    anything differs, 4 if something could not be looked at.

    Examples:
      exports drift
      exports drift --json | jq -r '.drift[] | .stack + ": " + .what'
    """
    declared = open_estate(estate)
    from data_exports.aws import Aws
    from data_exports.deploy.drift.finding import read_drift

    with count_shown("looked at stacks") as shown:
        report = read_drift(declared, Aws(declared.platform.region), counted=shown)
    if as_json:
        write_json(_as_data(report))
    else:
        write_data(_in_words(report))
    for each in report.not_checked:
        write_progress(printable(f"not looked at: {each.where}: {each.what}"))
    if report.drifts:
        raise typer.Exit(1)
    if report.not_checked:
        raise PartlyDoneError("not everything could be looked at", next_step="remove the causes, then run it again")


def _in_words(report: "DriftReport") -> str:

    stacks = f"{counted(report.stacks, 'stack')} ({report.seconds:.1f} s)"
    if not report.drifts:
        return f"{'As' if not report.not_checked else 'As far as could be looked at, as'} deployed: {stacks}"
    lines = []
    for where, drifts in groupby(report.drifts, key=lambda each: each.where):
        lines += [where, *(f"  {printable(each.what)}" for each in drifts)]
    return "\n".join([*lines, f"{counted(len(report.drifts), 'difference')}, {stacks}"])


def _as_data(report: "DriftReport") -> dict[str, object]:
    return {
        "drift": [{"stack": each.where, "what": each.what} for each in report.drifts],
        "not_checked": [{"stack": each.where, "why": each.what} for each in report.not_checked],
        "stacks": report.stacks,
        "seconds": round(report.seconds, 3),
    }
