"""The contract of S3: the same calls get the same answers from S3 in memory and, over HTTP, from the local AWS.

The proof in tests/model rests on S3 in memory; this is what ties it to an S3 that was built by others. On the local AWS
the mover works with a role that has just the rights it is deployed with, in two accounts, with IAM enforced.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote_plus

import pytest

from data_exports.local import clients
from data_exports.local.emulator import LocalAws
from data_exports.mover.calls import (
    Answer,
    Call,
    Copied,
    Copy,
    CopyVersion,
    Current,
    Forbidden,
    Gone,
    HeadObject,
    ListVersions,
    Overtaken,
    Retire,
    RetireAll,
    Retired,
    RetiredAll,
    Versions,
    Written,
)
from data_exports.mover.handler import handle_batch
from data_exports.mover.hub_version import HubVersion
from data_exports.mover.objects import S3Objects
from data_exports.mover.receipts import PutReceipts
from data_exports.mover.settings import Settings
from data_exports.mover.signing import Credentials
from data_exports.mover.transport import Transport
from tests.emulator.steps import ACCOUNT, REGION, Steps, allow
from tests.model.memory_s3 import TIME, MemoryStore, etag_of
from tests.unit.mover.notifications import message, notification

RECIPIENT = "754256621582"
KEY = "orders/a.csv"
ODD_KEYS = [
    "orders/with space",
    "orders/1+1=2",
    "orders/100%25.csv",
    "orders/café/€/🚀",
    "orders/a&b<c>\"d'",
    "orders/two\nlines",
    "orders//double//",
    "orders/sub/",
    "orders/?versionId=x#y",
    "orders/~!*()$@,;:[]{}|\\^`",
]


class World(Protocol):
    """An S3 with a hub, a recipient and a log bucket, and a mover that calls it."""

    def upload(self, key: str, body: bytes, attributes: Mapping[str, str] | None = None) -> None: ...
    def delete(self, key: str) -> None: ...
    def remove_versions(self, key: str) -> None: ...
    def refuse_copies(self) -> None: ...
    def ask(self, call: Call) -> Answer: ...
    def delivered(self, key: str) -> tuple[bytes, dict[str, str]] | None: ...
    def stored_receipts(self, key: str) -> bytes: ...


class InMemory:
    def __init__(self, *, may_list: bool) -> None:
        self.store = MemoryStore(may_list=may_list)

    def upload(self, key: str, body: bytes, attributes: Mapping[str, str] | None = None) -> None:
        self.store.memory = self.store.memory.upload(key, body, tuple(sorted((attributes or {}).items())))

    def delete(self, key: str) -> None:
        self.store.memory = self.store.memory.delete(key)

    def remove_versions(self, key: str) -> None:
        self.store.memory = self.store.memory.remove_versions(key)

    def refuse_copies(self) -> None:
        self.store.refusals |= {Copy: Forbidden(""), CopyVersion: Forbidden("")}

    def ask(self, call: Call) -> Answer:
        self.store.send(call, 0)
        return without_words(self.store.wait()[1])

    def delivered(self, key: str) -> tuple[bytes, dict[str, str]] | None:
        stored = self.store.memory.delivered(key)
        return stored and (stored.body, dict(stored.attributes))

    def stored_receipts(self, key: str) -> bytes:
        return dict(self.store.memory.log)[key]


class OverHttp:
    """The local AWS. Version ids are told as v1, v2 ... in the order of the uploads, times as one fixed time."""

    def __init__(self, local: LocalAws, steps: Steps, *, may_list: bool) -> None:
        self.hub, self.log = steps.bucket(versioned=True), steps.bucket()
        self.owner = steps.client("s3")
        self.role = steps.role()
        self.target = steps.bucket(account=RECIPIENT)
        self.recipient = steps.client("s3", RECIPIENT)
        self.grant(steps, may_list=may_list)
        self.let_role_write("Allow")
        self.settings = Settings(
            dataset="orders",
            hub_bucket=self.hub,
            hub_account=ACCOUNT,
            target_bucket=self.target,
            target_account=RECIPIENT,
            target_kms_key=None,
            keep_files=False,
            log_bucket=self.log,
            mover_version="1",
            largest_copy_bytes=1000,
            region=REGION,
            endpoint_url=local.endpoint_url,
        )
        session = clients.session_of(local, self.role)
        credentials = Credentials(session.access_key_id, session.secret_access_key, session.session_token)
        transport = Transport(region=REGION, endpoint_url=local.endpoint_url, connections=4, credentials=credentials)
        self.store = S3Objects(self.settings, calls_at_once=4, transport=transport)
        self.names: dict[str, str] = {}

    def grant(self, steps: Steps, *, may_list: bool) -> None:
        hub = f"arn:aws:s3:::{self.hub}"
        read = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"]
        put = ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl"]
        prefix = {"StringLike": {"s3:prefix": ["orders/*", "orders/two\nlines*"]}}
        statements = [
            allow([*read, "s3:DeleteObject"], below(self.hub)),
            allow("s3:ListBucketVersions", hub, Condition=prefix),
            allow("s3:GetBucketVersioning", hub),
            allow(put, below(self.target)),
            allow("s3:PutObject", f"arn:aws:s3:::{self.log}/deliveries/dataset=orders/*"),
            *([allow("s3:ListBucket", hub)] if may_list else []),
        ]
        policy = {"Version": "2012-10-17", "Statement": statements}
        steps.client("iam").put_role_policy(
            RoleName=self.role.rpartition("/")[2], PolicyName="mover", PolicyDocument=json.dumps(policy)
        )

    def let_role_write(self, effect: str) -> None:
        put = ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl"]
        statement = allow(put, below(self.target), Principal={"AWS": self.role})
        policy = {"Version": "2012-10-17", "Statement": [{**statement, "Effect": effect}]}
        self.recipient.put_bucket_policy(Bucket=self.target, Policy=json.dumps(policy))

    def upload(self, key: str, body: bytes, attributes: Mapping[str, str] | None = None) -> None:
        attributes = dict(attributes or {})
        more: dict[str, Any] = {}
        if "content-type" in attributes:
            more["ContentType"] = attributes.pop("content-type")
        if "tags" in attributes:
            more["Tagging"] = attributes.pop("tags")
        reply = self.owner.put_object(Bucket=self.hub, Key=key, Body=body, Metadata=attributes, **more)
        self.names[reply["VersionId"]] = f"v{len(self.names) + 1}"

    def delete(self, key: str) -> None:
        self.owner.delete_object(Bucket=self.hub, Key=key)

    def remove_versions(self, key: str) -> None:
        page = self.owner.list_object_versions(Bucket=self.hub, Prefix=key)
        for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
            if item["Key"] == key:
                self.owner.delete_object(Bucket=self.hub, Key=key, VersionId=item["VersionId"])

    def refuse_copies(self) -> None:
        self.let_role_write("Deny")

    def ask(self, call: Call) -> Answer:
        if isinstance(call, CopyVersion):
            given = {name: version_id for version_id, name in self.names.items()}
            call = replace(call, version_id=given.get(call.version_id, call.version_id))
        self.store.send(call, 0)
        return self.plain(without_words(self.store.wait()[1]))

    def plain(self, answer: Answer) -> Answer:
        match answer:
            case Copied(source_version_id=version_id):
                return replace(answer, source_version_id=self.names.get(version_id, version_id), at=TIME)
            case Current(version_id):
                return Current(self.names.get(version_id, version_id))
            case Versions(HubVersion() as newest):
                named = replace(newest, version_id=self.names[newest.version_id], last_modified=TIME)
                return replace(answer, newest=named)
            case _:
                return answer

    def delivered(self, key: str) -> tuple[bytes, dict[str, str]] | None:
        if key not in [item["Key"] for item in self.recipient.list_objects_v2(Bucket=self.target).get("Contents", [])]:
            return None
        reply = self.recipient.get_object(Bucket=self.target, Key=key)
        attributes = dict(reply["Metadata"])
        if reply["ContentType"] not in ("binary/octet-stream", "application/octet-stream"):
            attributes["content-type"] = reply["ContentType"]
        tags = self.recipient.get_object_tagging(Bucket=self.target, Key=key)["TagSet"]
        if tags:
            attributes["tags"] = "&".join(f"{tag['Key']}={tag['Value']}" for tag in tags)
        return reply["Body"].read(), attributes

    def stored_receipts(self, key: str) -> bytes:
        body: bytes = self.owner.get_object(Bucket=self.log, Key=key)["Body"].read()
        return body


def below(bucket: str) -> list[str]:
    """All keys of the dataset. On AWS * matches a line end, too; the emulator's does not, so that key is spelt out."""
    return [f"arn:aws:s3:::{bucket}/orders/*", f"arn:aws:s3:::{bucket}/orders/two\nlines*"]


