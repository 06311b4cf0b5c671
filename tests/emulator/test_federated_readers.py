"""Readers outside AWS on the local AWS: the roles, whom they trust, and whose tokens the account takes."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from data_exports.deploy.apply.outcomes import StackResult
from data_exports.deploy.plan.consents import Consent
from data_exports.errors import RefusedError
from data_exports.local.emulator import LocalAws
from tests.emulator.deploying import Ground, ground_of
from tests.estates import AZURE_READER, CLUSTER_READER, GOOGLE_READER, READERS_OUTSIDE_AWS, WORKFLOW_READER, pull

pytestmark = pytest.mark.emulator


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("f"))


def providers(ground: Ground) -> dict[str, list[str]]:
    """Url → audiences of every provider of the account."""
    iam = ground.client("iam")
    found: dict[str, list[str]] = {}
    for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=each["Arn"])
        found[provider["Url"]] = sorted(provider["ClientIDList"])
    return found


def role_of(ground: Ground, reader: Any) -> dict[str, Any]:
    name = f"export_lists-pull-{reader.short_id}"
    role: dict[str, Any] = ground.client("iam").get_role(RoleName=name)["Role"]
    return role


def test_one_of_each_kind_is_deployed(ground: Ground) -> None:
    estate = ground.estate(pull("lists", identities=READERS_OUTSIDE_AWS, outsiders=(), expires=date(2031, 3, 31)))
    ground.make_users_of(estate)
    result = ground.deploy(estate)
    assert {outcome.name: outcome.result for outcome in result.outcomes} == {
        "exports-foundation": StackResult.CREATED,
        "exports-access-logs": StackResult.CREATED,
        "exports-identity-providers": StackResult.CREATED,
        "exports-pull-lists": StackResult.CREATED,
        "exports-hub": StackResult.CREATED,
    }
    needed = (AZURE_READER, CLUSTER_READER, WORKFLOW_READER)
    assert providers(ground) == {reader.provider: [reader.audience] for reader in needed}
    for reader in READERS_OUTSIDE_AWS:
        role = role_of(ground, reader)
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Condition"] == {
            "StringEquals": dict(reader.conditions),
            "DateLessThan": {"aws:CurrentTime": "2031-04-01T00:00:00Z"},
        }
        assert role["MaxSessionDuration"] == 3600
    assert ground.deploy(estate).outcomes[0].result is StackResult.UNCHANGED


def test_a_reader_that_is_declared_no_longer_loses_its_role_and_the_provider_stays(ground: Ground) -> None:
    lists = pull("lists", identities=READERS_OUTSIDE_AWS)
    ground.make_users_of(ground.estate(lists))
    ground.deploy(ground.estate(lists))
    before = providers(ground)
    assert len(before) == 3
    ground.deploy(ground.estate(pull("lists", identities=(GOOGLE_READER,))))
    names = {each["RoleName"] for each in ground.client("iam").list_roles()["Roles"]}
    assert {name for name in names if "-pull-" in name} == {f"export_lists-pull-{GOOGLE_READER.short_id}"}
    assert providers(ground) == before


def test_a_new_tenant_needs_the_consent_of_a_new_account(ground: Ground) -> None:
    ground.make_users_of(ground.estate(pull("lists")))
    ground.deploy(ground.estate(pull("lists")))
    wider = ground.estate(pull("lists", identities=(AZURE_READER,)))
    with pytest.raises(RefusedError, match="the Azure tenant 1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394 through lists"):
        ground.deploy(wider)
    assert "exports-identity-providers" not in ground.statuses()
    assert ground.deploy(wider, allow=[Consent.ACCOUNT]).is_complete
    assert role_of(ground, AZURE_READER)["Path"] == "/"
