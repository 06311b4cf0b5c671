"""Bundles of evidence made of a log in memory, and repacked as somebody would who means ill."""

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from data_exports.aws import Aws
from data_exports.estate.evidence_lock import EvidenceLock
from data_exports.estate.models import Dataset
from data_exports.evidence.notes import VerifierKey
from data_exports.names import BucketName
from data_exports.notary.notary import notarise
from data_exports.operate.bundles.checking import BundleVerification, verify_bundle
from data_exports.operate.bundles.collecting import Collected, collected_from, receipt_lines
from data_exports.operate.bundles.commits import DeclaredCommits, NamedCommit
from data_exports.operate.bundles.layout import DIGESTS, BundleFacts
from data_exports.operate.bundles.packing import opened_bundle, write_bundle
from data_exports.views.bundle.page import Beside, bundle_files
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, push
from tests.evidence_places import LOG, NOW, MemoryPlaces

ORDERS = push("orders")
HUB = replace(PLATFORM, hub_bucket=BucketName("example-hub"), evidence=EvidenceLock(30))
"""The platform whose log the places in memory hold."""


def aws_of(places: MemoryPlaces) -> AwsAnswers:
    """AWS with these buckets."""
    buckets = {str(HUB.log_bucket): places.receipts, str(HUB.evidence_bucket): places.evidence}

    def get(*, Bucket: str, Key: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803 - boto3's
        if Key not in buckets[Bucket]:
            raise refusal("NoSuchKey")
        return {"Body": io.BytesIO(buckets[Bucket][Key].body)}

    def listed(*, Bucket: str, Prefix: str, StartAfter: str = "", **_: Any) -> Any:  # noqa: N803
        keys = sorted(key for key in buckets[Bucket] if key.startswith(Prefix) and key > StartAfter)
        return [{"Contents": [{"Key": key} for key in keys]}]

    return AwsAnswers({"caller": (PLATFORM.account, "arn"), "get_object": get, "list_objects_v2": listed})


def facts_of(
    dataset: Dataset = ORDERS, *, since: datetime | None = None, until: datetime | None = None, kind: str = "push"
) -> BundleFacts:
    return BundleFacts(
        dataset=dataset.name,
        kind=kind,
        stack=dataset.stack_name,
        log=LOG,
        made_at=NOW,
        made_by="exports 1",
        since=since,
        until=until,
    )


def make_bundle(
    places: MemoryPlaces,
    path: Path,
    facts: BundleFacts | None = None,
    *,
    dataset: Dataset = ORDERS,
    has_whole_log: bool = False,
    kept: Sequence[bytes] = (),
    commits: Sequence[NamedCommit | None] = (),
) -> Collected:
    """A bundle, as `exports evidence` makes it."""
    aws: Aws = aws_of(places)
    keys = [places.signer.verifier]
    heads = {f"kept {number}": body for number, body in enumerate(kept)}
    asked = facts or facts_of()
    with collected_from(HUB, dataset, aws, keys, asked, has_whole_log=has_whole_log, kept=heads) as collected:
        told = DeclaredCommits(tuple(commits) or (None,) * len(collected.records))
        beside = Beside(HUB, dataset, f"{places.signer.verifier}\n".encode(), [], ["a letter"], told)
        lines = receipt_lines(collected, aws, HUB, lambda _: None)
        write_bundle(path, bundle_files(collected, lines, kept, beside, path.name))
        return collected


def verified(path: Path, keys: Sequence[VerifierKey], kept: Mapping[str, bytes] | None = None) -> BundleVerification:
    """What whoever verifies finds, by keys from elsewhere."""
    with opened_bundle(path) as bundle:
        return verify_bundle(bundle, keys, kept, keys_from="elsewhere")


def files_in(path: Path) -> dict[str, bytes]:
    """What is in a zip."""
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def write_packed(path: Path, files: Mapping[str, bytes], *, sums: bool = True) -> Path:
    """A zip of these files, with digests that fit them, as whoever forges one makes it."""
    listed = dict(files)
    if sums:
        digests = ((name, hashlib.sha256(body).hexdigest()) for name, body in files.items() if name != DIGESTS)
        listed[DIGESTS] = "".join(f"{digest}  {name}\n" for name, digest in digests).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, body in listed.items():
            packed.writestr(name, body)
    return path


def forged(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """The bundle with one of its files changed, and digests that fit."""
    files = files_in(path)
    was = files[name]
    files[name] = change(was)
    assert files[name] != was
    return write_packed(path.with_name(f"forged-{path.name}"), files)


def log_of_three() -> tuple[MemoryPlaces, bytes]:
    """A log of three runs, with two datasets and two stacks; and the head after the first."""
    places = MemoryPlaces()
    places.add_receipts("orders", 3)
    places.add_receipts("lists", 5)
    places.deploy("exports-push-orders", {"name": "orders", "users": ["alpha_user_ana"], "paperwork": ["DPIA-1"]})
    places.deploy("exports-push-lists", {"name": "lists", "users": ["alpha_user_bob"]})
    run(places)
    first = places.evidence["checkpoint"].body
    places.add_receipts("lists", 4)
    run(places)
    places.add_receipts("orders", 2)
    places.add_receipts("lists", 1)
    places.deploy("exports-push-orders", {"name": "orders", "users": ["alpha_user_eve"], "paperwork": ["DPIA-1"]})
    run(places)
    return places, first


def run(places: MemoryPlaces) -> None:
    """A run of the notary, and the hour behind it."""
    notarise(places, places.signer.verifier, places.now)
    places.wait()