def without_words(answer: Answer) -> Answer:
    """Leave out what only people read."""
    match answer:
        case Forbidden():
            return Forbidden("")
        case RetiredAll(replies):
            return RetiredAll(tuple(Forbidden("") if isinstance(reply, Forbidden) else reply for reply in replies))
        case _:
            return answer


@pytest.fixture(
    params=[
        "memory, may list",
        "memory, may not list",
        pytest.param("local AWS, may list", marks=pytest.mark.emulator),
        pytest.param("local AWS, may not list", marks=pytest.mark.emulator),
    ]
)
def where(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def world(where: str, request: pytest.FixtureRequest) -> Iterator[World]:
    may_list = where.endswith("may list")
    if where.startswith("memory"):
        yield InMemory(may_list=may_list)
        return
    world = OverHttp(request.getfixturevalue("local_aws"), request.getfixturevalue("steps"), may_list=may_list)
    yield world
    world.store.close()


@pytest.fixture
def missing(where: str) -> Answer:
    """What S3 answers for a key that is not there."""
    return Gone() if where.endswith("may list") else Forbidden("")


def copied(version: str, body: bytes) -> Copied:
    return Copied(version, None, etag_of(body), TIME)


def newest(version: str, body: bytes, *, current: bool) -> Versions:
    return Versions(HubVersion(version, etag_of(body), len(body), TIME), current=current)


def test_the_current_version_is_copied_if_its_etag_is_the_one_named(world: World) -> None:
    world.upload(KEY, b"A")
    world.upload(KEY, b"B")
    assert world.ask(Copy(KEY, etag_of(b"A"))) == Overtaken()
    assert world.delivered(KEY) is None
    assert world.ask(Copy(KEY, etag_of(b"B"))) == copied("v2", b"B")
    assert world.delivered(KEY) == (b"B", {})


def test_a_copy_names_the_newest_of_equal_versions(world: World) -> None:
    world.upload(KEY, b"A")
    world.upload(KEY, b"A")
    assert world.ask(Copy(KEY, etag_of(b"A"))) == copied("v2", b"A")


def test_nothing_is_copied_from_under_a_marker(world: World, missing: Answer) -> None:
    world.upload(KEY, b"A")
    world.delete(KEY)
    assert world.ask(Copy(KEY, etag_of(b"A"))) == missing
    assert world.ask(Copy("orders/never-there", etag_of(b"A"))) == missing
    assert world.delivered(KEY) is None


def test_a_version_is_copied_from_under_a_marker_and_a_newer_version(world: World) -> None:
    world.upload(KEY, b"A")
    world.upload(KEY, b"B")
    world.delete(KEY)
    assert world.ask(CopyVersion(KEY, "v1")) == copied("v1", b"A")
    assert world.delivered(KEY) == (b"A", {})


def test_a_version_that_was_removed_cannot_be_copied(world: World, missing: Answer) -> None:
    world.upload(KEY, b"A")
    world.remove_versions(KEY)
    assert world.ask(CopyVersion(KEY, "v1")) == missing
    assert world.ask(ListVersions(KEY)) == Versions(None, current=False)


def test_content_type_metadata_and_tags_come_along(world: World) -> None:
    attributes = {"content-type": "text/csv", "author": "alice", "tags": "class=official"}
    world.upload(KEY, b"A", attributes)
    assert world.ask(Copy(KEY, etag_of(b"A"))) == copied("v1", b"A")
    assert world.delivered(KEY) == (b"A", attributes)
    world.upload(KEY, b"B")
    assert world.ask(CopyVersion(KEY, "v1")) == copied("v1", b"A")
    assert world.delivered(KEY) == (b"A", attributes)


def test_an_empty_file_is_a_file(world: World) -> None:
    world.upload(KEY, b"")
    assert world.ask(Copy(KEY, etag_of(b""))) == copied("v1", b"")
    assert world.delivered(KEY) == (b"", {})


def test_a_recipient_that_refuses_is_told_from_a_missing_key_by_the_listing(world: World) -> None:
    world.upload(KEY, b"A")
    world.refuse_copies()
    assert world.ask(Copy(KEY, etag_of(b"A"))) == Forbidden("")
    assert world.ask(CopyVersion(KEY, "v1")) == Forbidden("")
    assert world.ask(ListVersions(KEY)) == newest("v1", b"A", current=True)
    assert world.delivered(KEY) is None


def test_the_listing_tells_the_newest_version_and_whether_a_marker_hides_it(world: World) -> None:
    world.upload(KEY, b"A")
    assert world.ask(ListVersions(KEY)) == newest("v1", b"A", current=True)
    world.delete(KEY)
    world.delete(KEY)
    assert world.ask(ListVersions(KEY)) == newest("v1", b"A", current=False)
    world.upload(KEY, b"BB")
    assert world.ask(ListVersions(KEY)) == newest("v2", b"BB", current=True)
    assert world.ask(ListVersions("orders/a")) == Versions(None, current=False)  # only a prefix of a key


def test_a_head_tells_the_current_version(world: World, missing: Answer) -> None:
    world.upload(KEY, b"A")
    world.upload(KEY, b"B")
    assert world.ask(HeadObject(KEY)) == Current("v2")
    world.delete(KEY)
    assert world.ask(HeadObject(KEY)) == missing


def test_a_batch_of_retires_is_answered_key_by_key(world: World, missing: Answer) -> None:
    for key in ("orders/hit", "orders/overtaken", "orders/hidden"):
        world.upload(key, b"A")
    world.upload("orders/overtaken", b"B")
    world.delete("orders/hidden")
    keys = ["orders/hit", "orders/overtaken", "orders/hidden", "orders/never-there"]
    answer = world.ask(RetireAll(tuple(Retire(key, etag_of(b"A")) for key in keys)))
    gone = answer.replies[2] if isinstance(answer, RetiredAll) else None
    assert gone in (Gone(), missing)
    assert answer == RetiredAll((Retired(), Overtaken(), gone, gone))
    assert world.ask(ListVersions("orders/hit")) == newest("v1", b"A", current=False)
    assert world.ask(ListVersions("orders/overtaken")) == newest("v4", b"B", current=True)


def test_one_key_is_retired_on_condition(world: World, missing: Answer) -> None:
    world.upload(KEY, b"A")
    assert world.ask(Retire(KEY, etag_of(b"B"))) == Overtaken()
    assert world.ask(Retire(KEY, etag_of(b"A"))) == Retired()
    assert world.ask(Retire(KEY, etag_of(b"A"))) in (Gone(), missing)
    assert world.ask(ListVersions(KEY)) == newest("v1", b"A", current=False)


@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_keys_go_all_the_way(world: World, key: str) -> None:
    world.upload(key, b"A")
    world.upload(f"{key}-longer", b"B")
    assert world.ask(Copy(key, etag_of(b"A"))) == copied("v1", b"A")
    assert world.delivered(key) == (b"A", {})
    assert world.ask(CopyVersion(key, "v1")) == copied("v1", b"A")
    assert world.ask(HeadObject(key)) == Current("v1")
    assert world.ask(ListVersions(key)) == newest("v1", b"A", current=True)
    assert world.ask(RetireAll((Retire(key, etag_of(b"A")),))) == RetiredAll((Retired(),))
    assert world.ask(ListVersions(key)) == newest("v1", b"A", current=False)
    assert world.ask(ListVersions(f"{key}-longer")) == newest("v2", b"B", current=True)


def test_receipts_are_stored_as_they_are(world: World) -> None:
    key = "deliveries/dataset=orders/date=2026-11-02/20261102T100000Z-1.jsonl.gz"
    assert world.ask(PutReceipts(key, b"\x1f\x8b zipped")) == Written()
    assert world.stored_receipts(key) == b"\x1f\x8b zipped"


@pytest.mark.emulator
@pytest.mark.parametrize("where", ["local AWS, may not list"])
def test_a_batch_is_delivered_over_http_within_two_accounts(world: OverHttp) -> None:
    records = []
    for number, (key, body) in enumerate([(KEY, b"old"), (KEY, b"new"), *((key, b"A") for key in ODD_KEYS)], start=1):
        world.upload(key, body)
        version_id = next(given for given, name in world.names.items() if name == f"v{number}")
        sent = notification(quote_plus(key), bucket=world.hub, eTag=etag_of(body), versionId=version_id)
        records.append(message(sent, message_id=f"m{number}"))
    lines: list[Mapping[str, object]] = []
    for _ in range(2):  # the second time, every event is a repeated one
        response = handle_batch(
            {"Records": records}, settings=world.settings, store=world.store, seconds_left=lambda: 60, log=lines.append
        )
        assert response == {"batchItemFailures": []}
    assert {key: world.delivered(key) for key in [KEY, *ODD_KEYS]} == {
        KEY: (b"new", {}),
        **{key: (b"A", {}) for key in ODD_KEYS},
    }
    assert world.owner.list_objects_v2(Bucket=world.hub)["KeyCount"] == 0
    files = [item["Key"] for item in world.owner.list_objects_v2(Bucket=world.log)["Contents"]]
    assert len(files) == 4  # of each batch one for the last upload of every key, and one for those before it
    receipts = [
        json.loads(line) for file in files for line in gzip.decompress(world.stored_receipts(file)).splitlines()
    ]
    told = {(receipt["key"], world.names[receipt["version_id"]], receipt["outcome"]) for receipt in receipts}
    assert told == {
        (KEY, "v1", "superseded"),
        (KEY, "v2", "delivered"),
        *((key, f"v{number}", "delivered") for number, key in enumerate(ODD_KEYS, start=3)),
    }
    assert {receipt["target_bucket"] for receipt in receipts} == {world.target}
