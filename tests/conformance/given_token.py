"""A token of another cloud that somebody gave in a file: it opens the store there, for its owner and for the mover.

In: a file for one user alone. Out: what the store answers; tokens for a mover. Effects: requests, to the store and to
nobody else; a listener on 127.0.0.1. The token is read anew each time, so that the file may be renewed while a run
lasts. It is in memory, in requests to the store and in the answer to a mover, and is shown nowhere.
"""

import http.client
import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from data_exports.errors import ExportsError, UsageError
from data_exports.local.clouds.exchange import CloudAnswer, CloudRequest, start_cloud_listener
from data_exports.local.clouds.faults import Faults
from data_exports.mover.places.told import told_text
from data_exports.mover.wire.endpoints import default_tls_context
from data_exports.mover.wire.xml_answers import found_in

_TIMEOUT_SECONDS = 60
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_OF_OTHERS = 0o077
_NO_TOKEN_OF_ITS_OWN = "AuthenticationFailed"

Headers = Mapping[str, str]


class WireAnswer(NamedTuple):
    """An answer as it came; headers by names in lower case."""

    status: int
    headers: Headers
    body: bytes


def wire_answer(method: str, url: str, body: bytes, headers: Headers) -> WireAnswer:
    """One request, to this host and to no other one: it follows nobody who sends it elsewhere.

    Raises `OSError` without an answer.
    """
    parts = urlsplit(url)
    connection = (
        http.client.HTTPSConnection(parts.netloc, timeout=_TIMEOUT_SECONDS, context=default_tls_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_SECONDS)
    )
    try:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request(method, target, body or None, dict(headers))
        response = connection.getresponse()
        told = {name.lower(): value for name, value in response.headers.items()}
        return WireAnswer(response.status, told, response.read())
    except http.client.HTTPException as error:
        raise OSError(f"this is no answer: {error!r}") from error
    finally:
        connection.close()


class StoreRefusedError(ExportsError):
    """The store answered, and did not do it."""

    def __init__(self, said: str, status: int) -> None:
        super().__init__(said)
        self.status = status


@dataclass(frozen=True)
class GivenToken:
    """The token in a file. `variable`: which setting names it; `command`: what writes it."""

    file: Path
    variable: str
    command: str

    def read(self) -> str:
        """The token. Raises `UsageError`, with its words never."""
        if not self.file.is_file():
            raise self._refused(f"{self.file} is no file", f"write it: {self.command}")
        mode = stat.S_IMODE(self.file.stat().st_mode)
        if mode & _OF_OTHERS:
            open_to = f"{self.file} is open to others than you (mode {mode:04o})"
            raise self._refused(open_to, f"remove it, and write another token: {self.command}")
        try:
            token = self.file.read_text(encoding="utf-8", errors="replace").strip()
        except OSError as error:
            raise self._refused(f"{self.file} cannot be read: {error.strerror}", "chmod it so that you may") from error
        if not _VISIBLE.fullmatch(token):
            raise self._refused(f"{self.file} holds {'no token' if token else 'nothing'}", f"write it: {self.command}")
        return token

    def ask(self, method: str, url: str, body: bytes = b"", headers: Headers | None = None) -> WireAnswer:
        """One request to the store, as the token's owner."""
        return wire_answer(method, url, body, {**(headers or {}), "authorization": f"Bearer {self.read()}"})

    def fetch(self, url: str, headers: Headers | None = None) -> bytes:
        """What is there. Raises `StoreRefusedError` if it is not to be had, and `OSError` without an answer."""
        answer = self.ask("GET", url, headers=headers)
        if answer.status != 200:
            said = told_text(_words_in(answer.body).replace(self.read(), "(the token)"))
            raise StoreRefusedError(f"{urlsplit(url).netloc} answers {answer.status} ({said})", answer.status)
        return answer.body

    def check_opens(self, url: str, headers: Headers, rights: str) -> None:
        """Ask for what its owner may see there. Raises `UsageError` if that is not to be had, with the reason."""
        try:
            self.fetch(url, headers)
        except OSError as error:
            raise self._refused(f"no answer from {urlsplit(url).netloc}: {error}", "see whether it is there") from error
        except StoreRefusedError as refused:
            raise self._refused(*_meaning_of(refused, rights, self.command)) from refused

    def _refused(self, what: str, next_step: str) -> UsageError:
        return UsageError(what, where=self.variable, next_step=next_step)


def _words_in(body: bytes) -> str:
    """Azure's code and message, or all that was said: Google's is short."""
    code, message = found_in(body, "Code"), found_in(body, "Message")
    return f"{code}: {message}" if code else body.decode(errors="replace")


def _meaning_of(refused: StoreRefusedError, rights: str, command: str) -> tuple[str, str]:
    """What a refusal means for who gave the token, and what to do.

    https://learn.microsoft.com/en-us/rest/api/storageservices/common-rest-api-error-codes
    https://cloud.google.com/storage/docs/json_api/v1/status-codes
    """
    match refused.status:
        case _ if refused.status == 401 or _NO_TOKEN_OF_ITS_OWN in refused.what:
            return f"its token has expired, or is none for that store: {refused}", f"write another one: {command}"
        case 403:
            return f"its token opens nothing there: {refused}", f"give its owner {rights}, and no firewall between"
        case 404:
            return f"its token opens nothing, for there is no such place: {refused}", "see whether its name is right"
        case _:
            return f"its token is of no use: {refused}", "see what the store says"


class TokenGiver:
    """Stands before a stand-in for who gives tokens: whom that one lets in gets the given token in place of its own.

    So the mover asks AWS and exchanges what it gets, as ever, and nobody else on this machine gets the token.
    """

    name = "the giver of tokens"

    def __init__(self, token: GivenToken) -> None:
        self._token, self._behind, self._url = token, "", ""

    def url_before(self, behind: str) -> str:
        """Where it listens from now on, before whoever is at this URL."""
        self._behind = behind
        self._url = self._url or f"http://127.0.0.1:{start_cloud_listener(self, Faults())}"
        return self._url

    def refusal(self, status: int, code: str, words: str, headers: Headers) -> CloudAnswer:
        """A refusal in the form of OAuth: https://www.rfc-editor.org/rfc/rfc6749#section-5.2."""
        told = json.dumps({"error": code, "error_description": words}).encode()
        return CloudAnswer(status, {"Content-Type": "application/json", **headers}, (told,))

    def serve(self, request: CloudRequest) -> CloudAnswer:
        """Pass it on, and give the token if it was found right."""
        headers = {"content-type": request.headers.get("content-type", "")}
        status, _, told = wire_answer(request.method, self._behind + request.path, request.body, headers)
        if status == 200:
            told = json.dumps({**json.loads(told), "access_token": self._token.read()}).encode()
        return CloudAnswer(status, {"Content-Type": "application/json"}, (told,))
