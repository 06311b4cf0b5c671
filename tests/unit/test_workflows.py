"""The workflows that the example estate carries: real commands, pinned actions, least permissions."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_exports.cli.app import build_command, modules_for
from data_exports.deploy.markdown import MARKER

FOLDER = Path(__file__).parents[2] / "examples" / "estate" / ".github" / "workflows"
PATHS = sorted(FOLDER.glob("*.yaml"))
PERMISSIONS = {
    "check": {"contents": "read"},
    "plan": {"contents": "read", "pull-requests": "write"},
    "deploy": {"contents": "read", "id-token": "write"},
    "drift": {"contents": "read", "id-token": "write"},
}


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in PATHS:
        yield from yaml.safe_load(path.read_text())["jobs"].items()


def steps() -> Iterator[dict[str, Any]]:
    for _, job in jobs():
        yield from job["steps"]


def commands() -> Iterator[list[str]]:
    for step in steps():
        for line in step.get("run", "").splitlines():
            words = line.strip()
            if words.startswith("exports "):
                yield shlex.split(words.split(">")[0])[1:]


def test_the_workflows_use_exports_for_these_ends() -> None:
    assert sorted(words[0] for words in commands()) == ["check", "check", "deploy", "drift", "fmt", "plan"]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_in_them_is_one_that_exports_understands(words: list[str]) -> None:
    command = build_command(modules_for([])).commands[words[0]]
    given = [word for word in words[1:] if word != "${words[@]}"]
    command.make_context(words[0], given)  # raises for an option or a choice that does not exist


def test_deploy_hands_each_consent_over_as_a_word_of_its_own() -> None:
    (script,) = [step["run"] for step in steps() if "exports deploy" in step.get("run", "")]
    assert 'for word in $ALLOW; do words+=(--allow "$word"); done' in script


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    lines = [line for path in PATHS for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


def test_every_job_has_the_permissions_it_needs_and_no_other() -> None:
    assert {name: job["permissions"] for name, job in jobs()} == PERMISSIONS
    assert [yaml.safe_load(path.read_text())["permissions"] for path in PATHS] == [{}] * len(PATHS)


def test_no_checkout_leaves_the_token_behind() -> None:
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * len(checkouts)


def test_no_expression_is_pasted_into_a_script() -> None:
    assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []


def test_the_comment_is_found_again_by_what_the_plan_begins_with() -> None:
    (script,) = [step["run"] for step in steps() if "--method PATCH" in step.get("run", "")]
    assert MARKER in script
