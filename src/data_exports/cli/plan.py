"""``exports plan``: what deploying would change."""

import typer

from data_exports.cli.options import EstateOption, JsonOption, open_estate
from data_exports.cli.output import write_data, write_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan)


def plan(*, estate: EstateOption = None, as_json: JsonOption = False) -> None:
    """Show what deploying would change, stack by stack.

    Looks at AWS and changes nothing there. What it prints is the plan that `exports deploy` would carry out now,
    and the consents (`--allow`) that it would need.

    Examples:
      exports plan
      exports plan --estate examples/estate --json
    """
    declared = open_estate(estate)
    from data_exports.aws import Aws
    from data_exports.cli.deploy import terminal_width
    from data_exports.deploy.prepare import prepare
    from data_exports.deploy.render import plan_as_data, render_plan

    made = prepare(declared, Aws(declared.platform.region)).plan
    if as_json:
        write_json(plan_as_data(made))
    else:
        write_data(render_plan(made, declared.platform, width=terminal_width()))
