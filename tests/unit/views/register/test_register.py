"""The register's pages: what stands on them, in which order; that texts stay texts; one account's name nobody else."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from data_exports.errors import UsageError
from data_exports.estate.codes import Code
from data_exports.estate.commits import Commit, Commits, FileChange
from data_exports.estate.findings import Place, warning
from data_exports.estate.models import Estate
from data_exports.names import AccountId, DatasetName, KmsKeyArn, RoleName
from data_exports.operate.handover.halves import halves_of
from data_exports.operate.status import DatasetStatus
from data_exports.operate.traffic import Deliveries
from data_exports.reviews.models import KEEP, REMOVE
from data_exports.reviews.rows import review_of_estate
from data_exports.views.register.facts import register_for, register_of
from data_exports.views.register.figures import MonthCount, line_of_plot, months_of
from data_exports.views.register.pages import pages_of
from tests.estates import FULL, LOADER, PLATFORM, READER, at_s3, estate_of, pull, push

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
FOLDER = Path("estate")


def pages(estate: Estate, history: Commits = Commits()) -> dict[str, str]:  # noqa: B008 - a frozen value
    return dict(pages_of(register_of(estate, history, (), now=NOW)))


def commit(subject: str, moment: datetime, *changes: FileChange, author: str = "Ana Lopez") -> Commit:
    return Commit("f" * 40, moment, author, subject, changes)


class Elements(HTMLParser):
    """The tags of a page with the names of their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_what_needs_attention_comes_first_and_says_why() -> None:
    estate = estate_of(
        push("fine", owner="Courts"),
        push("ended", owner="Courts", expires=date(2026, 11, 27)),
        push("ending", owner="Courts", expires=date(2027, 1, 2)),
        push("bare", owner="Courts", paperwork=()),
        push("late", owner="Courts", place=Place(FOLDER / "push_datasets/late.yaml")),
    )
    old = commit("Add it", NOW - timedelta(days=800), FileChange("push_datasets/late.yaml", "added"))
    register = register_of(estate, Commits((old,)), (), now=NOW)
    assert [(each.dataset.name, [a.words for a in each.attention]) for each in register.exports] == [
        ("ended", ["ended with 2026-11-27"]),
        ("ending", ["ends with 2027-01-02"]),
        ("bare", ["no paperwork is named"]),
        ("late", ["not reviewed in time"]),
        ("fine", []),
    ]


def test_nothing_is_found_only_where_neither_check_nor_the_last_review_nor_a_missing_owner_says_otherwise() -> None:
    places = {name: Place(FOLDER / f"push_datasets/{name}.yaml", 7) for name in ("fine", "nobody", "warned", "decided")}
    fine, nobody, warned, decided = (
        push(name, owner="" if name == "nobody" else "Courts", place=place) for name, place in places.items()
    )
    estate = estate_of(fine, nobody, warned, decided)
    before = review_of_estate(estate_of(decided), Path("reviews/2026-Q1.yaml"), today=date(2026, 3, 1))
    (reviewed,) = before.datasets
    rows = tuple(replace(row, decision=REMOVE) for row in reviewed.accesses[-1:])
    finished = replace(before, closed=date(2026, 3, 2), datasets=(replace(reviewed, accesses=rows),))
    # What a revision's findings name begins at the estate's folder; what has words of its own is not said twice.
    of_check = [
        warning(Place(Path("push_datasets/warned.yaml"), 7), Code.NO_TARGET_ACCOUNT, "the account is not named"),
        warning(places["warned"], Code.EXPIRES_SOON, "it ends soon"),
        warning(Place(FOLDER / "exports.yaml"), Code.NO_ALERTS, "nobody is told of failures"),
    ]
    register = register_of(estate, Commits(), (finished,), now=NOW, warnings=of_check)
    assert [(each.dataset.name, [a.words for a in each.attention]) for each in register.exports] == [
        ("decided", ["1 decision of review 2026-Q1 not carried out"]),
        ("nobody", ["no owner is named"]),
        ("warned", ["the account is not named (EX406, line 7)"]),
        ("fine", []),
    ]
    site = dict(pages_of(register))
    assert site["index.html"].count("nothing found") == 1
    assert "4 exports, what needs attention first, as declarations, reviews and git tell." in site["index.html"]
    asked = dict(pages_of(register_of(estate, Commits(), (), now=NOW, statuses={})))
    assert "as declarations, reviews, git and AWS tell." in asked["index.html"]


