"""What AWS is asked before a deployment, its answers given."""

from typing import Any

from data_exports.deploy.remote import ROLES_WORTH_A_LISTING, RoleLookup, read_missing_roles
from data_exports.names import RoleName
from tests.aws_answers import AwsAnswers, refusal

USERS = tuple(RoleName(f"alpha_user_{number}") for number in range(ROLES_WORTH_A_LISTING + 1))
REFUSAL = refusal("AccessDenied", "not authorized to perform: iam:ListRoles")
ROLES = [
    {"Roles": [{"RoleName": "somebody-else"}]},
    {"Roles": [{"RoleName": str(user), "RoleId": f"id of {user}"} for user in USERS[1:]]},
]


def aws_with(roles: Any = ROLES) -> AwsAnswers:
    """Every user's role but one."""

    def get_role(RoleName: str) -> Any:  # noqa: N803 - AWS's name
        return refusal("NoSuchEntity", "none") if RoleName == USERS[0] else {"Role": {"RoleId": f"id of {RoleName}"}}

    return AwsAnswers({"list_roles": roles, "get_role": get_role})


def test_many_users_are_looked_up_in_one_listing() -> None:
    iam = aws_with()
    found = read_missing_roles(iam, USERS)
    assert (found, found.ids) == (RoleLookup(frozenset(USERS[:1])), {f"id of {user}": user for user in USERS[1:]})
    assert (iam.asked_for("get_role"), iam.services) == ([], {"iam"})


def test_users_are_looked_up_one_by_one_where_we_may_not_list() -> None:
    iam = aws_with(REFUSAL)
    assert read_missing_roles(iam, USERS) == RoleLookup(frozenset(USERS[:1]))
    assert (len(iam.asked_for("get_role")), iam.services) == (len(USERS), {"iam"})


def test_few_users_are_looked_up_one_by_one() -> None:
    iam = aws_with()
    found = read_missing_roles(iam, USERS[:2])
    assert (found, found.ids) == (RoleLookup(frozenset(USERS[:1])), {f"id of {USERS[1]}": USERS[1]})
    assert (len(iam.asked_for("get_role")), iam.services) == (2, {"iam"})
