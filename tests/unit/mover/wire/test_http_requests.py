"""Requests as they go over the wire, byte for byte, and whom they go to."""

import pytest

from data_exports.mover.wire.http_requests import Host, host_of, render_head, render_request


@pytest.mark.parametrize(
    ("scheme", "netloc", "host"),
    [
        ("https", "s3.eu-west-1.amazonaws.com", Host("https", "s3.eu-west-1.amazonaws.com", 443)),
        ("http", "s3.local", Host("http", "s3.local", 80)),
        ("https", "s3.local:8443", Host("https", "s3.local", 8443)),
        ("http", "127.0.0.1:4566", Host("http", "127.0.0.1", 4566)),
        ("https", "[::1]", Host("https", "::1", 443)),
        ("https", "", Host("https", "", 443)),
    ],
)
def test_a_host_has_the_port_it_names_or_that_of_its_scheme(scheme: str, netloc: str, host: Host) -> None:
    assert host_of(scheme, netloc) == host


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_what_may_have_a_body_says_how_long_it_is_even_if_empty(method: str) -> None:
    line = f"{method} /a HTTP/1.1\r\nhost: h\r\n".encode()
    assert render_request(method, "/a", {"host": "h"}, b"12") == line + b"content-length: 2\r\n\r\n12"
    assert render_request(method, "/a", {"host": "h"}) == line + b"content-length: 0\r\n\r\n"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_what_has_no_body_says_nothing_of_its_length(method: str) -> None:
    assert render_request(method, "/a?b", {"host": "h", "x": "1"}) == (
        f"{method} /a?b HTTP/1.1\r\nhost: h\r\nx: 1\r\n\r\n".encode()
    )


@pytest.mark.parametrize("value", ["secret\r\nx: 1", "secret\n", "secret\r", "secret\0"])
def test_a_header_of_more_than_one_line_is_refused_and_not_told(value: str) -> None:
    with pytest.raises(ValueError, match=r"^the header 'authorization' holds the end of a line$"):
        render_head("PUT", "/a", {"host": "h", "authorization": value})
    with pytest.raises(ValueError, match=r"holds the end of a line$"):
        render_request("GET", "/a", {value: "1"})
