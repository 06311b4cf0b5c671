"""``exports verify``: whether the log is whole, and receipts are those that it holds."""

from pathlib import Path
from typing import Annotated

import typer

from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, estate_folder, open_estate
from data_exports.cli.output import write_answer, write_progress
from data_exports.errors import PartlyDoneError

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
    *,
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

    Examples:
      exports verify --keep head-2026-11-29.txt
      exports verify --since head-2026-11-29.txt
      exports verify --json | jq -r '.deviations[] | .kind + ": " + .where'
    """
    declared = open_estate(estate)
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
