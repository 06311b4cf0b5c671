"""Sending: checks that the caller may, then uploads files into the hub, each as one upload of the dataset.

In: a dataset, an `Aws`, and `Sources`. Out: `Sent`: each upload with its version, which its receipt will name. Effects:
writes objects in the hub, several parts at once; a large file goes up in parts, and one that is interrupted leaves none
behind. An upload that was broken off begins anew: boto3 takes none up again, and senders may not list parts.
"""

import itertools
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from boto3.s3.transfer import TransferConfig, create_transfer_manager
from s3transfer.exceptions import CancelledError
from s3transfer.futures import TransferFuture
from s3transfer.subscribers import BaseSubscriber

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, is_aws_exception, reason_of
from data_exports.errors import AwsError, RefusedError
from data_exports.estate.models import Estate, Platform, PushDataset
from data_exports.json_values import json_as
from data_exports.operate.queues import read_figures
from data_exports.operate.rights import caller_words, is_sender, needing, role_name_in
from data_exports.operate.sources import IN_PARTS_FROM_BYTES, Source

PARTS_AT_ONCE = 10
LISTED_AT_MOST = 20_000
"""Waiting uploads that are looked through for keys that are sent again."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One file that is in the hub now."""

    source: Source
    version_id: str
    changed: bool = False
    """Whether the file changed while it was read, so that what was sent may be neither its old nor its new content."""


@json_as("path=source.path key=source.key reason")
@dataclass(frozen=True, slots=True)
class NotUploaded:
    """One file that is not."""

    source: Source
    reason: str
    error: AwsError | None = None


@dataclass(slots=True)
class Sent:
    """What became of each file so far; filled while sending, so that an interruption can still be told."""

    began_at: datetime
    """By the clock of S3, as far as it told."""
    uploaded: list[Uploaded] = field(default_factory=list)
    failed: list[NotUploaded] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SendListener:
    """What is told while sending."""

    on_bytes: Callable[[int], None] = lambda _: None
    """So many bytes more went up, or fewer: a try that failed is counted back. Called from any thread."""
    on_file: Callable[[Uploaded | NotUploaded], None] = lambda _: None
    """A file is through. Called from the caller's own thread."""


def check_sender(platform: Platform, push: PushDataset, aws: Aws, *, now: datetime | None = None) -> None:
    """Raise `RefusedError` that says why, unless the caller may send for this dataset.

    A listing of the dataset's own prefix is the test: it is part of what senders are granted, and costs nothing. Who
    passes it without being declared (an administrator) may send, once the dataset is deployed: before that nothing
    would take the files. Raises `AwsError` without an answer.
    """
    hub = platform.hub_bucket
    arguments: dict[str, Any] = {
        "Bucket": str(hub),
        "Prefix": str(push.prefix),
        "ExpectedBucketOwner": str(platform.account),
    }
    with needing(aws, "sts:GetCallerIdentity", "itself"):
        account, arn = aws.caller()
    with needing(aws, "s3:ListBucket", f"{hub}/{push.prefix}"):
        try:
            aws.client("s3").list_objects_v2(**arguments, MaxKeys=1)
        except AWS_EXCEPTIONS as error:
            if answer_of(error) is not AwsAnswer.FORBIDDEN:
                raise
            now = now or datetime.now(UTC)
            raise _why_not(platform, push, account=account, arn=arn, now=now) from error
    if not is_sender(platform, push, arn):
        with suppress(AwsError):  # who may not look is not kept from sending
            read_figures(platform, push, aws)


def datasets_of_sender(estate: Estate, aws: Aws) -> tuple[str, list[PushDataset]]:
    """Who the caller is, and the push datasets that the declarations let them send to today. Raises `AwsError`."""
    with needing(aws, "sts:GetCallerIdentity", "itself"):
        _, arn = aws.caller()
    now = datetime.now(UTC)
    pushes = [push for push in estate.push_datasets if not push.until or push.until > now]
    own = [push for push in pushes if is_sender(estate.platform, push, arn)]
    return role_name_in(arn) or arn, own


def _why_not(platform: Platform, push: PushDataset, *, account: str, arn: str, now: datetime) -> RefusedError:
    """Why AWS refuses this caller, as far as the declarations tell."""
    who = role_name_in(arn) or arn
    denied = f"{who} may not send for {push.name}: s3:ListBucket on {platform.hub_bucket}/{push.prefix} is denied"
    if account != platform.account:
        own = platform.name_of_account(platform.account)
        return RefusedError(
            f"{denied}; the credentials are of account {account}, the hub is in {own}",
            next_step=f"use credentials of {own}",
        )
    if not is_sender(platform, push, arn):
        return RefusedError(
            f"{denied}; it is not among the dataset's users: {', '.join(push.users)}",
            next_step=f"add it to users in {push.place.path}, and have that deployed; or use one of these roles",
        )
    if push.until and push.until <= now:
        return RefusedError(
            f"{denied}; the dataset's access ended on {push.expires}",
            next_step=f"agree on a new date, change expires in {push.place.path}, and have that deployed",
        )
    return RefusedError(
        f"{denied}, although the declarations allow it",
        next_step="ask the platform's operators: exports status and exports drift tell them what is not as declared",
    )


