"""``exports repair``: put back what somebody changed in AWS since it was deployed."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.asking import confirm
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, YesOption, open_estate
from data_exports.cli.output import write_answer, write_data, write_progress
from data_exports.cli.progress import count_shown
from data_exports.deploy.repair.consents import RepairConsent, check_consent
from data_exports.errors import PartlyDoneError, UsageError
from data_exports.text import counted, printable

if TYPE_CHECKING:
    from data_exports.deploy.drift.finding import DriftReport

AllowOption = Annotated[
    list[RepairConsent] | None,
    typer.Option("--allow", help="Consent to giving back access that somebody took away in AWS."),
]


@reaches_aws
def repair(
    *,
    estate: EstateOption = None,
    allow: AllowOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put back what somebody changed in AWS since it was deployed.

    Looks as `exports drift` does, says what would be put back and how, asks, and does that: policies, versioning,
    encryption, public access blocks, rules, mappings, functions, alarms. Puts back what was deployed, never what is
    declared and not deployed yet. Access that somebody took away in AWS comes back only with --allow access. What is
    not ours to put back is named with the command that does. Twice does no harm. Exit code 4 if something is left.

    Examples:
      exports repair
      exports repair --yes
      exports repair --yes --allow access --json
    """
    if not yes and not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        raise UsageError("repair asks before it begins, and this is no terminal", next_step="add --yes")
    declared, began = open_estate(estate), time.monotonic()
    from data_exports.deploy.drift.finding import read_drift
    from data_exports.deploy.repair.planning import plan_repair
    from data_exports.deploy.repair.repairing import RepairResult
    from data_exports.deploy.repair.repairing import repair as repair_estate
    from data_exports.views.repair import render_repair_plan, render_repair_step, render_repaired, repair_as_data

    aws = connect(declared.platform.region)
    with count_shown("looked at stacks") as shown:
        report = read_drift(declared, aws, counted=shown)
    plan = plan_repair(report)
    text = render_repair_plan(plan, report)
    write_progress(text) if as_json else write_data(text)
    check_consent(plan, allow or ())
    result = RepairResult((), (), report)
    if plan.steps:
        if not yes:
            if not sys.stdout.isatty() and not as_json:  # whoever is asked has to see it
                write_progress(text)
            differences = sum(len(step.whats) for step in plan.steps)
            confirm(f"{counted(differences, 'difference')} would be put back. Repair?", "nothing was repaired")
        with count_shown("looked at stacks") as shown:
            result = repair_estate(
                *(declared, aws, plan),
                may_return_access=RepairConsent.ACCESS in (allow or ()),
                counted=shown,
                told=lambda step, reason: write_progress(printable(render_repair_step(step, reason))),
            )
        text = render_repaired(result)
    else:
        text = ""
    write_answer("repair", repair_as_data(result, seconds=time.monotonic() - began), text, as_json=as_json)
    _check_whole(result.left)


def _check_whole(left: "DriftReport") -> None:
    """Raise `PartlyDoneError` if something differs still, or could not be looked at."""
    for each in left.not_checked:
        write_progress(printable(f"not looked at: {each.where}: {each.what}"))
    if left.drifts or left.not_checked:
        what = counted(len(left.drifts), "difference") + " left" if left.drifts else "not everything could be looked at"
        raise PartlyDoneError(what, next_step="see above for who puts it back; then `exports drift` tells")
