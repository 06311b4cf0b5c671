"""The workflows that the example estate carries: real commands, pinned actions, least permissions."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_exports import __version__
from data_exports.cli.app import build_command, modules_for
from data_exports.views.plan_markdown import MARKER

TOP = Path(__file__).parents[2]
ACTION = TOP / "action.yml"
INSTALL = TOP / "install"
PATHS = sorted((TOP / "examples" / "estate" / ".github" / "workflows").glob("*.yaml"))
GIT_IDENTITY = ["-c", "user.name=a colleague", "-c", "user.email=colleague@example.gov.uk"]
PERMISSIONS = {
    "review": {"contents": "read", "pull-requests": "write"},
    "plan": {"contents": "read", "id-token": "write"},
    "deploy": {"contents": "read", "id-token": "write"},
    "drift": {"contents": "read", "id-token": "write"},
    "register": {"contents": "read"},
}


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in PATHS:
        yield from yaml.safe_load(path.read_text())["jobs"].items()


def steps() -> Iterator[dict[str, Any]]:
    for _, job in jobs():
        yield from job["steps"]
    for action in (ACTION, INSTALL / "action.yml"):
        yield from yaml.safe_load(action.read_text())["runs"]["steps"]


def commands() -> Iterator[list[str]]:
    for step in steps():
        for line in step.get("run", "").splitlines():
            words = line.strip()
            if words.startswith("exports "):
                yield shlex.split(words.split(">")[0])[1:]


def test_the_workflows_use_exports_for_these_ends() -> None:
    assert sorted(words[0] for words in commands()) == [
        "check",
        "check",
        "deploy",
        "drift",
        "fmt",
        "plan",
        "plan",
        "plan",
        "plan",
        "register",
    ]


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_in_them_is_one_that_exports_understands(words: list[str]) -> None:
    command = build_command(modules_for([])).commands[words[0]]
    given = [word for word in words[1:] if word != "${words[@]}"]
    # An option or a choice that does not exist raises.
    assert command.make_context(words[0], given).command is command


def test_deploy_hands_each_consent_over_as_a_word_of_its_own() -> None:
    (script,) = [step["run"] for step in steps() if "exports deploy" in step.get("run", "")]
    assert 'for word in $ALLOW; do words+=(--allow "$word"); done' in script


def test_what_is_deployed_is_the_plan_that_was_kept_for_the_reviewers() -> None:
    workflow = yaml.safe_load(next(path for path in PATHS if path.name == "deploy.yaml").read_text())["jobs"]
    assert {name: (job.get("needs"), job.get("environment")) for name, job in workflow.items()} == {
        "plan": (None, None),
        "deploy": ("plan", "production"),
    }
    kept, taken = (
        step["with"] for job in workflow.values() for step in job["steps"] if "load-artifact@" in step.get("uses", "")
    )
    assert (kept, taken) == ({"name": "data-exports-plan", "path": "plan.json"}, {"name": "data-exports-plan"})
    roles = [step["with"].get("role-to-assume") for job in workflow.values() for step in job["steps"] if "with" in step]
    assert list(filter(None, roles)) == ["${{ vars.EXPORTS_READ_ROLE }}", "${{ vars.EXPORTS_DEPLOY_ROLE }}"]


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    lines = [
        line
        for path in [*PATHS, ACTION, INSTALL / "action.yml"]
        for line in path.read_text().splitlines()
        if re.match(r" +- uses: ", line)
    ]
    assert lines
    pinned = re.compile(r"uses: [\w-]+/[\w-]+(/install)?@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
    assert [line for line in lines if not pinned.search(line)] == []


def test_every_job_has_the_permissions_it_needs_and_no_other() -> None:
    assert {name: job["permissions"] for name, job in jobs()} == PERMISSIONS
    assert [yaml.safe_load(path.read_text())["permissions"] for path in PATHS] == [{}] * len(PATHS)


def test_no_checkout_leaves_the_token_behind() -> None:
    checkouts = [step for step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False] * len(checkouts)


def test_no_expression_is_pasted_into_a_script() -> None:
    assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []


def test_no_module_of_the_checkout_can_run_where_exports_is_installed_or_used() -> None:
    """A pip.py or yaml.py in a pull request's checkout must not run; ``-I`` leaves the working folder out."""
    scripts = "\n".join([*(step["run"] for step in steps() if "run" in step), (INSTALL / "install.sh").read_text()])
    assert re.findall(r'python"? (?!-I )[-"\w]\S*', scripts) == []
    assert re.findall(r'python"? (.*) -r', scripts) == ["-I -m pip install --quiet --require-hashes"]


def test_what_runs_in_workflows_is_installed_from_the_actions_own_commit() -> None:
    installing = [step.get("uses", "").partition("@")[0] for _, job in jobs() for step in job["steps"]]
    assert {each for each in installing if "data-exports" in each} == {
        "example-org/data-exports",
        "example-org/data-exports/install",
    }
    scripts = [step["run"] for step in steps() if "install.sh" in step.get("run", "")]
    assert [script.splitlines()[0] for script in scripts] == [
        'bash "$GITHUB_ACTION_PATH/install/install.sh"',
        'bash "$GITHUB_ACTION_PATH/install.sh"',
    ]


PYTHON = """#!/bin/sh
echo "$@" >> "$RUNNER_TEMP/calls"
case "$*" in
  *"-m venv"*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  *purelib*) echo "$RUNNER_TEMP" ;;
  *"-m data_exports"*) exec {real} "$@" ;;
esac
"""


