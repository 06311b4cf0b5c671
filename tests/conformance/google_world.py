"""Google in memory as the destination of a hub in memory: a world of scenarios, and a store for the schedules."""

from collections.abc import Mapping
from typing import Any

from data_exports.contract.tasks import Try
from data_exports.mover.places.federation import google_token_steps
from data_exports.mover.places.google.destination import GoogleDestinationPlace
from data_exports.mover.wire.bearer import BearerSender
from tests.conformance.folder_world import ReadingStore
from tests.conformance.google_memory import GOOGLE_SETTINGS, OBJECTS, TARGET, GoogleMemory, arrived_at
from tests.conformance.memory_world import MemoryWorld
from tests.conformance.steps import Scenario
from tests.model.memory_s3 import Memory


class GoogleStore(ReadingStore[GoogleDestinationPlace]):
    """Where the destination is a bucket of Google's."""

    def __init__(self, google: GoogleMemory, memory: Memory) -> None:
        self.google = google
        super().__init__(
            memory,
            lambda hub, way: GoogleDestinationPlace(
                TARGET, hub, BearerSender(way, google_token_steps(GOOGLE_SETTINGS, TARGET), service="Google"), OBJECTS
            ),
        )
        self.way.others = google.answer


class GoogleWorld(MemoryWorld):
    """A World whose recipient is a bucket of Google's."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario, may_list=True)
        self.google = GoogleMemory()
        self._store: Any = GoogleStore(self.google, Memory(versioning=scenario.versioning))

    def arrived(self, key: str) -> tuple[bytes, Mapping[str, str]] | None:
        return arrived_at(self.google, key)

    def probe(self, key: str) -> list[Try]:
        tries: list[Try] = self._store.destination.probe(key, self._store.in_flight.ask)
        return tries
