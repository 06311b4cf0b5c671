"""What deployments write to the log bucket: cards, what the keeper is told, roles' ids; compared with the templates."""

import io
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_exports.contract.keys import card_key_of
from data_exports.deploy.apply.role_ids import ROLE_IDS_KEY
from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.difference import DEPLOY, ByHand, LiveDifference, ServiceCall
from data_exports.deploy.drift.recorded import looks_at_recorded
from data_exports.estate.models import Estate
from data_exports.estate.promises import parse_promise
from data_exports.names import KEEPER_SETTINGS
from data_exports.stacks.card import card_of
from data_exports.stacks.foundation import foundation_stack
from data_exports.stacks.keeper_settings import keeper_settings_of
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import Stack, Surroundings
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import FULL, PLATFORM, estate_of, pull, push

AROUND = Surroundings(code_key="code/mover-0123abcd.zip")
DUE = parse_promise("daily by 06:00 Europe/London")
ESTATE = estate_of(push("orders", due=DUE), push("moves"), pull("lists", expires=date(2099, 3, 31)))
IDS = {"AROAANA": "alpha_user_ana", "AROABEN": "alpha_user_Ben-Two"}
NOBODY_HEARS = "nobody hears of ends and of missed deliveries"
LOST = "once a role is made again, whose its uploads were is not known"
CARD = "its card, from which senders without a clone know it,"


def templates_of(estate: Estate) -> list[DeployedTemplate]:
    stacks: list[Stack] = [
        foundation_stack(estate.platform, require_tls=True),
        *(push_stack(estate.platform, each, AROUND) for each in estate.push_datasets),
        *(pull_stack(estate.platform, each, AROUND) for each in estate.pull_datasets),
    ]
    arn = "arn:aws:cloudformation:eu-west-1:593291632749:stack"
    return [
        DeployedTemplate(
            DeployedStack(each.name, f"{arn}/{each.name}/1", "UPDATE_COMPLETE", each.tags), json.loads(each.body)
        )
        for each in stacks
    ]


def as_written(estate: Estate = ESTATE) -> dict[str, Any]:
    """What a deployment writes."""
    return {
        **{card_key_of(each.name): card_of(estate.platform, each) for each in estate.push_datasets},
        KEEPER_SETTINGS: keeper_settings_of(estate, date(2031, 5, 5)),
        ROLE_IDS_KEY: json.dumps(IDS),
    }


def aws_with(objects: dict[str, Any]) -> AwsAnswers:
    def get_object(*, Key: str, **_: Any) -> Any:  # noqa: N803
        found = objects[Key]
        if found is None or isinstance(found, Exception):
            raise found or refusal("NoSuchKey")
        return {"Body": io.BytesIO(found if isinstance(found, bytes) else found.encode()), "ETag": '"e1"'}

    def get_role(*, RoleName: str) -> Any:  # noqa: N803
        by_name = {name: identifier for identifier, name in IDS.items()}
        return {"Role": {"RoleId": by_name[RoleName]}} if RoleName in by_name else refusal("NoSuchEntity")

    return AwsAnswers({"get_object": get_object, "get_role": get_role})


def found(objects: dict[str, Any], estate: Estate = ESTATE) -> list[tuple[str, LiveDifference]]:
    looks = looks_at_recorded(aws_with(as_written(estate) | objects), PLATFORM, templates_of(estate))
    return [(each.where, difference) for each in looks for difference in each.look()]


def said(objects: dict[str, Any]) -> list[tuple[str, str]]:
    return [(where, each.what) for where, each in found(objects)]


def changed_settings(**changes: Any) -> str:
    return json.dumps(json.loads(as_written()[KEEPER_SETTINGS]) | changes)


def settings_with(name: str, **changes: Any) -> str:
    datasets = json.loads(as_written()[KEEPER_SETTINGS])["datasets"]
    return changed_settings(datasets=[each | (changes if each["name"] == name else {}) for each in datasets])


@pytest.mark.parametrize("estate", [ESTATE, FULL, estate_of()])
def test_what_a_deployment_wrote_is_no_difference(estate: Estate) -> None:
    named = {each for dataset in estate.datasets() for each in dataset.users} - set(IDS.values())
    assert named == set()
    assert found({}, estate) == []


def test_settings_of_any_year_are_as_deployed_and_datasets_that_wait_for_their_stacks_are_no_difference() -> None:
    more = replace(ESTATE, push_datasets=(*ESTATE.push_datasets, push("waiting", due=DUE)))
    for estate, year in ((ESTATE, 2029), (ESTATE, 2040), (more, 2031)):
        assert found({KEEPER_SETTINGS: keeper_settings_of(estate, date(year, 12, 31))}) == []


