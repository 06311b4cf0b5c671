"""What stacks hold for readers by SFTP: one server while somebody needs it, and a role and a user each."""

import json
from datetime import date
from typing import Any

import pytest

from data_exports.access.grants import grants_of_pull
from data_exports.access.sizes import size_of
from data_exports.estate.models import PullDataset
from data_exports.readers.sftp import sftp_reader_of
from data_exports.stacks.metadata import UnreadableMetadataError, grants_in
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.sftp import sftp_stack, without_sftp
from data_exports.stacks.written import deployed_estate
from tests import ssh_keys
from tests.estates import PLATFORM, SFTP_READER, pull
from tests.unit.stacks.all_stacks import AROUND

OTHER = sftp_reader_of({"name": "calder@example.org", "keys": [ssh_keys.OTHER, ssh_keys.RSA_2048]})


def template_of(pull_dataset: PullDataset) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(pull_stack(PLATFORM, pull_dataset, AROUND).body)
    return body


def tables(**changes: Any) -> PullDataset:
    return pull("tables", **{"sftp_readers": (SFTP_READER, OTHER), **changes})


def resources_of(template: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]


def test_the_server_stands_while_a_dataset_has_such_a_reader() -> None:
    assert sftp_stack(PLATFORM, [pull()]) is None
    stack = sftp_stack(PLATFORM, [pull(), tables()])
    assert stack is not None
    template = json.loads(stack.body)
    assert resources_of(template, "AWS::Transfer::Server") == [
        {
            "Domain": "S3",
            "EndpointType": "PUBLIC",
            "IdentityProviderType": "SERVICE_MANAGED",
            "ProtocolDetails": {"SetStatOption": "ENABLE_NO_OP"},
            "Protocols": ["SFTP"],
            "SecurityPolicyName": "TransferSecurityPolicy-2025-03",
            "StructuredLogDestinations": ["arn:aws:logs:eu-west-1:593291632749:log-group:/aws/transfer/exports-sftp:*"],
        }
    ]
    assert resources_of(template, "AWS::Logs::LogGroup") == [
        {"LogGroupName": "/aws/transfer/exports-sftp", "RetentionInDays": 400}
    ]
    assert template["Outputs"]["ServerId"]["Export"] == {"Name": "exports-sftp-server"}
    assert sftp_stack(PLATFORM, [tables(sftp_readers=(OTHER,))]) == stack


def test_a_user_is_at_home_in_this_bucket_alone() -> None:
    users = {each["UserName"]: each for each in resources_of(template_of(tables()), "AWS::Transfer::User")}
    assert users["calder@example.org"] == {
        "HomeDirectoryMappings": [{"Entry": "/", "Target": "/mojap-tables"}],
        "HomeDirectoryType": "LOGICAL",
        "Role": {"Fn::GetAtt": [f"SftpRole{OTHER.short_id}", "Arn"]},
        "ServerId": {"Fn::ImportValue": "exports-sftp-server"},
        "SshPublicKeys": sorted([ssh_keys.OTHER, ssh_keys.RSA_2048]),
        "UserName": "calder@example.org",
    }
    assert set(users) == {"calder@example.org", "meridian"}


