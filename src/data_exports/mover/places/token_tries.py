"""What the probes of stores with tokens have in common.

In: requests, and what carries them out. Out: what was answered, as tries. Effects: those of the requests.
"""

from collections.abc import Sequence
from typing import Protocol

from data_exports.contract.tasks import Try, Verdict
from data_exports.mover.places.destination import Ask
from data_exports.mover.places.federation import no_token_reply, no_token_words
from data_exports.mover.places.operation import CallStep, Operation, Sender
from data_exports.mover.rules.protocol import Reply, StoreAnswer, Written
from data_exports.mover.wire.bearer import NoToken
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import RetryPolicy
from data_exports.mover.wire.transport import HttpRequest

_POLICY = RetryPolicy(most_tries=3, seconds_for_tries=60)


class ErrorReply(Protocol):
    """What a store's errors mean."""

    def __call__(self, response: Response, *, doing: str) -> Reply:
        """Tell what a response means; `doing` names what was tried."""


def no_token_tries(refused: NoToken, steps: Sequence[str]) -> list[Try]:
    """The steps up to the one that gave no token, and what was said there."""
    passed = [Try(step, Verdict.ALLOWED) for step in steps[: steps.index(refused.step)]]
    code, said = no_token_words(refused)
    verdict = Verdict.UNKNOWN if no_token_reply(refused).cause.side is None else Verdict.REFUSED
    return [*passed, Try(refused.step, verdict, code, said or refused.told.fault)]


def last_answer_to(request: HttpRequest, sender: Sender, ask: Ask, error_reply: ErrorReply) -> Response:
    """Make a request, again if the store is unwell, and return what it answered last."""
    responses: list[Response] = []

    def read(response: Response) -> CallStep:
        responses.append(response)
        is_success = response.status is not None and response.status < 300
        return Written() if is_success else error_reply(response, doing="the probe")

    operation: Operation[StoreAnswer] = Operation(request, read, _POLICY, sender=sender)
    ask(operation)
    return responses[-1] if responses else Response(None, {}, b"", fault="the function's time ran out")
