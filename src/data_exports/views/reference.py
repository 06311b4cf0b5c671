"""What is explained: the page of findings and the table of fields for the documentation, one code for a terminal. Pure.

`python -m data_exports.views.reference docs` writes both anew, and a test keeps them current. `exports check --explain`
shows one section of the page as plain text, and SARIF carries it as Markdown.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill, indent
from typing import Any

from data_exports.estate.codes import Code
from data_exports.estate.explanations import Explanation, explanations
from data_exports.estate.fields import PULL_FIELDS, PUSH_FIELDS, READER_FIELDS, TARGET_FIELDS, Field

_HEADING = """\
# Findings

What `exports check` finds, by code. A code keeps its meaning for ever, so it can be searched for and counted. An
**error** stops every command that needs the declarations; a **warning** is only said (with `--strict` it fails `check`,
too). This page is made from the code (`make docs`), and a test reads every example on it.
"""

CODE_GROUPS = {
    "EX1": "The file",
    "EX2": "Fields and values",
    "EX3": "The platform, `exports.yaml`",
    "EX4": "Names and buckets",
    "EX5": "People and roles",
    "EX6": "Paperwork, ends and texts",
    "EX7": "Sizes",
    "EX8": "What AWS says (`exports check --live`)",
    "EX9": "Reviews of access",
}


def explain(code: Code) -> str:
    """The section of one code, as Markdown."""
    about = explanations()[code]
    note = f"; {about.severity_note}" if about.severity_note else ""
    parts = [f"### {code}: {code.meaning}", f"*{about.severity}{note}.* {about.why}", *_example(about)]
    parts.append(f"**Mend:** {about.mend}")
    if about.right:
        parts.append(f"```yaml\n{about.right}```")
    return "\n\n".join(parts) + "\n"


def _example(about: Explanation) -> list[str]:
    return [f"```yaml\n# {about.file}\n{about.wrong}```"] if about.file else [about.wrong]


def explain_plainly(code: Code, width: int) -> str:
    """The same for a terminal, without Markdown."""
    about = explanations()[code]
    note = f"; {about.severity_note}" if about.severity_note else ""
    shown = f"# {about.file}\n{about.wrong}" if about.file else ""
    parts = [
        f"{code} ({about.severity}{note}): {code.meaning}",
        fill(about.why, width),
        indent(shown, "    ").rstrip("\n") or fill(about.wrong, width),
        fill(f"Mend: {about.mend}", width),
        indent(about.right, "    ").rstrip("\n"),
    ]
    return "\n\n".join(filter(None, parts))


def codes_listed() -> str:
    """Every code and what it means, a line each."""
    return "\n".join(f"{code}  {code.meaning}" for code in Code)


def findings_page() -> str:
    """``docs/findings.md``: all codes."""
    parts = [_HEADING]
    for start, title in CODE_GROUPS.items():
        parts.append(f"## {title}\n")
        parts += [explain(code) for code in Code if code.startswith(start)]
    return "\n".join(parts)


def with_field_table(page: str) -> str:
    """The page with the table of datasets' fields brought up to date."""
    table = "".join(f"{row}\n" for row in _field_rows())
    return re.sub(rf"^{re.escape(_TABLE_HEAD)}\n(?:\|.*\n)+", lambda _: table, page, flags=re.MULTILINE)


_TABLE_HEAD = "| field | | meaning |"


def _field_rows() -> Iterator[str]:
    yield from (_TABLE_HEAD, "|---|---|---|")
    for field in dict.fromkeys((*PUSH_FIELDS, *PULL_FIELDS)):
        only = "pull: " * (field not in PUSH_FIELDS) + "push: " * (field not in PULL_FIELDS)
        yield f"| {only}`{field.name}` | {_need_of(field)} | {field.meaning} |"


def _need_of(field: Field[Any, Any]) -> str:
    if field in (*READER_FIELDS, *TARGET_FIELDS):
        return "one of these"
    if field.is_required:
        return "required"
    is_shown = isinstance(field.default, int)
    return f"`{str(field.default).lower()}`" if is_shown else "optional"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    (folder / "findings.md").write_text(findings_page(), encoding="utf-8")
    request = folder / "request-an-export.md"
    request.write_text(with_field_table(request.read_text(encoding="utf-8")), encoding="utf-8")