@pytest.mark.parametrize("ends", [{}, {"expires": date(2031, 3, 31)}])
def test_transfer_family_alone_takes_on_the_role_and_for_this_user(ends: dict[str, Any]) -> None:
    roles = resources_of(template_of(tables(**ends)), "AWS::IAM::Role")
    named = {each["RoleName"]: each for each in roles}
    role = named[f"export_tables-pull-{SFTP_READER.short_id}"]
    end = {"DateLessThan": {"aws:CurrentTime": "2031-04-01T00:00:00Z"}} if ends else {}
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Sid": "ThisReaderOnly",
            "Effect": "Allow",
            "Principal": {"Service": "transfer.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "ArnLike": {"aws:SourceArn": "arn:aws:transfer:eu-west-1:593291632749:user/*/meridian"},
                **end,
                "StringEquals": {"aws:SourceAccount": "593291632749"},
            },
        }
    ]
    (policy,) = role["Policies"]
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Sid": "ListBucket",
            "Effect": "Allow",
            "Action": ["s3:ListBucket"],
            "Resource": "arn:aws:s3:::mojap-tables",
            **({"Condition": end} if end else {}),
        },
        {
            "Sid": "ReadObjects",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": "arn:aws:s3:::mojap-tables/*",
            **({"Condition": end} if end else {}),
        },
    ]
    assert len(named) == 2


def test_with_allow_push_files_may_be_added_under_incoming() -> None:
    for role in resources_of(template_of(tables(allow_push=True)), "AWS::IAM::Role"):
        assert role["Policies"][0]["PolicyDocument"]["Statement"][2] == {
            "Sid": "AddIncoming",
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:PutObject"],
            "Resource": "arn:aws:s3:::mojap-tables/incoming/*",
        }
        assert size_of(role["Policies"][0]["PolicyDocument"]) < 10_240


def test_the_buckets_policy_says_nothing_of_them() -> None:
    policies = (resources_of(template_of(each), "AWS::S3::BucketPolicy") for each in (tables(), pull("tables")))
    with_them, without = policies
    assert with_them == without


def test_another_order_of_keys_and_another_comment_change_nothing() -> None:
    turned = sftp_reader_of({"name": OTHER.name, "keys": [f"{key} a comment" for key in reversed(OTHER.keys)]})
    resources = [template_of(tables(sftp_readers=(each,)))["Resources"] for each in (OTHER, turned)]
    assert resources[0] == resources[1]


def test_long_names_of_datasets_have_roles_that_fit() -> None:
    one, other = (pull("a" * 51 + end, sftp_readers=(SFTP_READER,)) for end in "bc")
    names = {each["RoleName"] for each in resources_of(template_of(one), "AWS::IAM::Role")}
    names |= {each["RoleName"] for each in resources_of(template_of(other), "AWS::IAM::Role")}
    assert {len(name) for name in names} == {64}
    assert len(names) == 2


def test_what_the_template_grants_and_declares_is_read_back() -> None:
    declared = tables(allow_push=True, expires=date(2031, 3, 31))
    template = template_of(declared)
    assert grants_in(template, declared.name) == grants_of_pull(PLATFORM, declared)
    settings = {
        "account": PLATFORM.account,
        "region": PLATFORM.region,
        "hub_bucket": PLATFORM.hub_bucket,
        "pull_bucket_prefix": PLATFORM.pull_bucket_prefix,
        "user_roles": list(PLATFORM.user_roles),
        "sftp": True,
    }
    foundation = {"Metadata": {"DataExports": {"platform": settings}}}
    found = deployed_estate(foundation, [(declared.name, False, template)])
    assert found.estate is not None
    assert found.estate.pull_datasets == (declared,)


@pytest.mark.parametrize("reader", [{"keys": []}, {"name": "meridian", "keys": "x"}, {"name": "a", "keys": ["b"]}, 1])
def test_damaged_metadata_is_not_guessed_at(reader: object) -> None:
    template = template_of(tables())
    for grant in template["Metadata"]["DataExports"]["grants"]:
        grant.update({"reader": reader} if "reader" in grant else {})
    with pytest.raises(UnreadableMetadataError):
        grants_in(template, tables().name)


def test_where_there_is_no_server_the_rest_of_a_datasets_stack_is_as_without_such_readers() -> None:
    left = without_sftp(pull_stack(PLATFORM, tables(), AROUND))
    plain = pull_stack(PLATFORM, pull("tables"), AROUND)
    assert json.loads(left.body)["Resources"] == json.loads(plain.body)["Resources"]
    assert grants_in(json.loads(left.body), tables().name) == grants_in(json.loads(plain.body), tables().name)
    assert left.digest == dict(left.tags)["data-exports:digest"]
    assert without_sftp(plain) == plain
