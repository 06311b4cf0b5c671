"""Imports run one way: a folder imports only what lies below it, and nobody imports the command line."""

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "data_exports"
MODULES = sorted(SOURCE.rglob("*.py"))

BASICS = {"contract", "names", "declared", "limits", "errors", "text", "json_values", "instructions"}
ESTATE = BASICS | {"destinations", "readers", "estate"}
ACCESS = ESTATE | {"access"}
STACKS = ACCESS | {"stacks", "keeper", "evidence"}
ENGINE = STACKS | {"aws", "loopback", "prices", "parallel", "deploy", "operate", "local", "reviews"}
ALLOWED = {
    "__init__": {"api"},
    "text": set[str](),
    "json_values": set[str](),
    "limits": set[str](),
    "instructions": set[str](),
    "errors": set[str](),
    "names": {"limits", "contract"},
    "declared": {"names"},
    "contract": {"contract"},
    "parallel": set[str](),
    "loopback": set[str](),
    "prices": set[str](),
    "mover": {"mover", "contract"},
    "keeper": set[str](),
    "evidence": {"evidence", "contract"},
    "notary": {"notary", "evidence", "contract"},
    "aws": {"errors", "names", "limits", "loopback", "aws"},
    "destinations": BASICS | {"aws", "contract", "destinations", "readers"},
    "readers": BASICS | {"readers"},
    "estate": ESTATE,
    "access": ACCESS,
    "reviews": ACCESS | {"reviews"},
    "stacks": STACKS,
    "deploy": ENGINE - {"operate", "local", "reviews"},
    "operate": ENGINE - {"local"} | {"mover"},
    "local": ENGINE | {"views"},
    "pulumi": STACKS | {"deploy"},
    "views": ENGINE - {"local"} | {"views"},
    "cli": ENGINE | {"cli", "views"},
    "api": ENGINE - {"local"},
    "__main__": {"cli"},
}
"""For each folder or module of the package, those it may import."""

COMMON = {
    "__init__",
    "api",
    "cli",
    "contract",
    "estate",
    "access",
    "reviews",
    "destinations",
    "readers",
    "names",
    "errors",
    "limits",
    "text",
    "json_values",
    "instructions",
}
"""What every command imports, or everybody who uses the package."""

HEAVY = {"boto3", "botocore", "troposphere", "rich", "ministack"}


