import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from data_exports.access.policies import alert_key_policy
from data_exports.estate.promises import parse_promise
from data_exports.limits import NOTIFICATION_RULES_PER_BUCKET
from data_exports.mover.time_left import USUAL_SECONDS
from data_exports.names import RoleName
from data_exports.stacks.foundation import foundation_stack
from data_exports.stacks.hub import hub_stack
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import Stack
from tests.estates import PLATFORM, at_s3, pull, push
from tests.unit.stacks.all_stacks import AROUND, all_stacks
from tests.unit.stacks.linted import cfn_lint_on


def resources(stack: Stack) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(stack.body)["Resources"]
    return found


def test_cfn_lint_accepts_every_template(tmp_path: Path) -> None:
    local = replace(AROUND, require_tls=False)
    for number, stack in enumerate([*all_stacks(), *all_stacks(local)]):
        (tmp_path / f"{number}-{stack.name}.json").write_text(stack.body)
    templates = sorted(str(file) for file in tmp_path.iterdir())
    assert cfn_lint_on(templates) == ""
    wrong = tmp_path / "wrong.json"
    wrong.write_text(all_stacks()[2].body.replace("MaximumConcurrency", "MaximumConcurency"))
    assert "MaximumConcurency" in cfn_lint_on([str(wrong)])


def test_the_stacks_have_their_names_and_waves() -> None:
    assert [(stack.name, stack.wave.name, stack.dataset, stack.buckets) for stack in all_stacks()] == [
        ("exports-foundation", "FOUNDATION", None, ("mojap-hub-exports-log",)),
        ("exports-access-logs", "FOUNDATION", None, ("mojap-hub-exports-use",)),
        ("exports-push-hearings", "DATASETS", "hearings", ()),
        ("exports-push-prison-moves", "DATASETS", "prison_moves", ()),
        ("exports-push-sealed-files", "DATASETS", "sealed-files", ()),
        ("exports-pull-case-notes", "DATASETS", "case_notes", ("mojap-case-notes",)),
        ("exports-pull-court-lists", "DATASETS", "court_lists", ("mojap-court-lists",)),
        ("exports-hub", "HUB", None, ("mojap-hub-exports",)),
    ]


