"""The pages of the register, as HTML by Jinja2's templates, each with the path that it has in the site.

In: a `Register`. Out: paths and texts. Effects: reads the templates and what lies beside them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from data_exports.views.html import html_environment
from data_exports.views.register.facts import AccessLine, Register, RegisteredExport
from data_exports.views.register.figures import (
    HEIGHT,
    WIDTH,
    figures_of,
    line_of_plot,
    months_of,
    plot_of_bytes,
    plot_of_files,
)
from data_exports.views.register.lists import PAGE_BYTES, Page, fewer_rows, paged, weight_of
from data_exports.views.register.search_index import path_of_export, search_index_of

if TYPE_CHECKING:
    from jinja2 import Environment

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"
)
SHORT = 5
"""So many of a list's texts stand where others are the matter; all of a longer list have a page."""
ASSETS = ("register.css", "register.js")
NAVIGATION = ("index", "recipients", "people", "calendar", "numbers")
"""The pages that every page leads to; one account's site has the first alone."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody with a page: an account, a recipient whose account nobody named, or a person of the platform."""

    kind: str
    """``recipient`` or ``person``."""
    name: str
    path: str
    lines: tuple[AccessLine, ...]


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """Something that is due on a day."""

    day: str
    what: str
    export: RegisteredExport | None = None

    @property
    def name(self) -> str:
        """What it is about."""
        return self.export.dataset.name if self.export else self.what


def pages_of(register: Register) -> Iterator[Page]:
    """Every file of the site, by its path from the site's folder."""
    site = _Site(_environment(register))
    yield from site.long("home.html", "index.html", register.exports)
    for export in register.exports:
        yield from _pages_of_export(site, export)
    everybody = who_of_register(register)
    for who in everybody:
        shared = {line.export.shared.path: line.export.shared for line in who.lines if line.export.shared}
        destinations = list(shared.values()) if who.kind == "recipient" else []
        yield from site.long("who.html", who.path, who.lines, up="../", who=who, destinations=destinations)
    exports = {export.dataset.name: export for export in register.exports}
    for there in {export.shared.path: export.shared for export in register.exports if export.shared}.values():
        yield from site.long(
            "destination.html",
            there.path,
            there.statements,
            up="../",
            there=there,
            exports=[exports[name] for name in there.datasets],
        )
    if register.account is None:
        for kind, name in (("recipient", "recipients"), ("person", "people")):
            chosen = [who for who in everybody if who.kind == kind]
            yield from site.long("everybody.html", f"{name}.html", chosen, title=name.capitalize())
        yield from site.long("calendar.html", "calendar.html", calendar_of(register))
        months = months_of(register)
        top = max((each.count for each in months), default=0)
        plot = {"points": line_of_plot(months), "width": WIDTH, "height": HEIGHT, "top": top}
        yield "numbers.html", site.page("numbers.html", figures=figures_of(register), months=months, plot=plot)
    if register.keys:
        yield from site.long("keys.html", "keys.html", register.keys)
    for path, title, texts in (
        ("errors.html", "Errors in the declarations", [str(each) for each in register.findings]),
        ("not-read.html", "What could not be read", register.gaps),
    ):
        if len(texts) > SHORT:
            yield from site.long("texts.html", path, texts, title=title)
    yield "search-index.js", search_index_of(register)
    for name in ASSETS:
        yield name, (files(__package__) / "assets" / name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Site:
    """Makes pages by the templates."""

    environment: "Environment"

    def page(self, template: str, *, up: str = "", **given: Any) -> str:
        """One page; `up` leads from its folder to that of the site."""
        return self.environment.get_template(template).render(up=up, **given)

    def long(self, template: str, path: str, rows: Sequence[Any], **given: Any) -> Iterator[Page]:
        """A list over as many pages as it needs."""
        return paged(path, rows, lambda part, turn: self.page(template, rows=part, turn=turn, **given))


def _pages_of_export(site: _Site, export: RegisteredExport) -> Iterator[Page]:
    """Its page, and those of its lists that are longer than the page can hold."""
    path, text, limit = path_of_export(export), "", 0
    lists = {
        "accesses": export.lines,
        "reviews": [(review, row) for review, reviewed in export.reviews for row in reviewed.accesses],
        "commits": export.commits,
        "letters": export.letters,
    }
    for limit in fewer_rows():
        text = site.page("dataset.html", up="../", export=export, limit=limit, lists=lists)
        if weight_of(text) <= PAGE_BYTES:
            break
    yield path, text
    for name, rows in lists.items():
        if len(rows) > limit:
            whole = f"{path.removesuffix('.html')}/{name}.html"
            yield from site.long("part.html", whole, rows, up="../../", export=export, name=name)


def who_of_register(register: Register) -> tuple[Who, ...]:
    """Everybody who has an access, with all of them: recipients by account, people by name."""
    groups: dict[tuple[str, str], list[AccessLine]] = {}
    for line in register.lines:
        account = register.account or line.access.account
        name = register.platform.name_of_account(account) if account else line.row.who
        key = ("recipient", name) if line.access.is_outside else ("person", line.row.who)
        groups.setdefault(key, []).append(line)
    return tuple(
        Who(kind, name, _path_of_who(kind, name), tuple(lines)) for (kind, name), lines in sorted(groups.items())
    )


def calendar_of(register: Register) -> tuple[CalendarEntry, ...]:
    """Ends of exports and days by which reviews are due, the soonest first."""
    ends = (CalendarEntry(str(each.dataset.expires), "ends", each) for each in register.exports if each.dataset.expires)
    dues = (
        CalendarEntry(str(review.due), f"review {review.name} is due")
        for review in register.reviews
        if review.due and not review.closed
    )
    return tuple(sorted([*ends, *dues], key=lambda each: (each.day, each.name)))


def _path_of_who(kind: str, name: str) -> str:
    """By a digest: names may differ in what file systems take for the same."""
    folder = "recipients" if kind == "recipient" else "people"
    return f"{folder}/{hashlib.sha256(name.encode()).hexdigest()[:16]}.html"


def _environment(register: Register) -> "Environment":
    environment = html_environment("data_exports.views.register")
    paths = {
        (line.export.dataset.name, line.row.role, line.row.who): who.path
        for who in who_of_register(register)
        for line in who.lines
    }
    environment.filters.update(files_plot=plot_of_files, bytes_plot=plot_of_bytes)
    names = NAVIGATION[:1] if register.account else NAVIGATION
    environment.globals.update(
        register=register,
        sections=[(f"{name}.html", "Exports" if name == "index" else name.capitalize()) for name in names],
        content_security_policy=CONTENT_SECURITY_POLICY,
        plot_width=WIDTH,
        plot_height=HEIGHT,
        short=SHORT,
        path_of=path_of_export,
        who_path=lambda line: paths[line.export.dataset.name, line.row.role, line.row.who],
    )
    return environment
