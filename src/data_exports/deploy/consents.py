"""What nobody should deploy without having said so: each `Consent`, and whether a plan needs it.

In: a `Plan`, and the consents given. Out: those it needs, each with a sentence; `RefusedError` when one is missing.
Effects: none. Imports little: the command line reads the words from here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from data_exports.errors import RefusedError

if TYPE_CHECKING:
    from data_exports.deploy.plan import Plan


class Consent(StrEnum):
    """The words of ``exports deploy --allow``."""

    REMOVAL = "removal"
    """Datasets that are no longer declared lose their stacks."""
    TAKEOVER = "takeover"
    """A new pull dataset opens a bucket that already holds data."""
    ADOPTION = "adoption"
    """Buckets, roles and functions that this product did not make become its own."""


@dataclass(frozen=True, slots=True)
class NeededConsent:
    """One consent that a plan needs."""

    consent: Consent
    names: tuple[str, ...]
    """The datasets, or the buckets, that it is about."""
    sentence: str


def needed_consents(plan: "Plan") -> tuple[NeededConsent, ...]:
    """The consents without which this plan is not carried out, in the order of `Consent`."""
    found = ((consent, names(plan)) for consent, (names, _) in _CONSENTS.items())
    return tuple(
        NeededConsent(consent, names, _CONSENTS[consent][1].format(names=", ".join(names)))
        for consent, names in found
        if names
    )


def check_consents(plan: "Plan", allow: Collection[Consent]) -> None:
    """Raise `RefusedError` unless every consent that the plan needs is given."""
    needed = needed_consents(plan)
    missing = [each for each in needed if each.consent not in allow]
    if missing:
        words = " ".join(f"--allow {each.consent}" for each in needed)
        raise RefusedError(
            "\n".join(["nothing was deployed:", *(f"  {each.sentence}" for each in missing)]),
            next_step=f"if this is meant: `exports deploy {words}`",
        )


def _removed_datasets(plan: "Plan") -> tuple[str, ...]:
    return tuple(str(step.dataset or step.name) for step in plan.deletions)


def _strange_resources(plan: "Plan") -> tuple[str, ...]:
    return tuple(each.in_words for step in plan.steps for each in step.existing if each.needs_consent)


def _buckets_with_data(plan: "Plan") -> tuple[str, ...]:
    taken = (step.takes_over for step in plan.steps)
    return tuple(str(bucket.name) for bucket in taken if bucket and bucket.holds_data)


_CONSENTS: Mapping[Consent, tuple[Callable[["Plan"], tuple[str, ...]], str]] = {
    Consent.REMOVAL: (
        _removed_datasets,
        "it removes datasets that are no longer declared, with every access and delivery of theirs: {names}",
    ),
    Consent.TAKEOVER: (
        _buckets_with_data,
        "it takes over buckets that hold data, and opens them to the roles that new pull datasets name: {names}",
    ),
    Consent.ADOPTION: (
        _strange_resources,
        "it adopts what this product did not make, whose settings, policies and code become what is declared: {names}",
    ),
}
"""For each consent, what of a plan needs it, and the sentence that says so."""
