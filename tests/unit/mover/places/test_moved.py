"""A dataset that has another destination by now, while a large file was on its way to the earlier one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from data_exports.contract.settings import BucketSettings
from data_exports.mover.handler import handle_batch
from data_exports.mover.rules.protocol import Checkpoint, CopiedPart
from data_exports.mover.settings import Settings
from tests.conformance.azure_memory import AZURE_SETTINGS, AzureMemory, arrived_in
from tests.conformance.azure_world import AzureStore
from tests.conformance.google_memory import GOOGLE_SETTINGS, GoogleMemory, arrived_at
from tests.conformance.google_world import GoogleStore
from tests.model.memory_s3 import HUB, Memory, etag_of
from tests.unit.mover.notifications import message, notification

KEY, BODY = "orders/large", b"0123456789abcdefghijklmno"
BEGUN = Checkpoint(KEY, "v1", "VXBsb2FkIElE", len(BODY), 10, (CopiedPart(1, "9b2cf535f27731c9"), CopiedPart(2, "e-2")))


def delivered(settings: Settings, store: AzureStore | GoogleStore) -> dict[str, list[dict[str, str]]]:
    told = notification(KEY, eTag=etag_of(BODY), size=len(BODY))
    few = replace(settings, hub_bucket=HUB, keep_files=True, largest_copy_bytes=20, part_bytes=10)
    return handle_batch(
        {"Records": [message(told, received="2")]},
        settings=few,
        store=store,
        seconds_left=lambda: 900,
        log=lambda _: None,
    )


def to_azure(memory: Memory) -> tuple[AzureStore, Callable[[], bytes]]:
    azure = AzureMemory()
    return AzureStore(azure, memory), lambda: (arrived_in(azure, KEY) or (b"",))[0]


def to_google(memory: Memory) -> tuple[GoogleStore, Callable[[], bytes]]:
    google = GoogleMemory()
    return GoogleStore(google, memory), lambda: (arrived_at(google, KEY) or (b"",))[0]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "gs://hj-before",
        "https://hjresearch.blob.core.windows.net/before",
    ],
)
@pytest.mark.parametrize(
    ("settings", "to"), [(AZURE_SETTINGS, to_azure), (GOOGLE_SETTINGS, to_google)], ids=["azure", "google"]
)
def test_what_was_begun_elsewhere_is_sent_whole_and_forgotten(
    settings: Settings, to: Callable[[Memory], tuple[AzureStore | GoogleStore, Callable[[], bytes]]], before: str
) -> None:
    begun = replace(BEGUN, destination=before)
    store, arrived = to(Memory(checkpoints=((begun.upload_id, begun),)).upload(KEY, BODY))
    assert delivered(settings, store) == {"batchItemFailures": []}
    assert (arrived(), store.memory.checkpoints) == (BODY, ())


def test_checkpoints_of_s3_are_what_earlier_movers_read_and_others_name_their_destination() -> None:
    kinds = (BucketSettings(target_bucket="b"), AZURE_SETTINGS.destination, GOOGLE_SETTINGS.destination)
    assert [kind.name_in_checkpoints for kind in kinds] == [
        "",
        "https://hjresearch.blob.core.windows.net/incoming",
        "gs://hj-incoming",
    ]
