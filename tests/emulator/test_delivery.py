"""The deployed mover on what is not an ordinary file: what it refuses, where that ends, and what is on record."""

import base64
import hashlib
import json
import os

import pytest

from data_exports.estate.models import PushDataset
from data_exports.local.clients import client
from data_exports.local.world import bucket_of
from data_exports.names import dead_letter_queue_name_of, queue_name_of
from data_exports.operate.crc import crc64nvme
from tests.emulator.deployed import DeployedEstate
from tests.emulator.movers import dead_letters, mover_at_rest, mover_settings, outcomes, queue_url, upload
from tests.emulator.steps import wait_until

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("example")]

MIB = 1024 * 1024
ANOTHER_ACCOUNT = "999988887777"


@pytest.fixture
def push(deployed_example: DeployedEstate) -> PushDataset:
    return deployed_example.stage.push("court_hearings")


def test_a_file_that_is_refused_ends_as_a_dead_letter_with_its_reason_until_it_is_redriven(
    deployed_example: DeployedEstate, push: PushDataset
) -> None:
    with mover_settings(deployed_example, push, TARGET_ACCOUNT=ANOTHER_ACCOUNT):
        made = upload(deployed_example, push, "refused.bin", b"x" * 1001)
        wait_until(lambda: bool(dead_letters(deployed_example, push)))
    (letter,) = dead_letters(deployed_example, push)
    assert letter["Records"][0]["s3"]["object"]["key"] == "court_hearings/refused.bin"
    hub = deployed_example.estate.platform.hub_bucket
    reason = f"the copy from s3://{hub} to s3://{bucket_of(push)} is refused (AccessDenied, Access Denied"
    found = outcomes(deployed_example, push, made["VersionId"])
    assert {outcome: (why or "")[: len(reason)] for outcome, why in found.items()} == dict.fromkeys(
        ["failed", "given_up"], reason
    )
    assert deployed_example.stage.keys_in_hub(push) == ["court_hearings/refused.bin"]
    assert deployed_example.stage.object_at_recipient(push, "court_hearings/refused.bin") is None

    sqs = client(deployed_example.local, "sqs", account=deployed_example.estate.platform.account)
    arn = f"arn:aws:sqs:eu-west-1:593291632749:{dead_letter_queue_name_of(push.name)}"
    sqs.start_message_move_task(SourceArn=arn)
    wait_until(lambda: deployed_example.stage.keys_in_hub(push) == [])
    arrived = deployed_example.stage.object_at_recipient(push, "court_hearings/refused.bin")
    assert arrived is not None
    assert arrived["Body"].read() == b"x" * 1001


def test_a_large_file_arrives_in_parts_with_all_that_describes_it_and_leaves_nothing_behind(
    deployed_example: DeployedEstate, push: PushDataset
) -> None:
    stage, key, body = deployed_example.stage, "court_hearings/large €+.csv", os.urandom(12 * MIB + 1)
    described = {"ContentType": "text/csv", "CacheControl": "no-cache", "Metadata": {"author": "annika"}}
    with mover_settings(deployed_example, push, LARGEST_COPY_BYTES=str(5 * MIB), PART_BYTES=str(5 * MIB)):
        made = stage.as_user(push.users[0]).put_object(
            Bucket=deployed_example.estate.platform.hub_bucket,
            Key=key,
            Body=body,
            StorageClass="STANDARD_IA",
            Tagging="class=official&for=a%2Bb",
            **described,
        )
        wait_until(lambda: "delivered" in outcomes(deployed_example, push, made["VersionId"]))
    arrived = stage.object_at_recipient(push, key)
    assert arrived is not None
    assert arrived["Body"].read() == body
    assert {name: arrived[name] for name in described} == described
    assert arrived["StorageClass"] == "STANDARD_IA"
    assert arrived["ETag"].endswith('-3"')
    recipient, bucket = stage.as_recipient(push), bucket_of(push)
    tags = recipient.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    assert tags == [{"Key": "class", "Value": "official"}, {"Key": "for", "Value": "a+b"}]
    wait_until(lambda: stage.keys_in_hub(push) == [] and checkpoints(deployed_example) == [])  # the receipt is first
    assert recipient.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_receipts_hold_what_s3_and_the_sender_say_of_the_whole_file(
    deployed_example: DeployedEstate, push: PushDataset
) -> None:
    bodies = {"small.bin": b"small", "large.bin": os.urandom(6 * MIB)}
    s3, hub = deployed_example.stage.as_user(push.users[0]), deployed_example.estate.platform.hub_bucket
    sha256 = {name: base64.b64encode(hashlib.sha256(body).digest()).decode() for name, body in bodies.items()}

    def receipts() -> dict[str, str | None]:
        found = deployed_example.stage.receipts(push)
        return {each.key: each.digest for each in found if each.version_id in versions and each.delivered_at}

    with mover_settings(deployed_example, push, LARGEST_COPY_BYTES=str(5 * MIB), PART_BYTES=str(5 * MIB)):
        versions = [
            s3.put_object(Bucket=hub, Key=f"{push.prefix}{name}", Body=body, ChecksumSHA256=sha256[name])["VersionId"]
            for name, body in bodies.items()
        ]
        wait_until(lambda: len(receipts()) == len(bodies))
    crc = crc64nvme(bodies["large.bin"])
    assert receipts() == {
        "court_hearings/small.bin": f"SHA256:{sha256['small.bin']}",
        "court_hearings/large.bin": f"CRC64NVME:{base64.b64encode(crc.digest()).decode()} SHA256:{sha256['large.bin']}",
    }


