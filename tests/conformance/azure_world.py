"""Azure in memory as the destination of a hub in memory: a world of scenarios, and a store for the schedules."""

from collections.abc import Mapping
from typing import Any

from data_exports.contract.tasks import Try
from data_exports.mover.places.azure.destination import AzureDestinationPlace
from data_exports.mover.places.federation import azure_token_steps
from data_exports.mover.rules.protocol import Call
from data_exports.mover.wire.bearer import BearerSender
from tests.conformance.azure_memory import AZURE_SETTINGS, BLOBS, TARGET, AzureMemory, arrived_in
from tests.conformance.folder_world import ReadingStore
from tests.conformance.memory_world import MemoryWorld
from tests.conformance.steps import Scenario
from tests.model.memory_s3 import Memory


class AzureStore(ReadingStore[AzureDestinationPlace]):
    """Where the destination is a container."""

    def __init__(self, azure: AzureMemory, memory: Memory) -> None:
        self.azure = azure
        super().__init__(
            memory,
            lambda hub, way: AzureDestinationPlace(
                TARGET,
                hub,
                BearerSender(way, azure_token_steps(AZURE_SETTINGS, TARGET), service="Azure", clock=azure.clock),
                BLOBS,
                clock=azure.clock,
            ),
        )
        self.way.others = azure.answer

    def send(self, call: Call, tag: int) -> None:
        """Some time passes between two calls."""
        self.azure.now += 3
        super().send(call, tag)


class AzureWorld(MemoryWorld):
    """A World whose recipient is a container."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario, may_list=True)
        self.azure = AzureMemory()
        self._store: Any = AzureStore(self.azure, Memory(versioning=scenario.versioning))

    def arrived(self, key: str) -> tuple[bytes, Mapping[str, str]] | None:
        return arrived_in(self.azure, key)

    def probe(self, key: str) -> list[Try]:
        tries: list[Try] = self._store.destination.probe(key, self._store.in_flight.ask)
        return tries
