"""What exactly was looked at, and what was closed, as digests that everybody can work out again.

In: accesses, or a review. Out: ``sha256:`` and hex digits. Effects: none. Canonical bytes are UTF-8 JSON as RFC 8785
has it for such values: keys sorted, no white space, nothing escaped that need not be. An access is the facts that a
reviewer sees, not the actions of IAM that make it so: another version of this program grants those anew, and nobody
has to decide again. `docs/review-access.md` shows how to work them out without this program.
"""

import hashlib
import json
from collections.abc import Iterable

from data_exports.access.accesses import Access
from data_exports.json_values import json_value_of
from data_exports.reviews.models import AccessRow, Review, ReviewedDataset

SHORT_DIGITS = 16
"""So many hex digits name an access in a file; the review's own digest has all of each."""


def canonical_bytes(value: object) -> bytes:
    """The value as JSON in the one form in which it is hashed."""
    written = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=json_value_of)
    return written.encode(errors="surrogatepass")


def digest_of_access(access: Access) -> str:
    """The digest of one access: of what `exports who` tells of it, and of its end and its paperwork."""
    facts = {
        "dataset": access.dataset,
        "role": access.role,
        "principal": access.principal,
        "where": access.where,
        "recipient": access.recipient,
        "read": access.reads,
        "write": access.writes,
        "key": access.key,
        "keeps_files": access.keeps_files,
        "last_day": access.last_day,
        "paperwork": access.paperwork,
        **({"ssh_keys": sorted(access.ssh_keys)} if access.ssh_keys else {}),
        **({"destination": access.destination.declaration} if access.destination else {}),
    }
    return _sha256(canonical_bytes(facts))


def short_digest(digest: str) -> str:
    """The beginning of a digest, which names an access in a file."""
    return digest[: len("sha256:") + SHORT_DIGITS]


def digest_of_accesses(accesses: Iterable[Access]) -> str:
    """The digest of all accesses: of their digests, sorted, a line each."""
    lines = "".join(f"{each}\n" for each in sorted(map(digest_of_access, accesses)))
    return _sha256(lines.encode())


def seal_of(review: Review) -> str:
    """The digest of a closed review, of every fact and decision in it; of all but the seal itself."""
    facts = {name: getattr(review, name) for name in _SEALED}
    return _sha256(canonical_bytes({**facts, "datasets": [_sealed_dataset(dataset) for dataset in review.datasets]}))


# What is sealed is spelt out: a field that a later version adds must not break the seals of reviews that are closed.
_SEALED = ("platform", "started", "due", "digest", "closed")
_SEALED_DATASET = ("dataset", "kind", "owner", "paperwork", "until")
_SEALED_ACCESS = ("who", "role", "account", "may", "last_use", "access", "by", "reason")


def _sealed_dataset(dataset: ReviewedDataset) -> dict[str, object]:
    facts = {name: getattr(dataset, name) for name in _SEALED_DATASET}
    return {**facts, "accesses": [_sealed_access(row) for row in dataset.accesses]}


def _sealed_access(row: AccessRow) -> dict[str, object]:
    return {**{name: getattr(row, name) for name in _SEALED_ACCESS}, "decision": str(row.decision or "")}


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
