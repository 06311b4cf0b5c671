"""What a role may do, for whatever acts on its behalf inside AWS without a request of its own.

In: a role's ARN, an action, a resource's ARN. Out: what the role's identity policies say. Effects: none but a cache of
answers for `_KEPT_SECONDS`, because Lambda asks for every poll of every queue.
"""
# ruff: noqa: SLF001 - the emulator offers no other way in

import time

from ministack.core import iam_evaluator
from ministack.core.responses import get_region

_KEPT_SECONDS = 1.0
"""How long an answer is kept; policies change under a running function."""

_answers: dict[tuple[str, str, str], tuple[float, bool]] = {}


def role_may(role_arn: str, action: str, resource_arn: str) -> bool:
    """Whether the role's own policies allow the action."""
    asked = (role_arn, action, resource_arn)
    now = time.monotonic()
    answered_at, answer = _answers.get(asked, (-_KEPT_SECONDS, False))
    if now - answered_at < _KEPT_SECONDS:
        return answer
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    context = iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    answer = bool(iam_evaluator.evaluate(context, policies).decision == "Allow")
    _answers[asked] = (now, answer)
    return answer
