"""What stacks hold for readers outside AWS: a role each that nobody else can assume, and the providers."""

import json
from datetime import date
from typing import Any

import pytest

from data_exports.access.grants import Role, grants_of_pull
from data_exports.readers.kinds import reader_of
from data_exports.stacks.identity_providers import audiences_of, identity_providers_stack
from data_exports.stacks.metadata import grants_in
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.stack import ExistingProvider
from tests.estates import (
    AZURE_READER,
    CLUSTER_READER,
    GOOGLE_READER,
    PLATFORM,
    READERS_OUTSIDE_AWS,
    TENANT,
    TRANSFER_READER,
    WORKFLOW_READER,
    pull,
)
from tests.unit.stacks.all_stacks import AROUND

READ = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"]
WRITE = ["s3:AbortMultipartUpload", "s3:DeleteObject", *READ, "s3:PutObject"]
TABLES = pull("tables", identities=READERS_OUTSIDE_AWS, outsiders=())


def template_of(**changes: Any) -> dict[str, Any]:
    declared = pull("tables", **{"identities": READERS_OUTSIDE_AWS, "outsiders": (), **changes})
    body: dict[str, Any] = json.loads(pull_stack(PLATFORM, declared, AROUND).body)
    return body


def roles_of(template: dict[str, Any]) -> dict[str, Any]:
    found = (each for each in template["Resources"].values() if each["Type"] == "AWS::IAM::Role")
    return {each["Properties"]["RoleName"]: each["Properties"] for each in found}


def test_each_reader_has_a_role_of_its_own() -> None:
    assert set(roles_of(template_of())) == {f"export_tables-pull-{each.short_id}" for each in READERS_OUTSIDE_AWS}


@pytest.mark.parametrize("reader", READERS_OUTSIDE_AWS, ids=lambda reader: reader.kind)
def test_only_this_reader_can_assume_it(reader: Any) -> None:
    properties = roles_of(template_of())[f"export_tables-pull-{reader.short_id}"]
    federated = {
        GOOGLE_READER: "accounts.google.com",
        TRANSFER_READER: "accounts.google.com",
        AZURE_READER: f"arn:aws:iam::593291632749:oidc-provider/sts.windows.net/{TENANT}/",
        CLUSTER_READER: f"arn:aws:iam::593291632749:oidc-provider/{CLUSTER_READER.host}",
        WORKFLOW_READER: "arn:aws:iam::593291632749:oidc-provider/token.actions.githubusercontent.com",
    }
    assert properties["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Sid": "ThisReaderOnly",
            "Effect": "Allow",
            "Principal": {"Federated": federated[reader]},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": dict(reader.conditions)},
        }
    ]
    assert (properties["MaxSessionDuration"], properties["Path"]) == (3600, "/")


def test_it_may_read_this_bucket_and_no_other() -> None:
    of_google = roles_of(template_of())[f"export_tables-pull-{GOOGLE_READER.short_id}"]["Policies"]
    assert of_google == [
        {
            "PolicyName": "fetch",
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "ListBucket",
                        "Effect": "Allow",
                        "Action": ["s3:ListBucket"],
                        "Resource": "arn:aws:s3:::mojap-tables",
                    },
                    {"Sid": "UseObjects", "Effect": "Allow", "Action": READ, "Resource": "arn:aws:s3:::mojap-tables/*"},
                ],
            },
        }
    ]


def test_the_transfer_service_may_see_where_the_bucket_is() -> None:
    (policy,) = roles_of(template_of())[f"export_tables-pull-{TRANSFER_READER.short_id}"]["Policies"]
    assert policy["PolicyDocument"]["Statement"][0]["Action"] == ["s3:GetBucketLocation", "s3:ListBucket"]


def test_with_allow_push_it_may_write() -> None:
    for properties in roles_of(template_of(allow_push=True)).values():
        assert properties["Policies"][0]["PolicyDocument"]["Statement"][1]["Action"] == WRITE


