"""Search, filters and sorting, with the mouse and with the keyboard alone."""

from typing import Any

import pytest

from tests.browser.sites import Sites
from tests.browser.visit import WIDTHS, Visit, index_of, rows_of, visiting


def results(visit: Visit) -> list[str]:
    """The exports that were found, by name."""
    return [link.inner_text() for link in visit.page.locator("#search li a").all()]


def said(visit: Visit) -> str:
    """What a screen reader says of the search."""
    return str(visit.page.get_by_role("status").inner_text())


def press_until(visit: Visit, key: str, selector: str) -> None:
    """Press the key until this has the focus; what the keyboard cannot reach fails."""
    for _ in range(60):
        if visit.page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
        visit.page.keyboard.press(key)
    pytest.fail(f"{key} does not lead to {selector}")


def test_a_search_finds_by_name_recipient_owner_and_purpose_and_forgets(browser: Any, files: str) -> None:
    with visiting(browser, f"{files}/whole/index.html") as visit:
        whole = rows_of(visit)
        assert len(whole) == 9
        for words, found in (
            ("HEARINGS", ["court_outcomes", "court_hearings"]),
            ("cloud platform", ["custody_dashboard", "reoffending_statistics"]),
            ("diary service courts", ["court_hearings"]),
            ("871026394550 push", ["health_referrals"]),
            ("no such export", []),
        ):
            visit.page.get_by_role("searchbox").fill(words)
            assert results(visit) == found
            assert said(visit) == f"{len(found)} of 9 exports"
            assert rows_of(visit) == []
        visit.page.get_by_role("searchbox").fill("")
        assert (results(visit), said(visit), rows_of(visit)) == ([], "", whole)


def test_filters_narrow_what_is_found_and_go_with_words(browser: Any, sites: Sites, files: str) -> None:
    with visiting(browser, f"{files}/whole/index.html") as visit:
        rows = index_of(visit)
        pull = [row[0] for row in rows if row[1] == "pull"]
        needed = [row[0] for row in rows if row[4]]
        assert len(pull) == 4
        assert 0 < len(needed) < 9
        visit.page.get_by_label("Kind").select_option("pull")
        assert results(visit) == pull
        visit.page.get_by_label("Attention").select_option("needed")
        assert results(visit) == [name for name in needed if name in pull]
        visit.page.get_by_label("Kind").select_option("any")
        assert results(visit) == needed
        visit.page.get_by_role("searchbox").fill("court")
        assert results(visit) == ["court_outcomes"]
        assert [each.dataset.name for each in sites.whole.exports if each.attention] == needed


def test_a_search_looks_through_every_page_of_a_list_and_shows_200_at_most(browser: Any, files: str) -> None:
    with visiting(browser, f"{files}/long/index-3.html") as visit:
        visit.page.get_by_role("searchbox").fill("set_0007")
        assert results(visit) == ["set_0007"]
        visit.page.get_by_role("searchbox").fill("set")
        assert (len(results(visit)), said(visit)) == (200, "450 of 450 exports, the first 200 shown")
        visit.page.get_by_role("searchbox").fill("set_0007")
        visit.page.locator("#search li a").click()
        assert visit.page.get_by_role("heading", level=1).inner_text() == "set_0007"


@pytest.mark.parametrize("width", WIDTHS)
def test_every_column_sorts_up_and_down(browser: Any, files: str, width: int) -> None:
    with visiting(browser, f"{files}/whole/index.html", width=width) as visit:
        for column, (name, first, last) in enumerate(ENDS):
            head = visit.page.get_by_role("columnheader", name=name)
            orders: list[list[str]] = []
            for direction in ("ascending", "descending"):
                head.get_by_role("button").click()
                assert head.get_attribute("aria-sort") == direction
                assert visit.page.locator("th[aria-sort]").count() == 1
                orders.append(visit.page.evaluate(COLUMN, column))
            up, down = orders
            assert (up[0], up[-1]) == (first, last)
            assert down == up[::-1]
            assert len(up) == 9


ENDS = (
    ("Export", "bail_research", "victim_survey"),
    ("Kind", "pull", "push"),
    ("To", '"Cloud Platform" (754256621582)', "not named"),
    (
        "Attention",
        "2 decisions of review 2026-Q2 not carried out",
        "nothing found",
    ),
    ("Until", "2026-10-31", "no end"),
    ("Paperwork", "https://example.gov.uk/dpia/987", "Sharing agreement HJ-2031, signed 12 March"),
    ("Owner", "Courts Data Team", "Reoffending Statistics"),
    ("Last delivery", "2026-10-30T12:00:00Z", "not read"),
)
"""What stands first and last in each column, sorted."""
COLUMN = """(column) => [...document.querySelectorAll("#exports tbody tr")].map((row) => {
  const cell = row.cells[column], time = cell.querySelector("time");
  return time ? time.dateTime : cell.innerText.split("\\n")[0].trim();
})"""


def test_times_sort_by_when_they_were_and_not_by_how_they_are_written(browser: Any, files: str) -> None:
    with visiting(browser, f"{files}/whole/index.html") as visit:
        visit.page.get_by_role("button", name="Last delivery").click()
        first = rows_of(visit)[:2]
    assert first == ["prison_population", "health_referrals"]  # 30 October, then 27 November


def test_the_keyboard_alone_skips_to_the_content_searches_and_opens_an_export(browser: Any, files: str) -> None:
    with visiting(browser, f"{files}/whole/index.html") as visit:
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.textContent") == "To the content"
        assert visit.page.locator(".skip").bounding_box()["x"] >= 0
        visit.page.keyboard.press("Enter")
        press_until(visit, "Tab", "input[type=search]")
        visit.page.keyboard.type("statistics")
        assert results(visit) == ["prison_population", "reoffending_statistics"]
        visit.page.keyboard.press("Escape")
        assert len(rows_of(visit)) == 9
        visit.page.keyboard.type("outcomes")
        press_until(visit, "Tab", "#search li a")
        assert visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_url("**/court_outcomes.html")


def test_the_keyboard_alone_filters_and_sorts(browser: Any, files: str) -> None:
    with visiting(browser, f"{files}/whole/index.html") as visit:
        press_until(visit, "Tab", "select")
        visit.page.keyboard.type("pull")
        assert len(results(visit)) == 4
        visit.page.keyboard.press("Home")
        press_until(visit, "Tab", "thead button")
        visit.page.keyboard.press("Enter")
        assert rows_of(visit) == sorted(rows_of(visit))
        visit.page.keyboard.press("Space")
        assert rows_of(visit) == sorted(rows_of(visit), reverse=True)
        assert visit.page.evaluate("document.activeElement.textContent") == "Export"


@pytest.mark.parametrize("path", ["whole/datasets/court_hearings.html", "courts/datasets/court_hearings.html"])
def test_the_keyboard_reaches_whatever_can_be_scrolled_opened_or_followed(browser: Any, files: str, path: str) -> None:
    with visiting(browser, f"{files}/{path}", width=320) as visit:
        wanted = visit.page.evaluate(_REACHABLE)
        reached = set()
        for _ in range(len(wanted) + 1):
            visit.page.keyboard.press("Tab")
            reached.add(visit.page.evaluate(f"(({_NAME})(document.activeElement))"))
        assert set(wanted) - reached == set()
        assert len(wanted) > 5


_NAME = "(each) => `${each.tagName} ${each.getAttribute('href') || each.textContent.trim().slice(0, 40)}`"
_REACHABLE = f"""() => [...document.querySelectorAll("a[href], button, summary, pre")]
  .filter((each) => each.checkVisibility()).map({_NAME})"""
