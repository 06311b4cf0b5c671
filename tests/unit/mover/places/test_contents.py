"""What is read of the hub is what was asked for, or told as what it is instead."""

import pytest

from data_exports.contract.causes import Cause
from data_exports.contract.settings import MIB
from data_exports.mover.places.contents import HubContents, read_part
from data_exports.mover.places.hub import Hub
from data_exports.mover.places.operation import Operation
from data_exports.mover.places.s3.bucket import Bucket
from data_exports.mover.places.token_stores import packed_part, unpacked_part
from data_exports.mover.rules.protocol import CopyPart, Failed, Part, StoreAnswer, Written
from data_exports.mover.wire.http_responses import Response

HUB = Hub(Bucket("hub", None))


def reading(size: int, found: list[bytes] | None = None) -> Operation[StoreAnswer]:
    def write(contents: HubContents) -> StoreAnswer:
        (found if found is not None else []).append(contents.body)
        return Written()

    return read_part(HUB, CopyPart("orders/a", "v1", "u1", Part(2, 8, 8 + size - 1)), write)


@pytest.mark.parametrize(("size", "limit"), [(3, MIB), (8 * MIB, 8 * MIB)])
def test_a_short_part_leaves_room_for_an_error_and_a_long_one_for_itself(size: int, limit: int) -> None:
    assert reading(size).request.limits.max_body_bytes == limit


def test_a_part_is_written_when_all_of_it_was_read() -> None:
    found: list[bytes] = []
    assert reading(3, found).read(Response(206, {}, b"abc")) == Written()
    assert found == [b"abc"]


@pytest.mark.parametrize("body", [b"ab", b"abcd", b""])
def test_a_part_of_another_length_is_not_written(body: bytes) -> None:
    found: list[bytes] = []
    assert reading(3, found).read(Response(206, {}, body)) == Failed(
        f"reading 'orders/a' in the hub: S3 answered with {len(body)} bytes instead of 3. It will be tried again",
        Cause.UNREADABLE,
    )
    assert found == []


def test_what_a_checkpoint_keeps_of_a_part_is_read_back() -> None:
    for facts in (("", 0xFF, 3), ('"e.1"', 0, 8_388_608)):
        assert unpacked_part(packed_part(*facts)) == facts
    for text in ("", "9b2cf535f27731c974343645a3985328", "e.1", "e.ff.3"):
        with pytest.raises(ValueError, match="does not tell"):
            unpacked_part(text)