def test_an_end_stands_in_the_trust_and_in_the_permissions() -> None:
    ends = {"aws:CurrentTime": "2031-04-01T00:00:00Z"}
    for properties in roles_of(template_of(expires=date(2031, 3, 31))).values():
        documents = [properties["AssumeRolePolicyDocument"], properties["Policies"][0]["PolicyDocument"]]
        conditions = [each["Condition"]["DateLessThan"] for document in documents for each in document["Statement"]]
        assert conditions == [ends] * 3


def test_the_buckets_policy_says_nothing_of_them() -> None:
    policies = [each for each in template_of()["Resources"].values() if each["Type"] == "AWS::S3::BucketPolicy"]
    assert [each["Effect"] for each in policies[0]["Properties"]["PolicyDocument"]["Statement"]] == ["Deny", "Deny"]


def test_what_the_template_grants_is_read_back_with_whom() -> None:
    declared = pull("tables", identities=READERS_OUTSIDE_AWS, allow_push=True, expires=date(2031, 3, 31))
    template = json.loads(pull_stack(PLATFORM, declared, AROUND).body)
    assert grants_in(template, declared.name) == grants_of_pull(PLATFORM, declared)
    readers = {grant.reader for grant in grants_in(template, declared.name) if grant.role is Role.FEDERATED}
    assert readers == set(READERS_OUTSIDE_AWS)


# --- whose tokens ----------------------------------------------------------------------------------------------------


def test_one_provider_for_each_issuer_with_every_audience() -> None:
    others = WORKFLOW_READER.declaration["oidc"] | {"subject": "repo:example/others:environment:prod", "audience": "b"}
    stack = identity_providers_stack(PLATFORM, [TABLES, pull("more", identities=(reader_of({"oidc": others}),))])
    assert stack is not None
    template = json.loads(stack.body)
    found = list(template["Resources"].values())
    assert all(each["Type"] == "AWS::IAM::OIDCProvider" for each in found)
    assert all((each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("Retain", "Retain") for each in found)
    assert {len(title) for title in template["Resources"]} == {len("Provider") + 40}
    assert {each["Properties"]["Url"]: each["Properties"]["ClientIdList"] for each in found} == {
        f"https://sts.windows.net/{TENANT}/": ["api://exports"],
        CLUSTER_READER.issuer: ["sts.amazonaws.com"],
        WORKFLOW_READER.issuer: ["b", "sts.amazonaws.com"],
    }


def test_one_that_is_there_already_is_left_out() -> None:
    stack = identity_providers_stack(PLATFORM, [TABLES], [ExistingProvider(WORKFLOW_READER.issuer, frozenset())])
    assert stack is not None
    assert WORKFLOW_READER.host not in stack.body


def test_a_provider_of_ours_keeps_the_audiences_that_others_added() -> None:
    ours = ExistingProvider(WORKFLOW_READER.issuer, frozenset({"a team's own"}), is_ours=True, is_in_stack=True)
    stack = identity_providers_stack(PLATFORM, [pull(identities=(WORKFLOW_READER,))], [ours])
    assert stack is not None
    (found,) = json.loads(stack.body)["Resources"].values()
    assert found["Properties"]["ClientIdList"] == ["a team's own", "sts.amazonaws.com"]


def test_an_audience_that_cloudformation_would_look_up_is_not_kept() -> None:
    added = frozenset({"{{resolve:secretsmanager:key}}", "{a}", "another"})
    ours = ExistingProvider(WORKFLOW_READER.issuer, added, is_ours=True, is_in_stack=True)
    stack = identity_providers_stack(PLATFORM, [pull(identities=(WORKFLOW_READER,))], [ours])
    assert stack is not None
    (found,) = json.loads(stack.body)["Resources"].values()
    assert found["Properties"]["ClientIdList"] == ["another", "sts.amazonaws.com", "{a}"]


def test_without_readers_that_need_one_there_is_no_stack() -> None:
    known_to_aws = pull(identities=(GOOGLE_READER, TRANSFER_READER))
    assert audiences_of([known_to_aws]) == {}
    assert identity_providers_stack(PLATFORM, [pull(), known_to_aws]) is None
    assert (
        identity_providers_stack(
            PLATFORM, [TABLES], [ExistingProvider(issuer, frozenset()) for issuer in audiences_of([TABLES])]
        )
        is None
    )
