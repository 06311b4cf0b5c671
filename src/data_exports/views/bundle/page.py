"""The files of a bundle: what is proven first, then what explains it.

In: what was collected, and what the estate says beside it. Out: names and their bytes, to be written in that order,
because the receipts are read from AWS as they are written. Effects: reads AWS; reads the templates and programs.
"""

import base64
import hashlib
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from data_exports.estate.models import Dataset, Platform
from data_exports.evidence.entries import HEAD
from data_exports.evidence.notes import KEYS_FILE
from data_exports.json_values import json_value_of
from data_exports.operate.bundles.collecting import BundledRecord, Collected
from data_exports.operate.bundles.commits import DeclaredCommits, NamedCommit
from data_exports.operate.bundles.layout import BUNDLE_FACTS, BUNDLED_RECEIPTS, KEPT_HEADS, LEAVES, PROOF, BundleFacts
from data_exports.reviews.models import Review, ReviewedDataset
from data_exports.stacks.stack import METADATA_KEY
from data_exports.text import json_text
from data_exports.views.bundle.claims import how_to_verify, not_proven_by, proven_by
from data_exports.views.html import html_environment

PROGRAMS = ("verify.py", "verify.go")


@dataclass(frozen=True, slots=True)
class Beside:
    """What the estate's files say, and git: nothing of it is in the log."""

    platform: Platform
    dataset: Dataset
    keys: bytes
    reviews: Sequence[tuple[Review, ReviewedDataset]]
    letters: Sequence[str]
    commits: DeclaredCommits


@dataclass(frozen=True, slots=True)
class _Deployed:
    record: BundledRecord
    named: NamedCommit | None

    @property
    def grants(self) -> Any:
        return self.record.facts["metadata"][METADATA_KEY].get("grants", [])


