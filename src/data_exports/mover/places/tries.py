"""What the probes of all kinds of destinations have in common.

In: requests, and what carries them out. Out: what was answered, as tries. Effects: those of the requests.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from data_exports.contract.causes import Side
from data_exports.contract.tasks import Try, Verdict
from data_exports.mover.places.destination import Ask
from data_exports.mover.places.federation import no_token_reply, no_token_words
from data_exports.mover.places.operation import CallStep, Operation, Sender, TimedRequest
from data_exports.mover.places.told import told_text
from data_exports.mover.rules.protocol import Failed, Forbidden, Reply, StoreAnswer, Written
from data_exports.mover.wire.bearer import NoToken
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import RetryPolicy

PROBE_BODY = b"Left by `exports probe`, to prove that files can be delivered here. It may be removed.\n"
NO_SUCH_UPLOAD_ID = "exports-probe-no-such-upload"
_POLICY = RetryPolicy(most_tries=3, seconds_for_tries=60)


def last_answer_to(
    request: TimedRequest,
    ask: Ask,
    meaning_of: Callable[[Response], Reply],
    *,
    sender: Sender | None = None,
    only_if_refused: bool = False,
) -> Response:
    """Make a request, again if the store is unwell, and return what it answered last.

    `only_if_refused`: what may have begun something is not begun once more.
    """
    responses: list[Response] = []

    def read(response: Response) -> CallStep:
        responses.append(response)
        is_success = response.status is not None and response.status < 300
        return Written() if is_success else meaning_of(response)

    policy = replace(_POLICY, only_if_refused=only_if_refused)
    operation: Operation[StoreAnswer] = Operation(request, read, policy, sender=sender)
    ask(operation)
    return responses[-1] if responses else Response(None, {}, b"", fault="the function's time ran out")


def told(
    what: str, response: Response, error: tuple[str, str, str], reply: Reply, as_good_as_done: Sequence[str] = ()
) -> Try:
    """What an answer says of a try. `error`: code, what was said, the request's id; `reply`: what it means.

    A success with the code of an error is none: S3 may tell of one in the body.
    """
    if response.status is None:
        return Try(what, Verdict.UNKNOWN, said=told_text(response.fault) or "no answer")
    code, said, request_id = error
    if (response.status < 300 and not code) or code in as_good_as_done:
        return Try(what, Verdict.ALLOWED)
    is_theirs = isinstance(reply, Failed | Forbidden) and reply.cause.side is Side.RECIPIENT
    verdict = Verdict.REFUSED if is_theirs else Verdict.UNKNOWN
    return Try(what, verdict, code or str(response.status), said, request_id)


def no_token_tries(refused: NoToken, steps: Sequence[str]) -> list[Try]:
    """The steps up to the one that gave no token, and what was said there."""
    passed = [Try(step, Verdict.ALLOWED) for step in steps[: steps.index(refused.step)]]
    code, said = no_token_words(refused)
    verdict = Verdict.UNKNOWN if no_token_reply(refused).cause.side is None else Verdict.REFUSED
    return [*passed, Try(refused.step, verdict, code, said or told_text(refused.told.fault))]
