"""HTML by Jinja2's templates, in which nothing that somebody wrote is more than text.

In: the package whose folder `templates` holds them. Out: an environment. Effects: reads templates once they are used.
Autoescape is on, and whatever a page shows goes through `printable` first: no text becomes a tag or an attribute, or
hides.
"""

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from data_exports.text import age_words, counted, json_text, printable, printable_lines, size_words

if TYPE_CHECKING:
    from jinja2 import Environment

TEXT_LETTERS = 2_000
"""So much of a text that somebody wrote is shown in a sentence or a table: a page holds 200 rows of them."""
LETTER_LETTERS = 100_000
"""So much of a text of many lines: the letter to an account whose 50 roles are named has 40,000."""


def html_environment(package: str) -> "Environment":
    """What makes pages by the templates of a package."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        lines=_shown_lines,
        utc=_utc,
        size=size_words,
        length_of_time=_length,
        count=lambda number: f"{number:,}",
        json=_shown_json,
    )
    return environment


def _shown(value: Any) -> Any:
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return printable(_cut(value, TEXT_LETTERS))
    return value


def _shown_lines(text: str) -> Any:
    from markupsafe import escape

    return escape(printable_lines(_cut(text, LETTER_LETTERS)))


def _shown_json(value: object) -> Any:
    from markupsafe import escape

    return escape(json_text(value, indent=2))


def _length(seconds: float) -> str:
    return age_words(math.ceil(seconds))


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[:letters]} … and {counted(len(text) - letters, 'more character')}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
