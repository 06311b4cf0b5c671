"""What is read of the hub is what was asked for, or told as what it is instead."""

import pytest

from data_exports.contract.causes import Cause
from data_exports.contract.settings import MIB
from data_exports.mover.places.contents import HubContents, read_part, read_whole
from data_exports.mover.places.hub import Hub
from data_exports.mover.places.operation import Operation
from data_exports.mover.places.s3.bucket import Bucket
from data_exports.mover.places.token_stores import packed_part, unpacked_part
from data_exports.mover.rules.protocol import Copy, CopyPart, CopyVersion, Failed, Part, StoreAnswer, Written
from data_exports.mover.wire.http_responses import Response

HUB = Hub(Bucket("hub", None))
RANGE = {"content-range": "bytes 8-10/20"}
OF_V1 = {"x-amz-version-id": "v1", "etag": '"e1"', **RANGE}


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
    assert reading(3, found).read(Response(206, OF_V1, b"abc")) == Written()
    assert found == [b"abc"]


@pytest.mark.parametrize("body", [b"ab", b"abcd", b""])
def test_a_part_of_another_length_is_not_written(body: bytes) -> None:
    found: list[bytes] = []
    assert reading(3, found).read(Response(206, OF_V1, body)) == Failed(
        f"reading 'orders/a' in the hub: S3 answered with {len(body)} bytes instead of 3. It will be tried again",
        Cause.UNREADABLE,
    )
    assert found == []


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("", "no range"),
        ("bytes 0-2/20", "bytes 0-2/20"),
        ("bytes 8-11/20", "bytes 8-11/20"),
        ("bytes 88-10/20", "bytes 88-10/20"),
        ("bytes 8-10", "bytes 8-10"),
    ],
)
def test_a_part_of_another_place_is_not_written_though_it_is_as_long(told: str, said: str) -> None:
    found: list[bytes] = []
    headers = OF_V1 | {"content-range": told}
    assert reading(3, found).read(Response(206, headers, b"abc")) == Failed(
        f"reading 'orders/a' in the hub: S3 gave {said} instead of bytes 8-10. It will be tried again", Cause.UNREADABLE
    )
    assert found == []


def test_a_whole_file_where_a_part_was_asked_for_is_neither_written_nor_read_for_an_error() -> None:
    of_a_person = b"<Error><Code>NoSuchKey</Code><Message>Jane Doe</Message></Error>"
    for status, headers in ((200, OF_V1), (204, {}), (207, OF_V1)):
        assert reading(3).read(Response(status, headers, of_a_person)) == Failed(
            f"reading 'orders/a' in the hub: S3 answered {status} instead of 206. It will be tried again",
            Cause.UNREADABLE,
        )


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "version null with no ETag"),
        ({"x-amz-version-id": "v1"}, "version v1 with no ETag"),
        ({"etag": '"e1"'}, "version null with ETag e1"),
        ({"x-amz-version-id": "v2", "etag": '"e1"'}, "version v2 with ETag e1"),
    ],
)
def test_what_is_no_object_or_another_version_is_not_written(headers: dict[str, str], said: str) -> None:
    found: list[bytes] = []
    assert reading(3, found).read(Response(206, headers | RANGE, b"abc")) == Failed(
        f"reading 'orders/a' in the hub: S3 gave {said}, another than was asked for. It will be tried again",
        Cause.UNREADABLE,
    )
    assert found == []


@pytest.mark.parametrize(
    ("call", "version_id", "etag", "is_written"),
    [
        (Copy("orders/a", "e1"), "v7", "e1", True),
        (Copy("orders/a", "e1"), "v7", "e2", False),
        (Copy("orders/a", "e1"), "v7", "", False),
        (CopyVersion("orders/a", "v1"), "v1", "e7", True),
        (CopyVersion("orders/a", "v1"), "v2", "e7", False),
        (CopyVersion("orders/a", "null", "e1"), "", "e1", True),
        (CopyVersion("orders/a", "null", "e1"), "null", "e2", False),
    ],
)
def test_a_whole_file_is_written_if_it_is_the_one_that_was_asked_for(
    call: Copy | CopyVersion, version_id: str, etag: str, is_written: bool
) -> None:
    found: list[bytes] = []

    def write(contents: HubContents) -> StoreAnswer:
        found.append(contents.body)
        return Written()

    told = {"x-amz-version-id": version_id, "etag": f'"{etag}"'}
    answer = Response(200, {name: value for name, value in told.items() if value.strip('"')}, b"abc")
    reply = read_whole(HUB, call, write, most_bytes=MIB).read(answer)
    assert found == ([b"abc"] if is_written else [])
    assert isinstance(reply, Written if is_written else Failed)


def test_what_a_checkpoint_keeps_of_a_part_is_read_back() -> None:
    for facts in (("", 0xFF, 3), ('"e.1"', 0, 8_388_608)):
        assert unpacked_part(packed_part(*facts)) == facts
    for text in ("", "9b2cf535f27731c974343645a3985328", "e.1", "e.ff.3"):
        with pytest.raises(ValueError, match="does not tell"):
            unpacked_part(text)
