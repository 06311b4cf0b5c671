"""What a text tells somebody to run is a command that there is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data_exports.cli.app import build_command, modules_for

ROOT = Path(__file__).parents[2]
COMMANDS: dict[str, Any] = build_command(modules_for([])).commands
GROUPS = [name for name, command in COMMANDS.items() if hasattr(command, "commands") and name != "evidence"]
"""Not `evidence`: what follows may be the name of a dataset."""
QUOTED = re.compile(r"`exports ([a-z]+)\b[^`\n]*`")
OF_A_GROUP = re.compile(rf"\bexports ({'|'.join(GROUPS)}) ([a-z]+)")
PLACES = [*(ROOT / "src").rglob("*.py"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]


def unknown_commands_in(path: Path) -> list[str]:
    named: list[tuple[str, tuple[str, ...]]] = [
        (found[0], (found[1],)) for text in texts_of(path) for found in QUOTED.finditer(text)
    ]
    named += [(found[0], (found[1], found[2])) for text in texts_of(path) for found in OF_A_GROUP.finditer(text)]
    return [said for said, words in named if not is_there(*words)]


def texts_of(path: Path) -> Iterator[str]:
    """A page, or the strings of a module."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        yield text
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def is_there(name: str, inner: str = "") -> bool:
    return name in COMMANDS and (not inner or inner in COMMANDS[name].commands)


def test_every_command_that_a_text_names_is_there() -> None:
    assert {path.relative_to(ROOT).as_posix(): found for path in PLACES if (found := unknown_commands_in(path))} == {}


@pytest.mark.parametrize("said", ["`exports local stop`, then", "next: exports local start", "run `exports deplyo`"])
def test_one_that_is_not_there_is_found(said: str, tmp_path: Path) -> None:
    for name, text in (("page.md", said), ("module.py", f"NEXT_STEP = {said!r}\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert len(unknown_commands_in(tmp_path / name)) == 1
