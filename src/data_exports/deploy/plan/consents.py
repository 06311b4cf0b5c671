"""What nobody should deploy without having said so: each `Consent`, and whether a plan needs it.

In: a `Plan`, and the consents given. Out: those it needs, each with a sentence; `RefusedError` when one is missing.
Effects: none. Imports little: the command line reads the words from here.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from data_exports.access.kinds import Mark
from data_exports.access.sentences import (
    Quoted,
    Sentence,
    account_in_words,
    listed,
    plain,
    sentence_of_new_account,
)
from data_exports.destinations.destination import OUTBOUND_FEDERATION
from data_exports.destinations.federation import HOW_TO_TURN_ON, IS_OFF
from data_exports.errors import RefusedError
from data_exports.names import SFTP_STACK

if TYPE_CHECKING:
    from data_exports.deploy.plan.planning import Plan

LARGEST_LOSS = 5
"""A plan that takes away more than one in so many accesses is more likely a slip than a wish, …"""
SMALLEST_LOSS = 5
"""… unless these are fewer than so many: on a small estate the consent would become a habit."""
NAMES_IN_A_SENTENCE = 20


class Consent(StrEnum):
    """The words of ``exports deploy --allow``."""

    REMOVAL = "removal"
    """Datasets that are no longer declared lose their stacks."""
    TAKEOVER = "takeover"
    """A new pull dataset opens a bucket that already holds data."""
    ADOPTION = "adoption"
    """Buckets, roles and functions that this product did not make become its own."""
    PROVIDER = "provider"
    """Identity providers that this product did not make take tokens for further audiences."""
    ACCOUNT = "account"
    """An account, or somebody outside AWS, that had no access before is given some, or receives files."""
    WHOLE_ACCOUNT = "whole-account"
    """A whole account, and not single roles of it, is let in."""
    WRITE = "write"
    """Outsiders may write a dataset that none of them could write."""
    MAIL = "mail"
    """Addresses outside the platform's `mail_domains` are told of failures."""
    GUARD = "guard"
    """A setting that holds access back lets more through: `user_roles`, `mail_domains`, `paperwork`, `tags`."""
    FORGET = "forget"
    """Receipts that are there are deleted after fewer days than before."""
    COMPLIANCE = "compliance"
    """What is written to the evidence is locked for years, and nobody can undo that."""
    LOSS = "loss"
    """More than a fifth of all accesses go, and at least five."""


@dataclass(frozen=True, slots=True)
class NeededConsent:
    """One consent that a plan needs."""

    consent: Consent
    names: tuple[str, ...]
    """What it is about: datasets, buckets, accounts; for a loss how many of how many."""
    why: str
    parts: tuple[Sentence, ...]
    """Each of the names in words."""

    @property
    def sentence(self) -> str:
        """The words as text."""
        return plain((self.why, *listed(self.parts, at_most=NAMES_IN_A_SENTENCE)))


