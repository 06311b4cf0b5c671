"""What the probe asks of a recipient's container: each request that a delivery makes.

In: what makes requests for the probe's blob, and what carries them out. Out: what was answered to each try. Effects: at
most the blob, which stays, and a block that nobody lists, which vanishes within a week; nothing is written over.

Azure looks at rights before it looks at conditions: that one is not met means that the caller may do it.

`token` `exchange`   a token at AWS, and another one for it at Entra
`put`                a blob, if there is none yet
`block`              a block of a large file
`overwrite`          the blob once more, on a condition that is never met
"""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from data_exports.contract.causes import Side
from data_exports.contract.tasks import Try, Verdict
from data_exports.mover.places.azure.blobs import block_id_of
from data_exports.mover.places.azure.error_codes import IS_THERE, WAS_WRITTEN_SINCE, azure_error_reply, code_in
from data_exports.mover.places.destination import Ask
from data_exports.mover.places.federation import EXCHANGE, TOKEN, no_token_reply, no_token_words
from data_exports.mover.places.operation import CallStep, Operation, Sender
from data_exports.mover.rules.protocol import Failed, Forbidden, StoreAnswer, Written
from data_exports.mover.wire.bearer import NoToken
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import RetryPolicy
from data_exports.mover.wire.transport import HttpRequest
from data_exports.mover.wire.xml_answers import found_in

_BODY = b"Left by `exports probe`, to prove that files can be delivered here. It may be removed.\n"
_POLICY = RetryPolicy(most_tries=3, seconds_for_tries=60)
_STEPS = (TOKEN, EXCHANGE)
_BLOB = {"x-ms-blob-type": "BlockBlob"}
_NEVER = {"if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT"}

RequestOf = Callable[[str, Mapping[str, str], bytes], HttpRequest]


def azure_tries(request_of: RequestOf, sender: Sender, ask: Ask) -> list[Try]:
    """Try everything, as long as there is time."""
    put = _answer_to(request_of("", {**_BLOB, "if-none-match": "*"}, _BODY), sender, ask)
    if isinstance(put, NoToken):
        return no_token_tries(put, _STEPS)
    block = f"comp=block&blockid={quote(block_id_of('0' * 32, 1), safe='')}"
    return [
        *(Try(step, Verdict.ALLOWED) for step in _STEPS),
        _told("put", put),
        _told("block", _answer_to(request_of(block, {}, _BODY), sender, ask)),
        _told("overwrite", _answer_to(request_of("", {**_BLOB, **_NEVER}, _BODY), sender, ask)),
    ]


def no_token_tries(refused: NoToken, steps: tuple[str, ...]) -> list[Try]:
    """The steps up to the one that gave no token, and what was said there."""
    passed = [Try(step, Verdict.ALLOWED) for step in steps[: steps.index(refused.step)]]
    code, said = no_token_words(refused)
    is_told = no_token_reply(refused).cause.side is not None
    return [*passed, Try(refused.step, Verdict.REFUSED if is_told else Verdict.UNKNOWN, code, said or refused.fault)]


def _answer_to(request: HttpRequest, sender: Sender, ask: Ask) -> Response:
    """Make a request, again if Azure is unwell, and return what it answered last."""
    responses: list[Response] = []

    def read(response: Response) -> CallStep:
        responses.append(response)
        return Written() if response.status == 201 else azure_error_reply(response, doing="the probe")

    operation: Operation[StoreAnswer] = Operation(request, read, _POLICY, sender=sender)
    ask(operation)
    return responses[-1] if responses else Response(None, {}, b"", fault="the function's time ran out")


def _told(what: str, response: Response) -> Try:
    if response.status is None or isinstance(response, NoToken):
        return Try(what, Verdict.UNKNOWN, said=response.fault or "no answer")
    code = code_in(response)
    if response.status == 201 or code in (IS_THERE, WAS_WRITTEN_SINCE):
        return Try(what, Verdict.ALLOWED)
    reply = azure_error_reply(response, doing=what)
    is_theirs = isinstance(reply, Failed | Forbidden) and reply.cause.side is Side.RECIPIENT
    said = found_in(response.body, "Message").partition("\n")[0]
    verdict = Verdict.REFUSED if is_theirs else Verdict.UNKNOWN
    return Try(what, verdict, code, said, response.headers.get("x-ms-request-id", ""))
