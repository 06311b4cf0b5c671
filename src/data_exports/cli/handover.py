"""``exports handover``: what the other side must put in place."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_datasets
from data_exports.cli.options import EstateOption, JsonOption, dataset_of, exclude, open_estate
from data_exports.cli.output import write_data, write_json
from data_exports.errors import UsageError

if TYPE_CHECKING:
    from data_exports.operate.handover.halves import Half


class Form(StrEnum):
    """The forms a handover comes in."""

    TEXT = "text"
    JSON = "json"
    TERRAFORM = "terraform"
    CLOUDFORMATION = "cloudformation"


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The dataset.", show_default=False, autocompletion=complete_datasets)
]
FormOption = Annotated[
    Form | None, typer.Option("--as", help="A letter to send (text, unless given), or something to apply.")
]
AccountOption = Annotated[
    str, typer.Option("--account", metavar="ID", help="Only what this account must do.", show_default=False)
]


def handover(
    name: NameArgument,
    *,
    form: FormOption = None,
    account: AccountOption = "",
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the other side must put in place, ready to send or to apply.

    Push: the policy of the recipient's bucket, and of its key. Pull: the policy of each outside role, and how to use
    the bucket. Comes from the declarations and needs no AWS; the other side may go first.

    Examples:
      exports handover court_hearings                          a letter to its recipient
      exports handover court_hearings --as terraform > exports.tf
      exports handover victim_survey --as cloudformation --account 460183957226
    """
    exclude(**{f"--as {form}": form not in (None, "json"), "--json": as_json})
    declared = open_estate(estate)
    from data_exports.operate.handover.halves import halves_of
    from data_exports.views.handover.data import handover_as_data

    halves = halves_of(declared, dataset_of(declared, name), account=account)
    if as_json or form is Form.JSON:
        write_json("handover", handover_as_data(halves))
    else:
        write_data(_written(halves, form or Form.TEXT))


def _written(halves: "tuple[Half, ...]", form: Form) -> str:
    from data_exports.operate.handover.halves import owner_of
    from data_exports.views.handover.cloudformation import cloudformation_of
    from data_exports.views.handover.letter import letter_of
    from data_exports.views.handover.terraform import terraform_of

    if form is Form.TEXT:
        return f"\n\n{'-' * 100}\n\n".join(letter_of(half) for half in halves)
    if len(halves) > 1:
        accounts = ", ".join(str(owner_of(half)) for half in halves)
        raise UsageError(
            f"{halves[0].dataset.name} has outsiders in {len(halves)} accounts, and each applies its own",
            next_step=f"add --account with one of {accounts}",
        )
    return terraform_of(halves[0]) if form is Form.TERRAFORM else cloudformation_of(halves[0])
