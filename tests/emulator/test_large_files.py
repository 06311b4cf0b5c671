"""Large files on the local AWS, over HTTP and with just the rights that are deployed: time that runs out, and crashes.

The function's own code runs here and not in Lambda, so that a test can say when its time is up and after which call it
dies. What it sends itself is handed to the next run.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus

import pytest

from data_exports.access.grants import grants_of_push
from data_exports.access.handover import route_of
from data_exports.access.policies import mover_policy
from data_exports.contract.settings import BucketSettings
from data_exports.estate.models import PushDataset
from data_exports.local import clients
from data_exports.local.emulator import LocalAws
from data_exports.local.world import bucket_of
from data_exports.mover.handler import handle_batch
from data_exports.mover.places.store import Store, open_store
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.protocol import Call, CopyPart, StoreAnswer
from data_exports.mover.settings import Settings
from data_exports.mover.wire.signing import Credentials
from data_exports.mover.wire.transport import Transport
from data_exports.names import BucketName
from tests.emulator.steps import ACCOUNT, REGION, Steps
from tests.estates import PLATFORM, at_s3, estate_of, push

pytestmark = pytest.mark.emulator

RECIPIENT = "754256621582"
MIB = 1024 * 1024
KEY = "large €+.bin"


class Died(BaseException):
    """The function's process is gone."""


@dataclass
class Run:
    """The store of one run: its time is up after so many parts, or it dies after so many calls, carried out."""

    store: Store
    parts: int | None = None
    dies_after: int | None = None
    calls: list[Call] = field(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        return self.store.capabilities

    def send(self, call: Call, tag: int) -> None:
        self.calls.append(call)
        self.store.send(call, tag)

    def wait(self) -> tuple[int, StoreAnswer]:
        answer = self.store.wait()
        if self.dies_after and len(self.calls) >= self.dies_after:
            raise Died
        return answer

    def seconds_left(self) -> float:
        return 0 if self.parts is not None and len(self.copied()) >= self.parts else 900

    def copied(self) -> list[int]:
        return [call.part.number for call in self.calls if isinstance(call, CopyPart)]


@dataclass
class Mover:
    """A dataset's mover in its place: hub, log and recipient's bucket, and the rights that it is deployed with."""

    local: LocalAws
    steps: Steps
    push: PushDataset
    hub: str
    credentials: Credentials
    sent: list[str] = field(default_factory=list)
    lines: list[Mapping[str, object]] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.push.prefix}{KEY}"

    @property
    def owner(self) -> Any:
        return self.steps.client("s3")

    @property
    def recipient(self) -> Any:
        return self.steps.client("s3", RECIPIENT)

    def upload(self, body: bytes, **described: Any) -> str:
        """Upload, and return the message that tells of it."""
        made = self.owner.put_object(Bucket=self.hub, Key=self.key, Body=body, **described)
        entry = {"key": quote_plus(self.key), "versionId": made["VersionId"], "eTag": made["ETag"].strip('"')}
        s3 = {"bucket": {"name": self.hub}, "object": {**entry, "size": len(body)}}
        return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]})

    def run(self, body: str, *, receives: int = 1, parts: int | None = None, dies_after: int | None = None) -> Run:
        """Hand the message to the function; none may fail."""
        settings = Settings(
            dataset=self.push.name,
            hub_bucket=self.hub,
            hub_account=ACCOUNT,
            destination=BucketSettings(target_bucket=bucket_of(self.push), target_account=RECIPIENT),
            keep_files=False,
            log_bucket=f"{self.hub}-log",
            mover_version="1",
            largest_copy_bytes=5 * MIB,
            region=REGION,
            endpoint_url=self.local.endpoint_url,
            part_bytes=5 * MIB,
        )
        url = self.local.endpoint_url
        transport = Transport(region=REGION, endpoint_url=url, connections=8, credentials=self.credentials)
        with closing(open_store(settings, way=transport)) as store:
            run = Run(store, parts, dies_after)
            message = {"messageId": "m1", "receiptHandle": "r1", "body": body}
            event = {"Records": [{**message, "attributes": {"ApproximateReceiveCount": str(receives)}}]}
            response = handle_batch(
                event,
                settings=settings,
                store=run,
                seconds_left=run.seconds_left,
                log=self.lines.append,
                send_on=self.sent.extend,
            )
        failures = [line for line in self.lines if line["level"] == "ERROR"]
        assert (failures, response) == ([], {"batchItemFailures": []})
        return run

    def delivered(self) -> bytes:
        body: bytes = self.recipient.get_object(Bucket=bucket_of(self.push), Key=self.key)["Body"].read()
        return body

    def hub_shows(self) -> int:
        return int(self.owner.list_objects_v2(Bucket=self.hub)["KeyCount"])

    def left_behind(self) -> list[str]:
        """Parts at the recipient, and checkpoints."""
        target = bucket_of(self.push)
        found = self.recipient.list_multipart_uploads(Bucket=target).get("Uploads", [])
        uploads = [{"Bucket": target, "Key": each["Key"], "UploadId": each["UploadId"]} for each in found]
        parts = [part["ETag"] for upload in uploads for part in self.recipient.list_parts(**upload).get("Parts", [])]
        log = self.owner.list_objects_v2(Bucket=f"{self.hub}-log", Prefix="checkpoints/").get("Contents", [])
        return parts + [each["Key"] for each in log]

    def empty(self) -> None:
        """Free what the emulator holds in memory."""
        for version in self.owner.list_object_versions(Bucket=self.hub).get("Versions", []):
            self.owner.delete_object(Bucket=self.hub, Key=version["Key"], VersionId=version["VersionId"])
        self.recipient.delete_object(Bucket=bucket_of(self.push), Key=self.key)


