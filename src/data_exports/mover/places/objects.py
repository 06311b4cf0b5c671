"""S3, as the mover uses it: the calls of a delivery as requests, and S3's answers as replies.

In: calls (`calls`). Out: their answers, in the order in which they come. Effects: reads the hub, writes to the one
target bucket, hides keys in the hub, stores receipts. Every request names the account that must own the bucket, where
it is known: a bucket name that somebody else has taken over receives nothing.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html

A call that fails for a moment is made again, a little later each time; a copy only when the delivery asks for it again.
"""

import html
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import PutReceipts, iso_time
from data_exports.mover.places.error_codes import Doing, Where
from data_exports.mover.places.large_objects import LargeObjects, copying, headers_of_a_write, source_of
from data_exports.mover.places.replies import (
    MoreVersions,
    copy_reply,
    delete_all_reply,
    delete_reply,
    head_reply,
    put_reply,
    versioning_reply,
    versions_reply,
)
from data_exports.mover.rules.large import PARTS_AT_ONCE
from data_exports.mover.rules.protocol import (
    Answer,
    Call,
    Copy,
    CopyVersion,
    Failure,
    HeadObject,
    ListVersions,
    ReadVersioning,
    Reply,
    Retire,
    RetireAll,
    RetiredAll,
    is_refusal,
)
from data_exports.mover.settings import Settings
from data_exports.mover.time_left import SecondsLeft, endless
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.retry_policy import USUAL_POLICY, Read, RetryPolicy, retry_seconds
from data_exports.mover.wire.transport import OnResponse, S3Request, Transport


