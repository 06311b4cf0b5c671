"""What must be true at the end of every world of the explorer.

In: a world in which nothing more will happen. Out: what of the promise is broken. No effects.
"""

from collections.abc import Iterator, Sequence

from data_exports.contract.receipts import Outcome
from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.protocol import WriteReceipts
from tests.model.memory_s3 import ON, Memory, Stored, etag_of
from tests.model.worlds import Bounds, Told, World

_FINAL = {Outcome.DELIVERED, Outcome.SUPERSEDED, Outcome.CANCELLED}


def broken(
    world: World, memory: Memory, uploads: Sequence[Stored], bounds: Bounds, *, keep_files: bool
) -> Iterator[str]:
    """Name what is wrong, but for the receipts. `uploads` is what was uploaded, as it was."""
    (content,) = [content for _, content in memory.hub]
    delivered, newest = dict(memory.target).get(memory.hub[0][0]), uploads[-1]
    cancelled = world.left.cancels < bounds.cancels
    if cancelled and newest.version_id not in {stored.version_id for stored in content.versions}:
        if delivered is None and any(told.outcome is Outcome.DELIVERED for told in world.receipts):
            yield "a receipt of a delivery that never was"
    elif delivered is None or delivered.body != newest.body:
        yield "the recipient does not hold the newest content"
    elif delivered.attributes != newest.attributes:
        yield "the recipient does not hold the newest upload's attributes"
    if not cancelled:
        yield from _broken_in_the_hub(memory, newest, keep_files=keep_files)
    elif not keep_files and content.current:
        yield "the hub still shows an upload"
    yield from _left_behind(memory, bounds)


def _broken_in_the_hub(memory: Memory, newest: Stored, *, keep_files: bool) -> Iterator[str]:
    (content,) = [content for _, content in memory.hub]
    if newest not in content.versions:
        yield "the newest upload was destroyed"
    elif keep_files and content.current != newest:
        yield "the hub does not show the newest upload"
    elif not keep_files and content.current and memory.versioning == ON:
        yield "the hub still shows an upload"


def _left_behind(memory: Memory, bounds: Bounds) -> Iterator[str]:
    """What nobody will ever remove. An empty upload costs nothing; it is there if its maker died at once."""
    if memory.checkpoints and not bounds.faults:
        yield "a checkpoint is left"
    if memory.writes < 0 and any(
        upload.parts or not (bounds.crashes or bounds.faults > 1) for _, upload in memory.in_parts
    ):
        yield "an upload in parts is left at the recipient"


def broken_receipts(world: World, memory: Memory, uploads: Sequence[Stored], bounds: Bounds) -> Iterator[str]:
    """Name what is wrong with the receipts."""
    told = {(each.version, each.etag): set[Outcome]() for each in world.receipts}
    for each in world.receipts:
        told[each.version, each.etag].add(each.outcome)
    (content,) = [content for _, content in memory.hub]
    newest = uploads[-1]
    cancelled = world.left.cancels < bounds.cancels and newest not in content.versions
    if not cancelled and Outcome.DELIVERED not in told.get(_identity(newest), ()):
        yield "the newest upload has no receipt of its delivery"
    # Nobody can know of an upload whose event was lost before a newer one took its place.
    for number, upload in enumerate(uploads[-1:] if bounds.losses else uploads):
        if not told.get(_identity(upload), set()) & _FINAL:
            yield f"upload {number} has no receipt"
        elif upload.version_id == NULL and not bounds.losses and not _has_its_own(number, world.receipts):
            yield f"upload {number} has no receipt of its own"
    delivered = dict(memory.target).get(memory.hub[0][0])
    is_calm = not bounds.crashes and not bounds.faults and not bounds.lates and not bounds.late_starts
    if is_calm and delivered and Outcome.DELIVERED not in told.get((delivered.version_id, _hub_etag(delivered)), ()):
        yield "the recipient holds what no receipt tells of"


def _identity(upload: Stored) -> tuple[str, str]:
    return upload.version_id, upload.etag


def _hub_etag(delivered: Stored) -> str:
    return etag_of(delivered.body)


def _has_its_own(number: int, receipts: frozenset[Told]) -> bool:
    return any(told.upload == number and told.outcome in _FINAL for told in receipts)


def told_by(receipts: frozenset[Told], request: WriteReceipts) -> frozenset[Told]:
    """Add receipts; one of a delivery makes void that the same upload was superseded."""
    more = set(receipts)
    for receipt in request.receipts:
        own = receipt.version_id == NULL and receipt.uploaded_by is not None
        more.add(
            Told(
                receipt.version_id,
                receipt.etag,
                Outcome(receipt.outcome),
                int(receipt.uploaded_by or "") if own else -1,
            )
        )
    delivered = {told for told in more if told.outcome is Outcome.DELIVERED}
    return frozenset(told for told in more if told._replace(outcome=Outcome.DELIVERED) not in delivered - {told})


def invented(request: WriteReceipts) -> str:
    """Name a receipt of a delivery whose content is not what was written; a copy in parts has an ETag of its own."""
    told = [receipt for receipt in request.receipts if receipt.outcome is Outcome.DELIVERED]
    written = [receipt.destination_etag or "" for receipt in told]
    is_invented = any(
        etag not in (receipt.etag, "as before") and "-" not in etag for receipt, etag in zip(told, written, strict=True)
    )
    return " !a receipt of what was not written" if is_invented else ""
