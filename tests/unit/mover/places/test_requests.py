"""The mover's requests beside those that boto3 makes for the same operations: path, query, headers and body."""

import hashlib
import json
import random
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, get_args
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config

from data_exports.contract.settings import BucketSettings
from data_exports.mover.batch import travels_in_xml
from data_exports.mover.places.store import open_store, places_of
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Attributes,
    Call,
    Checkpoint,
    CompleteUpload,
    CopiedPart,
    Copy,
    CopyPart,
    CopyVersion,
    HeadObject,
    ListVersions,
    Part,
    PutReceipts,
    ReadAttributes,
    ReadCheckpoints,
    RemoveCheckpoint,
    Retire,
    RetireAll,
    SaveCheckpoint,
    StartUpload,
)
from data_exports.mover.settings import Settings
from data_exports.mover.wire.http_connection import OnResponse
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.signing import Credentials
from data_exports.mover.wire.transport import S3Request, Transport, signed_request
from tests.unit.mover.environment import SETTINGS

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret-of-nobody", "token-of-nobody")
KMS_KEY = "arn:aws:kms:eu-west-1:754256621582:key/1"
CASES = 40
"""Random requests of each operation."""

# What HTTP and signing add on either side, and botocore's own bookkeeping: `test_mover_signing` looks after signatures.
PLUMBING = {
    *("authorization", "host", "user-agent", "content-length", "expect"),
    *("x-amz-date", "x-amz-content-sha256", "x-amz-security-token"),
    *("amz-sdk-invocation-id", "amz-sdk-request", "x-amz-sdk-checksum-algorithm", "x-amz-user-agent"),
}


class Recording(Transport):
    """Sends nothing: notes what was to be sent, and answers the first exchanges as it is told."""

    def __init__(self, *answers: Response) -> None:
        super().__init__(region="eu-west-1", endpoint_url=None, connections=1, credentials=CREDENTIALS)
        self.close()
        self.exchanges: list[S3Request] = []
        self._answers = list(answers)

    def send(self, exchange: S3Request, on_response: OnResponse, *, after_seconds: float = 0) -> None:
        del after_seconds
        self.exchanges.append(exchange)
        if self._answers:
            on_response(self._answers.pop(0))


class CapturedError(Exception):
    """Ends boto3's call once its request is made."""

    def __init__(self, request: AWSPreparedRequest) -> None:
        self.request = request


@pytest.fixture(scope="module")
def s3() -> Any:
    config = Config(
        retries={"total_max_attempts": 1},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    client = boto3.client(
        "s3",
        region_name="eu-west-1",
        aws_access_key_id=CREDENTIALS.access_key_id,
        aws_secret_access_key=CREDENTIALS.secret_access_key,
        config=config,
    )

    def capture(request: AWSPreparedRequest, **_: Any) -> None:
        raise CapturedError(request)

    client.meta.events.register("before-send.s3", capture)
    return client


Comparable = tuple[str, str, str, list[tuple[str, str]], dict[str, str], object]


def made_by_boto3(call: Callable[..., Any], arguments: dict[str, Any]) -> Comparable:
    with pytest.raises(CapturedError) as captured:
        call(**{name: value for name, value in arguments.items() if value is not None})
    request: Any = captured.value.request
    url = urlsplit(request.url)
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }
    body = request.body.read() if hasattr(request.body, "read") else request.body
    return _comparable(request.method, url.netloc, url.path, url.query, headers, body or b"")


def made_by_the_mover(settings: Settings, call: Call, *answers: Response) -> Comparable:
    transport = Recording(*answers)
    open_store(settings, way=transport).send(call, 1)
    _, sent = signed_request(
        transport.exchanges[-1], region=settings.region, endpoint_url=None, credentials=CREDENTIALS
    )
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    headers = dict(line.split(": ", 1) for line in lines)
    return _comparable(method, headers["host"], path, query, headers, body)


