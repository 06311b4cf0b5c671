"""``exports plan``: what deploying would change, told before it happens."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import (
    EstateOption,
    FindingsBefore,
    JsonOption,
    estate_folder,
    exclude,
    load,
    plan_findings_of,
)
from data_exports.cli.output import terminal_width, write_data, write_json, write_progress
from data_exports.errors import UsageError
from data_exports.estate.file_kinds import PLATFORM_FILE

if TYPE_CHECKING:
    from data_exports.deploy.plan.plan_data import PlanFindings
    from data_exports.deploy.plan.planning import Plan
    from data_exports.estate.loader import Loaded
    from data_exports.estate.models import Estate, Platform


class Format(StrEnum):
    """How a plan is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


BaseOption = Annotated[
    str | None,
    typer.Option("--base", metavar="REV", help="Compare with a git revision, such as main. Needs no AWS."),
]
LiveOption = Annotated[bool, typer.Option("--live", help="Compare with what is deployed (the default).")]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="markdown is fit for a comment on a pull request. text unless given."),
]
WholeAtOption = Annotated[
    str, typer.Option("--whole-at", metavar="URL", help="Where a comment that cannot hold the whole plan says it is.")
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        dir_okay=False,
        help="Also keep the plan in a file that `exports deploy FILE` carries out.",
    ),
]


@reaches_aws
def plan(
    *,
    estate: EstateOption = None,
    base: BaseOption = None,
    live: LiveOption = False,
    output: FormatOption = None,
    whole_at: WholeAtOption = "",
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what deploying would change: who gains and loses which access, then the stacks, then findings.

    Looks at AWS and changes nothing there. What it prints is the plan that `exports deploy` would carry out now, and
    the consents (`--allow`) that it would need. With --base it compares the declarations here, committed or not, with
    those of a git revision instead: where this branch left it, if both have gone on since. With --out it also keeps
    the plan in a file, for you alone to read: `exports deploy FILE` carries out that very plan. Exit code 0 whenever
    the plan could be made.

    Examples:
      exports plan
      exports plan --out plan.json
      exports plan --base main
      exports plan --base origin/main --format markdown > comment.md
      exports plan --estate examples/estate --json
    """
    exclude(**{"--base": base is not None, "--live": live})
    exclude(**{f"--format {output}": output not in (None, "json"), "--json": as_json})
    if base is not None and out is not None:
        raise UsageError(
            "--out keeps a plan to be carried out, and one against a git revision cannot be",
            next_step="give one of them",
        )
    loaded = load(estate)
    declared = loaded.require()
    folder = estate_folder(estate)
    made, before = _plan_live(declared) if base is None else _plan_against(loaded, declared, folder, base)
    start = Path.cwd()
    if output is Format.MARKDOWN:  # GitHub wants paths from the top of the checkout
        start = Path(os.environ.get("GITHUB_WORKSPACE") or start)
    found = plan_findings_of(loaded, folder, before, start=start)
    if out is not None:
        _keep(made, declared, folder, found, out)
    _write(made, declared.platform, found, Format.JSON if as_json else output or Format.TEXT, whole_at)


def _plan_live(declared: "Estate") -> "tuple[Plan, FindingsBefore]":
    from data_exports.deploy.prepare import prepare

    return prepare(declared, connect(declared.platform.region)).plan, ()


def _plan_against(loaded: "Loaded", declared: "Estate", folder: Path, base: str) -> "tuple[Plan, FindingsBefore]":
    from datetime import UTC, datetime

    from data_exports.deploy.plan.offline import plan_against
    from data_exports.estate.revision import load_revision

    revision = load_revision(folder, base, here=loaded)
    if revision.estate is None:
        write_progress(f"{revision.name} has no {PLATFORM_FILE} in this folder: all that is declared here is new")
    made = plan_against(declared, revision.estate, name=revision.name, moment=datetime.now(UTC))
    return made, revision.findings


def _keep(made: "Plan", declared: "Estate", folder: Path, found: "PlanFindings", out: Path) -> None:
    from datetime import UTC, datetime

    from data_exports.deploy.plan.plan_file import plan_file_of
    from data_exports.deploy.plan.reviewed import digests_of, reviewed_of
    from data_exports.estate.atomic_files import write_private
    from data_exports.estate.commits import commit_here
    from data_exports.text import shell_word

    # The file that a link leads to is replaced, not the link; and no device, such as /dev/stdout.
    place = Path(os.path.realpath(out))
    if place.exists() and not place.is_file():
        raise UsageError("this is no file that a plan can be kept in", where=f"--out {out}")
    reviewed = reviewed_of(made, digests_of(declared, folder), commit=commit_here(folder), found=found)
    try:
        write_private(place, plan_file_of(reviewed, declared.platform, moment=datetime.now(UTC)))
    except OSError as error:
        raise UsageError(f"the plan could not be kept: {error.strerror}", where=f"--out {out}") from error
    write_progress(f"the plan is kept; to carry it out: exports deploy {shell_word(str(out))}")


def _write(made: "Plan", platform: "Platform", found: "PlanFindings", output: Format, whole_at: str) -> None:
    from data_exports.deploy.plan.plan_data import plan_as_data
    from data_exports.views.plan import render_plan

    match output:
        case Format.JSON:
            write_json("plan", plan_as_data(made, found))
        case Format.MARKDOWN:
            from data_exports.views.plan_markdown import plan_as_markdown

            write_data(plan_as_markdown(made, platform, found, whole_at=whole_at).removesuffix("\n"))
        case Format.TEXT:
            write_data(render_plan(made, platform, found, width=terminal_width()), styled=True)
