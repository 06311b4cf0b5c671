"""The audiences that a pull dataset's readers lack of providers outside our stack: added once its stack is right.

In: the outcome of a step. Out: that outcome, and what could not be added. Effects: adds audiences to OIDC providers,
which may be done again, and takes none away.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html
"""

from dataclasses import replace

from data_exports.aws import AWS_EXCEPTIONS, reason_of
from data_exports.deploy.apply.change_sets import Work
from data_exports.deploy.apply.outcomes import StackOutcome
from data_exports.names import identity_provider_arn_of


def with_audiences(work: Work, outcome: StackOutcome) -> StackOutcome:
    """Add what the step's readers lack; what AWS says against it is in the outcome."""
    if not outcome.is_done:
        return outcome
    for each in outcome.step.audiences:
        arn = identity_provider_arn_of(work.platform.account, each.issuer.removeprefix("https://"))
        try:
            work.aws.client("iam").add_client_id_to_open_id_connect_provider(
                OpenIDConnectProviderArn=arn, ClientID=each.audience
            )
        except AWS_EXCEPTIONS as error:
            reason = f"{each.in_words} could not be added, so its readers cannot get in: {reason_of(error)}"
            return replace(outcome, reason=reason, next_step="remove the cause, then run `exports deploy` again")
    return outcome
