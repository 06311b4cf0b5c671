"""What is sent, and what became of it: as text, as data for ``--json``, and as the error it ends with, if any.

In: `Sources`, `Sent`, how far each upload was followed. Out: text, plain values, an exception or None. Effects: none.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from data_exports.contract.receipts import Receipt
from data_exports.errors import ExportsError, PartlyDoneError
from data_exports.estate.models import Platform, PushDataset
from data_exports.json_values import json_as
from data_exports.operate.follow import Followed
from data_exports.operate.history import HistoryEntry
from data_exports.operate.send import NotUploaded, Sent, Uploaded
from data_exports.operate.sources import Sources
from data_exports.text import counted, printable, size_words
from data_exports.views.history import HEADING, render_entry

NAMED_AT_MOST = 10


class NotDeliveredError(ExportsError):
    """At least one file ended otherwise than at the recipient."""

    kind = "not_delivered"


def render_hidden(sources: Sources) -> str:
    """What is left out of folders; nothing if nothing is."""
    return f"left out, because hidden: {_named([*map(str, sources.hidden)])}" if sources.hidden else ""


def render_superseded(push: PushDataset, waiting: Collection[str]) -> str:
    """Which uploads in the hub these will take the place of; nothing if none."""
    what = "kept in the hub under the same name" if push.keep_files else "still waiting under the same name"
    return f"{what}, and now superseded: {_named(sorted(waiting))}" if waiting else ""


def render_sources(sources: Sources, push: PushDataset) -> str:
    """What is about to be sent."""
    return f"sending {counted(len(sources.files), 'file')}, {size_words(sources.size_bytes)}, for {push.name}"


def render_file_result(result: Uploaded | NotUploaded) -> str:
    """What became of one file."""
    if isinstance(result, Uploaded):
        return f"uploaded {printable(result.source.key)} ({size_words(result.source.size_bytes)})"
    return f"NOT uploaded {printable(str(result.source.path))}: {printable(result.reason)}"


def render_interrupted(sources: Sources, sent: Sent) -> str:
    """What was through when sending was broken off, and what was not."""
    through = {each.source.key for each in sent.uploaded}
    rest = [printable(str(each.path)) for each in sources.files if each.key not in through]
    said = f"{counted(len(through), 'file')} uploaded, and will be delivered; {counted(len(rest), 'file')} not:"
    lines = [said, *(f"  {each}" for each in rest[:NAMED_AT_MOST])]
    return "\n".join([*lines, *([f" {_and_more(len(rest))}"] if len(rest) > NAMED_AT_MOST else [])])


def _named(names: Sequence[str]) -> str:
    """The first of these names, and how many more there are."""
    return f"{', '.join(map(printable, names[:NAMED_AT_MOST]))}{_and_more(len(names))}"


def _and_more(count: int) -> str:
    return f" and {count - NAMED_AT_MOST:,} more" if count > NAMED_AT_MOST else ""


def render_sent(sent: Sent, followed: Sequence[Followed], *, width: int | None = None) -> str:
    """The receipts, if the uploads were followed; otherwise each upload with its version. `width`: the terminal's."""
    if not followed:
        return "\n".join(printable(f"{each.source.key}  version {each.version_id}") for each in sent.uploaded)
    return render_followed(followed, width=width)


def render_followed(followed: Sequence[Followed], *, width: int | None = None) -> str:
    """The receipts of uploads that were followed. `width`: the terminal's."""
    receipts = [render_entry(HistoryEntry(each.receipt, None), width=width) for each in followed if each.receipt]
    return "\n".join([HEADING, *receipts] if receipts else ["no receipts yet"])


@json_as(
    "path=uploaded.source.path key=uploaded.source.key version_id=uploaded.version_id",
    "size_bytes=uploaded.source.size_bytes changed_while_read=uploaded.changed receipt",
)
@dataclass(frozen=True, slots=True)
class UploadedData:
    """A file in the hub, and its receipt if it was waited for."""

    uploaded: Uploaded
    receipt: Receipt | None


@dataclass(frozen=True, slots=True)
class SentData:
    """What was sent."""

    dataset: str
    hub_bucket: str
    uploaded: Sequence[UploadedData]
    not_uploaded: Sequence[NotUploaded]


def sent_as_data(push: PushDataset, platform: Platform, sent: Sent, followed: Sequence[Followed]) -> SentData:
    """Every fact of what was sent."""
    receipts = {(each.key, each.version_id): each.receipt for each in followed}
    uploaded = [UploadedData(each, receipts.get((each.source.key, each.version_id))) for each in sent.uploaded]
    return SentData(push.name, platform.hub_bucket, uploaded, sent.failed)


def error_of_sending(push: PushDataset, sent: Sent, followed: Sequence[Followed]) -> ExportsError | None:
    """What did not go as it should, the worst first, or None."""
    if sent.failed and not sent.uploaded and sent.failed[0].error:
        return sent.failed[0].error
    if lost := error_of_lost(push, followed):
        return lost
    if sent.failed:
        total = len(sent.failed) + len(sent.uploaded)
        return PartlyDoneError(
            f"{counted(len(sent.failed), 'file')} of {total} could not be uploaded", next_step="send those files again"
        )
    changed = [printable(str(each.source.path)) for each in sent.uploaded if each.changed]
    if changed:
        return PartlyDoneError(
            f"changed while it was read, so it may have been sent torn: {', '.join(changed[:NAMED_AT_MOST])}",
            next_step="send it again",
        )
    return error_of_late(push, followed)


def error_of_lost(push: PushDataset, followed: Sequence[Followed]) -> ExportsError | None:
    """Which of these uploads have ended otherwise than at the recipient, if any."""
    lost = [each for each in followed if each.receipt and not each.is_delivered]
    if not lost:
        return None
    return NotDeliveredError(
        f"{counted(len(lost), 'file')} of {len(followed)} did not arrive: {_tally(lost)}",
        next_step=f"exports failures {push.name}; what failed stays in the hub and can be delivered later",
    )


def error_of_late(push: PushDataset, followed: Sequence[Followed]) -> ExportsError | None:
    """Which of these uploads have no receipt, if any."""
    late = sum(not each.receipt for each in followed)
    if late:
        return PartlyDoneError(
            f"{counted(late, 'file')} of {len(followed)} {'has' if late == 1 else 'have'} no receipt yet; "
            "the delivery goes on",
            next_step=f"exports history {push.name}, or exports status {push.name}",
        )
    return None


def _tally(followed: Sequence[Followed]) -> str:
    counts = Counter(each.receipt.outcome for each in followed if each.receipt)
    return ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in sorted(counts.items()))
