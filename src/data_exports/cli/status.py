"""``exports status``: how every dataset stands."""

from typing import Annotated

import typer

from data_exports.cli.completion import complete_datasets
from data_exports.cli.options import EstateOption, JsonOption, dataset_of, open_estate
from data_exports.cli.output import write_answer
from data_exports.errors import PartlyDoneError

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Datasets. Default: all.", autocompletion=complete_datasets),
]
AllOption = Annotated[bool, typer.Option("--all", help="A row for each dataset, however many there are.")]


def status(
    names: NamesArgument = None,
    *,
    estate: EstateOption = None,
    every_row: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show how every dataset stands.

    What is declared and deployed, what waits in the hub and in the queue, what was given up, what arrived of late,
    which access ends soon, and which users have no role. Changes nothing. Exit code 4 if something could not be read.

    Examples:
      exports status
      exports status court_hearings
      exports status --json | jq '.datasets[] | select(.concerns != [])'
    """
    declared = open_estate(estate)
    datasets = [dataset_of(declared, name) for name in dict.fromkeys(names or [])]
    from data_exports.aws import Aws
    from data_exports.operate.status import status_of
    from data_exports.views.status import render_status, status_as_data

    found = status_of(declared, Aws(declared.platform.region), datasets)
    text = render_status(found, declared.platform, every_row=every_row or bool(datasets))
    write_answer("status", status_as_data(found), text, as_json=as_json)
    if found.notes:
        raise PartlyDoneError(
            f"{len(found.notes)} of the answers could not be read: {found.notes[0]}",
            next_step="docs/operate.md lists which rights it takes",
        )
