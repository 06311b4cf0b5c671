"""S3: server access logs, written as S3 writes them, but at once."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_region, request_scope
from ministack.core.router import detect_service
from ministack.services import s3

from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.rights import policy_lets_service
from data_exports.local.gaps.s3_errors import Answer

_SERVICE = "logging.s3.amazonaws.com"
_NS = {"s3": s3.S3_NS}


@mends(s3, "_put_bucket_logging", "name body")
def logs_go_to_a_bucket_of_the_same_account(original: Callable[..., Any], name: str, body: bytes) -> Any:
    """Who is to hold the logs must exist, and belong to the account of the bucket that is logged.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html
    """
    target = s3.fromstring(body).findtext("s3:LoggingEnabled/s3:TargetBucket", default="", namespaces=_NS)
    if target and s3._bucket_owner_account(target) != s3._bucket_owner_account(name):
        return s3._error(
            "InvalidTargetBucketForLogging", "The target bucket for logging does not exist", 400, f"/{name}"
        )
    return original(name, body)


@dataclass(frozen=True)
class _Logging:
    """What a bucket says of its logs."""

    account: str
    target: str
    prefix: str
    is_partitioned: bool

    def key_of(self, bucket: str, moment: datetime) -> str:
        """Where a line of this moment goes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PartitionedPrefix.html."""
        name = f"{time.time_ns():016X}"  # in their order, so that tests can rely on it
        if not self.is_partitioned:
            return f"{self.prefix}{moment:%Y-%m-%d-%H-%M-%S}-{name}"
        place = f"{self.account}/{get_region()}/{bucket}"
        return f"{self.prefix}{place}/{moment:%Y/%m/%d}/{moment:%Y-%m-%d}-00-00-00-{name}"


def _logging_of(bucket: str) -> _Logging | None:
    account = s3._bucket_owner_account(bucket)
    stored = s3._bucket_logging_config.get_scoped(account, None, bucket) if account else None
    enabled = s3.fromstring(stored).find("s3:LoggingEnabled", _NS) if stored else None
    if enabled is None:
        return None
    return _Logging(
        str(account),
        enabled.findtext("s3:TargetBucket", default="", namespaces=_NS),
        enabled.findtext("s3:TargetPrefix", default="", namespaces=_NS),
        enabled.find("s3:TargetObjectKeyFormat/s3:PartitionedPrefix", _NS) is not None,
    )


@mends(app, "_dispatch_service_request", "method path headers body query_params request_id")
async def requests_to_a_bucket_are_logged(original: Callable[..., Awaitable[Answer]], *asked: Any) -> Answer:
    """Each request to a bucket with logging leaves a line in its target, if the target's policy lets S3 write there.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
    """
    answer = await original(*asked)
    method, path, headers, body, query = asked[:5]
    if detect_service(method, path, headers, query) == "s3":
        bucket, key = s3._parse_bucket_key(path, headers)
        request = _Logged(method, bucket, key, path, headers, body, query, iam_evaluator.caller_arn())
        request.write(answer)
        source = unquote(headers.get("x-amz-copy-source", "")).lstrip("/").partition("?")[0]
        if source and answer[0] < 300:
            from_bucket, _, from_key = source.partition("/")
            request.as_source(from_bucket, from_key).write(answer)
    return answer


@dataclass(frozen=True)
class _Logged:
    """A request, as its line tells it."""

    method: str
    bucket: str
    key: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, Any]
    caller: str
    source_of: str = ""

    def as_source(self, bucket: str, key: str) -> "_Logged":
        """What a copy reads, which is a line of its own in the log of the bucket it is read from."""
        return _Logged(self.method, bucket, key, self.path, self.headers, b"", self.query, self.caller, self.operation)

    @property
    def operation(self) -> str:
        """As the documentation's table of operations and log values has it, for what is an object's or a listing."""
        if self.source_of:
            return f"{self.source_of}_GET"
        verb = "COPY" if self.headers.get("x-amz-copy-source") else self.method
        query = {name.lower() for name in self.query} - {"x-id", "versionid"}
        of_key = {"partnumber": "PART", "uploads": "UPLOADS", "uploadid": "UPLOAD", "tagging": "OBJECT_TAGGING"}
        of_bucket = {"versions": "BUCKETVERSIONS", "policy": "BUCKETPOLICY", "logging": "LOGGING_STATUS"}
        if not self.key and "delete" in query:
            return "REST.POST.MULTI_OBJECT_DELETE"
        named = of_key if self.key else of_bucket
        usual = "OBJECT" if self.key else "BUCKET"
        return f"REST.{verb}.{next((word for name, word in named.items() if name in query), usual)}"

    def write(self, answer: Answer) -> None:
        """Leave the line, and one for each object that a request deletes together with others."""
        wanted = _logging_of(self.bucket)
        if wanted is None:
            return
        lines = [self._line(wanted, answer, self.operation, self.key)]
        if self.operation == "REST.POST.MULTI_OBJECT_DELETE" and answer[0] == 200:
            gone = s3.fromstring(answer[2]).findall("s3:Deleted/s3:Key", _NS)
            lines += [self._line(wanted, (204, {}, b""), "BATCH.DELETE.OBJECT", each.text or "") for each in gone]
        with request_scope(wanted.account, get_region()):
            if _may_write(wanted, self.bucket, key := wanted.key_of(self.bucket, datetime.now(UTC))):
                s3._put_object(wanted.target, key, "".join(lines).encode(), {"content-type": "text/plain"})

    def _line(self, wanted: _Logging, answer: Answer, operation: str, key: str) -> str:
        status, headers, content = answer
        owner = hashlib.sha256(wanted.account.encode()).hexdigest()
        code = s3.fromstring(content).findtext("Code", "-") if status >= 400 and content.startswith(b"<") else "-"
        sent = headers.get("Content-Length", "-") if self.method == "GET" and not self.source_of else "-"
        if sent == "-" and self.method == "GET" and status < 300 and not self.source_of:
            sent = str(len(content))
        size = str(len(self.body)) if self.method == "PUT" and self.body else sent
        if self.source_of:
            size = str(self._size())
        twice = quote(quote(key, safe="/"), safe="/") if operation.startswith("REST.") else quote(key, safe="/")
        uri = quote(self.path, safe="/%") + (f"?{'&'.join(self.query)}" if self.query else "")
        version = "".join(self.query.get("versionId", [])) or "-"
        if self.source_of:  # of what a copy reads S3 tells no more than this
            asked, rest = "-", "- - - - -"
        else:
            asked = f'"{self.method} {uri} HTTP/1.1"'
            rest = f'1 1 "-" "{self.headers.get("user-agent", "-")}" {version}'
        moment = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        return (
            f"{owner} {self.bucket} [{moment}] 127.0.0.1 {self.caller} {secrets.token_hex(8).upper()} {operation}"
            f" {twice or '-'} {asked} {status} {code} {sent} {size} {rest}"
            f" {secrets.token_urlsafe(24)} SigV4 - AuthHeader {self.headers.get('host', '-')} - - -\n"
        )

    def _size(self) -> int:
        with request_scope(s3._bucket_owner_account(self.bucket), get_region()):
            return int((s3._buckets[self.bucket]["objects"].get(self.key) or {}).get("size", 0))


def _may_write(wanted: _Logging, source: str, key: str) -> bool:
    """Whether the target's policy lets S3's log service write this for that bucket."""
    arn = f"arn:aws:s3:::{wanted.target}/{key}"
    policy = s3._bucket_policies.get(wanted.target)
    source_arn = f"arn:aws:s3:::{source}"
    return bool(policy) and policy_lets_service(
        policy, _SERVICE, "s3:PutObject", arn, source_arn=source_arn, source_account=wanted.account
    )
