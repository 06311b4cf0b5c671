"""``exports drift``: what differs in AWS from what was deployed."""

import typer

from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, open_estate
from data_exports.cli.output import write_answer, write_progress
from data_exports.cli.progress import count_shown
from data_exports.errors import PartlyDoneError
from data_exports.text import printable


@reaches_aws
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
    from data_exports.deploy.drift.finding import read_drift
    from data_exports.views.drift import drift_as_data, render_drift

    with count_shown("looked at stacks") as shown:
        report = read_drift(declared, connect(declared.platform.region), counted=shown)
    write_answer("drift", drift_as_data(report), render_drift(report), as_json=as_json)
    for each in report.not_checked:
        write_progress(printable(f"not looked at: {each.where}: {each.what}"))
    if report.drifts:
        raise typer.Exit(1)
    if report.not_checked:
        raise PartlyDoneError("not everything could be looked at", next_step="remove the causes, then run it again")
