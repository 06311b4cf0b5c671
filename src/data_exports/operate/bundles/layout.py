"""What lies in a bundle of evidence, and what whoever made it says of it.

In: facts as values or as JSON. Out: the other. Effects: none. Nothing in `bundle.json` is proven: it says what to look
for, and what was left out.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data_exports.contract.keys import receipts_prefix_of, time_in
from data_exports.contract.receipts import iso_time, moment_of
from data_exports.errors import PartlyDoneError

BUNDLE_VERSION = 1
BUNDLE_FACTS = "bundle.json"
LEAVES = "leaves.txt"
"""A line each: its number in the log, a blank, the entry."""
PROOF = "proof.bin"
"""The hashes of the whole subtrees without any of these leaves, 32 bytes each, from the left."""
BUNDLED_RECEIPTS = "receipts.jsonl"
"""The lines of the files of receipts as they stand there, in the order of their leaves."""
DAMAGED_LINES = "damaged"
"""What stands for an outcome where lines that are no receipts are counted."""
KEPT_HEADS = "heads/"
"""Heads that the other side has kept, each called by a number."""
DIGESTS = "SHA256SUMS"
_DATASET = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,50}[a-z0-9])?")


class UnreadableBundleError(PartlyDoneError):
    """What is said to be a bundle cannot be read as one: nothing is known of what it should prove."""

    kind = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleFacts:
    """What whoever made a bundle says of it."""

    dataset: str
    kind: str
    """``push`` or ``pull``."""
    stack: str
    log: str
    made_at: datetime
    made_by: str
    since: datetime | None = None
    until: datetime | None = None
    not_logged_files: int = 0
    """So many files of receipts were there and not in the log; they are left out."""
    not_logged_receipts: int = 0
    gone: tuple[str, ...] = ()
    """Files of receipts that are logged, and were not there any more."""
    expired: tuple[str, ...] = ()
    """The same, where a rule that is in the log had them deleted: `receipts_days`."""

    @property
    def gone_files(self) -> int:
        """How many are gone."""
        return len(self.gone)

    @property
    def expired_files(self) -> int:
        """How many had expired."""
        return len(self.expired)

    @property
    def lacking(self) -> frozenset[str]:
        """All files of receipts that are logged, and were not there any more."""
        return frozenset((*self.gone, *self.expired))

    def is_asked(self, key: str) -> bool:
        """Whether a file of receipts is the dataset's and of this time, as its name says; one without a time is."""
        if not key.startswith(receipts_prefix_of(self.dataset)):
            return False
        named = time_in(key)
        begins = self.since and self.since.replace(microsecond=0)  # names have whole seconds
        return named is None or ((begins is None or begins <= named) and (self.until is None or named < self.until))

    def encode(self) -> bytes:
        """The file."""
        told: dict[str, Any] = {
            "version": BUNDLE_VERSION,
            **{name: getattr(self, name) for name in _TEXTS},
            **{name: moment and iso_time(moment) for name in _MOMENTS for moment in [getattr(self, name)]},
            **{name: getattr(self, name) for name in _NUMBERS},
            **{name: list(getattr(self, name)) for name in _LISTS},
        }
        return json.dumps(told, indent=2).encode() + b"\n"


_TEXTS = ("dataset", "kind", "stack", "log", "made_by")
_MOMENTS = ("made_at", "since", "until")
_NUMBERS = ("not_logged_files", "not_logged_receipts")
_LISTS = ("gone", "expired")


def facts_in(body: bytes) -> BundleFacts:
    """What a bundle's facts say. Raises `UnreadableBundleError`."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableBundleError("it is no JSON", where=BUNDLE_FACTS) from error
    version = found.get("version") if isinstance(found, dict) else None
    if type(version) is int and version > BUNDLE_VERSION:
        next_step = "verify it with a newer version of this program"
        raise UnreadableBundleError("it was made by a newer program", where=BUNDLE_FACTS, next_step=next_step)
    wrong = _wrong_in(found) if version == BUNDLE_VERSION else "version"
    if wrong:
        raise UnreadableBundleError(f"it does not say what a bundle says: {wrong}", where=BUNDLE_FACTS)
    moments = {name: moment_of(found[name]) for name in _MOMENTS}
    plain = {name: found[name] for name in (*_TEXTS, *_NUMBERS)}
    lists = {name: tuple(found[name]) for name in _LISTS}
    return BundleFacts(**plain, **moments, **lists)  # type: ignore[arg-type]


def _wrong_in(found: dict[str, Any]) -> str:
    """The first field that is not there or of another kind; "" if there is none."""
    right: dict[str, bool] = {name: isinstance(found.get(name), str) for name in _TEXTS}
    right |= {name: type(found.get(name)) is int and 0 <= found[name] < 1 << 53 for name in _NUMBERS}
    right |= {name: name in found and _is_moment(found[name], may_lack=name != "made_at") for name in _MOMENTS}
    right |= {name: _is_list_of_texts(found.get(name)) for name in _LISTS}
    right["kind"] = found.get("kind") in ("push", "pull")
    right["dataset"] = right["dataset"] and bool(_DATASET.fullmatch(found["dataset"]))
    return next((name for name, is_right in right.items() if not is_right), "")


def _is_list_of_texts(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(each, str) for each in found)


def _is_moment(found: object, *, may_lack: bool) -> bool:
    return (may_lack and found is None) or (isinstance(found, str) and moment_of(found) is not None)


def sums_of(digests: Collection[tuple[str, str]]) -> bytes:
    """The list of digests by file, as `sha256sum --check` reads it."""
    return "".join(f"{digest}  {name}\n" for name, digest in digests).encode()
