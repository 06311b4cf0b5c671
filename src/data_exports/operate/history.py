"""The history of a dataset: what became of each upload, who sent it, when.

In: an estate's dataset and an `Aws`. Out: a `History`, which is read once, as it streams. Effects: reads the log bucket
and IAM. Memory grows by about 100 bytes for each receipt, to drop repeats; for millions of them there is Athena
(`docs/operate.md`).
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from data_exports.aws import Aws
from data_exports.contract.keys import receipts_prefix_of
from data_exports.contract.receipts import Damaged, Outcome, Receipt
from data_exports.estate.models import Platform, PushDataset
from data_exports.json_values import json_as
from data_exports.operate.people import RoleIds, Uploader, read_role_ids, uploader_of
from data_exports.operate.receipts import EVER, Period, iterate_receipts
from data_exports.operate.rights import needing

OUTCOMES = tuple(outcome.value for outcome in Outcome if outcome.has_receipt)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries of a history are asked for; what is empty or None asks for all."""

    period: Period = EVER
    key: str = ""
    """A key, or a pattern with ``*`` and ``?``, with or without the dataset's prefix."""
    by: str = ""
    """Role, session or principal of the uploader; may be a pattern."""
    outcomes: tuple[str, ...] = ()


ALL = Wanted()


@json_as("*receipt uploaded_by_role=by.role")
@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One receipt, and who uploaded the file, in words where that is known."""

    receipt: Receipt
    by: Uploader | None


class History:
    """Entries in the order in which they were recorded, repeats dropped; iterate over it once.

    `damaged` holds what could not be read of what was iterated over so far.
    """

    def __init__(
        self, found: Iterator[Receipt | Damaged], push: PushDataset, wanted: Wanted, role_ids: RoleIds
    ) -> None:
        self.damaged: list[Damaged] = []
        self._found = found
        self._push = push
        self._wanted = wanted
        self._role_ids = role_ids
        self._seen: set[bytes] = set()
        self._named: dict[tuple[str, str], str] = {}

    def __iter__(self) -> Iterator[HistoryEntry]:
        return self.entries(self._found)

    def entries(self, found: Iterable[Receipt | Damaged]) -> Iterator[HistoryEntry]:
        """Those of these that are wanted, and did not come before; also of what was not `found` at first."""
        for each in found:
            if isinstance(each, Damaged):
                self.damaged.append(each)
                continue
            entry = HistoryEntry(each, uploader_of(self._uploaded_by(each), self._role_ids))
            if self._is_wanted(entry) and self._is_new(each):
                yield entry

    def _uploaded_by(self, receipt: Receipt) -> str | None:
        """Whom the receipt names; where it names nobody, whom an earlier one of the same upload named.

        A message that comes back may tell less than it did at first, so only what failed is remembered.
        """
        upload = receipt.identity[:2]
        if receipt.uploaded_by and receipt.outcome in (Outcome.FAILED, Outcome.GIVEN_UP):
            self._named[upload] = receipt.uploaded_by
        return receipt.uploaded_by or self._named.get(upload)

    def _is_wanted(self, entry: HistoryEntry) -> bool:
        wanted, receipt = self._wanted, entry.receipt
        if wanted.outcomes and receipt.outcome not in wanted.outcomes:
            return False
        if wanted.key and not is_like(receipt.key, wanted.key, self._push):
            return False
        return not wanted.by or (entry.by is not None and entry.by.matches(wanted.by))

    def _is_new(self, receipt: Receipt) -> bool:
        """Whether no receipt of the same key, version and outcome came before."""
        text = "\0".join(receipt.identity)
        digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
        if digest in self._seen:
            return False
        self._seen.add(digest)
        return True


def history_of(
    platform: Platform, push: PushDataset, aws: Aws, wanted: Wanted = ALL, *, role_ids: RoleIds | None = None
) -> History:
    """What became of the dataset's uploads; `role_ids` saves looking up the roles of its users.

    Iterating raises `AwsError` when the log bucket cannot be read, `RefusedError` when there is none.
    """
    known = read_role_ids(aws, platform, push.users) if role_ids is None else role_ids
    return History(_read(platform, push, aws, wanted.period), push, wanted, known)


def _read(platform: Platform, push: PushDataset, aws: Aws, period: Period) -> Iterator[Receipt | Damaged]:
    bucket = platform.log_bucket
    with needing(aws, "s3:ListBucket and s3:GetObject", f"{bucket}/{receipts_prefix_of(push.name)}"):
        yield from iterate_receipts(aws.client("s3"), bucket, push.name, period, account=platform.account)


def is_like(key: str, pattern: str, push: PushDataset) -> bool:
    """Whether a key is this one, or like this pattern; the dataset's prefix may be left out."""
    below = key.removeprefix(push.prefix)
    return pattern in (key, below) or fnmatchcase(key, pattern) or fnmatchcase(below, pattern)