def test_of_much_that_needs_attention_the_list_counts_what_the_page_of_the_export_tells() -> None:
    place = Place(FOLDER / "push_datasets/hearings.yaml")
    many = [warning(replace(place, line=n), Code.NO_TARGET_ACCOUNT, f"what {n}") for n in range(1, 10)]
    site = dict(pages_of(register_of(estate_of(push(place=place, owner="A")), Commits(), (), now=NOW, warnings=many)))
    home, page = Elements(site["index.html"]).text, Elements(site["datasets/hearings.html"]).text
    assert ("what 3 (" in home, "what 4 (" in home, "and 6 more" in home) == (True, False, True)
    assert "what 9 (" in page


def test_a_recipient_is_told_neither_of_owners_nor_what_check_warns_of() -> None:
    register = register_for(estate_of(push()), Commits(), AccountId("754256621582"), now=NOW)
    assert [each.attention for each in register.exports] == [()]
    assert "1 export, what needs attention first, as declarations tell." in dict(pages_of(register))["index.html"]


def test_there_is_a_page_for_every_export_recipient_and_person_and_every_link_leads_to_one() -> None:
    site = pages(FULL)
    folders = [path.partition("/")[0] for path in site if "/" in path]
    # Two outside accounts and a bucket whose account nobody has named; two people.
    counts = {"datasets": 5, "recipients": 3, "people": 2, "destinations": 1}
    assert {each: folders.count(each) for each in set(folders)} == counts
    for path, page in site.items():
        for target in re.findall(r'(?:href|src)="([^"#]+)"', page if path.endswith(".html") else ""):
            assert (Path("/site") / path).parent.joinpath(target).resolve().relative_to("/site").as_posix() in site


def test_a_datasets_page_tells_commits_reviews_accesses_and_the_letter() -> None:
    place = Place(FOLDER / "push_datasets/hearings.yaml")
    estate = estate_of(push(place=place))
    review = review_of_estate(estate, Path("reviews/2026-Q4.yaml"), today=NOW.date())
    (reviewed,) = review.datasets
    rows = tuple(replace(row, decision=KEEP, by="Bo", reason="needed") for row in reviewed.accesses)
    review = replace(review, closed=NOW.date(), datasets=(replace(reviewed, accesses=rows),))
    history = Commits((commit("Add it (#7)", NOW, FileChange("push_datasets/hearings.yaml", "added")),))
    register = register_of(estate, history, (review,), now=NOW)
    text = Elements(dict(pages_of(register))["datasets/hearings.html"]).text
    for said in (
        "2026-Q4: closed on 2026-11-28",
        "needed",
        "added: Add it (#7)",
        "#7",
        "Subject: Data export hearings",
    ):
        assert said in text
    assert "send files of hearings and see what became of them" in text


