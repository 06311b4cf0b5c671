"""Tokens are got step by step, once for all that wait, and renewed; none of it is shown or kept anywhere."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from data_exports.mover.wire.bearer import BearerSender, NoToken, Token, TokenStep
from data_exports.mover.wire.http_connection import OnResponse
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import HttpRequest

DONE, WRITTEN = Response(200, {}, b""), Response(201, {}, b"")
UNKNOWN = Response(401, {}, b"")


@dataclass
class PlayedLine:
    """Whoever is asked, as the test plays them."""

    asked: deque[tuple[HttpRequest, OnResponse]] = field(default_factory=deque)
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    drops: int = 0
    cannot_send: str = ""

    def send_http(self, request: HttpRequest, on_response: OnResponse) -> None:
        if request.url == self.cannot_send:
            raise ValueError(request.url)
        self.asked.append((request, on_response))

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self.later.append((seconds, call))

    def answer(self, response: Response) -> str:
        """Answer what was asked first; return whom it went to, and with which token."""
        request, on_response = self.asked.popleft()
        on_response(response)
        return f"{request.url} {request.headers.get('authorization', '')}".strip()


def no_token(step: str, told: Response) -> NoToken:
    return NoToken(None, {}, b"", told.fault or "no token", step, told)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def step(name: str, seconds: float = 3600) -> TokenStep:
    return TokenStep(
        name,
        lambda before: HttpRequest("POST", f"https://{name}/", {"before": before}),
        lambda response: Token(response.body.decode(), seconds) if response.body else None,
    )


@dataclass
class Played:
    """A sender, and what it has told."""

    seconds: float = 3600
    line: PlayedLine = field(default_factory=PlayedLine)
    clock: Clock = field(default_factory=Clock)
    told: list[Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        steps = (step("aws"), step("login", self.seconds))
        self.sender = BearerSender(self.line, steps, service="the store", clock=self.clock)

    def send(self, name: str = "a") -> None:
        self.sender.send(HttpRequest("PUT", f"https://store/{name}"), self.told.append)

    def get_token(self, text: bytes = b"t1") -> None:
        self.line.answer(Response(200, {}, b"assertion"))
        self.line.answer(Response(200, {}, text))


def test_all_that_is_sent_waits_for_one_token_which_is_got_step_by_step() -> None:
    played = Played()
    for name in "ab":
        played.send(name)
    assert [request.url for request, _ in played.line.asked] == ["https://aws/"]
    played.line.answer(Response(200, {}, b"assertion"))
    assert [(request.url, request.headers) for request, _ in played.line.asked] == [
        ("https://login/", {"before": "assertion"})
    ]
    played.line.answer(Response(200, {}, b"t1"))
    assert [played.line.answer(WRITTEN) for _ in "ab"] == ["https://store/a Bearer t1", "https://store/b Bearer t1"]
    assert played.told == [WRITTEN, WRITTEN]


def test_a_token_is_used_again_until_shortly_before_its_end() -> None:
    played = Played()
    played.send()
    played.get_token()
    played.line.answer(WRITTEN)
    played.clock.now += 3299
    played.send()
    assert played.line.answer(WRITTEN) == "https://store/a Bearer t1"
    played.clock.now += 1
    played.send()
    played.get_token(b"t2")
    assert played.line.answer(WRITTEN) == "https://store/a Bearer t2"


def test_a_short_token_is_used_for_three_quarters_of_its_life() -> None:
    played = Played(seconds=400)
    played.send()
    played.get_token()
    played.line.answer(WRITTEN)
    played.clock.now += 299
    played.send()
    assert played.line.answer(WRITTEN) == "https://store/a Bearer t1"
    played.clock.now += 1
    played.send()
    assert played.line.asked[0][0].url == "https://aws/"


def test_a_store_that_does_not_know_the_token_is_asked_once_more_with_a_new_one() -> None:
    played = Played()
    for name in "ab":
        played.send(name)
    played.get_token()
    played.line.answer(UNKNOWN)
    played.line.answer(UNKNOWN)
    assert [request.url for request, _ in played.line.asked] == ["https://aws/"]
    played.get_token(b"t2")
    assert played.line.answer(UNKNOWN) == "https://store/a Bearer t2"
    assert played.line.answer(WRITTEN) == "https://store/b Bearer t2"
    assert played.told == [UNKNOWN, WRITTEN]


def test_without_a_token_all_that_wait_learn_at_which_step_and_what_was_said() -> None:
    played = Played()
    for name in "ab":
        played.send(name)
    played.line.answer(Response(200, {}, b"assertion"))
    played.line.answer(Response(400, {}, b"no such tenant"))
    refusal = no_token("login", Response(400, {}, b"no such tenant"))
    assert played.told == [refusal, refusal]
    played.clock.now += 1.9
    played.send()
    assert played.told == [refusal] * 3
    assert not played.line.asked
    played.clock.now += 0.1  # so soon somebody whose half is mended may have it tried at once
    played.send()
    assert played.line.asked


@pytest.mark.parametrize("response", [Response(503, {}, b""), Response(429, {}, b""), Response(None, {}, b"", "lost")])
def test_what_passes_is_asked_again_by_the_next_request(response: Response) -> None:
    played = Played()
    played.send()
    played.line.answer(response)
    assert played.told == [no_token("aws", response)]
    played.send()
    assert [request.url for request, _ in played.line.asked] == ["https://aws/"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("two\r\nlines", 60), ("caf\xe9", 60), ("a b", 60), ("", 60), ("t", math.nan), ("t", 0), ("t", -1)],
)
def test_a_token_that_is_of_no_use_is_none(text: str, seconds: float) -> None:
    played = Played()
    steps = (TokenStep("aws", lambda _: HttpRequest("POST", "https://aws/"), lambda _: Token(text, seconds)),)
    BearerSender(played.line, steps, service="the store").send(HttpRequest("PUT", "https://s/"), played.told.append)
    played.line.answer(DONE)
    assert played.told == [no_token("aws", DONE)]


def test_an_answer_that_cannot_be_read_holds_no_token() -> None:
    def fail(_: Response) -> Token:
        raise OverflowError

    played = Played()
    steps = (TokenStep("aws", lambda _: HttpRequest("POST", "https://aws/"), fail),)
    BearerSender(played.line, steps, service="the store").send(HttpRequest("PUT", "https://s/"), played.told.append)
    played.line.answer(DONE)
    assert played.told == [no_token("aws", DONE)]


def test_a_token_for_ever_is_got_anew_after_a_day() -> None:
    played = Played(seconds=math.inf)
    played.send()
    played.get_token()
    played.line.answer(WRITTEN)
    played.clock.now += 86_100
    played.send()
    assert played.line.asked[0][0].url == "https://aws/"


def test_a_request_that_cannot_be_sent_once_there_is_a_token_is_answered_and_so_are_the_others() -> None:
    played = Played()
    played.sender.send(HttpRequest("PUT", "https://store/a"), played.told.append)
    played.sender.send(HttpRequest("PUT", "https://store/b"), played.told.append)
    played.line.cannot_send = "https://store/a"
    played.get_token()
    assert played.told == [Response(None, {}, b"", "ValueError: https://store/a")]
    assert played.line.answer(WRITTEN) == "https://store/b Bearer t1"


def test_a_request_that_cannot_be_made_is_answered() -> None:
    def fail(_: str) -> HttpRequest:
        raise ValueError("no region")

    told: list[Response] = []
    steps = (TokenStep("aws", fail, lambda _: None),)
    BearerSender(PlayedLine(), steps, service="the store").send(HttpRequest("PUT", "https://store/"), told.append)
    assert told == [no_token("aws", Response(None, {}, b"", "ValueError: no region"))]


def test_what_waited_when_all_was_dropped_is_not_waited_for_any_more() -> None:
    played = Played()
    played.send("a")
    late = played.line.asked.popleft()[1]
    played.line.drops += 1
    played.send("b")
    late(Response(200, {}, b"assertion of before"))
    assert [request.url for request, _ in played.line.asked] == ["https://aws/"]
    played.get_token()
    assert played.line.answer(WRITTEN) == "https://store/b Bearer t1"
    assert (played.told, len(played.line.asked)) == ([WRITTEN], 0)


def test_a_request_waits_as_long_as_it_is_told_to() -> None:
    played = Played()
    played.sender.send(HttpRequest("PUT", "https://store/"), played.told.append, after_seconds=2)
    assert ([seconds for seconds, _ in played.line.later], len(played.line.asked)) == ([2], 0)
    played.line.later[0][1]()
    assert played.line.asked


def test_a_store_that_asks_for_silence_gets_no_request_meanwhile() -> None:
    played = Played()
    for name in "ab":
        played.send(name)
    played.get_token()
    played.line.answer(Response(503, {"retry-after": "7"}, b""))
    played.line.answer(Response(503, {"retry-after": "Mon, 30 Nov 2026 10:00:00 GMT"}, b""))
    played.sender.send(HttpRequest("PUT", "https://store/c"), played.told.append, after_seconds=2)
    assert ([seconds for seconds, _ in played.line.later], len(played.line.asked)) == ([7], 0)
    played.clock.now += 7
    played.send("d")
    assert played.line.answer(Response(503, {"retry-after": "3600"}, b"")) == "https://store/d Bearer t1"
    played.send("e")
    assert played.line.later[1][0] == 60


def test_so_does_whoever_gives_tokens() -> None:
    played = Played()
    played.send()
    played.line.answer(Response(429, {"retry-after": "7"}, b""))
    assert len(played.told) == 1
    played.send()
    assert ([seconds for seconds, _ in played.line.later], len(played.line.asked)) == ([7], 0)
    played.clock.now += 7
    played.line.later[0][1]()
    assert [request.url for request, _ in played.line.asked] == ["https://aws/"]


def test_no_token_is_shown() -> None:
    played = Played()
    played.send()
    played.get_token(b"very-secret")
    shown = f"{Token('very-secret', 60)!r} {played.line.asked[0][0]!r} {played.sender!r}"
    assert "very-secret" not in shown
    unread = Played()
    steps = (TokenStep("aws", lambda _: HttpRequest("POST", "https://aws/"), lambda _: None),)
    BearerSender(unread.line, steps, service="the store").send(HttpRequest("PUT", "https://s/"), unread.told.append)
    unread.line.answer(Response(200, {}, b"a very-secret in a form nobody knows"))
    assert unread.told == [no_token("aws", Response(200, {}, b""))]


ASSERTION, TOKEN = b"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb2xlIn0.c2lnbmF0dXJl", b"very-secret/opens+all_of~it"
PIECES = [ASSERTION[:20], ASSERTION[20:], ASSERTION[-30:], TOKEN[:14], TOKEN[14:]]


@pytest.mark.parametrize(
    "said", [b"%b of %b", b"%b\r\n%b", b"%b<wbr>%b", b'{"x":"%b","y":"%b"}', b"%b\\r\\n%b", b"%b\\u200b%b"]
)
def test_nobody_who_repeats_what_it_was_asked_with_is_repeated(said: bytes) -> None:
    whole = [(ASSERTION, TOKEN), (ASSERTION[:20], ASSERTION[20:]), (TOKEN[:14], TOKEN[14:])]
    for words in (said % each for each in whole):
        for at_the_store in (True, False):
            played = Played()
            played.send()
            played.line.answer(Response(200, {}, ASSERTION))
            told = Response(403, {"x-ms-error-code": words.decode("latin-1")}, words, fault=words.decode("latin-1"))
            if at_the_store:
                played.line.answer(Response(200, {}, TOKEN))
            played.line.answer(told)
            (answer,) = played.told
            told = answer.told if isinstance(answer, NoToken) else answer
            heard = [*told.headers.values(), told.body.decode(), told.fault, answer.fault]
            mine = TOKEN if at_the_store else ASSERTION
            assert [piece for piece in PIECES if piece in mine and any(piece.decode() in each for each in heard)] == []


def test_aws_may_repeat_the_session_that_asked() -> None:
    def request_of(_: str) -> HttpRequest:
        return HttpRequest("POST", "https://aws/", {"x-amz-security-token": "IQoJb3JpZ2luX2VjE-session"})

    played = Played()
    steps = (TokenStep("aws", request_of, lambda _: None),)
    BearerSender(played.line, steps, service="the store").send(HttpRequest("PUT", "https://s/"), played.told.append)
    played.line.answer(Response(403, {}, b"should have been 'x-amz-security-token:IQoJb3JpZ2luX2VjE-session'"))
    assert played.told == [no_token("aws", Response(403, {}, b"should have been 'x-amz-security-token:(a token)'"))]


def test_what_is_no_response_of_whoever_gives_tokens_may_be_one_and_is_not_shown() -> None:
    played = Played()
    played.send()
    played.line.answer(Response(None, {}, b"", "not the size of a chunk: b'the middle of a token'"))
    assert played.told == [no_token("aws", Response(None, {}, b"", "not the size of a chunk"))]


def test_a_token_that_is_a_word_is_none_to_hide() -> None:
    played = Played()
    played.send()
    played.get_token(b"t")
    told = Response(201, {"etag": '"0x1t"', "content-md5": "t"}, b"t")
    played.line.answer(told)
    assert played.told == [told]