class S3Objects:
    """An ObjectStore on S3, for one dataset: its hub, its target bucket and its log bucket."""

    def __init__(
        self,
        settings: Settings,
        *,
        calls_at_once: int,
        transport: Transport | None = None,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect to nothing yet. `rng` gives the jitter of repeated calls; parts of large files come on top."""
        self._settings = settings
        self._rng = rng or random.Random()  # noqa: S311 it keeps no secret
        self._transport = transport or Transport(
            region=settings.region, endpoint_url=settings.endpoint_url, connections=calls_at_once + PARTS_AT_ONCE
        )
        self._clock = clock
        self._seconds_left: SecondsLeft = endless
        self._under_way: set[int] = set()
        self._answers: SimpleQueue[tuple[int, Answer]] = SimpleQueue()
        self._large = LargeObjects(settings, start=self._start)

    def begin(self, seconds_left: SecondsLeft) -> None:
        """Take the time of one invocation: when none is left, every call is answered, whatever S3 does.

        Should an invocation have ended by an error of ours, its calls are forgotten: tags begin anew with this one, and
        an answer to one of those would be taken for another's.
        """
        self._seconds_left = seconds_left
        if self._under_way or not self._answers.empty():
            self._transport.drop()
            self._under_way.clear()
            self._answers = SimpleQueue()

    def send(self, call: Call, tag: int) -> None:
        """Start a call and return at once. Raises if it cannot even be made."""
        if self._seconds_left() <= 0:
            self._answers.put((tag, Failure(f"{_NO_TIME} before this could be asked of S3", Cause.OUT_OF_TIME)))
            return
        self._under_way.add(tag)
        try:
            self._make(call, tag)
        except Exception:
            self._under_way.discard(tag)
            raise

    def _make(self, call: Call, tag: int) -> None:
        match call:
            case Copy(key, etag, tries):
                self._copy(tag, key, source=source_of(self._settings.hub_bucket, key), etag=etag, tries=tries)
            case CopyVersion(key, version_id, etag, tries):
                source = source_of(self._settings.hub_bucket, key, version_id)
                self._copy(tag, key, source=source, etag=etag, tries=tries)
            case HeadObject(key, version_id):
                query = None if version_id is None else {"versionId": version_id}
                exchange = self._on_hub("HeadObject", "HEAD", key, query=query)
                self._start(tag, exchange, lambda r: head_reply(r, doing=_reading(key)))
            case ReadVersioning():
                exchange = self._on_hub("GetBucketVersioning", "GET", query={"versioning": ""})
                doing = Doing(f"reading whether s3://{self._settings.hub_bucket} keeps versions", Where.PLATFORM)
                self._start(tag, exchange, lambda r: versioning_reply(r, doing=doing))
            case ListVersions():
                self._list(tag, call)
            case Retire(key, etag):
                exchange = self._on_hub("DeleteObject", "DELETE", key, headers={"if-match": f'"{etag}"'})
                self._start(tag, exchange, lambda r: delete_reply(r, doing=self._retiring()))
            case RetireAll(retires):
                self._retire_all(tag, retires)
            case PutReceipts(key, body):
                self._put_receipts(tag, key, body)
            case _:
                self._large.send(call, tag)

    def wait(self) -> tuple[int, Answer]:
        """Return the tag and the answer of the next call that ends."""
        while True:
            with suppress(Empty):
                return self._answers.get_nowait()
            if self._seconds_left() > 0:
                self._transport.run_once()
            else:
                self._give_up()

    def _give_up(self) -> None:
        """Answer what S3 has not answered. It may carry that out all the same."""
        self._transport.drop()
        for tag in self._under_way:
            reason = f"{_NO_TIME} before S3 answered. It will be tried again"
            self._answers.put((tag, Failure(reason, Cause.OUT_OF_TIME, under_way=True)))
        self._under_way.clear()

    def close_idle(self) -> None:
        """Close the connections that are idle, before the function sleeps."""
        self._transport.close_idle()

    def close(self) -> None:
        """End all connections."""
        self._transport.close()

    def _copy(self, tag: int, key: str, *, source: str, etag: str | None = None, tries: int) -> None:
        """Copy within S3. Content type, metadata and tags come along, which is S3's default; annotations do not.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        """
        settings = self._settings
        headers = {
            "x-amz-copy-source": source,
            "x-amz-source-expected-bucket-owner": settings.hub_account,
            "x-amz-object-annotation-directive": "EXCLUDE",  # S3 bills each annotation that it copies
            **headers_of_a_write(settings),
        }
        if etag is not None:
            headers["x-amz-copy-source-if-match"] = f'"{etag}"'
        doing = copying(f"the copy from s3://{settings.hub_bucket} to s3://{settings.target_bucket}", settings)
        exchange = S3Request("CopyObject", "PUT", settings.target_bucket, key, headers=headers)
        answer = self._answer_to(
            tag, lambda response: copy_reply(response, doing=doing, at=iso_time(datetime.now(UTC)))
        )
        if tries:
            self._start_later(exchange, answer, tries=tries)
        else:
            self._transport.send(exchange, answer)

    def _list(self, tag: int, call: ListVersions, after: MoreVersions | None = None) -> None:
        """Ask for the newest version of a key, page after page."""
        query = {"versions": "", "prefix": call.key, "encoding-type": "url", "max-keys": "100"}
        if after:
            query |= {"key-marker": after.key_marker, "version-id-marker": after.version_id_marker}
        doing = Doing(f"listing the versions in s3://{self._settings.hub_bucket}", Where.PLATFORM)

        def read(response: Response) -> Answer | None:
            reply = versions_reply(response, call.key, doing=doing)
            if not isinstance(reply, MoreVersions):
                return reply
            self._list(tag, call, reply)
            return None

        self._start(tag, self._on_hub("ListObjectVersions", "GET", query=query), read)

    def _retire_all(self, tag: int, retires: tuple[Retire, ...]) -> None:
        """Retire many keys, each if it still has its ETag; those that fail for a moment once more, without the others.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
        """
        replies: dict[Retire, Reply] = {}

        def ask(due: tuple[Retire, ...], tries: int) -> None:
            def read(response: Response) -> Answer | None:
                answer = delete_all_reply(response, due, doing=self._retiring())
                if not isinstance(answer, RetiredAll):
                    return answer
                replies.update(zip(due, answer.replies, strict=True))
                unwell = tuple(retire for retire in due if _is_momentary(replies[retire]))
                if not unwell or tries == USUAL_POLICY.most_tries:
                    return RetiredAll(tuple(replies[retire] for retire in retires))
                ask(unwell, tries + 1)
                return None

            self._start(tag, self._deletion_of(due), read, made=tries - 1)

        ask(retires, 1)

    def _deletion_of(self, retires: tuple[Retire, ...]) -> S3Request:
        """The exchange that retires these keys. Their ETags go in quotes as everywhere.

        https://docs.aws.amazon.com/AmazonS3/latest/API/API_ObjectIdentifier.html
        """
        objects = "".join(
            f"<Object><Key>{_escape(retire.key)}</Key><ETag>&quot;{_escape(retire.etag)}&quot;</ETag></Object>"
            for retire in retires
        )
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Delete xmlns="{_XMLNS}">{objects}</Delete>'.encode()
        headers = {"content-type": "application/xml"}
        return self._on_hub("DeleteObjects", "POST", query={"delete": ""}, headers=headers, body=body)

    def _put_receipts(self, tag: int, key: str, body: bytes) -> None:
        bucket = self._settings.log_bucket  # in the hub's account, like all that is the platform's
        headers = {"content-type": "application/gzip", "x-amz-expected-bucket-owner": self._settings.hub_account}
        exchange = S3Request("PutObject", "PUT", bucket, key, headers=headers, body=body)
        doing = Doing(f"writing receipts to s3://{bucket}", Where.PLATFORM)
        self._start(tag, exchange, lambda r: put_reply(r, doing=doing))

    def _on_hub(
        self,
        operation: str,
        method: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> S3Request:
        owner = {"x-amz-expected-bucket-owner": self._settings.hub_account}
        return S3Request(operation, method, self._settings.hub_bucket, key, query, {**(headers or {}), **owner}, body)

    def _start(
        self, tag: int, request: S3Request, read: Read, *, policy: RetryPolicy = USUAL_POLICY, made: int = 0
    ) -> None:
        """Start a request whose response, read, is the answer to the call; again if it fails for a moment.

        `made`: how many tries there were already, so that this one waits its turn.
        """
        tries, started = made + 1, self._clock()

        def again(reply: Answer) -> bool:
            nonlocal tries
            if not _is_momentary(reply) or (policy.only_if_refused and not is_refusal(reply)):
                return False
            if tries == policy.most_tries or self._clock() - started > policy.seconds_for_tries:
                return False
            pause = retry_seconds(tries, rng=self._rng)
            if self._seconds_left() < pause + request.limits.read_timeout_seconds + policy.seconds_kept:
                return False  # the next one might not be answered in time
            self._transport.send(request, answer, after_seconds=pause)
            tries += 1
            return True

        answer = self._answer_to(tag, read, unless=again)
        if made:
            self._start_later(request, answer, tries=made)
        else:
            self._transport.send(request, answer)

    def _answer_to(self, tag: int, read: Read, *, unless: Callable[[Answer], bool] = lambda _: False) -> OnResponse:
        """Return what reads a response and answers the call, unless that sees to it itself."""

        def answer(response: Response) -> None:
            try:
                reply = read(response)
            except Exception as error:  # noqa: BLE001 somebody waits for an answer
                reply = Failure(f"S3's answer could not be read: {type(error).__name__}: {error}", Cause.UNREADABLE)
            if reply is not None and not unless(reply):
                self._under_way.discard(tag)
                self._answers.put((tag, reply))

        return answer

    def _start_later(self, exchange: S3Request, answer: OnResponse, *, tries: int) -> None:
        """Start an exchange that was tried so often already, after a little while."""
        self._transport.send(exchange, answer, after_seconds=retry_seconds(tries, rng=self._rng))

    def _retiring(self) -> Doing:
        return Doing(f"retiring from s3://{self._settings.hub_bucket}", Where.PLATFORM)


_NO_TIME = "the function's time ran out"


def _is_momentary(reply: Answer) -> bool:
    """Whether the same request may well succeed within seconds."""
    return isinstance(reply, Failure) and reply.cause.is_momentary


_XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def _reading(key: str) -> Doing:
    return Doing(f"reading {key!r} in the hub", Where.UPLOAD)
