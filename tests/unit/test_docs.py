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


PLACES = ("", "src/data_exports", "src/data_exports/mover", "tests", "examples/estate")
"""Where the pages for those who change the code begin their paths."""
MADE = {".mutants/results.json"}


def _is_there(path: str) -> bool:
    return any(list((ROOT / place).glob(end)) for place in PLACES for end in (path, f"{path}.py"))


@pytest.mark.parametrize("page", ["docs/code.md", "CONTRIBUTING.md", "docs/delivery.md", "docs/local-aws.md"])
def test_every_path_of_the_code_that_a_page_names_is_there(page: str) -> None:
    quoted = re.findall(r"`([^`\n]+)`", (ROOT / page).read_text())
    words = {word.strip(",;:()") for text in quoted for word in text.split()}
    paths = {word for word in words if re.fullmatch(r"[\w.*][\w./*-]*(/[\w.*-]*|\.(py|md|toml|txt|xz))", word)}
    assert len(paths) > 3
    assert {path for path in paths if not _is_there(path)} - MADE == set()


def test_the_tree_in_docs_code_names_every_folder_of_the_package_and_no_other() -> None:
    (tree,) = re.findall(r"^```\n(.*?)^```", (ROOT / "docs" / "code.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    above: list[tuple[int, Path]] = [(-1, ROOT)]
    named: set[Path] = set()
    for line in tree.splitlines():
        indent = len(line) - len(line.lstrip())
        words = re.match(r"(?:[\w.]+(?:/|\.py) +)+|\S+$", line.lstrip())
        if not words:
            continue  # a line that goes on with what the one before says
        while above[-1][0] >= indent:
            above.pop()
        folder = above[-1][1]
        named |= {folder / word for word in words[0].split()}
        above.append((indent, folder / words[0].split()[0]))
    assert [str(path) for path in named if not path.exists()] == []
    package = ROOT / "src" / "data_exports"
    rooms = {path for path in [*package.iterdir(), *(package / "mover").iterdir()] if (path / "__init__.py").is_file()}
    assert rooms - named == set()


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
    push, pull, promise, hooks = blocks("docs/request-an-export.md", "yaml")
    offered = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for repo in yaml.safe_load(hooks)["repos"] for hook in repo["hooks"]} == offered
    (platform,) = blocks("docs/review-and-deploy.md", "yaml")
    for folder, text in (("push_datasets", push + promise), ("pull_datasets", pull)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{yaml.safe_load(text)['name']}.yaml").write_text(text)
    (tmp_path / "exports.yaml").write_text(platform)
    loaded = load_estate(tmp_path)
    assert [str(finding) for finding in loaded.findings] == []


def test_the_declarations_of_recipients_in_other_clouds_are_accepted(tmp_path: Path) -> None:
    (platform,) = blocks("docs/review-and-deploy.md", "yaml")
    (tmp_path / "exports.yaml").write_text(platform)
    (tmp_path / "push_datasets").mkdir()
    (tmp_path / "pull_datasets").mkdir()
    texts = blocks("docs/other-clouds.md", "yaml")
    assert [next(iter({"target_azure", "target_google"} & set(yaml.safe_load(text)))) for text in texts] == [
        "target_azure",
        "target_google",
    ]
    for text in texts:
        (tmp_path / "push_datasets" / f"{yaml.safe_load(text)['name']}.yaml").write_text(text)
    assert [str(finding) for finding in load_estate(tmp_path).findings] == []


def test_the_readme_lists_every_command_as_working_and_no_other() -> None:
    rows = re.findall(r"^\| (`exports .*?) \|.*\| works \|$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    named = {word for row in rows for text in re.findall(r"`([^`]+)`", row) for word in [text.split()[-1]]}
    commands = build_command(modules_for([])).commands
    assert named == (set(commands) - {"local"}) | set(commands["local"].commands)


def test_every_command_has_a_help_text_that_ends_with_an_example() -> None:
    commands = build_command(modules_for([])).commands
    groups = ("evidence", "local", "review")
    for name, command in [*commands.items(), *(each for group in groups for each in commands[group].commands.items())]:
        assert name in groups or "Example" in (command.help or ""), name
