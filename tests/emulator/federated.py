"""What tests do with readers outside AWS: issuers, providers, roles that trust them, tokens."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from data_exports.local import clients
from data_exports.local.clients import LocalCredentials
from data_exports.local.emulator import LocalAws
from data_exports.local.issuers import LocalIssuer, SigningAlgorithm, local_issuer, token_claims_of
from data_exports.readers.kinds import AnyReader
from tests.emulator.steps import ACCOUNT, Statement, Steps, policy_of

AUDIENCE = "api://exports"
SUBJECT = "8f2c6d7e-0000-4000-8000-000000000001"


def token_of(local: LocalAws, reader: AnyReader, **claims: Any) -> str:
    """A token of a declared reader, by its own issuer; with other claims where they are named."""
    return local_issuer(local.folder, reader.issuer).token({**token_claims_of(reader), **claims})


def new_url(end: str = "/") -> str:
    """An address that nobody else uses, as Entra's issuers of v1 tokens have it."""
    return f"https://sts.windows.net/{uuid.uuid4()}{end}"


@dataclass(frozen=True)
class FederatedReader:
    """A role that one identity of one issuer may assume, and who speaks for that issuer."""

    steps: Steps
    issuer: LocalIssuer
    role: str
    claims: Mapping[str, Any] = field(default_factory=lambda: {"aud": AUDIENCE, "sub": SUBJECT})

    def token(self, **claims: Any) -> str:
        """A token of this identity, with other claims where they are named."""
        return self.issuer.token({**self.claims, **claims})

    def session(self, token: str = "", *, session_name: str = "reader", seconds: int = 3600) -> LocalCredentials:
        """Credentials of the role for this token, or for a right one."""
        return clients.session_by_token(
            self.steps.local, self.role, token or self.token(), session_name=session_name, duration_seconds=seconds
        )

    def client(self, service: str, *, session_name: str = "reader") -> Any:
        """A client as a session of the role."""
        return clients.client_with(self.steps.local, service, self.session(session_name=session_name))

    def refusal(self, token: str, *, seconds: int = 3600) -> tuple[str, str]:
        """Code and words with which STS refuses this token; two empty texts when it does not."""
        try:
            self.session(token, seconds=seconds)
        except ClientError as error:
            told = error.response["Error"]
            return str(told["Code"]), str(told["Message"])
        return "", ""


def provider_of(steps: Steps, url: str, *audiences: str, account: str = ACCOUNT) -> str:
    """Make an OIDC provider; gives its ARN."""
    made = steps.client("iam", account).create_open_id_connect_provider(Url=url, ClientIDList=list(audiences))
    return str(made["OpenIDConnectProviderArn"])


def trusting_role(
    steps: Steps, federated: str, equals: Mapping[str, Any], *statements: Statement, account: str = ACCOUNT, **more: Any
) -> str:
    """Make a role that trusts what is `federated` where these condition keys have these values; gives its ARN."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": federated},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": equals},
    }
    iam, name = steps.client("iam", account), f"reader-{uuid.uuid4().hex[:8]}"
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **more)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy_of(*statements))
    return arn


def federated_reader(
    steps: Steps,
    *statements: Statement,
    url: str = "",
    algorithm: SigningAlgorithm = "RS256",
    audience: str = AUDIENCE,
    **more: Any,
) -> FederatedReader:
    """A reader with a provider of its own, audience and subject pinned, and these rights."""
    url = url or new_url()
    name = url.removeprefix("https://")
    provider = provider_of(steps, url, audience)
    role = trusting_role(steps, provider, {f"{name}:aud": audience, f"{name}:sub": SUBJECT}, *statements, **more)
    return FederatedReader(steps, local_issuer(steps.local.folder, url, algorithm=algorithm), role)
