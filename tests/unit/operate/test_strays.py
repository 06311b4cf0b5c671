"""A stray dead letter is removed for good, and nothing else: what is looked at on the way is put back."""

import json
from typing import Any

import pytest

from data_exports.errors import RefusedError
from data_exports.operate.strays import read_stray, remove_stray
from tests.estates import PLATFORM, push
from tests.unit.operate.failing_world import World

HEARINGS = push()


class Queue(World):
    """AWS with dead letters, of which some are deleted."""

    def __init__(self, *bodies: str) -> None:
        super().__init__({}, list(bodies))
        self.deleted: list[str] = []

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803
        assert QueueUrl == f"https://sqs.eu-west-1.amazonaws.com/{PLATFORM.account}/export_hearings-DLQ"
        self.deleted.append(ReceiptHandle)


def event(key: str = "hearings/a+b.csv", *, bucket: str = str(PLATFORM.hub_bucket), name: str = "Put") -> str:
    entry = {"bucket": {"name": bucket}, "object": {"key": key, "versionId": "v1"}}
    return json.dumps({"Records": [{"eventName": f"ObjectCreated:{name}", "userIdentity": None, "s3": entry}]})


STRAYS = [
    "",
    "Please resend July.",
    "{}",
    '{"Records": []}',
    '{"Records": [{}]}',
    json.dumps({"Type": "Notification", "Message": event()}),
    event(bucket="another-hub"),
    event("another/a.csv"),
    event().replace("ObjectCreated:", "ObjectRemoved:"),
]


@pytest.mark.parametrize("body", STRAYS)
def test_a_stray_is_shown_then_removed_and_the_others_are_put_back(body: str) -> None:
    first: Any = Queue(event(), body)
    assert read_stray(PLATFORM, HEARINGS, first, "m1").body == body
    assert (first.put_back, first.deleted) == (["h0", "h1"], [])
    second: Any = Queue(event(), body)
    remove_stray(PLATFORM, HEARINGS, second, "m1")
    assert (second.deleted, "h0" in second.put_back) == (["h1"], True)


def test_a_message_that_tells_of_an_upload_is_no_stray() -> None:
    world: Any = Queue(event("another/a.csv"), event())
    with pytest.raises(RefusedError) as refused:
        read_stray(PLATFORM, HEARINGS, world, "m1")
    assert refused.value.what == "message m1 is no stray: it tells of the upload hearings/a b.csv, which is in the hub"
    assert refused.value.next_step == (
        "exports redrive hearings delivers it; exports cancel hearings 'hearings/a b.csv' withdraws it"
    )
    assert world.deleted == []


@pytest.mark.parametrize("look", [read_stray, remove_stray])
def test_a_message_that_is_not_there_is_said_to_be_so(look: Any) -> None:
    world: Any = Queue("", event())
    with pytest.raises(RefusedError, match="hearings has no dead letter m7"):
        look(PLATFORM, HEARINGS, world, "m7")
    assert (world.put_back, world.deleted) == (["h0", "h1"], [])
