"""The identity providers that deployed readers rely on, compared with those that the account has.

In: an `Aws` and templates. Out: differences, each with the stack that it is about. Effects: reads providers. What a
provider has beyond what readers need is nobody's access: each role pins its own audience.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_exports.aws import Aws
from data_exports.deploy.drift.deployed import DeployedTemplate
from data_exports.deploy.drift.difference import DEPLOY, DifferenceKind, LiveDifference, Repair, call
from data_exports.deploy.plan.providers import PROVIDER_TYPE, read_provider
from data_exports.names import AccountId, identity_provider_arn_of
from data_exports.stacks.stack import HUB_TAG


@dataclass(frozen=True, slots=True, order=True)
class NeededAudience:
    """An audience that a provider must take."""

    stack: str
    """The one that holds the provider; of one outside our stacks the first dataset's that relies on it."""
    arn: str
    audience: str
    hub: str = ""
    """Of one that our stack holds: the estate's hub, which its tag names."""


def needed_audiences_of(account: AccountId, templates: Iterable[DeployedTemplate]) -> tuple[NeededAudience, ...]:
    """What the trust of deployed roles asks of providers, and what our own stack says of those that it holds."""
    held: dict[tuple[str, str], NeededAudience] = {}
    asked: dict[tuple[str, str], NeededAudience] = {}
    for template in templates:
        stack = template.stack.name
        for _, properties in template.resources(PROVIDER_TYPE):
            arn = identity_provider_arn_of(account, properties["Url"].removeprefix("https://"))
            for audience in properties["ClientIdList"]:
                held[arn, audience] = NeededAudience(stack, arn, audience, template.stack.hub)
        for _, properties in template.resources("AWS::IAM::Role"):
            for arn, audience in _trusted_in(properties["AssumeRolePolicyDocument"]):
                asked.setdefault((arn, audience), NeededAudience(stack, arn, audience))
    ours = {arn for arn, _ in held}
    return tuple(sorted([*held.values(), *(each for each in asked.values() if each.arn not in ours)]))


def check_provider(aws: Aws, arn: str, needed: Iterable[NeededAudience]) -> Iterator[tuple[str, LiveDifference]]:
    """What is lacking of one provider, each with its stack. Raises botocore's exceptions."""
    wanted = list(needed)
    issuer = f"https://{arn.partition(':oidc-provider/')[2]}"
    found = read_provider(aws, arn)
    if found is None:
        said = f"the identity provider {issuer} is gone: none of its readers gets in"
        again = _made_again(issuer, wanted)
        yield wanted[0].stack, LiveDifference(DifferenceKind.PROVIDER_GONE, said, again, returns_access=True)
        return
    for each in wanted:
        if each.audience not in found.get("ClientIDList", ()):
            said = f"the identity provider {issuer} takes the audience {each.audience} no longer"
            added = call(
                "iam",
                "add_client_id_to_open_id_connect_provider",
                OpenIDConnectProviderArn=arn,
                ClientID=each.audience,
            )
            repair = added if each.hub else DEPLOY
            yield each.stack, LiveDifference(DifferenceKind.AUDIENCE_GONE, said, repair, returns_access=True)


def _made_again(issuer: str, needed: Sequence[NeededAudience]) -> Repair:
    """The provider made by its own call: CloudFormation would set every provider of the stack to its template.

    What others added to one would go. Its ARN, by which CloudFormation knows it, is the same again.
    """
    if not needed[0].hub:
        return DEPLOY
    return call(
        "iam",
        "create_open_id_connect_provider",
        Url=issuer,
        ClientIDList=[each.audience for each in needed],
        Tags=[{"Key": HUB_TAG, "Value": needed[0].hub}],
    )


def _trusted_in(trust: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Provider and audience of each statement that trusts tokens of a provider; Google's issuer needs none."""
    for statement in trust["Statement"]:
        arn = str(statement.get("Principal", {}).get("Federated", ""))
        _, is_provider, host = arn.partition(":oidc-provider/")
        audience = statement.get("Condition", {}).get("StringEquals", {}).get(f"{host}:aud")
        if is_provider and audience:
            yield arn, str(audience)