def test_what_aws_said_stands_first_with_the_last_delivery_and_without_it_the_pages_say_not_read() -> None:
    last = datetime(2026, 11, 27, 8, 30, tzinfo=UTC)
    status = DatasetStatus(
        DatasetName("hearings"),
        "push",
        "different",
        reason="the queue",
        expires=date(2026, 11, 30),
        deliveries=Deliveries(last, 3, 4096, is_partial=False),
    )
    estate = estate_of(push(owner="Courts", expires=date(2026, 11, 30)), push("other", owner="Courts"))
    register = register_of(estate, Commits(), (), now=NOW, statuses={"hearings": status})
    assert [(each.dataset.name, [a.words for a in each.attention]) for each in register.exports] == [
        ("hearings", ["different: the queue", "ends with 2026-11-30"]),
        ("other", []),
    ]
    site = dict(pages_of(register))
    assert '<time datetime="2026-11-27T08:30:00Z">' in site["index.html"]
    assert (
        "Last delivery2026-11-27T08:30:00Z; in the 24 hours before AWS was asked 3 files, 4.1 kB"
        in Elements(site["datasets/hearings.html"]).text
    )
    assert site["index.html"].count("not read") == 1


@pytest.mark.parametrize(
    ("last", "home", "page"),
    [
        (NOW - timedelta(days=6), "2026-11-22T12:00:00Z", "Last delivery2026-11-22T12:00:00Z\n"),
        (None, "never", "Last deliverynever\n"),
    ],
)
def test_of_the_last_24_hours_nothing_is_said_where_nothing_came_and_never_is_not_not_read(
    last: datetime | None, home: str, page: str
) -> None:
    deliveries = Deliveries(last, 0, 0, is_partial=False)
    status = DatasetStatus(DatasetName("hearings"), "push", "as declared", deliveries=deliveries)
    site = dict(pages_of(register_of(estate_of(push()), Commits(), (), now=NOW, statuses={"hearings": status})))
    text = Elements(site["index.html"]).text
    assert (home in text, "not read" in text) == (True, False)
    assert page in Elements(site["datasets/hearings.html"]).text


HOSTILE = "</script><img src=x onerror=alert(1)>\"'&{{7*7}}\u202e\x1b[31m"


def test_whatever_somebody_wrote_no_page_has_another_tag_or_attribute_or_a_hidden_character() -> None:
    def written(text: str) -> dict[str, str]:
        dataset = push(
            owner=text, description=text, paperwork=(text,), place=Place(FOLDER / "push_datasets/hearings.yaml")
        )
        platform = replace(PLATFORM, account_names=((AccountId("754256621582"), text),), contact=text)
        said = commit(text, NOW, FileChange("push_datasets/hearings.yaml", "added"), author=text)
        return pages(estate_of(dataset, pull(), platform=platform), Commits((said,), gap=text))

    harmless, hostile = (
        {re.sub("/[0-9a-f]{16}", "/x", path): page for path, page in written(text).items()} for text in ("x", HOSTILE)
    )
    for path, page in hostile.items():
        assert "\u202e" not in page
        assert "\x1b" not in page
        if path.endswith(".html"):
            assert Elements(page).tags == Elements(harmless[path]).tags, path
    row = json.loads(hostile["search-index.js"].removeprefix("window.registerIndex = ").removesuffix(";\n"))[0]
    assert len(row) == 6


def test_one_accounts_pages_name_nobody_else() -> None:
    names = (
        (AccountId("754256621582"), "Cloud Platform"),
        (AccountId("112233445566"), "Loading Service"),
        (AccountId("318604275917"), "Forecasting Service"),
    )
    estate = estate_of(
        push(owner="Owner Person, owner@example.gov.uk"),
        push("theirs", destination=at_s3("forecasting", "318604275917"), users=(RoleName("alpha_user_zoe"),)),
        pull(outsiders=(READER, LOADER), owner="Another Owner"),
        platform=replace(PLATFORM, account_names=names, tags=(("owner", "Tag Holder"),), alerts=("al@example.gov.uk",)),
    )
    history = Commits((commit("By a committer", NOW, FileChange("exports.yaml", "added"), author="Cora Committer"),))
    register = register_for(estate, history, AccountId("754256621582"), now=NOW)
    site = dict(pages_of(register))
    whole = "\n".join([*site, *site.values()])
    others = (
        *("alpha_user_ana", "alpha_user_Ben-Two", "alpha_user_zoe", "Owner Person", "owner@example.gov.uk"),
        *("theirs", "forecasting", "318604275917", "Forecasting Service", "Loading Service", "112233445566", "loader"),
        *("Another Owner", "Tag Holder", "al@example.gov.uk", "Cora Committer", "By a committer"),
    )
    assert [name for name in others if name in whole] == []
    assert [each.dataset.name for each in register.exports] == ["court_lists", "hearings"]
    assert "irsa-reader" in whole


