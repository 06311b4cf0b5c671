"""What the commands say of a bundle: once it is made, and once it is verified.

In: what was collected, or a `BundleVerification`. Out: text, and values for JSON. Effects: none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from data_exports.evidence.checking import DeviationKind
from data_exports.operate.bundles.checking import BundleVerification
from data_exports.operate.bundles.collecting import Collected
from data_exports.text import counted, printable, size_words
from data_exports.views.bundle.page import period_words
from data_exports.views.verify import kept_heads_words, render_deviations


@dataclass(frozen=True, slots=True)
class BundleData:
    """A bundle that was made."""

    file: Path
    size_bytes: int
    dataset: str
    since: datetime | None
    until: datetime | None
    log: str
    size: int
    """Leaves of the log."""
    root: str
    has_whole_log: bool
    receipts: int
    outcomes: Mapping[str, int]
    files: int
    late_files: int
    deployments: int
    not_logged_files: int
    not_logged_receipts: int
    gone: Sequence[str]
    """Files of receipts that are logged, and not there any more."""
    expired_files: int
    """So many more, which a rule that is in the log had deleted."""


def bundle_as_data(collected: Collected, path: Path, size_bytes: int) -> BundleData:
    """What is in the bundle that lies there."""
    facts = collected.facts
    return BundleData(
        file=path,
        size_bytes=size_bytes,
        dataset=facts.dataset,
        since=facts.since,
        until=facts.until,
        log=facts.log,
        size=collected.head.size,
        root=collected.head.root.hex(),
        has_whole_log=collected.has_whole_log,
        receipts=collected.outcomes.total(),
        outcomes=dict(sorted(collected.outcomes.items())),
        files=len(collected.files) - len(facts.lacking),
        late_files=collected.late_files,
        deployments=len(collected.records),
        not_logged_files=facts.not_logged_files,
        not_logged_receipts=facts.not_logged_receipts,
        gone=facts.gone,
        expired_files=len(facts.expired),
    )


def render_bundle(data: BundleData) -> str:
    """Where it is, what is in it, and what is not."""
    holds = f"{_receipts(data.receipts, data.files)} and {counted(data.deployments, 'deployment')}"
    leaves = counted(data.size, "leaf", "leaves")
    lines = [
        f"{printable(str(data.file))} ({size_words(data.size_bytes)}): {holds} of {data.dataset},",
        f"  in a log of {leaves}; index.html in it says what that proves, and how to verify it",
    ]
    if not data.has_whole_log:
        lines.append("  it does not prove that nothing was left out: --whole-log does, and tells of other datasets")
    if data.not_logged_files:
        waiting = _receipts(data.not_logged_receipts, data.not_logged_files)
        lines.append(f"  not yet logged, so not proven and left out: {waiting}")
    lines += _late(data.late_files)
    if data.expired_files:
        lines.append(f"  expired by policy, as receipts_days had them deleted: {counted(data.expired_files, 'file')}")
    lines += [f"  logged, and not there any more: {printable(each)}" for each in data.gone]
    return "\n".join(lines)


def render_bundle_verification(found: BundleVerification) -> str:
    """What is proven, then what is not."""
    return "\n".join([*_said_of(found), *render_deviations(found.deviations)])


def _said_of(found: BundleVerification) -> Iterator[str]:
    what = f"{_receipts(found.receipts, found.files)} and {counted(found.deployments, 'deployment')}"
    of = f"of {printable(found.facts.dataset)}{period_words(found.facts)}"
    if found.of_kind(DeviationKind.TAMPERED):
        yield f"The bundle {of} does not hold what it claims ({found.seconds:.1f} s)"
    else:
        yield f"{what} {of} are in the log {printable(found.facts.log)} ({found.seconds:.1f} s)"
        yield f"  {counted(found.size, 'leaf', 'leaves')}, signed by key {found.signed_by}, root {found.root}"
        if found.outcomes:
            outcomes = ", ".join(f"{number:,} {printable(outcome)}" for outcome, number in found.outcomes.items())
            yield f"  {outcomes}"
        if found.heads:
            yield kept_heads_words(found.heads)
        yield from _bounds(found)
    yield from _late(found.late_files)
    if found.facts.not_logged_files:
        waiting = _receipts(found.facts.not_logged_receipts, found.facts.not_logged_files)
        yield f"  left out, as not yet logged when the bundle was made: {waiting}"


def _bounds(found: BundleVerification) -> Iterator[str]:
    if found.has_whole_log:
        yield "  nothing of this dataset that is logged was left out: every leaf of the log is in the bundle"
    else:
        yield "  not proven: that nothing was left out; a bundle made with --whole-log proves that, too"
    if found.keys_from == "bundle":
        yield "  by the key that lies in the bundle itself: give --keys FILE with one that you have from elsewhere"


def _late(files: int) -> Iterator[str]:
    if files:
        yield f"  {counted(files, 'file')} came into the log more than a day after the time in the name"


def _receipts(receipts: int, files: int) -> str:
    return f"{counted(receipts, 'receipt')} in {counted(files, 'file')}"
