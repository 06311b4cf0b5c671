"""A file that could not be delivered is told, mended as told, redriven, or withdrawn: by the installed commands."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data_exports.access.handover import route_of
from data_exports.estate.models import PushDataset
from data_exports.local.clients import client
from data_exports.local.world import bucket_of
from data_exports.names import RoleArn, queue_name_of
from tests.emulator.deployed import DeployedEstate
from tests.emulator.installed import EXAMPLE, Person, owner_of, user_of
from tests.emulator.movers import dead_letters, mover_at_rest, mover_settings, outcomes, queue_url, upload
from tests.emulator.steps import wait_until

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("operate")]

PRIYA = "alpha_user_priya-raman"
GUIDE = Path(__file__).parents[2] / "docs" / "operate.md"


@pytest.fixture
def push(operated_example: DeployedEstate) -> PushDataset:
    return operated_example.stage.push("health_referrals")


@pytest.fixture
def owner(operated_example: DeployedEstate) -> Person:
    return owner_of(operated_example)


@pytest.fixture
def refused(operated_example: DeployedEstate, push: PushDataset) -> Iterator[str]:
    """The key of a file that its recipient refused until it was given up; granted again afterwards."""
    recipient = operated_example.stage.as_recipient(push)
    recipient.delete_bucket_policy(Bucket=bucket_of(push))
    with mover_settings(operated_example, push, receives=1):
        upload(operated_example, push, "refused.csv", b"referral,clinic\n1,North\n")
        wait_until(lambda: bool(dead_letters(operated_example, push)))
    yield "health_referrals/refused.csv"
    grant(operated_example, push)


def grant(deployed: DeployedEstate, push: PushDataset) -> None:
    policy = json.dumps(route_of(deployed.estate, push).policy)
    deployed.stage.as_recipient(push).put_bucket_policy(Bucket=bucket_of(push), Policy=policy)


def arrived(deployed: DeployedEstate, push: PushDataset, key: str) -> bool:
    return deployed.stage.object_at_recipient(push, key) is not None


def test_a_refusal_is_told_with_the_statement_that_cures_it_and_redriven(
    operated_example: DeployedEstate, push: PushDataset, owner: Person, refused: str
) -> None:
    told = owner.run("failures", "health_referrals")
    assert told.code == 1, told.err
    assert told.lines[0] == "health_referrals: 1 dead letter"
    assert told.lines[1].startswith("  health_referrals/refused.csv  24 B, uploaded 20")
    assert f" by {PRIYA}" in told.lines[1]
    assert "AccessDenied" in told.lines[2]
    assert told.lines[3].startswith(
        "  to do: the recipient adds these statements to the policy of hj-research-incoming"
    )
    assert told.lines[-1] == "  then:  exports redrive health_referrals"
    assert owner.run("failures").out == told.out  # looking again finds it again: nothing was consumed

    (facts,) = json.loads(owner.run("failures", "--json").out)["datasets"]
    (letter,), (advice,) = facts["failures"], facts["advice"]
    assert (letter["key"], letter["cause"], letter["uploaded_by_role"], letter["settled"]) == (
        refused,
        "recipient_denied",
        PRIYA,
        None,
    )
    shown = owner.run("status", "health_referrals")
    assert shown.code == 0, shown.err
    assert "! health_referrals: 1 dead letter: exports failures health_referrals" in shown.lines

    policy = {"Version": "2012-10-17", "Statement": advice["bucket_policy_statements"]}
    recipient = operated_example.stage.as_recipient(push)
    recipient.put_bucket_policy(Bucket=bucket_of(push), Policy=json.dumps(policy))
    done = owner.run("redrive", "health_referrals")
    assert (done.code, done.lines) == (
        0,
        ["1 dead letter moved back; see: exports history health_referrals --since 1h"],
    )
    assert "moving about 1 dead letter of health_referrals back; the mover tries each again" in done.err
    wait_until(lambda: arrived(operated_example, push, refused))
    again = owner.run("redrive", "health_referrals", "--json")
    assert (again.code, json.loads(again.out)) == (
        0,
        {
            "schema": "data-exports/redrive/1",
            "dataset": "health_referrals",
            "dead_letters": 0,
            "moved": 0,
            "failing": 0,
            "handed_over": 0,
            "uploads": [],
        },
    )
    assert owner.run("failures").code == 0


def test_an_upload_under_its_senders_own_key_is_the_senders_to_send_again(
    operated_example: DeployedEstate, push: PushDataset, owner: Person
) -> None:
    kms = client(operated_example.local, "kms", account=operated_example.estate.platform.account)
    key, stage = str(kms.create_key()["KeyMetadata"]["Arn"]), operated_example.stage
    with mover_settings(operated_example, push, receives=1):
        stage.as_user(push.users[0]).put_object(
            Bucket=operated_example.estate.platform.hub_bucket,
            Key=f"{push.prefix}own-key.csv",
            Body=b"secret",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=key,
        )
        wait_until(lambda: bool(dead_letters(operated_example, push)))
    (facts,) = json.loads(owner.run("failures", "health_referrals", "--json").out)["datasets"]
    (failure,), (advice,) = facts["failures"], facts["advice"]
    assert (failure["cause"], advice["side"], advice["bucket_policy_statements"]) == (
        "upload_key",
        "sender's upload",
        [],
    )
    assert f"not authorized to perform: kms:Decrypt on resource: {key}" in failure["reason"]
    assert advice["next_step"].startswith("the sender sends the file again without naming a KMS key")
    upload(operated_example, push, "own-key.csv", b"for all")
    wait_until(lambda: arrived(operated_example, push, "health_referrals/own-key.csv"))
    assert owner.run("redrive", "health_referrals").code == 0
    wait_until(lambda: owner.run("failures", "health_referrals").code == 0)


def test_a_message_that_is_no_upload_is_told_as_that(
    operated_example: DeployedEstate, push: PushDataset, owner: Person
) -> None:
    sqs = client(operated_example.local, "sqs", account=operated_example.estate.platform.account)
    with mover_settings(operated_example, push):
        sqs.send_message(QueueUrl=queue_url(operated_example, queue_name_of(push.name)), MessageBody='{"no": "event"}')
        wait_until(lambda: bool(dead_letters(operated_example, push)))
    told = owner.run("failures", "health_referrals")
    assert told.code == 1
    assert told.lines[1].startswith("  message ")
    assert "it is a JSON object without Records; it has no" in told.lines[2]
    assert "to do: no file waits" in told.out
    message_id = told.lines[1].split()[1].rstrip(",")
    removed = owner.run("cancel", "health_referrals", "--message", message_id, "--yes", "--json")
    assert removed.code == 0, removed.err
    facts = json.loads(removed.out)
    assert (facts["dataset"], facts["message_id"], facts["body"]) == ("health_referrals", message_id, '{"no": "event"}')
    assert "tells of no upload of health_referrals:\n  {" in removed.err
    assert dead_letters(operated_example, push) == []
    again = owner.run("cancel", "health_referrals", "--message", message_id, "--yes")
    assert again.code == 1
    assert f"health_referrals has no dead letter {message_id}" in again.err


def test_of_very_many_dead_letters_so_many_are_looked_at_and_all_are_put_back(
    operated_example: DeployedEstate, push: PushDataset, owner: Person
) -> None:
    sqs = client(operated_example.local, "sqs", account=operated_example.estate.platform.account)
    url = queue_url(operated_example, "export_health_referrals-DLQ")
    entry = {"bucket": {"name": "hub"}, "object": {"key": "health_referrals/many.csv", "versionId": "v", "size": 1}}
    body = json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": entry}]})
    for _ in range(120):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": body} for n in range(10)])
    told = owner.run("failures", "health_referrals", "--limit", "50")
    assert told.code == 1
    assert told.lines[0] == "health_referrals: 1,200 dead letters, of which 50 were looked at"
    assert "  and 30 more for the same reason (--json lists them)" in told.lines
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert counts == {names[0]: "1200", names[1]: "0"}
    sqs.purge_queue(QueueUrl=url)


def test_an_undelivered_upload_is_withdrawn_with_older_ones_and_ends_as_cancelled(
    operated_example: DeployedEstate, push: PushDataset, owner: Person
) -> None:
    stage, key = operated_example.stage, "health_referrals/mistake.csv"
    upload(operated_example, push, "mistake.csv", b"first")
    wait_until(lambda: arrived(operated_example, push, key) and stage.keys_in_hub(push) == [])
    refused = owner.run("cancel", "health_referrals", "mistake.csv", "--yes")
    assert (refused.code, refused.out) == (1, "")
    assert f"{key} was delivered at 20" in refused.err
    assert "next: ask the recipient to remove it" in refused.err

    with mover_at_rest(operated_example, push):
        made = upload(operated_example, push, "mistake.csv", b"second")
        unasked = owner.run("cancel", "health_referrals", key)
        assert (unasked.code, unasked.out) == (2, "")
        assert stage.keys_in_hub(push) == [key]
        done = owner.run("cancel", "health_referrals", key, "--yes")
        assert (done.code, done.lines) == (0, [f"withdrawn: {key} is gone from the hub, and will not be delivered"])
        assert f"version {made['VersionId']}: not delivered" in done.err
        assert "1 older upload of it goes as well; 1 of them arrived" in done.err
    wait_until(lambda: any(r.version_id == made["VersionId"] for r in stage.receipts(push)))
    assert list(outcomes(operated_example, push, made["VersionId"])) == ["cancelled"]
    found = stage.object_at_recipient(push, key)
    assert found is not None
    assert found["Body"].read() == b"first"
    gone = owner.run("cancel", "health_referrals", key, "--yes")
    assert (gone.code, gone.out) == (1, "")
    assert f"no upload of {key} is in the hub" in gone.err


def test_another_key_that_begins_alike_is_left_alone(
    operated_example: DeployedEstate, push: PushDataset, owner: Person
) -> None:
    stage = operated_example.stage
    with mover_at_rest(operated_example, push):
        for name in ("alike", "alike.csv", "alike/more.csv"):
            upload(operated_example, push, name, b"x")
        assert owner.run("cancel", "health_referrals", "alike", "--yes", "--json").code == 0
        assert stage.keys_in_hub(push) == ["health_referrals/alike.csv", "health_referrals/alike/more.csv"]
    wait_until(lambda: stage.keys_in_hub(push) == [])


@pytest.mark.parametrize(
    ("words", "action"),
    [
        (("failures", "court_hearings"), "sqs:GetQueueAttributes on queue export_court_hearings-DLQ"),
        (("redrive", "court_hearings"), "sqs:GetQueueAttributes on queue export_court_hearings-DLQ"),
        (("cancel", "health_referrals", "x", "--yes"), "s3:ListBucketVersions on mojap-hub-exports/health_referrals/"),
    ],
)
def test_a_sender_is_told_which_right_is_missing_for_whom(
    operated_example: DeployedEstate, words: tuple[str, ...], action: str
) -> None:
    done = user_of(operated_example, PRIYA).run(*words)
    assert (done.code, done.out) == (3, "")
    assert f"{PRIYA} may not do {action}" in done.err


def test_the_whole_estate_is_one_screen(operated_example: DeployedEstate, owner: Person) -> None:
    done = owner.run("status")
    assert done.code == 0, done.err
    assert done.lines[0] == (
        '"Analytical Platform" (593291632749), eu-west-1: 5 push and 4 pull datasets, foundation as declared, '
        "access-logs as declared, identity-providers as declared, sftp as declared, hub as declared"
    )
    assert done.lines[2].split()[:3] == ["dataset", "kind", "state"]
    rows = {line.split()[0]: line for line in done.lines[3:12]}
    assert len(rows) == 9
    assert all(" as declared " in row for row in rows.values())
    facts = json.loads(owner.run("status", "--json").out)
    assert [each["dataset"] for each in facts["datasets"]] == [each.name for each in operated_example.estate.datasets()]
    assert facts["not_checked"] == []


def test_a_sender_sees_what_a_sender_may_see(operated_example: DeployedEstate) -> None:
    done = user_of(operated_example, PRIYA).run("status", "health_referrals", "--json")
    assert done.code == 0, done.err
    facts: dict[str, Any] = json.loads(done.out)
    (row,) = facts["datasets"]
    figures = {"waiting": None, "in_flight": None, "dead_letters": 0}
    assert (row["state"], row["queues"]) == ("as declared", figures)  # by the dataset's card, which senders may read
    assert row["waiting"]["files"] == 0
    assert row["deliveries"]["day_files"] >= 0
    assert facts["not_checked"] == []
    assert facts["not_for_senders"] == ["what is deployed", "how much is in the queue of health_referrals"]


def test_operators_need_no_more_rights_than_the_guide_lists(
    operated_example: DeployedEstate, push: PushDataset, refused: str
) -> None:
    account = operated_example.estate.platform.account
    policy = re.findall(r"^```json\n(.*?)^```", GUIDE.read_text(), flags=re.MULTILINE | re.DOTALL)[-1]
    iam = client(operated_example.local, "iam", account=account)
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = RoleArn(iam.create_role(RoleName="operator", AssumeRolePolicyDocument=document)["Role"]["Arn"])
    iam.put_role_policy(RoleName="operator", PolicyName="operate", PolicyDocument=policy)
    operator = Person(operated_example, role)

    status = operator.run("status")
    assert (status.code, "health_referrals: 1 dead letter" in status.out) == (0, True), status.err
    assert f"by {PRIYA}" in operator.run("history", "health_referrals", "--outcome", "given_up").out
    assert operator.run("failures", "health_referrals").code == 1
    cancelled = operator.run("cancel", "health_referrals", refused, "--yes")
    assert cancelled.code == 0, cancelled.err
    redriven = operator.run("redrive", "health_referrals")
    assert (redriven.code, redriven.lines[0].split(";")[0]) == (0, "1 dead letter moved back"), redriven.err
    wait_until(lambda: "cancelled" in {r.outcome for r in operated_example.stage.receipts(push) if r.key == refused})
    waiting = upload(operated_example, push, "waits.csv", b"x")["VersionId"]
    wait_until(lambda: "failed" in outcomes(operated_example, push, waiting))
    grant(operated_example, push)
    at_once = operator.run("redrive", "health_referrals", "--now", "--wait")
    assert (at_once.code, at_once.lines[0].split(" handed")[0]) == (0, "1 file that failed and waited"), at_once.err


@pytest.fixture
def changed_estate(operated_example: DeployedEstate, tmp_path: Path) -> Person:
    """The owner with declarations that went on: a dataset was added, one changed, one removed."""
    folder = tmp_path / "estate"
    shutil.copytree(EXAMPLE, folder)
    pushes = folder / "push_datasets"
    hearings = (pushes / "court_hearings.yaml").read_text()
    (pushes / "court_hearings.yaml").write_text(hearings.replace("owner: Courts", "owner: High Courts"))
    (pushes / "brand_new.yaml").write_text(hearings.replace("name: court_hearings", "name: brand_new"))
    (pushes / "court_outcomes.yaml").unlink()
    return Person(operated_example, folder=folder)


def test_what_differs_from_what_is_deployed_is_said(changed_estate: Person) -> None:
    done = changed_estate.run("status")
    assert done.code == 0, done.err
    assert done.lines[0].endswith(
        "5 push and 4 pull datasets, foundation as declared, access-logs as declared, identity-providers as declared, "
        "sftp as declared, hub different"
    )
    assert [line for line in done.lines if line.startswith("!")] == [
        "! brand_new: not deployed",
        "! court_hearings: different",
        "! court_outcomes: not declared: the stack exports-push-court-outcomes is still there",
    ]


@pytest.mark.parametrize(
    "words",
    [("failures", "brand_new"), ("redrive", "brand_new"), ("send", str(GUIDE), "brand_new")],
    ids=lambda words: words[0],
)
def test_what_is_not_deployed_is_said_to_be_so(changed_estate: Person, words: tuple[str, ...]) -> None:
    done = changed_estate.run(*words)
    assert (done.code, done.out) == (1, "")
    assert "error: there is no queue export_brand_new" in done.err
    assert "next: have the dataset deployed; if that is done: check the account and the region" in done.err
