"""What the register tells, as values: every export with its accesses, what needs attention, its commits and reviews.

In: an estate, its commits and reviews, what AWS said, a moment. Out: a `Register`; `register_for` that of one account,
made from an estate in which nobody else stands, so that no page can name them. Effects: none.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from data_exports.access.accesses import Access
from data_exports.errors import UsageError
from data_exports.estate.codes import Code
from data_exports.estate.commits import Commit, Commits
from data_exports.estate.findings import Finding, Place
from data_exports.estate.models import Dataset, Estate, Platform
from data_exports.names import AccountId
from data_exports.operate.daily_sums import DailySums
from data_exports.operate.evidence_look import EvidenceStatus
from data_exports.operate.status import DatasetStatus
from data_exports.reviews.models import AccessRow, Review, ReviewedDataset
from data_exports.reviews.rows import accesses_by_row, review_of_estate, row_id
from data_exports.reviews.standing import last_reviewed, months_before, not_carried_out
from data_exports.text import counted
from data_exports.views.register.letters import (
    KeyRequest,
    SharedDestination,
    account_of_key,
    key_requests_of,
    letters_about,
    shared_destinations_of,
)

ENDING = timedelta(days=60)
"""What ends within this is said first."""


@dataclass(frozen=True, slots=True)
class Attention:
    """Something about an export that somebody should look at."""

    rank: int
    """The lower, the sooner."""
    words: str


@dataclass(frozen=True, slots=True)
class AccessLine:
    """Who may do what, as a review says it, with the access that this is."""

    export: "RegisteredExport"
    row: AccessRow
    access: Access

    @property
    def to(self) -> str:
        """Whose access it is: an account, or who else is told in words."""
        return self.row.account or self.row.who


@dataclass(frozen=True)
class RegisteredExport:
    """One export and all that the register knows of it."""

    estate: Estate
    dataset: Dataset
    kind: str
    rows: tuple[tuple[AccessRow, Access], ...]
    attention: tuple[Attention, ...]
    shared: SharedDestination | None = None
    """Where it goes, if others go there, too."""
    commits: tuple[Commit, ...] = ()
    reviews: tuple[tuple[Review, ReviewedDataset], ...] = ()
    reviewed: date | None = None
    status: DatasetStatus | None = None
    sums: DailySums | None = None
    """What was delivered day by day; None where nobody has asked AWS."""

    @property
    def letters(self) -> tuple[str, ...]:
        """To its other side."""
        return letters_about(self.estate, self.dataset)

    @property
    def lines(self) -> tuple[AccessLine, ...]:
        """Its accesses."""
        return tuple(AccessLine(self, row, access) for row, access in self.rows)

    @property
    def outside(self) -> tuple[AccessLine, ...]:
        """Those of recipients and outside roles."""
        return tuple(line for line in self.lines if line.access.is_outside)

    @property
    def inside(self) -> tuple[AccessLine, ...]:
        """Those of the platform's own people."""
        return tuple(line for line in self.lines if not line.access.is_outside)


@dataclass(frozen=True)
class Register:
    """All that the pages tell."""

    platform: Platform
    exports: tuple[RegisteredExport, ...]
    now: datetime
    history: Commits
    reviews: tuple[Review, ...] = ()
    findings: tuple[Finding, ...] = ()
    is_last_commit: bool = False
    """Whether the pages show the last commit because of these; otherwise files that hold one are left out."""
    gaps: tuple[str, ...] = ()
    """What could not be read."""
    account: AccountId | None = None
    """Whom alone it is for."""
    keys: tuple[KeyRequest, ...] = ()
    """Of one account's register: what is asked about its keys, for exports that go to somebody else."""
    has_asked_aws: bool = False
    evidence: EvidenceStatus | None = None
    """How the log of what was delivered stands; None where there is none, or nobody has asked AWS."""

    @property
    def told_by(self) -> str:
        """What was looked at for what needs attention: of the rest nobody knows here."""
        if self.account:
            return "declarations"
        return f"declarations, reviews{', git and AWS' if self.has_asked_aws else ' and git'}"

    @property
    def commit(self) -> Commit | None:
        """The one that the pages show."""
        return self.history.commits[0] if self.history.commits else None

    @cached_property
    def lines(self) -> tuple[AccessLine, ...]:
        """Every access."""
        return tuple(line for export in self.exports for line in export.lines)


def register_of(
    estate: Estate,
    history: Commits,
    reviews: Sequence[Review],
    *,
    now: datetime,
    statuses: Mapping[str, DatasetStatus] | None = None,
    sums: Mapping[str, DailySums] | None = None,
    findings: tuple[Finding, ...] = (),
    warnings: Iterable[Finding] = (),
    is_last_commit: bool = False,
    gaps: tuple[str, ...] = (),
    account: AccountId | None = None,
    evidence: EvidenceStatus | None = None,
) -> Register:
    """The register of all of an estate, or of what is left of it for an account, who is told of no owner.

    `findings` are errors, told on the first page; `warnings` need attention at the exports in whose files they stand.
    """
    today = now.astimezone(UTC).date()
    accesses = accesses_by_row(estate)
    datasets = {each.name: each for each in estate.datasets()}
    by_file = _commits_by_file(history)
    finished = [review for review in reviews if review.closed]
    closed = last_reviewed(finished)
    noted = _noted(estate, warnings, finished)
    by_review = _reviews_by_dataset(reviews)
    shared = shared_destinations_of(estate)
    exports = []
    for reviewed in review_of_estate(estate, Path("register.yaml"), today=today).datasets:
        name = reviewed.dataset
        dataset = datasets[name]
        commits = tuple(by_file.get(_file_of(dataset.place), ()))
        status = (statuses or {}).get(name)
        since = closed.get(name) or (commits[-1].moment.date() if commits else None)
        is_late = since is not None and since < months_before(today, estate.platform.review_every)
        said = [*_attention(dataset, status, is_late=is_late, now=now)]
        if not dataset.owner and account is None:
            said.append(Attention(5, "no owner is named"))
        exports.append(
            RegisteredExport(
                estate,
                dataset,
                reviewed.kind,
                tuple((row, accesses[row_id(name, row)]) for row in reviewed.accesses),
                tuple(sorted([*noted.get(_file_of(dataset.place), ()), *said], key=lambda each: each.rank)),
                shared.get(dataset.name),
                commits,
                by_review.get(name, ()),
                closed.get(name),
                status,
                (sums or {}).get(name),
            )
        )
    in_order = sorted(exports, key=lambda each: (min((a.rank for a in each.attention), default=99), each.dataset.name))
    return Register(
        estate.platform,
        tuple(in_order),
        now,
        history,
        tuple(reviews),
        findings,
        is_last_commit,
        (*gaps, *filter(None, [history.gap])),
        account,
        has_asked_aws=statuses is not None,
        evidence=evidence,
    )


