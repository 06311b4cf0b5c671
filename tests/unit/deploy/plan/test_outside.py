"""Plans for recipients in other clouds: what is said of files that wait and of prices, and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from data_exports.deploy.plan.consents import Consent, check_consents, check_possible, needed_consents
from data_exports.deploy.plan.offline import plan_against
from data_exports.deploy.plan.outside_words import EGRESS_PRICE, WAITING_FILES, federation_not_asked_for
from data_exports.deploy.plan.plan_data import plan_as_data
from data_exports.deploy.plan.planning import Plan
from data_exports.destinations.destination import Federation
from data_exports.destinations.federation import federation_for, read_federation
from data_exports.errors import AwsError, RefusedError
from data_exports.views.plan import remarks_of, render_plan
from data_exports.views.plan_markdown import plan_as_markdown
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, at_azure, at_google, at_s3, estate_of, push
from tests.json_data import json_data

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
OFF = Federation(is_on=False)
INFO = "get_outbound_web_identity_federation_info"
ISSUER = "https://0a1b2c3d.tokens.sts.global.api.aws"


def planned(before: Any, after: Any, **changes: Any) -> Plan:
    """Of one dataset that goes from one destination to another; None: it is not declared."""
    was, will_be = (
        estate_of(*([push("orders", destination=there, **changes)] if there else []), push("other"))
        for there in (before, after)
    )
    return plan_against(will_be, was, name="main", moment=NOW)


def remarks(plan: Plan) -> str:
    (step,) = (each for each in plan.steps if each.dataset == "orders")
    return remarks_of(step)


@pytest.mark.parametrize(
    ("before", "after", "waits", "costs"),
    [
        (at_s3(), at_azure(), True, True),
        (at_azure(), at_google(), True, True),
        (at_azure(), at_azure(container="other"), True, True),
        (at_google(), at_s3(), True, False),
        (at_s3(), at_s3("other"), False, False),
        (None, at_azure(), False, True),
        (None, at_s3(), False, False),
        (at_azure(), None, False, False),
    ],
)
def test_a_plan_says_what_becomes_of_files_that_wait_and_what_leaving_aws_costs(
    before: Any, after: Any, waits: bool, costs: bool
) -> None:
    said = remarks(planned(before, after))
    assert ((WAITING_FILES in said), (EGRESS_PRICE in said)) == (waits, costs)
    if waits or costs:
        assert said in render_plan(planned(before, after), PLATFORM)


def test_the_price_of_leaving_aws_is_told_by_the_gb_and_by_the_terabyte() -> None:
    assert EGRESS_PRICE == (
        "AWS bills what leaves it for the internet, which deliveries to another cloud do: $0.09 for each GB up to 10 TB"
        " a month, after 100 GB a month of the whole account that cost nothing; a terabyte beyond them is about $92"
    )


def test_another_setting_of_such_a_dataset_says_neither() -> None:
    before = estate_of(push("orders", destination=at_azure()))
    after = estate_of(push("orders", destination=at_azure(), keep_files=True))
    said = remarks(plan_against(after, before, name="main", moment=NOW))
    assert said
    assert WAITING_FILES not in said
    assert EGRESS_PRICE not in said


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (at_s3(), at_azure()),
        (at_azure(), at_azure(tenant="1b9e6a52-0f3d-4c57-9d0e-000000000000")),
        (at_azure(), at_azure(client="1b9e6a52-0f3d-4c57-9d0e-000000000000")),
        (at_azure(), at_azure(container="other")),
        (at_google(), at_google(bucket="hj-other")),
        (at_google(), at_google(service_account="exporter@hj-research.iam.gserviceaccount.com")),
        (at_google(), at_azure()),
    ],
)
def test_another_recipient_needs_consent_and_is_refused_without(before: Any, after: Any) -> None:
    plan = planned(before, after)
    (needed,) = needed_consents(plan)
    assert (needed.consent, needed.names) == (Consent.ACCOUNT, (" ".join(after.words),))
    with pytest.raises(RefusedError, match="it opens data to accounts that had no access before: the") as refused:
        check_consents(plan, [])
    assert "deploy --allow account" in str(refused.value)
    check_consents(plan, [Consent.ACCOUNT])


def test_a_recipient_that_is_known_needs_none() -> None:
    known = push("tables", destination=at_azure(), users=())
    plan = plan_against(estate_of(known, push("orders", destination=at_azure())), estate_of(known), name="", moment=NOW)
    assert needed_consents(plan) == ()


def test_nothing_is_deployed_where_the_account_allows_no_federation_and_the_plan_says_how_to() -> None:
    plan = replace(planned(None, at_azure()), federation=OFF)
    with pytest.raises(RefusedError) as refused:
        check_possible(plan)
    assert str(refused.value) == (
        "nothing was deployed:\n  outbound web identity federation: this account does not allow outbound web identity "
        "federation, by which movers get into other clouds\n"
        "  next: `aws iam enable-outbound-web-identity-federation`, once for the account"
    )
    assert "REFUSED: outbound web identity federation: " in render_plan(plan, PLATFORM)
    assert "Cannot be carried out" in plan_as_markdown(plan, PLATFORM)
    shown = json_data(plan_as_data(plan))
    assert (shown["refused"], shown["federation"]["is_on"]) == (["outbound web identity federation"], False)


def test_a_recipient_that_is_there_is_warned_of_where_the_account_allows_no_federation() -> None:
    plan = replace(planned(at_azure(), at_azure()), federation=OFF)
    check_possible(plan)
    said = (
        "this account does not allow outbound web identity federation, by which movers get into other clouds, and "
        "nothing is delivered there until it does: `aws iam enable-outbound-web-identity-federation`, once for the "
        "account"
    )
    assert f"WARNING: {said}" in render_plan(plan, PLATFORM)
    assert "by which movers get into other clouds, and nothing is delivered there" in plan_as_markdown(plan, PLATFORM)
    assert json_data(plan_as_data(plan))["refused"] == []


def test_users_and_recipients_may_go_and_none_may_come_where_the_account_allows_no_federation() -> None:
    orders, tables = (push(name, destination=at_azure()) for name in ("orders", "tables"))
    without_users = push("orders", destination=at_azure(), users=())
    for after in (estate_of(without_users, tables), estate_of(orders), estate_of(orders, replace(tables, users=()))):
        plan = plan_against(after, estate_of(orders, tables), name="main", moment=NOW)
        assert plan.changes
        check_possible(replace(plan, federation=OFF))
    plan = plan_against(estate_of(without_users, tables), estate_of(orders), name="main", moment=NOW)
    with pytest.raises(RefusedError, match="outbound web identity federation"):
        check_possible(replace(plan, federation=OFF))


@pytest.mark.parametrize("found", [None, Federation(is_on=True, issuer=ISSUER)])
def test_where_it_is_on_or_nobody_needs_it_nothing_is_said(found: Federation | None) -> None:
    plan = planned(None, at_azure())
    check_possible(replace(plan, federation=found))
    assert render_plan(replace(plan, federation=found), PLATFORM) == render_plan(plan, PLATFORM)


def test_where_aws_does_not_tell_that_is_said_and_refuses_nothing() -> None:
    plan = replace(planned(None, at_azure()), federation=Federation(is_on=None, not_told="access denied: no"))
    check_possible(plan)
    said = "whether this account allows outbound web identity federation is not known: access denied: no"
    assert f"WARNING: {said}" in render_plan(plan, PLATFORM)
    assert "whether this account allows outbound" in plan_as_markdown(plan, PLATFORM)


# --- what AWS says ---------------------------------------------------------------------------------------------------


def test_whether_it_is_on_is_told_apart_from_what_is_not_told() -> None:
    on = AwsAnswers({INFO: {"IssuerIdentifier": ISSUER, "JwtVendingEnabled": True}})
    assert read_federation(on) == Federation(is_on=True, issuer=ISSUER)
    assert read_federation(AwsAnswers({INFO: {"IssuerIdentifier": ISSUER, "JwtVendingEnabled": False}})) == OFF
    assert read_federation(AwsAnswers({INFO: refusal("FeatureDisabled")})) == OFF
    denied = read_federation(AwsAnswers({INFO: refusal("AccessDenied", "not you")}))
    assert (denied.is_on, "not you" in denied.not_told) == (None, True)
    with pytest.raises(AwsError):
        read_federation(AwsAnswers({INFO: refusal("ServiceFailure")}))


def test_aws_is_asked_only_where_a_destination_is_outside_it() -> None:
    aws = AwsAnswers({INFO: {"IssuerIdentifier": ISSUER, "JwtVendingEnabled": True}})
    assert federation_for([at_s3()], aws) is None
    assert aws.asked == []
    assert federation_for([at_s3(), at_azure(), at_google()], aws) == Federation(is_on=True, issuer=ISSUER)
    assert len(aws.asked) == 1


def test_where_nobody_asks_whether_it_is_on_that_is_said_of_the_datasets_that_need_it() -> None:
    there = (push("orders", destination=at_azure()), push("tables", destination=at_google()))
    assert federation_not_asked_for(estate_of(push("in_aws"))) == ""
    assert federation_not_asked_for(estate_of(push("in_aws"), *there)) == (
        "orders, tables: delivered outside AWS once this account allows outbound web identity federation; nobody has "
        "looked here whether it does: `exports check --live` tells, `aws iam enable-outbound-web-identity-federation`, "
        "once for the account"
    )
