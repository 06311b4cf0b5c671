"""No page asks anybody else for anything, opened as a file or on a static host, and its policy is never broken."""

from pathlib import Path
from typing import Any

import pytest

from data_exports.views.register.serving import RegisterServer
from tests.browser.serving import serving
from tests.browser.sites import KINDS, Sites
from tests.browser.visit import Visit, visiting


def use(visit: Visit) -> None:
    """Do whatever can be done on the page."""
    visit.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    for button in visit.page.get_by_role("button").all():
        button.click()
    for box in visit.page.get_by_role("searchbox").all():
        box.fill("court")
    for each in visit.page.get_by_role("combobox").all():
        each.select_option(index=1)
    for link in visit.page.locator("main a").all()[:3]:
        if link.is_visible():
            link.hover()
    visit.page.emulate_media(media="print")
    visit.page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["files", "served"])
def test_a_page_asks_only_its_own_site_and_breaks_no_policy(
    browser: Any, sites: Sites, files: str, served: str, kind: str, way: str
) -> None:
    place = files if way == "files" else served
    with visiting(browser, f"{place}/{sites.kinds[kind]}") as visit:
        use(visit)
        assert [address for address in visit.asked if not address.startswith(f"{place}/")] == []
        assert visit.complaints == []
        wanted = 1 if kind.startswith("review") else 4  # the page; its style, its script and the search index
        assert len(set(visit.asked) - {f"{place}/favicon.ico"}) == wanted


def test_a_whole_site_works_from_a_folder_of_a_host(browser: Any, sites: Sites, served: str) -> None:
    with visiting(browser, f"{served}/whole/index.html") as visit:
        seen = {visit.page.url}
        waiting = [visit.page.url]
        while waiting:
            visit.page.goto(waiting.pop())
            found = set(visit.page.evaluate("[...document.querySelectorAll('a[href]')].map((each) => each.href)"))
            new = {address.partition("#")[0] for address in found} - seen
            seen |= new
            waiting += new
        assert visit.complaints == []
    pages = {f"{served}/{path.relative_to(sites.folder)}" for path in (sites.folder / "whole").rglob("*.html")}
    assert seen == pages


def test_it_works_as_exports_open_serves_it(browser: Any, sites: Sites, tmp_path: Path) -> None:
    folder = sites.folder / "whole"
    told: list[object] = []
    with RegisterServer(told.append) as server:
        server.show(folder, [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()])
        launch = tmp_path / "launch.html"
        launch.write_text(server.new_launch_page(), encoding="utf-8")
        with visiting(browser, launch.as_uri()) as visit:
            visit.page.wait_for_url(server.address)
            visit.page.get_by_role("searchbox").fill("hearings")
            visit.page.locator("#search li a").first.click()
            visit.page.get_by_role("link", name="Numbers").click()
            assert visit.page.url == f"{server.address}numbers.html"
            assert visit.complaints == []
            origin = server.address.rpartition("/")[0].rpartition("/")[0]
            assert {each.startswith(f"{origin}/") for each in visit.asked if each != launch.as_uri()} == {True}
    assert told == []


INTRUDERS = {
    "an image of somebody else": ("img", "src", "{elsewhere}/a.png"),
    "a script of somebody else": ("script", "src", "{elsewhere}/a.js"),
    "a script in the page": ("script", "textContent", "window.hit = 1"),
    "a style of somebody else": ("link", "href", "{elsewhere}/a.css"),
    "a style in the page": ("style", "textContent", "* { display: none }"),
    "a frame": ("iframe", "src", "{elsewhere}/"),
    "a form": ("form", "action", "{elsewhere}/"),
    "a link that runs": ("a", "href", "javascript:window.hit = 1"),
}
INTRUDE = """([name, attribute, value]) => {
  const made = document.createElement(name);
  made[attribute] = value;
  if (name === "link") made.rel = "stylesheet";
  document.body.append(made);
  if (name === "form") made.submit();
  if (name === "a") made.click();
}"""


@pytest.mark.parametrize("page", ["exports", "review to sign"])
@pytest.mark.parametrize("intruder", INTRUDERS)
def test_the_policy_refuses_what_got_in_nevertheless(
    browser: Any, sites: Sites, served: str, intruder: str, page: str
) -> None:
    with visiting(browser, f"{served}/{sites.kinds[page]}") as visit, serving(sites.folder / "long") as elsewhere:
        name, attribute, value = INTRUDERS[intruder]
        visit.page.evaluate(INTRUDE, [name, attribute, value.replace("{elsewhere}", elsewhere)])
        visit.wait_for_complaint("Content Security Policy")
        assert visit.page.evaluate("window.hit") is None
        assert visit.page.locator("h1").is_visible()
