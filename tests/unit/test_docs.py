"""The documentation holds what is true: its links lead somewhere, its policies are ours, its files load."""

import re
from pathlib import Path

import pytest
import yaml

from data_exports.cli.app import build_command, main, modules_for
from data_exports.estate.loader import load_estate

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
ESTATE = load_estate(ROOT / "examples" / "estate").require()


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_letters_recipients_read_are_those_that_the_handover_writes(capsys: pytest.CaptureFixture[str]) -> None:
    letters = [text for text in blocks("docs/recipients.md", "console") if "Subject: " in text]
    assert [letter.splitlines()[0] for letter in letters] == [
        "$ exports handover health_referrals",
        "$ exports handover bail_research",
    ]
    for letter in letters:
        command, _, printed = letter.partition("\n")
        assert main([*command.split()[2:], "--estate", str(ROOT / "examples" / "estate")]) == 0
        assert capsys.readouterr().out == printed


def test_the_declarations_people_copy_from_the_guides_are_accepted(tmp_path: Path) -> None:
    push, pull, hooks = blocks("docs/request-an-export.md", "yaml")
    offered = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for repo in yaml.safe_load(hooks)["repos"] for hook in repo["hooks"]} == offered
    (platform,) = blocks("docs/review-and-deploy.md", "yaml")
    for folder, text in (("push_datasets", push), ("pull_datasets", pull)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{yaml.safe_load(text)['name']}.yaml").write_text(text)
    (tmp_path / "exports.yaml").write_text(platform)
    loaded = load_estate(tmp_path)
    assert [str(finding) for finding in loaded.findings] == []


def test_the_readme_lists_every_command_as_working_and_no_other() -> None:
    rows = re.findall(r"^\| (`exports .*?) \|.*\| works \|$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    named = {word for row in rows for text in re.findall(r"`([^`]+)`", row) for word in [text.split()[-1]]}
    commands = build_command(modules_for([])).commands
    assert named == (set(commands) - {"local"}) | set(commands["local"].commands)


def test_every_command_has_a_help_text_that_ends_with_an_example() -> None:
    commands = build_command(modules_for([])).commands
    for name, command in {**commands, **commands["local"].commands}.items():
        assert name == "local" or "Example" in (command.help or ""), name
