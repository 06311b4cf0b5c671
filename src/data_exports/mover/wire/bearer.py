"""Sends requests with a bearer token, which it gets first, step by step, and gets anew before it ends.

In: requests to a store. Out: their responses; `NoToken` for what could not be sent, since there is no token. Effects:
the requests, over the mover's own connections (`transport`); the token, in memory alone: it is never written, and no
`repr` shows it.

While a token is on its way, requests wait for it: many at once ask for one. A store that answers 401 is asked once more
with a new token. Each request is sent once otherwise, as by `transport`. A store that says for how long it wants no
request (`Retry-After`) gets none for so long, whoever wants to send one. So it is with whoever gives the tokens.
https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import NamedTuple

from data_exports.mover.wire.http_connection import OnResponse
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import HttpRequest, HttpWay, send_or_fail

REFUSAL_SECONDS = 2.0  # for which a refusal answers others, too: a batch asks no thousand times; a redrive asks anew
LONGEST_SILENCE_SECONDS = 60.0  # that whoever is asked may ask for
LONGEST_LIFE_SECONDS = 86_400.0  # after which a token is got anew, whatever was said of it
LONGEST_MARGIN_SECONDS = 300.0  # how long before its end a token is not used any more; of a short one a quarter
_NOTHING = Response(None, {}, b"")
_VISIBLE = re.compile(r"[\x21-\x7e]+")  # what a header can hold of a token
_SHOWN = re.compile(r": b['\"].*", re.DOTALL)  # what a fault shows of bytes that are no response
_LEAST_PIECE = 12  # characters: what is shorter opens nothing, and stands in other words, too
_WORD = re.compile(rf"[\w.~+/-]{{{_LEAST_PIECE},}}")  # that may be of a token which somebody has cut or wrapped


class Token(NamedTuple):
    """What opens something, and for how many seconds."""

    text: str
    seconds: float

    def __repr__(self) -> str:
        return f"Token(..., {self.seconds:g})"


@dataclass(frozen=True, slots=True)
class TokenStep:
    """One request on the way to a token: made of the token before, answered with another.

    `token_in` returns None where a response of status 200 holds none.
    """

    name: str
    request_of: Callable[[str], HttpRequest]
    token_in: Callable[[Response], Token | None]


@dataclass(frozen=True, slots=True)
class NoToken(Response):
    """The request was not sent: at this step no token was given. `told` is what was answered there, by no store."""

    step: str = ""
    told: Response = _NOTHING


class BearerSender:
    """A `Sender` of requests to one store. For one thread at a time."""

    def __init__(
        self,
        line: HttpWay,
        steps: tuple[TokenStep, ...],
        *,
        service: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Ask nothing yet. `clock`: in seconds; one that goes on while the function sleeps."""
        self.service = service
        self._line = line
        self._steps = steps
        self._clock = clock
        self._token, self._usable_until = "", 0.0
        self._refusal, self._refused_until = NoToken(None, {}, b""), 0.0
        self._waiting: list[Callable[[str | NoToken], None]] = []
        self._drops = line.drops
        self._silent_until = 0.0

    def send(self, request: HttpRequest, on_response: OnResponse, /, *, after_seconds: float = 0) -> None:
        """Start it, now or later; `on_response` gets its response, exactly once."""
        pause = max(after_seconds, self._silent_until - self._clock())
        if pause > 0:
            self._line.call_later(pause, lambda: self._send(request, on_response))
        else:
            self._send(request, on_response)

    def _send(self, request: HttpRequest, on_response: OnResponse, *, is_renewed: bool = False) -> None:
        def carry(token: str | NoToken) -> None:
            if isinstance(token, NoToken):
                on_response(token)
                return
            headers = {**request.headers, "authorization": f"Bearer {token}"}
            send_or_fail(partial(self._line.send_http, replace(request, headers=headers)), partial(take, token))

        def take(token: str, response: Response) -> None:
            response = _without([token], response)
            self._note_silence(response)
            if response.status != 401 or is_renewed:
                on_response(response)
                return
            if token == self._token:
                self._usable_until = 0.0
            self._send(request, on_response, is_renewed=True)

        self._with_token(carry)

    def _with_token(self, call: Callable[[str | NoToken], None]) -> None:
        """Call with a token, or with why there is none; as soon as that is known."""
        now = self._clock()
        if now < self._usable_until:
            call(self._token)
        elif now < self._refused_until:
            call(self._refusal)
        else:
            if self._drops != self._line.drops:  # nobody will answer what was asked then, and nobody waits any more
                self._drops = self._line.drops
                self._waiting.clear()
            self._waiting.append(call)
            if len(self._waiting) == 1:
                self._take_step(0, "")

    def _take_step(self, number: int, before: str) -> None:
        """Ask for the next token, and so on to the last one."""
        step, drops, shown = self._steps[number], self._drops, [before]

        def start(on_response: OnResponse) -> None:
            request = step.request_of(before)
            shown.append(request.headers.get("x-amz-security-token", ""))
            self._line.send_http(request, on_response)

        def take(response: Response) -> None:
            if drops != self._drops:
                return
            self._note_silence(response)
            token = _token_in(step, response)
            if token is None:
                self._refuse(step, _without(shown, response))
            elif number + 1 < len(self._steps):
                self._take_step(number + 1, token.text)
            else:
                margin = min(LONGEST_MARGIN_SECONDS, token.seconds / 4)
                self._token, self._usable_until = token.text, self._clock() + token.seconds - margin
                self._answer(token.text)

        send_or_fail(start, take)

    def _refuse(self, step: TokenStep, response: Response) -> None:
        """Answer all that wait. What may be a token that was not understood is not passed on: of a success its body."""
        told = replace(
            response, fault=_SHOWN.sub("", response.fault), body=b"" if response.status == 200 else response.body
        )
        self._refusal = NoToken(None, {}, b"", told.fault or "no token", step=step.name, told=told)
        is_final = response.status is not None and response.status < 500 and response.status != 429
        self._refused_until = self._clock() + REFUSAL_SECONDS * is_final
        self._answer(self._refusal)

    def _note_silence(self, response: Response) -> None:
        """Send nothing for as long as an answer asks for."""
        seconds = response.headers.get("retry-after", "")
        if response.status in (429, 503) and seconds.isdecimal():
            wanted = min(float(seconds), LONGEST_SILENCE_SECONDS)
            self._silent_until = max(self._silent_until, self._clock() + wanted)

    def _answer(self, token: str | NoToken) -> None:
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            call(token)


