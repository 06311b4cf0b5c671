"""The register on loopback: for whoever knows its address, and for nobody else; what it says of itself to browsers."""

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from data_exports.views.register.serving import RegisterServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegisterServer]:
    site = tmp_path / "site"
    (site / "datasets").mkdir(parents=True)
    for name in ("index.html", "datasets/a.html", "register.js", "register.css", ".exports-register.json"):
        (site / name).write_text(f"this is {name}")
    (tmp_path / "secret.html").write_text("secret")
    with RegisterServer() as made:
        made.show(site, ["index.html", "datasets/a.html", "register.js", "register.css"])
        yield made


def ask(server: RegisterServer, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
    parts = urlsplit(server.address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def token_path(server: RegisterServer) -> str:
    return urlsplit(server.address).path


def test_it_listens_on_loopback_below_a_path_that_differs_each_time(server: RegisterServer) -> None:
    with RegisterServer() as other:
        parts = [urlsplit(each) for each in (server.address, other.address, server.launch_address)]
    assert {each.hostname for each in parts} == {"127.0.0.1"}
    assert len({each.path for each in parts}) == 3
    assert all(len(each.path) > 40 for each in parts)


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
    server: RegisterServer, name: str, kind: str, body: str
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
def test_whatever_else_is_asked_for_there_is_nothing(server: RegisterServer, path: str) -> None:
    status, _, body = ask(server, "GET", path.format(token=token_path(server)))
    assert (status, body) == (404, "")


def test_the_path_without_its_last_slash_is_no_path_of_ours(server: RegisterServer) -> None:
    assert ask(server, "GET", token_path(server).rstrip("/"))[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", ""])
def test_a_name_of_somebody_elses_that_means_this_address_is_told_nothing(server: RegisterServer, host: str) -> None:
    named = host.format(port=urlsplit(server.address).port)
    assert ask(server, "GET", token_path(server), Host=named)[0] == 404
    assert ask(server, "GET", urlsplit(server.launch_address).path, Host=named)[0] == 404
    assert ask(server, "GET", urlsplit(server.launch_address).path)[0] == 303


def test_localhost_is_this_computer_too(server: RegisterServer) -> None:
    assert ask(server, "GET", token_path(server), Host=f"localhost:{urlsplit(server.address).port}")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_but_reading_is_allowed(server: RegisterServer, method: str) -> None:
    status, headers, _ = ask(server, method, token_path(server))
    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert ask(server, method, "/wrong/")[0] == 404


def test_head_tells_the_length_and_sends_nothing(server: RegisterServer) -> None:
    status, headers, body = ask(server, "HEAD", token_path(server))
    assert (status, headers["content-length"], body) == (200, str(len("this is index.html")), "")


def test_the_launch_address_leads_there_once(server: RegisterServer) -> None:
    launch = urlsplit(server.launch_address).path
    assert ask(server, "HEAD", launch)[0] == 200
    assert ask(server, "GET", f"{launch}index.html")[0] == 404
    status, headers, _ = ask(server, "GET", launch)
    assert (status, headers["location"]) == (303, token_path(server))
    assert ask(server, "GET", launch)[0] == 404
    assert [ask(server, method, "/%2F")[0] for method in ("GET", "HEAD")] == [404, 404]


def test_what_is_shown_anew_is_served_at_the_same_address(server: RegisterServer, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text("anew")
    server.show(tmp_path / "other", ["index.html"])
    assert ask(server, "GET", token_path(server))[2] == "anew"
    assert ask(server, "GET", f"{token_path(server)}datasets/a.html")[0] == 404


def test_a_request_that_is_none_ends_nothing_and_says_nothing(
    server: RegisterServer, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = urlsplit(server.address)
    for sent in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\n\r\n", b"GE"):
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert b"this is" not in connection.recv(65536)
    assert ask(server, "GET", token_path(server))[0] == 200
    assert capfd.readouterr() == ("", "")
