"""The hooks that others install with pre-commit are real commands, and meant for the files that are declarations."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_exports.cli.app import main
from tests.unit.estate.written import PUSH, write_estate

ROOT = Path(__file__).parents[2]
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
}
TAKEN = [
    "exports.yaml",
    "push_datasets/a.yaml",
    "pull_datasets/b.yml",
    "estates/one/exports.yaml",
    "estates/one/push_datasets/a.yaml",
]
LEFT = ["README.md", "push_datasets/notes.txt", "push_datasets/old/a.yaml", "my_push_datasets/a.yaml", "x-exports.yaml"]


def _takes(hook: dict[str, Any], path: str) -> bool:
    """As pre-commit decides: it searches both patterns in the path from the top of the repository."""
    return bool(re.search(hook["files"], path)) and not re.search(hook.get("exclude", "^$"), path)


def _run(hook: dict[str, Any], changed: list[str]) -> int:
    program, *words = shlex.split(hook["entry"])
    assert program == "exports"
    return main([*words, *(changed if hook.get("pass_filenames", True) else [])])


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("EXPORTS_ESTATE", raising=False)
    folder = write_estate(tmp_path)
    monkeypatch.chdir(folder)
    return folder


def test_there_are_hooks_for_check_and_fmt() -> None:
    assert list(HOOKS) == ["exports-check", "exports-fmt"]
    for hook in HOOKS.values():
        assert set(hook) <= {"id", "name", "description", "entry", "language", "files", "exclude", "pass_filenames"}
        assert hook["language"] == "python"


def test_the_hooks_take_declarations_and_no_other_files() -> None:
    for hook in HOOKS.values():
        assert [path for path in TAKEN if not _takes(hook, path)] == []
        assert [path for path in LEFT if _takes(hook, path)] == []
    assert not _takes(HOOKS["exports-fmt"], "push_datasets/README.yaml")


def test_check_fails_the_commit_of_a_mistake(estate: Path) -> None:
    assert _run(HOOKS["exports-check"], ["push_datasets/a.yaml"]) == 0
    write_estate(estate, push=PUSH.replace("name: orders", "name: Orders!"))
    assert _run(HOOKS["exports-check"], ["push_datasets/a.yaml"]) == 1


def test_fmt_rewrites_the_committed_files_which_fails_the_commit_once(estate: Path) -> None:
    file = estate / "push_datasets" / "a.yaml"
    assert _run(HOOKS["exports-fmt"], ["push_datasets/a.yaml"]) == 0
    assert file.read_text(encoding="utf-8") != PUSH  # pre-commit fails a hook that changes files
    after = file.read_text(encoding="utf-8")
    assert _run(HOOKS["exports-fmt"], ["push_datasets/a.yaml"]) == 0
    assert file.read_text(encoding="utf-8") == after
