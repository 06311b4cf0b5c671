"""Responses read as they come: whole ones, however they are cut up, and nothing that could be read in two ways.

h11, a reader that nobody here wrote, is the judge: what it refuses is refused, what it reads is read alike or refused.
"""

import sys
import tracemalloc
from collections.abc import Sequence
from itertools import pairwise
from types import FrameType
from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.mover.wire import http_responses
from data_exports.mover.wire.http_responses import (
    MAX_HEAD_BYTES,
    InvalidResponseError,
    Received,
    Response,
    ResponseReader,
)

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH_2 = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nok"
COPIED = (
    b"HTTP/1.1 200 OK\r\nx-amz-id-2: eftixk72aD6Ap51TnqcoF8eFidJG9Z/2mkiDFu8yU9AS1ed4OpIszj7UDNEHGran\r\n"
    b"x-amz-request-id: 318BC8BC148832E5\r\nDate: Wed, 28 Oct 2026 22:32:00 GMT\r\nServer: AmazonS3\r\n"
    b"x-amz-copy-source-version-id: 9df8a7s9d8\r\nx-amz-meta-name: caf\xe9\xa0\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"1\r\n \r\n1\r\n \r\n51;a=b\r\n"
    b'<?xml version="1.0"?><CopyObjectResult><ETag>"9b2cf535"</ETag></CopyObjectResult>\r\n0\r\nx-t: 1\r\n\r\n'
)
WHOLE = [
    LENGTH_2,
    COPIED,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nx: y\r\n\r\n" + LENGTH_2,
    b"HTTP/1.1 204 No Content\r\nx-amz-request-id: 1\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
    b"HTTP/1.1 404\r\ncontent-length:0\r\nConnection: keep-alive, Close\r\nx:\r\nx: 1\t, 2 \r\n\r\n",
    b"HTTP/1.1 503 Slow Down\r\nContent-Length: 4, 4\r\nContent-Length: 4\r\n\r\nslow",
    b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 Slow Down\r\n\r\nuntil its end",
    CHUNKED + b"A\r\n0123456789\r\n00\r\n\r\n",
]
# What one meets on the way to a faulty reader.
NASTY = [b"\n", b"\r", b"\r\n", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"-", b"+", b"0x", b"_", b"\xa0"]
NASTY += [
    b"\x85",
    b"\x0b",
    b"\x1c",
    b"-6",
    b"+2",
    b"2_0",
    b"0",
    b"\xd9\xa3",
    b"f" * 16,
    b"9" * 23,
    b"1 \r\n",
    b"0\r\n\r\n",
]
NASTY += [b"content-length: 3\r\n", b"content-length: -5\r\n", b"connection: close\r\n", b" folded\r\n", b"1 \r\n"]
NASTY += [b"transfer-encoding: chunked\r\n", b"transfer-encoding: gzip, chunked\r\n", b"HTTP/1.1 101 Switch\r\n\r\n"]

Read = tuple[int, dict[str, str], bytes]


def read(pieces: Sequence[bytes], *, is_head: bool = False, max_body_bytes: int = 10**6) -> Received:
    """Read a response that comes in these pieces, behind which the connection ends."""
    reader = ResponseReader(is_head=is_head, max_body_bytes=max_body_bytes)
    for piece in [*pieces, b""]:
        received = reader.feed(piece)
        if received is not None:
            return received
    raise AssertionError("neither a response nor an error")


def ours(pieces: Sequence[bytes], *, is_head: bool = False) -> Read | None:
    """What the mover's reader makes of it; None: it refuses."""
    try:
        response = read(pieces, is_head=is_head).response
    except InvalidResponseError:
        return None
    assert response.status is not None
    return response.status, dict(response.headers), response.body


def by_h11(pieces: Sequence[bytes], *, is_head: bool = False) -> Read | None:
    """What h11 makes of it; None: it refuses."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
    connection.send(h11.Request(method="HEAD" if is_head else "GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    left = iter([*pieces, b""])
    head, body = None, b""
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(next(left))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                return head.status_code, joined(head.headers), body
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None


def joined(fields: Any) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name, value = raw_name.decode(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def without_lengths(result: Read | None) -> Read | None:
    """h11 gives equal lengths that come twice once, and names of codings in lower case."""
    if result is None:
        return None
    status, headers, body = result
    return status, {k: v for k, v in headers.items() if k not in ("content-length", "transfer-encoding")}, body


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(set(places) - {0, len(data)}), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An answer in which some bytes were put in, taken out, doubled or changed."""
    data = draw(st.sampled_from(WHOLE))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 6)))
        new = draw(st.one_of(st.sampled_from(NASTY), st.binary(max_size=3), st.just(data[start:end] * 2)))
        data = data[:start] + new + data[end:]
    return data


