"""The stack of the identity providers: the issuers whose tokens readers outside AWS come with, for the whole account.

In: the platform and its pull datasets. Out: one `Stack`; None where nobody needs a provider, and then there is none.
Effects: none. An account has each issuer once, and others than this estate may rely on it: a provider outlives the
stack, and no audience is taken away from one. One that was there before is not ours to own, and left out.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence

from troposphere.iam import OIDCProvider

from data_exports.estate.models import Platform, PullDataset
from data_exports.names import IDENTITY_PROVIDERS_STACK
from data_exports.stacks.stack import ExistingProvider, Stack, Wave, new_template, stack_of


def audiences_of(pulls: Iterable[PullDataset]) -> Mapping[str, tuple[str, ...]]:
    """Each issuer that needs a provider, with every audience that its tokens are for, sorted."""
    found: dict[str, set[str]] = {}
    for reader in (reader for pull in pulls for reader in pull.identities):
        if reader.provider and reader.audience:
            found.setdefault(reader.issuer, set()).add(str(reader.audience))
    return {issuer: tuple(sorted(audiences)) for issuer, audiences in sorted(found.items())}


def identity_providers_stack(
    platform: Platform, pulls: Sequence[PullDataset], existing: Collection[ExistingProvider] = ()
) -> Stack | None:
    """A provider for each issuer that has none outside our stack; None when that leaves none.

    One that the stack holds keeps every audience that it has, by whomever; but for what CloudFormation would look up
    and put in its place, as it may and whoever added it may not.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
    """
    kept = {each.issuer: [one for one in each.audiences if "{{" not in one] for each in existing if each.is_in_stack}
    others = {each.issuer for each in existing} - set(kept)
    needed = {
        issuer: sorted({*audiences, *kept.get(issuer, ())})
        for issuer, audiences in audiences_of(pulls).items()
        if issuer not in others
    }
    if not needed:
        return None
    template = new_template("Data exports: whose tokens readers outside AWS come with", {})
    for issuer, audiences in needed.items():
        template.add_resource(
            OIDCProvider(
                f"Provider{hashlib.sha256(issuer.encode()).hexdigest()[:40]}",  # nobody finds two that begin alike
                Url=issuer,
                ClientIdList=audiences,
                DeletionPolicy="Retain",
                UpdateReplacePolicy="Retain",
            )
        )
    return stack_of(template, name=IDENTITY_PROVIDERS_STACK, wave=Wave.FOUNDATION, platform=platform)
