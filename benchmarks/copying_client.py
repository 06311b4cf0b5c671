"""Copies files from one bucket to another with one HTTP client. A program by itself: `http_clients` starts it.

In: a client's name; a file of keys, one a line; the environment variables that name the server. Out: exit code 0 if
every copy was answered as it must be. Effects: a CopyObject for each key, 64 at once.

Every client sends the same requests, signed by the mover's signer, and takes header and body of each answer.
"""

import http.client
import os
import queue
import selectors
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.files import HUB, TARGET
from benchmarks.seaweed import REGION
from data_exports.mover.wire.connections import Connections
from data_exports.mover.wire.http_requests import host_of, render_request
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.signing import Credentials, signature_headers

AT_ONCE = 64

Copy = tuple[str, dict[str, str]]  # path and headers


def signed_copies(keys: Sequence[str], netloc: str, credentials: Credentials) -> Iterator[Copy]:
    """The requests, each signed when it is taken."""
    for key in keys:
        path = f"/{TARGET}/{key}"
        headers = {
            "host": netloc,
            "x-amz-copy-source": f"/{HUB}/{key}",
            "x-amz-acl": "bucket-owner-full-control",
            "x-amz-server-side-encryption": "AES256",
        }
        yield path, headers | signature_headers("PUT", path, headers, credentials=credentials, region=REGION)


def ours(copies: Iterator[Copy], url: str) -> Iterator[tuple[int | None, bytes]]:
    """The mover's own connections."""
    parts = urlsplit(url)
    host, connections, answers = host_of(parts.scheme, parts.netloc), Connections(max_per_host=AT_ONCE), []

    def start(_: Response | None = None) -> None:
        for path, headers in copies:
            under_way.append(path)
            connections.send(host, render_request("PUT", path, headers), take)
            return

    def take(response: Response) -> None:
        under_way.pop()
        answers.append((response.status, response.body))
        start()

    under_way: list[str] = []
    for _ in range(AT_ONCE):
        start()
    while under_way:
        connections.run_once()
        yield from answers
        answers.clear()
    connections.close()


def threads(copies: Iterator[Copy], url: str) -> Iterator[tuple[int | None, bytes]]:
    """The standard library's client, one connection a thread."""
    answers: queue.SimpleQueue[tuple[int | None, bytes] | None] = queue.SimpleQueue()
    lock = threading.Lock()

    def run() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        while True:
            with lock:
                copy = next(copies, None)
            if copy is None:
                break
            connection.request("PUT", copy[0], headers=copy[1])
            response = connection.getresponse()
            answers.put((response.status, response.read()))
        connection.close()
        answers.put(None)

    for _ in range(AT_ONCE):
        threading.Thread(target=run).start()
    ended = 0
    while ended < AT_ONCE:
        answer = answers.get()
        if answer is None:
            ended += 1
        else:
            yield answer


class Libcurl:
    """libcurl's multi interface, told by a selector which sockets are ready."""

    def __init__(self, copies: Iterator[Copy], url: str) -> None:
        import pycurl

        self.curl, self.copies, self.url = pycurl, copies, url
        self.selector = selectors.DefaultSelector()
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self.watch)
        self.under_way = 0

    def watch(self, what: int, socket: int, _multi: object, _data: object) -> None:
        if what == self.curl.POLL_REMOVE:
            self.selector.unregister(socket)
            return
        wanted = {
            self.curl.POLL_IN: selectors.EVENT_READ,
            self.curl.POLL_OUT: selectors.EVENT_WRITE,
            self.curl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
        }[what]
        if socket in self.selector.get_map():
            self.selector.modify(socket, wanted)
        else:
            self.selector.register(socket, wanted)

    def start(self, easy: Any) -> None:
        for path, headers in self.copies:
            easy.headers, easy.body = [], BytesIO()
            easy.setopt(self.curl.URL, self.url + path)
            lines = [f"{name}: {value}" for name, value in headers.items()]
            easy.setopt(self.curl.HTTPHEADER, [*lines, "Content-Type:", "Expect:"])
            easy.setopt(self.curl.HEADERFUNCTION, easy.headers.append)
            easy.setopt(self.curl.WRITEDATA, easy.body)
            self.multi.add_handle(easy)
            self.under_way += 1
            return

    def make_handle(self) -> Any:
        easy = self.curl.Curl()
        easy.setopt(self.curl.POST, 1)
        easy.setopt(self.curl.POSTFIELDSIZE, 0)
        easy.setopt(self.curl.CUSTOMREQUEST, "PUT")
        easy.setopt(self.curl.NOSIGNAL, 1)
        return easy

    def run(self) -> Iterator[tuple[int | None, bytes]]:
        handles = [self.make_handle() for _ in range(AT_ONCE)]
        for easy in handles:
            self.start(easy)
        self.multi.socket_action(self.curl.SOCKET_TIMEOUT, 0)
        while self.under_way:
            milliseconds = self.multi.timeout()
            ready = self.selector.select(milliseconds / 1000 if milliseconds >= 0 else 1)
            for key, events in ready:
                bits = self.curl.CSELECT_IN * bool(events & selectors.EVENT_READ)
                bits |= self.curl.CSELECT_OUT * bool(events & selectors.EVENT_WRITE)
                self.multi.socket_action(key.fd, bits)
            if not ready:
                self.multi.socket_action(self.curl.SOCKET_TIMEOUT, 0)
            _, succeeded, failed = self.multi.info_read(AT_ONCE)
            for easy in [*succeeded, *(each[0] for each in failed)]:
                self.multi.remove_handle(easy)
                self.under_way -= 1
                yield easy.getinfo(self.curl.RESPONSE_CODE), easy.body.getvalue()
                self.start(easy)


def libcurl(copies: Iterator[Copy], url: str) -> Iterator[tuple[int | None, bytes]]:
    """libcurl, through pycurl."""
    return Libcurl(copies, url).run()


CLIENTS: dict[str, Callable[[Iterator[Copy], str], Iterator[tuple[int | None, bytes]]]] = {
    "ours": ours,
    "libcurl": libcurl,
    "threads": threads,
}


def main(client: str, keys_file: Path) -> int:
    """Copy every key; return how many copies were not answered as they must be, or not at all."""
    keys, url = keys_file.read_text().splitlines(), os.environ["AWS_ENDPOINT_URL"]
    copies = signed_copies(keys, urlsplit(url).netloc, Credentials.of_environment())
    answers = CLIENTS[client](copies, url)
    return len(keys) - sum(status == 200 and b"<ETag>" in body for status, body in answers)


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1], Path(sys.argv[2]))))
