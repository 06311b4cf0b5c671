"""An S3 over HTTP as a world of scenarios: three buckets made for one scenario, and the mover's client.

In: a Ground (where S3 is, whose buckets they are, who the mover is) and a scenario. Out: an `HttpWorld`. Effects: three
buckets with random names, gone when the block ends where the ground says so.
"""

import random
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from data_exports.contract.settings import BucketSettings
from data_exports.contract.tasks import Try
from data_exports.mover.places.in_flight import InFlight
from data_exports.mover.places.store import Store, open_store, places_of
from data_exports.mover.rules.hub_version import NULL, HubVersion
from data_exports.mover.rules.protocol import Call, Copied, Current, Started, StoreAnswer, Uploads, Versions
from data_exports.mover.settings import Settings
from data_exports.mover.wire.signing import Credentials
from data_exports.mover.wire.transport import S3Request, Transport
from tests.conformance.steps import Scenario
from tests.model.memory_s3 import TIME
from tests.unit.mover.loopback import response_to

_PARAMETERS = {
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-language": "ContentLanguage",
    "content-type": "ContentType",
    "x-amz-checksum-sha256": "ChecksumSHA256",
    "x-amz-tagging": "Tagging",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
}
"""boto3's words for S3's headers."""
_META = "x-amz-meta-"
_DEFAULT_TYPES = ("binary/octet-stream", "application/octet-stream")


@dataclass(frozen=True)
class Ground:
    """Where an S3 is and who takes part. `owner` and `recipient`: boto3 clients that may do everything."""

    endpoint_url: str | None
    region: str
    other_region: str
    owner: Any
    recipient: Any
    recipient_elsewhere: Any  # the recipient's client in the other region
    hub_account: str
    target_account: str
    credentials: Credentials
    function_name: str = ""
    may_list: bool = True
    clears_up: bool = False


class NoPauses(random.Random):
    """Repeats follow at once."""

    def uniform(self, a: float, b: float) -> float:
        return 0 * a * b


