"""``exports new``: write the declaration of a new dataset. Its options, and what it asks, are the table's fields."""

from collections.abc import Callable
from inspect import Signature
from pathlib import Path
from typing import Any

import typer

from data_exports.cli.declaring import (
    make_dataset,
    option_for,
    parameter_of,
    parameters_of,
    seen_from_here,
    write_warnings,
)
from data_exports.cli.options import EstateOption, JsonOption, estate_folder
from data_exports.cli.output import path_from, write_data, write_json, write_progress
from data_exports.estate.file_kinds import PULL, PUSH, FileKind
from data_exports.estate.given_singly import fields_given_singly
from data_exports.text import printable

HELP = """Write the declaration of a new dataset.

Examples:
  exports new push court_hearings
  exports new pull reoffending_statistics --help
"""
_HELP_OF = """Write the declaration of files that {what}.

Asks for what is not given, on a terminal. The file passes `exports check`, or is not written; no file is
overwritten.{more}

Examples:
  {examples}
"""
PUSH_HELP = _HELP_OF.format(
    what="are delivered to a recipient: a bucket of S3, a container of Azure, or a bucket at Google",
    examples="""exports new push court_hearings
  exports new push court_hearings --target-bucket landing --target-account 203591025782 --user alpha_user_ana
  exports new push court_orders --user alpha_user_ana --azure-storage-account hjresearch --azure-container incoming \\
    --azure-tenant 1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394 --azure-client 8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5
  exports new push court_tables --user alpha_user_ana --google-bucket hj-incoming --google-project-number 1234567 \\
    --google-provider projects/1234567/locations/global/workloadIdentityPools/moj/providers/exports""",
    more="",
)
PULL_HELP = _HELP_OF.format(
    what="others fetch from a bucket of the platform: roles of AWS, identities of Google, Azure, "
    "Kubernetes or another issuer of tokens, or somebody with an SSH key",
    examples="""exports new pull reoffending_statistics
  exports new pull tables --pull-arn arn:aws:iam::754256621582:role/reader --user alpha_user_ana --paperwork DPIA-9
  exports new pull rolls --user alpha_user_ana --sftp-name meridian --sftp-key "$(cat meridian.pub)"
  exports new pull lists --user alpha_user_ana --azure-tenant 1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394 \\
    --azure-object 8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5 --azure-audience api://exports""",
    more=" Of each kind of reader outside AWS, the second value of each option is of a second reader.",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True)
    group.command("push", help=PUSH_HELP)(_command_for(PUSH))
    group.command("pull", help=PULL_HELP)(_command_for(PULL))
    app.add_typer(group, name="new", help=HELP)


def _command_for(kind: FileKind[Any]) -> Callable[..., None]:
    """The command that makes such a file; typer takes its options from the signature, and that is the table's."""
    fields = fields_given_singly(kind)

    def command(*, estate: Path | None, as_json: bool, **values: Any) -> None:
        named = {field.name: values[parameter_of(field)] for field in fields}
        path, warnings = make_dataset(kind, named, estate_folder(estate))
        shown = path_from(Path.cwd(), path)
        if as_json:
            from data_exports.views.files import NewData

            write_json("new", NewData(shown, seen_from_here(warnings)))
        else:
            write_data(printable(str(shown)))
        write_warnings(warnings)
        write_progress("next: look at the file, and open a pull request")

    options = {parameter_of(field): option_for(field) for field in fields}
    common = {"estate": (EstateOption, None), "as_json": (JsonOption, False)}
    command.__signature__ = Signature(parameters_of({**options, **common}))  # type: ignore[attr-defined]
    return command
