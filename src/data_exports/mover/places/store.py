"""Where the calls of deliveries go: to the hub, to the journal, to the destination.

In: calls. Out: their answers (`in_flight`). Effects: what the calls ask for.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from data_exports.contract.settings import AzureSettings, BucketSettings
from data_exports.mover.places.destination import DestinationPlace
from data_exports.mover.places.hub import Hub
from data_exports.mover.places.in_flight import InFlight, Way
from data_exports.mover.places.journal import Journal
from data_exports.mover.places.operation import CallStep
from data_exports.mover.places.s3.bucket import Bucket
from data_exports.mover.places.s3.destination import CAPABILITIES, S3DestinationPlace
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Call,
    CompleteUpload,
    Copy,
    CopyPart,
    CopyVersion,
    FindUploads,
    HeadObject,
    ListVersions,
    PutReceipts,
    ReadAttributes,
    ReadCheckpoints,
    ReadVersioning,
    RemoveCheckpoint,
    Retire,
    RetireAll,
    SaveCheckpoint,
    StartUpload,
    StoreAnswer,
)
from data_exports.mover.settings import Settings
from data_exports.mover.wire.transport import HttpWay, Transport

# To one host: a batch's calls, and parts of large files on top. Other kinds of destinations have fewer of both.
_MOST_CONNECTIONS = CAPABILITIES.calls_at_once + CAPABILITIES.parts_at_once


@dataclass(frozen=True, slots=True)
class Places:
    """The three places of one dataset."""

    hub: Hub
    journal: Journal
    destination: DestinationPlace

    def steps(self) -> dict[type[Call], Callable[[Any], CallStep]]:
        """For each kind of call, what is done first for it."""
        hub, journal, destination = self.hub, self.journal, self.destination
        return {
            Copy: destination.copy,
            CopyVersion: destination.copy_version,
            CopyPart: destination.copy_part,
            StartUpload: destination.start_upload,
            FindUploads: destination.find_uploads,
            CompleteUpload: destination.complete_upload,
            AbortUpload: destination.abort_upload,
            HeadObject: hub.head,
            ListVersions: hub.versions,
            ReadVersioning: hub.versioning,
            Retire: hub.retire,
            RetireAll: hub.retire_all,
            ReadAttributes: hub.attributes,
            PutReceipts: journal.put_receipts,
            ReadCheckpoints: journal.read_checkpoints,
            SaveCheckpoint: journal.save_checkpoint,
            RemoveCheckpoint: journal.remove_checkpoint,
        }


class Store(InFlight[StoreAnswer]):
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
        self._steps = places.steps()

    def send(self, call: Call, tag: int) -> None:
        """Start a call and return at once. Raises if it cannot even be made."""
        self.start(tag, self._steps[type(call)](call))


def places_of(settings: Settings, way: HttpWay) -> Places:
    """The places that these settings name. Over the connections of `way` other kinds than S3 are asked, too."""
    hub, journal = hub_and_journal_of(settings)
    return Places(hub, journal, _destination_of(settings, hub, way))


def hub_and_journal_of(settings: Settings) -> tuple[Hub, Journal]:
    """The two places of the platform's own: all that is needed where nothing is delivered."""
    hub, log = (Bucket(name, settings.hub_account) for name in (settings.hub_bucket, settings.log_bucket))
    return Hub(hub), Journal(log, settings.dataset)


def _destination_of(settings: Settings, hub: Hub, way: HttpWay) -> DestinationPlace:
    """The destination, of the kind that is named; an idle function starts sooner without the others."""
    target = settings.destination
    if isinstance(target, BucketSettings):
        return S3DestinationPlace(target, hub.bucket, settings.function_name)
    from data_exports.mover.places.federation import azure_token_steps, google_token_steps
    from data_exports.mover.wire.bearer import BearerSender

    if isinstance(target, AzureSettings):
        from data_exports.mover.places.azure.destination import AZURE_CAPABILITIES, AzureDestinationPlace

        sender = BearerSender(way, azure_token_steps(settings, target), service=AZURE_CAPABILITIES.service)
        return AzureDestinationPlace(target, hub, sender, settings.store_url)
    from data_exports.mover.places.google.destination import GOOGLE_CAPABILITIES, GoogleDestinationPlace

    sender = BearerSender(way, google_token_steps(settings, target), service=GOOGLE_CAPABILITIES.service)
    return GoogleDestinationPlace(target, hub, sender, settings.store_url)


def open_store(
    settings: Settings,
    *,
    way: Way | None = None,
    rng: random.Random | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Store:
    """The store of these settings, which connects to nothing yet."""
    way = way or Transport(region=settings.region, endpoint_url=settings.endpoint_url, connections=_MOST_CONNECTIONS)
    return Store(places_of(settings, way), way, rng=rng, clock=clock)