def _token_in(step: TokenStep, response: Response) -> Token | None:
    """The token of an answer, if there is one that is of use: whoever answers may tell anything."""
    try:
        token = step.token_in(response) if response.status == 200 else None
    except Exception:  # noqa: BLE001 whoever waits must be answered
        return None
    if token is None or not _VISIBLE.fullmatch(token.text) or not token.seconds > 0:
        return None
    return token._replace(seconds=min(token.seconds, LONGEST_LIFE_SECONDS))


def _without(secrets: Iterable[str], response: Response) -> Response:
    """The response without what it was asked with: whoever answers may repeat that, whole or in pieces."""
    known = [_pieces_of(secret) for secret in secrets]

    def hidden(word: re.Match[str]) -> str:
        pieces = [word[0][start : start + _LEAST_PIECE] for start in _starts_in(word[0])]
        is_of_it = any(not each.isdisjoint(pieces) for each in known)
        return "(a token)" if is_of_it else word[0]

    headers = {name: _WORD.sub(hidden, value) for name, value in response.headers.items()}
    body = _WORD.sub(hidden, response.body.decode("latin-1")).encode("latin-1")
    return replace(response, headers=headers, body=body, fault=_WORD.sub(hidden, response.fault))


@lru_cache(maxsize=4)
def _pieces_of(secret: str) -> frozenset[str]:
    return frozenset(secret[start : start + _LEAST_PIECE] for start in _starts_in(secret))


def _starts_in(text: str) -> range:
    """Where in a text pieces begin that are long enough to tell."""
    return range(len(text) - _LEAST_PIECE + 1)
