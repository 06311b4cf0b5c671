"""Nothing has to be scrolled sideways, whatever the width; pages are whole without scripts; times are the reader's."""

from typing import Any

import pytest

from tests.browser.sites import KINDS, Sites
from tests.browser.visit import WIDTHS, rows_of, visiting


@pytest.mark.parametrize("width", [*WIDTHS, 760])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wider_than_its_place(browser: Any, sites: Sites, files: str, kind: str, width: int) -> None:
    with visiting(browser, f"{files}/{sites.kinds[kind]}", width=width) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert visit.overflowing() == []


def test_it_would_be_seen(browser: Any, files: str) -> None:
    with visiting(browser, f"{files}/whole/index.html", width=320) as visit:
        visit.page.evaluate("document.querySelector('h1').style.width = '400px'")
        assert [each.partition(":")[0] for each in visit.overflowing()] == ["html."]


def test_what_was_found_fits_a_narrow_screen(browser: Any, files: str) -> None:
    with visiting(browser, f"{files}/whole/index.html", width=320) as visit:
        visit.page.get_by_role("searchbox").fill("s")
        assert visit.page.get_by_role("listitem").count() > 3
        assert visit.overflowing() == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_whole_without_scripts(browser: Any, sites: Sites, files: str, kind: str) -> None:
    texts = []
    for has_scripts in (True, False):
        with visiting(
            browser, f"{files}/{sites.kinds[kind]}", timezone_id="UTC", java_script_enabled=has_scripts
        ) as visit:
            texts.append(set(visit.page.locator("main a, main h2, main th[scope=row]").all_inner_texts()))
            assert visit.page.locator("body").bounding_box()["width"] <= 1280
    assert texts[0] == texts[1]


def test_a_time_is_told_in_the_readers_zone_and_in_utc(browser: Any, files: str) -> None:
    address = f"{files}/whole/datasets/court_hearings.html"
    with visiting(browser, address, timezone_id="America/New_York", locale="en-US") as visit:
        time = visit.page.locator("dd time")
        assert " ".join(time.inner_text().split()) == "Nov 29, 2026, 2:00 AM (2026-11-29 07:00 UTC)"
        assert time.get_attribute("title") == "2026-11-29T07:00:00Z (UTC)"


def test_a_list_of_450_is_on_three_pages_that_lead_to_each_other(browser: Any, files: str) -> None:
    with visiting(browser, f"{files}/long/index.html") as visit:
        seen = rows_of(visit)
        for number in ("2", "3"):
            visit.page.get_by_role("navigation", name="Pages of this list").get_by_role(
                "link", name=number, exact=True
            ).click()
            seen += rows_of(visit)
    assert seen == [f"set_{n:04}" for n in range(450)]
