"""How movers prove who they are outside AWS: by tokens of their own account, which has to allow that.

In: an audience, or an `Aws`. Out: the right to ask for such tokens; whether the account allows them, and whose they
are. Effects: `read_federation` reads AWS.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from data_exports.contract.federation import TOKEN_ALGORITHM, TOKEN_SECONDS, TURN_ON
from data_exports.destinations.destination import (
    OUTBOUND_FEDERATION,
    Destination,
    Fault,
    Federation,
    Lookup,
    Misfit,
    Right,
)
from data_exports.names import KeyPrefix

if TYPE_CHECKING:
    from data_exports.aws import Aws

GET_TOKEN = "sts:GetWebIdentityToken"  # noqa: S105 - an action of IAM
LOOK_UP = "aws iam get-outbound-web-identity-federation-info"
"""What tells it; https://docs.aws.amazon.com/cli/latest/reference/iam/"""
IS_OFF = f"this account does not allow {OUTBOUND_FEDERATION}, by which movers get into other clouds"
HOW_TO_TURN_ON = f"`{TURN_ON}`, once for the account"


def token_right(audience: str) -> Right:
    """A mover may ask for tokens: for this audience, for minutes, signed as others can verify.

    This is the exception to our rule that no resource is a wildcard. IAM knows no resource of this action, so that
    ``*`` is all that can stand there. What holds it instead are the conditions. The audience has several values, and
    `ForAllValues` alone would hold for a request that has none.
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_policies.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    """
    return Right(
        "*",
        (GET_TOKEN,),
        conditions=(
            ("ForAllValues:StringEquals", "sts:IdentityTokenAudience", audience),
            ("Null", "sts:IdentityTokenAudience", "false"),
            ("NumericLessThanEquals", "sts:DurationSeconds", str(TOKEN_SECONDS)),
            ("StringEquals", "sts:SigningAlgorithm", TOKEN_ALGORITHM),
        ),
    )


def read_federation(aws: "Aws") -> Federation:
    """What AWS says of the caller's account. Raises `AwsError` for anything but "it is off" and "you may not ask".

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOutboundWebIdentityFederationInfo.html
    """
    from data_exports.aws import AWS_EXCEPTIONS, AwsAnswer, answer_of, aws_error_of, code_of, reason_of  # boto3

    try:
        found = aws.client("iam").get_outbound_web_identity_federation_info()
    except AWS_EXCEPTIONS as error:
        if code_of(error).removesuffix("Exception") == "FeatureDisabled":
            return Federation(is_on=False)
        if answer_of(error) is AwsAnswer.FORBIDDEN:
            return Federation(is_on=None, not_told=reason_of(error))
        raise aws_error_of(error, where=OUTBOUND_FEDERATION) from error
    is_on = bool(found["JwtVendingEnabled"])
    return Federation(is_on, found["IssuerIdentifier"] if is_on else "")


def federation_for(destinations: Iterable[Destination], aws: "Aws") -> Federation | None:
    """What AWS says of it, if any of these destinations needs to know; otherwise it is not asked. Raises `AwsError`."""
    needed = any(GET_TOKEN in right.actions for there in destinations for right in there.rights(_ANYWHERE))
    return read_federation(aws) if needed else None


_ANYWHERE = KeyPrefix("any/")


def federation_misfit(lookup: Lookup, field: str) -> Misfit | None:
    """What is wrong with our own side of a destination outside AWS: nobody at AWS knows more of it."""
    found = lookup.federation
    if found is None or found.is_on:
        return None
    if found.is_on is None:
        hint = "use credentials that may do iam:GetOutboundWebIdentityFederationInfo"
        return Misfit(Fault.NOT_TOLD, field, found.warning, hint)
    return Misfit(Fault.NO_FEDERATION, field, IS_OFF, HOW_TO_TURN_ON)
