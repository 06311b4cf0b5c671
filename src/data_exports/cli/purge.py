"""``exports purge``: delete for good what a removed pull dataset left."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.asking import ask
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, open_estate
from data_exports.cli.output import write_answer, write_data, write_json, write_progress
from data_exports.cli.progress import count_shown
from data_exports.errors import RefusedError, UsageError
from data_exports.names import DatasetName, InvalidNameError

if TYPE_CHECKING:
    from data_exports.estate.models import Estate

NameArgument = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="A pull dataset that is no longer declared. Default: list what there is."),
]
ConfirmOption = Annotated[
    str, typer.Option("--confirm", metavar="NAME", help="The dataset's name again, where nobody can be asked.")
]


@reaches_aws
def purge(
    name: NameArgument = None, *, estate: EstateOption = None, confirm: ConfirmOption = "", as_json: JsonOption = False
) -> None:
    """Delete a removed pull dataset's bucket, with all its data. This cannot be undone.

    Shows first what is in the bucket, and asks for the dataset's name. Refuses while the dataset is declared or
    deployed, and any bucket that was not made for it. Interrupted, run it again. Without a name it lists the buckets
    that removed datasets have left.

    Examples:
      exports purge
      exports purge old_lists
      exports purge old_lists --confirm old_lists --json
    """
    declared = open_estate(estate)
    if name is None:
        _list_kept(declared, as_json=as_json)
        return
    dataset = _dataset_of(name)
    if confirm not in ("", name):
        raise UsageError(f"--confirm says {confirm!r}, and the dataset is {name!r}", next_step="give the same name")
    if not confirm and not sys.stdin.isatty():
        raise UsageError("purge asks for confirmation, and stdin is not a terminal", next_step=f"add --confirm {name}")
    from data_exports.deploy.removal.purge import purge as purge_bucket
    from data_exports.deploy.removal.purge import read_purge
    from data_exports.views.purge import PurgeData, render_purge

    aws = connect(declared.platform.region)
    with count_shown("counted versions") as heard:
        planned = read_purge(declared, aws, dataset, heard=heard)
    text = render_purge(planned)
    write_progress(text) if as_json else write_data(text)
    if not confirm:
        _ask(name)
    with count_shown("deleted versions", total=planned.count) as deleted:
        count = purge_bucket(declared, aws, planned, heard=deleted)
    if as_json:
        write_json("purge", PurgeData(planned, count))
    else:
        write_data(f"deleted: {count:,} versions and markers, and the bucket {planned.bucket}")


def _list_kept(declared: "Estate", *, as_json: bool) -> None:
    from data_exports.aws import aws_errors
    from data_exports.deploy.remote import check_account
    from data_exports.deploy.removal.buckets import read_kept_buckets
    from data_exports.views.purge import KeptData, render_kept

    aws = connect(declared.platform.region)
    check_account(aws, declared.platform)
    with aws_errors():
        kept = tuple(read_kept_buckets(aws, declared))
    write_answer("kept", KeptData(kept), render_kept(kept), as_json=as_json)


def _dataset_of(name: str) -> DatasetName:
    try:
        return DatasetName(name)
    except InvalidNameError as error:
        raise UsageError(str(error), next_step=error.hint) from error


def _ask(name: str) -> None:
    """Go on only if the person types the dataset's name."""
    if (ask(f"Type {name} to delete all this for good:\n") or "").strip() != name:
        raise RefusedError("nothing was deleted: that is not the dataset's name")
