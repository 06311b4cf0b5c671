"""On paper stands what the page tells, all of it, black on white, and nothing that only works on a screen."""

import io
import unicodedata
from typing import Any

import pytest

from tests.browser.sites import KINDS, Sites
from tests.browser.visit import Visit, visiting


def printed(visit: Visit) -> str:
    """The text of the PDF, without spaces: lines break where the paper ends."""
    from pypdf import PdfReader

    pages = PdfReader(io.BytesIO(visit.page.pdf(format="A4", prefer_css_page_size=True))).pages
    return _without_spaces("".join(page.extract_text() for page in pages))


def _without_spaces(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())  # fonts draw "fi" as one letter


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_of_a_page_is_on_the_paper(browser: Any, sites: Sites, files: str, kind: str) -> None:
    with visiting(browser, f"{files}/{sites.kinds[kind]}") as visit:
        paper = printed(visit)
        told = visit.page.evaluate(_TOLD)
        assert len(told) > 6
        assert [text for text in told if _without_spaces(text) not in paper] == []


# Everything but what serves the screen alone. `textContent`, so that what is closed on the screen counts as well.
_TOLD = """() => [...document
  .querySelectorAll("h1, h2, h3, .brand, th, td, dt, dd, pre, .flow li li, main > p, section > p, footer p")]
  .flatMap((each) => each.matches("pre")
    ? each.textContent.split("\\n")
    : [...each.childNodes].map((one) => one.textContent))
  .filter((text) => text.trim())"""


@pytest.mark.parametrize("kind", ["exports", "export, pushed"])
def test_what_serves_the_screen_alone_is_not_on_the_paper(browser: Any, sites: Sites, files: str, kind: str) -> None:
    with visiting(browser, f"{files}/{sites.kinds[kind]}") as visit:
        paper = printed(visit)
        assert [text for text in ("Searchallexports", "Tothecontent", "CalendarNumbers") if text in paper] == []


@pytest.mark.parametrize("kind", KINDS)
def test_paper_is_white_though_the_screen_is_dark_and_nothing_is_cut_off(
    browser: Any, sites: Sites, files: str, kind: str
) -> None:
    width = 1010 if kind in ACROSS or kind.startswith("review") else 703
    with visiting(browser, f"{files}/{sites.kinds[kind]}", width=width, scheme="dark") as visit:
        visit.page.emulate_media(media="print")
        assert visit.overflowing() == []
        colours = visit.page.evaluate(_COLOURS)
        assert [each for each in colours if _lightness(each) > 0.6] == []
        assert _lightness(visit.page.evaluate("getComputedStyle(document.body).backgroundColor")) > 0.95


ACROSS = ("exports", "with errors and gaps", "one of several pages", "for a recipient: exports")
"""These, and reviews, are on A4 across: within its margins 1,010 CSS pixels wide, and 703 where it stands."""
_COLOURS = """() => [...new Set([...document.querySelectorAll("body *")].filter((each) => each.checkVisibility())
  .map((each) => getComputedStyle(each).color))]"""


def _lightness(colour: str) -> float:
    numbers = [float(part) for part in colour.partition("(")[2].rstrip(")").replace(",", " ").split()]
    red, green, blue, alpha = [*numbers, 1.0][:4]
    shade = (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
    return shade * alpha + (1 - alpha)
