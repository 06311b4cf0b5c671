"""A review as a page to read, print and sign: one file of HTML, for somebody who knows nothing of AWS.

In: a `Review`. Out: HTML with its style in it; it asks nobody for anything, and runs no script. Effects: none. What
people wrote is escaped; of roles the name is shown and no ARN, of recipients their account and bucket.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape

from data_exports.reviews.models import OUTSIDE_ROLE, RECIPIENT, AccessRow, Review, ReviewedDataset
from data_exports.text import printable

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  overflow-wrap: break-word; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem; }
caption, th, td { text-align: left; vertical-align: top; }
th, td { border: 1px solid; padding: .3rem .5rem; min-width: 5rem; }
dt { font-weight: bold; }
dd { margin: 0 0 .3rem; }
.sign td { height: 3rem; }
.digest { font: .75rem/1.4 ui-monospace, monospace; }
@page { size: A4 landscape; margin: 15mm; }
@media print {
  body { font-size: 9pt; margin: 0; max-width: none; padding: 0; }
  .wide { overflow: visible; }
  thead { display: table-header-group; }
  tr, dl, .sign { break-inside: avoid; }
  h2 { break-after: avoid; }
}
"""
_COLUMNS = ("Who", "May", "Last use", "Decision", "By", "Why")


def review_page(review: Review) -> str:
    """The page."""
    return "\n".join(_lines(review))


def _lines(review: Review) -> Iterator[str]:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    title = f"Access review {_shown(review.name)}"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{title}</h1>"
    yield from _facts(review)
    for dataset in review.datasets:
        yield from _dataset(dataset)
    yield from _signatures(review)
    yield "</main>\n</body>\n</html>"


def _facts(review: Review) -> Iterator[str]:
    rows = list(review.rows())
    yield "<p>Who can get at data through these exports, what they may do, and whether that is still needed.</p>"
    yield "<dl>"
    yield from _entry("Platform", review.platform)
    yield from _entry("Accesses looked up on", str(review.started))
    yield from _entry("To be decided by", str(review.due)) if review.due else ()
    yield from _entry("Closed on", str(review.closed) if review.closed else "not closed yet")
    yield from _entry("Decided", f"{len(rows) - len(review.undecided):,} of {len(rows):,} accesses")
    yield "</dl>"


def _entry(name: str, value: str) -> Iterator[str]:
    yield f"<dt>{name}</dt><dd>{_shown(value)}</dd>"


def _dataset(dataset: ReviewedDataset) -> Iterator[str]:
    way = "files are sent out to a recipient" if dataset.kind == "push" else "outside roles fetch files"
    yield f"<h2>{_shown(dataset.dataset)}</h2>"
    yield "<dl>"
    yield from _entry("How", way)
    yield from _entry("Who answers for it", dataset.owner or "nobody is named")
    yield from _entry("Paperwork", "; ".join(dataset.paperwork) or "none is named")
    yield from _entry("Last day", dataset.until)
    yield "</dl>"
    caption = f"Accesses of {_shown(dataset.dataset)}"
    # What scrolls can be reached by the keyboard. https://dequeuniversity.com/rules/axe/4.10/scrollable-region-focusable
    yield f'<div class="wide" role="region" aria-label="{caption}" tabindex="0">\n<table>\n<caption>{caption}</caption>'
    yield f"<thead>{_heads(_COLUMNS)}</thead>\n<tbody>"
    for row in dataset.accesses:
        first, *cells = (_who(row), row.may, row.last_use, *_decided(row))
        rest = "".join(f"<td>{_shown(cell)}</td>" for cell in cells)
        yield f'<tr><th scope="row">{_shown(first)}</th>{rest}</tr>'
    yield "</tbody>\n</table>\n</div>"


def _heads(names: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<th scope=col>{name}</th>' for name in names)}</tr>"


def _decided(row: AccessRow) -> tuple[str, str, str]:
    """What was decided, or boxes to tick."""
    return (str(row.decision), row.by, row.reason) if row.is_decided else ("☐ keep ☐ until: ________ ☐ remove", "", "")


def _who(row: AccessRow) -> str:
    match row.role:
        case "outside role" if row.who.endswith(":root"):
            return f"everybody whom {row.account} lets"
        case "outside role":
            return f"{row.who.rsplit('/', 1)[-1].rpartition(':')[2]}, {OUTSIDE_ROLE} of {row.account}"
        case "recipient":
            bucket = row.who.removeprefix("s3://").partition("/")[0]
            owner = row.account if row.account != "not named" else "an account that is not named"
            return f"{RECIPIENT}: {owner}, bucket {bucket}"
        case _:
            return f"{row.who}, {row.role}"


def _signatures(review: Review) -> Iterator[str]:
    yield "<h2>Signed</h2>"
    names = ("Reviewed by", "For data protection")
    head = _heads(("For", "Name", "Date", "Signature"))
    rows = "".join(f'<tr><th scope="row">{name}</th><td></td><td></td><td></td></tr>' for name in names)
    caption = "<caption>Whoever signs has seen every access above.</caption>"
    yield f'<table class="sign">{caption}<thead>{head}</thead><tbody>{rows}</tbody></table>'
    yield "<p>This page lists what these exports grant. Other rules of the accounts may grant more.</p>"
    seal = f"<br>Closed: {_shown(review.seal)}" if review.seal else ""
    yield f'<p class="digest">Looked at: {_shown(review.digest)}{seal}</p>'


def _shown(text: str) -> str:
    return escape(printable(text))