@pytest.mark.parametrize("is_head", [False, True], ids=["GET", "HEAD"])
@pytest.mark.parametrize("data", WHOLE)
def test_a_good_answer_is_read_as_h11_reads_it_wherever_it_is_cut(data: bytes, is_head: bool) -> None:
    expected = without_lengths(by_h11([data], is_head=is_head))
    assert expected is not None
    cuts = [cut(data, [place]) for place in range(len(data) + 1)] + [cut(data, range(len(data)))]
    for pieces in cuts:
        assert without_lengths(ours(pieces, is_head=is_head)) == expected


@given(data=mutated(), places=st.lists(st.integers(0, 600), max_size=8), is_head=st.booleans())
def test_what_h11_refuses_is_refused_and_nothing_is_read_otherwise(
    data: bytes, places: list[int], is_head: bool
) -> None:
    pieces = cut(data, [place % (len(data) + 1) for place in places])
    result = ours(pieces, is_head=is_head)
    assert result in (None, ours([data], is_head=is_head))
    assert result == ours(cut(data, range(len(data))), is_head=is_head)
    if result is not None:
        assert without_lengths(result) == without_lengths(by_h11(pieces, is_head=is_head))


TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=20)
NAMES = st.from_regex(r"x-[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,20}", fullmatch=True)


@given(
    status=st.integers(200, 599),
    headers=st.dictionaries(NAMES.map(str.lower), TEXT.map(lambda text: text.strip(" \t")), max_size=5),
    chunks=st.lists(st.binary(min_size=1, max_size=50), max_size=6),
    is_chunked=st.booleans(),
    places=st.lists(st.integers(0, 600), max_size=8),
)
def test_every_well_formed_answer_is_read(
    status: int, headers: dict[str, str], chunks: list[bytes], is_chunked: bool, places: list[int]
) -> None:
    body = b"".join(chunks)
    fields = {**headers, **({"transfer-encoding": "chunked"} if is_chunked else {"content-length": str(len(body))})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    data = f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode("latin-1")
    if status not in (204, 304):
        data += b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""]) if is_chunked else body
    expected = Received(Response(status, fields, b"" if status in (204, 304) else body), keep_alive=True)
    assert read(cut(data, [place % (len(data) + 1) for place in places])) == expected


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (CHUNKED + b"-6\r\nabcdef\r\n0\r\n\r\n", "not the size of a chunk: b'-6'"),
        (CHUNKED + b"+6\r\nabcdef\r\n0\r\n\r\n", "not the size of a chunk: b'+6'"),
        (CHUNKED + b"0x6\r\nabcdef\r\n0\r\n\r\n", "not the size of a chunk: b'0x6'"),
        (CHUNKED + b"1_0\r\nabcdef\r\n0\r\n\r\n", "not the size of a chunk: b'1_0'"),
        (CHUNKED + b"\r\nabcdef\r\n0\r\n\r\n", "not the size of a chunk: b''"),
        (CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n", "a chunk that does not end where it said"),
        (CHUNKED + b"3\nabc\r\n0\r\n\r\n", "not the size of a chunk: b'3\\nabc'"),
        (CHUNKED + b"3\nabc", "a line that does not end with CRLF: b'3\\nabc'"),
        (CHUNKED + b"3\r\nabc\r\n0\r\nno trailer\r\n\r\n", "not a trailer: b'no trailer'"),
        (CHUNKED + b"fffffffffffff\r\n", "a body of more than 1,000,000 bytes"),
        (CHUNKED + b"1" * 5000, "more than 4,096 bytes of headers"),
        (CHUNKED + b"5\r\nabc", "connection closed after 53 bytes of an answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n", "content-length '-5'"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nabcde", "content-length '+5'"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5 5\r\n\r\nabcde", "content-length '5 5'"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: \xb2\r\n\r\nab", "content-length '²'"),
        (b"HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nab", "content-length ''"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "content-length '5, 6'"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000001\r\n\r\n", "a body of more than 1,000,000 bytes"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "transfer-encoding 'chunked' with content-length '3'",
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "transfer-encoding 'gzip, chunked' with content-length ''",
        ),
        (
            b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "transfer-encoding 'chunked' with content-length ''",
        ),
        (b"HTTP/1.1 200 OK\ncontent-length: 0\n\n", "a line that does not end with CRLF: b'HTTP/1.1 200 OK\\nconte"),
        (b"HTTP/1.1 200 OK\r\na: 1\n b: 2\r\n\r\n", "not HTTP: b'HTTP/1.1 200 OK\\r\\na: 1\\n b: 2'"),
        (b"HTTP/1.1 200 OK\r\na: 1\r\n folded\r\n\r\n", "not HTTP: b'HTTP/1.1 200 OK\\r\\na: 1\\r\\n folded'"),
        (b"HTTP/1.1 200 OK\r\na : 1\r\n\r\n", "not HTTP: b'HTTP/1.1 200 OK\\r\\na : 1'"),
        (b"HTTP/1.1 200 OK\r\na: \x00\r\n\r\n", "not HTTP: b'HTTP/1.1 200 OK\\r\\na: \\x00'"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "not HTTP: b'HTTP/1.1 20 OK'"),
        (b"HTTP/1.1 099 OK\r\n\r\n", "not HTTP: b'HTTP/1.1 099 OK'"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "not HTTP: b'HTTP/2.0 200 OK\\r\\n\\r\\n'"),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", "not HTTP: b'\\r\\nHTTP/1.1 200 OK\\r\\n\\r\\n'"),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "another protocol that nobody asked for"),
        (b"HTTP/1.1 200 OK\r\na: " + b"x" * 70_000, "more than 65,536 bytes of headers"),
        (b"HTTP/1.1 200 OK\r\na: " + b"x" * 70_000 + b"\r\n\r\n", "more than 65,536 bytes of headers"),
        (b"HTTP/1.1 302 Found\r\n\r\n" + b"x" * 1_000_001, "a body of more than 1,000,000 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\nall, or all until it was cut", "a body of which nobody says where it ends"),
        (b"HTTP/1.1 206 Partial Content\r\netag: 1\r\n\r\n", "a body of which nobody says where it ends"),
        (b"HT", "connection closed after 2 bytes of an answer"),
        (b"", "connection closed after 0 bytes of an answer"),
    ],
)
def test_what_is_no_response_or_could_be_read_in_two_ways_is_refused_with_its_reason(data: bytes, why: str) -> None:
    with pytest.raises(InvalidResponseError) as raised:
        read([data])
    assert str(raised.value)[: len(why)] == why
    assert ours(cut(data, range(len(data)))) is None


