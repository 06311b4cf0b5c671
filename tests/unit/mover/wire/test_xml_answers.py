"""S3's XML is read whatever keys it echoes, and nothing is read of what is no whole document."""

import html
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.mover.places.s3.error_codes import Attempt, Where
from data_exports.mover.places.s3.replies import (
    complete_reply,
    copy_reply,
    delete_all_reply,
    keys_reply,
    part_reply,
    start_reply,
    tags_reply,
    versions_reply,
)
from data_exports.mover.rules.hub_version import HubVersion
from data_exports.mover.rules.protocol import (
    Attributes,
    Copied,
    CopiedPart,
    Retire,
    Retired,
    RetiredAll,
    Started,
    Versions,
)
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.xml_answers import found_in, name_of, parse_xml, text_of

CONTROL_CHARACTERS = [chr(number) for number in [*range(32), 127, 0xFFFE, 0xFFFF]]
ODD_KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text(
    st.sampled_from([*CONTROL_CHARACTERS, "\U0010ffff", "7", ";", "&", "#", "x"])
)


def as_s3_writes(key: str) -> str:
    """The key with every character that is no plain one as a reference: `&#x7;`."""
    return "".join(char if " " <= char < "\x7f" else f"&#x{ord(char):x};" for char in html.escape(key))


def response(body: str) -> Response:
    return Response(200, {"x-amz-version-id": "t1"}, body.encode())


@given(ODD_KEYS)
def test_a_key_is_read_as_it_is_whatever_characters_it_holds(key: str) -> None:
    root = parse_xml(f"<a><Key>{as_s3_writes(key)}</Key><b><UploadId>u</UploadId></b></a>".encode())
    assert (name_of(root), text_of(root, "Key")) == ("a", key)


@pytest.mark.parametrize("char", [*"\x00\x01\x07\x0b\x1b\x1f", "￾", "￿"])
@pytest.mark.parametrize("written", ["{}", "&#x{:X};", "&#{};"])
def test_a_character_that_xml_forbids_is_read_raw_and_as_a_reference(char: str, written: str) -> None:
    body = f"<a><Key>t{written.format(char if written == '{}' else ord(char))}.txt</Key></a>".encode()
    with pytest.raises(ET.ParseError):
        ET.fromstring(body)
    assert text_of(parse_xml(body), "Key") == f"t{char}.txt"


@pytest.mark.parametrize(
    "body",
    [
        *("", "   ", "x", "<a>", "<a><b></a>", "<a/><a/>", "<a/>x", "<a>&#x7;", "<a>&nothing;</a>", "<a b=1/>"),
        *("<a>&#xD800;</a>", "<a>&#x110000;</a>", "<a>&#9999999;</a>", "<a>&#99999999999999;</a>", "<a>&#x;</a>"),
    ],
)
def test_what_is_no_whole_document_is_read_as_nothing(body: str) -> None:
    assert parse_xml(body.encode()) is None
    assert parse_xml(f"&#x7;{body}".encode()) is None


def test_what_is_not_utf_8_is_read_as_nothing() -> None:
    assert parse_xml(b"<a>\xff</a>") is None
    assert parse_xml(b"<a>&#x7;\xff</a>") is None


def test_an_element_is_found_wherever_it_is() -> None:
    body = b'<Errors xmlns="http://x/"><Error><Code> NoSuchKey\n</Code><Key>&#x7;</Key></Error></Errors>'
    assert (found_in(body, "Code"), found_in(body, "Key"), found_in(body, "Region")) == ("NoSuchKey", "\x07", "")
    assert found_in(b"<html>bad gateway", "Code") == ""


KEY = "t\x07\x00.txt"
ECHO = "<Bucket>b</Bucket><Key>t&#x7;&#x0;.txt</Key>"
ANSWERS: dict[str, tuple[str, Callable[[Response], object], object]] = {
    "start": (
        f"<InitiateMultipartUploadResult>{ECHO}<UploadId>u1</UploadId></InitiateMultipartUploadResult>",
        lambda answer: start_reply(answer, doing=Attempt("starting", Where.RECIPIENT)),
        Started("u1"),
    ),
    "complete": (
        f"<CompleteMultipartUploadResult>{ECHO}<ETag>&quot;e-2&quot;</ETag></CompleteMultipartUploadResult>",
        lambda answer: complete_reply(answer, "v1", doing=Attempt("completing", Where.RECIPIENT), at="now"),
        Copied("v1", "t1", "e-2", "now"),
    ),
    "copy": (
        f"<CopyObjectResult>{ECHO}<ETag>&quot;e&quot;</ETag></CopyObjectResult>",
        lambda answer: copy_reply(answer, doing=Attempt("copying", Where.RECIPIENT), at="now"),
        Copied("null", "t1", "e", "now"),
    ),
    "part": (
        f"<CopyPartResult>{ECHO}<ETag>&quot;e&quot;</ETag></CopyPartResult>",
        lambda answer: part_reply(answer, 3, doing=Attempt("copying", Where.RECIPIENT)),
        CopiedPart(3, "e"),
    ),
    "versions": (
        f"<ListVersionsResult><Version>{ECHO}<VersionId>v1</VersionId><Size>1</Size></Version></ListVersionsResult>",
        lambda answer: versions_reply(answer, KEY, doing=Attempt("listing", Where.RECIPIENT)),
        Versions(HubVersion("v1", "", 1, ""), current=False),
    ),
    "keys": (
        f"<ListBucketResult><Prefix>t&#x7;</Prefix><Contents>{ECHO}</Contents></ListBucketResult>",
        lambda answer: keys_reply(answer, doing=Attempt("listing", Where.RECIPIENT)),
        (KEY,),
    ),
    "delete": (
        f"<DeleteResult><Deleted>{ECHO}</Deleted></DeleteResult>",
        lambda answer: delete_all_reply(answer, (Retire(KEY, "e"),), doing=Attempt("retiring", Where.RECIPIENT)),
        RetiredAll((Retired(),)),
    ),
    "tags": (
        "<Tagging><TagSet><Tag><Key>a</Key><Value>&#x7;</Value></Tag></TagSet></Tagging>",
        lambda answer: tags_reply(answer, {}, doing=Attempt("reading", Where.RECIPIENT)),
        Attributes((("x-amz-tagging", "a=%07"),)),
    ),
}


@pytest.mark.parametrize("prolog", ["", '<?xml version="1.0" encoding="UTF-8"?>'])
@pytest.mark.parametrize("space", ["", " ", "\r\n\t  \n"])
@pytest.mark.parametrize("operation", ANSWERS)
def test_an_answer_is_read_that_echoes_control_characters_with_white_space_around_its_declaration(
    operation: str, space: str, prolog: str
) -> None:
    body, read, reply = ANSWERS[operation]
    assert read(response(f"{space}{prolog}{space}{body}{space}")) == reply


@pytest.mark.parametrize("operation", ANSWERS)
def test_an_answer_that_is_cut_off_is_read_as_no_success(operation: str) -> None:
    body, read, reply = ANSWERS[operation]
    for end in range(len(body)):
        assert read(response(body[:end])) != reply


@pytest.mark.parametrize("encoding", ["martian", "utf-7", "shift_jis", "rot13", "ascii"])
def test_what_is_in_an_encoding_that_cannot_be_read_is_no_answer(encoding: str) -> None:
    assert parse_xml(f'<?xml version="1.0" encoding="{encoding}"?><a>\xe9</a>'.encode("latin-1")) is None
