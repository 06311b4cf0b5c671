"""The sites that the browser is shown: the example estate with a history, reviews and what AWS said; and others."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from data_exports.estate.commits import Commits, read_commits
from data_exports.estate.findings import Finding, Place
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate
from data_exports.names import AccountId, KmsKeyArn, RoleName
from data_exports.operate.daily_sums import DailySums, DaySum
from data_exports.operate.failing import Failing, NextTry
from data_exports.operate.status import DatasetStatus
from data_exports.operate.traffic import Deliveries
from data_exports.reviews.models import KEEP, REMOVE, Decision, Review
from data_exports.reviews.rows import review_of_estate
from data_exports.views.register.facts import Register, register_for, register_of
from data_exports.views.register.pages import pages_of, who_of_register
from data_exports.views.register.search_index import path_of_export
from data_exports.views.register.site import write_site
from data_exports.views.review_page import review_page
from tests.estates import at_s3, estate_of, push
from tests.unit.reviews.git_estate import git

EXAMPLE = Path(__file__).parents[2] / "examples" / "estate"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
PROBATION = AccountId("460183957226")
"""Who fetches one export of the example."""
COURTS = AccountId("203591025782")
"""To whom two exports of the example are sent."""
KEY_HOLDER = AccountId("318604275917")
"""Who owns the key of an export that goes to somebody else."""
DECISIONS: tuple[tuple[Decision, str, str], ...] = (
    (KEEP, "Ana Lopez", "the service still needs it"),
    (REMOVE, "Bo Lindgren", "left the team in May"),
    (Decision("shorten", date(2027, 3, 31)), "Ana Lopez", "the project ends"),
)
COMMITS = (
    ("2026-03-02", "Ana Lopez", "The courts' exports (#3)", "exports.yaml", "push_datasets/court*"),
    ("2026-05-18", "Bo Lindgren", "Prisons and probation (#9)", "push_datasets", "pull_datasets/custody*"),
    ("2026-08-04", "Cora Mbeki", "Research and statistics (#14)", "."),
    ("2026-10-20", "Ana Lopez", "The trial is over (#21)", "push_datasets"),
)
"""When, by whom, what it says, and what is added; the last one removes a dataset."""


@dataclass(frozen=True)
class Sites:
    """Everything that the browser is shown, below one folder."""

    folder: Path
    repository: Path

    @cached_property
    def estate(self) -> Estate:
        """The example, with ends that are near its day."""
        return load_estate(self.repository, today=NOW.date()).require()

    @cached_property
    def history(self) -> Commits:
        """What git says of it."""
        return read_commits(self.repository)

    @cached_property
    def reviews(self) -> tuple[Review, ...]:
        """One that was closed in spring, and one that is open."""
        before = replace(
            decided(review_of(self.estate, "2026-Q2")), closed=date(2026, 6, 12), seal="sha256:" + "5e" * 32
        )
        return before, review_of(self.estate, "2026-Q4", due=date(2026, 12, 31))

    @cached_property
    def whole(self) -> Register:
        """All of it, with what AWS said."""
        warnings = load_estate(self.repository, today=NOW.date()).warnings
        before, now = self.reviews
        reviews = (followed(before, but="victim_survey"), now)
        return register_of(
            self.estate, self.history, reviews, now=NOW, statuses=statuses(), sums=sums(), warnings=warnings
        )

    def registers(self) -> Mapping[str, Register]:
        """Every register, by the folder that it has."""
        broken = tuple(
            Finding(Place(Path("push_datasets/new.yaml"), line, 1), "EX205", "this is no account", "twelve digits")
            for line in range(1, 9)
        )
        crowd = push("crowd", users=tuple(RoleName(f"alpha_user_{n:03}") for n in range(250)))
        many = estate_of(
            *(push(f"set_{n:04}", description=f"number {n}", destination=at_s3(f"bucket-{n}")) for n in range(450))
        )
        return {
            "whole": self.whole,
            "unread": register_of(
                self.estate, Commits(gap="git has no history here"), (), now=NOW, findings=broken, gaps=("AWS",)
            ),
            "long": register_of(many, Commits(), (), now=NOW),
            "crowd": register_of(estate_of(crowd), Commits(), (), now=NOW),
            "probation": register_for(self.estate, self.history, PROBATION, now=NOW),
            "courts": register_for(self.estate, self.history, COURTS, now=NOW),
            "keys": register_for(with_key_of_another(self.estate), self.history, KEY_HOLDER, now=NOW),
        }

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """A page of every kind, by what it is: its path from the folder."""
        people = {who.kind: f"whole/{who.path}" for who in who_of_register(self.whole)}
        handed_over = register_for(self.estate, self.history, COURTS, now=NOW)
        return {
            "exports": "whole/index.html",
            "export, pushed": "whole/datasets/court_outcomes.html",
            "export, pulled": "whole/datasets/bail_research.html",
            "recipient": people["recipient"],
            "person": people["person"],
            "recipients": "whole/recipients.html",
            "people": "whole/people.html",
            "calendar": "whole/calendar.html",
            "numbers": "whole/numbers.html",
            "destination": f"whole/{next(each.shared.path for each in self.whole.exports if each.shared)}",
            "with errors and gaps": "unread/index.html",
            "errors, all": "unread/errors.html",
            "one of several pages": "long/index-2.html",
            "export, the rest of a list": "crowd/datasets/crowd/accesses-2.html",
            "for a recipient: exports": "courts/index.html",
            "for a recipient: export": f"courts/{path_of_export(handed_over.exports[0])}",
            "for a recipient: recipient": f"courts/{who_of_register(handed_over)[0].path}",
            "for a recipient: keys": "keys/keys.html",
            "review to sign": "review-open.html",
            "review, decided": "review-closed.html",
        }


KINDS = (
    *(
        "exports",
        "export, pushed",
        "export, pulled",
        "recipient",
        "person",
        "recipients",
        "people",
        "calendar",
        "numbers",
    ),
    *("destination", "with errors and gaps", "errors, all", "one of several pages", "export, the rest of a list"),
    *("for a recipient: exports", "for a recipient: export"),
    *("for a recipient: recipient", "for a recipient: keys", "review to sign", "review, decided"),
)


def write_sites(folder: Path) -> Sites:
    """Every site, written below the folder."""
    sites = Sites(folder / "sites", _repository(folder / "repository"))
    sites.folder.mkdir()
    for name, register in sites.registers().items():
        write_site(sites.folder / name, pages_of(register))
    before, now = sites.reviews
    (sites.folder / "review-open.html").write_text(review_page(now), encoding="utf-8")
    (sites.folder / "review-closed.html").write_text(review_page(before), encoding="utf-8")
    return sites


def with_key_of_another(estate: Estate) -> Estate:
    """The example, were the courts' hearings encrypted with a key of somebody else's."""
    key = KmsKeyArn(f"arn:aws:kms:eu-west-1:{KEY_HOLDER}:key/0f1e2d3c-aaaa-bbbb-cccc-0123456789ab")
    pushes = (
        replace(each, destination=at_s3(each.destination.name, COURTS, key)) if each.name == "court_hearings" else each
        for each in estate.push_datasets
    )
    return replace(estate, push_datasets=tuple(pushes))


def review_of(estate: Estate, name: str, *, due: date | None = None) -> Review:
    """A new review of this name."""
    return review_of_estate(estate, Path(f"reviews/{name}.yaml"), today=NOW.date(), due=due)


def decided(review: Review, *, by: str = "", reason: str = "") -> Review:
    """With a decision about every access, in turn; `by` and `reason` in place of those of the example."""
    turn = _in_turn()
    datasets = []
    for dataset in review.datasets:
        rows = []
        for row in dataset.accesses:
            decision, person, why = next(turn)
            rows.append(replace(row, decision=decision, by=by or person, reason=reason or why))
        datasets.append(replace(dataset, accesses=tuple(rows)))
    return replace(review, datasets=tuple(datasets))


def followed(review: Review, *, but: str) -> Review:
    """The review as one that the declarations follow, in all but one dataset."""
    datasets = (
        each
        if each.dataset == but
        else replace(each, accesses=tuple(replace(row, decision=KEEP) for row in each.accesses))
        for each in review.datasets
    )
    return replace(review, datasets=tuple(datasets))


def statuses() -> Mapping[str, DatasetStatus]:
    """What AWS may say of the example: one arrived this morning, one fails."""
    arrived = Deliveries(NOW - timedelta(hours=5), 48, 7_340_032, is_partial=False)
    old = Deliveries(NOW - timedelta(days=2), 0, 0, is_partial=False)
    monthly = Deliveries(NOW - timedelta(days=30), 0, 0, is_partial=False)
    failing = Failing(2, ("recipient_denied",), NextTry(NOW, NOW + timedelta(minutes=15)))
    found = (
        DatasetStatus("court_hearings", "push", "as declared", deliveries=arrived),  # type: ignore[arg-type]
        DatasetStatus("court_outcomes", "push", "as declared", deliveries=arrived),  # type: ignore[arg-type]
        DatasetStatus("prison_population", "push", "as declared", deliveries=monthly),  # type: ignore[arg-type]
        DatasetStatus("health_referrals", "push", "as declared", deliveries=old, failing=failing),  # type: ignore[arg-type]
    )
    return {each.name: each for each in found}


def sums() -> Mapping[str, DailySums]:
    """What receipts may tell of the deliveries of 90 days: on working days; on one of them something failed."""
    first = NOW.date() - timedelta(days=89)
    working = [day for day in (first + timedelta(days=n) for n in range(90)) if day.weekday() < 5]
    usual = DaySum(first, median_seconds=3.5, longest_seconds=41.0)
    days = tuple(
        replace(usual, day=day, files=30 + day.day * 7 % 23, size_bytes=3_000_000 + 250_000 * (day.day * 5 % 11))
        for day in working
    )
    troubled = replace(
        days[-9], failed=4, given_up=1, causes=(("recipient_denied", 3), ("recipient_gone", 1)), damaged=2
    )
    found = DailySums(first, NOW.date(), (*days[:-9], troubled, *days[-8:]), not_summed=(first,), earlier=120)
    return {"court_hearings": found, "court_outcomes": found}


def _in_turn() -> Iterator[tuple[Decision, str, str]]:
    while True:
        yield from DECISIONS


def _repository(folder: Path) -> Path:
    """The example with ends that are near, its files added and removed by commits over some months."""
    shutil.copytree(EXAMPLE, folder)
    for name, old, new in (
        ("pull_datasets/bail_research.yaml", "2033-06-30", "2026-10-31"),
        ("push_datasets/court_outcomes.yaml", "2035-03-31", "2027-01-15"),
    ):
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    tried = folder / "push_datasets" / "tried.yaml"
    shutil.copy(folder / "push_datasets" / "court_hearings.yaml", tried)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "config", "user.email", "committer@example.gov.uk")
    for day, author, subject, *paths in COMMITS:
        if day == COMMITS[-1][0]:
            tried.unlink()
        git(folder, "config", "user.name", author)
        git(folder, "add", "--all", *paths)
        git(folder, "commit", "--quiet", "--message", subject, moment=f"{day}T09:30:00Z")
    return folder