def register_for(estate: Estate, history: Commits, account: AccountId, *, now: datetime) -> Register:
    """The register of what one account has a part in, without anybody else. Raises `UsageError` if that is nothing."""
    narrowed, keys = _narrowed(estate, account), key_requests_of(estate, account)
    if not keys and not any(narrowed.datasets()):
        outside = [each for each in accesses_by_row(estate).values() if each.is_outside]
        owners = {*(each.account or "" for each in outside), *(account_of_key(each.key) for each in outside)}
        known = sorted(map(str, owners - {""}))
        raise UsageError(
            f"no export goes to account {account}",
            where="--for",
            next_step=f"accounts that get something: {', '.join(known)}"
            if known
            else "no recipient's account is named",
        )
    whole = register_of(narrowed, Commits(), (), now=now, account=account)
    stamp = tuple(replace(each, author="", subject="", changes=()) for each in history.commits[:1])
    return replace(whole, history=replace(history, commits=stamp), keys=keys)


def _narrowed(estate: Estate, account: AccountId) -> Estate:
    """The estate with nothing in it that is not this account's, or its platform's own."""
    known = {account, estate.platform.account}
    platform = replace(
        estate.platform,
        account_names=tuple(each for each in estate.platform.account_names if each[0] in known),
        alerts=(),
        tags=(),
        user_roles=(),
        mail_domains=(),
    )
    gets = {
        access.dataset for access in accesses_by_row(estate).values() if access.is_outside and account == access.account
    }
    push = [replace(each, users=(), owner="") for each in estate.push_datasets if each.name in gets]
    pull = [
        replace(
            each,
            users=(),
            owner="",
            identities=(),
            sftp_readers=(),
            outsiders=tuple(other for other in each.outsiders if other.account == account),
        )
        for each in estate.pull_datasets
        if each.name in gets
    ]
    return Estate(platform, tuple(push), tuple(pull))


def _file_of(place: Place) -> str:
    """Its path from the estate's folder, wherever that was read: declarations lie in folders right below it."""
    return Path(*place.path.parts[-2:]).as_posix()


_SAID_OTHERWISE = (Code.NO_PAPERWORK, Code.EXPIRED, Code.EXPIRES_SOON)
"""Warnings of which `_attention` has words of its own."""


def _noted(
    estate: Estate, warnings: Iterable[Finding], finished: Sequence[Review]
) -> Mapping[str, Sequence[Attention]]:
    """What `exports check` says of the exports, by their files: warnings, and what the last review decided in vain."""
    found: dict[str, list[Attention]] = {}
    files = {str(each.name): _file_of(each.place) for each in estate.datasets()}
    for review in finished[-1:]:
        undone = Counter(reviewed.dataset for reviewed, _, _ in not_carried_out(review, estate))
        for name, count in undone.items():
            words = f"{counted(count, 'decision')} of review {review.name} not carried out"
            found.setdefault(files[name], []).append(Attention(1, words))
    for each in warnings:
        if each.code not in _SAID_OTHERWISE:
            found.setdefault(_file_of(each.place), []).append(
                Attention(6, f"{each.message} ({each.code}, line {each.place.line})")
            )
    return found


def _commits_by_file(history: Commits) -> dict[str, list[Commit]]:
    found: dict[str, list[Commit]] = {}
    for commit in history.commits:
        for change in commit.changes:
            found.setdefault(change.path, []).append(replace(commit, changes=(change,)))
    return found


def _reviews_by_dataset(reviews: Sequence[Review]) -> dict[str, tuple[tuple[Review, ReviewedDataset], ...]]:
    found: dict[str, list[tuple[Review, ReviewedDataset]]] = {}
    for review in reversed(reviews):
        for dataset in review.datasets:
            found.setdefault(dataset.dataset, []).append((review, dataset))
    return {name: tuple(each) for name, each in found.items()}


def _attention(dataset: Dataset, status: DatasetStatus | None, *, is_late: bool, now: datetime) -> Iterator[Attention]:
    if dataset.until is not None and dataset.until <= now:
        yield Attention(1, f"ended with {dataset.expires}")
    elif dataset.until is not None and dataset.until <= now + ENDING:
        yield Attention(2, f"ends with {dataset.expires}")
    if status is not None:
        yield from (Attention(0, words) for words in replace(status, expires=None).concerns(now))
    if not dataset.paperwork:
        yield Attention(3, "no paperwork is named")
    if is_late:
        yield Attention(4, "not reviewed in time")
