"""What fails and waits is told with its next try, and tried at once when asked for: by the installed commands."""

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from data_exports.access.handover import route_of
from data_exports.contract.receipts import Receipt
from data_exports.estate.models import PushDataset
from data_exports.local.clients import client
from data_exports.local.world import bucket_of
from data_exports.names import queue_name_of
from data_exports.operate.receipts import iterate_receipts
from tests.emulator.deployed import DeployedEstate
from tests.emulator.installed import EXPORTS, Person, interrupt, owner_of
from tests.emulator.movers import mover_settings, outcomes, queue_url, upload
from tests.emulator.steps import wait_until
from tests.terminal import CTRL_C, run_on_terminal

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("operate")]

NAME = "health_referrals"
BY = r"next try by (\d{4}-\d\d-\d\d )?\d\d:\d\d UTC"


@pytest.fixture
def push(operated_example: DeployedEstate) -> PushDataset:
    return operated_example.stage.push(NAME)


@pytest.fixture
def owner(operated_example: DeployedEstate) -> Person:
    return owner_of(operated_example)


@pytest.fixture
def waiting(operated_example: DeployedEstate, push: PushDataset) -> Iterator[str]:
    """The version of a file that its recipient refused once, and that waits for minutes; granted again afterwards."""
    refuse(operated_example, push)
    version = upload(operated_example, push, "waiting.csv", b"referral,clinic\n1,North\n")["VersionId"]
    wait_until(lambda: "failed" in outcomes(operated_example, push, version))
    yield version
    grant(operated_example, push)


def refuse(deployed: DeployedEstate, push: PushDataset) -> None:
    deployed.stage.as_recipient(push).delete_bucket_policy(Bucket=bucket_of(push))


def grant(deployed: DeployedEstate, push: PushDataset) -> None:
    policy = json.dumps(route_of(deployed.estate, push).policy)
    deployed.stage.as_recipient(push).put_bucket_policy(Bucket=bucket_of(push), Policy=policy)


def receipts_as_written(deployed: DeployedEstate, push: PushDataset) -> list[Receipt]:
    platform = deployed.estate.platform
    found = iterate_receipts(deployed.stage.as_owner(platform.account), platform.log_bucket, push.name)
    return [each for each in found if isinstance(each, Receipt)]


def purge(deployed: DeployedEstate, push: PushDataset) -> None:
    """Leave no message of this test to the next one."""
    sqs = client(deployed.local, "sqs", account=deployed.estate.platform.account)
    sqs.purge_queue(QueueUrl=queue_url(deployed, queue_name_of(push.name)))


def test_what_waits_for_minutes_is_delivered_at_once_when_its_recipient_has_mended(
    operated_example: DeployedEstate, push: PushDataset, owner: Person, waiting: str
) -> None:
    told = owner.run("failures", NAME)
    assert told.code == 1, told.err
    assert told.lines[0] == f"{NAME}: 1 file failing and being tried again"
    assert re.search(rf", last tried [0-9: -]+, {BY}$", told.lines[1])
    assert told.lines[-1] == f"  then:  exports redrive {NAME} --now"
    (facts,) = json.loads(owner.run("failures", NAME, "--json").out)["datasets"]
    assert facts["failures"][0]["next_try"].keys() == {"earliest", "latest"}

    shown = owner.run("status", NAME)
    assert shown.code == 0, shown.err
    marked = [line for line in shown.lines if line.startswith("!")]
    assert len(marked) == 1
    assert re.fullmatch(rf"! {NAME}: 1 file failing: recipient_denied, {BY}: exports failures {NAME}", marked[0])

    plain = owner.run("redrive", NAME)
    assert plain.code == 0, plain.err
    assert re.fullmatch(
        rf"{NAME} has no dead letters; 1 file failing: recipient_denied, {BY}: exports redrive {NAME} --now\n",
        plain.out,
    )
    assert operated_example.stage.object_at_recipient(push, f"{NAME}/waiting.csv") is None

    grant(operated_example, push)
    done = owner.run("redrive", NAME, "--now", "--wait")
    assert done.code == 0, done.err
    assert done.lines[0] == (
        f"1 file that failed and waited handed to the mover at once; see: exports history {NAME} --since 1h"
    )
    assert done.lines[2].split()[2:] == ["delivered", "24", "B", f"{NAME}/waiting.csv"]
    assert "waiting for 1 receipt" in done.err
    assert operated_example.stage.object_at_recipient(push, f"{NAME}/waiting.csv") is not None
    receipt = next(
        r for r in operated_example.stage.receipts(push) if (r.version_id, r.outcome) == (waiting, "delivered")
    )
    assert receipt.uploaded_by is not None  # who sent it is not forgotten on the way
    assert receipt.uploaded_by.startswith("AWS:")

    again = owner.run("redrive", NAME, "--now", "--json")
    assert (again.code, json.loads(again.out)) == (
        0,
        {
            "schema": "data-exports/redrive/1",
            "dataset": NAME,
            "dead_letters": 0,
            "moved": 0,
            "failing": 0,
            "handed_over": 0,
            "uploads": [],
        },
    )
    assert owner.run("redrive", NAME, "--now").lines == [
        f"{NAME} has no dead letters, and nothing fails: nothing to do"
    ]
    assert owner.run("failures", NAME).code == 0
    purge(operated_example, push)