def bundle_files(
    collected: Collected, lines: Iterable[bytes], kept: Iterable[bytes], beside: Beside, name: str
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Every file of a bundle of this name; `lines` are those of the receipts."""
    yield BUNDLED_RECEIPTS, lines
    facts = collected.facts  # which the lines have told
    yield LEAVES, collected.leaves
    yield PROOF, [collected.proof]
    yield HEAD, [collected.head_bytes]
    for number, head in enumerate(kept, start=1):
        yield f"{KEPT_HEADS}{number}", [head]
    yield KEYS_FILE, [beside.keys]
    for record in collected.records:
        yield record.path, [record.body]
    yield BUNDLE_FACTS, [facts.encode()]
    yield "commits.json", [_json(_commits(collected, beside.commits))]
    yield "reviews.json", [_json(_reviews(beside.reviews))]
    for number, letter in enumerate(beside.letters, start=1):
        yield f"letters/{number}.txt", [letter.encode(errors="backslashreplace"), b"\n"]
    yield "README.txt", [readme_of(facts, collected, name).encode(errors="backslashreplace")]
    for program in PROGRAMS:
        yield program, [(files(__package__) / "assets" / f"{program}.txt").read_bytes()]
    yield "index.html", [page_of(facts, collected, beside, name).encode(errors="backslashreplace")]


def page_of(facts: BundleFacts, collected: Collected, beside: Beside, name: str) -> str:
    """`index.html`: complete in itself, without scripts, and nothing in it comes from elsewhere."""
    environment = html_environment(__package__)
    style = (files("data_exports.views.register") / "assets" / "register.css").read_text(encoding="utf-8")
    whole, late = collected.has_whole_log, collected.late_files
    commits = dict(zip((each.path for each in collected.records), beside.commits.commits, strict=True))
    return environment.get_template("evidence.html").render(
        facts=facts,
        head=collected.head,
        key_id=collected.head.key.identifier.hex(),
        platform_name=beside.platform.name_of_account(beside.platform.account),
        dataset=beside.dataset,
        period=period_words(facts),
        receipts=collected.outcomes.total(),
        outcomes=dict(sorted(collected.outcomes.items())),
        files=len(collected.files) - len(facts.lacking),
        late_files=late,
        shown=collected.shown,
        records=[_Deployed(each, commits.get(each.path)) for each in collected.records],
        reviews=beside.reviews,
        letters=beside.letters,
        commits_gap=beside.commits.gap,
        proven=list(proven_by(facts, has_whole_log=whole)),
        not_proven=list(not_proven_by(facts, has_whole_log=whole, late_files=late)),
        how_to_verify=how_to_verify(name),
        style=style,
        style_hash=f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}",
    )


def readme_of(facts: BundleFacts, collected: Collected, name: str) -> str:
    """`README.txt`."""
    whole = collected.has_whole_log
    proven = (f"{each.what[0].upper()}{each.what[1:]}: {each.by}." for each in proven_by(facts, has_whole_log=whole))
    not_proven = not_proven_by(facts, has_whole_log=whole, late_files=collected.late_files)
    return _README.format(
        dataset=facts.dataset,
        period=period_words(facts),
        log=facts.log,
        proven=_listed(proven),
        not_proven=_listed(not_proven),
        how=how_to_verify(name),
    )


_README = """\
EVIDENCE: {dataset}{period}, from the log {log}

Open index.html for a page to read. It names people and accounts: hand it only to those who may know.

PROVEN
{proven}

NOT PROVEN
{not_proven}

HOW TO VERIFY
{how}
WHAT IS IN IT
  receipts.jsonl      the receipts, a line each, byte for byte as they were logged
  leaves.txt          a line each: number in the log, a blank, entry; a leaf's hash is that of its entry (RFC 6962)
  proof.bin           hashes of the whole subtrees without any of these leaves, 32 bytes each, from the left
  checkpoint          the signed head of the log: C2SP tlog-checkpoint
  heads/              heads that somebody has kept, which the log has grown from
  evidence-keys.txt   the keys that sign; take them from elsewhere, too
  deployments/        what CloudFormation had: declarations, grants, the template's digest
  bundle.json         what whoever made this says of it
  commits.json, reviews.json, letters/    from the estate's files: claims
  SHA256SUMS          against accidents: sha256sum --check SHA256SUMS
"""


def _listed(texts: Iterable[str]) -> str:
    return "\n".join(textwrap.fill(f"- {each}", width=100, subsequent_indent="  ") for each in texts)


def period_words(facts: BundleFacts) -> str:
    """`` from 2031-03-01 to 2031-04-01``, ready to follow a word; "" of all times."""
    since = f" from {facts.since:%Y-%m-%d %H:%M} UTC on" if facts.since else ""
    until = f" before {facts.until:%Y-%m-%d %H:%M} UTC" if facts.until else ""
    return f"{since}{',' if since and until else ''}{until}"


def _json(value: object) -> bytes:
    return json_text(value, indent=2, default=json_value_of).encode(errors="backslashreplace") + b"\n"


def _commits(collected: Collected, told: DeclaredCommits) -> dict[str, object]:
    return {
        "note": "That a deployment names a commit is logged; that it came from it is a claim. The rest is what git had "
        "when the bundle was made, and what commits say of themselves.",
        "not_read": told.gap or None,
        "deployments": [
            {
                "record": record.path,
                "commit": named and named.commit_id,
                "is_named_by_the_deployment": named and named.is_named,
                "files_were_edited": named and named.is_edited,
                "has_this_declaration": named and named.has_declaration,
                "moment": commit and commit.moment,
                "author": commit and commit.author,
                "subject": commit and commit.subject,
                "pull_request": (commit and commit.pull_request) or None,
            }
            for record, named in zip(collected.records, told.commits, strict=True)
            for commit in [named and named.commit]
        ],
    }


def _reviews(reviews: Sequence[tuple[Review, ReviewedDataset]]) -> dict[str, object]:
    return {
        "note": "What the estate's reviews hold of this dataset. A seal is of the whole file, which is in the estate.",
        "reviews": [
            {
                "review": review.name,
                "started": review.started,
                "closed": review.closed,
                "digest": review.digest,
                "seal": review.seal or None,
                "dataset": reviewed,
            }
            for review, reviewed in reviews
        ],
    }
