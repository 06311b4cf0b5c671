"""Consents: what of a plan needs one, and what is said when it is missing."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.consents import Consent, check_consents, needed_consents
from data_exports.deploy.plan.effects import TemplateLookup, with_effects
from data_exports.deploy.plan.offline import plan_against
from data_exports.deploy.plan.plan_data import plan_as_data
from data_exports.deploy.plan.planning import Existing, ExistingBucket, ExistingKind, Plan, plan_deploy
from data_exports.errors import RefusedError
from data_exports.estate.models import Estate
from data_exports.names import AccountRootArn, BucketName, RoleName
from data_exports.stacks.stack import ExistingProvider, Surroundings
from data_exports.views.plan import render_plan
from tests.estates import LOADER, PLATFORM, READER, WORKFLOW_READER, at_s3, estate_of, pull, push
from tests.json_data import json_data

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
    ]
    assert Consent.TAKEOVER not in [each.consent for each in needed_consents(_taking_over(holds_data=False))]


def test_what_is_missing_is_said_and_the_whole_command_to_run() -> None:
    plan = _taking_over(holds_data=True)
    with pytest.raises(RefusedError) as refused:
        check_consents(plan, [Consent.REMOVAL])
    assert str(refused.value) == (
        f"nothing was deployed:\n  {TAKEOVER}\n"
        "  next: if this is meant: `exports deploy --allow removal --allow takeover`"
    )
    check_consents(plan, [Consent.TAKEOVER, Consent.REMOVAL])


def test_the_plan_shows_the_consents_it_needs() -> None:
    plan = _taking_over(holds_data=True)
    assert render_plan(plan, PLATFORM).splitlines()[-2:] == [
        f"NEEDS --allow removal: {REMOVAL}",
        f"NEEDS --allow takeover: {TAKEOVER}",
    ]
    assert json_data(plan_as_data(plan))["consents"] == {"removal": ["moves"], "takeover": ["mojap-lists"]}


@pytest.mark.parametrize(
    ("more", "names", "said"),
    [
        (pull("notes", outsiders=(LOADER,)), ("112233445566",), "account 112233445566 through notes"),
        (
            push("moves", destination=at_s3(account="112233445566")),
            ("112233445566",),
            "account 112233445566 through moves",
        ),
        (
            push("moves", destination=at_s3("nobody-knows", None)),
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
    wants = "it lets outsiders write what none of them could: court_lists"
    assert _consents(estate_of(pull()), estate_of(pull(allow_push=True))) == [("write", ("court_lists",), wants)]
    assert _consents(estate_of(pull(allow_push=True)), estate_of(pull())) == []


def test_a_writer_who_takes_the_place_of_a_reader_needs_a_consent_too() -> None:
    other = (READER.__class__(f"{READER}-2"),)
    before = estate_of(pull(users=USERS))
    after = estate_of(pull(users=USERS, outsiders=other, allow_push=True))
    assert [name for name, _, _ in _consents(before, after)] == ["write"]


def test_a_new_dataset_that_outsiders_write_is_marked_but_widens_nothing() -> None:
    assert _consents(estate_of(pull()), estate_of(pull(), pull("notes", allow_push=True))) == []


def test_what_is_opened_again_needs_the_consents_of_what_is_new() -> None:
    over, open_again = (pull(allow_push=True, expires=day) for day in (date(2026, 11, 1), date(2031, 3, 31)))
    assert [(name, names) for name, names, _ in _consents(estate_of(over), estate_of(open_again))] == [
        ("account", ("754256621582",)),
        ("write", ("court_lists",)),
    ]


def test_a_whole_account_in_the_place_of_a_role_needs_a_consent_and_one_that_was_there_none() -> None:
    wants = 'it lets in whole accounts, whoever they choose: "Cloud Platform" (754256621582) in court_lists'
    everybody = pull(outsiders=(AccountRootArn("arn:aws:iam::754256621582:root"),))
    assert _consents(estate_of(pull()), estate_of(everybody)) == [
        ("whole-account", ("754256621582 in court_lists",), wants)
    ]
    assert _consents(estate_of(everybody), estate_of(replace(everybody, paperwork=("D",)))) == []
    assert _consents(None, estate_of(everybody)) == []


WITH_DOMAINS = replace(PLATFORM, mail_domains=("example.gov.uk",))


@pytest.mark.parametrize(
    ("owner", "alerts", "needs"),
    [
        ("Ana, ana@data.EXAMPLE.gov.uk", (), []),
        ("Ana, ana@example.com", (), [("mail", ("ana@example.com",), "ana@example.com of hearings")]),
        (
            "",
            ("x@notexample.gov.uk",),
            [("mail", ("x@notexample.gov.uk",), "x@notexample.gov.uk of every push dataset")],
        ),
        ("", ("x@example.gov.uk.evil.org",), [("mail", ("x@example.gov.uk.evil.org",), None)]),
    ],
)
def test_an_address_outside_the_platforms_domains_needs_a_consent(
    owner: str, alerts: tuple[str, ...], needs: list[Any]
) -> None:
    before = estate_of(push(), platform=WITH_DOMAINS)
    platform = replace(WITH_DOMAINS, alerts=(*WITH_DOMAINS.alerts, *alerts))
    found = _consents(before, estate_of(push(owner=owner), platform=platform))
    why = "it mails failures, with the names of files, outside platform.mail_domains: "
    assert [(name, names) for name, names, _ in found] == [(name, names) for name, names, _ in needs]
    assert all(said is None or sentence == why + said for (*_, sentence), (*_, said) in zip(found, needs, strict=True))


def test_without_domains_every_new_address_needs_a_consent_but_not_in_a_first_deployment() -> None:
    after = estate_of(push(owner="ana@example.gov.uk"))
    assert [name for name, _, _ in _consents(estate_of(push()), after)] == ["mail"]
    assert _consents(None, after) == []
    assert _consents(after, after) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"user_roles": ("alpha_*",)}, "user_roles also allows alpha_*"),
        ({"user_roles": ("alpha_user_*", "alpha_app_*", "beta_user_1")}, "user_roles also allows beta_user_1"),
        ({"user_roles": ("alpha_user_*", "alpha_app_x*", "alpha_app_?")}, None),
        ({"user_roles": ("alpha_user_?",)}, None),
        ({"mail_domains": ("example.gov.uk", "org.uk")}, "mail_domains also allows org.uk"),
        ({"mail_domains": ("sub.example.gov.uk",)}, None),
        ({"paperwork": "warn"}, "paperwork is no longer required"),
        ({"audit": None}, "CloudTrail no longer records who asked for which file"),
        ({"tags": (("owner", "Others"),)}, "tags, by which others' policies may let in or keep out"),
        ({"recovery_days": 3, "account_names": ()}, None),
        ({"receipts_days": 500}, None),
    ],
    ids=str,
)
def test_a_guard_that_lets_more_through_needs_a_consent(changes: dict[str, Any], said: str | None) -> None:
    platform = replace(WITH_DOMAINS, paperwork="required", audit="cloudtrail", receipts_days=400)
    found = _consents(estate_of(push(), platform=platform), estate_of(push(), platform=replace(platform, **changes)))
    assert [(name, sentence) for name, _, sentence in found] == (
        [("guard", f"it changes settings that hold access back: {said}")] if said else []
    )


@pytest.mark.parametrize(
    ("accesses", "lost", "needs"),
    [(5, 4, False), (5, 5, True), (50, 10, False), (50, 11, True), (5_000, 1_000, False), (5_000, 1_001, True)],
)
def test_losing_more_than_a_fifth_and_at_least_five_accesses_needs_a_consent(
    accesses: int, lost: int, needs: bool
) -> None:
    names = tuple(RoleName(f"alpha_user_{number}") for number in range(accesses - 1))
    before, after = names, names[: accesses - 1 - lost] if lost < accesses else ()
    rest = (pull("rest", users=before),)
    found = _consents(estate_of(*rest), estate_of(pull("rest", users=after)) if lost < accesses else estate_of())
    assert [(name, amount) for name, amount, _ in found if name == "loss"] == (
        [("loss", (f"{lost:,} of {accesses:,}",))] if needs else []
    )


@pytest.mark.parametrize("accesses", [5, 50, 5_000])
def test_roles_that_aws_does_not_have_any_more_are_no_loss_whatever_their_share(accesses: int) -> None:
    """Unchanged files, and the roles of all users but one are deleted in AWS."""
    names = tuple(RoleName(f"alpha_user_{number}") for number in range(accesses))
    estate = estate_of(pull("lists", users=names))
    around = Surroundings(code_key="code/mover-0.zip")
    steps = [step for step in plan_deploy(estate, Deployed(), around).steps if step.stack]
    stacks = tuple(DeployedStack(each.name, "id", "CREATE_COMPLETE", each.stack.tags) for each in steps if each.stack)
    templates = {each.name: TemplateLookup(json.loads(each.stack.body)) for each in steps if each.stack}
    left = plan_deploy(estate, Deployed(stacks), replace(around, missing_roles=frozenset(names[1:])))
    plan = with_effects(left, estate, templates, moment=NOW)
    assert needed_consents(plan) == ()
    assert (len(plan.access.changes), plan.access.count_before) == (accesses - 1, 2)
    text = render_plan(plan, PLATFORM)
    assert "  loses    [ROLE IS GONE] may no longer read and write s3://mojap-lists: alpha_user_1" in text
    assert "WARNING: these users' roles do not exist, so they get nothing:" in text


def test_what_had_ended_before_is_no_loss() -> None:
    over = pull("over", users=USERS, expires=datetime(2026, 11, 1, tzinfo=UTC).date())
    assert [name for name, _, _ in _consents(estate_of(pull(), over), estate_of(pull()))] == ["removal"]


def test_where_nobody_can_tell_what_was_granted_accounts_and_writing_need_a_consent() -> None:
    """Damaged metadata is never taken for "had no access", nor for "had all of it"."""
    estate = estate_of(pull(allow_push=True))
    around = Surroundings(code_key="code/mover-0.zip")
    wanted = plan_deploy(estate_of(pull()), Deployed(), around).steps
    stacks = (DeployedStack(step.name, "id", "CREATE_COMPLETE", step.stack.tags) for step in wanted if step.stack)
    templates = {"exports-pull-court-lists": TemplateLookup(problem="it is damaged")}
    plan = with_effects(plan_deploy(estate, Deployed(tuple(stacks)), around), estate, templates, moment=NOW)
    assert [(each.consent, each.sentence) for each in needed_consents(plan)] == [
        (
            Consent.ACCOUNT,
            'it opens data to accounts that had no access before: "Cloud Platform" (754256621582) through court_lists',
        ),
        (
            Consent.WRITE,
            "it lets outsiders write what none of them could: court_lists (what they could before is not known)",
        ),
    ]


@pytest.mark.parametrize("is_ours", [False, True])
def test_an_audience_for_a_provider_of_somebody_else_needs_a_consent_and_is_shown(*, is_ours: bool) -> None:
    estate = estate_of(pull("lists", outsiders=(), identities=(WORKFLOW_READER,)))
    there = ExistingProvider(WORKFLOW_READER.issuer, frozenset({"team"}), is_ours=is_ours)
    around = Surroundings(code_key="code/mover-0.zip", providers=(there,))
    wanted = [step.stack for step in plan_deploy(estate, Deployed(), around).steps if step.stack]
    stacks = tuple(DeployedStack(each.name, "id", "CREATE_COMPLETE", each.tags) for each in wanted)
    assert "exports-identity-providers" not in {each.name for each in wanted}
    plan = with_effects(plan_deploy(estate, Deployed(stacks), around), estate, {}, moment=NOW)
    adds = "the audience sts.amazonaws.com to https://token.actions.githubusercontent.com"
    said = f"it adds audiences to identity providers that this product did not make: {adds}"
    assert [each.sentence for each in needed_consents(plan)] == ([] if is_ours else [said])
    assert [step.name for step in plan.changes] == ["exports-pull-lists"]
    assert f"exports-pull-lists    adds {adds}" in render_plan(plan, PLATFORM)


def test_a_long_list_of_names_is_cut_in_the_sentence_and_whole_in_the_data() -> None:
    before = estate_of(*(pull(f"d{number:02}") for number in range(30)))
    (removal,) = (each for each in needed_consents(_planned(before, estate_of())) if each.consent is Consent.REMOVAL)
    assert removal.sentence.endswith("d18, d19 and 10 more")
    assert len(removal.names) == 30


def test_a_plan_is_not_asked_for_its_consents_before_it_is_compared() -> None:
    with pytest.raises(AssertionError, match="not been found out"):
        needed_consents(plan_deploy(estate_of(), Deployed(), Surroundings(code_key="c")))


@pytest.mark.parametrize("kind", list(ExistingKind))
def test_what_nobody_says_is_ours_is_adopted_with_consent_alone_but_for_a_log_group(kind: ExistingKind) -> None:
    assert Existing(kind, "export_orders-move").needs_consent is (kind is not ExistingKind.LOG_GROUP)
    assert not Existing(kind, "export_orders-move", is_ours=True).needs_consent


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (None, 400, "those older than 400 days, until now kept for ever"),
        (400, 399, "those older than 399 days, until now 400 days"),
        (400, 401, None),
        (400, None, None),
        (None, None, None),
    ],
)
def test_whoever_has_receipts_deleted_sooner_says_so(before: int | None, after: int | None, said: str | None) -> None:
    was, becomes = (estate_of(push(), platform=replace(WITH_DOMAINS, receipts_days=each)) for each in (before, after))
    why = "it deletes receipts of what was delivered, for good: "
    assert _consents(was, becomes) == ([("forget", ("receipts",), f"{why}{said}")] if said else [])
    assert [each for each, _, _ in _consents(None, becomes) if each == "forget"] == []
