"""``exports handover``: what the other side must put in place."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_datasets
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import (
    EstateOption,
    JsonOption,
    account_of,
    dataset_of,
    estate_folder,
    exclude,
    load,
    open_estate,
)
from data_exports.cli.output import write_data, write_json, write_progress
from data_exports.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from data_exports.aws import Aws
    from data_exports.estate.models import Estate
    from data_exports.operate.handover.halves import Half
    from data_exports.readers.sftp import SftpAddress


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
    str,
    typer.Option(
        "--account", metavar="ACCOUNT", help="Only what this account must do; its id or name.", show_default=False
    ),
]

SinceOption = Annotated[
    str,
    typer.Option(
        "--since", metavar="REV", help="What has changed since a git revision, such as main.", show_default=False
    ),
]


OfflineOption = Annotated[
    bool,
    typer.Option("--offline", help="Ask no AWS: leave out what it alone knows, of SFTP and of our account's tokens."),
]


@reaches_aws
def handover(
    name: NameArgument,
    *,
    form: FormOption = None,
    account: AccountOption = "",
    since: SinceOption = "",
    offline: OfflineOption = False,
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the other side must put in place, ready to send or to apply.

    Push: the policy of the recipient's bucket, and of its key. Pull: the policy of each outside role, and how to use
    the bucket; for a reader outside AWS, how to come with its tokens, or by SFTP. A recipient in Azure or at Google
    gets commands for `az` or `gcloud`. Comes from the declarations and needs no AWS, but for what AWS alone knows:
    where the server for readers by SFTP is, and its host key; who issues our account's tokens, which other clouds must
    be told. The other side may go first. With --since it is a letter on what has changed for each owner: what is
    otherwise, and what is to be done now.

    Examples:
      exports handover court_hearings                          a letter to its recipient
      exports handover court_hearings --as terraform > exports.tf
      exports handover victim_survey --as cloudformation --account 460183957226
      exports handover court_hearings --since v12              what has changed for its recipient
    """
    exclude(**{f"--as {form}": form not in (None, "json"), "--json": as_json})
    exclude(**{f"--as {form}": form in (Form.TERRAFORM, Form.CLOUDFORMATION), "--since": bool(since)})
    if since:
        _write_changes(name, account, since, estate, as_json=as_json or form is Form.JSON, offline=offline)
        return
    declared = open_estate(estate)
    from data_exports.operate.handover.halves import halves_of
    from data_exports.views.handover.data import handover_as_data

    asks = not offline and not account and form not in (Form.TERRAFORM, Form.CLOUDFORMATION)
    server = _sftp_server(declared, name) if asks else None
    issuer = _issuer(declared, name) if not offline else ""
    halves = halves_of(
        declared, dataset_of(declared, name), account=_account(declared, account), server=server, issuer=issuer
    )
    if as_json or form is Form.JSON:
        write_json("handover", handover_as_data(halves))
    else:
        write_data(_written(halves, form or Form.TEXT))


_BETWEEN = f"\n\n{'-' * 100}\n\n"
"""What stands between two letters."""


def _account(declared: "Estate", account: str) -> str:
    return account and account_of(declared.platform, account)


def _sftp_server(declared: "Estate", name: str) -> "SftpAddress | None":
    """Where the dataset's readers by SFTP log in; None when it has none, or there is no server yet."""
    from data_exports.estate.models import PullDataset

    dataset = dataset_of(declared, name)
    if not isinstance(dataset, PullDataset) or not dataset.sftp_readers:
        return None
    from data_exports.aws import aws_errors
    from data_exports.deploy.sftp_server import read_sftp_server
    from data_exports.readers.sftp import SftpAddress

    aws = _own_aws(declared)
    with aws_errors("the SFTP server"):
        found = read_sftp_server(aws)
    if found is None:
        write_progress("the SFTP server is not there yet: letters leave out where it is, and its host key")
    return SftpAddress(found.host_name, found.host_key) if found else None


def _issuer(declared: "Estate", name: str) -> str:
    """Who issues our account's tokens; "" where the dataset's recipient needs none, or AWS does not tell."""
    from data_exports.destinations.kinds import outside_destination_in
    from data_exports.estate.models import PushDataset

    dataset = dataset_of(declared, name)
    if not isinstance(dataset, PushDataset) or not outside_destination_in(dataset.destination):
        return ""
    from data_exports.destinations.federation import HOW_TO_TURN_ON, IS_OFF, read_federation

    found = read_federation(_own_aws(declared))
    if found.is_on is False:
        write_progress(f"{IS_OFF}: {HOW_TO_TURN_ON}; until then letters leave out who issues its tokens")
    elif found.warning:
        write_progress(f"{found.warning}; letters leave out who issues its tokens")
    return found.issuer


def _own_aws(declared: "Estate") -> "Aws":
    """AWS as the platform's account: another one's would tell of another server, and of another issuer."""
    from data_exports.deploy.remote import check_account

    aws = connect(declared.platform.region)
    check_account(aws, declared.platform)
    return aws


def _write_changes(name: str, account: str, since: str, estate: "Path | None", *, as_json: bool, offline: bool) -> None:
    from data_exports.estate.revision import Asked, load_revision
    from data_exports.operate.handover.changes import changes_for
    from data_exports.views.handover.changes import HandoverChangesData, change_letter_of

    loaded = load(estate)
    declared = loaded.require()
    asked = Asked("--since", "leave --since out for the whole handover")
    revision = load_revision(estate_folder(estate), since, here=loaded, asked=asked)
    is_declared = any(each.name == name for each in declared.datasets())
    server = _sftp_server(declared, name) if is_declared and not account and not offline else None
    issuer = _issuer(declared, name) if is_declared and not offline else ""
    found = changes_for(
        revision.estate, declared, name, account=_account(declared, account), server=server, issuer=issuer
    )
    if as_json:
        write_json("handover-changes", HandoverChangesData(revision.name, found))
    else:
        write_data(_BETWEEN.join(change_letter_of(each, revision.name) for each in found))


def _written(halves: "tuple[Half, ...]", form: Form) -> str:
    from data_exports.operate.handover.halves import owner_of
    from data_exports.views.handover.cloudformation import cloudformation_of
    from data_exports.views.handover.letter import letter_of
    from data_exports.views.handover.terraform import terraform_of

    if form is Form.TEXT:
        return _BETWEEN.join(letter_of(half) for half in halves)
    in_aws = [half for half in halves if owner_of(half)] or halves  # others have nothing to apply there
    if len(in_aws) > 1 and owner_of(in_aws[0]):
        accounts = ", ".join(str(owner_of(half)) for half in in_aws)
        raise UsageError(
            f"{halves[0].dataset.name} has outsiders in {len(in_aws)} accounts, and each applies its own",
            next_step=f"add --account with one of {accounts}",
        )
    return terraform_of(in_aws[0]) if form is Form.TERRAFORM else cloudformation_of(in_aws[0])
