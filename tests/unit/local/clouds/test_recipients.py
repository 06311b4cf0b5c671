"""What several letters ask for stands side by side at the stand-ins."""

import json

from data_exports.contract.federation import AZURE_AUDIENCE
from data_exports.destinations.azure.half import ContainerHalf
from data_exports.destinations.destination import Route
from data_exports.destinations.google.half import GoogleBucketHalf
from data_exports.destinations.kinds import OutsideDestination
from data_exports.local.clouds.declared import (
    ActingAccount,
    BlobContainer,
    CloudBucket,
    EntraApplication,
    FederatedCredential,
    WorkloadProvider,
    declared_json,
    declared_of,
)
from data_exports.local.clouds.recipients import things_put_in_place
from data_exports.names import DatasetName, KeyPrefix, RoleArn
from tests.estates import at_azure, at_google

ISSUER = "https://1b9e8c6a.tokens.sts.global.api.aws"
ACTOR = "exporter@hj.iam.gserviceaccount.com"


def role_of(dataset: str) -> RoleArn:
    return RoleArn(f"arn:aws:iam::593291632749:role/export_{dataset}")


def half_of(there: OutsideDestination, dataset: str) -> ContainerHalf | GoogleBucketHalf:
    route = Route(DatasetName(dataset), KeyPrefix(f"{dataset}/"), role_of(dataset), issuer=ISSUER)
    facts = there.half(route).facts
    assert isinstance(facts, ContainerHalf | GoogleBucketHalf)
    return facts


def test_two_datasets_of_one_container_come_in_by_one_application() -> None:
    application, container = things_put_in_place(half_of(at_azure(), each) for each in ("hearings", "judgments"))
    assert isinstance(application, EntraApplication)
    expected = [FederatedCredential(ISSUER, role_of(each), (AZURE_AUDIENCE,)) for each in ("hearings", "judgments")]
    assert list(application.credentials) == expected
    assert isinstance(container, BlobContainer)
    hearings, judgments = (each.condition for each in container.assignments)
    assert ("'hearings/'" in hearings, "'judgments/'" in judgments) == (True, True)


def test_two_datasets_of_one_bucket_act_as_one_account() -> None:
    there = at_google(service_account=ACTOR)
    made = list(things_put_in_place(half_of(there, each) for each in ("hearings", "judgments")))
    assert [type(each) for each in made] == [WorkloadProvider, WorkloadProvider, ActingAccount, CloudBucket]
    account, bucket = made[2], made[3]
    assert isinstance(account, ActingAccount)
    assert isinstance(bucket, CloudBucket)
    assert [user.rsplit("_", 1)[1] for user in account.users] == ["hearings", "judgments"]
    assert {each.member for each in bucket.bindings} == {f"serviceAccount:{ACTOR}"}


def test_what_is_told_over_http_is_what_was_meant() -> None:
    for each in things_put_in_place([half_of(at_azure(), "hearings"), half_of(at_google(), "hearings")]):
        assert declared_of(json.loads(json.dumps(declared_json(each)))) == each
