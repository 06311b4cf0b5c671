"""What a bundle proves, by what and against whom, what it does not, and how to verify it: in plain words.

In: what a bundle holds. Out: sentences, for its page, its README, and what the command says. Effects: none.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from data_exports.operate.bundles.layout import BundleFacts
from data_exports.text import shell_word

WHO_MAY_WRITE = "a mover's defect, an operator, an administrator of the account"


@dataclass(frozen=True, slots=True)
class Proven:
    """Something that a bundle proves."""

    what: str
    by: str
    against: str


def proven_by(facts: BundleFacts, *, has_whole_log: bool) -> Iterator[Proven]:
    """What the bundle proves."""
    if facts.kind == "push":
        yield Proven(
            "each line of receipts.jsonl is as the notary found it among the receipts",
            "its digest is a leaf of a Merkle tree (leaves.txt), whose root (proof.bin) is signed (checkpoint)",
            WHO_MAY_WRITE,
        )
        yield Proven(
            "of each file of receipts every line is here",
            "the leaf before its lines says how many there are, and they follow one another in the log",
            f"{WHO_MAY_WRITE}; whoever made this bundle",
        )
    yield Proven(
        "what was declared and granted at each deployment here is as CloudFormation had it",
        "the notary read it there itself; its digest is a leaf, too",
        "whoever deploys",
    )
    if has_whole_log:
        yield Proven(
            "no file of receipts and no deployment of this dataset that is logged was left out",
            "every leaf of the log is here, so each of them shows",
            f"{WHO_MAY_WRITE}; whoever made this bundle",
        )
    yield Proven(
        "the log was signed by the holder of the key",
        "an Ed25519 signature; the private half is in KMS, and its policy lets nobody but the notary sign",
        "everybody who is not an administrator of that key; take the key from elsewhere than this bundle",
    )


def not_proven_by(facts: BundleFacts, *, has_whole_log: bool, late_files: int = 0) -> Iterator[str]:
    """What the bundle does not prove."""
    yield (
        "Whose the key is. evidence-keys.txt lies in this bundle for convenience: whoever forges a bundle forges that, "
        "too. Compare it with the one in the estate's repository, or with what you were given at another time."
    )
    if not has_whole_log:
        yield (
            "That no file of receipts or deployment was left out. The bundle holds the leaves of this dataset alone, "
            "so that it tells of nobody else. One made with --whole-log proves it; so does `exports verify`, for "
            "whoever may read the log."
        )
    if facts.kind == "push":
        yield "That a receipt is true: the log holds what movers wrote. The deployment of other code is in the log."
        yield (
            "That a file in hand is the one that was delivered, by a CRC or an ETag: they tell of accidents, and "
            "whoever wants to can make another file with the same ones. A SHA-256, where a receipt has one, proves it."
        )
    else:
        yield (
            "What was fetched. S3's access logs tell of that; AWS writes them with best effort and may lose or delay "
            "lines, and they are in no log of ours."
        )
    yield (
        "Who somebody was. An uploader is whom S3 named; the author of a commit, whoever decided in a review, and that "
        "a deployment came from the commit that it names are claims. Whoever has the repository can look there."
    )
    if facts.not_logged_files:
        yield (
            f"{facts.not_logged_receipts:,} receipts in {facts.not_logged_files:,} files were not yet logged when this "
            "bundle was made: they are left out."
        )
    if facts.gone:
        yield (
            f"{len(facts.gone):,} files of receipts are logged and were gone from the platform, by no rule of its own. "
            "That they were there is proven, what was in them is not."
        )
    if facts.expired:
        yield (
            f"{len(facts.expired):,} files of receipts are logged and had expired: the platform deletes receipts after "
            "some days (receipts_days), as its own deployments in the log say. That they were there is proven, what "
            "was in them is not, and that they expired is the word of whoever made this bundle."
        )
    if late_files:
        yield (
            f"{late_files:,} files came into the log more than a day after the time in their names: what was before "
            "the log, or late. Until then nothing speaks for them."
        )
    yield (
        "That the log was not written anew as a whole by an administrator of the account, unless somebody has kept an "
        "earlier head: give it to `exports verify --since`."
    )
    yield "When something happened, better than the clocks of AWS's machines tell it."
    yield "SHA256SUMS, bundle.json, this page, reviews, letters and commits: nobody has signed them."


def how_to_verify(file_name: str) -> str:
    """How to verify a bundle of this name, in three ways."""
    name = file_name if re.fullmatch(r"\w[\w.-]*", file_name, re.ASCII) else shell_word(f"./{file_name}")
    return f"""\
1. With the command that made it, offline; KEYS is the estate's evidence-keys.txt, from elsewhere than this bundle:

     exports verify {name} --keys KEYS

2. With Go's own packages for signed notes and transparency logs (golang.org/x/mod); KEY is a line of KEYS:

     unzip -p {name} verify.go > verify.go
     go mod init verify && go get golang.org/x/mod && go run verify.go {name} KEY

3. With Python's own library alone. Read the program first: whoever gave you this bundle gave you the program.
   The same one stands in docs/evidence.md of the product, and is short enough to be written anew:

     unzip -p {name} verify.py > verify.py
     python3 verify.py {name} KEY
"""
