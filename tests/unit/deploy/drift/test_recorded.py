"""What deployments write to the log bucket: cards, what the keeper is told, roles' ids; compared with the templates."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_exports.contract.keys import card_key_of
from data_exports.deploy.apply.role_ids import ROLE_IDS_KEY
from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.difference import DEPLOY, ByHand, LiveDifference, ServiceCall
from data_exports.deploy.drift.recorded import RecordedLook, looks_at_recorded
from data_exports.errors import ExportsError
from data_exports.estate.models import Estate
from data_exports.estate.promises import parse_promise
from data_exports.names import KEEPER_SETTINGS
from data_exports.stacks.card import card_of
from data_exports.stacks.foundation import foundation_stack
from data_exports.stacks.keeper_settings import keeper_settings_of
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import METADATA_KEY, Stack, Surroundings
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import FULL, PLATFORM, estate_of, pull, push

AROUND = Surroundings(code_key="code/mover-0123abcd.zip")
DUE = parse_promise("daily by 06:00 Europe/London")
ESTATE = estate_of(push("orders", due=DUE), push("moves"), pull("lists", expires=date(2099, 3, 31)))
TODAY = date(2031, 5, 5)
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
        KEEPER_SETTINGS: keeper_settings_of(estate, TODAY),
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


def looks(
    objects: dict[str, Any], estate: Estate = ESTATE, *, templates: list[DeployedTemplate] | None = None
) -> list[RecordedLook]:
    given = templates_of(estate) if templates is None else templates
    return list(looks_at_recorded(aws_with(as_written(estate) | objects), estate, given, today=TODAY))


def found(objects: dict[str, Any], estate: Estate = ESTATE) -> list[tuple[str, LiveDifference]]:
    return [(each.where, difference) for each in looks(objects, estate) for difference in each.look()]


def heard(every: list[RecordedLook]) -> tuple[list[LiveDifference], list[str]]:
    """The differences, and where and what could not be looked at."""
    differences, refused = [], []
    for each in every:
        try:
            differences += list(each.look())
        except ExportsError as error:
            refused.append(f"{each.where}: {each.what}: {error.what}")
    return differences, refused


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
    for year in (2012, 2029, 2030, 2031):
        assert found({KEEPER_SETTINGS: keeper_settings_of(ESTATE, date(year, 12, 31))}) == []
    more = replace(ESTATE, push_datasets=(*ESTATE.push_datasets, push("waiting", due=DUE)))
    written = {KEEPER_SETTINGS: keeper_settings_of(more, TODAY)}
    told = [each for look in looks(written, more, templates=templates_of(ESTATE)) for each in look.look()]
    assert told == []


def dues_of(settings: str) -> tuple[int, int]:
    """The years of the first and the last due moment."""
    (dues,) = (each["dues"] for each in json.loads(settings)["datasets"] if each["name"] == "orders")
    first, last = (datetime.fromtimestamp(due, UTC).year for _, due in (dues[0], dues[-1]))
    return first, last


@pytest.mark.parametrize(
    ("horizon", "years"),
    [
        (datetime(2033, 1, 1, tzinfo=UTC), (2030, 2032)),
        (datetime(2032, 1, 1, tzinfo=UTC), (2029, 2031)),
        (datetime(2031, 1, 1, tzinfo=UTC), (2030, 2032)),  # has run out
        (datetime(2012, 1, 1, tzinfo=UTC), (2030, 2032)),
        (datetime(2034, 1, 1, tzinfo=UTC), (2030, 2032)),
        (datetime(2095, 1, 1, tzinfo=UTC), (2030, 2032)),
        (datetime(2032, 1, 1, 0, 0, 1, tzinfo=UTC), (2030, 2032)),
        (datetime(2032, 12, 31, tzinfo=UTC), (2030, 2032)),
    ],
)
def test_damaged_settings_are_put_back_with_the_due_moments_of_a_year_in_which_they_can_be_written(
    horizon: datetime, years: tuple[int, int]
) -> None:
    ((_, difference),) = found({KEEPER_SETTINGS: changed_settings(horizon=int(horizon.timestamp()), alerts="x")})
    assert isinstance(difference.repair, ServiceCall)
    body = difference.repair.taken["Body"]
    assert dues_of(body) == years
    assert body in (keeper_settings_of(ESTATE, date(year, 1, 1)) for year in (2030, 2031))


ALSO = "what the keeper is told also holds what no deployment writes: "


@pytest.mark.parametrize(
    ("added", "what"),
    [
        ([{"name": "extra", "dues": []}], f"{ALSO}extra"),
        ([None], f"{ALSO}entries without a name (1)"),
        (["text", {"name": 3}, {}], f"{ALSO}entries without a name (3)"),
        ([{"name": "extra"}, 7], f"{ALSO}entries without a name (1), extra"),
    ],
)
def test_what_was_added_to_what_the_keeper_is_told_is_a_difference(added: list[Any], what: str) -> None:
    datasets = json.loads(as_written()[KEEPER_SETTINGS])["datasets"]
    for listed in ([*datasets, *added], [*added, *datasets]):
        ((_, difference),) = found({KEEPER_SETTINGS: changed_settings(datasets=listed)})
        assert difference.what == what
        assert isinstance(difference.repair, ServiceCall)
        assert found({KEEPER_SETTINGS: difference.repair.taken["Body"]}) == []
    once_more = changed_settings(datasets=[*datasets, datasets[0]])
    assert said({KEEPER_SETTINGS: once_more}) == [("exports-foundation", f"{ALSO}{datasets[0]['name']} 2 times")]


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
            for text in (
                "",
                "[]",
                "[" * 100_000,
                '{"horizon": 0}',
                changed_settings(alerts="x"),
                changed_settings(horizon=4e9),
                changed_settings(datasets="none"),
                changed_settings(datasets=None),
            )
        ),
        (
            {KEEPER_SETTINGS: settings_with("orders", dues=[])},
            "exports-foundation",
            "what the keeper is told of orders is not what was deployed",
        ),
        (
            {KEEPER_SETTINGS: changed_settings(datasets=[])},
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
    for text in ("[]", "[" * 100_000, "no JSON", '{"AROA": 1}', '{"AROA": "no role/name"}'):
        ((where, difference),) = found({ROLE_IDS_KEY: text})
        assert where == "exports-foundation"
        assert difference.what.startswith(f"the recorded ids of users' roles ({ROLE_IDS_KEY}) are not as a deployment")
        assert isinstance(difference.repair, ByHand)
        assert difference.repair.next_step.endswith("then `exports deploy`")


NOT_TOLD = "what was declared: its template does not tell, so what deployments recorded of it is compared with nothing"
_DAMAGES: list[Any] = [
    lambda body: body.pop("Metadata"),
    lambda body: body["Metadata"][METADATA_KEY].pop("declaration"),
    lambda body: body["Metadata"][METADATA_KEY].update(declaration="text"),
    lambda body: body["Metadata"][METADATA_KEY].update(declaration={}),
    lambda body: body["Metadata"][METADATA_KEY]["declaration"].update(users=["no role"]),
    lambda body: body["Metadata"][METADATA_KEY]["declaration"].update(name="others"),
]


@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_template_that_does_not_tell_what_was_declared_is_named_and_the_others_are_compared(damage: Any) -> None:
    templates = templates_of(ESTATE)
    (damaged,) = (each for each in templates if each.stack.name == "exports-push-orders")
    damage(damaged.body)
    refused = [f"exports-push-orders: {NOT_TOLD}"]
    no_promise = card_of(PLATFORM, push("orders"))
    assert heard(looks({card_key_of("orders"): no_promise}, templates=templates)) == ([], refused)
    for objects, what in (
        ({card_key_of("orders"): None}, f"{CARD} is gone"),
        ({card_key_of("moves"): card_of(PLATFORM, push("moves", due=DUE))}, f"{CARD} does not tell what was deployed"),
        (
            {KEEPER_SETTINGS: settings_with("lists", ends=None)},
            "what the keeper is told of lists is not what was deployed",
        ),
        (
            {KEEPER_SETTINGS: changed_settings(datasets=[])},
            "what the keeper is told of lists, moves, orders is not what was deployed",
        ),
    ):
        differences, unread = heard(looks(objects, templates=templates))
        assert [each.what for each in differences] == [what]
        assert unread == refused
        if KEEPER_SETTINGS in objects:
            assert differences[0].repair == DEPLOY


def test_without_the_platforms_settings_nothing_is_compared_and_that_is_said() -> None:
    templates = templates_of(ESTATE)
    del templates[0].body["Metadata"]  # type: ignore[attr-defined]  # JSON's own dict
    refused = [f"exports-foundation: {NOT_TOLD}"]
    assert heard(looks({}, templates=templates)) == ([], refused)
    differences, unread = heard(looks({KEEPER_SETTINGS: None}, templates=templates))
    assert ([each.repair for each in differences], unread) == ([DEPLOY], refused)


def test_nothing_is_missing_before_a_deployment_has_made_the_keeper() -> None:
    """A program before the keeper recorded neither cards nor ids."""
    foundation, *others = templates_of(ESTATE)
    assert looks({}, templates=others) == []
    del foundation.body["Resources"]["Keeper"]
    assert looks({}, templates=[foundation, *others]) == []


@pytest.mark.parametrize("key", [card_key_of("orders"), KEEPER_SETTINGS, ROLE_IDS_KEY])
def test_what_may_not_be_read_is_never_taken_for_gone(key: str) -> None:
    with pytest.raises(ClientError):
        found({key: refusal("AccessDenied")})