def test_equal_declarations_give_equal_bytes_in_every_process() -> None:
    program = (
        "from tests.unit.stacks.all_stacks import all_stacks\n"
        "for stack in all_stacks(): print(stack.name, stack.digest)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert outputs == {"".join(f"{stack.name} {stack.digest}\n" for stack in all_stacks())}


def test_a_digest_tells_any_change_and_stands_in_the_tags() -> None:
    one, other = push_stack(PLATFORM, push(), AROUND), push_stack(PLATFORM, push(keep_files=True), AROUND)
    assert one.digest != other.digest
    assert dict(one.tags) == {
        "owner": "Data Engineering",
        "application": "exports",
        "data-exports:dataset": "hearings",
        "data-exports:digest": one.digest,
        "data-exports:hub": "mojap-hub-exports",
    }


def test_recipients_and_users_find_the_names_they_rely_on() -> None:
    found = resources(push_stack(PLATFORM, push("prison_moves"), AROUND))
    role, function, users = (found[name]["Properties"] for name in ("MoverRole", "Mover", "UsersPolicy"))
    assert (role["Path"], role["RoleName"]) == ("/service-role/", "export_prison_moves-move")
    assert function["FunctionName"] == "export_prison_moves-move"
    assert (users["PolicyName"], users["Roles"]) == (
        "hub-exports-push-prison_moves",
        ["alpha_user_Ben-Two", "alpha_user_ana"],
    )
    bucket = resources(pull_stack(PLATFORM, pull("court_lists"), AROUND))["Bucket"]
    assert (bucket["Properties"]["BucketName"], bucket["DeletionPolicy"]) == ("mojap-court-lists", "Retain")


def test_the_mover_is_told_everything_by_its_environment_and_nothing_empty() -> None:
    plain = resources(push_stack(PLATFORM, push(destination=at_s3(account=None)), AROUND))["Mover"]["Properties"]
    assert plain["Environment"]["Variables"] == {
        "DATASET": "hearings",
        "HUB_ACCOUNT": "593291632749",
        "HUB_BUCKET": "mojap-hub-exports",
        "KEEP_FILES": "false",
        "LARGEST_COPY_BYTES": "268435456",
        "LOG_BUCKET": "mojap-hub-exports-log",
        "ALERT_TOPICS": "arn:aws:sns:eu-west-1:593291632749:exports-alerts",
        "MOST_RECEIVES": "8",
        "MOVER_VERSION": "0123456789abcdef",
        "QUEUE_URL": {"Ref": "Queue"},
        "TARGET_BUCKET": "cp-hearings",
    }


def test_as_many_movers_run_at_once_as_the_dataset_says() -> None:
    usual, many = (
        resources(push_stack(PLATFORM, dataset, AROUND))["MoverEvents"]["Properties"]
        for dataset in (push(), push(max_concurrency=40))
    )
    assert (usual["ScalingConfig"], many["ScalingConfig"]) == ({"MaximumConcurrency": 5}, {"MaximumConcurrency": 40})
    assert (usual["BatchSize"], usual["MaximumBatchingWindowInSeconds"]) == (1000, 1)


def test_a_message_is_not_seen_twice_while_a_mover_works_on_it() -> None:
    found = resources(push_stack(PLATFORM, push(), AROUND))
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-queueconfig
    assert found["Queue"]["Properties"]["VisibilityTimeout"] == 6 * found["Mover"]["Properties"]["Timeout"] == 5400
    kept = found["DeadLetterQueue"]["Properties"]["MessageRetentionPeriod"]
    assert kept > found["Queue"]["Properties"]["MessageRetentionPeriod"]


def test_a_copy_may_use_up_all_its_tries_before_the_function_ends() -> None:
    timeout = resources(push_stack(PLATFORM, push(), AROUND))["Mover"]["Properties"]["Timeout"]
    assert timeout == USUAL_SECONDS  # of a shorter time the function keeps smaller shares for its end


def test_one_address_less_leaves_the_subscriptions_of_the_others_alone() -> None:
    def subscriptions(*alerts: str) -> dict[str, Any]:
        found = resources(foundation_stack(replace(PLATFORM, alerts=alerts), require_tls=True))
        return {name: each for name, each in found.items() if each["Type"] == "AWS::SNS::Subscription"}

    both = subscriptions("a@example.gov.uk", "b@example.gov.uk")
    assert len(both) == 2
    assert subscriptions("b@example.gov.uk").items() <= both.items()


def test_no_datasets_queue_is_anothers_dead_letter_queue() -> None:
    def queues(name: str) -> set[str]:
        found = resources(push_stack(PLATFORM, push(name), AROUND)).values()
        return {each["Properties"]["QueueName"] for each in found if each["Type"] == "AWS::SQS::Queue"}

    assert queues("orders") == {"export_orders", "export_orders-DLQ"}
    assert not queues("orders") & queues("orders-dlq")


def test_a_role_that_does_not_exist_is_left_out_and_remembered() -> None:
    around = replace(AROUND, missing_roles=frozenset({RoleName("alpha_user_ana")}))
    stack = push_stack(PLATFORM, push(), around)
    assert resources(stack)["UsersPolicy"]["Properties"]["Roles"] == ["alpha_user_Ben-Two"]
    assert json.loads(stack.body)["Metadata"]["DataExports"]["missing_roles"] == ["alpha_user_ana"]
    nobody = push_stack(PLATFORM, push(users=(RoleName("alpha_user_ana"),)), around)
    assert "UsersPolicy" not in resources(nobody)


def test_what_is_deployed_can_be_read_back_from_the_template() -> None:
    metadata = json.loads(push_stack(PLATFORM, push(), AROUND).body)["Metadata"]["DataExports"]
    assert metadata["declaration"] == {
        "keep_files": False,
        "max_concurrency": 5,
        "name": "hearings",
        "paperwork": ["DPIA-17"],
        "target_account": "754256621582",
        "target_bucket": "cp-hearings",
        "users": ["alpha_user_ana", "alpha_user_Ben-Two"],
    }
    assert len(metadata["grants"]) == 22
    promised = push(due=parse_promise("daily by 06:00 Europe/London"), no_delivery_on=(date(2031, 12, 25),))
    declaration = json.loads(push_stack(PLATFORM, promised, AROUND).body)["Metadata"]["DataExports"]["declaration"]
    assert declaration == metadata["declaration"] | {
        "due": "daily by 06:00 Europe/London",
        "no_delivery_on": ["2031-12-25"],
    }


def test_the_hub_sends_each_prefix_to_its_own_queue() -> None:
    hub = resources(hub_stack(PLATFORM, [push("b"), push("a_x")], require_tls=True))["Hub"]["Properties"]
    assert hub["NotificationConfiguration"]["QueueConfigurations"] == [
        {
            "Event": "s3:ObjectCreated:*",
            "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": f"{name}/"}]}},
            "Queue": f"arn:aws:sqs:eu-west-1:593291632749:export_{name}",
        }
        for name in ("a_x", "b")
    ]
    assert hub["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "NotificationConfiguration" not in resources(hub_stack(PLATFORM, [], require_tls=True))["Hub"]["Properties"]


def test_a_hub_of_as_many_datasets_as_s3_allows_fits_a_request() -> None:
    many = [push(f"dataset_{number:03}") for number in range(NOTIFICATION_RULES_PER_BUCKET)]
    assert len(hub_stack(PLATFORM, many, require_tls=True).body) < 51_200


def test_every_bucket_is_private_encrypted_and_kept() -> None:
    found = [each for stack in all_stacks() for each in resources(stack).values() if each["Type"] == "AWS::S3::Bucket"]
    assert len(found) == 5
    for bucket in found:
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert properties["BucketEncryption"]
        assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_every_topic_is_encrypted_with_the_platforms_own_key() -> None:
    owned = push_stack(PLATFORM, push(owner="Courts, courts@example.gov.uk"), AROUND)
    found = [
        (stack.name, resource["Properties"]["KmsMasterKeyId"], resource.get("DependsOn"))
        for stack in [*all_stacks(), owned]
        for resource in resources(stack).values()
        if resource["Type"] == "AWS::SNS::Topic"
    ]
    assert found == [
        ("exports-foundation", "alias/exports-alerts", "AlertKeyAlias"),
        ("exports-push-hearings", "alias/exports-alerts", None),
    ]
    foundation = resources(all_stacks()[0])
    assert foundation["AlertKeyAlias"]["Properties"] == {
        "AliasName": "alias/exports-alerts",
        "TargetKeyId": {"Ref": "AlertKey"},
    }
    assert foundation["AlertKey"]["Properties"]["EnableKeyRotation"] is True
    assert foundation["AlertKey"]["Properties"]["KeyPolicy"] == alert_key_policy(PLATFORM)
