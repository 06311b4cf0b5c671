"""What readers outside AWS lack of identity providers that our stack does not hold: audiences. Needs no AWS.

In: a dataset, and the providers there are (`providers`). Out: values. Effects: none.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from data_exports.estate.models import Dataset, PullDataset
from data_exports.json_values import json_as
from data_exports.stacks.identity_providers import audiences_of
from data_exports.stacks.stack import ExistingProvider


@json_as("issuer audience ours=is_ours")
@dataclass(frozen=True, slots=True)
class MissingAudience:
    """An audience that a provider outside our stack does not take yet, and a declared reader needs."""

    issuer: str
    audience: str
    is_ours: bool
    """Whether an earlier stack of this estate left the provider."""

    @property
    def in_words(self) -> str:
        """``the audience api://exports to https://sts.windows.net/…/``."""
        return f"the audience {self.audience} to {self.issuer}"


def missing_audiences_of(dataset: Dataset, existing: Iterable[ExistingProvider]) -> tuple[MissingAudience, ...]:
    """What the dataset's readers lack of providers outside our stack."""
    if not isinstance(dataset, PullDataset):
        return ()
    others = {each.issuer: each for each in existing if not each.is_in_stack}
    return tuple(
        MissingAudience(issuer, audience, others[issuer].is_ours)
        for issuer, audiences in audiences_of([dataset]).items()
        for audience in audiences
        if issuer in others and audience not in others[issuer].audiences
    )
