"""Whatever stands in declarations, reviews and commits stays text, even in a browser that would run what gets in."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_exports.estate.codes import Code
from data_exports.estate.commits import read_commits
from data_exports.estate.findings import Finding, Place, warning
from data_exports.estate.loader import load_estate
from data_exports.names import DatasetName
from data_exports.operate.daily_sums import DailySums, DaySum
from data_exports.operate.status import DatasetStatus
from data_exports.views.register.facts import register_for, register_of
from data_exports.views.register.pages import pages_of
from data_exports.views.register.site import write_site
from data_exports.views.review_page import review_page
from tests.browser.sites import EXAMPLE, NOW, PROBATION, decided, review_of
from tests.browser.visit import visiting
from tests.unit.reviews.git_estate import git

TEXTS = (
    "<script>window.hit=1;alert(1)</script>",
    "</script><script>window.hit=1</script>",
    "\"><img src=x onerror='window.hit=1;alert(1)'>",
    "'><svg onload=window.hit=1>",
    "</td></table></main><iframe srcdoc='<script>parent.hit=1</script>'>",
    "</title></head><body onload=window.hit=1>",
    "</pre></details><form action=//x><button formaction=javascript:window.hit=1>",
    "</style><style>*{display:none}",
    "<!-- --!> <a href=javascript:window.hit=1>here</a>",
    "javascript:window.hit=1//https://example.gov.uk",
    "{{ 7*7 }} {% include '/etc/passwd' %} ${window.hit=1}",
    "<meta http-equiv=refresh content='0;url=//x'><base href=//x>",
    "<link rel=stylesheet href=//x/y.css> \\u003cscript\\u003ewindow.hit=1\\u003c/script\\u003e",
    "=cmd|' /C calc'!A0 &lt;script&gt; &#60;b&#62; ]]>",
)
HIDDEN = "\u202e\u2066\u2028\x1b"
"""What declarations may not hold at all: commits may."""
HARMLESS = "DPIA 7, signed in May"


def written(folder: Path, text: str) -> Path:
    """Every page of an estate in which this text stands wherever somebody can write one; the folder of the sites."""
    repository = folder / "repository"
    shutil.copytree(EXAMPLE, repository)
    for path in sorted(repository.glob("*_datasets/*")):
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
        declared |= {"description": text, "owner": text, "paperwork": [text, "DPIA-1"]}
        path.write_text(yaml.safe_dump(declared), encoding="utf-8")
    settings = yaml.safe_load((repository / "exports.yaml").read_text(encoding="utf-8"))
    accounts = settings["platform"]["accounts"]
    settings["platform"]["accounts"] = {account: f"{text} {number}" for number, account in enumerate(accounts)}
    (repository / "exports.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    git(repository, "init", "--quiet")
    git(repository, "config", "user.email", "a@example.gov.uk")
    git(repository, "config", "user.name", text)
    git(repository, "add", ".")
    git(
        repository, "commit", "--quiet", "--cleanup=verbatim", "--message", text + HIDDEN, moment="2026-11-01T00:00:00Z"
    )
    sites = folder / "sites"
    sites.mkdir()
    estate = load_estate(repository, today=NOW.date()).require()
    history = read_commits(repository)
    review = decided(review_of(estate, "2026-Q4"), by=text, reason=text)
    status = DatasetStatus(DatasetName("court_hearings"), "push", "different", text, amiss=(text,))
    day = DaySum(NOW.date(), 1, 1, failed=1, causes=((text, 1),))
    register = register_of(
        estate,
        replace(history, gap=text),
        (replace(review, closed=NOW.date(), seal=text),),
        now=NOW,
        statuses={"court_hearings": status},
        sums={"court_hearings": DailySums(NOW.date(), NOW.date(), (day,))},
        findings=(Finding(Place(Path(text)), "EX205", text, text),),
        warnings=[warning(Place(Path("push_datasets/court_hearings.yaml")), Code.BAD_TEXT, text)],
        gaps=(text,),
    )
    write_site(sites / "whole", pages_of(register))
    write_site(sites / "probation", pages_of(register_for(estate, history, PROBATION, now=NOW)))
    (sites / "review.html").write_text(review_page(review), encoding="utf-8")
    return sites


@pytest.fixture(scope="module")
def harmless(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The elements of every page of an estate in which nobody wrote anything strange."""
    shapes = []
    sites = written(tmp_path_factory.mktemp("harmless"), HARMLESS)
    for path in pages(sites):
        with visiting(browser, f"{sites.as_uri()}/{path}", bypass_csp=True) as visit:
            shapes.append(visit.page.evaluate(SHAPE))
    return shapes


def pages(sites: Path) -> Iterator[str]:
    """A page of every kind; of recipients the first, by what it is called."""
    yield from ("review.html", "whole/index.html", "whole/calendar.html", "whole/numbers.html")
    yield from ("whole/recipients.html", "whole/people.html", "whole/datasets/court_hearings.html")
    yield from ("whole/datasets/victim_survey.html", "probation/index.html", "probation/datasets/victim_survey.html")
    for folder in ("whole/recipients", "whole/people", "probation/recipients"):
        yield max((sites / folder).iterdir(), key=lambda path: len(path.read_bytes())).relative_to(sites).as_posix()


SETTLED = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
"""Until what was put on the page has been drawn. What it came with was loaded, or had failed to, before that."""
FOUND = "[...document.querySelectorAll('#search li *')].map((each) => each.tagName)"
SHAPE = """() => [...document.querySelectorAll("*")].map((each) =>
  each.tagName + [...each.attributes].map((one) => one.name).sort().join())"""


@pytest.mark.parametrize("text", TEXTS)
def test_no_page_has_another_element_runs_anything_or_asks_anybody(
    browser: Any, harmless: list[list[str]], tmp_path: Path, text: str
) -> None:
    hostile = written(tmp_path, text)
    for path, shape in zip(pages(hostile), harmless, strict=True):
        # Without the pages' own policy, which would hide a text that was not escaped.
        with visiting(browser, f"{hostile.as_uri()}/{path}", bypass_csp=True) as visit:
            assert visit.page.evaluate(SHAPE) == shape, path
            if visit.page.get_by_role("searchbox").count():
                visit.page.get_by_role("button", name="Export").click()
                visit.page.get_by_role("searchbox").fill("_")
                assert visit.page.evaluate(FOUND) == ["A"] * visit.page.locator("#search li").count()
                assert visit.page.locator("#search li").count() in (1, 9)
            visit.page.evaluate(SETTLED)
            assert not set(HIDDEN) & set(visit.page.content())
            assert visit.page.evaluate("window.hit") is None, path
            assert visit.complaints == []
            assert [address for address in visit.asked if not address.startswith(hostile.as_uri())] == []


def test_the_texts_do_something_where_they_are_not_escaped(browser: Any, tmp_path: Path) -> None:
    hits = []
    for text in (text for text in TEXTS if "refresh" not in text):  # which leads away, and leaves nothing to ask
        (tmp_path / "page.html").write_text(f"<!doctype html><title>x</title><p title='a'>{text}", encoding="utf-8")
        with visiting(browser, f"{tmp_path.as_uri()}/page.html") as visit:
            visit.page.evaluate(SETTLED)
            elsewhere = [each for each in visit.asked if not each.startswith(tmp_path.as_uri())]
            hits.append(bool(visit.page.evaluate("window.hit") or visit.complaints or elsewhere))
    assert sum(hits) >= 7
