"""Tokens with which the mover proves to other clouds who it is: what asks for them, and what may be asked for.

In: nothing. Out: what the mover's requests say, and what the rights of its role hold them to. No effects. AWS signs
the tokens (`sts:GetWebIdentityToken`); their subject is the ARN of the mover's role, and nobody keeps a secret.
https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
"""

TURN_ON = "aws iam enable-outbound-web-identity-federation"
"""What somebody of the platform runs, once for the account; https://docs.aws.amazon.com/cli/latest/reference/iam/"""

AZURE_AUDIENCE = "api://AzureADTokenExchange"
"""Whom a token for Entra is meant for, the only one that it takes.
https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-create-trust"""

TOKEN_SECONDS = 300
"""How long a token may be exchanged: it is at once. AWS allows 60 to 3,600 s."""

TOKEN_ALGORITHM = "RS256"  # noqa: S105 a name, and no secret
"""How it is signed: of the two that AWS offers the one that both Entra and Google take."""


def google_audience_of(provider: str) -> str:
    """Whom a token is meant for that a provider of Google's takes: what it expects unless another is declared.

    https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
    """
    return f"https://iam.googleapis.com/{provider}"


IMPERSONATION_SECONDS = 900
"""How long the token of a service account is asked for. Google gives up to an hour; a shorter one is late for less."""

FEDERATED_SECONDS = 3600
"""How long one lives that Google gives for another cloud's, without a service account.
https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token"""
