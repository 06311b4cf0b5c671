"""Tests stand alone, and each of them asserts something."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = sorted(TESTS.rglob("*.py"))
TEST_FILES = [path for path in FILES if path.name.startswith("test_")]
CHECKS = ("raises", "fail", "wait_until")
"""What fails a test by itself, beside `assert` and the functions of our tests that are called `check_...`."""


def _name(path: Path) -> str:
    return str(path.relative_to(TESTS))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _asserts(test: ast.AST) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in CHECKS or (isinstance(called, ast.Name) and name.startswith("check_")):
                return True
    return False


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_nobody_imports_a_module_of_tests(path: Path) -> None:
    imported = set(_imported(ast.parse(path.read_text(encoding="utf-8"))))
    assert [name for name in imported if any(part.startswith("test_") for part in name.split("."))] == []


@pytest.mark.parametrize("path", TEST_FILES, ids=_name)
def test_every_test_asserts_something(path: Path) -> None:
    functions = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)
    ]
    tests = [function for function in functions if function.name.startswith("test_")]
    assert [test.name for test in tests if not _asserts(test)] == []
