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

from data_exports.contract.tasks import Try, Verdict
from data_exports.mover.places.azure.blobs import block_id_of
from data_exports.mover.places.azure.error_codes import IS_THERE, WAS_WRITTEN_SINCE, azure_error_reply, read_azure_error
from data_exports.mover.places.destination import Ask
from data_exports.mover.places.federation import EXCHANGE, TOKEN
from data_exports.mover.places.operation import Sender
from data_exports.mover.places.tries import PROBE_BODY, last_answer_to, no_token_tries, told
from data_exports.mover.rules.protocol import Reply
from data_exports.mover.wire.bearer import NoToken
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import HttpRequest

_STEPS = (TOKEN, EXCHANGE)
_BLOB = {"x-ms-blob-type": "BlockBlob"}
_NEVER = {"if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT"}

RequestOf = Callable[[str, Mapping[str, str], bytes], HttpRequest]


def _meaning_of(response: Response) -> Reply:
    return azure_error_reply(response, doing="the probe")


def azure_tries(request_of: RequestOf, sender: Sender, ask: Ask) -> list[Try]:
    """Try everything, as long as there is time."""

    def answer_to(query: str, headers: Mapping[str, str]) -> Response:
        return last_answer_to(request_of(query, headers, PROBE_BODY), ask, _meaning_of, sender=sender)

    def told_of(what: str, response: Response) -> Try:
        as_good_as_done = (IS_THERE, WAS_WRITTEN_SINCE)
        return told(what, response, read_azure_error(response), _meaning_of(response), as_good_as_done)

    put = answer_to("", {**_BLOB, "if-none-match": "*"})
    if isinstance(put, NoToken):
        return no_token_tries(put, _STEPS)
    block = f"comp=block&blockid={quote(block_id_of('0' * 32, 1), safe='')}"
    return [
        *(Try(step, Verdict.ALLOWED) for step in _STEPS),
        told_of("put", put),
        told_of("block", answer_to(block, {})),
        told_of("overwrite", answer_to("", {**_BLOB, **_NEVER})),
    ]
