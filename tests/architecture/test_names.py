"""One word for one idea: no public name stands at the top of two modules."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "data_exports"

SHARED_BY_COMMANDS = {
    "app.py",
    "asking.py",
    "completion.py",
    "deciding.py",
    "declaring.py",
    "connecting.py",
    "options.py",
    "output.py",
    "progress.py",
}
"""The rest of `cli` is one command a module, which nobody imports: its names are its own (test_imports.py)."""

SAME_ON_PURPOSE = {
    "open_estate": "of `api` for programs, of `cli.options` for commands, which write warnings and exit",
    "hub_prefix_of": "of text in the contract, which knows no parsed names, and of those in `names`",
}


def _names(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar"))):
                pass
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))


MOST_LINES = 400


def test_no_public_name_is_defined_in_two_modules() -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for path in SOURCE.rglob("*.py"):
        if path.parent.name != "cli" or path.name in SHARED_BY_COMMANDS:
            for name in _names(path):
                if not name.startswith("_"):
                    places[name].add(str(path.relative_to(SOURCE)))
    twice = {name: sorted(where) for name, where in places.items() if len(where) > 1}
    assert {name: where for name, where in twice.items() if name not in SAME_ON_PURPOSE} == {}


VERBS = {
    "add",
    "apply",
    "ask",
    "check",
    "confirm",
    "create",
    "delete",
    "exclude",
    "finish",
    "give",
    "ignore",
    "make",
    "play",
    "refuse",
    "remove",
    "replace",
    "require",
    "restore",
    "run",
    "send",
    "settle",
    "start",
    "stop",
    "wait",
    "write",
}
"""How the names of functions begin that give nothing back: they are there for what they do."""


def test_what_gives_nothing_back_is_called_by_what_it_does() -> None:
    found = []
    for path in SOURCE.rglob("*.py"):
        if (path.parent.name == "cli" and path.name not in SHARED_BY_COMMANDS) or path.parent.name == "gaps":
            continue  # commands are called as people type them, mends by what they mend
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.FunctionDef(name=name, returns=ast.Constant(value=None)) if not name.startswith("_"):
                    if name.partition("_")[0] not in VERBS:
                        found.append(f"{path.relative_to(SOURCE)}: {name}")
    assert found == []


def test_no_module_is_longer_than_a_reader_holds_in_mind() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCE.rglob("*.py")}
    assert {str(path.relative_to(SOURCE)): lines for path, lines in lengths.items() if lines > MOST_LINES} == {}