def _part(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def _imports(path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    package = ("data_exports", *path.relative_to(SOURCE).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, name) for name in (module, *(f"{module}.{alias.name}" for alias in node.names)))


def _parts_imported(path: Path, tree: ast.AST) -> Iterator[tuple[int, str]]:
    known = {_part(path) for path in MODULES} | set(ALLOWED)
    for line, name in _imports(path, tree):
        package, _, rest = name.partition(".")
        part = rest.split(".")[0]
        if package == "data_exports" and part:
            yield line, part if part in known else "__init__"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    allowed = ALLOWED[_part(path)]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    # The version, which is all the package itself holds, may be asked by everybody but the closed mover.
    allowed = allowed if _part(path) in ("mover", "notary") else allowed | {"__init__"}
    assert [(line, part) for line, part in _parts_imported(path, tree) if part not in allowed] == []


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if _part(path) in COMMON],
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_a_command_imports_what_is_heavy_only_when_it_runs(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_once = ast.Module([node for node in tree.body if not isinstance(node, ast.If)], [])
    for node in ast.walk(at_once):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = []
    assert [(line, name) for line, name in _imports(path, at_once) if name.split(".")[0] in HEAVY] == []


@pytest.mark.parametrize("part", ["contract", "evidence", "mover"])
def test_what_goes_into_the_zip_needs_pythons_own_library_alone(part: str) -> None:
    paths = [path for path in MODULES if _part(path) == part]
    found = {name for path in paths for _, name in _imports(path, ast.parse(path.read_text(encoding="utf-8")))}
    assert {name.partition(".")[0] for name in found} - sys.stdlib_module_names == {"data_exports"}


def test_the_notary_needs_lambdas_runtime_alone() -> None:
    paths = [path for path in MODULES if _part(path) == "notary"]
    found = {name for path in paths for _, name in _imports(path, ast.parse(path.read_text(encoding="utf-8")))}
    assert {name.partition(".")[0] for name in found} - sys.stdlib_module_names == {"boto3", "data_exports"}


def test_the_keeper_which_is_one_file_needs_lambdas_runtime_alone() -> None:
    (path,) = (path for path in MODULES if _part(path) == "keeper" and path.name != "__init__.py")
    found = {name.partition(".")[0] for _, name in _imports(path, ast.parse(path.read_text(encoding="utf-8")))}
    assert found - sys.stdlib_module_names == {"boto3"}


# --- cycles ----------------------------------------------------------------------------------------------------------

DEPLOY = (
    "deployed",
    "remote",
    "evidence_keys",
    "sftp_server",
    "live_checks",
    "plan",
    "adoption",
    "prepare",
    "apply",
    "drift",
    "repair",
    "removal",
)
"""What lies in `deploy`, lowest first."""


def _name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _modules_imported(path: Path) -> set[str]:
    """The modules that one imports, at once or in its functions; the package itself, whose version all may ask, not."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {name for _, name in _imports(path, tree)} & (set(map(_name, MODULES)) - {"data_exports", _name(path)})


IMPORTED = {_name(path): _modules_imported(path) for path in MODULES}


def _cycles(graph: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """The sets of nodes that reach one another. By Tarjan: all below a node is seen before it is left."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[tuple[str, ...]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for after in sorted(graph.get(node, ())):
            if after not in order:
                visit(after)
            if after in stack:
                low[node] = min(low[node], low[after])
        if low[node] == order[node]:
            place = stack.index(node)
            component = tuple(sorted(stack[place:]))
            del stack[place:]
            if len(component) > 1:
                found.append(component)

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert _cycles(IMPORTED) == []


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES} - {SOURCE}), ids=lambda path: path.name)
def test_the_parts_of_a_folder_do_not_import_each_other_in_a_circle(folder: Path) -> None:
    assert _cycles(_parts_of(folder)) == []


def _parts_of(folder: Path) -> dict[str, set[str]]:
    """For each module or folder in a folder, those beside it that it imports."""
    prefix = f"{_name(folder / '__init__.py')}."
    parts: dict[str, set[str]] = {}
    for module, imported in IMPORTED.items():
        if module.startswith(prefix):
            part = module.removeprefix(prefix).split(".")[0]
            beside = {name.removeprefix(prefix).split(".")[0] for name in imported if name.startswith(prefix)}
            parts.setdefault(part, set()).update(beside - {part})
    return parts


def test_what_lies_in_deploy_imports_only_what_lies_below_it() -> None:
    upward = {
        (part, other)
        for part, imported in _parts_of(SOURCE / "deploy").items()
        for other in imported
        if part in DEPLOY and (other not in DEPLOY or DEPLOY.index(other) > DEPLOY.index(part))
    }
    assert upward == set()


SHARED_BY_COMMANDS = {
    "asking",
    "completion",
    "connecting",
    "deciding",
    "declaring",
    "options",
    "output",
    "progress",
    "used",
}


def test_no_command_imports_another() -> None:
    parts = _parts_of(SOURCE / "cli")
    assert {
        part: imported - SHARED_BY_COMMANDS for part, imported in parts.items() if imported - SHARED_BY_COMMANDS
    } == {}


@pytest.mark.parametrize(
    "path", [path for path in MODULES if _part(path) != "aws"], ids=lambda path: str(path.relative_to(SOURCE))
)
def test_only_aws_py_knows_the_exceptions_of_boto3(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = ("botocore.exceptions", "boto3.exceptions", "botocore.errorfactory")
    assert [(line, name) for line, name in _imports(path, tree) if name.startswith(known)] == []
    responses = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "response"]
    assert responses == [] or _part(path) in ("mover", "keeper", "notary", "local"), (
        "`code_of` and `answer_of` say what AWS answered"
    )
