"""A reviewed plan: what a file keeps of it, which files are refused, and what counts as changed since."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from data_exports import __version__
from data_exports.deploy.deployed import Deployed, DeployedStack
from data_exports.deploy.plan.effects import TemplateLookup, with_effects
from data_exports.deploy.plan.plan_data import plan_as_data
from data_exports.deploy.plan.plan_file import SCHEMA, plan_file_of, read_plan_file
from data_exports.deploy.plan.planning import Existing, ExistingKind, Plan, plan_deploy
from data_exports.deploy.plan.reviewed import (
    Reviewed,
    changes_since,
    check_unchanged,
    digests_of,
    reviewed_of,
)
from data_exports.errors import ExportsError, RefusedError, UsageError
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate
from data_exports.names import AccountId, BucketName, Region, RoleName
from data_exports.stacks.stack import DIGEST_TAG, Surroundings
from tests.estates import PLATFORM, estate_of, pull, push
from tests.json_data import json_data
from tests.unit.estate.written import write_estate

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
BEFORE = estate_of(push("orders"), pull("lists"))
AFTER = estate_of(push("orders", keep_files=True), pull("lists"), pull("notes"))
FILES = {"exports.yaml": "a" * 64, "push_datasets/orders.yaml": "b" * 64}
ANA, BEN = RoleName("alpha_user_ana"), RoleName("alpha_user_Ben-Two")


def _deployed(estate: Estate = BEFORE, **changes: Any) -> Deployed:
    """The stacks of an estate as AWS has them; `changes` are those of the stack of `orders`."""
    steps = plan_deploy(estate, Deployed(), Surroundings("code/mover-0.zip")).steps
    stacks = [DeployedStack(step.name, "id", "CREATE_COMPLETE", step.stack.tags) for step in steps if step.stack]
    return Deployed(tuple(replace(each, **changes) if each.name.endswith("orders") else each for each in stacks))


def _plan(
    after: Estate = AFTER,
    deployed: Deployed | None = None,
    *,
    missing: tuple[RoleName, ...] = (),
    moment: datetime = NOW,
    not_checked: str = "",
    problem: str = "",
) -> Plan:
    there = _deployed() if deployed is None else deployed
    around = Surroundings("code/mover-0.zip", frozenset(missing))
    plan = plan_deploy(after, there, around, roles_not_checked=not_checked)
    before = {step.name: step.stack for step in plan_deploy(BEFORE, Deployed(), around).steps if step.stack}
    templates = {
        step.name: TemplateLookup(json.loads(before[step.name].body), problem)
        for step in plan.changes
        if step.deployed and step.name in before
    }
    return with_effects(plan, after, templates, moment=moment)


def _kept(plan: Plan | None = None, *, commit: str = "c" * 40) -> Reviewed:
    return reviewed_of(plan or _plan(), FILES, commit=commit)


def _text(reviewed: Reviewed | None = None) -> str:
    return plan_file_of(reviewed or _kept(), PLATFORM, moment=NOW)


def _with_digest(content: dict[str, Any]) -> str:
    """The text of a file whose digest fits, as anybody can compute it."""
    rest = {key: value for key, value in content.items() if key != "digest"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return json.dumps({**rest, "digest": f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"})


def test_a_file_keeps_the_plan_as_shown_and_what_it_was_made_of() -> None:
    plan = _plan()
    content = json.loads(_text())
    digest = content.pop("digest")
    assert {key: content[key] for key in ("schema", "version", "made_at", "commit", "platform")} == {
        "schema": "data-exports/plan-file/1",
        "version": __version__,
        "made_at": "2026-11-28T12:00:00Z",
        "commit": "c" * 40,
        "platform": {"account": "593291632749", "region": "eu-west-1", "hub_bucket": "mojap-hub-exports"},
    }
    assert content["plan"] == json_data(plan_as_data(plan))
    assert content["made_of"]["files"] == FILES
    assert list(content["made_of"]["stacks"]) == [step.name for step in plan.steps]
    orders = next(step for step in plan.steps if step.name == "exports-push-orders")
    assert orders.stack
    assert orders.deployed
    assert content["made_of"]["stacks"][orders.name] == {
        "wanted": {"digest": orders.stack.digest, "tags": dict(orders.stack.tags)},
        "deployed": {
            "id": "id",
            "status": "CREATE_COMPLETE",
            "digest": orders.deployed.digest,
            "tags": dict(orders.deployed.tags),
        },
        "existing": {},
        "audiences": {},
    }
    assert content["made_of"]["stacks"]["exports-pull-notes"]["deployed"] is None
    assert json.loads(_with_digest(content))["digest"] == digest


def test_what_is_read_is_what_was_written_and_nothing_has_changed() -> None:
    assert read_plan_file(_text(), PLATFORM, where="plan.json") == _kept()
    assert changes_since(_kept(), _kept()) == ()


def test_a_file_of_the_version_before_is_read_and_nothing_has_changed() -> None:
    """It went by the schema's name that is now the one of `plan --json`, and its times ended otherwise."""
    now = _kept(_plan(estate_of(push("orders"), pull("lists", expires=date(2027, 3, 31)))))
    text = _text(now).replace("data-exports/plan-file/1", "data-exports/plan/1")
    before = text.replace('T00:00:00Z"', 'T00:00:00+00:00"')
    assert '"until": "2027-04-01T00:00:00+00:00"' in before
    kept = read_plan_file(_with_digest(json.loads(before)), PLATFORM, where="plan.json")
    assert kept == now
    assert changes_since(kept, now) == ()


