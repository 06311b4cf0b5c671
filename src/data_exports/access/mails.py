"""Who is told of failures, and of ends, by e-mail: an access of its own kind, for the messages name files and reasons.

In: addresses, and the domains in which a platform lets them be. Out: `MailChange` values. Effects: none.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from data_exports.access.kinds import Kind, Mark
from data_exports.names import DatasetName


@dataclass(frozen=True, slots=True)
class Mail:
    """One address is told of what fails in a dataset."""

    address: str
    dataset: DatasetName | None = None
    """None: in every dataset."""
    is_pull: bool = False
    """Whether the dataset is a pull dataset, where nothing fails: the messages tell of its end alone."""

    @property
    def order(self) -> tuple[str, str]:
        """Those for every dataset first."""
        return (self.dataset or "", self.address)


@dataclass(frozen=True, slots=True)
class MailChange:
    """An address that is told from now on (`Kind.GAINS`), or no longer (`Kind.LOSES`)."""

    kind: Kind
    mail: Mail
    marks: tuple[Mark, ...] = ()


def mail_changes(
    before: Collection[Mail], after: Collection[Mail], *, domains: Collection[str]
) -> Iterator[MailChange]:
    """Who is told from now on, those outside the `domains` first, and who no longer."""
    gained = [MailChange(Kind.GAINS, mail, _marks(mail, domains)) for mail in set(after) - set(before)]
    lost = [MailChange(Kind.LOSES, mail) for mail in set(before) - set(after)]
    yield from sorted(gained, key=lambda change: (Mark.MAIL_OUTSIDE not in change.marks, change.mail.order))
    yield from sorted(lost, key=lambda change: change.mail.order)


def is_inside(address: str, domains: Collection[str]) -> bool:
    """Whether the address, or domain, is in one of the domains or below it; case does not matter there (RFC 4343)."""
    domain = address.rpartition("@")[2].lower()
    return any(domain == each.lower() or domain.endswith(f".{each.lower()}") for each in domains)


def _marks(mail: Mail, domains: Collection[str]) -> tuple[Mark, ...]:
    return (Mark.MAIL,) if is_inside(mail.address, domains) else (Mark.MAIL_OUTSIDE, Mark.MAIL)
