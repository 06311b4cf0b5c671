"""The books of one delivery: what was written to the recipient, and which receipts are due.

In: an `Upload`, and what happens to it. Out: receipts, for `delivery` to have written. No effects.
"""

from typing import Any

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome, Receipt
from data_exports.mover.rules.hub_version import HubVersion
from data_exports.mover.rules.protocol import Copied
from data_exports.mover.rules.uploads import Upload


class Ledger:
    """What one delivery has written so far."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.written: HubVersion | None = None  # what is known to be at the recipient: the version written last
        self.wrote = False  # whether anything was written to the recipient
        self.delivered = False  # whether the upload itself was written to the recipient
        self.due: list[Receipt] = []  # receipts that are not on disk yet
        self.accounted = False  # whether the upload itself has its receipt, on disk or due

    @property
    def outcome(self) -> Outcome:
        """What became of the upload, once something was written to the recipient."""
        return Outcome.DELIVERED if self.delivered else Outcome.SUPERSEDED

    def note_written(self, version: HubVersion, copied: Copied) -> None:
        """Remember that a version now is at the recipient, and that its receipt is due."""
        self.written = version
        self.wrote = True
        self.delivered = self.delivered or self._upload.may_be(version)
        self._note(
            version,
            Outcome.DELIVERED,
            delivered_at=copied.at,
            destination_version=copied.destination_version,
            destination_etag=copied.destination_etag,
            digest=copied.digest or None,
        )

    def note_interference(self) -> None:
        """Remember that another one was at work on the key: what is at the recipient now is not known any more."""
        self.written = None

    def note_not_delivered(self, outcome: Outcome, reason: str | None = None, cause: Cause | None = None) -> None:
        """Remember that a receipt is due that says why the upload itself was not delivered."""
        self._note(self._upload.version, outcome, reason=reason, cause=cause)

    def _note(self, version: HubVersion, outcome: Outcome, **facts: Any) -> None:
        """Remember a receipt of the version. Who uploaded it is known of the upload itself alone."""
        upload = self._upload
        own = upload.may_be(version)
        self.due.append(
            Receipt(
                key=upload.key,
                version_id=version.version_id,
                etag=version.etag,
                size_bytes=version.size_bytes,
                uploaded_by=upload.uploaded_by if own else None,
                uploaded_at=upload.uploaded_at if own else version.last_modified,
                outcome=outcome,
                receive_count=upload.receive_count,
                message_id=upload.message_id,
                **facts,
            )
        )
        self.accounted = self.accounted or own