@pytest.mark.parametrize(
    ("data", "keep_alive"),
    [
        (LENGTH_2, True),
        (LENGTH_2 + b"!", False),
        (CHUNKED + b"0\r\n\r\n", True),
        (CHUNKED + b"0\r\n\r\n\r\n", False),
        (b"HTTP/1.1 204 No Content\r\n\r\nbody", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, CLOSE\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.1 503 Slow Down\r\n\r\nuntil its end", False),
    ],
)
def test_a_connection_is_kept_only_if_nothing_is_left_over_on_it(data: bytes, keep_alive: bool) -> None:
    assert read([data]).keep_alive is keep_alive


@pytest.mark.parametrize(
    "framed",
    [
        b"Content-Length: 100000000\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nF4240\r\n" + b"x" * 1_000_000 + b"\r\n1\r\n",
        b"\r\n" + b"x" * 1_000_001,
    ],
)
def test_an_error_whose_body_is_too_large_is_told_by_its_status(framed: bytes) -> None:
    received = read([b"HTTP/1.1 403 Forbidden\r\nx-ms-error-code: a\r\n" + framed])
    assert (received.response.status, received.response.body, received.keep_alive) == (403, b"", False)
    assert received.response.headers["x-ms-error-code"] == "a"


def test_a_head_that_says_how_large_the_file_is_may_say_anything() -> None:
    data = b"HTTP/1.1 200 OK\r\ncontent-length: 53687091200000\r\n\r\n"
    headers = {"content-length": "53687091200000"}
    assert read([data], is_head=True) == Received(Response(200, headers, b""), keep_alive=True)


def test_any_number_of_interim_responses_may_come_first() -> None:
    assert read([b"HTTP/1.1 100 Continue\r\n\r\n" * 5000 + LENGTH_2]).response.body == b"ok"


def steps_of(chunks: int) -> int:
    """How many lines of the reader run for so many chunks, each in a piece of its own."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace if frame.f_code.co_filename == http_responses.__file__ else None

    pieces = [CHUNKED, *[b"400\r\n" + b"x" * 1024 + b"\r\n"] * chunks, b"0\r\n\r\n"]
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        received = read(pieces)
    finally:
        sys.settrace(before)
    assert len(received.response.body) == 1024 * chunks
    return count


def test_reading_costs_in_proportion_to_what_comes() -> None:
    first, second, third = (steps_of(chunks) for chunks in (100, 200, 300))
    assert third - second == second - first


class Counted(bytearray):
    """Counts the bytes that are searched."""

    searched = 0

    def find(self, *arguments: Any) -> int:
        self.searched += len(self) - arguments[1]
        return super().find(*arguments)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\na: ", CHUNKED + b"0\r\na: ", CHUNKED + b"1;"])
def test_a_line_that_comes_byte_by_byte_is_searched_once(start: bytes) -> None:
    reader = ResponseReader(is_head=False)
    reader.feed(start)
    counted = Counted(reader._buffer)
    reader._buffer = counted
    for _ in range(4000):
        reader.feed(b"x")
    assert counted.searched < 4000 * 10


def test_a_body_in_tiny_pieces_needs_little_more_room_than_its_bytes() -> None:
    count = 200_000
    reader, received = ResponseReader(is_head=False), None
    reader.feed(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (2 * count))
    tracemalloc.start()
    try:
        for number in range(count):
            received = reader.feed(number.to_bytes(4, "big")[2:])
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received is not None
    assert received.response.body == b"".join(number.to_bytes(4, "big")[2:] for number in range(count))
    assert peak_bytes < 4 * 2 * count
