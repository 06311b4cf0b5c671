"""What delivery rests on, fact by fact: a table of what AWS has to do, and how it is tried.

In: a `Bench`. Out: for each fact what was `Seen`, beside what delivery needs to see; a fact that cannot be tried here
raises `NotTriedError`. Effects: those of the requests, within the canary's own world.
"""

import gzip
import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from urllib.parse import urlsplit

from data_exports.aws import AWS_EXCEPTIONS, code_of, reason_of
from data_exports.mover.places.s3.destination import CAPABILITIES
from data_exports.mover.rules.protocol import (
    Attributes,
    CompleteUpload,
    CopiedPart,
    Copy,
    CopyPart,
    CopyVersion,
    HeadObject,
    ListVersions,
    Part,
    ReadVersioning,
    Retire,
    RetireAll,
    RetiredAll,
    Started,
    StartUpload,
)
from data_exports.operate.canary.bench import Bench
from data_exports.operate.canary.seen import DENIED_CODES, GONE, OVERTAKEN, RETIRED, Seen, seen_of, words_of
from data_exports.operate.canary.world import BEFORE_VERSIONING, GRANTED, UNGRANTED, make_bucket

_S3_API = "https://docs.aws.amazon.com/AmazonS3/latest/API/"
_S3_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
_OTHER_ETAG = "00000000000000000000000000000000"


class NotTriedError(Exception):
    """The fact cannot be tried here; says why."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that AWS has to do, and how it is tried."""

    name: str
    statement: str
    documentation: str
    observe: Callable[[Bench], Iterator[Seen]]


def _conditional_copy(bench: Bench) -> Iterator[Seen]:
    first = bench.put("copied.csv", b"first\n")
    second = bench.put("copied.csv", b"second\n")
    yield seen_of("a copy of the first of two uploads by its ETag", OVERTAKEN, bench.ask(Copy(first.key, first.etag)))
    yield Seen("what the recipient has then", "nothing", _content(bench, first.key))
    copied = bench.ask(Copy(second.key, second.etag))
    yield seen_of("a copy of the second", f"copied version {second.version_id}", copied)
    yield Seen("what the recipient has then", "second", _content(bench, second.key))


def _conditional_delete(bench: Bench) -> Iterator[Seen]:
    upload = bench.put("retired.csv")
    yield seen_of("a delete under another ETag", OVERTAKEN, bench.ask(Retire(upload.key, _OTHER_ETAG)))
    yield Seen("what the hub keeps then", upload.version_id, " above ".join(bench.history(upload.key)))
    yield seen_of("a delete under its ETag", RETIRED, bench.ask(Retire(upload.key, upload.etag)))
    kept = f"marker above {upload.version_id}"
    yield Seen("what the hub keeps then", kept, " above ".join(bench.history(upload.key)))
    yield seen_of("another one, under the marker", GONE, bench.ask(Retire(upload.key, upload.etag)))


def _delete_many(bench: Bench) -> Iterator[Seen]:
    kept, removed = bench.put("many-a.csv", b"a\n"), bench.put("many-b.csv", b"b\n")
    answer = bench.ask(RetireAll((Retire(kept.key, _OTHER_ETAG), Retire(removed.key, removed.etag))))
    tried = "one request that names a wrong and a right ETag"
    if isinstance(answer, RetiredAll):
        answered = " and ".join(words_of(reply) for reply in answer.replies)
        yield Seen(tried, f"{OVERTAKEN} and {RETIRED}", answered)
    else:
        yield seen_of(tried, f"{OVERTAKEN} and {RETIRED}", answer)
    yield Seen("what the hub keeps of the first", kept.version_id, " above ".join(bench.history(kept.key)))
    marked = f"marker above {removed.version_id}"
    yield Seen("what the hub keeps of the second", marked, " above ".join(bench.history(removed.key)))


