"""The books of one delivery: what was written to the recipient, and which receipts are due.

In: an `Upload`, and what happens to it. Out: receipts, for `delivery` to have written. No effects.
"""

from .calls import Copied, HubVersion
from .causes import Cause
from .receipts import Fate, Receipt
from .uploads import Upload


class Ledger:
    """What one delivery has written so far."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.written: str | None = None  # the hub version that was written to the recipient last
        self.delivered = False  # whether the upload itself was written to the recipient
        self.due: list[Receipt] = []  # receipts that are not on disk yet
        self.accounted = False  # whether the upload itself has its receipt, on disk or due

    @property
    def fate(self) -> Fate:
        """What became of the upload, once something was written to the recipient."""
        return Fate.DELIVERED if self.delivered else Fate.SUPERSEDED

    def note_written(self, version: HubVersion, copied: Copied) -> None:
        """Remember that a version now is at the recipient, and that its receipt is due."""
        upload = self._upload
        own = version.version_id == upload.version_id
        self.written = version.version_id
        self.delivered = self.delivered or own
        self._note(
            Receipt(
                key=upload.key,
                version_id=version.version_id,
                etag=version.etag,
                size_bytes=version.size_bytes,
                uploaded_by=upload.uploaded_by if own else None,
                uploaded_at=upload.uploaded_at if own else version.last_modified,
                outcome=Fate.DELIVERED,
                delivered_at=copied.at,
                target_version_id=copied.target_version_id,
                target_etag=copied.target_etag,
                receive_count=upload.receive_count,
                message_id=upload.message_id,
            )
        )

    def note_not_delivered(self, fate: Fate, reason: str | None = None, cause: Cause | None = None) -> None:
        """Remember that a receipt is due that says why the upload itself was not delivered."""
        upload = self._upload
        self._note(
            Receipt(
                key=upload.key,
                version_id=upload.version_id,
                etag=upload.etag,
                size_bytes=upload.size_bytes,
                uploaded_by=upload.uploaded_by,
                uploaded_at=upload.uploaded_at,
                outcome=fate,
                reason=reason,
                cause=cause,
                receive_count=upload.receive_count,
                message_id=upload.message_id,
            )
        )

    def _note(self, receipt: Receipt) -> None:
        self.due.append(receipt)
        self.accounted = self.accounted or receipt.version_id == self._upload.version_id