def _comparable(method: str, host: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Comparable:
    ours = {name: value for name, value in headers.items() if name not in PLUMBING}
    if "x-amz-copy-source" in ours:  # S3 takes it with and without the slash
        ours["x-amz-copy-source"] = ours["x-amz-copy-source"].removeprefix("/")
    content = ET.canonicalize(body.decode()) if body.startswith((b"<?xml", b"<Complete", b"<Delete")) else body
    parameters = sorted(parse_qsl(query, keep_blank_values=True))
    if ("list-type", "2") in parameters:  # boto3 always has keys encoded; names of checkpoints are plain
        parameters = [(name, value) for name, value in parameters if name != "encoding-type"]
    return method, host, path, parameters, ours, content


def a_text(draw: random.Random, *, fit_for_xml: bool = False) -> str:
    characters = "".join(map(chr, [*range(1, 128), 0xA0, 0xE9, 0x20AC, 0x1F600])) + "//..  %%++&&==??~~"
    text = "".join(draw.choices(characters, k=draw.randint(1, 40)))
    return "".join(char for char in text if travels_in_xml(char)) + "a" if fit_for_xml else text


def a_value(draw: random.Random) -> str:
    """A header's value: S3 keeps what is not ASCII encoded (RFC 2047), so it comes and goes as ASCII."""
    return "".join(draw.choices("".join(map(chr, range(0x21, 0x7F))), k=draw.randint(1, 20)))


def a_version(draw: random.Random) -> str:
    """An id as S3 makes them; in a copy's source boto3 sends any other as it is."""
    return "".join(draw.choices("abcXYZ019._-", k=32))


def settings_of(draw: random.Random) -> Settings:
    return replace(
        SETTINGS,
        region="eu-west-1",
        destination=BucketSettings(
            target_bucket=draw.choice(["recipient-bucket", "recipient.bucket"]),
            target_account=draw.choice([None, "754256621582"]),
            target_kms_key=draw.choice([None, KMS_KEY]),
        ),
    )


def write_arguments(settings: Settings) -> dict[str, Any]:
    return {
        "ACL": "bucket-owner-full-control",
        "ServerSideEncryption": "aws:kms" if settings.bucket.target_kms_key else "AES256",
        "SSEKMSKeyId": settings.bucket.target_kms_key,
        "ExpectedBucketOwner": settings.bucket.target_account,
    }


def copy_object(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    key, etag, version = a_text(draw), draw.choice([None, "e1"]), a_version(draw)
    call = Copy(key, etag) if etag else CopyVersion(key, version)
    source = {"Bucket": settings.hub_bucket, "Key": key} | ({} if etag else {"VersionId": version})
    return call, {
        "Bucket": settings.bucket.target_bucket,
        "Key": key,
        "CopySource": source,
        "CopySourceIfMatch": etag and f'"{etag}"',
        "ExpectedSourceBucketOwner": settings.hub_account,
        "AnnotationDirective": "EXCLUDE",
        **write_arguments(settings),
    }


def head_object(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    key, with_digest = a_text(draw), draw.random() < 0.5
    arguments = {"Bucket": settings.hub_bucket, "Key": key, "ExpectedBucketOwner": settings.hub_account}
    return HeadObject(key, with_digest=with_digest), arguments | ({"ChecksumMode": "ENABLED"} if with_digest else {})


def list_object_versions(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    key = a_text(draw)
    arguments = {"Bucket": settings.hub_bucket, "Prefix": key, "MaxKeys": 100, "EncodingType": "url"}
    return ListVersions(key), arguments | {"ExpectedBucketOwner": settings.hub_account}


def delete_object(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    key = a_text(draw)
    arguments = {"Bucket": settings.hub_bucket, "Key": key, "IfMatch": '"e1"'}
    return Retire(key, "e1"), arguments | {"ExpectedBucketOwner": settings.hub_account}


def delete_objects(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    keys = sorted({a_text(draw, fit_for_xml=True) for _ in range(draw.randint(1, 5))})
    objects = [{"Key": key, "ETag": f'"e{number}"'} for number, key in enumerate(keys)]
    call = RetireAll(tuple(Retire(key, f"e{number}") for number, key in enumerate(keys)))
    arguments = {"Bucket": settings.hub_bucket, "Delete": {"Objects": objects}}
    return call, arguments | {"ExpectedBucketOwner": settings.hub_account}


def put_object(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    key, body = a_text(draw), draw.randbytes(draw.randint(1, 3000))
    return PutReceipts(key, body), {
        "Bucket": settings.log_bucket,
        "Key": key,
        "Body": body,
        "ContentType": "application/gzip",
        "ExpectedBucketOwner": settings.hub_account,
    }


def create_multipart_upload(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    key, meta, tag = a_text(draw), a_value(draw), draw.randbytes(5).hex()
    described = {
        "cache-control": a_value(draw),
        "content-disposition": a_value(draw),
        "content-encoding": a_value(draw),
        "content-language": a_value(draw),
        "content-type": a_value(draw),
        "x-amz-meta-note": meta,
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-tagging": f"class={tag}&a%20b=%C3%A9",
        "x-amz-website-redirect-location": f"/{tag}",
    }
    return StartUpload(key, Attributes(tuple(sorted(described.items())))), {
        "Bucket": settings.bucket.target_bucket,
        "Key": key,
        "CacheControl": described["cache-control"],
        "ContentDisposition": described["content-disposition"],
        "ContentEncoding": described["content-encoding"],
        "ContentLanguage": described["content-language"],
        "ContentType": described["content-type"],
        "Metadata": {"note": meta},
        "StorageClass": "STANDARD_IA",
        "Tagging": described["x-amz-tagging"],
        "WebsiteRedirectLocation": f"/{tag}",
        **write_arguments(settings),
    }


def upload_part_copy(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    key, version, upload, number = a_text(draw), a_version(draw), a_text(draw), draw.randint(1, 10_000)
    return CopyPart(key, version, upload, Part(number, 5, 99)), {
        "Bucket": settings.bucket.target_bucket,
        "Key": key,
        "CopySource": {"Bucket": settings.hub_bucket, "Key": key, "VersionId": version},
        "CopySourceRange": "bytes=5-99",
        "PartNumber": number,
        "UploadId": upload,
        "ExpectedSourceBucketOwner": settings.hub_account,
        "ExpectedBucketOwner": settings.bucket.target_account,
    }


def complete_multipart_upload(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    key, upload = a_text(draw), a_text(draw)
    parts = tuple(CopiedPart(number, f"e&{number}") for number in range(1, draw.randint(2, 6)))
    told = [{"ETag": f'"{part.etag}"', "PartNumber": part.number} for part in parts]
    return CompleteUpload(key, "v1", upload, parts), {
        "Bucket": settings.bucket.target_bucket,
        "Key": key,
        "UploadId": upload,
        "MultipartUpload": {"Parts": told},
        "ExpectedBucketOwner": settings.bucket.target_account,
    }


def abort_multipart_upload(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    key, upload = a_text(draw), a_text(draw)
    arguments = {"Bucket": settings.bucket.target_bucket, "Key": key, "UploadId": upload}
    return AbortUpload(key, upload), arguments | {"ExpectedBucketOwner": settings.bucket.target_account}


def get_object_tagging(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    key, version = a_text(draw), a_text(draw)
    arguments = {"Bucket": settings.hub_bucket, "Key": key, "VersionId": version}
    return ReadAttributes(key, version), arguments | {"ExpectedBucketOwner": settings.hub_account}


def checkpoint_of(draw: random.Random, settings: Settings) -> tuple[Checkpoint, str, dict[str, Any]]:
    """A checkpoint, the folder where it is kept, and what names its object."""
    key, version, upload = a_text(draw), a_text(draw), a_text(draw)
    folder = f"checkpoints/dataset=orders/{hashlib.sha256(json.dumps([key, version]).encode()).hexdigest()[:32]}/"
    name = f"{folder}{hashlib.sha256(upload.encode()).hexdigest()[:32]}.json"
    owned = {"Bucket": settings.log_bucket, "Key": name, "ExpectedBucketOwner": settings.hub_account}
    return Checkpoint(key, version, upload, 25, 10), folder, owned


def list_objects_v2(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    checkpoint, folder, arguments = checkpoint_of(draw, settings)
    del arguments["Key"]
    return ReadCheckpoints(checkpoint.key, checkpoint.version_id), arguments | {"Prefix": folder}


def get_object(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    checkpoint, _, arguments = checkpoint_of(draw, settings)
    return ReadCheckpoints(checkpoint.key, checkpoint.version_id), arguments | {"Key": LISTED_KEY}


def delete_checkpoint(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    checkpoint, _, arguments = checkpoint_of(draw, settings)
    return RemoveCheckpoint(checkpoint), arguments


def put_checkpoint(draw: random.Random, settings: Settings) -> tuple[Call, dict[str, Any]]:
    checkpoint, _, arguments = checkpoint_of(draw, settings)
    names = ("key", "version_id", "upload_id", "size_bytes", "part_bytes", "copied")
    body = json.dumps({name: asdict(checkpoint)[name] for name in names}).encode()
    return SaveCheckpoint(checkpoint), arguments | {"Body": body}


LISTED_KEY = "checkpoints/a b+%.json"

Case = Callable[[random.Random, Settings], tuple[Call, dict[str, Any]]]
OPERATIONS: list[Case] = [
    *(copy_object, head_object, list_object_versions, delete_object, delete_objects, put_object),
    *(create_multipart_upload, upload_part_copy, complete_multipart_upload, abort_multipart_upload),
    *(get_object_tagging, list_objects_v2, get_object, delete_checkpoint, put_checkpoint),
]
BOTO3_NAMES: dict[Case, str] = {delete_checkpoint: "delete_object", put_checkpoint: "put_object"}
# What S3 answers before the request in question is made.
ANSWERS: dict[Case, Response] = {
    get_object_tagging: Response(200, {}, b""),
    get_object: Response(
        200, {}, b"<ListBucketResult><Contents><Key>%s</Key></Contents></ListBucketResult>" % LISTED_KEY.encode()
    ),
}
# Headers that the mover sends and boto3 does not.
MORE: dict[Case, set[str]] = {
    put_object: {"x-amz-checksum-crc32"},  # boto3 does, too, unless it is told not to
    put_checkpoint: {"x-amz-checksum-crc32"},
    delete_objects: {"content-type"},
    complete_multipart_upload: {"content-type"},
}


@pytest.mark.parametrize("case", OPERATIONS, ids=[case.__name__ for case in OPERATIONS])
def test_a_request_is_made_as_boto3_makes_it(case: Case, s3: Any) -> None:
    draw = random.Random(case.__name__)
    for _ in range(CASES):
        settings = settings_of(draw)
        call, arguments = case(draw, settings)
        *ours, our_headers, our_body = made_by_the_mover(settings, call, *filter(None, [ANSWERS.get(case)]))
        *theirs, their_headers, their_body = made_by_boto3(getattr(s3, BOTO3_NAMES.get(case, case.__name__)), arguments)
        for name in MORE.get(case, ()):
            our_headers.pop(name)
        if case is delete_objects:  # each sums up its own way of writing XML
            assert our_headers.pop("x-amz-checksum-crc32")
            assert their_headers.pop("x-amz-checksum-crc32")
        assert (ours, our_headers, our_body) == (theirs, their_headers, their_body), call


def test_every_kind_of_call_has_its_place() -> None:
    assert set(places_of(SETTINGS, Recording()).steps()) == set(get_args(Call))
