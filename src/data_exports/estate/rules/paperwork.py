"""Rules on paperwork, and on the day access ends."""

from collections.abc import Iterator
from datetime import date

from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft
from data_exports.estate.findings import Finding, Severity, warning

SOON_DAYS = 30
"""How long before its end an access is worth a word."""


def check_paperwork(draft: EstateDraft) -> Iterator[Finding]:
    """Every dataset should name its paperwork; the platform says whether it must."""
    required = draft.platform is not None and draft.platform.paperwork == "required"
    hint = "write the link or reference of the impact assessment or sharing agreement after `paperwork:`"
    for dataset in draft.datasets:
        missing = dataset.paperwork is not None and not dataset.real_paperwork()
        severity = Severity.ERROR if required and missing else Severity.WARNING
        for entry in dataset.placeholders():
            yield Finding(entry.place, Code.NO_PAPERWORK, f"{entry.value!r} is no paperwork yet", hint, severity)
        if dataset.paperwork == ():
            yield Finding(dataset.place, Code.NO_PAPERWORK, "no paperwork is named", hint, severity)


def check_ends(draft: EstateDraft, today: date) -> Iterator[Finding]:
    """What has ended should be removed, and what ends soon be known."""
    for expires in (dataset.expires for dataset in draft.datasets if dataset.expires):
        days = (expires.value - today).days
        if days < 0:
            message = f"access ended on {expires.value}; nobody can use this dataset"
            yield warning(expires.place, Code.EXPIRED, message, "remove the file, or agree on a new date")
        elif days <= SOON_DAYS:
            left = "today" if days == 0 else f"in {days} day{'s' * (days != 1)}"
            message = f"access ends {left}, with the end of {expires.value} (UTC)"
            yield warning(expires.place, Code.EXPIRES_SOON, message, "agree on a new date, or let it end")
