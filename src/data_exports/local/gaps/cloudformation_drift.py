"""CloudFormation: which types' drift it sees, and change sets that put drifted resources back."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

from ministack.services import cloudwatch, lambda_svc
from ministack.services.cloudformation import changesets, drift, handlers, helpers

from data_exports.local.gaps.cloudformation_stacks import Parameters
from data_exports.local.gaps.patching import mends

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import-supported-resources.html
drift._DRIFT_READERS["AWS::CloudWatch::Alarm"] = (drift._exists_in(lambda: cloudwatch._alarms), frozenset())
drift._DRIFT_READERS["AWS::Lambda::EventSourceMapping"] = (drift._exists_in(lambda: lambda_svc._esms), frozenset())

_reverted: ContextVar[Mapping[str, Any] | None] = ContextVar("reverted", default=None)
"""The stack whose drift the change set that is being made reverts."""


@mends(handlers._ACTION_HANDLERS, "CreateChangeSet", "params")
def a_change_set_may_revert_drift(original: Callable[..., Any], params: Parameters) -> Any:
    """With `DeploymentMode` REVERT_DRIFT a change set holds what drifted, too.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
    """
    if helpers._p(params, "DeploymentMode") != "REVERT_DRIFT":
        return original(params)
    name = helpers._p(params, "StackName")
    token = _reverted.set(handlers._resolve_stack(name))
    try:
        answer = original(params)
    finally:
        _reverted.reset(token)
    _, made = changesets._find_change_set(helpers._p(params, "ChangeSetName"), name)
    if made:
        made["_reverts_drift"] = True
    return answer


@mends(changesets, "_diff_resources", "old_template new_template resources template changed_params retag")
def what_drifted_is_a_change(original: Callable[..., Any], *arguments: Any) -> Any:
    """A drift-aware change set shows each drifted resource: one that is gone is added, another modified.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
    """
    changes, stack = original(*arguments), _reverted.get()
    if stack is None:
        return changes
    known = {change["ResourceChange"]["LogicalResourceId"] for change in changes}
    for logical_id, record, found in _drifted(stack):
        if logical_id not in known:
            action = "Add" if found["StackResourceDriftStatus"] == "DELETED" else "Modify"
            kind = record["ResourceType"]
            change = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": kind}
            changes.append({"ResourceChange": change | ({"Details": []} if action == "Modify" else {})})
    return changes


@mends(handlers._ACTION_HANDLERS, "ExecuteChangeSet", "params")
def a_drifted_resource_is_made_as_its_template_says(original: Callable[..., Any], params: Parameters) -> Any:
    """What is gone is made again; of the rest, what differs is set.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
    """
    _, made = changesets._find_change_set(helpers._p(params, "ChangeSetName"), helpers._p(params, "StackName"))
    if made and made.get("_reverts_drift") and made["ExecutionStatus"] == "AVAILABLE":
        stack = handlers._resolve_stack(made["StackId"])
        for logical_id, record, found in list(_drifted(stack)):
            if found["StackResourceDriftStatus"] == "DELETED":
                del stack["_resources"][logical_id]
            else:
                record["Properties"] = {**record["Properties"], **json.loads(found["ActualProperties"])}
    return original(params)


def _drifted(stack: Mapping[str, Any]) -> Iterator[tuple[str, MutableMapping[str, Any], Mapping[str, Any]]]:
    """Logical id, record and drift of each resource that is gone or changed."""
    for logical_id, record in stack.get("_resources", {}).items():
        if drift.supports_drift(record.get("ResourceType", "")):
            found = drift.detect_resource_drift(stack, logical_id, record, "")
            if found["StackResourceDriftStatus"] in ("DELETED", "MODIFIED"):
                yield logical_id, record, found