def test_what_fails_again_is_told_with_exit_code_1_and_not_by_its_old_receipt(
    operated_example: DeployedEstate, push: PushDataset, owner: Person, waiting: str
) -> None:
    done = owner.run("redrive", NAME, "--now", "--wait", "--json")
    assert done.code == 1, done.err
    (retried,) = json.loads(done.out)["uploads"]
    assert (retried["version_id"], retried["receipt"]["outcome"]) == (waiting, "failed")
    tries = [r for r in receipts_as_written(operated_example, push) if r.version_id == waiting]
    assert len(tries) == 2
    assert retried["receipt"]["recorded_at"] == tries[1].recorded_at
    assert "1 file of 1 did not arrive: 1 failed" in done.err
    grant(operated_example, push)
    assert owner.run("redrive", NAME, "--now", "--wait").code == 0
    purge(operated_example, push)


def test_what_comes_is_seen_as_it_comes_and_ctrl_c_ends_it(
    operated_example: DeployedEstate, push: PushDataset, owner: Person, waiting: str
) -> None:
    follow = owner.start("history", NAME, "--follow", "--every", "1", "--since", "1h", "--key", "seen-*", "--json")
    watch = owner.start("status", NAME, "--watch", "--every", "1")
    assert follow.stdout
    assert watch.stdout
    until(watch, f"! {NAME}: 1 file failing")
    grant(operated_example, push)
    for name in ("seen-one", "seen-two"):
        upload(operated_example, push, name, b"x")
        facts = json.loads(follow.stdout.readline())
        assert (facts["schema"], facts["key"], facts["outcome"]) == (
            "data-exports/history/1",
            f"{NAME}/{name}",
            "delivered",
        )
    assert owner.run("redrive", NAME, "--now", "--wait").code == 0
    until(watch, re.compile(rf"{NAME} .*  0  .* s ago"))
    for running in (follow, watch):
        done = interrupt(running)
        assert done.code == 130
        assert "interrupted" in done.err.splitlines()[-1]
    purge(operated_example, push)


def until(running: "subprocess.Popen[str]", wanted: str | re.Pattern[str]) -> None:
    """Read lines until one begins so."""
    assert running.stdout
    for line in running.stdout:
        if line.startswith(wanted) if isinstance(wanted, str) else wanted.match(line):
            return
    raise AssertionError(wanted)


def test_a_watched_status_stays_in_its_place_on_a_terminal(operated_example: DeployedEstate, owner: Person) -> None:
    shown = run_on_terminal(
        [EXPORTS, "status", NAME, "--watch", "--every", "1", "--estate", str(owner.folder)],
        env=owner.environment(TERM="xterm", NO_COLOR="", COLUMNS="150", LINES="40"),
        dialogue=[("Ctrl-C ends it", ""), ("Ctrl-C ends it", CTRL_C)],
    )
    assert shown.code == 130
    assert shown.shown.count("again every 1 s; Ctrl-C ends it") >= 2
    assert "\x1b[2K" in shown.shown  # lines are written over, the screen is not cleared
    assert "\x1b[2J" not in shown.shown
    assert shown.shown.rstrip().endswith(" interrupted")


def test_dead_letters_go_back_with_what_waits(
    operated_example: DeployedEstate, push: PushDataset, owner: Person, waiting: str
) -> None:
    with mover_settings(operated_example, push, receives=1):
        version = upload(operated_example, push, "dead.csv", b"dead")["VersionId"]
        wait_until(lambda: "given_up" in outcomes(operated_example, push, version))
        wait_until(lambda: "1 dead letter;" in owner.run("failures", NAME).out)
        grant(operated_example, push)
        done = owner.run("redrive", NAME, "--now", "--wait")
    assert done.code == 0, done.err
    assert done.lines[0].startswith("1 dead letter moved back")
    assert done.lines[1].startswith("1 file that failed and waited")
    assert [line.split()[2] for line in done.lines[-2:]] == ["delivered", "delivered"]
    purge(operated_example, push)
