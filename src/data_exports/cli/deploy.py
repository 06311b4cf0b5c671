"""``exports deploy``: make AWS what is declared."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.options import EstateOption, JsonOption, accept, estate_folder, load
from data_exports.cli.output import wants_colour, write_data, write_json, write_progress
from data_exports.cli.plan import found_in
from data_exports.deploy.consents import Consent

if TYPE_CHECKING:
    from data_exports.deploy.outcomes import Event, Progress
    from data_exports.deploy.report import Found
    from data_exports.estate.models import Platform

AllowOption = Annotated[
    list[Consent] | None,
    typer.Option("--allow", help="Consent to what the plan says it needs; may be given more than once."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("deploy")(deploy)


def deploy(*, estate: EstateOption = None, allow: AllowOption = None, as_json: JsonOption = False) -> None:
    """Make AWS what is declared.

    Prints the plan, carries out that very plan, and prints what became of it. Each dataset is one CloudFormation
    stack: what fails is named with AWS's reason and stops nothing else, what is unchanged is not touched. Refuses a
    plan that needs a consent which is not given. Exit code 4 if something is left to do, such as a user whose role does
    not exist. Interrupted, run it again.

    Examples:
      exports deploy
      exports deploy --estate examples/estate --json
      exports deploy --allow removal
    """
    loaded = load(estate)
    declared = accept(loaded)
    from data_exports.aws import Aws
    from data_exports.deploy.apply import deploy as deploy_estate
    from data_exports.deploy.outcomes import error_of
    from data_exports.deploy.render import render_result, result_as_data

    with progress_shown() as shown:
        found = found_in(loaded, estate_folder(estate))
        heard = shown if as_json else _plan_first(shown, declared.platform, found)
        result = deploy_estate(declared, Aws(declared.platform.region), allow=allow or (), progress=heard)
    if as_json:
        write_json(result_as_data(result))
    else:
        write_data(render_result(result, width=terminal_width()), styled=True)
    error = error_of(result)
    if error:
        raise error


def terminal_width() -> int | None:
    """The width of the terminal that stdout is, or None when it is none or wants no colour."""
    return shutil.get_terminal_size().columns if wants_colour(sys.stdout) else None


@contextmanager
def progress_shown() -> Iterator["Progress"]:
    """What hears of events and shows them on stderr: plain lines, and on a terminal a bar with what is under way."""
    from data_exports.deploy.outcomes import Finished, Planned, Started
    from data_exports.deploy.render import render_event

    if not wants_colour(sys.stderr):
        yield lambda event: write_progress(line) if (line := render_event(event)) else None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from data_exports.text import printable

    console = Console(stderr=True, highlight=False)
    columns = (
        SpinnerColumn(),
        MofNCompleteColumn(),
        BarColumn(24),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    # Begun with the first stack, when the plan has been written; rich must not take our data for its own output.
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    stacks = bar.add_task("", total=None)
    under_way: dict[str, None] = {}

    def show(event: "Event") -> None:
        match event:
            case Planned(planned):
                bar.update(stacks, total=len(planned.changes))
            case Started(step):
                under_way[step.name] = None
                bar.start()
            case Finished(outcome) if outcome.name in under_way:
                del under_way[outcome.name]
                bar.advance(stacks)
        if not isinstance(event, Started) and (line := render_event(event)):
            console.print(printable(line), markup=False)
        bar.update(stacks, description=", ".join(under_way))

    try:
        yield show
    finally:
        bar.stop()


def _plan_first(shown: "Progress", platform: "Platform", found: "Found") -> "Progress":
    """As `shown`, but the plan itself goes to stdout the moment it is made."""
    from data_exports.deploy.outcomes import Planned
    from data_exports.deploy.report import render_plan

    def heard(event: "Event") -> None:
        if isinstance(event, Planned):
            write_data(render_plan(event.plan, platform, found, width=terminal_width()), styled=True)
        shown(event)

    return heard
