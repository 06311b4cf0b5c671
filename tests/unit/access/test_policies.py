import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from data_exports.access.evidence_policies import evidence_bucket_policy
from data_exports.access.grants import grants_of_pull, grants_of_push, keeper_rights_of
from data_exports.access.handover import outsider_policy, route_of
from data_exports.access.policies import (
    alert_key_policy,
    alert_topic_policy,
    dead_letter_queue_policy,
    function_trust_policy,
    mover_policy,
    policy_of_rights,
    private_bucket_policy,
    pull_bucket_policy,
    pull_user_policy,
    queue_policy,
    sender_policy,
)
from data_exports.access.statements import Policy
from data_exports.estate.models import PullDataset, PushDataset
from data_exports.local.world import s3_destination_of
from data_exports.names import AccountRootArn, BucketName, KmsKeyArn
from tests.estates import FULL, LOADER, PLATFORM, READER, at_s3, estate_of, pull, push

KEEPER_ROLE = "arn:aws:iam::593291632749:role/service-role/exports-keeper"
HUB = "arn:aws:s3:::mojap-hub-exports"


NOT_UNDERSTOOD = "s3:TlsVersion"
"""Parliament knows no decimal numbers, and not that the key suits every action; S3's guide writes the very statement.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html#example-object-tls-version"""


def identity_policies() -> Iterator[tuple[str, Policy]]:
    for push_dataset in FULL.push_datasets:
        grants = grants_of_push(PLATFORM, push_dataset)
        yield f"mover of {push_dataset.name}", mover_policy(grants)
        yield f"senders of {push_dataset.name}", sender_policy(grants) or {}
    for pull_dataset in FULL.pull_datasets:
        yield f"users of {pull_dataset.name}", pull_user_policy(grants_of_pull(PLATFORM, pull_dataset)) or {}
        for outsider in pull_dataset.outsiders:
            yield f"{outsider} of {pull_dataset.name}", outsider_policy(FULL, pull_dataset, outsider)


def resource_policies() -> Iterator[tuple[str, Policy]]:
    yield "hub", private_bucket_policy(PLATFORM.hub_bucket, require_tls=True)
    yield "log", private_bucket_policy(PLATFORM.log_bucket, require_tls=True)
    yield "evidence", evidence_bucket_policy(PLATFORM, require_tls=True)
    yield "topic", alert_topic_policy(PLATFORM, "arn:aws:sns:eu-west-1:593291632749:exports-alerts")
    for push_dataset in FULL.push_datasets:
        yield f"queue of {push_dataset.name}", queue_policy(PLATFORM, push_dataset, require_tls=True)
        yield f"dead letters of {push_dataset.name}", dead_letter_queue_policy(PLATFORM, push_dataset)
        yield f"handover of {push_dataset.name}", route_of(FULL, push_dataset).policy
    for pull_dataset in FULL.pull_datasets:
        grants = grants_of_pull(PLATFORM, pull_dataset)
        bucket = pull_dataset.bucket(PLATFORM)
        yield f"bucket of {pull_dataset.name}", pull_bucket_policy(bucket, grants, require_tls=True)


ALL = [*identity_policies(), *resource_policies()]


def parliament_on(policies: dict[str, Policy], folder: Path) -> dict[str, list[str]]:
    """What parliament objects to, by policy; run as a command, because its import alone gives warnings."""
    for name, policy in policies.items():
        (folder / f"{name}.json").write_text(json.dumps(policy))
    command = [sys.executable, "-W", "ignore", "-m", "parliament.cli", "--directory", str(folder), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not run.stderr, run.stderr
    found: dict[str, list[str]] = {}
    for line in run.stdout.splitlines():
        objection = json.loads(line)
        if NOT_UNDERSTOOD in objection["detail"]:
            continue
        found.setdefault(Path(objection["location"]["filepath"]).stem, []).append(objection["issue"])
    return found


def test_parliament_objects_to_none_of_them_and_to_an_action_that_does_not_exist(tmp_path: Path) -> None:
    wrong = {"Effect": "Allow", "Action": "s3:ReadObject", "Resource": f"{HUB}/*"}
    ours = {f"policy {number}": policy for number, (_, policy) in enumerate(ALL)}
    policies = ours | {"wrong": {"Version": "2012-10-17", "Statement": [wrong]}}
    assert parliament_on(policies, tmp_path) == {"wrong": ["UNKNOWN_ACTION"]}


@pytest.mark.parametrize(("name", "policy"), ALL, ids=[name for name, _ in ALL])
def test_deny_comes_first_and_nothing_is_allowed_by_wildcard_but_object_keys(name: str, policy: Policy) -> None:
    effects = [statement["Effect"] for statement in policy["Statement"]]
    assert effects == sorted(effects, key="Deny Allow".index), name
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert len(set(sids)) == len(sids)
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow":
            assert "*" not in json.dumps(statement["Action"])
            assert statement.get("Principal") != "*"
            resources = statement["Resource"]
            for resource in [resources] if isinstance(resources, str) else resources:
                assert "*" not in resource.removesuffix("*")


def test_the_senders_policy() -> None:
    assert sender_policy(grants_of_push(PLATFORM, push(expires=date(2027, 3, 31)))) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ListOwnPrefix",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": HUB,
                "Condition": {
                    "DateLessThan": {"aws:CurrentTime": "2027-04-01T00:00:00Z"},
                    "StringLike": {"s3:prefix": "hearings/*"},
                },
            },
            {
                "Sid": "ListReceipts",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": f"{HUB}-log",
                "Condition": {
                    "DateLessThan": {"aws:CurrentTime": "2027-04-01T00:00:00Z"},
                    "StringLike": {"s3:prefix": "deliveries/dataset=hearings/*"},
                },
            },
            {
                "Sid": "ReadReceipts",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "sqs:GetQueueAttributes"],
                "Resource": [
                    f"{HUB}-log/deliveries/dataset=hearings/*",
                    "arn:aws:sqs:eu-west-1:593291632749:export_hearings-DLQ",
                ],
                "Condition": {"DateLessThan": {"aws:CurrentTime": "2027-04-01T00:00:00Z"}},
            },
            {
                "Sid": "WriteOwnPrefix",
                "Effect": "Allow",
                "Action": ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging"],
                "Resource": f"{HUB}/hearings/*",
                "Condition": {"DateLessThan": {"aws:CurrentTime": "2027-04-01T00:00:00Z"}},
            },
        ],
    }


