"""``exports evidence``: what whoever verifies the log needs, and what others are given to verify it by."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from data_exports.cli.completion import complete_datasets
from data_exports.cli.connecting import connect, reaches_aws
from data_exports.cli.options import EstateOption, JsonOption, dataset_of, estate_folder, open_estate
from data_exports.cli.output import write_answer
from data_exports.cli.progress import count_shown
from data_exports.errors import PartlyDoneError, RefusedError, UsageError

if TYPE_CHECKING:
    from data_exports.operate.bundles.layout import BundleFacts

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The dataset.", show_default=False, autocompletion=complete_datasets)
]
OutOption = Annotated[Path, typer.Option("--out", metavar="FILE", help="The bundle to make; no file is overwritten.")]
SinceOption = Annotated[
    str,
    typer.Option("--since", metavar="TIME", help="From when on: 90d, 2031-03-01. Default: all.", show_default=False),
]
UntilOption = Annotated[
    str, typer.Option("--until", metavar="TIME", help="Before when: 2031-04-01.", show_default=False)
]
WholeLogOption = Annotated[
    bool,
    typer.Option(
        "--whole-log", help="With every leaf of the log: proves that nothing is left out; names all datasets."
    ),
]
HeadOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--head",
        metavar="FILE",
        help="A head that somebody has kept: the bundle proves that the log has grown from it.",
        show_default=False,
    ),
]


class _NamesAreBundles(TyperGroup):
    """What is no command is the name of a dataset: `exports evidence NAME` is `exports evidence bundle NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Understand the words behind ``exports evidence``."""
        is_own = not args or args[0] in (*self.commands, *ctx.help_option_names)
        return super().parse_args(ctx, args if is_own else ["bundle", *args])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """The commands, and the names of datasets."""
        (named,) = (each for each in self.commands["bundle"].params if each.name == "name")
        return [*super().shell_complete(ctx, incomplete), *named.shell_complete(ctx, incomplete)]


def register(app: typer.Typer) -> None:
    """Add ``exports evidence`` and its commands."""
    evidence = typer.Typer(
        cls=_NamesAreBundles,
        help="Prove to others what was delivered and who was let in: `exports evidence NAME --out FILE`.",
        no_args_is_help=True,
    )
    evidence.command("bundle")(bundle)
    evidence.command("key")(key)
    evidence.command("witness")(witness)
    app.add_typer(evidence, name="evidence")


@reaches_aws
def key(*, estate: EstateOption = None, as_json: JsonOption = False) -> None:
    """Write the key that signs the log into evidence-keys.txt, beside exports.yaml.

    Commit it: `exports verify` believes these keys alone, and so does whoever takes them from the repository. Keys that
    are there stay, because they have signed what is older. The file is in the form that other tools for signed notes
    take, too (https://c2sp.org/signed-note).

    Examples:
      exports evidence key
    """
    declared, folder = open_estate(estate), estate_folder(estate)
    from data_exports.deploy.evidence_keys import read_deployed_key, read_keys
    from data_exports.evidence.notes import KEYS_FILE
    from data_exports.views.evidence import EvidenceKeyData, render_evidence_key

    path: Path = folder / KEYS_FILE
    there = read_keys(folder) if path.exists() else ()
    deployed = read_deployed_key(declared.platform, connect(declared.platform.region))
    if deployed not in there:
        from data_exports.estate.atomic_files import write_file

        write_file(path, "".join(f"{each}\n" for each in (*there, deployed)).encode())
    data = EvidenceKeyData(path, str(deployed), is_new=deployed not in there, keys=len({*there, deployed}))
    write_answer("evidence-key", data, render_evidence_key(data), as_json=as_json)


def witness(*, estate: EstateOption = None, as_json: JsonOption = False) -> None:
    """Write the letter to whoever owns the witness's bucket: what goes there, and what to put in place.

    The notary puts the head of each day there, with a right to add one and to replace none. Whoever keeps heads out of
    our reach shows, by `exports verify --witness`, that we have shown everybody one log and have not written it anew.

    Examples:
      exports evidence witness
      exports evidence witness --json | jq .policy
    """
    platform = open_estate(estate).platform
    from data_exports.views.evidence import render_witness, witness_letter_of

    data = witness_letter_of(platform)
    if data is None:
        raise RefusedError(
            "the evidence has no witness",
            where=str(platform.place.path),
            next_step="add `witness: s3://bucket/folder` to `evidence:`, a bucket of somebody else's",
        )
    write_answer("evidence-witness", data, render_witness(data, platform), as_json=as_json)


