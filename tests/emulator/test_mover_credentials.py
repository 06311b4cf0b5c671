"""Credentials that expire in the middle of a batch, on the local AWS over HTTP.

Lambda gives a process its role's credentials once, with an end. Here a proxy lets so many of the mover's requests pass
and then answers as S3 does to an expired token, whatever is asked.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import quote_plus

import pytest

from benchmarks.wire import PassOn, Request, wire
from data_exports.local.emulator import LocalAws
from data_exports.mover.handler import handle_batch
from data_exports.mover.places.store import open_store
from data_exports.mover.wire.service import ServiceError
from data_exports.mover.wire.transport import Transport
from tests.conformance.http_world import HttpWorld
from tests.conformance.local_aws import local_aws_world
from tests.conformance.steps import Scenario
from tests.emulator.steps import REGION
from tests.model.memory_s3 import etag_of
from tests.unit.mover.notifications import message, notification

pytestmark = pytest.mark.emulator

KEYS = [f"orders/{number:02d}.csv" for number in range(20)]
COPIES, RECEIPTS = len(KEYS), 1
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
BODY = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
EXPIRED = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/xml\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY


@dataclass
class Expiring:
    """Lets so many requests pass; afterwards the credentials have expired."""

    passes: int
    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    async def __call__(self, request: Request, pass_on: PassOn) -> bytes:
        if self.answered.total() >= self.passes:
            self.refused[request.operation] += 1
            return EXPIRED
        self.answered[request.operation] += 1
        return await pass_on()


@dataclass
class Ran:
    """What came of one batch."""

    coming_back: int
    causes: set[object]
    kept_away: dict[str, int]


def run(world: HttpWorld, endpoint_url: str, *, receive: int) -> Ran:
    """Hand all events to a fresh process of the function that reaches S3 at this address."""
    records = []
    for number, key in enumerate(KEYS):
        facts = {
            "bucket": world.settings.hub_bucket,
            "size": 1,
            "eTag": etag_of(b"x"),
            "versionId": _version(world, key),
        }
        event = notification(quote_plus(key, safe="/"), **facts)
        records.append(message(event, message_id=f"m{number}", received=str(receive)))
    lines: list[Mapping[str, object]] = []
    kept_away: dict[str, int] = {}

    def delay_messages(waits: Mapping[str, int]) -> list[ServiceError]:
        kept_away.update(waits)
        return []

    transport = Transport(region=REGION, endpoint_url=endpoint_url, connections=4, credentials=world.ground.credentials)
    with closing(open_store(world.settings, way=transport)) as store:
        response = handle_batch(
            {"Records": records},
            settings=world.settings,
            store=store,
            seconds_left=lambda: 60,
            log=lines.append,
            delay_messages=delay_messages,
        )
    causes = {line["cause"] for line in lines if line["event"] == "delivery failed"}
    return Ran(len(response["batchItemFailures"]), causes, kept_away)


def _version(world: HttpWorld, key: str) -> str:
    (version,) = world.ground.owner.list_object_versions(Bucket=world.settings.hub_bucket, Prefix=key)["Versions"]
    return str(version["VersionId"])


def in_sight(world: HttpWorld) -> int:
    return int(world.ground.owner.list_objects_v2(Bucket=world.settings.hub_bucket)["KeyCount"])


def delivered(world: HttpWorld) -> set[str]:
    """The keys that have a receipt of a delivery."""
    files = [
        each["Key"] for each in world.ground.owner.list_objects_v2(Bucket=world.settings.log_bucket).get("Contents", [])
    ]
    lines = [line for file in files for line in gzip.decompress(world.logged(file)).splitlines()]
    return {receipt["key"] for receipt in map(json.loads, lines) if receipt["outcome"] == "delivered"}


@pytest.fixture
def world(local_aws: LocalAws) -> Iterator[HttpWorld]:
    with local_aws_world(local_aws, Scenario("expiry", "", ()), may_list=False) as world:
        for key in KEYS:
            world.upload(key, b"x", {})
        yield world


@pytest.mark.parametrize(
    ("passes", "recorded"),
    [(0, 0), (7, 0), (COPIES, 0), (COPIES + RECEIPTS, COPIES)],
    ids=["before the first copy", "between copies", "before the receipts", "before anything is hidden"],
)
def test_what_was_begun_when_they_expired_is_hidden_from_nobody_and_arrives_with_new_ones(
    world: HttpWorld, local_aws: LocalAws, passes: int, recorded: int
) -> None:
    expiring = Expiring(passes)
    with wire(local_aws.endpoint_url, expiring) as way:
        first = run(world, way.url, receive=1)
    assert (first.coming_back, first.causes) == (COPIES, {"credentials"})
    assert len(first.kept_away) == COPIES
    assert all(7 <= seconds <= 15 for seconds in first.kept_away.values())
    assert (in_sight(world), len(delivered(world))) == (COPIES, recorded)
    assert expiring.answered.total() == passes
    # Nothing is hidden that has no receipt: not even the look before it is made.
    assert ("GetBucketVersioning" in expiring.refused) == (recorded == COPIES)
    assert "DeleteObjects" not in expiring.refused
    assert max(expiring.refused.values()) <= COPIES  # nothing is tried again with the same credentials

    second = run(world, local_aws.endpoint_url, receive=2)
    assert (second.coming_back, second.causes) == (0, set())
    assert (in_sight(world), delivered(world)) == (0, set(KEYS))
    assert {key: world.arrived(key) for key in KEYS} == {key: (b"x", {}) for key in KEYS}
