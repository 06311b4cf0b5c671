"""The SFTP server in a plan: its price, when it goes, and when it would be made anew."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from data_exports.deploy.apply.outcomes import StackFinished, StackOutcome, StackResult
from data_exports.deploy.apply.waves import _not_by_sftp, _remove
from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.consents import needed_consents
from data_exports.deploy.plan.effects import TemplateLookup, with_effects
from data_exports.deploy.plan.offline import plan_against
from data_exports.deploy.plan.plan_data import plan_as_data
from data_exports.deploy.plan.planning import Action, Plan, plan_deploy
from data_exports.estate.models import Estate
from data_exports.stacks.stack import HUB_TAG, Surroundings, Wave
from data_exports.views.plan import render_plan, setting_in_words
from tests.estates import PLATFORM, SFTP_READER, estate_of, pull, push
from tests.json_data import json_data

AROUND = Surroundings(code_key="code/mover.zip")
NOW = datetime(2026, 11, 25, tzinfo=UTC)
WITH = replace(PLATFORM, sftp=True)
LISTS = pull("lists", sftp_readers=(SFTP_READER,))
SERVED = estate_of(push(), LISTS, pull("notes"), platform=WITH)
BARE = estate_of(push(), pull("lists"), pull("notes"), platform=WITH)
PRICE = (
    "a server of AWS Transfer Family for SFTP takes $0.30 an hour, used or not, which is $219 a month, and $0.04 for"
    " each GB that is read or written"
)


def deployed(estate: Estate, **templates: Any) -> tuple[Deployed, dict[str, TemplateLookup]]:
    """The estate as if deployed; some stacks may have another template."""
    steps = [step for step in plan_deploy(estate, Deployed(), AROUND).steps if step.stack]
    stacks = (DeployedStack(step.name, "id", "CREATE_COMPLETE", step.stack.tags) for step in steps if step.stack)
    bodies = {step.name: json.loads(step.stack.body) for step in steps if step.stack}
    return Deployed(tuple(stacks)), {name: TemplateLookup(body) for name, body in {**bodies, **templates}.items()}


def live(before: Estate, after: Estate) -> Plan:
    stacks, templates = deployed(before)
    return with_effects(plan_deploy(after, stacks, AROUND), after, templates, moment=NOW)


def told(plan: Plan) -> dict[str, tuple[Action, str]]:
    return {step.name: (step.action, step.reason) for step in plan.changes}


def test_the_plan_that_makes_the_server_says_its_price_to_people_and_programs() -> None:
    plan = live(BARE, SERVED)
    assert told(plan) == {"exports-sftp": (Action.CREATE, PRICE), "exports-pull-lists": (Action.UPDATE, "")}
    assert PRICE in render_plan(plan, WITH)
    (stack,) = (each for each in json_data(plan_as_data(plan))["stacks"] if each["stack"] == "exports-sftp")
    assert (stack["action"], stack["reason"]) == ("create", PRICE)


def test_one_that_an_earlier_run_left_unfinished_says_both() -> None:
    left = DeployedStack("exports-sftp", "id", "ROLLBACK_COMPLETE", deployed(SERVED)[0].find("exports-sftp").tags)  # type: ignore[union-attr]
    step = next(each for each in plan_deploy(SERVED, Deployed((left,)), AROUND).steps if each.name == "exports-sftp")
    assert (step.action, step.reason) == (Action.REPLACE, f"left by an earlier run: ROLLBACK_COMPLETE; {PRICE}")


def test_the_server_goes_last_and_without_a_consent_of_its_own() -> None:
    plan = live(SERVED, BARE)
    words = (
        "no dataset has a reader by SFTP any more; a server that is made again has another host name and another host"
        " key"
    )
    assert told(plan) == {"exports-pull-lists": (Action.UPDATE, ""), "exports-sftp": (Action.DELETE, words)}
    assert (plan.steps[-1].name, plan.steps[-1].wave) == ("exports-sftp", Wave.FOUNDATION)
    assert needed_consents(plan) == ()


def test_a_server_of_another_estate_is_left_alone() -> None:
    stacks, _ = deployed(SERVED)
    others = [
        replace(each, tags=tuple((key, "other-hub" if key == HUB_TAG else value) for key, value in each.tags))
        for each in stacks.stacks
        if each.name == "exports-sftp"
    ]
    plan = plan_deploy(BARE, Deployed((*deployed(BARE)[0].stacks, *others)), AROUND)
    assert plan.changes == ()


def test_a_change_that_makes_the_server_anew_is_a_warning() -> None:
    stacks, templates = deployed(SERVED)
    older = json.loads(json.dumps(templates["exports-sftp"].template))
    older["Resources"]["SftpServer"]["Properties"]["Domain"] = "EFS"
    found = [replace(each, tags=(*each.tags, ("data-exports:digest", "x"))) for each in stacks.stacks]
    plan = plan_deploy(SERVED, Deployed(tuple(found)), AROUND)
    plan = with_effects(plan, SERVED, {**templates, "exports-sftp": TemplateLookup(older)}, moment=NOW)
    words = (
        "WARNING: the server is made anew: it gets another host name and another host key, which every reader by SFTP"
        " must be told"
    )
    assert told(plan)["exports-sftp"] == (Action.UPDATE, words)
    assert "replace SftpServer (Domain)" in render_plan(plan, WITH)


def test_a_change_of_its_settings_is_none() -> None:
    stacks, templates = deployed(SERVED)
    older = json.loads(json.dumps(templates["exports-sftp"].template))
    older["Resources"]["SftpServer"]["Properties"]["SecurityPolicyName"] = "TransferSecurityPolicy-2024-01"
    found = [replace(each, tags=(*each.tags, ("data-exports:digest", "x"))) for each in stacks.stacks]
    plan = plan_deploy(SERVED, Deployed(tuple(found)), AROUND)
    plan = with_effects(plan, SERVED, {**templates, "exports-sftp": TemplateLookup(older)}, moment=NOW)
    assert told(plan)["exports-sftp"] == (Action.UPDATE, "")


def test_against_a_revision_it_says_the_same() -> None:
    for before, after in ((BARE, SERVED), (SERVED, BARE), (SERVED, SERVED), (estate_of(push()), SERVED)):
        found = plan_against(after, before, name="main", moment=NOW)
        assert told(found) == told(live(before, after))
        assert found.access.changes == live(before, after).access.changes


def test_sftp_for_the_platform_alone_changes_one_setting_and_no_datasets_stack() -> None:
    before = estate_of(push(), pull("lists"), pull("notes"))
    plan = live(before, BARE)
    assert {step.name for step in plan.changes} == {"exports-foundation"}
    assert [setting_in_words(each) for each in plan.settings] == ["was not set; will be True"]
    assert needed_consents(plan) == ()


def _outcomes(plan: Plan, failed: Sequence[str]) -> list[StackOutcome]:
    results = {True: StackResult.FAILED, False: StackResult.UPDATED}
    return [
        StackOutcome(step, results[step.name in failed], "no")
        for step in plan.steps
        if step.action is not Action.DELETE
    ]


def test_the_server_stays_while_a_stack_that_may_use_it_could_not_be_changed() -> None:
    plan = live(SERVED, BARE)
    events = list(_remove(plan, None, _outcomes(plan, ["exports-pull-lists"])))  # type: ignore[arg-type]
    (event,) = (each for each in events if isinstance(each, StackFinished))
    assert (event.outcome.name, event.outcome.result, event.outcome.reason) == (
        "exports-sftp",
        StackResult.LEFT_OUT,
        "stacks of pull datasets, which may still use it, could not be changed",
    )


def test_where_the_server_could_not_be_made_the_rest_of_a_datasets_stack_is_deployed() -> None:
    (step,) = (each for each in live(BARE, SERVED).steps if each.name == "exports-pull-lists")
    left = _not_by_sftp(step)
    assert left.stack is not None
    assert "AWS::Transfer::User" not in left.stack.body
    assert '"BucketPolicy"' in left.stack.body
