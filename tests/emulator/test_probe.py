"""`exports probe` on the local AWS: a handover that works, and each way in which one does not."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from data_exports.access.handover import route_of
from data_exports.destinations.destination import Party
from data_exports.destinations.s3.bucket import RECEIVE
from data_exports.errors import AwsError, RefusedError
from data_exports.estate.models import Estate, PullDataset, PushDataset
from data_exports.local.clients import client
from data_exports.local.emulator import LocalAws
from data_exports.local.world import bucket_of
from data_exports.names import MOVER_POLICY, RoleArn, RoleName
from data_exports.operate.probe.findings import PUT_IN_PLACE, Probed
from data_exports.operate.probe.pull import probe_pull
from data_exports.operate.probe.push import probe_push
from tests.emulator.deployed import DeployedEstate
from tests.emulator.deploying import Ground, ground_of
from tests.emulator.installed import Person, owner_of, user_of
from tests.emulator.steps import Steps, policy_of
from tests.estates import at_s3, pull, push

pytestmark = pytest.mark.emulator

ANA = RoleName("alpha_user_ana")


@dataclass
class Export:
    """One push dataset deployed to an account of its own, and its recipient."""

    ground: Ground
    estate: Estate
    push: PushDataset
    recipient: Any
    """An S3 client of the bucket's owner."""

    def hand_over(self, *without: str) -> None:
        """Put the recipient's half in place, without these actions."""
        (asked,) = route_of(self.estate, self.push).statements[RECEIVE]
        given = {**asked, "Action": [action for action in asked["Action"] if action not in without]}
        self.recipient.put_bucket_policy(Bucket=bucket_of(self.push), Policy=policy_of(given))

    def probe(self, **more: Any) -> Probed:
        return probe_push(self.estate, self.push, self.ground.aws, **more)

    def keys(self) -> list[str]:
        found = self.recipient.list_objects_v2(Bucket=bucket_of(self.push))
        return [each["Key"] for each in found.get("Contents", [])]


@pytest.fixture(scope="module")
def unique_export(local_aws: LocalAws) -> Callable[..., Export]:
    steps = Steps(local_aws)
    number = iter(range(100, 999))

    def make(*, bucket: str = "", account: str = "", **changes: Any) -> Export:
        unique = next(number)
        ground = ground_of(local_aws, f"77000000{unique:04d}", f"probe{unique}")
        recipient = f"88000000{unique:04d}"
        made = steps.bucket(account=recipient, name=f"probe-recipient-{unique}")
        dataset = push("orders", destination=at_s3(bucket or made, account or recipient), users=(ANA,), **changes)
        estate = ground.estate(dataset)
        ground.make_users_of(estate)
        assert ground.deploy(estate).is_complete
        return Export(ground, estate, dataset, steps.client("s3", recipient))

    return make


@pytest.fixture(scope="module")
def export(unique_export: Callable[..., Export]) -> Export:
    return unique_export()


def lacks(probed: Probed) -> list[tuple[Party, str]]:
    return [(lack.side, lack.what) for lack in probed.lacks]


def role_of(export: Export) -> str:
    return str(export.push.mover_role_arn(export.estate.platform))


def test_a_handover_in_place_is_proven_and_leaves_one_object_however_often_it_is_asked(export: Export) -> None:
    export.hand_over()
    for _ in range(2):
        probed = export.probe()
        assert (probed.is_good, probed.lacks) == (True, ())
        assert export.keys() == ["orders/.exports-probe"]
    assert probed.leaves == f"s3://{bucket_of(export.push)}/orders/.exports-probe"
    uploads = export.recipient.list_multipart_uploads(Bucket=bucket_of(export.push))
    assert uploads.get("Uploads", []) == []


def test_a_recipient_who_has_granted_nothing_lacks_the_whole_policy(export: Export) -> None:
    export.recipient.delete_bucket_policy(Bucket=bucket_of(export.push))
    bucket, account = bucket_of(export.push), export.push.destination.account
    refused = "do s3:AbortMultipartUpload, s3:PutObject under orders/"
    either = f"or the bucket is not in account {account}: S3 answers both alike"
    what = f"the policy of bucket {bucket} does not let {role_of(export)} {refused}, {either}"
    assert lacks(export.probe()) == [(Party.THEIRS, what)]


@pytest.mark.parametrize("action", ["s3:PutObjectTagging", "s3:PutObjectAcl", "s3:AbortMultipartUpload"])
def test_a_single_action_that_is_missing_is_named(export: Export, action: str) -> None:
    export.hand_over(action)
    probed = export.probe()
    wanted = {action} if action == "s3:AbortMultipartUpload" else {action, "s3:PutObject"}
    assert [lack.side for lack in probed.lacks] == [Party.THEIRS]
    assert f"does not let {role_of(export)} do {', '.join(sorted(wanted))} under orders/" in probed.lacks[0].what
    assert probed.lacks[0].next_step == "send its owner `exports handover orders`"


