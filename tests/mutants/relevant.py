"""Which tests run a line: measured once for a state of the code, by coverage's contexts.

In: a copy of the repository. Out: for a line of a module, tests, the most relevant first. Effects: runs the unit and
the model tests; keeps what was measured, for as long as the code stays the same.
https://coverage.readthedocs.io/en/latest/contexts.html
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from coverage import CoverageData

TESTS = ("tests/unit", "tests/model")
TOO_SLOW = (
    "tests/unit/mover/test_memory.py",
    "tests/unit/stacks/test_access_logs.py::test_cfn_lint_accepts_the_trail",
    "tests/unit/stacks/test_evidence.py::test_cfn_lint_accepts_it",
    "tests/unit/stacks/test_evidence.py::test_cfn_lint_accepts_a_witness",
    "tests/unit/stacks/test_stacks.py::test_cfn_lint_accepts_every_template",
    "tests/unit/views/test_handover.py::test_cloudformation_holds_the_very_policies_and_is_accepted_by_cfn_lint",
    "tests/unit/cli/test_interruption.py",
)
"""Tests that are left out: each takes as long as hundreds of others, and judges what others judge, too."""
_SETTINGS = "[run]\nsource_pkgs = data_exports\ndynamic_context = test_function\n"


class Relevance:
    """Which tests run which lines of the source in `tree`."""

    def __init__(self, tree: Path, data: CoverageData) -> None:
        """Take what was measured."""
        self._source = tree / "src"
        self._tests = tree / "tests"
        self._lines = {
            Path(name).relative_to(self._source).as_posix(): data.contexts_by_lineno(name)
            for name in data.measured_files()
        }

    def tests_of(self, module: str, line: int) -> list[str]:
        """The tests that run a line. Of one that runs at import only: all that run anything of what imports it."""
        lines = self._lines.get(module, {})
        contexts = {context for context in lines.get(line, []) if context}
        if not contexts and "" in lines.get(line, [""]):
            contexts = {each for user in (module, *self._users_of(module)) for each in self._contexts_in(user)}
        mirror = f"tests.unit.{module.removeprefix('data_exports/').removesuffix('.py').replace('/', '.')}"
        folder, _, name = mirror.rpartition(".")

        def distance(context: str) -> tuple[int, str]:
            file = context.rpartition(".")[0]
            return (0 if file == f"{folder}.test_{name}" else 1 if file.startswith(f"{folder}.") else 2), context

        return list(dict.fromkeys(node for context in sorted(contexts, key=distance) for node in self._node(context)))

    def _contexts_in(self, module: str) -> set[str]:
        return {context for contexts in self._lines.get(module, {}).values() for context in contexts if context}

    def _users_of(self, module: str) -> Iterator[str]:
        dotted = module.removesuffix(".py").replace("/", ".")
        for path in sorted(self._source.rglob("*.py")):
            if f"from {dotted} import" in path.read_text():
                yield path.relative_to(self._source).as_posix()

    def _node(self, context: str) -> Iterator[str]:
        file, _, function = context.rpartition(".")
        path = Path(*file.split("."))
        if (self._tests.parent / path).with_suffix(".py").exists():
            yield f"{path.as_posix()}.py::{function}"


def read_relevance(tree: Path, measured: Path, environment: Mapping[str, str]) -> Relevance:
    """What was measured last if the code is still that one; measured anew otherwise."""
    digest = digest_of(tree)
    data_file = measured / f"{digest}.coverage"
    if not data_file.exists():
        print("Measuring which tests run which lines (some minutes) ...", flush=True)
        settings = measured / "coverage.ini"
        settings.write_text(f"{_SETTINGS}data_file = {data_file}.part\n")
        left_out = [f"--deselect={each}" for each in TOO_SLOW]
        command = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest", "-q"]
        done = subprocess.run([*command, *left_out, *TESTS], cwd=tree, env=dict(environment), check=False)
        if done.returncode:  # what fails by itself would kill every mutant that it runs
            raise SystemExit("The tests have to pass before mutants can be told from what is there")
        Path(f"{data_file}.part").rename(data_file)
    data = CoverageData(str(data_file))
    data.read()
    return Relevance(tree, data)


def digest_of(tree: Path) -> str:
    """A name for the state of source and tests."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in ("src", *TESTS) for path in (tree / folder).rglob("*.py")):
        digest.update(path.relative_to(tree).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
