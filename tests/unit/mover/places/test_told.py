"""What stores say is repeated on one line, within a bound, without tokens, wherever it goes."""

from collections.abc import Callable

import pytest

from data_exports.mover.places.azure.error_codes import azure_error_reply, read_azure_error
from data_exports.mover.places.federation import no_token_reply
from data_exports.mover.places.google.error_codes import google_error_reply, read_google_error
from data_exports.mover.places.told import told_text
from data_exports.mover.rules.protocol import Failed, Reply
from data_exports.mover.wire.bearer import NoToken
from data_exports.mover.wire.http_responses import Response

LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("said", "repeated"),
    [
        ("a\r\n\tb \x1b[31m c\x85d\u2028e\u202ef", "a b [31m c d e f"),
        ("of eyJhbGci.eyJpc3Mi.c2ln, and eyJhbGci", "of (a token), and (a token)"),
        ("Authorization: Bearer ya29.c.b0Aa-_1. Gone", "Authorization: Bearer (a token). Gone"),
        ("Bearer abcdefgh+/12345== is bad", "Bearer (a token) is bad"),
        ("the bearer of this", "the bearer of this"),
        ("\u00e9t\u00e9 \u4e2d", "\u00e9t\u00e9 \u4e2d"),
        (LONG, "x" * 300),
        ("eyJ" * 2000, "(a token)"),
    ],
)
def test_what_is_said_is_repeated_so(said: str, repeated: str) -> None:
    assert told_text(said) == repeated


SAID = f"<Code>{LONG}</Code><Message>eyJhbGci.a.b {LONG}</Message><Details>eyJhbGci {LONG}</Details>"
HOSTILE = Response(
    500,
    {"x-ms-error-code": f"{LONG}1", "x-ms-request-id": f"{LONG}2", "x-guploader-uploadid": f"{LONG}3"},
    f"<Error>{SAID}</Error>".encode(),
)


@pytest.mark.parametrize("reply_of", [azure_error_reply, google_error_reply])
def test_an_error_of_whatever_length_is_a_reason_of_a_few_lines(reply_of: Callable[..., Reply]) -> None:
    for response in (
        HOSTILE,
        Response(None, {}, b"", fault=LONG),
        NoToken(None, {}, b"", step="exchange", told=HOSTILE),
    ):
        reply = reply_of(response, doing="the copy")
        assert isinstance(reply, Failed)
        assert len(reply.reason) < 1400
        assert "eyJ" not in reply.reason


@pytest.mark.parametrize("read", [read_azure_error, read_google_error])
def test_so_is_what_a_probe_tells(read: Callable[[Response], tuple[str, str, str]]) -> None:
    told = read(HOSTILE)
    assert [len(text) <= 700 and "eyJ" not in text for text in told] == [True] * 3


def test_so_is_the_fault_of_whoever_gives_no_token() -> None:
    refused = NoToken(None, {}, b"", LONG, "exchange", Response(None, {}, b"", LONG))
    assert len(no_token_reply(refused).reason) < 500
