"""What the probe asks of a recipient's bucket: each request that a delivery makes.

In: what makes requests, and what carries them out. Out: what was answered to each try. Effects: at most the probe's
object, which stays; nothing is written over. An upload in parts is begun only if the mover may abort it, and aborted.

Google looks at rights before it looks at what is there: that nothing is there means that the caller may do it.
https://cloud.google.com/storage/docs/access-control/iam-xml

`token` `exchange` `impersonate`   a token at AWS, another one for it at Google, and the service account's
`put`         an object, if there is none yet
`part`        an upload in parts, with one part, aborted
`overwrite`   the right to take away what is there, which writing over it needs: of an object that never was
"""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from data_exports.contract.settings import GoogleSettings
from data_exports.contract.tasks import Try, Verdict
from data_exports.mover.places.destination import Ask
from data_exports.mover.places.federation import EXCHANGE, IMPERSONATE, TOKEN
from data_exports.mover.places.google.error_codes import IS_THERE_ALREADY, google_error_reply, read_google_error
from data_exports.mover.places.operation import Sender
from data_exports.mover.places.tries import NO_SUCH_UPLOAD_ID, PROBE_BODY, last_answer_to, no_token_tries, told
from data_exports.mover.rules.protocol import Reply
from data_exports.mover.wire.bearer import NoToken
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.transport import HttpRequest
from data_exports.mover.wire.xml_answers import found_in

_NEVER_THERE = ".none"  # behind the probe's key

RequestFor = Callable[[str, str, str, Mapping[str, str], bytes], HttpRequest]


def google_tries(request_for: RequestFor, target: GoogleSettings, key: str, sender: Sender, ask: Ask) -> list[Try]:
    """Try everything, as long as there is time."""
    steps = (TOKEN, EXCHANGE, IMPERSONATE)[: 3 if target.service_account else 2]

    def answer_to(method: str, name: str, query: str, headers: Mapping[str, str], body: bytes = b"") -> Response:
        request = request_for(method, name, query, headers, body)
        return last_answer_to(request, ask, _meaning_of, sender=sender, only_if_refused=query == "uploads")

    put = answer_to("PUT", key, "", {"x-goog-if-generation-match": "0"}, PROBE_BODY)
    if isinstance(put, NoToken):
        return no_token_tries(put, steps)
    part = answer_to("DELETE", key, f"uploadId={NO_SUCH_UPLOAD_ID}", {})
    if read_google_error(part)[0] == "NoSuchUpload":
        part = answer_to("POST", key, "uploads", {})
        if upload_id := found_in(part.body, "UploadId"):
            upload = f"uploadId={quote(upload_id, safe='')}"
            put_part = answer_to("PUT", key, f"partNumber=1&{upload}", {}, PROBE_BODY)
            aborted = answer_to("DELETE", key, upload, {})
            part = aborted if put_part.status == 200 else put_part
    overwrite = answer_to("DELETE", f"{key}{_NEVER_THERE}", "", {})
    return [
        *(Try(step, Verdict.ALLOWED) for step in steps),
        _told("put", put, IS_THERE_ALREADY),
        _told("part", part),
        _told("overwrite", overwrite, "NoSuchKey"),
    ]


def _meaning_of(response: Response) -> Reply:
    return google_error_reply(response, doing="the probe")


def _told(what: str, response: Response, *as_good_as_done: str) -> Try:
    return told(what, response, read_google_error(response), _meaning_of(response), as_good_as_done)
