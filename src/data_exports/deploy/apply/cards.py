"""The cards of push datasets in the log bucket: written with their stacks, and removed with them.

In: the outcome of a step. Out: that outcome, and what could not be done about the card. Effects: reads, writes and
deletes the card. Where a stack is unchanged its card is looked at, so that one that is lost, or that an earlier program
never wrote, comes with the next deployment.
"""

from dataclasses import replace
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, AwsAnswer, call_or_none, reason_of
from data_exports.contract.keys import card_key_of
from data_exports.deploy.apply.change_sets import Work
from data_exports.deploy.apply.outcomes import StackOutcome, StackResult
from data_exports.deploy.deployed import PUSH_STACK_PREFIX


def with_card(work: Work, outcome: StackOutcome) -> StackOutcome:
    """See to the card of the dataset whose stack this is, if it has one; what AWS says against it is in the outcome."""
    try:
        if outcome.result is StackResult.DELETED:
            _delete_card(work, outcome)
            return outcome
        return _with_card_written(work, outcome)
    except AWS_EXCEPTIONS as error:
        reason = f"its card, from which senders without a clone know it, could not be kept up: {reason_of(error)}"
        next_step = "let whoever deploys read, write and delete deliveries/ in the log bucket; then run it again"
        return replace(outcome, reason=reason, next_step=next_step)


def _with_card_written(work: Work, outcome: StackOutcome) -> StackOutcome:
    stack = outcome.step.stack
    if not outcome.is_done or stack is None or stack.dataset is None or not stack.card:
        return outcome
    s3, where, body = work.aws.client("s3"), _where(work, str(stack.dataset)), stack.card.encode()
    refused = (AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN)
    found = call_or_none(lambda: s3.get_object(**where), *refused)
    if found and found["Body"].read() == body:
        return outcome
    s3.put_object(**where, Body=body, ContentType="application/json")
    return outcome


def _delete_card(work: Work, outcome: StackOutcome) -> None:
    step = outcome.step
    if step.dataset and step.name.startswith(PUSH_STACK_PREFIX):
        where = _where(work, str(step.dataset))
        call_or_none(lambda: work.aws.client("s3").delete_object(**where))


def _where(work: Work, dataset: str) -> dict[str, Any]:
    platform = work.platform
    return {
        "Bucket": str(platform.log_bucket),
        "Key": card_key_of(dataset),
        "ExpectedBucketOwner": str(platform.account),
    }
