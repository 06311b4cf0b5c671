"""Who uploaded: the principals that S3 names in its events, in words where they are known.

In: an `Aws` and role names. Out: role ids and `Uploader` values. Effects: reads IAM, and what deployments
have recorded.

S3 names a session of a role ``AWS:<id of the role>:<name of the session>``, never the role's name.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, aws_errors
from data_exports.deploy.apply.role_ids import read_recorded_role_ids
from data_exports.estate.models import Platform
from data_exports.names import RoleName
from data_exports.operate.rights import role_name_in
from data_exports.parallel import map_ordered

FEW = 20
"""So many roles are looked up one by one; for more, all of the account's are listed."""

_ROLE_ID = "AROA"
"""How ids of roles begin.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes"""

RoleIds = Mapping[str, RoleName]
"""The id of a role (``AROA…``) → its name."""


@dataclass(frozen=True, slots=True)
class Uploader:
    """Who uploaded a file."""

    principal: str
    """As S3 names it, without ``AWS:``."""
    role: RoleName | None = None
    """The role's name; None when it is not known."""
    session: str = ""

    @property
    def is_known(self) -> bool:
        """Whether it is told who it is: not of a role that no lookup and no deployment has seen under this id."""
        return self.role is not None or not self.principal.startswith(_ROLE_ID)

    def __str__(self) -> str:
        if self.role is None:
            return self.principal
        return f"{self.role} ({self.session})" if self.session and self.session != self.role else str(self.role)

    def matches(self, pattern: str) -> bool:
        """Whether the role, the session or the principal is like this pattern (``*`` and ``?``)."""
        return any(fnmatchcase(text, pattern) for text in (self.principal, self.role or "", self.session) if text)


def uploader_of(uploaded_by: str | None, role_ids: RoleIds) -> Uploader | None:
    """The uploader that a receipt names; None when it names none."""
    if not uploaded_by:
        return None
    principal = uploaded_by.removeprefix("AWS:")
    identifier, _, session = principal.partition(":")
    return Uploader(principal, role_ids.get(identifier), session)


def read_role_ids(aws: Aws, platform: Platform, users: Iterable[RoleName]) -> dict[str, RoleName]:
    """The ids that these roles have, without those that we may not look up, and all that deployments have recorded.

    Whoever may look up none knows their own role nevertheless. Raises `AwsError`.
    """
    with aws_errors("the recorded ids of roles"):
        recorded = read_recorded_role_ids(aws, platform)
    return {**recorded, **_read_ids_of(aws, users)}


def _read_ids_of(aws: Aws, users: Iterable[RoleName]) -> dict[str, RoleName]:
    names = sorted(set(users))
    listed = _list_role_ids(aws) if len(names) > FEW else None
    if listed is not None:
        return {listed[name]: name for name in names if name in listed}
    found = dict(zip(names, map_ordered(lambda name: _read_role_id(aws.client("iam"), name), names), strict=True))
    known = {identifier: name for name, identifier in found.items() if identifier}
    return known if len(known) == len(names) else {**known, **_read_own_id(aws)}


def _read_own_id(aws: Aws) -> dict[str, RoleName]:
    """The id of the role that we are a session of: AWS tells that without any right, and S3 names uploaders by it.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    """
    with aws_errors("the caller"):
        caller = aws.client("sts").get_caller_identity()
    role, identifier = role_name_in(caller["Arn"]), caller["UserId"].partition(":")[0]
    return {identifier: RoleName(role)} if RoleName.pattern.fullmatch(role) else {}


def _list_role_ids(aws: Aws) -> dict[str, str] | None:
    """Name → id of every role of the account; None when we may not list them."""
    try:
        pages = aws.client("iam").get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 1000})
        return {role["RoleName"]: role["RoleId"] for page in pages for role in page["Roles"]}
    except AWS_EXCEPTIONS as error:
        if answer_of(error) is AwsAnswer.FORBIDDEN:
            return None
        raise aws_error_of(error, where="roles") from error


def _read_role_id(iam: Any, name: RoleName) -> str:
    try:
        return str(iam.get_role(RoleName=str(name))["Role"]["RoleId"])
    except AWS_EXCEPTIONS as error:
        if answer_of(error) in (AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN):
            return ""
        raise aws_error_of(error, where=f"role {name}") from error
