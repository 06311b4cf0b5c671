"""Where the calls of deliveries go: to the hub, to the journal, to the destination.

In: calls. Out: their answers (`in_flight`). Effects: what the calls ask for.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from data_exports.contract.receipts import PutReceipts
from data_exports.mover.places.destination import Destination
from data_exports.mover.places.hub import Hub
from data_exports.mover.places.in_flight import InFlight, Way
from data_exports.mover.places.journal import Journal
from data_exports.mover.places.operation import Step
from data_exports.mover.places.s3.bucket import Bucket, S3Target
from data_exports.mover.places.s3.destination import S3Destination
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Answer,
    Call,
    CompleteUpload,
    Copy,
    CopyPart,
    CopyVersion,
    FindUploads,
    HeadObject,
    ListVersions,
    ReadAttributes,
    ReadCheckpoints,
    ReadVersioning,
    RemoveCheckpoint,
    Retire,
    RetireAll,
    SaveCheckpoint,
    StartUpload,
)
from data_exports.mover.settings import Settings
from data_exports.mover.wire.transport import Transport


@dataclass(frozen=True, slots=True)
class Places:
    """The three places of one dataset."""

    hub: Hub
    journal: Journal
    destination: Destination

    def step_of(self, call: Call) -> Step:  # noqa: C901, PLR0911, PLR0912 a line for each call
        """What is done first for a call."""
        match call:
            case Copy():
                return self.destination.copy(call)
            case CopyVersion():
                return self.destination.copy_version(call)
            case CopyPart():
                return self.destination.copy_part(call)
            case HeadObject():
                return self.hub.head(call)
            case ListVersions():
                return self.hub.versions(call)
            case ReadVersioning():
                return self.hub.versioning()
            case Retire():
                return self.hub.retire(call)
            case RetireAll():
                return self.hub.retire_all(call)
            case ReadAttributes():
                return self.hub.attributes(call)
            case PutReceipts():
                return self.journal.put_receipts(call)
            case ReadCheckpoints():
                return self.journal.read_checkpoints(call)
            case SaveCheckpoint():
                return self.journal.save_checkpoint(call)
            case RemoveCheckpoint():
                return self.journal.remove_checkpoint(call)
            case StartUpload():
                return self.destination.start_upload(call)
            case FindUploads():
                return self.destination.find_uploads(call)
            case CompleteUpload():
                return self.destination.complete_upload(call)
            case AbortUpload():
                return self.destination.abort_upload(call)
            case _:
                assert_never(call)


class Store(InFlight[Answer]):
    """An ObjectStore: the three places of one dataset, and what is under way there."""

    def __init__(
        self,
        places: Places,
        way: Way,
        *,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect to nothing yet; the destination's capabilities are the store's."""
        super().__init__(way, rng=rng, clock=clock)
        self.capabilities = places.destination.capabilities
        self._places = places

    def send(self, call: Call, tag: int) -> None:
        """Start a call and return at once. Raises if it cannot even be made."""
        self.start(tag, self._places.step_of(call))


def places_of(settings: Settings) -> Places:
    """The places that these settings name."""
    hub = Hub(Bucket(settings.hub_bucket, settings.hub_account))
    journal = Journal(Bucket(settings.log_bucket, settings.hub_account), settings.dataset)
    target = S3Target(settings.target_bucket, settings.target_account, settings.target_kms_key)
    return Places(hub, journal, S3Destination(target, hub.bucket, settings.function_name))


def open_store(
    settings: Settings,
    *,
    way: Way | None = None,
    rng: random.Random | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Store:
    """The store of these settings, which connects to nothing yet."""
    places = places_of(settings)
    can = places.destination.capabilities
    connections = can.calls_at_once + can.parts_at_once  # parts of large files come on top
    way = way or Transport(region=settings.region, endpoint_url=settings.endpoint_url, connections=connections)
    return Store(places, way, rng=rng, clock=clock)