@pytest.fixture
def mover(local_aws: LocalAws, steps: Steps, unique: Callable[[str], str]) -> Iterator[Mover]:
    hub, target = unique("hub"), BucketName(unique("target"))
    dataset = push(unique("large"), destination=at_s3(target, RECIPIENT))
    platform = replace(PLATFORM, hub_bucket=BucketName(hub))
    steps.bucket(name=hub, versioned=True)
    steps.bucket(name=f"{hub}-log")
    role = dataset.mover_role_arn(platform)
    steps.role(name=role.name, path="/service-role/")
    document = json.dumps(mover_policy(grants_of_push(platform, dataset)))
    steps.client("iam").put_role_policy(RoleName=role.name, PolicyName="deliver", PolicyDocument=document)
    steps.bucket(account=RECIPIENT, name=target)
    policy = json.dumps(route_of(estate_of(dataset, platform=platform), dataset).policy)
    steps.client("s3", RECIPIENT).put_bucket_policy(Bucket=target, Policy=policy)
    session = clients.session_of(local_aws, role)
    credentials = Credentials(session.access_key_id, session.secret_access_key, session.session_token)
    made = Mover(local_aws, steps, dataset, hub, credentials)
    yield made
    made.empty()


def test_over_many_runs_every_part_is_copied_once(mover: Mover) -> None:
    body = os.urandom(21 * MIB)
    message = mover.upload(body, ContentType="text/csv", Metadata={"author": "annika"}, Tagging="class=official")
    copied: list[int] = []
    for part in (1, 2, 3, 4):
        copied += mover.run(message, parts=1).copied()
        assert mover.lines[-2]["reason"] == f"{part} of 5 parts are copied"
        message = mover.sent.pop()
    copied += mover.run(message).copied()
    assert copied == [1, 2, 3, 4, 5]
    assert mover.delivered() == body
    head = mover.recipient.head_object(Bucket=bucket_of(mover.push), Key=mover.key)
    assert (head["ContentType"], head["Metadata"]) == ("text/csv", {"author": "annika"})
    tags = mover.recipient.get_object_tagging(Bucket=bucket_of(mover.push), Key=mover.key)["TagSet"]
    assert tags == [{"Key": "class", "Value": "official"}]
    assert (mover.sent, mover.hub_shows(), mover.left_behind()) == ([], 0, [])


def test_a_crash_after_any_call_loses_nothing_and_leaves_nothing_behind(mover: Mover) -> None:
    calls = 0
    while True:
        calls += 1
        body = os.urandom(5 * MIB + calls)
        message = mover.upload(body)
        try:
            mover.run(message, dies_after=calls)
        except Died:
            mover.run(message, receives=2)
            died = True
        else:
            died = False
        assert (calls, mover.delivered() == body, mover.hub_shows(), mover.left_behind()) == (calls, True, 0, [])
        mover.empty()
        if not died:
            break
    # A look, checkpoints, attributes, the beginning, a checkpoint, two parts, a look, the completion, the checkpoint's
    # end, the receipt, whether the hub keeps versions, the retire: 13 calls. In the 14th turn nothing is left to die
    # after.
    assert calls == 14


def test_an_upload_overtaken_between_two_runs_is_aborted_and_the_newer_one_arrives(mover: Mover) -> None:
    older = mover.upload(os.urandom(11 * MIB))
    mover.run(older, parts=1)
    assert len(mover.left_behind()) == 2  # a part, and the checkpoint that knows of it
    newer = mover.upload(b"newer")
    mover.run(mover.sent.pop())
    assert mover.left_behind() == []
    mover.run(newer)
    assert (mover.delivered(), mover.hub_shows(), mover.sent) == (b"newer", 0, [])


def test_a_cancelled_upload_is_aborted(mover: Mover) -> None:
    message = mover.upload(os.urandom(11 * MIB))
    mover.run(message, parts=1)
    mover.empty()
    mover.run(mover.sent.pop())
    assert mover.left_behind() == []
    assert mover.lines[-1]["uploads"] == {
        **dict.fromkeys(["delivered", "superseded", "unfinished", "ignored", "failed", "given_up"], 0),
        "cancelled": 1,
    }


def test_an_upload_that_the_recipient_removed_begins_anew(mover: Mover) -> None:
    body = os.urandom(11 * MIB)
    mover.run(mover.upload(body), parts=1)
    target = bucket_of(mover.push)
    (upload,) = mover.recipient.list_multipart_uploads(Bucket=target)["Uploads"]
    mover.recipient.abort_multipart_upload(Bucket=target, Key=upload["Key"], UploadId=upload["UploadId"])
    mover.run(mover.sent.pop())
    assert (mover.delivered() == body, mover.hub_shows(), mover.left_behind()) == (True, 0, [])
