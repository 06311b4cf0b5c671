"""axe-core finds nothing wrong on any kind of page, in light and dark, on a phone's width and a desk's."""

from typing import Any

import pytest

from tests.browser.sites import KINDS, Sites
from tests.browser.visit import SCHEMES, WIDTHS, visiting


def test_the_kinds_are_all_that_there_are(sites: Sites) -> None:
    assert tuple(sites.kinds) == KINDS
    assert [path for path in sites.kinds.values() if not (sites.folder / path).is_file()] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_axe_core_finds_nothing(browser: Any, sites: Sites, served: str, kind: str, scheme: str, width: int) -> None:
    # axe-core asks for the style sheets again to judge them, which the pages' own policy refuses.
    with visiting(browser, f"{served}/{sites.kinds[kind]}", width=width, scheme=scheme, bypass_csp=True) as visit:
        assert visit.violations() == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_core_finds_nothing_in_what_was_searched_and_sorted(
    browser: Any, served: str, scheme: str, width: int
) -> None:
    with visiting(browser, f"{served}/whole/index.html", width=width, scheme=scheme, bypass_csp=True) as visit:
        visit.page.get_by_role("button", name="Owner").click()
        assert visit.violations() == []
        visit.page.get_by_role("searchbox").fill("court")
        assert visit.page.get_by_role("listitem").count() == 2
        assert visit.violations() == []


def test_it_would_find_something(browser: Any, served: str) -> None:
    with visiting(browser, f"{served}/whole/index.html", bypass_csp=True) as visit:
        visit.page.evaluate("document.querySelector('h1').style.color = '#eeeeee'")
        (violation,) = visit.violations()
    assert violation.startswith("color-contrast: <h1")


def test_a_screen_reader_is_told_of_rows_and_columns_on_every_width(browser: Any, served: str) -> None:
    told = []
    for width in WIDTHS:
        with visiting(browser, f"{served}/whole/index.html", width=width) as visit:
            tree = visit.page.context.new_cdp_session(visit.page).send("Accessibility.getFullAXTree")
            roles = [node["role"]["value"] for node in tree["nodes"] if not node.get("ignored")]
            # Chromium remembers it of a cell that is shown as a line of its own; not every browser does.
            assert visit.page.locator("table :is(thead, tbody, tr, th, td):not([role])").count() == 0
            told.append({role: roles.count(role) for role in ("table", "row", "columnheader", "rowheader", "cell")})
    assert told == [{"table": 1, "row": 10, "columnheader": 8, "rowheader": 9, "cell": 63}] * 2
