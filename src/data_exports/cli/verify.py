"""``exports verify``: whether the log is whole, receipts are those that it holds, and a file is that of a receipt."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_exports.cli.completion import complete_push_dataset_of_file
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, estate_folder, open_estate, push_datasets_of
from data_exports.cli.output import write_answer, write_progress
from data_exports.cli.progress import bytes_shown, count_shown
from data_exports.errors import PartlyDoneError, UsageError

if TYPE_CHECKING:
    from data_exports.estate.models import Estate

WhatArgument = Annotated[
    str,
    typer.Argument(
        metavar="[BUNDLE]",
        help="A bundle of evidence, verified offline. With --file: a push dataset; default: all of them.",
        autocompletion=complete_push_dataset_of_file,
        show_default=False,
    ),
]
FileOption = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="A file in hand: which receipts it fits.", show_default=False),
]

KeysOption = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        metavar="FILE",
        help="The keys to believe, an evidence-keys.txt. Default: the estate's; with a bundle, those in it.",
        show_default=False,
    ),
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
WitnessOption = Annotated[
    str,
    typer.Option("--witness", metavar="PLACE", help="Heads that a witness keeps: a file, a folder, or s3://bucket/…."),
]


@reaches_aws
def verify(
    what: WhatArgument = "",
    *,
    file: FileOption = None,
    keys: KeysOption = None,
    witness: WitnessOption = "",
    since: SinceOption = None,
    keep: KeepOption = None,
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify the log of receipts and deployments, and the receipts against it.

    Reads the whole log: every entry, every tile, every head that was ever signed. Then every file of receipts: nothing
    may be changed, removed, or there behind the log's back. Who signed is told by the keys in evidence-keys.txt, which
    are in the estate's repository, not by AWS. A head that you kept (--keep) and give the next time (--since) shows
    that nobody has written the whole log anew; so do the heads that a witness keeps (--witness), each of which the log
    must have grown from: otherwise two logs were shown. Exit code 1 where something was tampered with, 4 where
    something is not logged in time or could not be read; what the next run of the notary takes is no fault.

    With a bundle that `exports evidence` has made: whether what it holds is in the log, without AWS, an estate or a
    network. Believe keys that you have from elsewhere (--keys): whoever forges a bundle forges the keys in it.

    With --file: which receipts a file in hand fits, by SHA-256, CRC or ETag, and what that proves; also where the
    platform keeps no evidence. Exit code 1 where none fits.

    Examples:
      exports verify --keep head-2026-11-29.txt
      exports verify --since head-2026-11-29.txt
      exports verify --witness s3://their-bucket/exports/
      exports verify --file hearings.csv court_hearings
      exports verify hearings.zip --keys evidence-keys.txt --since head-2026-11-29.txt
      exports verify --json | jq -r '.deviations[] | .kind + ": " + .where'
    """
    if what and not file:
        if witness:
            raise UsageError("--witness is of the log", next_step="give one of its heads with --since")
        _verify_bundle(Path(what), keys, since, keep, as_json=as_json)
        return
    declared = open_estate(estate)
    if file:
        if since or keep or keys or witness:
            said = "--since, --keep, --keys and --witness are of the log"
            raise UsageError(said, next_step="leave them out with --file")
        _verify_file(declared, file, what, as_json=as_json)
        return
    from data_exports.deploy.evidence_keys import read_keys, read_keys_at
    from data_exports.estate.atomic_files import write_file
    from data_exports.evidence.checking import DeviationKind
    from data_exports.operate.verifying import read_kept_head
    from data_exports.operate.verifying import verify as verify_log
    from data_exports.operate.witness import read_witness
    from data_exports.views.verify import render_verification

    known = read_keys_at(keys) if keys else read_keys(estate_folder(estate))
    kept = {str(since): read_kept_head(since, known)} if since else {}
    aws = connect(declared.platform.region)
    if witness:
        kept |= read_witness(witness, aws, declared.platform.evidence_bucket)
    found = verify_log(declared, aws, known, kept)
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


def _verify_bundle(path: Path, keys: Path | None, since: Path | None, keep: Path | None, *, as_json: bool) -> None:
    from data_exports.deploy.evidence_keys import read_keys_at
    from data_exports.evidence.checking import DeviationKind
    from data_exports.operate.bundles.checking import keys_of_bundle, verify_bundle
    from data_exports.operate.bundles.packing import opened_bundle
    from data_exports.operate.verifying import read_kept_head
    from data_exports.views.bundle.summary import render_bundle_verification

    if keep:
        raise UsageError("--keep keeps the head of the log, and a bundle has one already", next_step="unzip it")
    given = read_keys_at(keys) if keys else None
    with opened_bundle(path) as opened, count_shown("lines verified") as tell:
        known = keys_of_bundle(opened) if given is None else given
        kept = {str(since): read_kept_head(since, known)} if since else None
        found = verify_bundle(opened, known, kept, keys_from=str(keys) if keys else "bundle", tell=tell)
    write_answer("verify-bundle", found, render_bundle_verification(found), as_json=as_json)
    if found.of_kind(DeviationKind.TAMPERED):
        raise typer.Exit(1)
    if found.of_kind(DeviationKind.MISSING, DeviationKind.EXPIRED, DeviationKind.UNREAD):
        raise PartlyDoneError(
            "not everything that is asked for could be verified",
            next_step="ask whoever made the bundle for what is listed, or for a newer bundle",
        )
