"""What a sender asks after sending, on the deployed example, with a sender's own rights and no other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_exports.access.handover import route_of
from data_exports.estate.models import PushDataset
from data_exports.local.world import bucket_of
from tests.emulator.deployed import DeployedEstate
from tests.emulator.installed import Person, owner_of, user_of
from tests.emulator.movers import dead_letters, mover_settings, upload
from tests.emulator.steps import wait_until

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("operate")]

ANNIKA, PRIYA = "alpha_user_annika-lindqvist", "alpha_user_priya-raman"


@pytest.fixture
def annika(operated_example: DeployedEstate) -> Person:
    """A sender of court_hearings and court_outcomes."""
    return user_of(operated_example, ANNIKA)


def file_in(folder: Path) -> str:
    (folder / "asked after.csv").write_text("case,room\n", encoding="utf-8")
    return str(folder / "asked after.csv")


def test_every_question_of_a_sender_is_answered_with_their_own_rights_and_names_them(
    annika: Person, tmp_path: Path
) -> None:
    sent = annika.run("send", file_in(tmp_path), "court_hearings", "--prefix", "asked", "--wait")
    assert (sent.code, "warning" in sent.err) == (0, False), sent.err

    history = annika.run("history", "court_hearings", "--key", "asked/*")
    assert (history.code, history.err) == (0, "")
    assert history.lines[1].endswith(f"court_hearings/asked/asked after.csv  by {ANNIKA} (local)")

    failures = annika.run("failures", "court_hearings")
    assert (failures.code, failures.out, failures.err) == (0, "", "nothing was given up, and nothing fails\n")

    status = annika.run("status", "court_hearings", "--json")
    assert (status.code, status.err) == (0, "")
    facts = json.loads(status.out)
    assert (facts["not_checked"], facts["not_for_senders"]) == ([], ["what is deployed", QUEUE])
    (row,) = facts["datasets"]
    assert (row["queues"], row["waiting"]["files"]) == ({"waiting": None, "in_flight": None, "dead_letters": 0}, 0)
    assert row["deliveries"]["day_files"] >= 1


QUEUE = "how much is in the queue of court_hearings"


@pytest.fixture
def given_up(operated_example: DeployedEstate) -> Iterator[PushDataset]:
    """A dataset with a file that its recipient refused until it was given up; nothing of it is left afterwards."""
    push = operated_example.stage.push("health_referrals")
    recipient = operated_example.stage.as_recipient(push)
    recipient.delete_bucket_policy(Bucket=bucket_of(push))
    try:
        with mover_settings(operated_example, push, receives=1):
            upload(operated_example, push, "asked/given-up.csv", b"1")
            wait_until(lambda: bool(dead_letters(operated_example, push)))
        yield push
    finally:
        policy = json.dumps(route_of(operated_example.estate, push).policy)
        recipient.put_bucket_policy(Bucket=bucket_of(push), Policy=policy)
        done = owner_of(operated_example).run("redrive", str(push.name))
        assert done.code == 0, done.err
        key = f"{push.prefix}asked/given-up.csv"
        wait_until(lambda: operated_example.stage.object_at_recipient(push, key) is not None)


@pytest.mark.usefixtures("given_up")
def test_what_was_given_up_is_told_from_receipts_and_to_operators_is_left_what_is_theirs(
    operated_example: DeployedEstate,
) -> None:
    priya = user_of(operated_example, PRIYA)
    done = priya.run("failures", "health_referrals")
    assert (done.code, done.err) == (1, "")
    assert done.lines[0] == "health_referrals: 1 dead letter"
    # What other tests gave up on this dataset has receipts as well, and may stand before it.
    (at,) = (
        number for number, line in enumerate(done.lines) if line.startswith("  health_referrals/asked/given-up.csv")
    )
    assert done.lines[at].startswith("  health_referrals/asked/given-up.csv  1 B, uploaded 20")
    assert f" by {PRIYA}" in done.lines[at]
    assert done.lines[at + 2].startswith(
        "  to do: the recipient adds these statements to the policy of hj-research-incoming"
    )
    denied = f"{PRIYA} may not do sqs:ReceiveMessage on queue export_health_referrals-DLQ"
    assert done.lines[-3:-1] == [
        "  then:  the platform's operators do: exports redrive health_referrals",
        f"  ? dead letters were counted, and not looked at: {denied}",
    ]
    assert re.fullmatch(r"    the receipts of the last 14 days tell of \d+ uploads? given up", done.lines[-1])
    status = priya.run("status", "health_referrals")
    assert status.code == 0
    assert "! health_referrals: 1 dead letter: exports failures health_referrals" in status.lines


def test_of_all_datasets_a_sender_is_told_of_the_own_ones_and_which_were_not_looked_at(annika: Person) -> None:
    history = annika.run("history", "--json")
    assert history.code == 4
    assert {json.loads(line)["dataset"] for line in history.lines} <= {"court_hearings", "court_outcomes"}
    refused = [line for line in annika.run("history").err.splitlines() if line.startswith("  alpha_user")]
    denied = f"  {ANNIKA} may not do s3:ListBucket and s3:GetObject on mojap-hub-exports-log/deliveries/dataset="
    assert refused == [f"{denied}{name}/" for name in ("health_referrals", "prison_population", "probation_caseload")]

    failures = annika.run("failures")
    assert (failures.code, failures.out) == (4, "")
    assert "3 datasets could not be read" in failures.err


def test_who_did_tells_a_sender_of_the_own_datasets_and_which_could_not_be_read(annika: Person) -> None:
    done = annika.run("who", "did", "--json")
    assert done.code == 4
    assert {each["dataset"] for each in json.loads(done.out)["uses"]} == {"court_hearings", "court_outcomes"}
    refused = json.loads(done.err.splitlines()[-1])["error"]["message"].splitlines()
    assert refused[0] == "7 datasets could not be read:"
    assert all(line.startswith(f"  {ANNIKA} may not do s3:ListBucket") for line in refused[1:])
    assert len(refused) == 8


@pytest.mark.parametrize("command", ["history", "failures", "who did"])
def test_a_dataset_of_others_is_refused_with_stdout_empty(annika: Person, command: str) -> None:
    done = annika.run(*command.split(), "court_hearings", "prison_population")
    assert (done.code, done.out) == (3, "")
    assert f"{ANNIKA} may not do" in done.err
    assert "prison_population" in done.err