class HttpWorld:
    """A World over HTTP."""

    def __init__(self, ground: Ground, scenario: Scenario) -> None:
        self.ground = ground
        self.may_list = ground.may_list
        self._recipient = ground.recipient_elsewhere if scenario.target_elsewhere else ground.recipient
        self._target_region = ground.other_region if scenario.target_elsewhere else ground.region
        mark = uuid.uuid4().hex[:12]
        self.settings = Settings(
            dataset="orders",
            hub_bucket=f"conformance-{mark}-hub",
            hub_account=ground.hub_account,
            destination=BucketSettings(
                target_bucket=f"conformance-{mark}-target", target_account=ground.target_account
            ),
            keep_files=False,
            log_bucket=f"conformance-{mark}-log",
            mover_version="1",
            largest_copy_bytes=5 * 1024 * 1024,
            region=ground.region,
            endpoint_url=ground.endpoint_url,
            part_bytes=5 * 1024 * 1024,
            function_name=ground.function_name,
        )
        self._stores: dict[Settings, Store] = {}
        self._versions: dict[str, str] = {}  # id: name
        self._uploads_in_parts: dict[str, str] = {}

    def make_buckets(self, scenario: Scenario) -> None:
        owner, region = self.ground.owner, self.ground.region
        _make_bucket(owner, self.settings.hub_bucket, region)
        _make_bucket(owner, self.settings.log_bucket, region)
        _make_bucket(self._recipient, self.settings.bucket.target_bucket, self._target_region)
        if scenario.versioning:
            self.set_versioning(scenario.versioning)

    def close(self) -> None:
        for store in self._stores.values():
            store.close()

    def remove_buckets(self) -> None:
        settings = self.settings
        self.close()
        if self.ground.clears_up:
            for client, bucket in (
                (self.ground.owner, settings.hub_bucket),
                (self.ground.owner, settings.log_bucket),
                (self._recipient, settings.bucket.target_bucket),
            ):
                _remove_bucket(client, bucket)

    def upload(self, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        more = {_PARAMETERS[name]: value for name, value in headers.items() if name in _PARAMETERS}
        metadata = {name.removeprefix(_META): value for name, value in headers.items() if name.startswith(_META)}
        more.setdefault("ContentType", _DEFAULT_TYPES[0])  # servers guess one
        hub = self.settings.hub_bucket
        reply = self.ground.owner.put_object(Bucket=hub, Key=key, Body=body, Metadata=metadata, **more)
        self._count += 1
        version_id = reply.get("VersionId") or NULL
        if version_id != NULL:
            self._versions[version_id] = f"v{self._count}"

    _count = 0

    def delete(self, key: str) -> None:
        self.ground.owner.delete_object(Bucket=self.settings.hub_bucket, Key=key)

    def remove_versions(self, key: str) -> None:
        hub = self.settings.hub_bucket
        page = self.ground.owner.list_object_versions(Bucket=hub, Prefix=key)
        for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
            if item["Key"] == key:
                self.ground.owner.delete_object(Bucket=hub, Key=key, VersionId=item["VersionId"])

    def set_versioning(self, status: str) -> None:
        configuration = {"Status": status}
        self.ground.owner.put_bucket_versioning(Bucket=self.settings.hub_bucket, VersioningConfiguration=configuration)

    def refuse_copies(self) -> None:
        target = f"arn:aws:s3:::{self.settings.bucket.target_bucket}/*"
        refusal = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": target}
        set_policy(self._recipient, self.settings.bucket.target_bucket, refusal)

    def store(self, settings: Settings) -> Store:
        if settings not in self._stores:
            self._stores[settings] = open_store(settings, way=self._transport(), rng=NoPauses())
        return self._stores[settings]

    def _transport(self) -> Transport:
        ground = self.ground
        return Transport(
            region=ground.region, endpoint_url=ground.endpoint_url, connections=4, credentials=ground.credentials
        )

    def ask(self, call: Call, settings: Settings) -> StoreAnswer:
        names = {"version_id": self._versions, "upload_id": self._uploads_in_parts}
        real: dict[str, Any] = {
            field: next((real for real, name in known.items() if name == getattr(call, field)), getattr(call, field))
            for field, known in names.items()
            if hasattr(call, field)
        }
        store = self.store(settings)
        store.send(replace(call, **real), 0)
        return self._named(store.wait()[1])

    def _named(self, answer: StoreAnswer) -> StoreAnswer:
        match answer:
            case Copied(source_version_id=version_id):
                return replace(answer, source_version_id=self.version_name(version_id), at=TIME)
            case Current(version_id, _, last_modified):
                told = last_modified and TIME
                return replace(answer, version_id=self.version_name(version_id), last_modified=told)
            case Versions(HubVersion() as newest):
                named = replace(newest, version_id=self.version_name(newest.version_id), last_modified=TIME)
                return replace(answer, newest=named)
            case Started(upload_id):
                return Started(self._uploads_in_parts.setdefault(upload_id, f"u{len(self._uploads_in_parts) + 1}"))
            case Uploads(upload_ids):
                return Uploads(tuple(self._uploads_in_parts.get(each, each) for each in upload_ids))
            case _:
                return answer

    def arrived(self, key: str) -> tuple[bytes, Mapping[str, str]] | None:
        target = self.settings.bucket.target_bucket
        listed = self._recipient.list_objects_v2(Bucket=target).get("Contents", [])
        if key not in [item["Key"] for item in listed]:
            return None
        reply = self._recipient.get_object(Bucket=target, Key=key)
        headers = {_META + name: value for name, value in reply["Metadata"].items()}
        headers |= {name: reply[word] for name, word in _PARAMETERS.items() if reply.get(word)}
        if headers.get("content-type") in _DEFAULT_TYPES:
            del headers["content-type"]
        tags = self._recipient.get_object_tagging(Bucket=target, Key=key)["TagSet"]
        if tags:
            pairs = [f"{quote(tag['Key'], safe='')}={quote(tag['Value'], safe='')}" for tag in tags]
            headers["x-amz-tagging"] = "&".join(pairs)
        return reply["Body"].read(), headers

    def logged(self, key: str) -> bytes:
        body: bytes = self.ground.owner.get_object(Bucket=self.settings.log_bucket, Key=key)["Body"].read()
        return body

    def log_keys(self) -> Sequence[str]:
        page = self.ground.owner.list_objects_v2(Bucket=self.settings.log_bucket)
        return [item["Key"] for item in page.get("Contents", [])]

    def version_id(self, name: str) -> str:
        return next((real for real, known in self._versions.items() if known == name), name)

    def version_name(self, version_id: str) -> str:
        return self._versions.get(version_id, version_id)

    def probe(self, key: str) -> list[Try]:
        with closing(self._transport()) as transport:
            asked = InFlight[StoreAnswer](transport).ask
            return places_of(self.settings, transport).destination.probe(key, asked)

    def named_region(self) -> str:
        transport = self._transport()
        try:
            response = response_to(transport, S3Request("HeadBucket", "HEAD", self.settings.hub_bucket))
        finally:
            transport.close()
        return response.headers.get("x-amz-bucket-region", "")


@contextmanager
def http_world(ground: Ground, scenario: Scenario) -> Iterator[HttpWorld]:
    """A world for one scenario."""
    world = HttpWorld(ground, scenario)
    try:
        world.make_buckets(scenario)
        yield world
    finally:
        world.remove_buckets()


def set_policy(client: Any, bucket: str, *statements: Mapping[str, object]) -> None:
    """Give a bucket the policy of these statements."""
    import json

    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def _make_bucket(client: Any, bucket: str, region: str) -> None:
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    client.create_bucket(Bucket=bucket, **where)


def _remove_bucket(client: Any, bucket: str) -> None:
    """Remove a bucket and all that is in it, if it is there."""
    from botocore.exceptions import ClientError

    try:
        client.delete_bucket_policy(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucket":
            return
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
            client.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for item in page.get("Uploads", []):
            client.abort_multipart_upload(Bucket=bucket, Key=item["Key"], UploadId=item["UploadId"])
    client.delete_bucket(Bucket=bucket)