def test_our_own_half_that_was_changed_is_ours_to_mend(unique_export: Callable[..., Export]) -> None:
    export = unique_export()
    export.hand_over()
    iam = export.ground.client("iam")
    name = {"RoleName": export.push.mover_name, "PolicyName": MOVER_POLICY}
    document = iam.get_role_policy(**name)["PolicyDocument"]
    document["Statement"] = [each for each in document["Statement"] if each["Sid"] != "WriteTarget"]
    iam.put_role_policy(**name, PolicyDocument=json.dumps(document))
    probed = export.probe()
    assert lacks(probed) == [(Party.OURS, "role export_orders-move has not the policy that is declared")]
    assert probed.lacks[0].next_step == PUT_IN_PLACE
    assert probed.checks[0].detail == "not as declared: WriteTarget"


def test_a_bucket_of_somebody_else_is_told_and_receives_nothing(unique_export: Callable[..., Export]) -> None:
    export = unique_export(account="999988887777")
    export.hand_over()
    what = f"bucket {bucket_of(export.push)} belongs to another account than 999988887777"
    assert lacks(export.probe()) == [(Party.THEIRS, f"{what}; nothing is delivered there")]
    assert export.keys() == []


def test_a_bucket_that_does_not_exist_is_told(unique_export: Callable[..., Export]) -> None:
    export = unique_export(bucket="probe-nobody-has-this-one")
    assert lacks(export.probe()) == [(Party.THEIRS, "there is no bucket probe-nobody-has-this-one")]


def test_an_access_that_has_ended_is_told_as_that(unique_export: Callable[..., Export]) -> None:
    export = unique_export(expires=date(2031, 3, 31))
    export.hand_over()
    later = datetime(2031, 4, 1, tzinfo=UTC)
    assert lacks(export.probe(now=later)) == [(Party.OURS, "the access ended with 2031-03-31: IAM itself refuses")]


def test_a_dataset_that_is_deployed_otherwise_or_not_at_all_is_refused(export: Export) -> None:
    changed = replace(export, push=replace(export.push, destination=at_s3("another-bucket")))
    with pytest.raises(RefusedError, match=r"is deployed with target_bucket .*, and declared with another-bucket"):
        changed.probe()
    absent = replace(export, push=push("absent"))
    with pytest.raises(RefusedError, match="there is no function export_absent-move") as stopped:
        absent.probe()
    assert stopped.value.next_step.startswith("have the dataset deployed")


def test_a_mover_that_cannot_even_start_is_told_with_its_reason(unique_export: Callable[..., Export]) -> None:
    export = unique_export()
    functions = export.ground.client("lambda")
    functions.update_function_configuration(FunctionName=export.push.mover_name, Environment={"Variables": {}})
    with pytest.raises(AwsError, match="the mover could not probe: the mover cannot start: DATASET is missing"):
        export.probe()


# --- pull datasets ---------------------------------------------------------------------------------------------------


@dataclass
class Shared:
    """One pull dataset deployed to an account of its own, and one of its outsiders."""

    ground: Ground
    estate: Estate
    pull: PullDataset
    outsider: RoleArn


