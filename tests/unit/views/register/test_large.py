"""A register of any size: no page is heavier than it may be, nothing is left out, twice as much is twice the work."""

import re
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from data_exports.estate.codes import Code
from data_exports.estate.commits import Commit, Commits, FileChange
from data_exports.estate.findings import Finding, Place
from data_exports.estate.models import Estate
from data_exports.names import AccountId, RoleArn
from data_exports.reviews.models import KEEP
from data_exports.reviews.rows import review_of_estate
from data_exports.views.register.facts import register_for, register_of
from data_exports.views.register.lists import PAGE_BYTES, ROWS, Turn, paged
from data_exports.views.register.pages import pages_of
from data_exports.views.register.search_index import SEARCH_INDEX_BYTES, search_index_of
from tests.estates import at_google, at_s3, estate_of, pull, push

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
PROVIDER = "projects/1234567/locations/global/workloadIdentityPools/moj-exports/providers/apart"


def in_one_bucket(count: int) -> Estate:
    return estate_of(*(push(f"set_{n:04}", description="d" * 500, owner="o" * 60) for n in range(count)))


def pages(estate: Estate) -> dict[str, str]:
    return dict(pages_of(register_of(estate, Commits(), (), now=NOW)))


class Text(HTMLParser):
    """What a page shows, without its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.shown = ""
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.shown += data


def heavy(site: dict[str, str]) -> dict[str, int]:
    return {path: len(page.encode()) for path, page in site.items() if len(page.encode()) > PAGE_BYTES}


def first_cells(site: dict[str, str], stem: str) -> list[str]:
    """What the rows of a list are headed by, over all of its pages in their order."""
    names = [path for path in site if re.fullmatch(rf"{stem}(-\d+)?\.html", path)]
    return [
        row for name in names for row in re.findall(r'<tr>.*?<th scope="row">(?:<a[^>]*>)?([^<]+)', site[name], re.S)
    ]


def test_450_exports_in_one_bucket_have_small_pages_and_every_list_holds_all_of_them_once() -> None:
    site = pages(in_one_bucket(450))
    assert heavy(site) == {}
    names = [f"set_{n:04}" for n in range(450)]
    (recipient,) = {path.split(".")[0].split("-")[0] for path in site if path.startswith("recipients/")}
    people = {path.split(".")[0].split("-")[0] for path in site if path.startswith("people/")}
    for stem in ("index", recipient, *people):
        assert sorted(first_cells(site, stem)) == names, stem
        assert len([path for path in site if path.startswith(stem)]) == 3
    statements = Counter(
        found
        for path, page in site.items()
        if path.startswith("destinations/")
        for found in re.findall(r"Receive\w+", Text(page).shown)
    )
    assert (len(statements), {*statements.values()}) == (450, {1})


def test_the_letter_of_an_export_asks_for_its_own_statements_and_its_page_leads_to_the_policy_for_all() -> None:
    site = pages(estate_of(push("one"), push("two"), push("apart", destination=at_s3("elsewhere"))))
    assert "ReceiveOne" in site["datasets/one.html"]
    assert "ReceiveTwo" not in site["datasets/one.html"]
    (there,) = (path for path in site if path.startswith("destinations/"))
    assert f'href="../{there}"' in site["datasets/one.html"]
    assert "destinations/" not in site["datasets/apart.html"]
    assert all(name in site[there] for name in ("ReceiveOne", "ReceiveTwo"))


def test_a_letter_to_another_cloud_names_all_that_come_in_by_one_door_as_the_command_does() -> None:
    one, two = (push(name, destination=at_google()) for name in ("one", "two"))
    site = pages(estate_of(one, two, push("apart", destination=at_google(provider=PROVIDER))))
    for page, roles in (("one", ("one", "two")), ("apart", ("apart",))):
        named = ", ".join(f'"arn:aws:iam::593291632749:role/service-role/export_{each}-move"' for each in roles)
        assert f"--attribute-condition='assertion.sub in [{named}]'" in Text(site[f"datasets/{page}.html"]).shown
    assert not [path for path in site if path.startswith("destinations/")]


def test_what_one_account_gets_in_a_shared_bucket_names_nobody_elses_exports_and_every_link_leads_somewhere() -> None:
    estate = estate_of(
        push("one"),
        push("two"),
        push("unnamed", destination=at_s3(account=None)),
        push("theirs", destination=at_s3(account="318604275917")),
    )
    site = dict(pages_of(register_for(estate, Commits(), AccountId("754256621582"), now=NOW)))
    whole = "".join([*site, *site.values()])
    assert [name for name in ("unnamed", "theirs", "318604275917", "Unnamed", "Theirs") if name in whole] == []
    assert sum(path.startswith("destinations/") for path in site) == 1
    for path, page in site.items():
        for target in re.findall(r'(?:href|src)="([^"#]+)"', page if path.endswith(".html") else ""):
            assert (Path("/site") / path).parent.joinpath(target).resolve().relative_to("/site").as_posix() in site


def test_the_owner_of_the_keys_of_450_exports_that_go_to_others_is_asked_about_each_once_and_told_of_nobody() -> None:
    key = "arn:aws:kms:eu-west-1:318604275917:key/0f1e2d3c-aaaa-bbbb-cccc-0123456789ab"
    estate = estate_of(
        *(push(f"set_{n:04}", destination=at_s3(f"landing-{n}", kms_key=key)) for n in range(450)),
        push("theirs", destination=at_s3("key-holders", account="318604275917", kms_key=key)),
    )
    site = dict(pages_of(register_for(estate, Commits(), AccountId("318604275917"), now=NOW)))
    assert heavy(site) == {}
    whole = "".join([*site, *site.values()])
    assert [name for name in ("754256621582", "Cloud Platform", "landing-", "alpha_user") if name in whole] == []
    assert first_cells(site, "index") == ["theirs"]
    asked = [name for path in site if path.startswith("keys") for name in re.findall(r"<h2>(\w+)</h2>", site[path])]
    assert sorted(asked) == [f"set_{n:04}" for n in range(450)]


def test_an_exports_long_lists_are_cut_on_its_page_told_and_whole_on_pages_of_their_own() -> None:
    readers = tuple(RoleArn(f"arn:aws:iam::754256621582:role/reader-{n:03}") for n in range(450))
    estate = estate_of(pull("wide", outsiders=readers, users=(), place=Place(Path("estate/pull_datasets/wide.yaml"))))
    review = review_of_estate(estate, Path("reviews/2026-Q4.yaml"), today=NOW.date())
    (reviewed,) = review.datasets
    decided = tuple(replace(row, decision=KEEP, by="Bo", reason="r" * 3_000) for row in reviewed.accesses)
    review = replace(review, datasets=(replace(reviewed, accesses=decided),))
    history = Commits(
        tuple(
            Commit(
                f"{n:040x}",
                NOW - timedelta(n),
                "Ana",
                f"Change {n}",
                (FileChange("pull_datasets/wide.yaml", "changed"),),
            )
            for n in range(450)
        )
    )
    site = dict(pages_of(register_of(estate, history, (review,), now=NOW)))
    assert heavy(site) == {}
    page = Text(site["datasets/wide.html"]).shown
    assert re.search(r"The first \d+ of 450 accesses; all of them\.", page)
    assert sorted(first_cells(site, "datasets/wide/accesses")) == sorted(map(str, readers))
    assert sorted(first_cells(site, "datasets/wide/reviews")) == sorted(map(str, readers))
    subjects = re.findall(r"changed: (Change \d+)", "".join(site[path] for path in site if "wide/commits" in path))
    assert subjects == [f"Change {n}" for n in range(450)]
    assert "and 1,000 more characters" in site["datasets/wide/reviews.html"]


def test_many_errors_and_gaps_are_counted_on_every_page_and_listed_on_one() -> None:
    findings = tuple(
        Finding(Place(Path(f"push_datasets/{n}.yaml")), Code.NOT_COUNTED, f"error {n}", "mend it") for n in range(300)
    )
    gaps = tuple(f"a review: gap {n}" for n in range(300))
    register = register_of(estate_of(push()), Commits(), (), now=NOW, findings=findings, gaps=gaps)
    site = dict(pages_of(register))
    assert heavy(site) == {}
    assert 'href="errors.html">All 300 errors' in site["index.html"]
    for path, page in site.items():
        if path.endswith(".html"):
            assert page.count("Not read: ") == 5
            assert "All 300 that could not be read" in page
    for stem, said in (("errors", "error {}"), ("not-read", "gap {}")):
        listed = site[f"{stem}.html"] + site[f"{stem}-2.html"]
        assert all(
            re.search(rf"{said.format(n)}\b", listed.partition("<footer>")[0] + site[f"{stem}-2.html"])
            for n in range(300)
        )


def test_twice_as_many_exports_of_one_bucket_are_twice_the_work() -> None:
    def calls(count: int) -> int:
        estate, counted = in_one_bucket(count), Counter[str]()
        before = sys.getprofile()
        sys.setprofile(lambda frame, event, argument: counted.update([event]))
        try:
            for _ in pages_of(register_of(estate, Commits(), (), now=NOW)):
                pass
        finally:
            sys.setprofile(before)
        return counted["call"]

    fixed, some, more = calls(1), calls(40), calls(80)
    assert more - fixed < 2.2 * (some - fixed)


def test_the_search_index_of_10_000_exports_stays_below_its_limit_and_holds_every_name() -> None:
    estate = in_one_bucket(100)
    register = register_of(estate, Commits(), (), now=NOW)
    many = replace(register, exports=register.exports * 100)
    index = search_index_of(many)
    assert len(index.encode()) <= SEARCH_INDEX_BYTES
    assert index.count('"set_0099"') == 100
    assert ("d" * 100 in search_index_of(register), "d" * 51 in index) == (True, False)


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (1, [1]), (ROWS, [ROWS]), (ROWS + 1, [ROWS, 1])])
def test_a_list_is_split_after_so_many_rows(count: int, sizes: list[int]) -> None:
    turns: list[Turn] = []

    def render(rows: object, turn: Turn) -> str:
        turns.append(turn)
        return str(len(list(rows)))  # type: ignore[call-overload]

    made = list(paged("x/list.html", range(count), render))
    assert [int(text) for _, text in made] == sizes
    assert [path for path, _ in made] == ["x/list.html", "x/list-2.html"][: len(sizes)]
    assert all(turn.paths == tuple(["list.html", "list-2.html"][: len(sizes)]) for turn in turns)


def test_rows_that_are_long_are_fewer_on_a_page() -> None:
    made = list(paged("list.html", ["x" * 50_000] * 20, lambda rows, _: "".join(rows)))
    assert [len(text) for _, text in made] == [300_000, 300_000, 300_000, 100_000]


def test_of_many_pages_those_around_this_one_are_linked_and_the_first_and_last() -> None:
    assert Turn(10, tuple(map(str, range(30))), 1, 1, 30).near == (1, 6, 7, 8, 9, 10, 11, 12, 13, 14, 30)
