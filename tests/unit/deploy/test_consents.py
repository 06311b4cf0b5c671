"""Consents: what of a plan needs one, and what is said when it is missing."""

from dataclasses import replace

import pytest

from data_exports.deploy.consents import Consent, NeededConsent, check_consents, needed_consents
from data_exports.deploy.plan import Deployed, DeployedStack, ExistingBucket, Plan, plan_deploy
from data_exports.deploy.render import plan_as_data, render_plan
from data_exports.errors import RefusedError
from data_exports.names import BucketName
from data_exports.stacks.stack import Surroundings
from tests.estates import PLATFORM, estate_of, pull, push

AROUND = Surroundings(code_key="code/mover-0.zip")
REMOVAL = "it removes datasets that are no longer declared, with every access and delivery of theirs: moves"
TAKEOVER = "it takes over buckets that hold data, and opens them to the roles that new pull datasets name: mojap-lists"


def _plan(*, holds_data: bool) -> Plan:
    """Removes `moves`, and takes over the bucket of `lists`."""
    before = plan_deploy(estate_of(push("moves")), Deployed(), AROUND).steps
    stacks = (DeployedStack(step.name, "id", "CREATE_COMPLETE", step.stack.tags) for step in before if step.stack)
    plan = plan_deploy(estate_of(pull("lists")), Deployed(tuple(stacks)), AROUND)
    found = ExistingBucket(BucketName("mojap-lists"), holds_data)
    steps = (replace(step, takes_over=found) if step.dataset == "lists" else step for step in plan.steps)
    return replace(plan, steps=tuple(steps))


def test_removing_a_dataset_and_taking_over_data_each_need_a_consent() -> None:
    assert needed_consents(_plan(holds_data=True)) == (
        NeededConsent(Consent.REMOVAL, ("moves",), REMOVAL),
        NeededConsent(Consent.TAKEOVER, ("mojap-lists",), TAKEOVER),
    )
    assert [each.consent for each in needed_consents(_plan(holds_data=False))] == [Consent.REMOVAL]
    assert needed_consents(plan_deploy(estate_of(pull("lists")), Deployed(), AROUND)) == ()


def test_what_is_missing_is_said_and_the_whole_command_to_run() -> None:
    plan = _plan(holds_data=True)
    with pytest.raises(RefusedError) as refused:
        check_consents(plan, [Consent.REMOVAL])
    assert str(refused.value) == (
        f"nothing was deployed:\n  {TAKEOVER}\n"
        "  next: if this is meant: `exports deploy --allow removal --allow takeover`"
    )
    check_consents(plan, [Consent.TAKEOVER, Consent.REMOVAL])


def test_the_plan_shows_the_consents_it_needs() -> None:
    plan = _plan(holds_data=True)
    assert render_plan(plan, PLATFORM).splitlines()[-2:] == [
        f"NEEDS --allow removal: {REMOVAL}",
        f"NEEDS --allow takeover: {TAKEOVER}",
    ]
    assert plan_as_data(plan)["consents"] == {"removal": ["moves"], "takeover": ["mojap-lists"]}
