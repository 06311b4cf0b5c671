"""`exports who` where it asks AWS: what is deployed, whatever is declared by now, and who used what they hold."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from data_exports.estate.loader import load_estate
from data_exports.local.emulator import LocalAws
from data_exports.local.world import make_local_world
from data_exports.names import RoleName
from data_exports.operate.who.holdings import holdings_of
from data_exports.operate.who.live import read_holdings
from tests.emulator.deployed import DeployedEstate
from tests.emulator.deploying import Ground, ground_of, write_estate
from tests.emulator.installed import EXAMPLE, Person, user_of
from tests.emulator.steps import wait_until
from tests.estates import pull, push

pytestmark = pytest.mark.emulator


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("who"))


def test_what_is_deployed_is_read_back_without_the_declarations(ground: Ground) -> None:
    estate = ground.estate(push("orders", owner="Courts"), pull("lists"))
    ground.make_users_of(estate)
    assert ground.deploy(estate).is_complete
    assert read_holdings(ground.platform, ground.aws) == (holdings_of(estate), [])


def test_a_user_whose_role_is_missing_holds_nothing(ground: Ground) -> None:
    estate = ground.estate(push("orders", users=(RoleName("alpha_user_ana"), RoleName("alpha_user_gone"))))
    ground.make_roles(["alpha_user_ana"])
    ground.deploy(estate)
    found, unread = read_holdings(ground.platform, ground.aws)
    assert unread == []
    assert [holding.name for holding in found] == ["alpha_user_ana", "export_orders-move"]


def test_a_stack_that_does_not_tell_is_named_and_stops_no_other(ground: Ground) -> None:
    estate = ground.estate(push("orders"), pull("lists"))
    ground.make_users_of(estate)
    assert ground.deploy(estate).is_complete
    cloudformation = ground.client("cloudformation")
    tags = cloudformation.describe_stacks(StackName="exports-pull-lists")["Stacks"][0]["Tags"]
    template = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    cloudformation.update_stack(StackName="exports-pull-lists", TemplateBody=json.dumps(template), Tags=tags)
    wait_until(lambda: ground.statuses()["exports-pull-lists"] == "UPDATE_COMPLETE")
    found, unread = read_holdings(ground.platform, ground.aws)
    assert {holding.access.dataset for holding in found} == {"orders"}
    assert unread == ["  exports-pull-lists: its metadata is not there, or is no mapping"]


@pytest.mark.xdist_group("example")
def test_the_command_tells_what_is_deployed_though_the_declarations_have_changed(
    deployed_example: DeployedEstate, tmp_path: Path
) -> None:
    folder = shutil.copytree(EXAMPLE, tmp_path / "estate")
    (folder / "pull_datasets" / "bail_research.yaml").unlink()
    person = Person(deployed_example, folder=folder)
    declared = person.run("who", "can", "read", "s3://mojap-bail-research", "--json")
    live = person.run("who", "can", "read", "s3://mojap-bail-research", "--live", "--json")
    assert (declared.code, json.loads(declared.out)) == (0, {"schema": "data-exports/who/1", "accesses": []})
    assert live.code == 0, live.err
    assert [each["name"] for each in json.loads(live.out)["accesses"]] == ["alpha_user_priya-raman", "bail-research"]


def test_the_command_tells_who_used_what_and_marks_what_nobody_used(ground: Ground, tmp_path: Path) -> None:
    """In an account of its own: what others upload as part of their tests would count as use."""
    sender, idle = RoleName("alpha_user_ana"), RoleName("alpha_user_ben")
    folder = write_estate(tmp_path / "estate", ground, names=["used"], users=[sender, idle])
    estate = load_estate(folder).require()
    make_local_world(ground.local, estate)
    assert ground.deploy(estate).is_complete
    deployed = DeployedEstate(replace(ground.local, account=str(ground.platform.account)), estate)
    stage, dataset = deployed.stage, deployed.stage.push("used")
    key = f"{dataset.prefix}one.csv"
    stage.as_user(sender).put_object(Bucket=ground.platform.hub_bucket, Key=key, Body=b"x")
    wait_until(lambda: [(each.key, each.outcome) for each in stage.receipts(dataset)] == [(key, "delivered")])
    owner = Person(deployed, folder=folder)
    done = owner.run("who", "did", "used", "--json")
    assert done.code == 0, done.err
    uses = {
        each["name"]: (each["is_granted"], each["is_unused"], each["uploads"]) for each in json.loads(done.out)["uses"]
    }
    assert uses == {sender: (True, False, 1), idle: (True, True, 0)}
    make_again(ground, sender)
    again = {
        each["name"]: each["uploads"] for each in json.loads(owner.run("who", "did", "used", "--json").out)["uses"]
    }
    assert again == {sender: 1, idle: 0}, "the deployment has recorded whose the old id was"
    told = owner.run("who", "did", "used")
    assert any(line.split() == [idle, "NOT", "USED"] for line in told.lines)
    started = owner.run("review", "start", "--live", "--since", "7d")
    assert started.code == 0, started.err
    (dataset_on_record,) = json.loads(owner.run("review", "show", "--json").out)["datasets"]
    last_uses = {row["who"]: row["last_use"] for row in dataset_on_record["accesses"]}
    assert last_uses[idle].startswith("none since 20")
    assert {last_uses[each] == last_uses[sender] for each in last_uses if each != idle} == {True}
    assert date.fromisoformat(last_uses[sender]) <= datetime.now(UTC).date()


def make_again(ground: Ground, name: RoleName) -> None:
    """The same role by name, under another id."""
    iam = ground.client("iam")
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    old = iam.get_role(RoleName=name)["Role"]
    iam.delete_role(RoleName=name)
    trust = json.dumps(old["AssumeRolePolicyDocument"])
    new = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    assert new["RoleId"] != old["RoleId"]


def test_while_it_is_not_known_whose_an_upload_is_nobody_is_called_idle_and_it_ends_with_4(
    ground: Ground, tmp_path: Path
) -> None:
    sender, idle = RoleName("alpha_user_ana"), RoleName("alpha_user_ben")
    folder = write_estate(tmp_path / "estate", ground, names=["used"], users=[sender, idle])
    estate = load_estate(folder).require()
    make_local_world(ground.local, estate)
    assert ground.deploy(estate).is_complete
    deployed = DeployedEstate(replace(ground.local, account=str(ground.platform.account)), estate)
    stage, dataset = deployed.stage, deployed.stage.push("used")
    stage.as_user(sender).put_object(Bucket=ground.platform.hub_bucket, Key=f"{dataset.prefix}a", Body=b"x")
    wait_until(lambda: [each.outcome for each in stage.receipts(dataset)] == ["delivered"])
    ground.client("s3").delete_object(Bucket=ground.platform.log_bucket, Key="roles/ids.json")
    make_again(ground, sender)
    done = Person(deployed, folder=folder).run("who", "did", "used")
    assert done.code == 4, done.err
    assert [line.split("  ", 2)[1].split()[0] for line in done.lines[1:3]] == [sender, idle]
    assert all("not known: of 1 upload it cannot be told" in line for line in done.lines[1:3])
    assert "whether it is a sender is not known" in done.lines[3]
    assert "error: of 2 grants it is not known whether they were used" in done.err


@pytest.mark.xdist_group("example")
def test_a_caller_without_rights_is_told_which(deployed_example: DeployedEstate) -> None:
    someone = user_of(deployed_example, "alpha_user_annika-lindqvist")
    live = someone.run("who", "--live")
    assert (live.code, live.out) == (3, "")
    assert "cloudformation:DescribeStacks" in live.err
    did = someone.run("who", "did", "probation_caseload")
    assert (did.code, did.out) == (3, "")
    assert "may not do s3:ListBucket" in did.err
