"""A register served to the one browser that knows its address: on loopback, below a path that nobody can guess.

In: a folder with a site, and the names of its files. Out: an address, and a page that leads a browser there. Effects:
listens on a free port of 127.0.0.1. What starts a browser stands in the list of processes, which other users may read:
so it is started with a file, which is for its user alone, and only that file names an address, which leads there once.
Whoever asks without the path, or for a file that the register did not write, is told that there is nothing; so is, by
the header ``Host``, a page of somebody else's that has made its own name mean this address (DNS rebinding).
"""

import hmac
import secrets
import socketserver
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from data_exports.views.register.pages import CONTENT_SECURITY_POLICY

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_LONGEST_WAIT_SECONDS = 30
LAUNCH_SECONDS = 30
"""So long a browser has to ask for the address that leads to the register."""
_POLL_SECONDS = 0.1
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
"""A page cannot forbid its framing by itself; the rest of the policy stands in each of them, too."""

_LAUNCH_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Export register</title>
</head>
<body><p><a href="{address}">To the register</a></p></body>
</html>
"""

Served = tuple[HTTPStatus, list[tuple[str, str]], bytes]
_NOTHING: Served = (HTTPStatus.NOT_FOUND, [], b"")


@dataclass(frozen=True, slots=True)
class _Launch:
    """The key of an address that leads to the register once; nobody knows an empty one."""

    key: str
    until: float
    is_spent: bool = False
    is_told: bool = False
    """Whether its user knows that it was asked for in vain."""


_ASKED_AGAIN = (
    "the address that leads to the register once was asked for a second time: unless that was you, somebody else asked "
    "for it; Ctrl-C ends this"
)
_ASKED_LATE = "the browser came too late: open the address yourself; if it was none of yours, Ctrl-C ends this"


class RegisterServer:
    """Serves the folder that it was told of last; until then there is nothing.

    What its user should know of who asks is told once, from a thread of its own. `clock` tells seconds.
    """

    def __init__(self, tell: Callable[[str], object], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._site: tuple[Path, frozenset[str]] = (Path(), frozenset())
        self._token = secrets.token_urlsafe(32)
        self._launch = _Launch("", 0.0)
        self._tell, self._clock = tell, clock
        self._lock = threading.Lock()
        self._server = _Server(self._application)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True)

    @property
    def address(self) -> str:
        """Where the register is."""
        return f"{self._root}/{self._token}/"

    def new_launch_page(self) -> str:
        """A page that leads a browser there once, and soon, by an address that nothing else names."""
        self._launch = _Launch(secrets.token_urlsafe(32), self._clock() + LAUNCH_SECONDS)
        return _LAUNCH_PAGE.format(address=f"{self._root}/{self._launch.key}/")

    def show(self, folder: Path, names: Collection[str]) -> None:
        """Serve these files of the folder from now on."""
        self._site = (folder, frozenset(names))

    def answer(self, method: str, host: str, path: str) -> Served:
        """What to say to a request."""
        key, slash, name = path.removeprefix("/").partition("/")
        if host not in (f"127.0.0.1:{self._port}", f"localhost:{self._port}") or not slash:
            return _NOTHING
        is_launch = _is_same(key, self._launch.key) and not name
        if not is_launch and not _is_same(key, self._token):
            return _NOTHING
        if method not in ("GET", "HEAD"):
            return HTTPStatus.METHOD_NOT_ALLOWED, [("Allow", "GET, HEAD")], b""
        if not is_launch:
            return self._file(name or "index.html")
        return self._launched()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def _port(self) -> int:
        return self._server.server_port

    @property
    def _root(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _launched(self) -> Served:
        with self._lock:
            launch, is_late = self._launch, self._clock() >= self._launch.until
            self._launch = replace(launch, is_spent=True, is_told=launch.is_spent or is_late)
        if not launch.is_spent and not is_late:
            return HTTPStatus.SEE_OTHER, [("Location", f"/{self._token}/")], b""
        if not launch.is_told:
            self._tell(_ASKED_AGAIN if launch.is_spent else _ASKED_LATE)
        return _NOTHING

    def _file(self, name: str) -> Served:
        folder, names = self._site
        if name not in names:
            return _NOTHING
        try:
            body = (folder / name).read_bytes()
        except OSError:
            return _NOTHING
        return HTTPStatus.OK, [_type_of(name)], body

    def _application(self, environment: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        method = environment["REQUEST_METHOD"]
        status, headers, body = self.answer(method, environment.get("HTTP_HOST", ""), environment["PATH_INFO"])
        start_response(f"{status.value} {status.phrase}", [*headers, ("Content-Length", str(len(body))), *_HEADERS])
        return [b"" if method == "HEAD" else body]


def _type_of(name: str) -> tuple[str, str]:
    return "Content-Type", f"{_TYPES[Path(name).suffix]}; charset=utf-8"


def _is_same(given: str, key: str) -> bool:
    """Whether somebody knows the key, in a time that tells nothing of it; nobody knows an empty one."""
    return bool(key) and hmac.compare_digest(given.encode(errors="replace"), key.encode())


class _Handler(WSGIRequestHandler):
    timeout = _LONGEST_WAIT_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gives it
        """Requests are nobody's news, and their paths hold the token."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.set_app(application)

    def server_bind(self) -> None:
        """Bind without asking name servers what this address is called, as `HTTPServer` does."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that breaks a request off is no news."""
