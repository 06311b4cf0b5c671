"""The identity providers that an account has already; what readers lack of those that are not ours: `audiences`.

In: an `Aws`, an estate, and the stacks there are. Out: values. Effects: `read_providers` reads IAM and one template,
and nothing where no reader needs a provider. A provider that our stack does not hold is referred to and never owned:
what it lacks is an audience, which is added and never taken away.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from data_exports.aws import Aws, AwsAnswer, aws_errors, call_or_none
from data_exports.deploy.deployed import Deployed
from data_exports.estate.models import Estate
from data_exports.names import IDENTITY_PROVIDERS_STACK, AccountId, identity_provider_arn_of
from data_exports.stacks.identity_providers import audiences_of
from data_exports.stacks.stack import HUB_TAG, ExistingProvider

PROVIDER_TYPE = "AWS::IAM::OIDCProvider"


def read_providers(aws: Aws, estate: Estate, deployed: Deployed) -> tuple[ExistingProvider, ...]:
    """The providers there are of the issuers that are declared; one that we may not see counts as none.

    Raises `AwsError`.
    """
    needed = audiences_of(estate.pull_datasets)
    if not needed:
        return ()
    with aws_errors("identity providers"):
        in_stack = _in_stack(aws, deployed, hub=estate.platform.hub_bucket)
        return tuple(_read(aws, estate.platform.account, sorted({*needed, *in_stack}), in_stack, estate))


def _in_stack(aws: Aws, deployed: Deployed, *, hub: str) -> Mapping[str, Collection[str]]:
    """Issuer → audiences of what our stack holds; none where it does not stand."""
    stack = deployed.find(IDENTITY_PROVIDERS_STACK)
    if stack is None or not stack.belongs_to(hub) or not stack.has_resources:
        return {}
    answer = aws.client("cloudformation").get_template(StackName=stack.stack_id, TemplateStage="Original")
    return providers_in(answer["TemplateBody"])


def providers_in(template: Any) -> Mapping[str, Collection[str]]:
    """Issuer → audiences of each provider in a template."""
    resources: Mapping[str, Any] = template["Resources"]
    found = (each["Properties"] for each in resources.values() if each["Type"] == PROVIDER_TYPE)
    return {each["Url"]: each["ClientIdList"] for each in found}


def _read(
    aws: Aws, account: AccountId, issuers: Iterable[str], in_stack: Mapping[str, Collection[str]], estate: Estate
) -> Iterator[ExistingProvider]:
    iam = aws.client("iam")
    listed = call_or_none(
        lambda: iam.list_open_id_connect_providers()["OpenIDConnectProviderList"], AwsAnswer.FORBIDDEN
    )
    there = {each["Arn"] for each in listed or ()}
    for issuer in issuers:
        arn = identity_provider_arn_of(account, issuer.removeprefix("https://"))
        known = frozenset(in_stack.get(issuer, ()))
        found = read_provider(aws, arn, AwsAnswer.FORBIDDEN) if arn in there else None
        if found:
            tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
            is_ours = tags.get(HUB_TAG) == estate.platform.hub_bucket
            audiences = frozenset(found.get("ClientIDList", ()))
            yield ExistingProvider(issuer, audiences | known, is_ours, is_in_stack=issuer in in_stack)
        elif issuer in in_stack:  # gone, or not to be seen: what was deployed is not taken away
            yield ExistingProvider(issuer, known, is_ours=True, is_in_stack=True)


def read_provider(aws: Aws, arn: str, *refusals: AwsAnswer) -> Mapping[str, Any] | None:
    """The provider as IAM describes it; None where there is none, or AWS refuses so. Raises botocore's exceptions."""
    iam = aws.client("iam")
    return call_or_none(
        lambda: iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn), AwsAnswer.NOT_FOUND, *refusals
    )