@reaches_aws
def bundle(
    name: NameArgument,
    *,
    out: OutOption,
    since: SinceOption = "",
    until: UntilOption = "",
    whole_log: WholeLogOption = False,
    head: HeadOption = None,
    estate: EstateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove what was delivered of a dataset and who was let in, by a zip; the word bundle may be left out.

    Others verify it without AWS and without us (`exports verify BUNDLE`, Go's tools, or Python alone). It holds the
    receipts, the deployments with what they declared and granted, and the proofs that they are in the signed log;
    beside them paperwork, reviews, the letters to the other side, and a page, index.html, that says in plain words what
    is proven and what is not. It names people: hand it only to those who may know. It tells of this dataset alone, so
    it does not prove that nothing was left out; with --whole-log it does. Receipts that are not yet logged are left out
    and counted. Reads the whole log, and refuses to make a bundle of what was tampered with. Exit code 4 where receipts
    that are logged are gone.

    Examples:
      exports evidence court_hearings --out hearings.zip
      exports evidence court_hearings --since 2026-10-01 --until 2026-11-01 --out october.zip
      exports evidence court_hearings --head head-2026-10-01.txt --whole-log --out audit.zip
    """
    declared, folder = open_estate(estate), estate_folder(estate)
    dataset = dataset_of(declared, name)
    from data_exports.deploy.evidence_keys import read_keys
    from data_exports.evidence.notes import KEYS_FILE
    from data_exports.operate.bundles.collecting import collected_from, receipt_lines
    from data_exports.operate.bundles.commits import AskedDeployment, commits_of_deployments
    from data_exports.operate.bundles.packing import check_is_free, write_bundle
    from data_exports.operate.verifying import read_kept_head
    from data_exports.reviews.review_file import read_reviews
    from data_exports.views.bundle.page import Beside, bundle_files
    from data_exports.views.bundle.summary import bundle_as_data, render_bundle
    from data_exports.views.register.letters import letters_about

    check_is_free(out)
    platform, keys = declared.platform, read_keys(folder)
    kept = {str(path): read_kept_head(path, keys) for path in head or ()}
    facts = _facts(declared, name, since, until)
    aws = connect(platform.region)
    with ExitStack() as open_until_written:
        with count_shown("leaves of the log read") as tell:
            collected = open_until_written.enter_context(
                collected_from(platform, dataset, aws, keys, facts, has_whole_log=whole_log, kept=kept, tell=tell)
            )
        asked = [AskedDeployment(each.moment, each.declaration, each.claim) for each in collected.records]
        beside = Beside(
            platform,
            dataset,
            (folder / KEYS_FILE).read_bytes(),
            [(review, of) for review in read_reviews(folder).reviews for of in review.datasets if of.dataset == name],
            letters_about(declared, dataset),
            commits_of_deployments(folder, dataset, asked),
        )
        total = sum(file.lines for file in collected.files.values())
        with count_shown("receipts written", total=total) as tell:
            lines = receipt_lines(collected, aws, platform, tell)
            size_bytes = write_bundle(out, bundle_files(collected, lines, kept.values(), beside, out.name))
    data = bundle_as_data(collected, out, size_bytes)
    write_answer("evidence-bundle", data, render_bundle(data), as_json=as_json)
    if data.gone:
        what = f"{len(data.gone):,} files of receipts are logged and not there any more; the bundle says so"
        raise PartlyDoneError(what, next_step="`exports verify` tells whether somebody removed them")


def _facts(declared: Any, name: str, since: str, until: str) -> "BundleFacts":
    from data_exports import __version__
    from data_exports.deploy.evidence_keys import log_of
    from data_exports.estate.models import PushDataset
    from data_exports.operate.bundles.layout import BundleFacts
    from data_exports.operate.periods import parse_moment

    now, dataset = datetime.now(UTC), dataset_of(declared, name)
    first = parse_moment(since, option="--since", now=now) if since else None
    last = parse_moment(until, option="--until", now=now) if until else None
    if first and last and last <= first:
        raise UsageError("--until is not after --since, so nothing can be between them")
    return BundleFacts(
        dataset=name,
        kind="push" if isinstance(dataset, PushDataset) else "pull",
        stack=dataset.stack_name,
        log=log_of(declared.platform),
        made_at=now,
        made_by=f"exports {__version__}",
        since=first,
        until=last,
    )
