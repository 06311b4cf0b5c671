"""IAM: who a session is to resource policies and conditions, and which roles a policy may name.

Mends the emulator's policy evaluation, where a request to another account's resource arrives as that account's root.
"""
# ruff: noqa: SLF001 - the emulator offers no other way in

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

from data_exports.local.gaps.patching import mends


def role_behind(arn: str) -> str:
    """The ARN, with its path, of the IAM role behind an assumed-role session's ARN; any other ARN as it is."""
    if ":assumed-role/" not in arn:
        return arn
    account, name = arn.split(":")[4], arn.split("/")[1]
    role = iam._roles.get_scoped(account, None, name)
    return str(role["Arn"]) if role else arn


@mends(iam_evaluator, "evaluate_resource_policy", "doc ctx service named_only direct_only")
def a_resource_policy_sees_who_really_calls(
    original: Callable[..., Any], doc: Any, ctx: Any, *args: Any, **kwargs: Any
) -> Any:
    """A request from another account is judged as the session that made it, not as its account's root.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    """
    caller = iam_evaluator.caller_arn()
    if ctx.principal_arn.endswith(":root") and caller.split(":")[4] == ctx.principal_account:
        kind = "AssumedRole" if ":assumed-role/" in caller else ctx.principal_type
        ctx = dataclasses.replace(ctx, principal_arn=caller, principal_type=kind)
    return original(doc, ctx, *args, **kwargs)


@mends(iam_evaluator, "_principal_matches", "principal caller_arn")
def a_role_is_named_with_its_path(original: Callable[..., Any], principal: Any, caller_arn: str) -> Any:
    """A principal that leaves out a role's path names another role, and so nobody.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-friendly-names
    """
    if isinstance(principal, dict) and ":assumed-role/" in caller_arn:
        role = role_behind(caller_arn)
        named = [p for p in _as_list(principal.get("AWS")) if ":role/" not in p or p == role]
        principal = {**principal, "AWS": named}
    return original(principal, caller_arn)


@mends(iam_evaluator, "_resolve_condition_key", "key ctx")
def principal_arn_in_conditions_is_the_role(original: Callable[..., Any], key: str, ctx: Any) -> Any:
    """`aws:PrincipalArn` of a session is the ARN of its role, with the path, and not the session's.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
    """
    value = original(key, ctx)
    return role_behind(value) if key.lower() == "aws:principalarn" and isinstance(value, str) else value


@mends(iam_evaluator, "_fnmatch_compile", "pattern ignore_case")
def a_star_matches_every_character(
    original: Callable[..., re.Pattern[str]], pattern: str, ignore_case: Any
) -> re.Pattern[str]:
    """``*`` and ``?`` in resources and conditions match line ends, too, which object keys may hold.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    compiled = original(pattern, ignore_case)
    return _across_lines(compiled.pattern, compiled.flags)


@lru_cache(4096)
def _across_lines(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern.removesuffix("$") + r"\Z", flags | re.DOTALL)


@mends(iam_evaluator, "_gather_role_policies", "role_name account_id")
def a_role_is_found_whatever_its_path(original: Callable[..., Any], role_name: str, account_id: str) -> Any:
    """`SimulatePrincipalPolicy` takes the ARN of a role with a path; the role's name is the last part of it.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    return original(role_name.rsplit("/", 1)[-1], account_id)


@mends(iam_evaluator, "evaluate_trust_policy", "trust_doc caller_arn ctx")
def a_role_is_assumed_by_whom_it_trusts_under_its_full_name(
    original: Callable[..., bool], trust_doc: Any, caller_arn: str, ctx: Any = None
) -> bool:
    """Trust in a service is no trust in an account's root, and the ARN to assume has the role's path.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    """
    if ctx is not None and ctx.resource_arn.startswith("arn:aws:iam::"):
        role = iam._roles.get_scoped(ctx.resource_arn.split(":")[4], None, ctx.resource_arn.rsplit("/", 1)[-1])
        if role is None or role["Arn"] != ctx.resource_arn:
            return False
    document = json.loads(trust_doc) if isinstance(trust_doc, str) else trust_doc
    statements = [_without_services(statement) for statement in _as_list(document.get("Statement"))]
    return original({**document, "Statement": statements}, caller_arn, ctx)


def _without_services(statement: dict[str, Any]) -> dict[str, Any]:
    principal = statement.get("Principal")
    if not isinstance(principal, dict):
        return statement
    return {**statement, "Principal": {kind: named for kind, named in principal.items() if kind != "Service"}}


def unknown_principal_of(document: Any) -> str | None:
    """The first IAM role or user that a policy document names as a principal and that does not exist.

    https://repost.aws/knowledge-center/s3-invalid-principal-in-policy-error
    """
    for arn in _principals_of(document):
        store = iam._roles if ":role/" in arn else iam._users if ":user/" in arn else None
        if store is None or not arn.startswith("arn:"):
            continue
        found = store.get_scoped(arn.split(":")[4], None, arn.rsplit("/", 1)[-1])
        if not found or found["Arn"] != arn:
            return arn
    return None


def _principals_of(document: Any) -> Iterator[str]:
    for statement in _as_list(document.get("Statement") if isinstance(document, dict) else None):
        principal = statement.get("Principal")
        if isinstance(principal, dict):
            yield from _as_list(principal.get("AWS"))


def _as_list(value: Any) -> list[Any]:
    """Policies write one value as itself and several as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
