"""Consents: what of a plan needs one, and what is said when it is missing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from data_exports.deploy.compare import plan_against
from data_exports.deploy.consents import Consent, check_consents, needed_consents
from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.differences import DeployedTemplate, with_differences
from data_exports.deploy.plan import ExistingBucket, Plan, plan_deploy
from data_exports.deploy.report import plan_as_data, render_plan
from data_exports.errors import RefusedError
from data_exports.estate.models import Estate
from data_exports.names import BucketName, RoleName
from data_exports.stacks.stack import Surroundings
from tests.estates import LOADER, PLATFORM, READER, estate_of, pull, push

NOW = datetime(2026, 11, 25, tzinfo=UTC)
USERS = tuple(RoleName(f"alpha_user_{number}") for number in range(20))
REMOVAL = "it removes datasets that are no longer declared, with every access and delivery of theirs: moves"
TAKEOVER = "it takes over buckets that hold data, and opens them to the roles that new pull datasets name: mojap-lists"


def _planned(before: Estate | None, after: Estate) -> Plan:
    return plan_against(after, before, name="", moment=NOW)


def _consents(before: Estate | None, after: Estate) -> list[tuple[str, tuple[str, ...], str]]:
    needed = needed_consents(_planned(before, after))
    return [(str(each.consent), each.names, each.sentence) for each in needed]


def _taking_over(*, holds_data: bool) -> Plan:
    """Removes `moves`, which is a small part of everything, and takes over the bucket of `lists`."""
    rest = pull("rest", users=USERS)
    plan = _planned(estate_of(push("moves"), rest, push("more")), estate_of(pull("lists"), rest, push("more")))
    found = ExistingBucket(BucketName("mojap-lists"), holds_data)
    steps = (replace(step, takes_over=found) if step.dataset == "lists" else step for step in plan.steps)
    return replace(plan, steps=tuple(steps))


def test_removing_a_dataset_and_taking_over_data_each_need_a_consent() -> None:
    needed = needed_consents(_taking_over(holds_data=True))
    assert [(each.consent, each.names, each.sentence) for each in needed] == [
        (Consent.REMOVAL, ("moves",), REMOVAL),
        (Consent.TAKEOVER, ("mojap-lists",), TAKEOVER),
        (Consent.LOSS, ("3 of 27",), "it takes away more than a tenth of all accesses: 3 of 27"),
    ]
    assert Consent.TAKEOVER not in [each.consent for each in needed_consents(_taking_over(holds_data=False))]


def test_what_is_missing_is_said_and_the_whole_command_to_run() -> None:
    plan = _taking_over(holds_data=True)
    with pytest.raises(RefusedError) as refused:
        check_consents(plan, [Consent.REMOVAL, Consent.LOSS])
    assert str(refused.value) == (
        f"nothing was deployed:\n  {TAKEOVER}\n"
        "  next: if this is meant: `exports deploy --allow removal --allow takeover --allow loss`"
    )
    check_consents(plan, [Consent.TAKEOVER, Consent.REMOVAL, Consent.LOSS])


def test_the_plan_shows_the_consents_it_needs() -> None:
    plan = _taking_over(holds_data=True)
    assert render_plan(plan, PLATFORM).splitlines()[-3:] == [
        f"NEEDS --allow removal: {REMOVAL}",
        f"NEEDS --allow takeover: {TAKEOVER}",
        "NEEDS --allow loss: it takes away more than a tenth of all accesses: 3 of 27",
    ]
    assert plan_as_data(plan)["consents"] == {
        "removal": ["moves"],
        "takeover": ["mojap-lists"],
        "loss": ["3 of 27"],
    }


@pytest.mark.parametrize(
    ("more", "names", "said"),
    [
        (pull("notes", outsiders=(LOADER,)), ("112233445566",), "account 112233445566 through notes"),
        (push("moves", target_account="112233445566"), ("112233445566",), "account 112233445566 through moves"),
        (
            push("moves", target_account=None, target_bucket=BucketName("nobody-knows")),
            ("s3://nobody-knows/moves/",),
            "whoever owns s3://nobody-knows/moves/ through moves",
        ),
    ],
    ids=["an outsider", "a recipient", "a recipient who is not named"],
)
def test_an_account_that_had_no_access_before_needs_a_consent(more: Any, names: tuple[str, ...], said: str) -> None:
    sentence = f"it opens data to accounts that had no access before: {said}"
    assert _consents(estate_of(push()), estate_of(push(), more)) == [("account", names, sentence)]


def test_an_account_that_has_access_already_needs_none_whatever_it_gets() -> None:
    assert _consents(estate_of(push()), estate_of(push(), pull("notes"), push("moves"))) == []


def test_a_first_deployment_needs_no_consent_because_every_account_is_new_there() -> None:
    assert _consents(None, estate_of(push(), pull(outsiders=(READER, LOADER), allow_push=True))) == []


def test_outsiders_who_could_only_read_and_may_write_need_a_consent() -> None:
    wants = "it lets outsiders write where they could only read: court_lists"
    assert _consents(estate_of(pull()), estate_of(pull(allow_push=True))) == [("write", ("court_lists",), wants)]
    assert _consents(estate_of(pull(allow_push=True)), estate_of(pull())) == []


def test_a_writer_who_takes_the_place_of_a_reader_needs_a_consent_too() -> None:
    other = (READER.__class__(f"{READER}-2"),)
    before = estate_of(pull(users=USERS))
    after = estate_of(pull(users=USERS, outsiders=other, allow_push=True))
    assert [name for name, _, _ in _consents(before, after)] == ["write"]


def test_a_new_dataset_that_outsiders_write_is_marked_but_widens_nothing() -> None:
    assert _consents(estate_of(pull()), estate_of(pull(), pull("notes", allow_push=True))) == []


@pytest.mark.parametrize(("left", "needs"), [(18, []), (17, [("loss", ("3 of 21",))])])
def test_losing_more_than_a_tenth_of_all_accesses_needs_a_consent(left: int, needs: list[object]) -> None:
    found = _consents(estate_of(pull(users=USERS)), estate_of(pull(users=USERS[:left])))
    assert [(consent, names) for consent, names, _ in found] == needs


def test_what_had_ended_before_is_no_loss() -> None:
    over = pull("over", users=USERS, expires=datetime(2026, 11, 1, tzinfo=UTC).date())
    assert [name for name, _, _ in _consents(estate_of(pull(), over), estate_of(pull()))] == ["removal"]


def test_where_nobody_can_tell_what_was_granted_accounts_and_writing_need_a_consent() -> None:
    """Damaged metadata is never taken for "had no access", nor for "had all of it"."""
    estate = estate_of(pull(allow_push=True))
    around = Surroundings(code_key="code/mover-0.zip")
    wanted = plan_deploy(estate_of(pull()), Deployed(), around).steps
    stacks = (DeployedStack(step.name, "id", "CREATE_COMPLETE", step.stack.tags) for step in wanted if step.stack)
    templates = {"exports-pull-court-lists": DeployedTemplate(problem="it is damaged")}
    plan = with_differences(plan_deploy(estate, Deployed(tuple(stacks)), around), estate, templates, moment=NOW)
    assert [(each.consent, each.sentence) for each in needed_consents(plan)] == [
        (
            Consent.ACCOUNT,
            'it opens data to accounts that had no access before: "Cloud Platform" (754256621582) through court_lists',
        ),
        (
            Consent.WRITE,
            "it lets outsiders write where they could only read: court_lists (what they could before is not known)",
        ),
    ]


def test_a_long_list_of_names_is_cut_in_the_sentence_and_whole_in_the_data() -> None:
    before = estate_of(*(pull(f"d{number:02}") for number in range(30)))
    (removal,) = (each for each in needed_consents(_planned(before, estate_of())) if each.consent is Consent.REMOVAL)
    assert removal.sentence.endswith("d18, d19 and 10 more")
    assert len(removal.names) == 30


def test_a_plan_is_not_asked_for_its_consents_before_it_is_compared() -> None:
    with pytest.raises(AssertionError, match="not been found out"):
        needed_consents(plan_deploy(estate_of(), Deployed(), Surroundings(code_key="c")))