def _odd_keys(bench: Bench) -> Iterator[Seen]:
    for name in ("odd/\x01 bell \x07.csv", "odd/two\nlines, é & +.csv"):
        upload = bench.put(name)
        quoted = repr(name)
        newest = f"newest {upload.version_id}, in sight"
        yield seen_of(f"a listing of {quoted}", newest, bench.ask(ListVersions(upload.key)))
        yield seen_of(f"a delete of {quoted} under its ETag", RETIRED, bench.ask(Retire(upload.key, upload.etag)))
        newest = f"newest {upload.version_id}, hidden"
        yield seen_of(f"a listing of {quoted} then", newest, bench.ask(ListVersions(upload.key)))


def _null_version(bench: Bench) -> Iterator[Seen]:
    """AWS advises to wait 15 minutes after versioning is turned on; in this bucket nothing is at stake."""
    key = BEFORE_VERSIONING
    head = bench.s3.head_object(Bucket=bench.world.hub, Key=key)
    etag = head["ETag"].strip('"')
    yield seen_of("whether the hub's versioning is on", "versioning is on", bench.ask(ReadVersioning()))
    yield seen_of("a copy by its ETag", "copied version null", bench.ask(Copy(key, etag)))
    yield seen_of("a listing", "newest null, in sight", bench.ask(ListVersions(key)))
    yield seen_of("a delete under its ETag", RETIRED, bench.ask(Retire(key, etag)))
    yield Seen("what the hub keeps then", "marker above null", " above ".join(bench.history(key)))


def _suspended(bench: Bench) -> Iterator[Seen]:
    """The last of all facts about the hub: afterwards it keeps no new versions."""
    bench.s3.put_bucket_versioning(Bucket=bench.world.hub, VersioningConfiguration={"Status": "Suspended"})
    yield seen_of("whether the hub's versioning is on", "versioning is off", bench.ask(ReadVersioning()))
    first, second = bench.put("suspended.csv", b"first\n"), bench.put("suspended.csv", b"second\n")
    yield Seen("what the hub keeps of two uploads", "null", " above ".join(bench.history(first.key)))
    old = bench.ask(CopyVersion(first.key, "null", first.etag))
    yield seen_of("a copy of version null by the first one's ETag", OVERTAKEN, old)
    new = bench.ask(CopyVersion(second.key, "null", second.etag))
    yield seen_of("a copy of version null by the second one's ETag", "copied version null", new)


def _other_region(bench: Bench) -> Iterator[Seen]:
    try:
        make_bucket(bench.world, bench.aws.in_region(bench.other_region), bench.world.elsewhere)
    except AWS_EXCEPTIONS as error:
        raise NotTriedError(f"no bucket could be made in {bench.other_region}: {reason_of(error)}") from error
    upload = bench.put("abroad.csv")
    elsewhere = replace(bench.settings.bucket, target_bucket=bench.world.elsewhere)
    copied = bench.ask(Copy(upload.key, upload.etag), destination=elsewhere)
    yield seen_of(f"a copy to a bucket in {bench.other_region}", f"copied version {upload.version_id}", copied)
    head = bench.s3.head_object(Bucket=bench.world.elsewhere, Key=upload.key)
    yield Seen("what is there then", upload.etag, head["ETag"].strip('"'))