@pytest.mark.parametrize(
    ("objects", "where", "what"),
    [
        ({card_key_of("orders"): None}, "exports-push-orders", f"{CARD} is gone"),
        ({card_key_of("moves"): b"\xff"}, "exports-push-moves", f"{CARD} is not as a deployment writes it"),
        ({card_key_of("moves"): "[]"}, "exports-push-moves", f"{CARD} is not as a deployment writes it"),
        (
            {card_key_of("moves"): as_written()[card_key_of("orders")]},
            "exports-push-moves",
            f"{CARD} is not as a deployment writes it",
        ),
        (
            {card_key_of("orders"): card_of(PLATFORM, push("orders"))},  # without its promise
            "exports-push-orders",
            f"{CARD} does not tell what was deployed",
        ),
        ({KEEPER_SETTINGS: None}, "exports-foundation", f"what the keeper is told is gone: {NOBODY_HEARS}"),
        *(
            (
                {KEEPER_SETTINGS: text},
                "exports-foundation",
                f"what the keeper is told is not as a deployment writes it: {NOBODY_HEARS}",
            )
            for text in ("", "[]", '{"horizon": 0}', changed_settings(alerts="x"), changed_settings(horizon=4e9))
        ),
        (
            {KEEPER_SETTINGS: settings_with("orders", dues=[])},
            "exports-foundation",
            "what the keeper is told of orders is not what was deployed",
        ),
        (
            {KEEPER_SETTINGS: changed_settings(datasets="none")},
            "exports-foundation",
            "what the keeper is told of lists, moves, orders is not what was deployed",
        ),
        (
            {KEEPER_SETTINGS: settings_with("lists", ends=None)},
            "exports-foundation",
            "what the keeper is told of lists is not what was deployed",
        ),
        (
            {ROLE_IDS_KEY: None},
            "exports-foundation",
            f"the ids of the roles alpha_user_Ben-Two, alpha_user_ana are not recorded: {LOST}",
        ),
        (
            {ROLE_IDS_KEY: json.dumps({"AROAOLD": "alpha_user_ana", "AROABEN": "alpha_user_Ben-Two"})},
            "exports-foundation",
            f"the ids of the roles alpha_user_ana are not recorded: {LOST}",
        ),
    ],
)
def test_what_is_gone_or_was_changed_is_told_and_put_back_as_it_was_deployed(
    objects: dict[str, Any], where: str, what: str
) -> None:
    assert said(objects) == [(where, what)]
    ((_, difference),) = found(objects)
    repair = difference.repair
    assert isinstance(repair, ServiceCall)
    assert (repair.service, repair.operation) == ("s3", "put_object")
    (key,) = objects
    taken = repair.taken
    assert (taken["Key"], taken["Bucket"]) == (key, "mojap-hub-exports-log")
    assert found({key: taken["Body"]}) == []


def test_recorded_ids_are_kept_and_only_what_was_read_is_written_over() -> None:
    old = {"AROAOLD": "alpha_user_ana", "AROALEFT": "alpha_user_left"}
    for objects, only_if in (
        ({ROLE_IDS_KEY: json.dumps(old)}, {"IfMatch": '"e1"'}),
        ({ROLE_IDS_KEY: None}, {"IfNoneMatch": "*"}),
    ):
        ((_, difference),) = found(objects)
        assert isinstance(difference.repair, ServiceCall)
        taken = difference.repair.taken
        assert only_if.items() <= taken.items()
        assert json.loads(taken["Body"]) == IDS | (old if objects[ROLE_IDS_KEY] else {})


def test_ids_that_no_deployment_wrote_are_not_written_over() -> None:
    for text in ("[]", "no JSON", '{"AROA": 1}', '{"AROA": "no role/name"}'):
        ((where, difference),) = found({ROLE_IDS_KEY: text})
        assert where == "exports-foundation"
        assert difference.what.startswith(f"the recorded ids of users' roles ({ROLE_IDS_KEY}) are not as a deployment")
        assert isinstance(difference.repair, ByHand)
        assert difference.repair.next_step.endswith("then `exports deploy`")


def test_where_the_templates_do_not_tell_what_was_declared_a_deployment_writes_it() -> None:
    templates = templates_of(ESTATE)
    del templates[1].body["Metadata"]  # type: ignore[attr-defined]  # JSON's own dict
    for objects, what in (
        ({}, None),
        ({card_key_of("orders"): None}, f"{CARD} is gone"),
        (
            {KEEPER_SETTINGS: changed_settings(datasets=[])},
            "what the keeper is told of lists, moves, orders is not what",
        ),
    ):
        looks = looks_at_recorded(aws_with(as_written() | objects), PLATFORM, templates)
        told = [difference for each in looks for difference in each.look()]
        assert [each.what.removesuffix(" was deployed") for each in told] == ([what] if what else [])
        assert all(each.repair == DEPLOY for each in told)


def test_without_a_foundation_or_a_keeper_there_is_nothing_to_look_at() -> None:
    foundation, *others = templates_of(ESTATE)
    assert list(looks_at_recorded(aws_with({}), PLATFORM, others)) == []
    del foundation.body["Resources"]["Keeper"]
    looks = looks_at_recorded(aws_with({}), PLATFORM, [foundation, *others])
    assert [each.what for each in looks] == ["its card", "its card", "the recorded ids of roles"]


@pytest.mark.parametrize("key", [card_key_of("orders"), KEEPER_SETTINGS, ROLE_IDS_KEY])
def test_what_may_not_be_read_is_never_taken_for_gone(key: str) -> None:
    with pytest.raises(ClientError):
        found({key: refusal("AccessDenied")})
