"""The pages of the register, as HTML by Jinja2's templates, each with the path that it has in the site.

In: a `Register`. Out: paths and texts. Effects: reads the templates and what lies beside them. Autoescape is on, and
whatever a page shows goes through `printable` first: no text that somebody wrote becomes a tag, an attribute, or hides.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from data_exports.json_values import json_value_of
from data_exports.text import json_text, printable, printable_lines
from data_exports.views.register.facts import AccessLine, Register, RegisteredExport
from data_exports.views.register.figures import HEIGHT, WIDTH, figures_of, line_of_plot, months_of

if TYPE_CHECKING:
    from jinja2 import Environment

ROWS = 200
"""So many rows are on a page: about a third of what a page may weigh."""
PURPOSE_LETTERS = 100
"""So much of a purpose is searched: 10,000 exports stay below 2 MB."""
ASSETS = ("register.css", "register.js")


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


def pages_of(register: Register) -> Iterator[tuple[str, str]]:
    """Every file of the site, by its path from the site's folder."""
    environment = _environment(register)
    yield from _long(environment, "home.html", "index", register.exports)
    for export in register.exports:
        yield path_of_export(export), _page(environment, "dataset.html", up="../", export=export)
    everybody = who_of_register(register)
    for who in everybody:
        yield who.path, _page(environment, "who.html", up="../", who=who)
    if register.account is None:
        for kind, name in (("recipient", "recipients"), ("person", "people")):
            chosen = [who for who in everybody if who.kind == kind]
            yield from _long(environment, "everybody.html", name, chosen, title=name.capitalize())
        yield from _long(environment, "calendar.html", "calendar", calendar_of(register))
        months = months_of(register)
        plot = {"points": line_of_plot(months), "width": WIDTH, "height": HEIGHT}
        yield "numbers.html", _page(environment, "numbers.html", figures=figures_of(register), months=months, plot=plot)
    yield "search-index.js", search_index_of(register)
    for name in ASSETS:
        yield name, (files(__package__) / "assets" / name).read_text(encoding="utf-8")


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


def search_index_of(register: Register) -> str:
    """A script that is nothing but the list of exports: pages that are opened as files may load no other data."""
    rows = [
        [
            path_of_export(each),
            each.dataset.name,
            each.kind,
            ", ".join(dict.fromkeys(line.row.account or line.row.who for line in each.outside)),
            each.dataset.owner,
            each.attention[0].words if each.attention else "",
            printable(each.dataset.description)[:PURPOSE_LETTERS],
        ]
        for each in register.exports
    ]
    return f"window.registerIndex = {json_text(rows, default=json_value_of)};\n"


def path_of_export(export: RegisteredExport) -> str:
    """Its page."""
    return f"datasets/{export.dataset.name}.html"


def _path_of_who(kind: str, name: str) -> str:
    """By a digest: names may differ in what file systems take for the same."""
    folder = "recipients" if kind == "recipient" else "people"
    return f"{folder}/{hashlib.sha256(name.encode()).hexdigest()[:16]}.html"


def _environment(register: Register) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("data_exports.views.register"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["lines"] = _shown_lines
    environment.filters["utc"] = _utc
    paths = {
        (line.export.dataset.name, line.row.role, line.row.who): who.path
        for who in who_of_register(register)
        for line in who.lines
    }
    environment.globals.update(
        register=register,
        path_of=path_of_export,
        who_path=lambda line: paths[line.export.dataset.name, line.row.role, line.row.who],
    )
    return environment


def _shown(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _shown_lines(text: str) -> Any:
    from markupsafe import escape

    return escape(printable_lines(text))


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _long(
    environment: "Environment", template: str, name: str, rows: Sequence[object], **given: Any
) -> Iterator[tuple[str, str]]:
    """A list over as many pages as it needs: ``index.html``, ``index-2.html``."""
    parts = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)] or [()]
    paths = [f"{name}.html", *(f"{name}-{number}.html" for number in range(2, len(parts) + 1))]
    for number, (path, part) in enumerate(zip(paths, parts, strict=True), start=1):
        yield path, _page(environment, template, rows=part, paths=paths, number=number, total=len(rows), **given)


def _page(environment: "Environment", template: str, *, up: str = "", **given: Any) -> str:
    return environment.get_template(template).render(up=up, **given)