def test_the_pull_buckets_policy_names_outside_roles_by_condition() -> None:
    dataset = pull(outsiders=(READER, LOADER, AccountRootArn("arn:aws:iam::999988887777:root")))
    bucket = BucketName("mojap-court-lists")
    policy = pull_bucket_policy(bucket, grants_of_pull(PLATFORM, dataset), require_tls=True)
    actions = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"]
    named = {
        "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::112233445566:root", "arn:aws:iam::754256621582:root"]},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": [str(LOADER), str(READER)]}},
    }
    whole = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::999988887777:root"]}}
    everything = ["arn:aws:s3:::mojap-court-lists", "arn:aws:s3:::mojap-court-lists/*"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": everything}
    a_list = {"Action": ["s3:ListBucket"], "Resource": everything[0]}
    use = {"Action": actions, "Resource": everything[1]}
    assert policy == {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "DenyWithoutTls", **deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Sid": "DenyBelowTls12", **deny, "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
            {"Sid": "OutsidersListBucket", **named, **a_list},
            {"Sid": "OutsidersListBucketAccount", **whole, **a_list},
            {"Sid": "OutsidersUseObjects", **named, **use},
            {"Sid": "OutsidersUseObjectsAccount", **whole, **use},
        ],
    }


def test_only_the_hub_of_this_account_may_send_to_a_queue() -> None:
    assert queue_policy(PLATFORM, push(), require_tls=False)["Statement"] == [
        {
            "Sid": "HubSendsEvents",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "arn:aws:sqs:eu-west-1:593291632749:export_hearings",
            "Condition": {"ArnEquals": {"aws:SourceArn": HUB}, "StringEquals": {"aws:SourceAccount": "593291632749"}},
        }
    ]


def test_only_the_local_aws_may_be_spoken_to_without_tls() -> None:
    strict = private_bucket_policy(PLATFORM.hub_bucket, require_tls=True)["Statement"]
    local = private_bucket_policy(PLATFORM.hub_bucket, require_tls=False)["Statement"]
    assert [statement["Sid"] for statement in strict] == ["DenyWithoutTls", "DenyBelowTls12"]
    assert local == strict[1:]


def test_a_recipient_of_two_datasets_grants_each_mover_its_own_prefix() -> None:
    both = estate_of(push("a"), push("b_c", keep_files=True))
    policies = [route_of(both, each).policy for each in both.push_datasets]
    write = ["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"]

    def statement(sid: str, name: str, mover: str) -> Policy:
        return {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam::593291632749:root"]},
            "Action": write,
            "Resource": f"arn:aws:s3:::cp-hearings/{name}/*",
            "Condition": {
                "ArnEquals": {"aws:PrincipalArn": [f"arn:aws:iam::593291632749:role/service-role/export_{mover}"]}
            },
        }

    together = {
        "Version": "2012-10-17",
        "Statement": [statement("ReceiveA", "a", "a-move"), statement("ReceiveBC", "b_c", "b_c-copy")],
    }
    assert policies == [together, together]


def test_no_two_datasets_share_a_sid_however_alike_their_names() -> None:
    names = ("a-1", "a_1", "a1", "a_b", "a-b", "ab", "a__b")
    together = route_of(estate_of(*map(push, names)), push(names[0])).policy
    sids = [statement["Sid"] for statement in together["Statement"]]
    assert len(set(sids)) == len(names)
    assert {"ReceiveA1", "ReceiveAB", "ReceiveAb"} <= set(sids)
    assert all(sid.isalnum() for sid in sids)
    for name in names:  # also when a recipient puts the statements together by hand
        (alone,) = route_of(estate_of(push(name)), push(name)).statements["Receive"]
        assert alone in together["Statement"]