@pytest.fixture
def shared(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Shared:
    steps, ground = Steps(local_aws), ground_of(local_aws, unique_account(), unique("p"))
    outsider = RoleArn(steps.role(account=unique_account(), name="reader", path="/teams/"))
    dataset = pull("lists", outsiders=(outsider,), users=(ANA,), allow_push=True)
    estate = ground.estate(dataset)
    ground.make_users_of(estate)
    assert ground.deploy(estate).is_complete
    return Shared(ground, estate, dataset, outsider)


def test_our_half_of_a_pull_dataset_is_read_back(shared: Shared) -> None:
    probed = probe_pull(shared.estate, shared.pull, shared.ground.aws)
    bucket = shared.pull.bucket(shared.estate.platform)
    assert probed.is_good
    assert [check.text for check in probed.checks] == [
        f"our half: the policy of bucket {bucket}",
        "our half: the policy of user alpha_user_ana",
    ]
    assert str(shared.outsider) in probed.note


def test_a_bucket_policy_that_was_changed_by_hand_is_ours_to_mend(shared: Shared) -> None:
    s3, bucket = shared.ground.client("s3"), shared.pull.bucket(shared.estate.platform)
    document = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    document["Statement"] = document["Statement"][:-1]
    document["Statement"].append(
        {
            "Sid": "ByHand",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{shared.outsider.account}:root"},
            "Action": "s3:GetObject",
            "Resource": f"{bucket.arn}/*",
        }
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    shared.ground.client("iam").delete_role_policy(RoleName=ANA, PolicyName="hub-exports-pull-lists")
    probed = probe_pull(shared.estate, shared.pull, shared.ground.aws)
    assert lacks(probed) == [
        (Party.OURS, f"bucket {bucket} has not the policy that is declared"),
        (Party.OURS, "role alpha_user_ana has not the policy hub-exports-pull-lists that is declared"),
    ]
    assert probed.checks[0].detail == "not as declared: OutsidersUseObjects; not declared: ByHand"


def test_a_pull_dataset_that_is_not_deployed_is_refused(shared: Shared) -> None:
    with pytest.raises(RefusedError, match="absent is not deployed: there is no bucket"):
        probe_pull(shared.estate, pull("absent"), shared.ground.aws)


# --- as people run it ------------------------------------------------------------------------------------------------


@pytest.mark.xdist_group("example")
def test_the_command_proves_a_handover(deployed_example: DeployedEstate) -> None:
    done = owner_of(deployed_example).run("probe", "probation_caseload")
    assert done.code == 0, done.err
    assert done.lines[0].startswith("arn:aws:iam::593291632749:role/service-role/export_probation_caseload-move writes")
    assert done.lines[-2:] == [
        "Nothing is lacking.",
        "One small object stays: s3://probation-digital-landing/probation_caseload/.exports-probe",
    ]


@pytest.mark.xdist_group("example")
def test_the_command_ends_with_1_and_says_which_side_lacks_what(deployed_example: DeployedEstate) -> None:
    stage = deployed_example.stage
    dataset = stage.push("prison_population")
    bucket, recipient = bucket_of(dataset), stage.as_recipient(dataset)
    policy = recipient.get_bucket_policy(Bucket=bucket)["Policy"]
    recipient.delete_bucket_policy(Bucket=bucket)
    try:
        done = owner_of(deployed_example).run("probe", "prison_population", "--json")
    finally:
        recipient.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert done.code == 1
    facts = json.loads(done.out)
    assert [lack["side"] for lack in facts["lacks"]] == ["theirs"]
    assert facts["leaves"] is None


@pytest.mark.xdist_group("example")
def test_a_caller_without_the_right_to_probe_is_told_which_it_is(deployed_example: DeployedEstate) -> None:
    done = user_of(deployed_example, "alpha_user_annika-lindqvist").run("probe", "court_hearings")
    assert done.code == 3
    assert (
        "alpha_user_annika-lindqvist may not do lambda:InvokeFunction on function export_court_hearings-move"
        in done.err
    )


@pytest.mark.xdist_group("example")
def test_an_outsider_tries_the_rights_of_its_own_role(deployed_example: DeployedEstate) -> None:
    dataset = deployed_example.stage.pull("reoffending_statistics")
    (outsider,) = dataset.outsiders
    assert isinstance(outsider, RoleArn)
    done = Person(deployed_example, outsider).run("probe", "reoffending_statistics", "--json")
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert [(each["action"], each["answer"]) for each in facts["checks"]] == [
        ("s3:ListBucket", "ok"),
        ("s3:GetObject", "ok"),
        ("s3:AbortMultipartUpload", "ok"),
        ("s3:PutObject", "ok"),
    ]
    iam = client(deployed_example.local, "iam", account=outsider.account)
    policy = iam.get_role_policy(RoleName=outsider.name, PolicyName=f"pull-{dataset.name}")["PolicyDocument"]
    iam.delete_role_policy(RoleName=outsider.name, PolicyName=f"pull-{dataset.name}")
    try:
        without = Person(deployed_example, outsider).run("probe", "reoffending_statistics", "--json")
    finally:
        iam.put_role_policy(
            RoleName=outsider.name, PolicyName=f"pull-{dataset.name}", PolicyDocument=json.dumps(policy)
        )
    assert without.code == 1
    assert [lack["what"] for lack in json.loads(without.out)["lacks"]] == [
        f"we may not do {action}" for action in ("s3:ListBucket", "s3:GetObject", "s3:AbortMultipartUpload")
    ]


@pytest.mark.xdist_group("example")
def test_somebody_without_a_part_in_a_pull_dataset_is_refused(deployed_example: DeployedEstate) -> None:
    (outsider,) = deployed_example.stage.pull("reoffending_statistics").outsiders
    assert isinstance(outsider, RoleArn)
    done = Person(deployed_example, outsider).run("probe", "bail_research")
    assert (done.code, done.out) == (1, "")
    assert "has no part in bail_research" in done.err