def test_whoever_owns_a_key_alone_is_told_what_is_asked_about_it_and_not_for_whose_files() -> None:
    key = KmsKeyArn("arn:aws:kms:eu-west-1:318604275917:key/0f1e2d3c-aaaa-bbbb-cccc-0123456789ab")
    names = ((AccountId("754256621582"), "Cloud Platform"), (AccountId("318604275917"), "Key Holder"))
    sealed = push(
        destination=at_s3(kms_key=key), description="About people", owner="Owner Person", paperwork=("DPIA-17",)
    )
    estate = estate_of(sealed, push("open"), pull(), platform=replace(PLATFORM, account_names=names))
    site = dict(pages_of(register_for(estate, Commits(), AccountId("318604275917"), now=NOW)))
    whole = "\n".join([*site, *site.values()])
    others = (
        *("Cloud Platform", "754256621582", "cp-hearings", "alpha_user_ana", "About people", "Owner Person", "DPIA"),
        *("court_lists", "open.html", "irsa-reader"),
    )
    assert [name for name in others if name in whole] == []
    assert 'href="keys.html"' in site["index.html"]
    text = Elements(site["keys.html"]).text
    (push_half,) = halves_of(estate_of(sealed), sealed)
    (asked,) = [step.document for step in push_half.steps if str(key) in step.asks]
    assert str(key) in text
    assert json.loads(text[text.index("[") : text.rindex("]") + 1]) == asked
    theirs = dict(pages_of(register_for(estate, Commits(), AccountId("754256621582"), now=NOW)))
    assert ("keys.html" in theirs, "Let the role encrypt" in theirs["datasets/hearings.html"]) == (False, True)


def test_an_account_that_gets_nothing_is_refused() -> None:
    with pytest.raises(UsageError) as stop:
        register_for(FULL, Commits(), AccountId("999999999999"), now=NOW)
    assert "--for" in str(stop.value)


def test_the_months_count_what_commits_added_and_removed_without_gaps() -> None:
    history = Commits(
        (
            commit("c", datetime(2026, 10, 2, tzinfo=UTC), FileChange("pull_datasets/b.yaml", "removed")),
            commit("b", datetime(2026, 8, 2, tzinfo=UTC), FileChange("pull_datasets/b.yaml", "changed")),
            commit(
                "a",
                datetime(2026, 8, 1, tzinfo=UTC),
                FileChange("push_datasets/a.yaml", "added"),
                FileChange("pull_datasets/b.yaml", "added"),
                FileChange("exports.yaml", "added"),
            ),
        )
    )
    months = months_of(register_of(estate_of(push()), history, (), now=NOW))
    assert months == (
        MonthCount("2026-08", 2, 2, 0),
        MonthCount("2026-09", 2, 0, 0),
        MonthCount("2026-10", 1, 0, 1),
        MonthCount("2026-11", 1, 0, 0),
    )
    assert line_of_plot(months) == "0.0,0.0 213.3,0.0 426.7,80.0 640.0,80.0"


def test_every_page_forbids_what_it_does_not_bring_and_names_its_commit() -> None:
    site = pages(FULL, Commits((commit("x", NOW),), gap="something"))
    for path, page in site.items():
        if path.endswith(".html"):
            assert "default-src 'none'; script-src 'self'" in page
            assert "ffffffffffff" in page
            assert "Not read: something." in page
            assert not re.search(r'(?:href|src)="(?:https?:)?//| style="| on\w+="', page)
