"""A review as a page to read, print and sign: one file of HTML, for somebody who knows nothing of AWS.

In: a `Review`. Out: HTML with its style in it; it asks nobody for anything, and runs no script. Effects: none. What
people wrote is escaped; of roles the name is shown and no ARN, of recipients their account and bucket, or in
another cloud who they are.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from html import escape

from data_exports.reviews.models import OUTSIDE_ROLE, RECIPIENT, AccessRow, Review, ReviewedDataset
from data_exports.text import printable

_STYLE = """
:root { color-scheme: light; --ink: #1c2024; --soft: #59626a; --paper: #fdfdfc; --panel: #f4f5f3; --line: #8a9096; }
@media screen and (prefers-color-scheme: dark) {
  :root { color-scheme: dark; --ink: #e6e8e9; --soft: #a4acb3; --paper: #15181a; --panel: #1d2124; --line: #5c646b; }
}
* { box-sizing: border-box; }
body { background: var(--paper); color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; margin: 2rem auto;
  max-width: 75rem; padding: 0 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.7rem; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 0 0 .5rem; }
section { margin-top: 2.5rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 13rem), 1fr)); gap: .5rem 2rem;
  margin: .5rem 0 1rem; }
dt, caption, .digest { color: var(--soft); font-size: .85rem; }
.sign caption { padding-bottom: .25rem; }
.accesses caption { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
dd { margin: 0; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; }
caption, th, td { text-align: left; vertical-align: top; }
th, td { border: 1px solid var(--line); padding: .4rem .5rem; font-weight: 400; }
thead th { background: var(--panel); font-size: .85rem; }
tbody th { font-weight: 600; }
.accesses thead th { width: 12%; }
.accesses thead th:nth-child(1) { width: 27%; }
.accesses thead th:nth-child(2) { width: 23%; }
.accesses thead th:nth-child(4) { width: 12.5rem; }
.box { display: block; white-space: nowrap; }
.sign td { height: 3rem; }
.digest { font: .75rem/1.4 ui-monospace, monospace; }
:focus-visible { outline: 3px solid var(--soft); outline-offset: 2px; }
@media screen and (max-width: 50rem) {
  .accesses thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  .accesses, .accesses tbody, .accesses tr, .accesses tbody th, .accesses td { display: block; }
  .accesses tr { border: 1px solid var(--line); margin-bottom: .75rem; padding: .4rem .6rem; }
  .accesses tbody th, .accesses td { border: 0; padding: .15rem 0; }
  .accesses td { position: relative; padding-left: 6.5rem; min-height: 1.75rem; }
  .accesses td:empty { display: none; }
  .box { display: inline-block; margin-right: 1rem; }
  .accesses td::before { content: attr(data-column) / ""; position: absolute; left: 0; color: var(--soft);
    font-size: .85rem; }
}
@page { size: A4 landscape; margin: 15mm; }
@media print {
  html { font-size: 9pt; }
  body { margin: 0; max-width: none; padding: 0; }
  section { margin-top: 1.75rem; }
  thead { display: table-header-group; }
  tr, dl, .sign { break-inside: avoid; }
  h2, dl { break-after: avoid; }
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
    yield f"<div><dt>{name}</dt><dd>{_shown(value)}</dd></div>"


def _dataset(dataset: ReviewedDataset) -> Iterator[str]:
    way = "files are sent out to a recipient" if dataset.kind == "push" else "outside roles fetch files"
    yield f"<section>\n<h2>{_shown(dataset.dataset)}</h2>"
    yield "<dl>"
    yield from _entry("How", way)
    yield from _entry("Who answers for it", dataset.owner or "nobody is named")
    yield from _entry("Paperwork", "; ".join(dataset.paperwork) or "none is named")
    yield from _entry("Last day", dataset.until)
    yield "</dl>"
    caption = f"Accesses of {_shown(dataset.dataset)}"
    yield f'<table class="accesses" role="table">\n<caption>{caption}</caption>'
    yield f'<thead role="rowgroup">{_heads(_COLUMNS)}</thead>\n<tbody role="rowgroup">'
    for row in dataset.accesses:
        first, *cells = (_shown(_who(row)), _shown(row.may), _shown(row.last_use), *_decided(row))
        # Roles, since a browser may forget what a cell is that a narrow screen shows as a line of its own.
        rest = "".join(
            f'<td role="cell" data-column="{column}">{cell}</td>'
            for column, cell in zip(_COLUMNS[1:], cells, strict=True)
        )
        yield f'<tr role="row"><th scope="row" role="rowheader">{first}</th>{rest}</tr>'
    yield "</tbody>\n</table>\n</section>"


def _heads(names: Iterable[str]) -> str:
    cells = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in names)
    return f'<tr role="row">{cells}</tr>'


def _decided(row: AccessRow) -> tuple[str, str, str]:
    """What was decided, or boxes to tick, as HTML."""
    if row.is_decided:
        return (_shown(str(row.decision)), _shown(row.by), _shown(row.reason))
    boxes = ("☐ keep", "☐ until: ________", "☐ remove")
    return (" ".join(f'<span class="box">{box}</span>' for box in boxes), "", "")


def _who(row: AccessRow) -> str:
    match row.role:
        case "outside role" if row.who.endswith(":root"):
            return f"everybody whom {row.account} lets"
        case "outside role":
            return f"{row.who.rsplit('/', 1)[-1].rpartition(':')[2]}, {OUTSIDE_ROLE} of {row.account}"
        case "recipient" if not row.who.startswith("s3://"):
            return f"{RECIPIENT} in another cloud: {row.account or row.who}"
        case "recipient":
            bucket = row.who.removeprefix("s3://").partition("/")[0]
            owner = row.account if row.account != "not named" else "an account that is not named"
            return f"{RECIPIENT}: {owner}, bucket {bucket}"
        case _:
            return f"{row.who}, {row.role}"


def _signatures(review: Review) -> Iterator[str]:
    yield "<section>\n<h2>Signed</h2>"
    names = ("Reviewed by", "For data protection")
    head = _heads(("For", "Name", "Date", "Signature"))
    rows = "".join(f'<tr><th scope="row">{name}</th><td></td><td></td><td></td></tr>' for name in names)
    caption = "<caption>Whoever signs has seen every access above.</caption>"
    yield f'<table class="sign">{caption}<thead>{head}</thead><tbody>{rows}</tbody></table>'
    yield "<p>This page lists what these exports grant. Other rules of the accounts may grant more.</p>"
    seal = f"<br>Closed: {_shown(review.seal)}" if review.seal else ""
    yield f'<p class="digest">Looked at: {_shown(review.digest)}{seal}</p>\n</section>'


def _shown(text: str) -> str:
    return escape(printable(text))
