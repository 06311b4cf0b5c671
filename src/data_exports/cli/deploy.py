"""``exports deploy``: make AWS what is declared."""

import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.asking import confirm
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, YesOption, estate_folder, load, plan_findings_of
from data_exports.cli.output import terminal_width, write_answer, write_data, write_progress
from data_exports.cli.progress import progress_shown
from data_exports.deploy.plan.consents import Consent
from data_exports.errors import UsageError
from data_exports.text import counted, printable, quoted, shell_word

if TYPE_CHECKING:
    from data_exports.aws import Aws
    from data_exports.deploy.apply.outcomes import DeployEvent, Progress
    from data_exports.deploy.plan.plan_data import PlanFindings
    from data_exports.deploy.plan.planning import Plan
    from data_exports.estate.models import Estate, Platform

    Approve = Callable[[Plan], None]

AllowOption = Annotated[
    list[Consent] | None,
    typer.Option("--allow", help="Consent to what the plan says it needs; may be given more than once."),
]
FileArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[FILE]", dir_okay=False, help="The plan to carry out, from `exports plan --out FILE`."),
]


@reaches_aws
def deploy(
    file: FileArgument = None,
    *,
    estate: EstateOption = None,
    allow: AllowOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make AWS what is declared.

    Prints the plan, carries out that very plan, and prints what became of it. On a terminal it asks in between; with
    FILE, a plan that `exports plan --out FILE` kept, it carries out that one, and refuses if declarations or AWS have
    changed since. The declarations are always those of --estate; FILE must be of the same estate.

    Each dataset is one CloudFormation stack: what fails is named with AWS's reason and stops nothing else, what is
    unchanged is not touched. Refuses a plan that needs a consent which is not given. Exit code 4 if something is left
    to do, such as a user whose role does not exist. Interrupted, run it again.

    Examples:
      exports deploy
      exports deploy plan.json
      exports deploy --yes --estate examples/estate --json
      exports deploy --allow removal
    """
    asks = file is None and not yes and sys.stdin is not None and sys.stdin.isatty()
    if asks and not (sys.stderr and sys.stderr.isatty()):
        raise UsageError("deploy asks before it begins, and stderr is not a terminal", next_step="add --yes")
    loaded = load(estate)
    declared, folder = loaded.require(), estate_folder(estate)
    kept = None if file is None else _read(file, declared, folder)
    from data_exports.deploy.apply.outcomes import error_of_deploying
    from data_exports.deploy.apply.waves import deploy as deploy_estate
    from data_exports.views.deployment import render_result, result_as_data

    aws, given, approve = connect(declared.platform.region), allow or (), None
    command = "exports deploy" if file is None else f"exports deploy {shell_word(str(file))}"
    with progress_shown() as shown:
        heard = shown if as_json else _plan_first(shown, declared.platform, plan_findings_of(loaded, folder))
        if kept:
            approve = kept
        elif asks:
            approve, heard = _asked(declared, aws, given, heard, as_json=as_json), shown
        result = deploy_estate(declared, aws, allow=given, approve=approve, command=command, progress=heard)
    text = render_result(result, width=terminal_width())
    write_answer("deploy", result_as_data(result), text, as_json=as_json, styled=True)
    error = error_of_deploying(result)
    if error:
        raise error


def _read(file: Path, declared: "Estate", folder: Path) -> "Approve":
    """What holds the plan that is to be carried out against the one in the file. Raises if the file is of no use."""
    from data_exports.deploy.plan.plan_file import LARGEST_BYTES, read_plan_file
    from data_exports.deploy.plan.reviewed import check_unchanged, digests_of, reviewed_of
    from data_exports.estate.commits import commit_here

    where = str(file)
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"the plan could not be read: {error.strerror}", where=where, next_step="plan: `exports plan --out FILE`"
        ) from error
    text = content.decode(errors="replace") if len(content) <= LARGEST_BYTES else ""
    kept = read_plan_file(text, declared.platform, where=where)
    files, commit = digests_of(declared, folder), commit_here(folder)

    def approve(plan: "Plan") -> None:
        check_unchanged(
            kept,
            reviewed_of(plan, files, commit=commit),
            what=f"what is to be done now is not what {quoted(where)} holds",
            next_step="plan again, and have that reviewed: `exports plan --out FILE`",
        )

    return approve


def _asked(
    declared: "Estate", aws: "Aws", allow: Collection[Consent], heard: "Progress", *, as_json: bool
) -> "Approve":
    """Ask about the plan; what holds the one that is to be carried out against it. Raises if the answer is no."""
    from data_exports.deploy.apply.change_sets import work_on
    from data_exports.deploy.apply.waves import prepare_settled
    from data_exports.deploy.plan.consents import check_consents, check_possible, needed_consents
    from data_exports.deploy.plan.reviewed import check_unchanged, reviewed_of
    from data_exports.views.plan import render_plan

    platform = declared.platform
    plan = prepare_settled(declared, work_on(aws, platform), progress=heard).plan
    check_possible(plan)
    check_consents(plan, allow)
    if plan.changes:
        if as_json or not sys.stdout.isatty():  # whoever is asked has to see it
            write_progress(render_plan(plan, platform))
        needed = ", ".join(each.consent for each in needed_consents(plan))
        consents = f" You consent to: {needed}." if needed else ""
        what = f"{counted(len(plan.changes), 'stack')} of account {platform.name_of_account(platform.account)}"
        confirm(f"{printable(what)} would change.{consents} Deploy?", "nothing was deployed")
    shown = reviewed_of(plan, {})

    def approve(again: "Plan") -> None:
        check_unchanged(
            shown,
            reviewed_of(again, {}),
            what="AWS has changed since the plan was shown",
            next_step="deploy again, and look at the plan that it shows then",
        )

    return approve


def _plan_first(shown: "Progress", platform: "Platform", found: "PlanFindings") -> "Progress":
    """As `shown`, but the plan itself goes to stdout the moment it is made."""
    from data_exports.deploy.apply.outcomes import PlanMade
    from data_exports.views.plan import render_plan

    def heard(event: "DeployEvent") -> None:
        if isinstance(event, PlanMade):
            write_data(render_plan(event.plan, platform, found, width=terminal_width()), styled=True)
        shown(event)

    return heard
