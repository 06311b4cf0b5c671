"""The stack of the identity providers: the issuers whose tokens readers outside AWS come with, for the whole account.

In: the platform and its pull datasets. Out: one `Stack`; None where nobody needs a provider, and then there is none.
Effects: none. An account has each issuer once, and others than this estate may rely on it: a provider outlives the
stack. One that was there before is nobody's to own, and left out.
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from troposphere.iam import OIDCProvider

from data_exports.estate.models import Platform, PullDataset
from data_exports.names import IDENTITY_PROVIDERS_STACK
from data_exports.stacks.stack import Stack, Wave, new_template, stack_of


def audiences_of(pulls: Iterable[PullDataset]) -> Mapping[str, tuple[str, ...]]:
    """Each issuer that needs a provider, with every audience that its tokens are for, sorted."""
    found: dict[str, set[str]] = {}
    for reader in (reader for pull in pulls for reader in pull.identities):
        if reader.provider and reader.audience:
            found.setdefault(reader.issuer, set()).add(str(reader.audience))
    return {issuer: tuple(sorted(audiences)) for issuer, audiences in sorted(found.items())}


def identity_providers_stack(
    platform: Platform, pulls: Sequence[PullDataset], *, others: Iterable[str] = ()
) -> Stack | None:
    """A provider for each issuer but for those of `others`, which are there already; None when that leaves none."""
    needed = {issuer: audiences for issuer, audiences in audiences_of(pulls).items() if issuer not in set(others)}
    if not needed:
        return None
    template = new_template("Data exports: whose tokens readers outside AWS come with", {})
    for issuer, audiences in needed.items():
        template.add_resource(
            OIDCProvider(
                f"Provider{hashlib.sha256(issuer.encode()).hexdigest()[:12]}",
                Url=issuer,
                ClientIdList=list(audiences),
                DeletionPolicy="Retain",
                UpdateReplacePolicy="Retain",
            )
        )
    return stack_of(template, name=IDENTITY_PROVIDERS_STACK, wave=Wave.FOUNDATION, platform=platform)