def test_a_recipients_key_is_usable_by_the_mover_of_the_dataset_that_names_it() -> None:
    sealed = next(each for each in FULL.push_datasets if s3_destination_of(each).kms_key)
    assert "Encrypt" not in route_of(FULL, push()).statements
    assert list(route_of(FULL, sealed).statements["Encrypt"]) == [
        {
            "Sid": "EncryptSealedFilesIde4b8ed",
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam::593291632749:root"]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": {
                "ArnEquals": {
                    "aws:PrincipalArn": ["arn:aws:iam::593291632749:role/service-role/export_sealed-files-move"]
                },
                "StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"},
            },
        }
    ]


def test_a_mover_uses_a_recipients_key_through_s3_in_the_keys_region_and_not_by_itself() -> None:
    elsewhere = KmsKeyArn("arn:aws:kms:us-east-2:754256621582:key/1234abcd-12ab-34cd-56ef-1234567890ab")
    policy = mover_policy(grants_of_push(PLATFORM, push(destination=at_s3(kms_key=elsewhere))))
    (statement,) = (each for each in policy["Statement"] if each["Sid"] == "UseTargetKey")
    assert statement == {
        "Sid": "UseTargetKey",
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": elsewhere,
        "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-2.amazonaws.com"}},
    }


def test_a_dataset_without_users_has_no_users_policy() -> None:
    nobody: tuple[PushDataset, PullDataset] = (push(users=()), pull(users=()))
    assert sender_policy(grants_of_push(PLATFORM, nobody[0])) is None
    assert pull_user_policy(grants_of_pull(PLATFORM, nobody[1])) is None


def test_the_movers_trust_policy_lets_in_lambda_alone() -> None:
    assert function_trust_policy() == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "LambdaOnly",
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }


def test_the_alert_topics_policy_lets_in_the_platforms_own_alarms_and_the_keeper_alone() -> None:
    topic = "arn:aws:sns:eu-west-1:593291632749:exports-alerts"
    assert alert_topic_policy(PLATFORM, topic) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AlarmsPublish",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic,
                "Condition": {
                    "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:593291632749:alarm:*"},
                    "StringEquals": {"aws:SourceAccount": "593291632749"},
                },
            },
            {
                "Sid": "KeeperPublishes",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": "sns:Publish",
                "Resource": topic,
                "Condition": {"ArnEquals": {"aws:PrincipalArn": KEEPER_ROLE}},
            },
        ],
    }


def test_the_keeper_reads_receipts_and_its_settings_and_writes_what_it_sent_and_its_log() -> None:
    log = "arn:aws:s3:::mojap-hub-exports-log"
    statements = [
        ("ListReceipts", ["s3:ListBucket"], log, "deliveries/*"),
        ("ListSent", ["s3:ListBucket"], log, "keeper/sent/*"),
        ("NoteSent", ["s3:PutObject"], f"{log}/keeper/sent/*", None),
        ("ReadReceipts", ["s3:GetObject"], f"{log}/deliveries/*", None),
        ("ReadSettings", ["s3:GetObject"], f"{log}/keeper/settings.json", None),
        (
            "WriteLog",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            "arn:aws:logs:eu-west-1:593291632749:log-group:/aws/lambda/exports-keeper:*",
            None,
        ),
    ]
    assert policy_of_rights(keeper_rights_of(PLATFORM)) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
            | ({"Condition": {"StringLike": {"s3:prefix": prefix}}} if prefix else {})
            for sid, actions, resource, prefix in statements
        ],
    }


def test_the_alert_keys_policy() -> None:
    publishing = ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert alert_key_policy(PLATFORM) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountAdministers",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::593291632749:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "AlarmsPublish",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": publishing,
                "Resource": "*",
                "Condition": {
                    "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-1:593291632749:alarm:*"},
                    "StringEquals": {"aws:SourceAccount": "593291632749"},
                },
            },
            {
                "Sid": "MoversPublish",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": publishing,
                "Resource": "*",
                "Condition": {
                    "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::593291632749:role/service-role/export_*"},
                    "StringEquals": {
                        "kms:CallerAccount": "593291632749",
                        "kms:ViaService": "sns.eu-west-1.amazonaws.com",
                    },
                },
            },
            {
                "Sid": "KeeperPublishes",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": publishing,
                "Resource": "*",
                "Condition": {
                    "ArnEquals": {"aws:PrincipalArn": KEEPER_ROLE},
                    "StringEquals": {
                        "kms:CallerAccount": "593291632749",
                        "kms:ViaService": "sns.eu-west-1.amazonaws.com",
                    },
                },
            },
        ],
    }


def test_the_dead_letter_queues_policy_refuses_what_comes_without_tls() -> None:
    queue = "arn:aws:sqs:eu-west-1:593291632749:export_hearings-DLQ"
    assert dead_letter_queue_policy(PLATFORM, push()) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DenyWithoutTls",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": [queue],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
