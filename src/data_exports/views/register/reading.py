"""An estate's folder → its register: declarations, reviews, git, and what AWS has where that is asked for.

In: a folder, what it holds, and how to reach AWS. Out: a `Register`. Effects: reads files, runs git, may read AWS.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from data_exports.aws import Aws
from data_exports.errors import ExportsError
from data_exports.estate.commits import read_commits
from data_exports.estate.loader import Loaded
from data_exports.estate.models import Estate
from data_exports.estate.revision import Revision, load_revision
from data_exports.names import AccountId
from data_exports.operate.daily_sums import DailySums, read_all_daily_sums
from data_exports.operate.evidence_look import EvidenceStatus
from data_exports.operate.status import DatasetStatus, Status, status_of
from data_exports.reviews.review_file import read_reviews
from data_exports.views.register.facts import Register, register_for, register_of


@dataclass(frozen=True, slots=True)
class LiveSource:
    """Where AWS is asked: what makes a client for a region, and the folder in which sums of receipts are kept."""

    connect: Callable[[str], Aws]
    cache: Path


@dataclass(slots=True)
class _Told:
    """What AWS told, and what it did not."""

    statuses: dict[str, DatasetStatus] = field(default_factory=dict)
    sums: dict[str, DailySums] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    evidence: EvidenceStatus | None = None


def read_register(folder: Path, loaded: Loaded, live: LiveSource | None = None) -> Register:
    """The register of all of it, with what AWS tells where that is to be asked.

    Where files hold errors it is that of the last commit, with them; where that holds some, too, that of the files
    without any. Raises `DeclarationError` where ``exports.yaml`` is of no use, `AwsError` and `UsageError`.
    """
    committed = Revision("") if loaded.estate else _last_commit(folder)
    declared = committed.estate or loaded.readable() or loaded.require()
    left_out = (
        [] if committed.estate else dict.fromkeys(os.path.relpath(each.place.path, folder) for each in loaded.errors)
    )
    found = read_reviews(folder)
    told = _ask(declared, live) if live else _Told()
    return register_of(
        declared,
        read_commits(folder),
        found.reviews,
        now=datetime.now(UTC),
        statuses=told.statuses if live else None,
        sums=told.sums,
        evidence=told.evidence,
        findings=loaded.errors,
        warnings=committed.findings if committed.estate else loaded.warnings,
        is_last_commit=committed.estate is not None,
        gaps=(
            *(f"{path}: it holds errors" for path in left_out),
            *told.gaps,
            *(f"a review: {finding}" for finding in found.findings),
        ),
    )


def read_register_for(folder: Path, estate: Estate, account: AccountId) -> Register:
    """That of one account alone. Raises `UsageError` if it gets nothing."""
    return register_for(estate, read_commits(folder), account, now=datetime.now(UTC))


def _last_commit(folder: Path) -> Revision:
    """What the last commit holds; no estate where that holds errors, or there is none."""
    try:
        return load_revision(folder, "HEAD")
    except ExportsError:
        return Revision("HEAD")


def statuses_by_name(found: Status) -> dict[str, DatasetStatus]:
    """How each declared dataset stands; a stack that is left of another one of its name is not it."""
    declared_first = reversed(found.datasets)
    return {
        each.name: replace(each, amiss=(*each.amiss, *found.amiss)) if each.kind == "push" else each
        for each in declared_first
    }


def _ask(declared: Estate, live: LiveSource) -> _Told:
    aws = live.connect(declared.platform.region)
    found = status_of(declared, aws)
    told = _Told(statuses_by_name(found), gaps=[*found.notes, *found.not_for_senders], evidence=found.evidence)
    # Of one without deliveries the status has said why, or that it is not deployed.
    pushes = [push for push in declared.push_datasets if told.statuses[push.name].deliveries]
    told.sums, unknown = read_all_daily_sums(declared.platform, pushes, aws, live.cache, today=found.at.date())
    told.gaps += unknown
    return told
