"""CloudFormation: which stacks a change set may be made for, where its template may lie, and what it may adopt."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_evaluator
from ministack.services.cloudformation import _stacks, changesets, handlers, helpers, stacks

from data_exports.local.gaps.iam import role_behind
from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.rights import role_may

Parameters = Mapping[str, Any]

_NOT_UPDATABLE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
_NOT_YET_THERE = frozenset({"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"})
_BUCKET_IN_THE_HOST = re.compile(
    r"https?://(?P<bucket>[a-z0-9.-]+?)\.s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com/(?P<key>.+)"
)

_BROUGHT_BY = "_brought_by"
"""Where the emulator's value of a stack holds the id of the change set."""
_adopted: ContextVar[frozenset[str]] = ContextVar("adopted", default=frozenset())
"""The buckets that the change set being carried out takes over rather than makes."""


@mends(handlers._ACTION_HANDLERS, "CreateChangeSet", "params")
def a_stack_is_made_once_and_a_failed_one_must_go_first(original: Callable[..., Any], params: Parameters) -> Any:
    """A stack that exists cannot be created again, and one whose creation was rolled back cannot be updated.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html (ROLLBACK_COMPLETE)
    """
    name, kind = helpers._p(params, "StackName"), helpers._p(params, "ChangeSetType", "UPDATE")
    stack = handlers._resolve_stack(name)
    status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
    if kind == "CREATE" and status not in _NOT_YET_THERE:
        change_set = helpers._p(params, "ChangeSetName")
        return helpers._error(
            "ValidationError",
            f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}].",
        )
    if kind == "UPDATE" and status in _NOT_UPDATABLE:
        return helpers._error(
            "ValidationError", f"Stack:{stack['StackId']} is in {status} state and can not be updated."
        )
    return original(params)


@mends(handlers._ACTION_HANDLERS, "DescribeStacks", "params")
def all_stacks_are_told_to_whom_may_list_them(original: Callable[..., Any], params: Parameters) -> Any:
    """Without the name of a stack, DescribeStacks needs the permission for ListStacks, too.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html (StackName)
    """
    caller = iam_evaluator.caller_arn()
    if helpers._p(params, "StackName") or ":assumed-role/" not in caller:
        return original(params)
    if role_may(role_behind(caller), "cloudformation:ListStacks", "*"):
        return original(params)
    return helpers._error(
        "AccessDenied",
        f"User: {caller} is not authorized to perform: cloudformation:ListStacks because no identity-based policy "
        "allows the cloudformation:ListStacks action",
        403,
    )


@mends(handlers._ACTION_HANDLERS, "DescribeStacks", "params")
def a_stack_tells_which_change_set_brought_it(original: Callable[..., Any], params: Parameters) -> Any:
    """A stack tells the id of the change set that it was made or changed by.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html
    """
    status, headers, body = original(params)
    for stack in list(_stacks.values()):
        at = f"<StackId>{helpers._esc(stack['StackId'])}</StackId>"
        if stack.get(_BROUGHT_BY):
            told = f"{at}<ChangeSetId>{helpers._esc(stack[_BROUGHT_BY])}</ChangeSetId>"
            body = body.replace(at.encode(), told.encode())
    return status, headers, body


@mends(handlers._ACTION_HANDLERS, "UpdateStack", "params")
def a_stack_that_is_changed_without_a_change_set_tells_none(original: Callable[..., Any], params: Parameters) -> Any:
    """What an earlier change set brought is not there any more."""
    answer = original(params)
    stack = handlers._resolve_stack(helpers._p(params, "StackName"))
    if answer[0] == 200 and stack:
        stack.pop(_BROUGHT_BY, None)
    return answer


@mends(helpers, "_resolve_document", "params body_key url_key label")
def a_template_is_found_by_its_buckets_own_address(
    original: Callable[..., Any], params: Parameters, body_key: str, url_key: str, label: str
) -> Any:
    """`TemplateURL` may name the bucket in the host, ``https://<bucket>.s3.<region>.amazonaws.com/<key>``.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
    """
    found = _BUCKET_IN_THE_HOST.fullmatch(helpers._p(params, url_key))
    if found:
        params = {**params, url_key: [f"https://s3.amazonaws.com/{found['bucket']}/{found['key']}"]}
    return original(params, body_key, url_key, label)


@mends(handlers._ACTION_HANDLERS, "ExecuteChangeSet", "params")
def an_adopted_bucket_is_known_while_its_stack_is_made(original: Callable[..., Any], params: Parameters) -> Any:
    """With `ImportExistingResources` a bucket that exists is taken over: its name is no conflict.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    """
    _, change_set = changesets._find_change_set(helpers._p(params, "ChangeSetName"), helpers._p(params, "StackName"))
    identifiers = ((change_set or {}).get("_import_existing") or {}).values()
    token = _adopted.set(frozenset(i["BucketName"] for i in identifiers if "BucketName" in i))
    try:
        answer = original(params)  # the stack's own task starts in here, with a copy of this context
        if answer[0] == 200 and change_set:
            _stacks[change_set["StackName"]][_BROUGHT_BY] = change_set["ChangeSetId"]
        return answer
    finally:
        _adopted.reset(token)


@mends(
    stacks,
    "_validation_errors",
    "resources_defs ordered param_values conditions mappings stack_name stack_id owned_buckets",
)
def an_adopted_bucket_is_no_name_conflict(original: Callable[..., Any], *arguments: Any) -> Any:
    """With `ImportExistingResources` a bucket that exists is taken over: its name is no conflict.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    """
    *others, owned = arguments
    return original(*others, owned | _adopted.get())
