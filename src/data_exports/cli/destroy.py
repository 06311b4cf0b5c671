"""``exports destroy``: take away what was deployed, but nobody's data."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.asking import ask
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, open_estate
from data_exports.cli.output import terminal_width, write_answer, write_data, write_progress
from data_exports.cli.progress import progress_shown
from data_exports.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from data_exports.names import BucketName

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask for the hub's name first.")]


@reaches_aws
def destroy(*, estate: EstateOption = None, yes: YesOption = False, as_json: JsonOption = False) -> None:
    r"""Delete every deployed stack, and the buckets that are empty. Buckets that hold data are kept and listed.

    Works on what AWS has, also of datasets that are no longer declared. Asks for the hub's name first.

    \b
    Examples:
      exports destroy
      exports destroy --yes --json
    """
    declared = open_estate(estate)
    hub = declared.platform.hub_bucket
    if not yes and not sys.stdin.isatty():
        raise UsageError("destroy asks for confirmation, and stdin is not a terminal", next_step="add --yes")
    from data_exports.deploy.removal.destroy import destroy as destroy_deployed
    from data_exports.deploy.removal.destroy import error_of_destroying, read_destruction
    from data_exports.views.deployment import destroyed_as_data, render_destroyed, render_destruction

    aws = connect(declared.platform.region)
    with progress_shown() as shown:
        planned = read_destruction(declared, aws, progress=shown)
    text = render_destruction(planned, declared.platform, width=terminal_width())
    write_progress(text) if as_json else write_data(text, styled=True)
    if not planned.is_empty:
        _confirm(hub, yes=yes)
    with progress_shown() as shown:
        result = destroy_deployed(declared, aws, planned, progress=shown)
    text = "" if planned.is_empty else render_destroyed(result, width=terminal_width())
    write_answer("destroy", destroyed_as_data(result), text, as_json=as_json, styled=True)
    error = error_of_destroying(result)
    if error:
        raise error


def _confirm(hub: "BucketName", *, yes: bool) -> None:
    """Go on only if the person types the hub's name."""
    if yes:
        return
    if (ask(f"Type {hub} to destroy all this:\n") or "").strip() != hub:
        raise RefusedError("nothing was destroyed: that is not the hub's name")