def _parts(bench: Bench) -> Iterator[Seen]:
    body = bytes(range(256)) * (CAPABILITIES.smallest_part_bytes // 256) + b"end"
    large = bench.put("large.bin", body)
    bench.put("large.bin", b"newer\n")
    started = bench.ask(StartUpload(large.key, Attributes((("content-type", "text/csv"),))))
    yield seen_of("an upload in parts is begun", "begun", started)
    if not isinstance(started, Started):
        return
    parts = (Part(1, 0, CAPABILITIES.smallest_part_bytes - 1), Part(2, CAPABILITIES.smallest_part_bytes, len(body) - 1))
    replies = [bench.ask(CopyPart(large.key, large.version_id, started.upload_id, part)) for part in parts]
    for part, reply in zip(parts, replies, strict=True):
        yield seen_of(f"part {part.number} of the older of two versions", f"part {part.number} copied", reply)
    copied = tuple(reply for reply in replies if isinstance(reply, CopiedPart))
    done = bench.ask(CompleteUpload(large.key, large.version_id, started.upload_id, copied))
    yield seen_of("the parts are put together", f"copied version {large.version_id}", done)
    arrived = bench.delivered(large.key)
    yield Seen("the SHA-256 of what arrived", sha256(body).hexdigest(), sha256(arrived or b"").hexdigest())


def _missing_key(bench: Bench) -> Iterator[Seen]:
    key = f"{GRANTED}nobody-put-this.csv"
    yield seen_of(
        "a key that is not there, asked for by a role that may not list", DENIED_CODES, bench.ask(HeadObject(key))
    )
    copied = bench.ask(Copy(key, _OTHER_ETAG))
    yield seen_of("a copy of it", DENIED_CODES, copied)
    yield seen_of("a listing of it, which the role may make", "no version", bench.ask(ListVersions(key)))


def _expected_owner(bench: Bench) -> Iterator[Seen]:
    upload = bench.put("owner.csv")
    stranger = f"{(int(bench.world.account) + 1) % 10**12:012d}"
    theirs = replace(bench.settings.bucket, target_account=stranger)
    for bucket, changes in (
        ("the hub", {"hub_account": stranger}),
        ("the recipient's bucket", {"destination": theirs}),
    ):
        answer = bench.ask(Copy(upload.key, upload.etag), **changes)
        yield seen_of(f"a copy that expects another owner of {bucket}", DENIED_CODES, answer)
    yield Seen("what the recipient has then", "nothing", _content(bench, upload.key))
    copied = bench.ask(Copy(upload.key, upload.etag))
    yield seen_of("a copy that expects the right ones", f"copied version {upload.version_id}", copied)


def _refusals(bench: Bench) -> Iterator[Seen]:
    upload = bench.put("secret.csv", folder=UNGRANTED)
    tried = "outside what the role is granted"
    yield seen_of(f"a read {tried}", DENIED_CODES, bench.ask(HeadObject(upload.key, upload.version_id)))
    yield seen_of(f"a copy {tried}", DENIED_CODES, bench.ask(Copy(upload.key, upload.etag)))
    yield seen_of(f"a delete {tried}", DENIED_CODES, bench.ask(Retire(upload.key, upload.etag)))
    yield seen_of(f"a listing {tried}", DENIED_CODES, bench.ask(ListVersions(upload.key)))
    yield Seen("what the hub keeps then", upload.version_id, " above ".join(bench.history(upload.key)))


def _event_to_receipt(bench: Bench) -> Iterator[Seen]:
    body = f"canary {bench.world.identifier}\n".encode()
    upload = bench.put("delivered/end-to-end.csv", body)

    def is_done() -> bool:
        return bench.history(upload.key)[:1] == ["marker"] and bench.delivered(upload.key) == body

    if not bench.wait_until(is_done, seconds=bench.wait_seconds):
        yield Seen(f"a file put into the hub, after {bench.wait_seconds:g} s", "delivered", "not delivered")
        return
    yield Seen("what the recipient has", body.decode().strip(), _content(bench, upload.key))
    shown = bench.s3.list_objects_v2(Bucket=bench.world.hub, Prefix=upload.key).get("KeyCount", 0)
    yield Seen("how much the hub shows of it", "nothing", "nothing" if not shown else f"{shown} keys")
    kept = f"marker above {upload.version_id}"
    yield Seen("what the hub keeps of it", kept, " above ".join(bench.history(upload.key)))
    outcomes = [line["outcome"] for line in _receipts(bench) if line["version_id"] == upload.version_id]
    yield Seen("its receipt", "delivered", " and ".join(sorted(set(outcomes))) or "none")


def _transport(bench: Bench) -> Iterator[Seen]:
    if bench.aws.is_local:
        raise NotTriedError("the local AWS speaks plain HTTP")
    upload = bench.put("tls.csv")
    yield Seen("a signed request over plain HTTP", "AccessDenied", _over_plain_http(bench, upload.key))
    host = urlsplit(bench.s3.meta.endpoint_url).hostname or ""
    yield Seen(f"TLS 1.1 with {host}", "refused", _over_old_tls(host))


def _over_plain_http(bench: Bench, key: str) -> str:
    """What S3 answers; the request's signature holds for this one object alone, and no secret is in it."""
    plain = bench.aws.at(f"http://s3.{bench.world.region}.amazonaws.com").client("s3")
    try:
        plain.get_object(Bucket=bench.world.hub, Key=key)
    except AWS_EXCEPTIONS as error:
        return code_of(error)
    return "the file"


def _over_old_tls(host: str) -> str:
    import socket

    context = ssl.create_default_context()
    try:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else this machine itself would refuse to offer it
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    except (ssl.SSLError, ValueError) as error:
        raise NotTriedError(f"this machine's TLS cannot offer version 1.1: {error}") from error
    try:
        with socket.create_connection((host, 443), timeout=10) as tcp, context.wrap_socket(tcp, server_hostname=host):
            return "accepted"
    except ssl.SSLError as error:
        if "NO_PROTOCOLS_AVAILABLE" in str(error):
            raise NotTriedError(f"this machine's TLS cannot offer version 1.1: {error}") from error
        return "refused"
    except ConnectionError:
        return "refused"


FACTS = (
    Fact(
        "conditional-copy",
        "a copy is made only of the upload whose ETag is named, and tells which version it copied",
        f"{_S3_API}API_CopyObject.html",
        _conditional_copy,
    ),
    Fact(
        "conditional-delete",
        "a delete hides only the upload whose ETag is named, below a marker that keeps it",
        f"{_S3_GUIDE}conditional-deletes.html",
        _conditional_delete,
    ),
    Fact(
        "delete-many",
        "a delete of many keys heeds the ETag of each, and tells of each",
        f"{_S3_API}API_DeleteObjects.html",
        _delete_many,
    ),
    Fact(
        "odd-keys",
        "keys with control characters are listed and deleted as they are",
        f"{_S3_API}API_ListObjectVersions.html",
        _odd_keys,
    ),
    Fact(
        "parts",
        "a copy in parts is of the version that is named, whatever lies above it",
        f"{_S3_API}API_UploadPartCopy.html",
        _parts,
    ),
    Fact(
        "missing-key",
        "a key that is not there is refused, not missing, for who may not list",
        f"{_S3_API}API_HeadObject.html",
        _missing_key,
    ),
    Fact(
        "expected-owner",
        "a request that names another owner of a bucket is refused",
        f"{_S3_GUIDE}bucket-owner-condition.html",
        _expected_owner,
    ),
    Fact(
        "refusals",
        "a role reaches nothing that it is not granted",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html",
        _refusals,
    ),
    Fact(
        "other-region",
        "a copy reaches a bucket in another region",
        f"{_S3_API}Redirects.html",
        _other_region,
    ),
    Fact(
        "transport",
        "plain HTTP, and TLS below 1.2, are refused",
        f"{_S3_GUIDE}security-best-practices.html",
        _transport,
    ),
    Fact(
        "delivery",
        "a file put into the hub arrives, gets its receipt, and is out of the hub's sight",
        "https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html",
        _event_to_receipt,
    ),
    Fact(
        "null-version",
        "an upload older than versioning is the version null, which a delete keeps",
        f"{_S3_GUIDE}AddingObjectstoVersionSuspendedBuckets.html",
        _null_version,
    ),
    Fact(
        "suspended-versioning",
        "without versioning each upload takes the last one's place as version null, and the ETag tells them apart",
        f"{_S3_GUIDE}VersionSuspendedBehavior.html",
        _suspended,
    ),
)
"""In the order in which they are tried."""


def _content(bench: Bench, key: str) -> str:
    body = bench.delivered(key)
    return "nothing" if body is None else body.decode(errors="replace").strip()


def _receipts(bench: Bench) -> Iterator[dict[str, str]]:
    found = bench.s3.list_objects_v2(Bucket=bench.world.hub, Prefix="deliveries/dataset=canary/")
    for each in found.get("Contents", []):
        body = bench.s3.get_object(Bucket=bench.world.hub, Key=each["Key"])["Body"].read()
        yield from map(json.loads, gzip.decompress(body).splitlines())
