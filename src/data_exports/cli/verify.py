"""``exports verify``: whether the log is whole, receipts are those that it holds, and a file is that of a receipt."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_push_datasets
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, estate_folder, open_estate, push_datasets_of
from data_exports.cli.output import write_answer, write_progress
from data_exports.cli.progress import bytes_shown, count_shown
from data_exports.errors import PartlyDoneError, UsageError

if TYPE_CHECKING:
    from data_exports.estate.models import Estate

NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="[NAME]",
        help="With --file: a push dataset. Default: all of them.",
        autocompletion=complete_push_datasets,
        show_default=False,
    ),
]
FileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="A file in hand: which receipts it fits.", show_default=False),
]

SinceOption = Annotated[
    Path | None,
    typer.Option(
        "--since", metavar="FILE", help="A head that was kept: the log must have grown from it.", show_default=False
    ),
]
KeepOption = Annotated[
    Path | None,
    typer.Option("--keep", metavar="FILE", help="Write the head there, to keep where nobody else changes it."),
]


@reaches_aws
def verify(
    name: NameArgument = "",
    *,
    file: FileOption = None,
    since: SinceOption = None,
    keep: KeepOption = None,
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify the log of receipts and deployments, and the receipts against it.

    Reads the whole log: every entry, every tile, every head that was ever signed. Then every file of receipts: nothing
    may be changed, removed, or there behind the log's back. Who signed is told by the keys in evidence-keys.txt, which
    are in the estate's repository, not by AWS. A head that you kept (--keep) and give the next time (--since) shows
    that nobody has written the whole log anew. Exit code 1 where something was tampered with, 4 where something is not
    logged in time or could not be read; what the next run of the notary takes is no fault.

    With --file: which receipts a file in hand fits, by SHA-256, CRC or ETag, and what that proves; also where the
    platform keeps no evidence. Exit code 1 where none fits.

    Examples:
      exports verify --keep head-2026-11-29.txt
      exports verify --since head-2026-11-29.txt
      exports verify --file hearings.csv court_hearings
      exports verify --json | jq -r '.deviations[] | .kind + ": " + .where'
    """
    declared = open_estate(estate)
    if file:
        if since or keep:
            raise UsageError("--since and --keep are of the log", next_step="leave them out with --file")
        _verify_file(declared, file, name, as_json=as_json)
        return
    if name:
        raise UsageError("a dataset goes with --file alone", next_step=f"exports verify --file FILE {name}")
    from data_exports.deploy.evidence_keys import read_keys
    from data_exports.estate.atomic_files import write_file
    from data_exports.evidence.checking import DeviationKind
    from data_exports.operate.verifying import kept_head_in
    from data_exports.operate.verifying import verify as verify_log
    from data_exports.views.verify import render_verification

    keys = read_keys(estate_folder(estate))
    kept = {str(since): kept_head_in(since, keys)} if since else None
    found = verify_log(declared, connect(declared.platform.region), keys, since=kept)
    write_answer("verify", found, render_verification(found), as_json=as_json)
    if found.of_kind(DeviationKind.TAMPERED):
        raise typer.Exit(1)
    if keep and found.head:
        write_file(keep, found.head)
        write_progress(f"kept the head of {found.size:,} leaves in {keep}")
    if found.of_kind(DeviationKind.BEHIND, DeviationKind.UNREAD):
        raise PartlyDoneError(
            "not everything is logged, or could be read",
            next_step="look for the cause in the notary's log group, /aws/lambda/exports-notary; then run it again",
        )


def _verify_file(declared: "Estate", file: Path, name: str, *, as_json: bool) -> None:
    from data_exports.deploy.remote import check_account
    from data_exports.operate.file_match import file_size_of, match_file, read_found
    from data_exports.views.file_match import render_file_verification

    pushes, platform = push_datasets_of(declared, [name] if name else []), declared.platform
    size_bytes = file_size_of(file)
    aws = connect(platform.region)
    check_account(aws, platform)
    with count_shown("receipts read") as count:
        found = read_found(file, platform, pushes, aws, on_receipts=count)
    with bytes_shown("reading the file", size_bytes) as (advance, _):
        verified = match_file(file, found, pushes, on_bytes=advance)
    write_answer("verify-file", verified, render_file_verification(verified, platform), as_json=as_json)
    if not verified.matches:
        raise typer.Exit(1)
