"""A page as somebody looks at it, with a record of what it did meanwhile that no page of ours may do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.browser.chromium import NODE_MODULES

WIDTHS = (320, 1280)
SCHEMES = ("light", "dark")


@dataclass
class Visit:
    """One page in a browser of its own."""

    page: Any
    asked: list[str] = field(default_factory=list)
    """The address of every request that was made."""
    complaints: list[str] = field(default_factory=list)
    """What the browser said: errors of scripts, refusals by the Content-Security-Policy, dialogs."""

    @property
    def text(self) -> str:
        """What can be read on it."""
        return str(self.page.locator("body").inner_text())

    def dismiss(self, dialog: Any) -> None:
        """A page of ours opens no dialog."""
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def wait_for_complaint(self, words: str) -> None:
        """Until the browser has said so."""
        if not any(words in each for each in self.complaints):
            self.page.wait_for_event("console", lambda message: words in message.text)

    def overflowing(self) -> list[str]:
        """What is wider than the place it has: the page itself, or a part of it that would have to be scrolled."""
        return list(self.page.evaluate(_OVERFLOWING))

    def violations(self) -> list[str]:
        """What axe-core finds; it looks into closed parts, too."""
        self.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        axe = (NODE_MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
        found = self.page.evaluate(f"{axe};axe.run(document, {{ resultTypes: ['violations'] }})")
        assert found["passes"], "axe-core has judged nothing"
        return [
            f"{each['id']}: {node['html']}: {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]


_OVERFLOWING = """() => [document.documentElement, ...document.querySelectorAll("body *")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1
      && getComputedStyle(each).overflowX !== "visible" && getComputedStyle(each).clipPath === "none"
    || each === document.documentElement && each.scrollWidth > window.innerWidth)
  .map((each) => `${each.tagName.toLowerCase()}.${each.className}: ${each.scrollWidth} > ${each.clientWidth}`)"""


@contextmanager
def visiting(
    browser: Any, address: str, *, width: int = 1280, scheme: str = "light", bypass_csp: bool = False, **given: Any
) -> Iterator[Visit]:
    """Open the address in a new profile: English, and in London unless it is given otherwise."""
    settings = {"locale": "en-GB", "timezone_id": "Europe/London", **given}
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=bypass_csp, **settings
    )
    try:
        visit = Visit(context.new_page())
        visit.page.on("request", lambda request: visit.asked.append(request.url))
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        visit.page.on("console", lambda message: visit.complaints.append(f"{message.type}: {message.text}"))
        visit.page.on("dialog", visit.dismiss)
        visit.page.goto(address)
        yield visit
    finally:
        context.close()


def rows_of(visit: Visit, table: str = "table") -> list[str]:
    """The first cell of every row that can be seen."""
    cells = visit.page.locator(f"{table} tbody tr > :first-child")
    return [cell.inner_text().splitlines()[0] for cell in cells.all() if cell.is_visible()]


def index_of(visit: Visit) -> list[list[str]]:
    """The rows of the search index, as its script holds them."""
    return list(json.loads(visit.page.evaluate("JSON.stringify(window.registerIndex)")))
