"""Reads HTTP/1.1 responses out of the bytes that a connection has heard.

In: the bytes so far. Out: a `replies.Response`, or that more has to come. Effects: interim responses are taken off the
bytes. https://www.rfc-editor.org/rfc/rfc9112
"""

from .replies import Response


def parse_response(heard: bytearray, *, is_head: bool, ended: bool) -> tuple[Response, bool] | None:
    """Read a whole response, and whether its connection may be used again; None if more has to come.

    Raises ValueError or IndexError for what is no HTTP. https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length
    """
    end = heard.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = heard[:end].decode("latin-1").split("\r\n")
    version, status = first.split(" ", 2)[:2]
    if not version.startswith("HTTP/1."):
        raise ValueError(version)
    code, start = int(status), end + 4
    if code < 200:  # an interim response: the real one follows
        del heard[:start]
        return parse_response(heard, is_head=is_head, ended=ended)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip(" \t")  # no other white space: 0xA0 may be part of a character
    keep = headers.get("connection", "").lower() != "close" and version == "HTTP/1.1"
    if is_head or code in (204, 304):
        body: bytes | None = b""
    elif "transfer-encoding" in headers:
        body = _unchunked(heard, start)
    elif "content-length" in headers:
        length = int(headers["content-length"])
        body = bytes(heard[start : start + length]) if len(heard) >= start + length else None
    else:
        body, keep = (bytes(heard[start:]) if ended else None), False
    return None if body is None else (Response(code, headers, body), keep)


def _unchunked(heard: bytearray, start: int) -> bytes | None:
    """The body that comes in chunks, or None if its end has not come yet."""
    parts: list[bytes] = []
    while (line_end := heard.find(b"\r\n", start)) >= 0:
        size = int(heard[start:line_end].split(b";")[0], 16)
        start = line_end + 2
        if size == 0:
            return b"".join(parts) if heard.find(b"\r\n", start) >= 0 else None
        if len(heard) < start + size + 2:
            return None
        parts.append(bytes(heard[start : start + size]))
        start += size + 2
    return None
