"""An access review: every access as a row that somebody decides on and signs, in Markdown.

In: holdings. Out: text in GitHub's Markdown. Effects: none. What people declared stands in code: it can neither end its
cell nor become a mention, a link, a picture or HTML.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from data_exports.estate.models import Platform
from data_exports.operate.who.holdings import Holding, Permission
from data_exports.text import code_cell, code_span
from data_exports.views.who import count_words, doing_words, recipient_words, until_words, who_words

_COLUMNS = ("who", "may", "dataset", "who answers for it", "last day (UTC)", "paperwork", "keep", "remove")


def review_of(
    holdings: Sequence[Holding], platform: Platform, *, now: datetime, source: str, asked: str, on_record: str = ""
) -> str:
    """The review; `source` says where the accesses were read, `asked` which ones were asked for ("" for all).

    `on_record` is a sentence, in Markdown, on the review that stands beside the declarations.
    """
    outside = [holding for holding in holdings if holding.access.is_outside]
    inside = [holding for holding in holdings if not holding.access.is_outside]
    parts = [
        f"# Access review: {code_span(platform.name_of_account(platform.account))}",
        f"{count_words(holdings)}, {source}, {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
        + (f" Asked for: {code_span(asked)}." if asked else ""),
        "What stands here is what this estate grants. Other policies in the accounts may grant more.",
        *([on_record] if on_record else []),
        *_section("Outside the platform: recipients, outside roles and readers outside AWS", outside, platform, now),
        *_section("On the platform: senders and users", inside, platform, now),
        "## Signed",
        "| | name | date | signature |\n|---|---|---|---|\n| reviewed by | | | |\n| for data protection | | | |",
    ]
    return "\n\n".join(parts)


def _section(title: str, holdings: Sequence[Holding], platform: Platform, now: datetime) -> Iterator[str]:
    if not holdings:
        return
    yield f"## {title}"
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *(_row(holding, platform, now) for holding in holdings)]
    yield "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(holding: Holding, platform: Platform, now: datetime) -> tuple[str, ...]:
    access = holding.access
    who = who_words(access, platform)
    if to := recipient_words(access, platform):
        who = f"{to}, through {who}"
    return (
        code_cell(who),
        "<br>".join(code_cell(doing_words(doing)) for doing in _on_data(holding, platform)),
        f"{code_cell(access.dataset)} ({access.role})",
        code_cell(holding.owner) if holding.owner else "**nobody named**",
        until_words(access, now),
        "<br>".join(map(code_cell, access.paperwork)) or "**none**",
        "☐",
        "☐",
    )


def _on_data(holding: Holding, platform: Platform) -> list[Permission]:
    """What may be done with data; what serves the delivery alone, such as its receipts, nobody has to decide about."""
    records = f"s3://{platform.log_bucket}/"
    return [doing for doing in holding.doings if not doing.place.startswith(records)]