def needed_consents(plan: "Plan") -> tuple[NeededConsent, ...]:
    """The consents without which this plan is not carried out, in the order of `Consent`."""
    return tuple(_needed_consents(plan))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a plan can never be carried out as it is, and what to do."""

    name: str
    """A stack, or what of the account."""
    reason: str
    next_step: str


def refusals_of(plan: "Plan") -> tuple[Refusal, ...]:
    """What stands against the plan; then nothing of it is carried out: the rest would be half of what was meant."""
    found = [Refusal(step.name, step.reason, step.next_step) for step in plan.impossible]
    if _is_off(plan) and any(each.destination for each in plan.access.gaining):
        found.append(Refusal(OUTBOUND_FEDERATION, IS_OFF, HOW_TO_TURN_ON))
    return tuple(found)


def federation_warning(plan: "Plan") -> str:
    """What to say of movers that do not get into other clouds, or may not, where that refuses nothing; "" of others."""
    if plan.federation is None or any(each.name == OUTBOUND_FEDERATION for each in refusals_of(plan)):
        return ""
    until = f"{IS_OFF}, and nothing is delivered there until it does: {HOW_TO_TURN_ON}"
    return until if _is_off(plan) else plan.federation.warning


def _is_off(plan: "Plan") -> bool:
    return plan.federation is not None and plan.federation.is_on is False


def check_possible(plan: "Plan") -> None:
    """Raise `RefusedError` if the plan holds what can never be carried out."""
    refusals = refusals_of(plan)
    if refusals:
        steps = dict.fromkeys(each.next_step for each in refusals)
        raise RefusedError(
            "\n".join(["nothing was deployed:", *(f"  {each.name}: {each.reason}" for each in refusals)]),
            next_step="; ".join(steps),
        )


def check_consents(plan: "Plan", allow: Collection[Consent], *, command: str = "exports deploy") -> None:
    """Raise `RefusedError` unless every consent that the plan needs is given; `command` is what gives them."""
    needed = needed_consents(plan)
    missing = [each for each in needed if each.consent not in allow]
    if missing:
        raise RefusedError(
            "\n".join(["nothing was deployed:", *(f"  {each.sentence}" for each in missing)]),
            next_step=f"if this is meant: `{command_with(needed, command)}`",
        )


def command_with(needed: Sequence[NeededConsent], command: str = "exports deploy") -> str:
    """The whole command that gives these consents."""
    return " ".join([command, *(f"--allow {each.consent}" for each in needed)])


def _needed_consents(plan: "Plan") -> Iterator[NeededConsent]:
    for consent, (find, why) in _CONSENTS.items():
        found = find(plan)
        if found:
            yield NeededConsent(consent, tuple(found), why, tuple(found.values()))


NamedSentences = Mapping[str, Sentence]
"""What a consent is about: by its name, in words."""


def _removed_datasets(plan: "Plan") -> NamedSentences:
    return _by_name(str(step.dataset or step.name) for step in plan.deletions if step.name != SFTP_STACK)


def _strange_resources(plan: "Plan") -> NamedSentences:
    return _by_name(each.in_words for step in plan.steps for each in step.existing if each.needs_consent)


def _strange_providers(plan: "Plan") -> NamedSentences:
    return _by_name(each.in_words for step in plan.steps for each in step.audiences if not each.is_ours)


def _buckets_with_data(plan: "Plan") -> NamedSentences:
    taken = (step.takes_over for step in plan.steps)
    return _by_name(str(bucket.name) for bucket in taken if bucket and bucket.holds_data)


def _new_accounts(plan: "Plan") -> NamedSentences:
    names = dict(plan.access.account_names)
    return {
        str(new.account or new.who or new.where): sentence_of_new_account(new, names)
        for new in plan.access.new_accounts
    }


def _whole_accounts(plan: "Plan") -> NamedSentences:
    if plan.is_first:
        return {}
    names = dict(plan.access.account_names)
    return {
        f"{access.principal.account} in {access.dataset}": (
            *account_in_words(access.principal.account, names),
            " in ",
            Quoted(access.dataset),
        )
        for access in plan.access.whole_accounts
    }


def _mails_outside(plan: "Plan") -> NamedSentences:
    if plan.is_first:
        return {}
    outside = [each.mail for each in plan.access.mails if Mark.MAIL_OUTSIDE in each.marks]
    by_address = {mail.address: [each.dataset for each in outside if each.address == mail.address] for mail in outside}
    return {
        address: (Quoted(address), " of ", *listed([(Quoted(name or "every push dataset"),) for name in of], at_most=5))
        for address, of in by_address.items()
    }


def _loosened_guards(plan: "Plan") -> NamedSentences:
    from data_exports.deploy.plan.guards import loosened

    return loosened(plan)


def _forgotten_receipts(plan: "Plan") -> NamedSentences:
    from data_exports.deploy.plan.guards import forgets

    return forgets(plan)


def _locked_for_good(plan: "Plan") -> NamedSentences:
    from data_exports.deploy.plan.guards import locks_for_good

    return locks_for_good(plan)


def _widened_datasets(plan: "Plan") -> NamedSentences:
    doubtful = {each.dataset for each in plan.access.unknown}
    return {
        dataset: (Quoted(dataset), *([" (what they could before is not known)"] if dataset in doubtful else []))
        for dataset in plan.access.widened
    }


def _large_loss(plan: "Plan") -> NamedSentences:
    lost, before = len(plan.access.lost), plan.access.count_before
    share = f"{lost:,} of {before:,}"
    return {share: (share,)} if lost >= SMALLEST_LOSS and lost * LARGEST_LOSS > before else {}


def _by_name(names: Iterator[str]) -> NamedSentences:
    return {name: (Quoted(name),) for name in names}


_CONSENTS: Mapping[Consent, tuple[Callable[["Plan"], NamedSentences], str]] = {
    Consent.REMOVAL: (
        _removed_datasets,
        "it removes datasets that are no longer declared, with every access and delivery of theirs: ",
    ),
    Consent.TAKEOVER: (
        _buckets_with_data,
        "it takes over buckets that hold data, and opens them to the roles that new pull datasets name: ",
    ),
    Consent.ADOPTION: (
        _strange_resources,
        "it adopts what this product did not make, whose settings, policies and code become what is declared: ",
    ),
    Consent.PROVIDER: (_strange_providers, "it adds audiences to identity providers that this product did not make: "),
    Consent.ACCOUNT: (_new_accounts, "it opens data to accounts that had no access before: "),
    Consent.WHOLE_ACCOUNT: (_whole_accounts, "it lets in whole accounts, whoever they choose: "),
    Consent.WRITE: (_widened_datasets, "it lets outsiders write what none of them could: "),
    Consent.MAIL: (_mails_outside, "it mails failures, with the names of files, outside platform.mail_domains: "),
    Consent.GUARD: (_loosened_guards, "it changes settings that hold access back: "),
    Consent.FORGET: (_forgotten_receipts, "it deletes receipts of what was delivered, for good: "),
    Consent.COMPLIANCE: (_locked_for_good, "it locks the evidence so that nobody, AWS neither, can delete it: "),
    Consent.LOSS: (_large_loss, "it takes away more than a fifth of all accesses: "),
}
"""For each consent, what of a plan needs it, and the sentence that says so."""
