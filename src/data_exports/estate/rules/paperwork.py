"""Rules on paperwork, and on the day access ends."""

from collections.abc import Iterator
from datetime import date

from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft
from data_exports.estate.findings import Finding, Severity, warning
from data_exports.estate.paperwork import is_paperwork

SOON_DAYS = 30
"""How long before its end an access is worth a word."""


def check_paperwork(draft: EstateDraft) -> Iterator[Finding]:
    """Every dataset should name its paperwork; the platform says whether it must."""
    policy = draft.setting(f.PAPERWORK_POLICY)
    is_required = policy is not None and policy.value == "required"
    hint = "write the link or reference of the impact assessment or sharing agreement after `paperwork:`"
    for dataset in draft.datasets:
        is_wrong = f.PAPERWORK in dataset and dataset[f.PAPERWORK] is None
        entries = dataset[f.PAPERWORK] or ()
        placeholders = [entry for entry in entries if not is_paperwork(entry.value)]
        is_missing = len(placeholders) == len(entries) and not is_wrong
        severity = Severity.ERROR if is_required and is_missing else Severity.WARNING
        for entry in placeholders:
            yield Finding(entry.place, Code.NO_PAPERWORK, f"{entry.value!r} is no paperwork yet", hint, severity)
        if not entries and not is_wrong:
            yield Finding(dataset.place, Code.NO_PAPERWORK, "no paperwork is named", hint, severity)


def check_ends(draft: EstateDraft, today: date) -> Iterator[Finding]:
    """What has ended should be removed, and what ends soon be known."""
    for expires in filter(None, (dataset[f.EXPIRES] for dataset in draft.datasets)):
        days = (expires.value - today).days
        if days < 0:
            message = f"access ended on {expires.value}; nobody can use this dataset"
            yield warning(expires.place, Code.EXPIRED, message, "remove the file, or agree on a new date")
        elif days <= SOON_DAYS:
            left = "today" if days == 0 else f"in {days} day{'s' * (days != 1)}"
            message = f"access ends {left}, with the end of {expires.value} (UTC)"
            yield warning(expires.place, Code.EXPIRES_SOON, message, "agree on a new date, or let it end")
