"""What can happen to an access, and what a reviewer must not overlook in it: the words, in the order of danger.

In: nothing. Out: enumerations. Effects: none.
"""

from collections.abc import Collection
from enum import StrEnum


class Kind(StrEnum):
    """What happens to one access; what a reviewer should see first comes first."""

    GAINS = "gains"
    MORE = "more"
    """May do more with the same data."""
    LONGER = "longer"
    CHANGED = "changed"
    """Other data, another recipient or paperwork, or rights that are neither reading nor writing."""
    SHORTER = "shorter"
    LESS = "less"
    LOSES = "loses"


class Mark(StrEnum):
    """What a reviewer should not overlook; the most dangerous first."""

    WHOLE_ACCOUNT = "whole account"
    """Whoever an account chooses gets in."""
    WRITE = "write"
    """An outsider may write who could not before."""
    NEW_ACCOUNT = "new account"
    MAIL_OUTSIDE = "mail outside"
    """Failures are told to an address outside the platform's `mail_domains`."""
    LONGER = "longer"
    READ = "read"
    """Data can be read, or is delivered, where it was not before."""
    MAIL = "mail"
    NO_PAPERWORK = "no paperwork"
    """Something is gained on no paperwork."""
    ENDED = "has ended"
    """The access is over by the clock of IAM, whatever else is granted."""
    ROLE_GONE = "role is gone"
    """AWS itself has taken the access: the role does not exist any more."""


GAINED = (
    Mark.WHOLE_ACCOUNT,
    Mark.WRITE,
    Mark.NEW_ACCOUNT,
    Mark.MAIL_OUTSIDE,
    Mark.LONGER,
    Mark.READ,
    Mark.MAIL,
    Mark.NO_PAPERWORK,
)
"""The marks of what is gained, the most dangerous first; each is counted before any detail."""


def rank_of(marks: Collection[Mark]) -> tuple[bool, ...]:
    """How dangerous a change with these marks is: the least is the most dangerous; its worst mark decides first."""
    return tuple(mark not in marks for mark in GAINED)
