"""What the deliveries of one key tell each other that are made together.

In: what one of them has settled. Out: what became of the others' uploads. No effects.
"""

from data_exports.contract.receipts import Outcome
from data_exports.mover.rules.hub_version import HubVersion
from data_exports.mover.rules.uploads import Upload


class SameKey:
    """Which version one of the deliveries has settled.

    All their uploads were in the hub before the first of them began. So what it found to be the newest, and wrote, is
    the newest of them all, and was written after whatever an earlier try of theirs may have written.
    """

    def __init__(self) -> None:
        self._settled: HubVersion | None = None
        self._by: Upload | None = None

    def note_settled(self, version: HubVersion | None, by: Upload) -> None:
        """Remember what the first of them has settled, if it has written anything."""
        if self._settled is None and version is not None:
            self._settled, self._by = version, by

    def outcome_of(self, upload: Upload) -> Outcome | None:
        """Tell what became of another upload; None if that is not settled.

        An equal content that was uploaded as `null`, too, may be an upload of its own. Then it is not settled.
        """
        if self._settled is None or self._by is None:
            return None
        if not upload.may_be(self._settled):
            return Outcome.SUPERSEDED
        by_id = self._settled.has_an_id or upload.is_surely(self._by)
        return Outcome.IGNORED if by_id else None
