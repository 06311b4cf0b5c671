"""What a command may not do, said so that somebody can act on it: which action, on what, for whom.

In: an `Aws` and the action that a request needs. Out: nothing, or an exception of ours for AWS's refusal.
Effects: asks AWS who we are, once something was refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from data_exports.access.grants import Role, grants_of_push
from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, code_of
from data_exports.errors import AwsError, RefusedError
from data_exports.estate.models import Platform, PushDataset
from data_exports.names import RoleName


class NotAllowedError(AwsError):
    """AWS knows what is asked for, and denies it to us."""


@contextmanager
def needing(aws: Aws, action: str, resource: str) -> Iterator[None]:
    """Run requests that need this action on this resource; `resource` is said as it is given.

    Raises `NotAllowedError`, which names the action, the resource and us, when AWS denies it; `RefusedError` when there
    is no such resource, because then it is not deployed; otherwise `AwsError`.
    """
    try:
        yield
    except AWS_EXCEPTIONS as error:
        raise _error_of(error, aws, action, resource) from error


def _error_of(error: Exception, aws: Aws, action: str, resource: str) -> AwsError | RefusedError:
    answer = answer_of(error)
    if answer is AwsAnswer.NOT_FOUND:
        return RefusedError(
            f"there is no {resource}",
            next_step="have the dataset deployed; if that is done: check the account and the region",
        )
    told = aws_error_of(error)
    if answer is not AwsAnswer.FORBIDDEN:
        return told
    return NotAllowedError(
        f"{caller_words(aws)} may not do {action} on {resource}",
        code=code_of(error),
        where=told.where,
        next_step=f"use a role that may do {action} there (docs/operate.md lists who needs what)",
        request_id=told.request_id,
    )


def caller_words(aws: Aws) -> str:
    """Who we are: the role's name where we are one, otherwise the ARN."""
    try:
        _, arn = aws.caller()
    except AWS_EXCEPTIONS:
        return "this caller"
    return role_name_in(arn) or arn


def role_name_in(caller_arn: str) -> str:
    """The name of the role that a caller's ARN is a session of; ``""`` when it is none.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
    """
    kind, _, rest = caller_arn.split(":", 5)[5].partition("/") if caller_arn.count(":") >= 5 else ("", "", "")
    return rest.partition("/")[0] if kind == "assumed-role" else ""


def is_sender(platform: Platform, push: PushDataset, caller_arn: str) -> bool:
    """Whether the declarations let this caller send."""
    role = role_name_in(caller_arn)
    senders = {grant.principal for grant in grants_of_push(platform, push) if grant.role is Role.SENDER}
    return bool(RoleName.pattern.fullmatch(role)) and platform.user_role_arn(RoleName(role)) in senders
