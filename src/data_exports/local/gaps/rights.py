"""What a role may do: by its own policies, and by the policy of a resource in another account.

In: a role's ARN, an action, a resource's ARN. Out: what the policies say. Effects: none but a cache of answers for
`_KEPT_SECONDS`, because Lambda asks for every poll of every queue.
"""
# ruff: noqa: SLF001 - the emulator offers no other way in

import time
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_region

_KEPT_SECONDS = 1.0
"""How long an answer is kept; policies change under a running function."""

_answers: dict[tuple[str, str, str], tuple[float, bool]] = {}


def policy_lets(policy: Any, caller_arn: str, action: str, resource_arn: str) -> bool:
    """Whether the policy of another account's resource allows the caller the action."""
    context = _asked_by(caller_arn, action, resource_arn)
    return bool(iam_evaluator.evaluate_resource_policy(policy, context).decision == "Allow")


def role_may(role_arn: str, action: str, resource_arn: str) -> bool:
    """Whether the role's own policies allow the action, for what acts on its behalf without a request of its own."""
    asked = (role_arn, action, resource_arn)
    now = time.monotonic()
    answered_at, answer = _answers.get(asked, (-_KEPT_SECONDS, False))
    if now - answered_at < _KEPT_SECONDS:
        return answer
    context = _asked_by(role_arn, action, resource_arn)
    policies = iam_evaluator._gather_role_policies(role_arn.rsplit("/", 1)[-1], context.principal_account)
    answer = bool(iam_evaluator.evaluate(context, policies).decision == "Allow")
    _answers[asked] = (now, answer)
    return answer


def _asked_by(arn: str, action: str, resource_arn: str) -> iam_evaluator.EvalContext:
    return iam_evaluator.EvalContext(
        principal_arn=arn,
        principal_type="AssumedRole",
        principal_account=arn.split(":")[4],
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
    )


def policy_lets_service(
    policy: Any, service: str, action: str, resource_arn: str, *, source_arn: str, source_account: str
) -> bool:
    """Whether a policy lets an AWS service do this on behalf of a resource of an account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    context = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
        secure_transport=True,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": source_account},
    )
    return bool(iam_evaluator.evaluate_resource_policy(policy, context, service=service).decision == "Allow")
