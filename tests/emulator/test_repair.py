"""Everything that `drift` can name is broken by hand and put back; what is left is not ours, and says who does it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data_exports.deploy.drift.difference import ByHand, DifferenceKind
from data_exports.deploy.drift.finding import DriftReport, read_drift
from data_exports.deploy.repair.planning import RepairPlan, plan_repair
from data_exports.deploy.repair.repairing import RepairResult, repair
from data_exports.deploy.sftp_server import read_sftp_server_id
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate
from data_exports.local.clients import environment_of
from data_exports.local.emulator import LocalAws
from data_exports.names import RoleName, identity_provider_arn_of
from tests.emulator.breaking import (
    HIDES_OTHERS,
    LEFT_BY_DEPLOYMENTS,
    NEEDS_A_FOLDER,
    break_everything,
    delete_the_keeper,
    deployed_ground,
)
from tests.emulator.deploying import Ground, ground_of, write_estate
from tests.emulator.steps import refusal_of
from tests.envelopes import check_printed
from tests.estates import LOADER, WORKFLOW_READER
from tests.patience import PATIENCE_SECONDS
from tests.terminal import run_on_terminal

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("repair")]

EXPORTS = str(Path(sys.executable).parent / "exports")
ANA = RoleName("alpha_user_ana")


@dataclass(frozen=True)
class Repaired:
    """An estate in which everything was broken, the plan that was made, and what became of it."""

    ground: Ground
    estate: Estate
    broken: DriftReport
    plan: RepairPlan
    result: RepairResult


@pytest.fixture(scope="module")
def repaired(local_aws: LocalAws) -> Repaired:
    ground, estate = deployed_ground(local_aws)
    break_everything(ground)
    broken = read_drift(estate, ground.aws, counted=lambda *_: None)
    plan = plan_repair(broken)
    result = repair(*(estate, ground.aws, plan), may_return_access=True, counted=lambda *_: None, told=lambda *_: None)
    return Repaired(ground, estate, broken, plan, result)


def test_each_kind_that_drift_knows_was_broken(repaired: Repaired) -> None:
    assert {each.kind for each in repaired.broken.drifts} == (
        set(DifferenceKind) - LEFT_BY_DEPLOYMENTS - HIDES_OTHERS - NEEDS_A_FOLDER
    )


def test_every_kind_of_difference_has_a_repair_or_says_who_makes_it(repaired: Repaired) -> None:
    assert [each for each in repaired.broken.drifts if each.repair is None] == []
    planned = {(step.where, what) for step in repaired.plan.steps for what in step.whats}
    named = {(each.where, each.what) for each in repaired.plan.not_ours}
    assert planned | named == {(each.where, each.what) for each in repaired.broken.drifts}
    assert planned & named == set()


def test_all_that_is_ours_is_put_back_and_the_rest_is_as_it_was(repaired: Repaired) -> None:
    assert repaired.result.failed == ()
    by_hand = {(each.where, each.what) for each in repaired.plan.not_ours}
    assert {(each.where, each.what) for each in repaired.result.left.drifts} == by_hand
    assert all(isinstance(each.repair, ByHand) for each in repaired.result.left.drifts)
    server = read_sftp_server_id(repaired.ground.aws)
    assert [(each.where, each.next_step.split(";")[0]) for each in plan_repair(repaired.result.left).not_ours] == [
        ("exports-push-moves", "make the role again, or take the user out of the declaration"),
        ("exports-push-sent", "exports deploy"),
        ("exports-sftp", f"if it is not meant: aws transfer delete-user --server-id {server} --user-name 'stranger'"),
        (
            "users' roles",
            "if it is not meant: aws iam delete-role-policy --role-name 'alpha_user_ana' --policy-name 'hub-exports'",
        ),
    ]


def test_an_audience_that_somebody_added_to_a_provider_stays(repaired: Repaired) -> None:
    arn = identity_provider_arn_of(repaired.ground.platform.account, WORKFLOW_READER.host)
    iam = repaired.ground.client("iam")
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]
    assert sorted(found) == ["another", "sts.amazonaws.com"]


def test_a_second_repair_finds_nothing_to_do(repaired: Repaired) -> None:
    assert plan_repair(read_drift(repaired.estate, repaired.ground.aws, counted=lambda *_: None)).steps == ()


def test_a_keeper_that_is_gone_with_all_that_is_its_own_is_made_again(repaired: Repaired) -> None:
    ground, estate = repaired.ground, repaired.estate
    before = read_drift(estate, ground.aws, counted=lambda *_: None)
    delete_the_keeper(ground)
    broken = read_drift(estate, ground.aws, counted=lambda *_: None)
    new = [(each.kind, each.what) for each in broken.drifts if each not in before.drifts]
    subscription = next(each for each in new if "AWS::SNS::Subscription" in each[1])
    card, told = "its card, from which senders without a clone know it, is gone", "what the keeper is told is gone: "
    assert sorted(new, key=str) == sorted(
        [
            (DifferenceKind.FUNCTION_GONE, "the function exports-keeper is gone"),
            (DifferenceKind.OWN_ROLE_GONE, "the role exports-keeper is gone"),
            (DifferenceKind.SCHEDULE_GONE, "the schedule exports-keeper is gone"),
            (DifferenceKind.ALARM_GONE, "the alarm exports-foundation-KeeperAlarm is gone"),
            (DifferenceKind.ALARM_GONE, "the alarm exports-foundation-KeeperSilentAlarm is gone"),
            (DifferenceKind.TOPIC_GONE, "the topic exports-alerts is gone"),
            subscription,
            (DifferenceKind.KEEPER_SETTINGS, f"{told}nobody hears of ends and of missed deliveries"),
            (DifferenceKind.CARD, card),
        ],
        key=str,
    )
    plan = plan_repair(broken)
    result = repair(*(estate, ground.aws, plan), may_return_access=False, counted=lambda *_: None, told=lambda *_: None)
    assert (result.failed, result.left.drifts) == ((), before.drifts)
    answer = ground.client("lambda").invoke(FunctionName="exports-keeper", Payload=b"{}")
    assert json.loads(answer["Payload"].read()) == {"told": []}


def test_what_gives_access_back_is_marked_and_nothing_else(repaired: Repaired) -> None:
    marked = {f"{step.where}: {what}" for step in repaired.plan.returning for what in step.whats}
    lists, notes, old = (
        f"the bucket {repaired.ground.platform.pull_bucket_prefix}{name}" for name in ("lists", "notes", "old")
    )
    (given,) = (each for each in marked if LOADER in each)
    (taken,) = (each for each in marked if "210987654321" in each)  # by the call that gives the other back
    assert (given.split(" s3:")[0], taken.split(" s3:")[0]) == (
        f"exports-pull-lists: {lists}: its policy no longer allows",
        f"exports-pull-lists: {lists}: its policy also allows",
    )
    of_readers = {each for each in marked if each.startswith(("exports-pull-fed", "exports-identity"))}
    assert {each.rpartition(" ")[2] if " is " not in each else "gone" for each in of_readers} >= {"gone", "longer"}
    assert not any("its policy fetch also allows" in each for each in of_readers)
    by_sftp = {each for each in marked if "the SFTP server" in each}
    assert {" ".join(each.split()[:7]) for each in by_sftp} == {
        "exports-pull-owned: the user calder of the SFTP",
        "exports-pull-owned: the user meridian of the SFTP",
        f"exports-sftp: the SFTP server {read_sftp_server_id(repaired.ground.aws)} is OFFLINE:",
    }
    marked = {each for each in marked if not each.startswith("exports-pull-owned: ")}  # by the step of a user's return
    assert marked - {given, taken, *by_sftp} - of_readers == {
        f"exports-pull-notes: {notes}: its policy is gone",
        "exports-pull-notes: its tag owner is me, deployed as Data Engineering",  # by the template's own step
        "exports-pull-notes: its template was changed by somebody else",
        f"exports-pull-old: {old} is gone",
        "exports-push-orders: the role alpha_user_Ben-Two: its policy hub-exports-push-orders is gone",
    }


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("f"))


def deployed(ground: Ground, folder: Path) -> Path:
    """An estate on disk, deployed."""
    write_estate(folder, ground, names=["orders"], users=[ANA])
    ground.make_roles([ANA])
    ground.deploy(load_estate(folder).require())
    return folder


def test_the_command_puts_back_a_role_made_again_suspended_versioning_and_a_mover_switched_off(
    ground: Ground, tmp_path: Path
) -> None:
    folder, iam, s3 = deployed(ground, tmp_path / "estate"), ground.client("iam"), ground.client("s3")
    hub, functions = str(ground.platform.hub_bucket), ground.client("lambda")
    iam.delete_role_policy(RoleName=ANA, PolicyName="hub-exports-push-orders")
    s3.put_bucket_versioning(Bucket=hub, VersioningConfiguration={"Status": "Suspended"})
    (mapping,) = functions.list_event_source_mappings(FunctionName="export_orders-move")["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    (row,) = (told := status(ground, folder))["datasets"]
    assert (row["concerns"], told["amiss"]) == (
        [
            "what feeds its mover is switched off: exports repair",
            f"{ANA} has lost its access: its policy hub-exports-push-orders is gone: exports repair",
        ],
        ["the hub's versioning is Suspended: what is delivered does not leave the hub"],
    )
    refused = run(ground, folder, "--yes")
    assert (refused.returncode, "exports repair --allow access" in refused.stderr) == (1, True), refused.stderr
    assert s3.get_bucket_versioning(Bucket=hub)["Status"] == "Suspended"
    done = run(ground, folder, "--yes", "--allow", "access")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["3 differences put back", "Now as deployed"]
    assert refusal_of(lambda: iam.get_role_policy(RoleName=ANA, PolicyName="hub-exports-push-orders")) == ""
    assert s3.get_bucket_versioning(Bucket=hub)["Status"] == "Enabled"
    (mapping,) = functions.list_event_source_mappings(FunctionName="export_orders-move")["EventSourceMappings"]
    assert mapping["State"] == "Enabled"
    (row,) = (told := status(ground, folder))["datasets"]
    assert (row["concerns"], told["amiss"]) == ([], [])
    again = run(ground, folder, "--yes")
    assert (again.returncode, again.stdout) == (0, "Nothing differs from what was deployed: 4 stacks\n")


def test_access_that_is_taken_away_meanwhile_is_not_given_back_without_consent(ground: Ground, tmp_path: Path) -> None:
    estate = load_estate(deployed(ground, tmp_path / "estate")).require()
    iam, hub = ground.client("iam"), str(ground.platform.hub_bucket)
    ground.client("s3").put_bucket_versioning(Bucket=hub, VersioningConfiguration={"Status": "Suspended"})
    policy = {"RoleName": ANA, "PolicyName": "hub-exports-push-orders"}
    plan = plan_repair(read_drift(estate, ground.aws, counted=lambda *_: None))
    assert plan.returning == ()
    result = repair(
        *(estate, ground.aws, plan),
        may_return_access=False,
        counted=lambda *_: None,
        told=lambda *_: iam.delete_role_policy(**policy),
    )
    assert refusal_of(lambda: iam.get_role_policy(**policy)) == "NoSuchEntity"
    assert [each.what for each in result.left.drifts] == [f"the role {ANA}: its policy {policy['PolicyName']} is gone"]


def test_as_json_it_tells_each_call_and_what_aws_refused(ground: Ground, tmp_path: Path) -> None:
    folder = deployed(ground, tmp_path / "estate")
    hub = str(ground.platform.hub_bucket)
    ground.client("s3").put_bucket_versioning(Bucket=hub, VersioningConfiguration={"Status": "Suspended"})
    done = run(ground, folder, "--yes", "--json", **ground.keys_without("s3:PutBucketVersioning"))
    assert done.returncode == 4, done.stderr
    facts = json.loads(done.stdout)
    difference = f"the bucket {hub}: versioning is Suspended, deployed as Enabled"
    (failed,) = facts["failed"]
    assert failed["call"] == {
        "service": "s3",
        "operation": "put_bucket_versioning",
        "arguments": {"Bucket": hub, "VersioningConfiguration": {"Status": "Enabled"}},
    }
    assert (failed["differences"], failed["reason"][:15]) == ([difference], "access denied: ")
    assert facts["left"] == [{"stack": "exports-hub", "difference": difference, "next_step": "exports repair"}]
    assert facts["repaired"] == []


def test_on_a_terminal_it_asks_and_a_no_changes_nothing(ground: Ground, tmp_path: Path) -> None:
    folder = deployed(ground, tmp_path / "estate")
    hub, s3 = str(ground.platform.hub_bucket), ground.client("s3")
    s3.put_bucket_versioning(Bucket=hub, VersioningConfiguration={"Status": "Suspended"})
    no_terminal = run(ground, folder)
    assert (no_terminal.returncode, no_terminal.stdout) == (2, "")
    assert "add --yes" in no_terminal.stderr
    asked = run_on_terminal(
        [EXPORTS, "repair", "--estate", str(folder)],
        env=environment(ground) | {"NO_COLOR": "1", "TERM": "xterm"},
        dialogue=[(" Repair? Type yes:\r\n", "no")],
    )
    assert (asked.code, asked.shown.splitlines()[-1]) == (1, "error: nothing was repaired")
    assert f"  exports-hub: the bucket {hub}: versioning is Suspended, deployed as Enabled" in asked.shown.splitlines()
    assert s3.get_bucket_versioning(Bucket=hub)["Status"] == "Suspended"


def environment(ground: Ground, **keys: str) -> dict[str, str]:
    keys = keys or {"AWS_ACCESS_KEY_ID": str(ground.platform.account)}
    return {**os.environ, **environment_of(ground.local), **keys}


def status(ground: Ground, folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run(ground, folder, "--json", command="status").stdout)
    return told


def run(
    ground: Ground, folder: Path, *words: str, command: str = "repair", **keys: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [EXPORTS, command, *words, "--estate", str(folder)],
        env=environment(ground, **keys),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    check_printed((command, *words), done.stdout, done.stderr, done.returncode)
    return done