def test_a_large_newer_upload_goes_on_with_a_message_that_the_mover_sends_itself(
    deployed_example: DeployedEstate, push: PushDataset
) -> None:
    """The only message left is one of the older, small upload; it came before, so the newest has to be settled."""
    hub, stage = deployed_example.estate.platform.hub_bucket, deployed_example.stage
    sqs = client(deployed_example.local, "sqs", account=deployed_example.estate.platform.account)
    url, body = queue_url(deployed_example, queue_name_of(push.name)), os.urandom(6 * MIB)
    with mover_settings(deployed_example, push, LARGEST_COPY_BYTES=str(5 * MIB), PART_BYTES=str(5 * MIB)):
        with mover_at_rest(deployed_example, push):
            older = upload(deployed_example, push, "grows.bin", b"small")
            newer = upload(deployed_example, push, "grows.bin", body)
            sqs.purge_queue(QueueUrl=url)
            entry = {
                "key": "court_hearings/grows.bin",
                "versionId": older["VersionId"],
                "eTag": older["ETag"],
                "size": 5,
            }
            event = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": hub}, "object": entry}}
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"Records": [event]}))
        wait_until(lambda: "delivered" in outcomes(deployed_example, push, newer["VersionId"]))
    assert outcomes(deployed_example, push, older["VersionId"]) == {"superseded": None}
    arrived = stage.object_at_recipient(push, "court_hearings/grows.bin")
    assert arrived is not None
    assert arrived["Body"].read() == body
    wait_until(lambda: stage.keys_in_hub(push) == [])


def checkpoints(deployed: DeployedEstate) -> list[str]:
    """What the log bucket holds of copies in parts under way."""
    platform = deployed.estate.platform
    found = deployed.stage.as_owner(platform.account).list_objects_v2(Bucket=platform.log_bucket, Prefix="checkpoints/")
    keys = [entry["Key"] for entry in found.get("Contents", [])]
    return [key for key in keys if not key.endswith("/sweep.jsonl.gz")]


def test_a_bucket_that_passed_to_another_account_receives_nothing(
    deployed_example: DeployedEstate, push: PushDataset
) -> None:
    with mover_settings(deployed_example, push, receives=1000, TARGET_ACCOUNT=ANOTHER_ACCOUNT):
        made = upload(deployed_example, push, "strayed.txt", b"not for you")
        wait_until(lambda: "failed" in outcomes(deployed_example, push, made["VersionId"]))
        assert deployed_example.stage.object_at_recipient(push, "court_hearings/strayed.txt") is None
    wait_until(lambda: deployed_example.stage.object_at_recipient(push, "court_hearings/strayed.txt") is not None)


def test_an_upload_whose_versions_are_removed_before_delivery_is_cancelled(
    deployed_example: DeployedEstate, push: PushDataset
) -> None:
    hub, account = deployed_example.estate.platform.hub_bucket, deployed_example.estate.platform.account
    with mover_at_rest(deployed_example, push):
        made = upload(deployed_example, push, "withdrawn.txt", b"sent by mistake")
        owner = deployed_example.stage.as_owner(account)
        owner.delete_object(Bucket=hub, Key="court_hearings/withdrawn.txt", VersionId=made["VersionId"])
    wait_until(lambda: bool(outcomes(deployed_example, push, made["VersionId"])))
    assert outcomes(deployed_example, push, made["VersionId"]) == {"cancelled": None}
    assert deployed_example.stage.object_at_recipient(push, "court_hearings/withdrawn.txt") is None


def test_a_malformed_message_ends_as_a_dead_letter_and_holds_up_nothing(
    deployed_example: DeployedEstate, push: PushDataset
) -> None:
    sqs = client(deployed_example.local, "sqs", account=deployed_example.estate.platform.account)
    with mover_settings(deployed_example, push):
        sqs.send_message(QueueUrl=queue_url(deployed_example, queue_name_of(push.name)), MessageBody='{"no": "event"}')
        made = upload(deployed_example, push, "next.txt", b"goes on")
        wait_until(lambda: "delivered" in outcomes(deployed_example, push, made["VersionId"]))
        wait_until(lambda: dead_letters(deployed_example, push) == [{"no": "event"}])
    reason = "the message is no S3 event notification: it is a JSON object without Records; it has no"
    found = [(r.outcome, r.reason) for r in deployed_example.stage.receipts(push) if not r.key]
    assert found == [("failed", reason), ("given_up", reason)]
    sqs.purge_queue(QueueUrl=queue_url(deployed_example, dead_letter_queue_name_of(push.name)))


def test_an_upload_outside_every_dataset_goes_nowhere(deployed_example: DeployedEstate, push: PushDataset) -> None:
    hub, account = deployed_example.estate.platform.hub_bucket, deployed_example.estate.platform.account
    owner = deployed_example.stage.as_owner(account)
    owner.put_object(Bucket=hub, Key="court_hearings_private/x.txt", Body=b"not declared")
    made = upload(deployed_example, push, "after.txt", b"declared")
    wait_until(lambda: "delivered" in outcomes(deployed_example, push, made["VersionId"]))
    recipient = deployed_example.stage.as_recipient(push)
    keys = [each["Key"] for each in recipient.list_objects_v2(Bucket=bucket_of(push)).get("Contents", [])]
    assert not [key for key in keys if key.startswith("court_hearings_private")]
    owner.delete_object(Bucket=hub, Key="court_hearings_private/x.txt")