def test_hostile_names_survive_the_file_and_stand_in_it_escaped() -> None:
    kept = replace(_kept(), files={"push_datasets/\x1b[2m\u202e\udcff.yaml": "a"})
    assert read_plan_file(_text(kept), PLATFORM, where="plan.json") == kept
    assert "\x1b" not in _text(kept)
    assert "\u202e" not in _text(kept)


def _edited(change: Callable[[dict[str, Any]], object]) -> str:
    content = json.loads(_text())
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("", UsageError, "plan.json: this holds no plan that can be carried out: it is not JSON"),
        ("[" * 100_000, UsageError, "it is not JSON"),
        (_text()[:-40], UsageError, "it is not JSON"),
        ("[]", UsageError, 'it has no "schema"'),
        ('{"access": {}}', UsageError, 'it has no "schema"'),
        ('{"schema": 7}', UsageError, 'it has no "schema"'),
        (
            '{"schema": "data-exports/plan/2\\u202e"}',
            UsageError,
            'its schema is "data-exports/plan/2\\u202e", and not data-exports/plan-file/1',
        ),
        (f'{{"schema": "{SCHEMA}", "x": {"[" * 40}{"]" * 40}}}', UsageError, "it is nested deeper than a plan"),
        (f'{{"schema": "{SCHEMA}"}}', RefusedError, "its content does not fit its digest"),
        (_edited(lambda content: content["plan"].update(consents=["x"])), RefusedError, "fit its digest"),
        (_edited(lambda content: content["made_of"]["files"].pop("exports.yaml")), RefusedError, "fit its digest"),
        (_edited(lambda content: content.pop("digest")), RefusedError, "fit its digest"),
        (
            _with_digest(json.loads(_text()) | {"version": "0.0.9"}),
            RefusedError,
            f'the plan was made by data-exports "0.0.9", and this is {__version__}, which may do other things',
        ),
    ],
)
def test_a_file_that_is_no_whole_plan_of_this_version_is_refused_in_one_message(
    text: str, kind: type[ExportsError], said: str
) -> None:
    with pytest.raises(kind) as caught:
        read_plan_file(text, PLATFORM, where="plan.json")
    assert type(caught.value) is kind
    assert said in str(caught.value)
    assert str(caught.value).endswith("\n  next: plan again: `exports plan --out FILE`")


@pytest.mark.parametrize(
    "other",
    [
        replace(PLATFORM, account=AccountId("111111111111")),
        replace(PLATFORM, region=Region("eu-west-2")),
        replace(PLATFORM, hub_bucket=BucketName("another-hub")),
    ],
)
def test_a_plan_of_another_estate_is_refused_with_both_named(other: Any) -> None:
    with pytest.raises(RefusedError) as caught:
        read_plan_file(_text(), other, where="plan.json")
    assert str(caught.value) == (
        'plan.json: the plan is of another estate: account "593291632749", "eu-west-1", hub "mojap-hub-exports"; '
        f'this estate is account "{other.account}", "{other.region}", hub "{other.hub_bucket}"\n'
        "  next: give --estate the folder that it was made of, or plan again"
    )


