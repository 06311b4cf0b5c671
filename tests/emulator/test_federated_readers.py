"""Readers outside AWS on the local AWS: the roles, whom they trust, and whose tokens the account takes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_exports.deploy.apply.outcomes import StackResult, error_of_deploying
from data_exports.deploy.apply.waves import deploy
from data_exports.deploy.drift.difference import DEPLOY
from data_exports.deploy.drift.finding import read_drift
from data_exports.deploy.plan.consents import Consent
from data_exports.deploy.removal.destroy import destroy, read_destruction
from data_exports.errors import PartlyDoneError, RefusedError
from data_exports.estate.models import PullDataset
from data_exports.local.clients import client_with, session_by_token
from data_exports.local.emulator import LocalAws
from data_exports.local.issuers import local_issuer, token_claims_of
from data_exports.names import identity_provider_arn_of
from data_exports.readers.kinds import AnyReader, reader_of
from tests.emulator.deploying import Ground, ground_of
from tests.emulator.steps import refusal_of
from tests.estates import (
    AZURE_READER,
    CLUSTER_READER,
    GOOGLE_READER,
    READERS_OUTSIDE_AWS,
    TRANSFER_READER,
    WORKFLOW_READER,
    pull,
)

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


# --- providers that are there already --------------------------------------------------------------------------------

HOST = WORKFLOW_READER.host


def a_teams_provider(ground: Ground) -> None:
    """An OIDC provider that somebody else made, with an audience of theirs."""
    ground.client("iam").create_open_id_connect_provider(Url=WORKFLOW_READER.issuer, ClientIDList=["team"])


def lists_for(*readers: AnyReader) -> PullDataset:
    return pull("lists", outsiders=(), identities=readers)


def with_audience(reader: AnyReader, audience: str) -> AnyReader:
    ((kind, parts),) = reader.declaration.items()
    return reader_of({kind: {**parts, "audience": audience}})


def test_a_provider_of_somebody_else_is_referred_to_and_gets_an_audience_with_consent_alone(ground: Ground) -> None:
    a_teams_provider(ground)
    estate = ground.estate(lists_for(WORKFLOW_READER))
    ground.make_users_of(estate)
    with pytest.raises(RefusedError, match=f"the audience sts.amazonaws.com to https://{HOST}"):
        ground.deploy(estate)
    assert (ground.statuses(), providers(ground)) == ({}, {HOST: ["team"]})
    assert ground.deploy(estate, allow=[Consent.PROVIDER]).is_complete
    assert "exports-identity-providers" not in ground.statuses()
    assert providers(ground) == {HOST: ["sts.amazonaws.com", "team"]}
    assert {each.result for each in ground.deploy(estate).outcomes} == {StackResult.UNCHANGED}


def test_an_audience_that_its_owner_took_away_is_drift_and_comes_back_with_consent(ground: Ground) -> None:
    a_teams_provider(ground)
    estate = ground.estate(lists_for(WORKFLOW_READER))
    ground.make_users_of(estate)
    ground.deploy(estate, allow=[Consent.PROVIDER])
    arn = identity_provider_arn_of(ground.platform.account, HOST)
    ground.client("iam").remove_client_id_from_open_id_connect_provider(
        OpenIDConnectProviderArn=arn, ClientID="sts.amazonaws.com"
    )
    (drift,) = read_drift(estate, ground.aws, counted=lambda *_: None).drifts
    assert (drift.where, drift.what, drift.repair) == (
        "exports-pull-lists",
        f"the identity provider https://{HOST} takes the audience sts.amazonaws.com no longer",
        DEPLOY,
    )
    with pytest.raises(RefusedError, match="--allow provider"):
        ground.deploy(estate)
    result = ground.deploy(estate, allow=[Consent.PROVIDER])
    assert [step.name for step in result.plan.changes] == ["exports-pull-lists"]
    assert providers(ground) == {HOST: ["sts.amazonaws.com", "team"]}


def test_whoever_may_add_no_audience_deploys_the_rest_and_hears_of_it(ground: Ground) -> None:
    a_teams_provider(ground)
    estate = ground.estate(lists_for(WORKFLOW_READER))
    ground.make_users_of(estate)
    aws = ground.without("iam:AddClientIDToOpenIDConnectProvider")
    result = deploy(estate, aws, allow=[Consent.PROVIDER])
    assert [(each.name, each.result) for each in result.not_done] == [("exports-pull-lists", StackResult.CREATED)]
    assert result.not_done[0].reason.startswith(
        f"the audience sts.amazonaws.com to https://{HOST} could not be added, so its readers cannot get in: access"
    )
    assert isinstance(error_of_deploying(result), PartlyDoneError)
    assert ground.deploy(estate, allow=[Consent.PROVIDER]).is_complete


def test_our_own_provider_is_known_again_after_its_stack_went(ground: Ground) -> None:
    estate = ground.estate(lists_for(WORKFLOW_READER))
    ground.make_users_of(estate)
    ground.deploy(estate)
    destroyed = destroy(estate, ground.aws, read_destruction(estate, ground.aws))
    assert {each.name: each.note for each in destroyed.outcomes if each.note} == {
        "exports-identity-providers": "its identity providers are kept: others may have come to rely on them"
    }
    assert ground.statuses() == {}
    assert providers(ground) == {HOST: ["sts.amazonaws.com"]}
    other = ground.estate(lists_for(with_audience(WORKFLOW_READER, "another")))
    assert ground.deploy(other).is_complete
    assert providers(ground) == {HOST: ["another", "sts.amazonaws.com"]}


def test_an_audience_that_others_added_to_our_provider_stays(ground: Ground) -> None:
    estate = ground.estate(lists_for(WORKFLOW_READER))
    ground.make_users_of(estate)
    ground.deploy(estate)
    arn = identity_provider_arn_of(ground.platform.account, HOST)
    ground.client("iam").add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="team")
    assert read_drift(estate, ground.aws, counted=lambda *_: None).drifts == ()
    other = ground.estate(lists_for(with_audience(WORKFLOW_READER, "another")))
    assert ground.deploy(other).is_complete
    assert providers(ground) == {HOST: ["another", "sts.amazonaws.com", "team"]}


# --- who gets in -----------------------------------------------------------------------------------------------------


def test_each_reader_gets_at_its_bucket_with_a_right_token_and_at_nothing_else(ground: Ground) -> None:
    estate = ground.estate(
        lists_for(*READERS_OUTSIDE_AWS), pull("notes", outsiders=(), users=(), identities=(GOOGLE_READER,))
    )
    ground.make_users_of(estate)
    ground.deploy(estate)
    lists, notes = (f"{ground.platform.pull_bucket_prefix}{name}" for name in ("lists", "notes"))
    for bucket in (lists, notes):
        ground.client("s3").put_object(Bucket=bucket, Key="x", Body=b"1")
    issuers = {url: local_issuer(ground.local.folder, url) for url in {each.issuer for each in READERS_OUTSIDE_AWS}}
    for reader in READERS_OUTSIDE_AWS:
        role = str(estate.pull_datasets[0].role_arn_of(reader, ground.platform))
        issuer, claims = issuers[reader.issuer], token_claims_of(reader)
        s3 = client_with(ground.local, "s3", session_by_token(ground.local, role, issuer.token(claims)))
        assert s3.get_object(Bucket=lists, Key="x")["Body"].read() == b"1"
        assert refusal_of(partial(s3.list_objects_v2, Bucket=lists)) == ""
        assert refusal_of(partial(s3.put_object, Bucket=lists, Key="y", Body=b"")) == "AccessDenied"
        assert refusal_of(partial(s3.get_object, Bucket=notes, Key="x")) == "AccessDenied"
        is_told = refusal_of(partial(s3.get_bucket_location, Bucket=lists)) == ""
        assert is_told == (reader is TRANSFER_READER)
        for wrong in ({"sub": "another"}, *([{"aud": "another"}] if reader.audience else [])):
            token = issuer.token({**claims, **wrong})
            refused = refusal_of(partial(session_by_token, ground.local, role, token))
            assert refused in ("AccessDenied", "InvalidIdentityToken"), (reader.kind, wrong)
        with pytest.raises(ClientError, match="DurationSeconds"):
            session_by_token(ground.local, role, issuer.token(claims), duration_seconds=3601)


def test_after_the_end_no_token_gets_in(ground: Ground) -> None:
    ended = lists_for(GOOGLE_READER)
    estate = ground.estate(replace(ended, expires=date(2021, 3, 31)))
    ground.make_users_of(estate)
    ground.deploy(estate)
    token = local_issuer(ground.local.folder, GOOGLE_READER.issuer).token(token_claims_of(GOOGLE_READER))
    role = str(ended.role_arn_of(GOOGLE_READER, ground.platform))
    assert refusal_of(lambda: session_by_token(ground.local, role, token)) == "AccessDenied"


def test_a_role_that_somebody_made_under_a_readers_name_is_adopted_with_consent_and_loses_what_it_had(
    ground: Ground,
) -> None:
    estate = ground.estate(lists_for(GOOGLE_READER))
    ground.make_users_of(estate)
    name = f"export_lists-pull-{GOOGLE_READER.short_id}"
    ground.make_roles([name])
    ground.client("iam").attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    with pytest.raises(RefusedError, match=f"the role {name}"):
        ground.deploy(estate)
    assert ground.deploy(estate, allow=[Consent.ADOPTION]).is_complete
    assert ground.client("iam").list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    role = role_of(ground, GOOGLE_READER)
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Federated": "accounts.google.com"}
    assert role["MaxSessionDuration"] == 3600
    assert read_drift(estate, ground.aws, counted=lambda *_: None).drifts == ()


def test_whoever_may_not_look_at_providers_deploys_what_does_not_need_them(ground: Ground) -> None:
    a_teams_provider(ground)
    estate = ground.estate(lists_for(WORKFLOW_READER), pull("notes"))
    ground.make_users_of(estate)
    result = deploy(estate, ground.without("iam:ListOpenIDConnectProviders"))
    assert {each.name: each.result for each in result.outcomes if each.reason} == {
        "exports-identity-providers": StackResult.FAILED
    }
    assert "already exists" in result.of("exports-identity-providers").reason
    assert providers(ground) == {HOST: ["team"]}
