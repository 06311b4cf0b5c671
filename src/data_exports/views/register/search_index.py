"""The list of exports that the pages search, as a script: pages that are opened as files may load no other data.

In: a `Register`. Out: the script. Effects: none.
"""

from data_exports.json_values import json_value_of
from data_exports.text import json_text, printable
from data_exports.views.register.facts import Register, RegisteredExport

SEARCH_INDEX_BYTES = 2_000_000
"""What it may weigh; of the longest texts less is searched until it does."""
_LETTERS = (100, 50, 25, 0)
"""So much of the recipients, an owner and a purpose is searched."""
_WORD_LETTERS = 50
"""So much of what needs attention is shown with what was found."""


def search_index_of(register: Register) -> str:
    """A script that is nothing but the list of exports."""
    text = ""
    for letters in _LETTERS:
        rows = [_row(export, letters) for export in register.exports]
        text = f"window.registerIndex = {json_text(rows, default=json_value_of)};\n"
        if len(text.encode(errors="backslashreplace")) <= SEARCH_INDEX_BYTES:
            break
    return text


def path_of_export(export: RegisteredExport) -> str:
    """Its page."""
    return f"datasets/{export.dataset.name}.html"


def _row(export: RegisteredExport, letters: int) -> list[str]:
    to = ", ".join(dict.fromkeys(line.row.account or line.row.who for line in export.outside))
    words = printable(export.attention[0].words)[:_WORD_LETTERS] if export.attention else ""
    to, owner, purpose = (printable(each)[:letters] for each in (to, export.dataset.owner, export.dataset.description))
    return [export.dataset.name, export.kind, to, owner, words, purpose]
