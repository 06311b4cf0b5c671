"""Every kind of destination passes one suite (`tests/conformance/destinations.py`): S3 on the local AWS, S3 in memory,
Azure and Google in memory and at their stand-ins, and a folder on disk, which cannot copy by itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from data_exports.local.clouds.faults import InjectedFault
from data_exports.local.emulator import LocalAws
from tests.conformance.azure_world import AzureWorld
from tests.conformance.destinations import (
    SUITE,
    A,
    a_probe_finds_that_all_is_allowed_and_replaces_nothing,
    the_last_write_counts,
    uploads_of_this_very_key_are_found,
)
from tests.conformance.folder_world import FolderWorld
from tests.conformance.google_world import GoogleWorld
from tests.conformance.lacking import LACKING
from tests.conformance.local_aws import local_aws_world
from tests.conformance.memory_world import MemoryWorld
from tests.conformance.outside_world import Recipient, outside_world
from tests.conformance.scenarios.common import KEY
from tests.conformance.stand_ins import ActingGoogleStandIn, AzureStandIn, GoogleStandIn
from tests.conformance.steps import Capability, Scenario
from tests.conformance.world import World

EMPTY = Scenario("a destination", "https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html", ())
MEMORY, FOLDER, LOCAL = "S3 in memory", "a folder", "S3 on the local AWS"
AZURE, GOOGLE = "Azure in memory", "Google in memory"
STAND_INS: dict[str, Callable[[], Recipient]] = {
    "Azure's stand-in": AzureStandIn,
    "Google's stand-in": GoogleStandIn,
    "Google's stand-in, as a service account": ActingGoogleStandIn,
}
ON_THE_LOCAL_AWS = (LOCAL, *STAND_INS)


@contextmanager
def world_of(kind: str, folder: Path, local_aws: Callable[[], Any]) -> Iterator[World]:
    if kind == LOCAL:
        with local_aws_world(local_aws(), EMPTY, may_list=True) as world:
            yield world
    elif kind in STAND_INS:
        with outside_world(local_aws(), EMPTY, STAND_INS[kind]()) as world:
            yield world
    elif kind in (AZURE, GOOGLE):
        yield AzureWorld(EMPTY) if kind == AZURE else GoogleWorld(EMPTY)
    else:
        yield FolderWorld(EMPTY, folder) if kind == FOLDER else MemoryWorld(EMPTY, may_list=True)


def _words_of(check: Callable[[World], None]) -> str:
    return check.__name__.replace("_", " ")


NOT_RUN = {
    (MEMORY, a_probe_finds_that_all_is_allowed_and_replaces_nothing): "it answers calls, and knows no rights",
    (LOCAL, uploads_of_this_very_key_are_found): LACKING["local AWS"][Capability.INITIATORS],
}
"""What a stand-in for S3 cannot show, and why."""
CASES = [
    pytest.param(
        kind, check, marks=[pytest.mark.emulator] if kind in ON_THE_LOCAL_AWS else [], id=f"{kind}: {_words_of(check)}"
    )
    for kind in (MEMORY, FOLDER, AZURE, GOOGLE, *ON_THE_LOCAL_AWS)
    for check in SUITE
    if (kind, check) not in NOT_RUN
]


@pytest.mark.parametrize(("kind", "check_destination"), CASES)
def test_it_is_a_destination(
    kind: str, check_destination: Callable[[World], None], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with world_of(kind, tmp_path, lambda: request.getfixturevalue("local_aws")) as world:
        check_destination(world)


@pytest.mark.emulator
def test_a_store_that_wants_a_moment_between_two_writes_is_asked_again(local_aws: LocalAws) -> None:
    recipient = GoogleStandIn()
    with outside_world(local_aws, EMPTY, recipient) as world:
        assert recipient.clouds is not None
        recipient.clouds.add_fault(InjectedFault("objects", 429, "TooManyRequests", times=2))
        the_last_write_counts(world)
        assert recipient.found(KEY) == (A, {"x-amz-meta-old": "1"})