@pytest.mark.parametrize("part", ["plan", "made_of", "platform"])
@pytest.mark.parametrize("value", [None, 7, "x", [], {"stacks": 7, "files": [], "missing_roles": 3}])
def test_a_forged_file_whose_digest_fits_is_refused_and_stops_nothing_else(part: str, value: object) -> None:
    forged = _with_digest(json.loads(_text()) | {part: value})
    with pytest.raises(RefusedError):
        check_unchanged(
            read_plan_file(forged, PLATFORM, where="plan.json"), _kept(), what="it is another", next_step=""
        )


def test_a_plan_whose_words_were_forged_is_another() -> None:
    content = json.loads(_text())
    content["plan"]["access"]["changes"][0]["sentence"] = "nothing to see"
    forged = read_plan_file(_with_digest(content), PLATFORM, where="plan.json")
    assert [line.partition(",")[0] for line in changes_since(forged, _kept())] == [
        'what it says of "access" is another'
    ]


def _digest_of(estate: Estate, name: str, *missing: RoleName) -> str:
    steps = _plan(estate, missing=missing).steps
    return next(step.stack.digest[:12] for step in steps if step.name == name and step.stack)


def test_changed_declarations_are_told_by_file_and_by_stack() -> None:
    later = estate_of(push("orders"), pull("lists"), pull("notes"))
    files = {"exports.yaml": "a" * 64, "push_datasets/orders.yaml": "d" * 64, "pull_datasets/x.yaml": "e" * 64}
    now = reviewed_of(_plan(later), files, commit="f" * 40)
    before, after = _digest_of(AFTER, "exports-push-orders"), _digest_of(later, "exports-push-orders")
    assert changes_since(_kept(), now) == (
        'it was made of the commit "cccccccccccc", and here is ffffffffffff',
        '"pull_datasets/x.yaml" is there now, and was not',
        '"push_datasets/orders.yaml" has changed',
        f'"exports-push-orders": it is to become template "{after}", and was to become template "{before}"',
    )
    assert changes_since(now, _kept())[1] == '"pull_datasets/x.yaml" is gone'


def test_another_commit_with_the_same_files_is_the_same_plan() -> None:
    assert changes_since(_kept(), _kept(commit="f" * 40)) == ()


def test_a_dataset_more_or_less_is_told() -> None:
    fewer = reviewed_of(_plan(estate_of(push("orders", keep_files=True), pull("lists"))), FILES)
    assert changes_since(_kept(), fewer) == ('"exports-pull-notes": it is not in the plan any more',)
    assert changes_since(fewer, _kept()) == ('"exports-pull-notes": it was not in the plan',)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "UPDATE_COMPLETE"}, 'AWS has "UPDATE_COMPLETE" of template "{}", and had "CREATE_COMPLETE" of'),
        ({"status": "UPDATE_IN_PROGRESS"}, 'AWS has "UPDATE_IN_PROGRESS" of template "{}", and had "CREATE_COMPLETE"'),
        ({"stack_id": "another"}, "somebody has made it anew in AWS"),
    ],
)
def test_a_stack_that_aws_has_otherwise_is_told(changes: dict[str, Any], said: str) -> None:
    found = _deployed().find("exports-push-orders")
    assert found
    (line,) = changes_since(_kept(), _kept(_plan(deployed=_deployed(**changes))))
    assert line.startswith(f'"exports-push-orders": {said.format(found.digest[:12])}')


def test_deployed_digests_and_tags_are_compared() -> None:
    found = _deployed().find("exports-push-orders")
    assert found
    deployed_anew = {**dict(found.tags), DIGEST_TAG: "0" * 64}
    (line,) = changes_since(_kept(), _kept(_plan(deployed=_deployed(tags=tuple(deployed_anew.items())))))
    assert line == (
        '"exports-push-orders": AWS has "CREATE_COMPLETE" of template "000000000000", '
        f'and had "CREATE_COMPLETE" of template "{found.digest[:12]}"'
    )
    tagged = _deployed(tags=(*found.tags, ("cost-centre", "7")))
    (line,) = changes_since(_kept(), _kept(_plan(deployed=tagged)))
    assert line == '"exports-push-orders": somebody has changed its tags in AWS'


