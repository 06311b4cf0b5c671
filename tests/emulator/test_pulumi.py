"""The Pulumi program of `examples/pulumi`, run as it stands, with its stacks really made on the local AWS."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_exports.deploy.plan.planning import Action
from data_exports.deploy.prepare import prepare
from data_exports.estate.loader import load_estate
from data_exports.local import emulator
from data_exports.local.clients import aws_of, environment_of
from data_exports.local.demo.stage import Stage
from data_exports.local.emulator import LocalAws
from data_exports.local.folders import example_estate_folder
from data_exports.local.world import make_local_world
from data_exports.names import RoleName
from data_exports.stacks.stack import DIGEST_TAG, body_of, digest_of
from tests import ssh_keys
from tests.emulator.deploying import Ground, ground_of, write_estate
from tests.emulator.steps import wait_until
from tests.estates import READERS_OUTSIDE_AWS
from tests.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("pulumi")]

SHARED = ("exports-foundation", "exports-access-logs", "exports-hub")
OF_READERS = ("exports-identity-providers", "exports-sftp")
"""What the example estate has besides: it has readers outside AWS."""

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "examples" / "pulumi"
ANA = RoleName("alpha_user_ana")


def run_program(
    local: LocalAws, folder: Path, *, account: str, is_local: bool = True
) -> subprocess.CompletedProcess[str]:
    words = [str(PROGRAM), local.endpoint_url, account, local.region, f"estate={folder}", f"local={is_local}".lower()]
    return subprocess.run(
        [sys.executable, "-m", "tests.emulator.pulumi_program", *words],
        cwd=ROOT,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_SECRET_ACCESS_KEY": local.secret,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


@dataclass(frozen=True)
class Deployed:
    """The example estate, deployed by the program."""

    stage: Stage
    told: dict[str, Any]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    estate = load_estate(example_estate_folder()).require()
    account, region = estate.platform.account, estate.platform.region
    local = emulator.start(tmp_path_factory.mktemp("pulumi-aws"), account=account, region=region, owner_pid=os.getpid())
    try:
        make_local_world(local, estate)
        done = run_program(local, example_estate_folder(), account=account)
        assert done.returncode == 0, done.stderr
        yield Deployed(Stage(local, estate), json.loads(done.stdout))
    finally:
        emulator.stop(local)


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("p"))


def test_stacks_are_made_in_waves_foundation_first_and_hub_last(deployed: Deployed) -> None:
    moments = {(what, name): number for number, (what, name) in enumerate(map(tuple, deployed.told["events"]))}
    datasets = [dataset.stack_name for dataset in deployed.stage.estate.datasets()]
    made = {name for what, name in moments if what == "end"}
    cards = {f"{name}-card" for name in datasets if name.startswith("exports-push-")}
    assert made == {*SHARED, *OF_READERS, "keeper-settings", "mover-code", *datasets, *cards}
    for name in datasets:
        assert moments["end", "exports-foundation"] < moments["begin", name]
        assert name.startswith("exports-push-") or moments["end", "exports-access-logs"] < moments["begin", name]
        assert moments["end", name] < moments["begin", "exports-hub"]
        assert not name.startswith("exports-push-") or moments["end", "mover-code"] < moments["begin", name]


def test_the_movers_role_arns_are_outputs(deployed: Deployed) -> None:
    estate = deployed.stage.estate
    wanted = {str(push.name): str(push.mover_role_arn(estate.platform)) for push in estate.push_datasets}
    assert deployed.told["outputs"] == {"mover_role_arns": wanted}
    for arn in wanted.values():
        name = arn.rsplit("/", 1)[1]
        iam = aws_of(deployed.stage.local).client("iam")
        assert iam.get_role(RoleName=name)["Role"]["Arn"] == arn


def test_a_file_is_delivered_through_the_stacks_of_the_program(deployed: Deployed) -> None:
    stage = deployed.stage
    push = stage.push("court_hearings")
    key = f"{push.prefix}by-pulumi.csv"
    stage.as_user(push.users[0]).put_object(Bucket=stage.estate.platform.hub_bucket, Key=key, Body=b"a,b\n1,2\n")
    wait_until(lambda: stage.object_at_recipient(push, key) is not None)
    found = stage.object_at_recipient(push, key)
    assert found is not None
    assert found["Body"].read() == b"a,b\n1,2\n"
    wait_until(lambda: key not in stage.keys_in_hub(push))


def test_what_the_program_deployed_is_to_the_byte_what_exports_deploys(deployed: Deployed) -> None:
    estate, local = deployed.stage.estate, deployed.stage.local
    done = subprocess.run(
        [Path(sys.executable).parent / "exports", "plan", "--estate", example_estate_folder(), "--json"],
        env={**os.environ, **environment_of(local)},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    actions = {step["stack"]: step["action"] for step in json.loads(done.stdout)["stacks"]}
    assert set(actions) == {*(each.stack_name for each in estate.datasets()), *SHARED, *OF_READERS}
    assert set(actions.values()) == {"unchanged"}


def test_a_second_run_changes_nothing(deployed: Deployed) -> None:
    stage = deployed.stage
    again = run_program(stage.local, example_estate_folder(), account=stage.estate.platform.account)
    assert again.returncode == 0, again.stderr
    assert set(json.loads(again.stdout)["results"].values()) == {"unchanged"}


def test_credentials_of_another_account_deploy_nothing(ground: Ground, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate", ground, names=["orders"], users=[ANA])
    done = run_program(ground.local, folder, account="111111111111")
    assert done.returncode == 1
    assert (
        "the credentials are of account 111111111111 (arn:aws:iam::111111111111:root); the platform is " in done.stderr
    )
    assert ground.statuses() == {}


def test_declarations_with_errors_deploy_nothing_and_all_are_listed(ground: Ground, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate", ground, names=["orders", "letters"], users=[RoleName("somebody")])
    done = run_program(ground.local, folder, account=ground.platform.account)
    assert done.returncode == 1
    for name in ("letters", "orders"):
        assert f"{name}.yaml:4:9 EX501 error: 'somebody' is not a role that this platform lets" in done.stderr
    assert ground.statuses() == {}


def test_readers_outside_aws_come_after_the_providers_of_their_tokens(ground: Ground, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate", ground, names=[], users=[])
    declared = {"name": "lists", "users": [str(ANA)], "paperwork": "DPIA-1"}
    readers = [each.declaration for each in READERS_OUTSIDE_AWS]
    (folder / "pull_datasets" / "lists.yaml").write_text(json.dumps({**declared, "pull_identities": readers}))
    ground.make_roles([ANA])
    done = run_program(ground.local, folder, account=ground.platform.account)
    assert done.returncode == 0, done.stderr
    assert ground.statuses() == dict.fromkeys(
        [*SHARED, "exports-identity-providers", "exports-pull-lists"], "CREATE_COMPLETE"
    )
    events = [tuple(each) for each in json.loads(done.stdout)["events"]]
    assert events.index(("end", "exports-identity-providers")) < events.index(("begin", "exports-pull-lists"))
    steps = ground.deploy(load_estate(folder).require()).plan.steps
    assert {step.action for step in steps} == {Action.UNCHANGED}


def test_the_sftp_server_is_made_before_its_users(ground: Ground, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate", ground, names=["orders"], users=[ANA])
    platform, lists = folder / "exports.yaml", folder / "pull_datasets" / "lists.yaml"
    without = f"name: lists\nusers: [{ANA}]\npull_arns: [arn:aws:iam::754256621582:role/reader]\n"
    platform.write_text(f"{platform.read_text()}  sftp: true\n")
    lists.write_text(f"{without}sftp_readers: [{{name: meridian, keys: [{ssh_keys.ED25519}]}}]\n")
    ground.make_roles([ANA])
    done = run_program(ground.local, folder, account=ground.platform.account)
    assert done.returncode == 0, done.stderr
    events = json.loads(done.stdout)["events"]
    assert events.index(["end", "exports-sftp"]) < events.index(["begin", "exports-pull-lists"])
    assert prepare(load_estate(folder).require(), ground.aws).plan.changes == ()


def test_roles_that_do_not_exist_are_left_out_and_said(ground: Ground, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate", ground, names=["orders"], users=[ANA])
    wide = folder / "push_datasets" / "orders.yaml"  # and so many that the template has to go through the log bucket
    users = [str(ANA), *(f"alpha_user_{number:03}" for number in range(90))]
    wide.write_text(wide.read_text().replace(f"[{ANA}]", str(users)))
    ground.make_roles([ANA])
    done = run_program(ground.local, folder, account=ground.platform.account)
    assert done.returncode == 0, done.stderr
    assert "orders: no such role: alpha_user_000, alpha_user_001, " in done.stderr
    names = {name for what, name in json.loads(done.stdout)["events"]}
    assert names == {
        *SHARED,
        "keeper-settings",
        "mover-code",
        "exports-push-orders-template",
        "exports-push-orders",
        "exports-push-orders-card",
    }
    policies = ground.client("iam").list_role_policies(RoleName=ANA)["PolicyNames"]
    assert policies == ["hub-exports-push-orders"]


def test_the_stack_that_an_older_package_deleted_comes_back_with_its_bucket_and_logs(
    ground: Ground, tmp_path: Path
) -> None:
    """As the guide says: `exports deploy` adopts the bucket, and then the program has nothing to change."""
    folder, account = write_estate(tmp_path / "estate", ground, names=[], users=[ANA]), ground.platform.account
    pull = f"name: tables\npull_arns: [arn:aws:iam::754256621582:role/reader]\nusers: [{ANA}]\n"
    (folder / "pull_datasets" / "tables.yaml").write_text(pull)
    ground.make_roles([ANA])
    made = run_program(ground.local, folder, account=account)
    assert made.returncode == 0, made.stderr
    logs, key = str(ground.platform.access_log_bucket), "pull/a-log"
    ground.client("s3").put_object(Bucket=logs, Key=key, Body=b"a line")

    as_an_older_package_leaves_it(ground)
    alone = run_program(ground.local, folder, account=account)
    assert alone.returncode == 1, "an existing bucket makes its stack fail"
    assert "exports-access-logs" not in ground.statuses()

    back = subprocess.run(
        [Path(sys.executable).parent / "exports", "deploy", "--yes", "--estate", folder],
        env={**os.environ, **environment_of(ground.local), "AWS_ACCESS_KEY_ID": account},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert back.returncode == 0, back.stderr
    assert ground.client("s3").get_object(Bucket=logs, Key=key)["Body"].read() == b"a line"
    (pull_bucket,) = (each for each in ground.buckets() if each.endswith("-tables"))
    logging = ground.client("s3").get_bucket_logging(Bucket=pull_bucket)["LoggingEnabled"]
    assert logging["TargetBucket"] == logs
    again = run_program(ground.local, folder, account=account)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["results"] == dict.fromkeys((*SHARED, "exports-pull-tables"), "unchanged")


def as_an_older_package_leaves_it(ground: Ground) -> None:
    """Without the stack of the access logs, and with a pull stack whose bucket is not logged."""
    cloudformation, name = ground.client("cloudformation"), "exports-pull-tables"
    body = cloudformation.get_template(StackName=name)["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    (logged,) = (
        each["Properties"] for each in template["Resources"].values() if "LoggingConfiguration" in each["Properties"]
    )
    del logged["LoggingConfiguration"]
    tags = {each["Key"]: each["Value"] for each in cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Tags"]}
    tags[DIGEST_TAG] = digest_of(body_of(template))
    cloudformation.update_stack(
        StackName=name,
        TemplateBody=body_of(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name)
    cloudformation.delete_stack(StackName="exports-access-logs")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="exports-access-logs")
    assert str(ground.platform.access_log_bucket) in ground.buckets()


def test_the_local_configuration_names_the_example_estates_region_and_no_keys() -> None:
    config = yaml.safe_load((PROGRAM / "Pulumi.local.yaml").read_text())["config"]
    assert config["aws:region"] == load_estate(example_estate_folder()).require().platform.region
    assert not {"aws:accessKey", "aws:secretKey"} & set(config)
    assert config["data-exports:local"] is True
    assert yaml.safe_load((PROGRAM / "Pulumi.yaml").read_text())["config"]["estate"]["default"] == "../estate"
