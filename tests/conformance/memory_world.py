"""The S3 in memory (`tests/model`) as a world of scenarios.

In: a scenario. Out: a `MemoryWorld`. No effects. It knows neither accounts nor regions: whatever asks for another
account's bucket is not answered.
"""

from collections.abc import Mapping, Sequence

from data_exports.contract.settings import BucketSettings
from data_exports.contract.tasks import Try
from data_exports.mover.rules.protocol import (
    Call,
    Copy,
    CopyPart,
    CopyVersion,
    Forbidden,
    ObjectStore,
    StartUpload,
    StoreAnswer,
)
from data_exports.mover.settings import Settings
from tests.conformance.steps import Scenario
from tests.model.memory_s3 import Memory, MemoryStore

SETTINGS = Settings(
    dataset="orders",
    hub_bucket="hub",
    hub_account="593291632749",
    destination=BucketSettings(target_bucket="target", target_account="754256621582"),
    keep_files=False,
    log_bucket="log",
    mover_version="1",
    largest_copy_bytes=5 * 1024 * 1024,
    region="eu-west-1",
    endpoint_url=None,
    part_bytes=5 * 1024 * 1024,
)
DEFAULT_TYPE = "binary/octet-stream"
_OF_AN_ACCOUNT = ("hub_account", "hub_bucket", "destination", "log_bucket")


class NotInMemoryError(Exception):
    """A scenario asks for what there is at a server alone."""


class MemoryWorld:
    """A World in memory."""

    def __init__(self, scenario: Scenario, *, may_list: bool) -> None:
        if scenario.target_elsewhere:
            raise NotInMemoryError("there are no regions in memory")
        self.may_list = may_list
        self.settings = SETTINGS
        self._store = MemoryStore(Memory(versioning=scenario.versioning), may_list=may_list)

    def upload(self, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        self._store.memory = self._store.memory.upload(key, body, tuple(sorted(headers.items())))

    def delete(self, key: str) -> None:
        self._store.memory = self._store.memory.delete(key)

    def remove_versions(self, key: str) -> None:
        self._store.memory = self._store.memory.remove_versions(key)

    def set_versioning(self, status: str) -> None:
        self._store.memory = self._store.memory._replace(versioning=status)

    def refuse_copies(self) -> None:
        self._store.refusals |= dict.fromkeys((Copy, CopyVersion, StartUpload, CopyPart), Forbidden(""))

    def ask(self, call: Call, settings: Settings) -> StoreAnswer:
        self.store(settings).send(call, 0)
        return self._store.wait()[1]

    def store(self, settings: Settings) -> ObjectStore:
        changed = [name for name in _OF_AN_ACCOUNT if getattr(settings, name) != getattr(self.settings, name)]
        if changed:
            raise NotInMemoryError(f"there is no other {changed[0]} in memory")
        return self._store

    def arrived(self, key: str) -> tuple[bytes, Mapping[str, str]] | None:
        stored = self._store.memory.delivered(key)
        return stored and (stored.body, {name: value for name, value in stored.attributes if value != DEFAULT_TYPE})

    def logged(self, key: str) -> bytes:
        return dict(self._store.memory.log)[key]

    def log_keys(self) -> Sequence[str]:
        return [key for key, _ in self._store.memory.log]

    def version_id(self, name: str) -> str:
        return name

    def version_name(self, version_id: str) -> str:
        return version_id

    def probe(self, key: str) -> list[Try]:
        raise NotInMemoryError("there are no rights in memory")

    def named_region(self) -> str:
        raise NotInMemoryError("there are no regions in memory")
