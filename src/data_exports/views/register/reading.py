"""An estate's folder → its register: declarations, reviews, git, and what AWS has where that is asked for.

In: a folder, what it holds, and how to reach AWS. Out: a `Register`. Effects: reads files, runs git, may read AWS.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from data_exports.aws import Aws
from data_exports.errors import ExportsError
from data_exports.estate.commits import read_commits
from data_exports.estate.loader import Loaded
from data_exports.estate.models import Estate
from data_exports.estate.revision import load_revision
from data_exports.operate.status import DatasetStatus, status_of
from data_exports.reviews.review_file import read_reviews
from data_exports.views.register.facts import Register, register_for, register_of


def read_register(folder: Path, loaded: Loaded, connect: Callable[[str], Aws] | None = None) -> Register:
    """The register of all of it; `connect` makes a client for a region, where AWS is to be asked.

    Where files hold errors it is that of the last commit, with them. Raises `DeclarationError` where that has some,
    too, `AwsError` and `UsageError`.
    """
    declared = loaded.estate or _last_commit(folder, loaded)
    found = read_reviews(folder)
    statuses, gaps = _read_statuses(declared, connect(declared.platform.region)) if connect else ({}, [])
    return register_of(
        declared,
        read_commits(folder),
        found.reviews,
        now=datetime.now(UTC),
        statuses=statuses,
        findings=loaded.errors,
        gaps=(*gaps, *(f"a review: {finding}" for finding in found.findings)),
    )


def read_register_for(folder: Path, loaded: Loaded, account: str) -> Register:
    """That of one account alone. Raises `DeclarationError`, and `UsageError` if it gets nothing."""
    return register_for(loaded.require(), read_commits(folder), account, now=datetime.now(UTC))


def _last_commit(folder: Path, loaded: Loaded) -> Estate:
    """The estate of the last commit, where files hold errors. Raises `DeclarationError` where that has some, too."""
    try:
        committed = load_revision(folder, "HEAD").estate
    except ExportsError:
        committed = None
    return committed or loaded.require()


def _read_statuses(declared: Estate, aws: Aws) -> tuple[dict[str, DatasetStatus], list[str]]:
    found = status_of(declared, aws)
    rows = [
        replace(each, amiss=(*each.amiss, *found.amiss)) if each.kind == "push" else each for each in found.datasets
    ]
    return {each.name: each for each in rows}, [*found.notes, *found.not_for_senders]
