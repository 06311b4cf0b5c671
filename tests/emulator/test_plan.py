"""A plan against what is deployed: told from the stacks' own metadata, reading no more than it must."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from data_exports.access.sentences import plain, sentence_of_unknown, statements_of
from data_exports.aws import Aws
from data_exports.deploy.plan.consents import Consent, needed_consents
from data_exports.deploy.plan.plan_data import plan_as_data
from data_exports.deploy.plan.planning import Plan
from data_exports.deploy.prepare import prepare
from data_exports.errors import AwsError, RefusedError
from data_exports.estate.models import Estate
from data_exports.local.emulator import LocalAws
from data_exports.names import RoleArn
from data_exports.stacks.stack import METADATA_KEY
from data_exports.views.plan import render_plan
from tests.emulator.deploying import Ground, ground_of
from tests.estates import LOADER, READER, pull, push
from tests.json_data import json_data

pytestmark = pytest.mark.emulator

IRSA = '"Cloud Platform" (754256621582) role cloud-platform/irsa-reader'


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("p"))


def _plan(ground: Ground, estate: Estate) -> Plan:
    return prepare(estate, ground.aws).plan


def _told(plan: Plan) -> list[str]:
    lines = [f"{each.kinds[0]}: {plain(each.sentence)}" for each in statements_of(plan.access)]
    return lines + [f"unknown: {plain(sentence_of_unknown(each, plan.access))}" for each in plan.access.unknown]


def _calls_of(aws: Aws, services: Iterable[str]) -> Counter[str]:
    """Counts every call that is made to these services from now on."""
    counted: Counter[str] = Counter()

    def count(model: Any, **_: object) -> None:
        counted[model.name] += 1

    for service in services:
        aws.client(service).meta.events.register("before-call", count)
    return counted


def test_access_is_told_from_what_is_deployed(ground: Ground) -> None:
    estate = ground.estate(push("orders"), pull("lists", expires=date(2031, 3, 31)), pull("notes"))
    ground.make_users_of(estate)
    assert ground.deploy(estate).is_complete
    assert _told(_plan(ground, estate)) == []
    later = ground.estate(push("orders", keep_files=True), pull("lists", allow_push=True, expires=date(2032, 3, 31)))
    bucket = f"s3://{ground.platform.pull_bucket_prefix}"
    account, hub = ground.platform.account, ground.platform.hub_bucket
    assert _told(_plan(ground, later)) == [
        (
            f"more: may read and write {bucket}lists until 31 March 2032 (before: could read only;"
            f" until 31 March 2031): {IRSA} (no paperwork)"
        ),
        (
            f"longer: may read and write {bucket}lists until 31 March 2032 (before: until 31 March 2031):"
            " alpha_user_ana (no paperwork)"
        ),
        (
            'changed: files of orders go to s3://cp-hearings/orders/ of "Cloud Platform" (754256621582)'
            " and stay in the hub (before: they left the hub;"
            f" by arn:aws:iam::{account}:role/service-role/export_orders-move;"
            f" the recipient must let in arn:aws:iam::{account}:role/service-role/export_orders-copy)"
            ' (paperwork "DPIA-17")'
        ),
        f"loses: may no longer read {bucket}notes: {IRSA}",
        f"loses: may no longer read and write {bucket}notes: alpha_user_ana",
    ]
    assert str(hub) not in "".join(_told(_plan(ground, later)))  # the senders of orders keep what they have


def test_only_the_templates_of_stacks_that_change_are_fetched(ground: Ground) -> None:
    estate = ground.estate(*(pull(f"d{number}") for number in range(12)))
    ground.make_users_of(estate)
    assert ground.deploy(estate).is_complete
    later = replace(estate, pull_datasets=(*estate.pull_datasets[:-1], replace(estate.pull_datasets[-1], users=())))
    calls = _calls_of(ground.aws, ["cloudformation", "iam", "s3", "sts"])
    prepare(estate, ground.aws)
    assert calls == {"DescribeStacks": 1, "GetCallerIdentity": 1, "GetRole": 1}
    calls.clear()
    plan = prepare(later, ground.aws).plan
    assert calls == {"DescribeStacks": 1, "GetCallerIdentity": 1, "GetRole": 1, "GetTemplate": 1}
    assert [step.name for step in plan.changes] == [later.pull_datasets[-1].stack_name]


def test_a_user_gains_when_the_missing_role_is_there(ground: Ground) -> None:
    estate = ground.estate(push("orders"))
    ground.make_roles(["alpha_user_ana"])
    plan = _plan(ground, estate)
    assert not any("Ben-Two" in line for line in _told(plan))
    assert "  orders: no such role: alpha_user_Ben-Two" in render_plan(plan, estate.platform).splitlines()
    ground.deploy(estate)
    assert _told(_plan(ground, estate)) == []
    ground.make_roles(["alpha_user_Ben-Two"])
    assert _told(_plan(ground, estate)) == [
        f'gains: may write under s3://{ground.platform.hub_bucket}/orders/: alpha_user_Ben-Two (paperwork "DPIA-17")'
    ]


def _change_by_hand(ground: Ground, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a stack as somebody with rights on it can: another template, the same tags."""
    cloudformation = ground.client("cloudformation")
    template = cloudformation.get_template(StackName=name)["TemplateBody"]
    tags = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Tags"]
    change(template)
    cloudformation.update_stack(
        StackName=name, TemplateBody=json.dumps(template), Tags=tags, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


@pytest.mark.parametrize(
    "change",
    [
        lambda template: template["Metadata"].pop(METADATA_KEY),
        lambda template: template["Metadata"][METADATA_KEY].update(grants=[]),
        lambda template: template["Resources"].pop("UsersPolicy"),
    ],
    ids=["no metadata", "no grants", "another policy"],
)
def test_a_stack_that_others_have_changed_is_unknown_and_never_without_access(
    ground: Ground, change: Callable[[dict[str, Any]], object]
) -> None:
    estate = ground.estate(pull("lists"), pull("notes", outsiders=(LOADER,)))
    ground.make_users_of(estate)
    ground.deploy(estate)
    _change_by_hand(ground, "exports-pull-lists", change)
    later = ground.estate(pull("lists", allow_push=True), pull("notes", outsiders=(LOADER,)))
    plan = _plan(ground, later)
    why = "its template is not the one that its digest names; others have changed it"
    assert [line.split(". ")[0] for line in _told(plan)] == [
        f"unknown: what lists granted before cannot be told: {why}"
    ]
    assert [each.consent for each in needed_consents(plan)] == [Consent.ACCOUNT, Consent.WRITE]
    assert [each["dataset"] for each in json_data(plan_as_data(plan))["access"]["unknown"]] == ["lists"]
    gone = _plan(ground, ground.estate(pull("notes", outsiders=(LOADER,))))
    assert _told(gone) == [f"unknown: what lists granted before cannot be told: {why}. It will grant nothing"]


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("iam:GetRole", "WARNING: the users' roles could not be looked up, and are taken to exist: access denied"),
        ("cloudformation:GetTemplate", "  unknown    what lists granted before cannot be told: its template could not"),
        ("s3:ListBucketVersions", "NEEDS --allow takeover: it takes over buckets that hold data"),
        ("s3:ListBucket", "  create    exports-pull-kept"),
        ("cloudformation:DescribeStacks", ""),
    ],
)
def test_each_call_that_is_denied_is_said_and_stops_no_more_than_it_must(
    ground: Ground, action: str, said: str
) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    ground.deploy(estate)
    bucket = f"{ground.platform.pull_bucket_prefix}kept"
    ground.make_bucket(bucket, dataset="kept", hub=str(ground.platform.hub_bucket))
    later = ground.estate(pull("lists", users=()), pull("kept"))
    aws = ground.without(action)
    if not said:
        with pytest.raises(AwsError, match="access denied") as denied:
            prepare(later, aws)
        assert action in str(denied.value)
        assert denied.value.next_step
        return
    lines = render_plan(prepare(later, aws).plan, later.platform).splitlines()
    assert [line for line in lines if line.startswith(said)], lines


def test_a_new_account_is_refused_until_it_is_allowed_and_then_known(ground: Ground) -> None:
    ground.make_users_of(estate := ground.estate(pull("lists")))
    assert ground.deploy(estate).is_complete  # a first deployment: every account is new, and none needs a consent
    later = ground.estate(pull("lists", outsiders=(READER, LOADER), allow_push=True))
    with pytest.raises(RefusedError) as refused:
        ground.deploy(later)
    assert str(refused.value).splitlines() == [
        "nothing was deployed:",
        "  it opens data to accounts that had no access before: account 112233445566 through lists",
        "  it lets outsiders write what none of them could: lists",
        "  next: if this is meant: `exports deploy --allow account --allow write`",
    ]
    assert _told(_plan(ground, estate)) == []
    assert ground.deploy(later, allow=[Consent.ACCOUNT, Consent.WRITE]).is_complete
    again = ground.estate(pull("lists", outsiders=(READER, LOADER, RoleArn(f"{LOADER}-2")), allow_push=True))
    assert needed_consents(_plan(ground, again)) == ()
