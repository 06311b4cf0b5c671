"""The rights that a stack gave roles, and those that nobody declared: IAM's answers given."""

import copy
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.roles import check_roles, check_undeclared_access, policies_given_by
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import Surroundings
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, push

STACK = push_stack(PLATFORM, push(), Surroundings(code_key="code/mover-0123abcd.zip"))
BODY = json.loads(STACK.body)
ROLE = BODY["Resources"]["MoverRole"]["Properties"]
OWN = ROLE["RoleName"]
(OWN_POLICY,) = (policy["PolicyName"] for policy in ROLE["Policies"])
GIVEN = BODY["Resources"]["UsersPolicy"]["Properties"]
USERS = ["alpha_user_Ben-Two", "alpha_user_ana"]
NONE = refusal("NoSuchEntity")
TEMPLATE = DeployedTemplate(
    DeployedStack(STACK.name, "arn:aws:cloudformation:eu-west-1:593291632749:stack/x/1", "", STACK.tags), BODY
)
EXTRA = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::x/*"}


class Iam:
    """Roles with their trust and inline policies; as deployed to begin with."""

    def __init__(self) -> None:
        policy = GIVEN["PolicyName"]
        self.trust = copy.deepcopy(ROLE["AssumeRolePolicyDocument"])
        self.attached: list[str] = []
        self.policies: dict[str, dict[str, Any]] = {
            OWN: {each["PolicyName"]: copy.deepcopy(each["PolicyDocument"]) for each in ROLE["Policies"]},
            **{user: {policy: copy.deepcopy(GIVEN["PolicyDocument"])} for user in USERS},
        }
        self.aws = AwsAnswers(
            {
                "get_role": self.get_role,
                "get_role_policy": self.get_role_policy,
                "list_role_policies": lambda RoleName: [  # noqa: N803
                    {"PolicyNames": [name]} for name in self.policies[RoleName]
                ],
                "list_attached_role_policies": lambda RoleName: [  # noqa: N803
                    {"AttachedPolicies": [{"PolicyArn": arn}]} for arn in self.attached if RoleName == OWN
                ],
            }
        )

    def get_role(self, RoleName: str) -> Any:  # noqa: N803
        return {"Role": {"AssumeRolePolicyDocument": self.trust}} if RoleName in self.policies else NONE

    def get_role_policy(self, RoleName: str, PolicyName: str) -> Any:  # noqa: N803
        found = self.policies.get(RoleName, {}).get(PolicyName)
        return NONE if found is None else {"PolicyDocument": found}

    def drift(self) -> list[str]:
        return [each.what for each in check_roles(self.aws, TEMPLATE)]


def test_nothing_is_told_of_roles_that_nobody_touched() -> None:
    assert Iam().drift() == []


def test_a_movers_role_that_is_gone_is_told_and_not_asked_further() -> None:
    iam = Iam()
    del iam.policies[OWN]
    assert iam.drift() == [f"the role {OWN} is gone"]


def test_whatever_was_changed_of_the_movers_role_is_told() -> None:
    iam = Iam()
    iam.trust["Statement"].append({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})
    iam.policies[OWN][OWN_POLICY]["Statement"].append(EXTRA)
    iam.policies[OWN]["b"] = iam.policies[OWN]["a"] = {}
    iam.attached = ["arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"]
    assert iam.drift() == [
        f"the role {OWN}: its trust policy also allows sts:AssumeRole to everybody",
        f"the role {OWN}: it has another policy, a",
        f"the role {OWN}: it has another policy, b",
        f"the role {OWN}: its policy {OWN_POLICY} also allows s3:GetObject on arn:aws:s3:::x/*",
        f"the role {OWN}: the policy arn:aws:iam::aws:policy/AdministratorAccess is attached to it",
        f"the role {OWN}: the policy arn:aws:iam::aws:policy/ReadOnlyAccess is attached to it",
    ]


def test_a_policy_of_the_movers_role_that_is_gone_is_told() -> None:
    iam = Iam()
    iam.policies[OWN] = {}
    assert iam.drift() == [f"the role {OWN}: its policy {OWN_POLICY} is gone"]


def test_what_was_changed_on_users_roles_is_told_of_each() -> None:
    iam, policy = Iam(), GIVEN["PolicyName"]
    gone, changed = sorted(USERS)
    iam.policies[gone] = {}
    iam.policies[changed][policy]["Statement"].append(EXTRA)
    assert sorted(iam.drift()) == [
        f"the role {gone}: its policy {policy} is gone",
        f"the role {changed}: its policy {policy} also allows s3:GetObject on arn:aws:s3:::x/*",
    ]


def test_a_users_role_that_is_gone_is_told_as_that() -> None:
    iam = Iam()
    del iam.policies["alpha_user_ana"]
    assert iam.drift() == ["the role alpha_user_ana is gone"]


@pytest.mark.parametrize(
    "operation", ["get_role", "get_role_policy", "list_role_policies", "list_attached_role_policies"]
)
def test_what_may_not_be_looked_at_is_never_taken_for_gone(operation: str) -> None:
    iam = Iam()
    iam.aws.answers[operation] = refusal("AccessDenied")
    with pytest.raises(ClientError):
        iam.drift()


def test_the_policies_that_a_stack_puts_on_users_roles() -> None:
    assert sorted(policies_given_by(TEMPLATE)) == [(user, GIVEN["PolicyName"]) for user in sorted(USERS)]


def reach(*resources: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Action": "s3:GetObject", "Resource": list(resources)}]}


def undeclared(*names: str, ours: tuple[str, ...] = ("ours",), **policies: dict[str, Any]) -> list[str]:
    iam = Iam()
    iam.policies["alpha_user_ana"] = {**{name: reach("arn:aws:s3:::mojap-hub-exports/*") for name in names}, **policies}
    return [each.what for each in check_undeclared_access(iam.aws, PLATFORM, "alpha_user_ana", ours=ours)]


SAID = "the role alpha_user_ana: its policy {}, which no dataset declares, reaches {}"


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:s3:::mojap-hub-exports",
        "arn:aws:s3:::mojap-hub-exports/hearings/*",
        "arn:aws:s3:::mojap-hub-exports-log/*",
        "arn:aws:s3:::mojap-lists/*",
    ],
)
def test_a_policy_that_reaches_our_buckets_and_is_none_of_ours_is_told(resource: str) -> None:
    assert undeclared("ours", other=reach(resource)) == [SAID.format("other", resource)]


def test_policies_of_ours_that_refuse_or_reach_elsewhere_are_not_told() -> None:
    hub = "arn:aws:s3:::mojap-hub-exports/*"
    assert undeclared("ours", denies=reach(hub, effect="Deny"), elsewhere=reach("arn:aws:s3:::other/*")) == []


def test_each_policy_is_told_by_name_with_all_that_it_reaches() -> None:
    hub, log = "arn:aws:s3:::mojap-hub-exports/*", "arn:aws:s3:::mojap-hub-exports-log/*"
    assert undeclared("b", "a", c=reach(hub, log)) == [
        SAID.format("a", hub),
        SAID.format("b", hub),
        SAID.format("c", f"{log}, {hub}"),
    ]


def test_a_user_without_a_role_reaches_nothing_and_one_that_may_not_be_looked_at_is_an_error() -> None:
    gone, forbidden = AwsAnswers({"list_role_policies": NONE}), AwsAnswers({"list_role_policies": refusal("403")})
    assert list(check_undeclared_access(gone, PLATFORM, "alpha_user_ana", ours=())) == []
    with pytest.raises(ClientError):
        list(check_undeclared_access(forbidden, PLATFORM, "alpha_user_ana", ours=()))


def test_a_policy_that_went_while_we_looked_reaches_nothing() -> None:
    aws = AwsAnswers({"list_role_policies": [{"PolicyNames": ["other"]}], "get_role_policy": NONE})
    assert list(check_undeclared_access(aws, PLATFORM, "alpha_user_ana", ours=())) == []
