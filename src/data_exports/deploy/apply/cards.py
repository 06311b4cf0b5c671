"""The cards of push datasets in the log bucket: written with their stacks, and removed with them.

In: the outcome of a step. Out: that outcome, and what could not be done about the card. Effects: reads, writes and
deletes the card. Where a stack is unchanged its card is looked at, so that one that is lost, or that an earlier program
never wrote, comes with the next deployment.
"""

from dataclasses import replace

from data_exports.aws import AWS_EXCEPTIONS, call_or_none, reason_of
from data_exports.contract.keys import card_key_of
from data_exports.deploy.apply.change_sets import Work
from data_exports.deploy.apply.outcomes import StackOutcome, StackResult
from data_exports.deploy.deployed import PUSH_STACK_PREFIX
from data_exports.deploy.remote import write_if_other


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
    platform, key = work.platform, card_key_of(str(stack.dataset))
    write_if_other(work.aws, platform.log_bucket, key, stack.card.encode(), account=platform.account)
    return outcome


def _delete_card(work: Work, outcome: StackOutcome) -> None:
    step = outcome.step
    if step.dataset and step.name.startswith(PUSH_STACK_PREFIX):
        platform, key = work.platform, card_key_of(str(step.dataset))
        bucket, owner, s3 = str(platform.log_bucket), str(platform.account), work.aws.client("s3")
        call_or_none(lambda: s3.delete_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner))