def read_waiting(platform: Platform, push: PushDataset, aws: Aws, sources: Sequence[Source]) -> frozenset[str]:
    """Those keys under which an upload is in the hub already, among the first `LISTED_AT_MOST` of their range."""
    keys = {source.key for source in sources}
    first, last = min(keys), max(keys)
    pages = aws.client("s3").get_paginator("list_objects_v2")
    arguments: dict[str, Any] = {"Bucket": str(platform.hub_bucket), "Prefix": _common_prefix(first, last)}
    with needing(aws, "s3:ListBucket", f"{platform.hub_bucket}/{push.prefix}"):
        entries = (entry["Key"] for page in pages.paginate(**arguments) for entry in page.get("Contents", []))
        listed = itertools.islice(itertools.takewhile(lambda key: key <= last, entries), LISTED_AT_MOST)
        return frozenset(keys.intersection(listed))


def _common_prefix(first: str, last: str) -> str:
    """What all keys from the first to the last begin with."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(char for char, _ in same)


def send(
    platform: Platform,
    push: PushDataset,
    aws: Aws,
    sources: Sequence[Source],
    *,
    listener: SendListener,
    sent: Sent | None = None,
) -> Sent:
    """Upload the files. Interrupted, it ends what is under way, and `sent` says what is in the hub already.

    A file that cannot be uploaded stops no other. Raises botocore's exceptions only when no upload can begin.
    """
    sent = sent or Sent(datetime.now(UTC))
    s3 = aws.client("s3")
    config = TransferConfig(
        multipart_threshold=IN_PARTS_FROM_BYTES, max_concurrency=PARTS_AT_ONCE, preferred_transfer_client="classic"
    )
    with _versions_noted(s3, sent) as versions:
        pending: deque[tuple[Source, TransferFuture]] = deque()
        try:
            with create_transfer_manager(s3, config) as manager:
                for source in sources:
                    pending.append((source, _start(manager, platform, source, listener)))
                while pending:
                    result = _result_of(*pending[0], versions, aws)
                    pending.popleft()
                    _note(sent, result, listener)
        finally:  # after an interruption: what was through nevertheless
            for source, _ in pending:
                if source.key in versions:
                    _note(sent, Uploaded(source, versions[source.key], source.has_changed()), listener)
    return sent


def _start(manager: Any, platform: Platform, source: Source, listener: SendListener) -> TransferFuture:
    extra = {"ExpectedBucketOwner": str(platform.account)}
    if source.content_type:
        extra["ContentType"] = source.content_type
    subscribers = [_Counted(listener.on_bytes)]
    future: TransferFuture = manager.upload(str(source.path), str(platform.hub_bucket), source.key, extra, subscribers)
    return future


class _Counted(BaseSubscriber):
    """Passes on how many bytes went up."""

    def __init__(self, bytes_sent: Callable[[int], None]) -> None:
        self._bytes_sent = bytes_sent

    def on_progress(self, future: TransferFuture, bytes_transferred: int, **_: Any) -> None:
        self._bytes_sent(bytes_transferred)


def _note(sent: Sent, result: Uploaded | NotUploaded, listener: SendListener) -> None:
    if isinstance(result, Uploaded):
        sent.uploaded.append(result)
    else:
        sent.failed.append(result)
    listener.on_file(result)


def _result_of(source: Source, future: TransferFuture, versions: dict[str, str], aws: Aws) -> Uploaded | NotUploaded:
    try:
        future.result()
    except CancelledError as error:
        return NotUploaded(source, str(error) or "cancelled")
    except Exception as error:
        if isinstance(error, OSError):
            return NotUploaded(source, f"it could not be read: {error.strerror or error}")
        if not is_aws_exception(error):
            raise
        if answer_of(error) is AwsAnswer.FORBIDDEN:
            reason = f"{caller_words(aws)} may not do s3:PutObject there: {reason_of(error)}"
        else:
            reason = reason_of(error)
        return NotUploaded(source, reason, aws_error_of(error))
    return Uploaded(source, versions[source.key], source.has_changed())


@contextmanager
def _versions_noted(s3: Any, sent: Sent) -> Iterator[dict[str, str]]:
    """Key → version of every upload that S3 confirms in the meantime.

    The transfer manager keeps S3's answers to itself, and the version is what a receipt is known by. botocore hands the
    same context to both ends of a request. https://docs.aws.amazon.com/botocore/latest/topics/events.html
    """
    versions: dict[str, str] = {}
    name = f"data-exports-{uuid.uuid4().hex}"

    def before(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[name] = params.get("Key")

    def after(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        if "ETag" in parsed and context.get(name):
            versions[context[name]] = parsed.get("VersionId", "null")
            _note_clock(sent, parsed)

    operations = ("PutObject", "CompleteMultipartUpload")
    for operation in operations:
        s3.meta.events.register(f"provide-client-params.s3.{operation}", before, unique_id=f"{name}-{operation}-before")
        s3.meta.events.register(f"after-call.s3.{operation}", after, unique_id=f"{name}-{operation}-after")
    try:
        yield versions
    finally:
        for operation in operations:
            s3.meta.events.unregister(f"provide-client-params.s3.{operation}", unique_id=f"{name}-{operation}-before")
            s3.meta.events.unregister(f"after-call.s3.{operation}", unique_id=f"{name}-{operation}-after")


def _note_clock(sent: Sent, parsed: dict[str, Any]) -> None:
    """Let `began_at` be no later than the time S3 gave with its first answers, whatever our own clock says."""
    try:
        told = parsedate_to_datetime(parsed["ResponseMetadata"]["HTTPHeaders"]["date"])
    except (KeyError, ValueError):
        return
    sent.began_at = min(sent.began_at, told if told.tzinfo else told.replace(tzinfo=UTC))  # HTTP knows no other zone