def test_a_stack_that_is_there_or_gone_meanwhile_is_told() -> None:
    gone = Deployed(tuple(each for each in _deployed().stacks if not each.name.endswith("lists")))
    lines = changes_since(_kept(), _kept(_plan(deployed=gone)))
    found = _deployed().find("exports-pull-lists")
    assert found
    assert lines == (
        f'"exports-pull-lists": AWS has none, and had "CREATE_COMPLETE" of template "{found.digest[:12]}"',
    )


def test_users_roles_that_have_gone_or_come_are_told() -> None:
    before, after = _kept(_plan(missing=(BEN,))), _kept(_plan(missing=(ANA,)))
    lines = changes_since(before, after)
    assert lines[-3:] == (
        f'users\' roles of "lists": "{ANA}" does not exist any more',
        f'users\' roles of "notes": "{ANA}" does not exist any more',
        f'users\' roles of "orders": "{ANA}" does not exist any more, "{BEN}" exists now',
    )


def test_buckets_to_take_over_are_compared_with_what_they_hold() -> None:
    def taking(**facts: Any) -> Reviewed:
        plan = _plan()
        bucket = Existing(ExistingKind.BUCKET, "mojap-notes", **({"holds_data": True} | facts))
        steps = [replace(each, existing=(bucket,)) if each.name.endswith("notes") else each for each in plan.steps]
        return _kept(replace(plan, steps=tuple(steps)))

    name = '"exports-pull-notes": "the bucket mojap-notes", which it would take over,'
    assert changes_since(_kept(), taking()) == (f"{name} is there now, and was not",)
    assert changes_since(taking(), _kept()) == (f"{name} is gone",)
    for facts in ({"is_ours": True}, {"lets_in": ("*",)}, {"loses_rules": ("a/",)}):
        assert changes_since(taking(), taking(**facts)) == (f"{name} is not as it was",)
    assert changes_since(taking(), taking(holds_data=False)) == (
        f'{name} is gone; "the empty bucket mojap-notes", which it would take over, is there now, and was not',
    )


def test_an_access_that_has_ended_meanwhile_makes_it_another_plan() -> None:
    ending = estate_of(push("orders"), pull("lists", expires=date(2026, 11, 30)))
    before, after = (_kept(_plan(ending, moment=moment)) for moment in (NOW, datetime(2026, 12, 2, tzinfo=UTC)))
    assert changes_since(before, after)[0] == (
        'what it says of "access" is another, '
        "though declarations and stacks are the same: perhaps an end date has passed"
    )


def test_how_aws_words_a_refusal_is_no_change() -> None:
    """It names the session of whoever asks, which is another one in each run."""
    first, second = (
        _kept(_plan(not_checked=f"denied to {session}", problem=f"denied to {session}")) for session in ("a", "b")
    )
    assert first.shown != second.shown
    assert changes_since(first, second) == ()
    assert changes_since(first, _kept()) != (), "what was not known is known now"


def test_a_long_list_of_changes_is_counted() -> None:
    kept = replace(_kept(), files={f"pull_datasets/d{number:02}.yaml": "a" for number in range(30)})
    with pytest.raises(RefusedError) as caught:
        check_unchanged(kept, replace(_kept(), files={}, commit=""), what="it is another", next_step="plan again")
    lines = str(caught.value).splitlines()
    assert lines[:2] == ["nothing was deployed: it is another:", '  "pull_datasets/d00.yaml" is gone']
    assert lines[20:] == ['  "pull_datasets/d19.yaml" is gone', "  … and 10 more", "  next: plan again"]


def test_the_digest_of_every_declaration_is_taken_whatever_its_line_ends(tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate")
    loaded = load_estate(folder).require()
    before = digests_of(loaded, folder)
    assert before == {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.yaml"))
    }
    for path in folder.rglob("*.yaml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert digests_of(loaded, folder) == before
    (folder / "exports.yaml").write_text("# another\n", encoding="utf-8")
    assert digests_of(loaded, folder) != before
