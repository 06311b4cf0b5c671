"""What AWS is asked before a deployment, its answers given."""

from collections.abc import Iterator
from typing import Any, cast

from botocore.exceptions import ClientError

from data_exports.aws import Aws
from data_exports.deploy.remote import ROLES_WORTH_A_LISTING, RoleLookup, read_missing_roles
from data_exports.names import RoleName

USERS = tuple(RoleName(f"alpha_user_{number}") for number in range(ROLES_WORTH_A_LISTING + 1))
REFUSAL = {"Error": {"Code": "AccessDenied", "Message": "not authorized to perform: iam:ListRoles"}}


class Iam:
    """Has every user's role but one; counts how often it is asked for a single one."""

    def __init__(self, *, may_list: bool) -> None:
        self.may_list = may_list
        self.asked = 0

    def client(self, service: str) -> "Iam":
        assert service == "iam"
        return self

    def get_paginator(self, operation: str) -> "Iam":
        assert operation == "list_roles"
        return self

    def paginate(self, **_: object) -> Iterator[dict[str, Any]]:
        if not self.may_list:
            raise ClientError(cast(Any, REFUSAL), "ListRoles")
        yield {"Roles": [{"RoleName": "somebody-else"}]}
        yield {"Roles": [{"RoleName": str(user)} for user in USERS[1:]]}

    def get_role(self, RoleName: str) -> None:  # noqa: N803 - AWS's name
        self.asked += 1
        if RoleName == USERS[0]:
            raise ClientError({"Error": {"Code": "NoSuchEntity", "Message": "none"}}, "GetRole")


def test_many_users_are_looked_up_in_one_listing() -> None:
    iam = Iam(may_list=True)
    assert read_missing_roles(cast(Aws, iam), USERS) == RoleLookup(frozenset(USERS[:1]))
    assert iam.asked == 0


def test_users_are_looked_up_one_by_one_where_we_may_not_list() -> None:
    iam = Iam(may_list=False)
    assert read_missing_roles(cast(Aws, iam), USERS) == RoleLookup(frozenset(USERS[:1]))
    assert iam.asked == len(USERS)


def test_few_users_are_looked_up_one_by_one() -> None:
    iam = Iam(may_list=True)
    assert read_missing_roles(cast(Aws, iam), USERS[:2]) == RoleLookup(frozenset(USERS[:1]))
    assert iam.asked == 2