def test_the_installed_command_is_that_of_the_commit_with_its_pins(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(PYTHON.format(real=sys.executable))
    python.chmod(0o755)
    environment = {**os.environ, "RUNNER_TEMP": str(tmp_path), "PATH": f"{python.parent}:{os.environ['PATH']}"}
    subprocess.run(["bash", INSTALL / "install.sh"], cwd=tmp_path, env=environment, check=True)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[:2] == [
        f"-I -m venv {tmp_path}/data-exports",
        f"-I -m pip install --quiet --require-hashes -r {TOP}/requirements/runtime.txt",
    ]
    assert (tmp_path / "data-exports.pth").read_text() == f"{TOP}/src\n"
    exports = [str(tmp_path / "data-exports" / "on-path" / "exports"), "--version"]
    said = subprocess.run(exports, env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == f"exports {__version__}\n"


def test_a_module_of_the_checkout_does_run_without_that_option(tmp_path: Path) -> None:
    (tmp_path / "pip.py").write_text("print('a pip of somebody else')")
    run = [sys.executable, "-m", "pip", "--version"]
    isolated = [sys.executable, "-I", "-m", "pip", "--version"]
    said = [subprocess.run(each, cwd=tmp_path, capture_output=True, text=True, check=False) for each in (run, isolated)]
    assert ["somebody else" in each.stdout for each in said] == [True, False]


def test_every_workflow_says_what_becomes_of_a_second_run() -> None:
    assert [path.name for path in PATHS if "concurrency" not in yaml.safe_load(path.read_text())] == []


def test_an_estates_workflow_for_pull_requests_is_a_checkout_and_the_action() -> None:
    workflow = yaml.safe_load(next(path for path in PATHS if path.name == "pull-request.yaml").read_text())
    uses = [step.get("uses", "").partition("@")[0] for step in workflow["jobs"]["review"]["steps"]]
    assert uses == ["actions/checkout", "example-org/data-exports"]


def test_the_register_is_built_of_the_whole_history_on_main_and_nightly_and_kept_whatever_it_says(
    tmp_path: Path,
) -> None:
    workflow = yaml.safe_load(next(path for path in PATHS if path.name == "register.yaml").read_text())
    triggers = workflow[True]  # YAML 1.1 takes `on` for true
    assert (triggers["push"], [*triggers]) == ({"branches": ["main"]}, ["push", "schedule", "workflow_dispatch"])
    checkout, _, build, keep = workflow["jobs"]["register"]["steps"]
    assert checkout["with"]["fetch-depth"] == 0
    assert (keep["if"], keep["with"]["path"]) == ("${{ !cancelled() }}", "register")
    shutil.copytree(TOP / "examples" / "estate", tmp_path, dirs_exist_ok=True)
    for words in ("init -q -b main", "add .", "commit -q -m first"):
        subprocess.run(["git", *GIT_IDENTITY, *words.split()], cwd=tmp_path, check=True)
    exports = tmp_path / "bin" / "exports"
    exports.parent.mkdir()
    exports.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -m data_exports "$@"\n')
    exports.chmod(0o755)
    environment = {**os.environ, "PATH": f"{exports.parent}:{os.environ['PATH']}"}
    script = ["bash", "-euo", "pipefail", "-c", build["run"]]
    run = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "they name people and accounts" in run.stderr
    assert "added: first" in (tmp_path / keep["with"]["path"] / "datasets" / "court_hearings.html").read_text()


def test_the_comment_is_found_again_by_what_the_plan_begins_with() -> None:
    (script,) = [step["run"] for step in steps() if "--method PATCH" in step.get("run", "")]
    assert MARKER in script


def test_the_actions_own_scripts_check_and_plan_a_change(tmp_path: Path) -> None:
    """The scripts as they stand, run by bash in a repository whose branch adds a user."""
    workspace, runner = tmp_path / "workspace", tmp_path / "runner"
    shutil.copytree(TOP / "examples" / "estate", workspace / "estate")
    exports = runner / "data-exports" / "on-path" / "exports"
    exports.parent.mkdir(parents=True)
    exports.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -m data_exports "$@"\n')
    exports.chmod(0o755)
    for words in ("init -q -b main", "add .", "commit -q -m before", "branch before"):
        subprocess.run(["git", *GIT_IDENTITY, *words.split()], cwd=workspace, check=True)
    (workspace / "yaml.py").write_text("raise SystemExit('a module of the checkout ran')\n")
    shape = [sys.executable, "-I", "-m", "data_exports", "fmt", "--estate", "estate"]
    subprocess.run(shape, cwd=workspace, capture_output=True, check=True)
    file = workspace / "estate" / "push_datasets" / "court_hearings.yaml"
    file.write_text(file.read_text().replace("users:\n", "users:\n  - alpha_user_new-colleague\n"))
    environment = {
        **os.environ,
        "RUNNER_TEMP": str(runner),
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "ESTATE": "estate",
        "BASE": "before",
        "RUN": "https://github.com/example/estate/actions/runs/1",
    }
    scripts = {
        step["name"]: step["run"] for step in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if "run" in step
    }
    for name in ("Check the declarations", "Plan against the target branch"):
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", scripts[name]],
            cwd=workspace,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith(MARKER)
    assert "alpha_user_new-colleague" in summary
    assert sorted(path.name for path in (runner / "data-exports-plan").iterdir()) == [
        "plan.json",
        "plan.md",
        "plan.txt",
    ]
