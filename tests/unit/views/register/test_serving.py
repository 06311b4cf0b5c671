"""The register on loopback: for whoever knows its address, and for nobody else; what it says of itself to browsers."""

import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from data_exports.views.register.serving import LAUNCH_SECONDS, RegisterServer


class Server(RegisterServer):
    """One whose clock stands still, and that keeps what it tells."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.seconds = 1_000.0
        super().__init__(self.told.append, clock=lambda: self.seconds)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    site = tmp_path / "site"
    (site / "datasets").mkdir(parents=True)
    for name in ("index.html", "datasets/a.html", "register.js", "register.css", ".exports-register.json"):
        (site / name).write_text(f"this is {name}")
    (tmp_path / "secret.html").write_text("secret")
    with Server() as made:
        made.show(site, ["index.html", "datasets/a.html", "register.js", "register.css"])
        yield made


def ask(server: Server, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    parts = urlsplit(server.address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def launch_path(server: Server) -> str:
    """Where its page leads, by itself and by its link."""
    found = re.findall(r'(?:url=|href=")(http://127[^"]+)"', server.new_launch_page())
    assert (len(found), len({*found})) == (2, 1)
    parts = urlsplit(found[0])
    assert parts.netloc == urlsplit(server.address).netloc
    return str(parts.path)


def token_path(server: Server) -> str:
    return urlsplit(server.address).path


def test_it_listens_on_loopback_below_a_path_that_differs_each_time(server: Server) -> None:
    with Server() as other:
        parts = [urlsplit(each.address) for each in (server, other)]
    assert {each.hostname for each in parts} == {"127.0.0.1"}
    paths = {*(each.path for each in parts), launch_path(server), launch_path(server)}
    assert len(paths) == 4
    assert all(len(path) > 40 for path in paths)


@pytest.mark.parametrize(
    ("name", "kind", "body"),
    [
        ("", "text/html; charset=utf-8", "this is index.html"),
        ("index.html?a=b", "text/html; charset=utf-8", "this is index.html"),
        ("datasets/a.html", "text/html; charset=utf-8", "this is datasets/a.html"),
        ("register.js", "text/javascript; charset=utf-8", "this is register.js"),
        ("register.css", "text/css; charset=utf-8", "this is register.css"),
    ],
)
def test_its_files_are_served_with_headers_that_let_a_browser_do_no_more_than_show_them(
    server: Server, name: str, kind: str, body: str
) -> None:
    status, headers, found = ask(server, "GET", token_path(server) + name)
    assert (status, headers["content-type"], found) == (200, kind, body)
    told = {
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    assert {each: headers.get(each) for each in told} == told
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/index.html",
        "/wrong/",
        "/wrong/index.html",
        "//index.html",
        "/%C3%A9/index.html",
        "{token}../secret.html",
        "{token}%2e%2e/secret.html",
        "{token}..%2fsecret.html",
        "{token}/etc/passwd",
        "{token}datasets",
        "{token}.exports-register.json",
        "{token}nothing.html",
    ],
)
def test_whatever_else_is_asked_for_there_is_nothing(server: Server, path: str) -> None:
    status, _, body = ask(server, "GET", path.format(token=token_path(server)))
    assert (status, body) == (404, "")


def test_the_path_without_its_last_slash_is_no_path_of_ours(server: Server) -> None:
    assert ask(server, "GET", token_path(server).rstrip("/"))[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""])
def test_a_name_of_somebody_elses_that_means_this_address_is_told_nothing(server: Server, host: str) -> None:
    named = host.format(port=urlsplit(server.address).port)
    assert ask(server, "GET", token_path(server), Host=named)[0] == 404
    launch = launch_path(server)
    assert ask(server, "GET", launch, Host=named)[0] == 404
    assert ask(server, "GET", launch)[0] == 303


def test_localhost_is_this_computer_too(server: Server) -> None:
    assert ask(server, "GET", token_path(server), Host=f"localhost:{urlsplit(server.address).port}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_but_reading_is_allowed(server: Server, method: str) -> None:
    status, headers, _ = ask(server, method, token_path(server))
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert ask(server, method, "/wrong/")[0] == 404


def test_head_tells_the_length_and_sends_nothing(server: Server) -> None:
    status, headers, body = ask(server, "HEAD", token_path(server))
    assert (status, headers["content-length"], body) == (200, str(len("this is index.html")), "")


def test_the_launch_address_leads_there_once_and_whoever_asks_again_is_told_of(server: Server) -> None:
    launch = launch_path(server)
    assert ask(server, "GET", f"{launch}index.html")[0] == 404
    status, headers, _ = ask(server, "GET", launch)
    assert (status, headers["location"], server.told) == (303, token_path(server), [])
    assert ask(server, "GET", "/wrong/")[0] == 404
    assert server.told == []
    assert [ask(server, method, launch)[0] for method in ("GET", "HEAD", "GET")] == [404, 404, 404]
    (told,) = server.told
    assert "somebody else asked for it; Ctrl-C ends this" in told
    assert launch.strip("/") not in told


def test_to_ask_for_its_head_spends_it_too(server: Server) -> None:
    launch = launch_path(server)
    assert [ask(server, method, launch)[0] for method in ("HEAD", "GET")] == [303, 404]


@pytest.mark.parametrize(("seconds", "status"), [(LAUNCH_SECONDS - 1, 303), (LAUNCH_SECONDS, 404)])
def test_after_a_while_it_leads_nowhere(server: Server, seconds: int, status: int) -> None:
    launch = launch_path(server)
    server.seconds += seconds
    assert ask(server, "GET", launch)[0] == status
    assert [("came too late" in told) for told in server.told] == [True] * (status == 404)
    server.seconds -= seconds
    assert ask(server, "GET", launch)[0] == 404


def test_before_there_is_a_launch_address_no_empty_one_is_known(server: Server) -> None:
    assert [ask(server, method, path)[0] for path in ("//", "/%2F") for method in ("GET", "HEAD")] == [404] * 4
    assert server.told == []


def test_what_is_shown_anew_is_served_at_the_same_address(server: Server, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text("anew")
    server.show(tmp_path / "other", ["index.html"])
    assert ask(server, "GET", token_path(server))[2] == "anew"
    assert ask(server, "GET", f"{token_path(server)}datasets/a.html")[0] == 404


def test_a_request_that_is_none_ends_nothing_and_says_nothing(
    server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = urlsplit(server.address)
    for sent in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\n\r\n", b"GE"):
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert b"this is" not in connection.recv(65536)
    assert ask(server, "GET", token_path(server))[0] == 200
    assert capfd.readouterr() == ("", "")
