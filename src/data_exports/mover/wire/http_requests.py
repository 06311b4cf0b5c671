"""Renders HTTP/1.1 requests, and says whom they go to.

In: method, target, headers, body. Out: bytes; a host. No effects. https://www.rfc-editor.org/rfc/rfc9112
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

_LINE_END = re.compile(r"[\r\n\0]")


class Host(NamedTuple):
    """Whom to connect to."""

    scheme: str
    name: str
    port: int


@lru_cache(maxsize=64)
def host_of(scheme: str, netloc: str) -> Host:
    """The host of a URL's scheme and authority."""
    parts = urlsplit(f"{scheme}://{netloc}")
    return Host(scheme, parts.hostname or "", parts.port or (443 if scheme == "https" else 80))


def render_request(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """The request as it goes over the wire."""
    if method in ("PUT", "POST"):
        headers = {**headers, "content-length": str(len(body))}
    return render_head(method, target, headers) + body


def render_head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """What stands before the body. Raises ValueError if a header would be more than one line, without telling it."""
    for name, value in headers.items():
        if _LINE_END.search(name) or _LINE_END.search(value):
            raise ValueError(f"the header {name!r} holds the end of a line")
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")
