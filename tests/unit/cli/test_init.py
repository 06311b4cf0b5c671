"""`exports init`: an estate that `check` finds nothing wrong with, made as a whole or not at all, and over nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from data_exports.cli.app import main
from data_exports.cli.init import source_in
from tests.envelopes import read_json
from tests.terminal import CTRL_C, CTRL_D, OnTerminal, run_on_terminal
from tests.unit.aws_server import answering, caller

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
COMMIT = "0123456789" * 4
PLATFORM = ["--account", "593291632749", "--region", "eu-west-1", "--hub-bucket", "example-hub"]
PLATFORM += ["--pull-bucket-prefix", "example-", "--user-role", "alpha_user_*", "--alert", "exports@example.gov.uk"]
PLATFORM += ["--contact", "https://example.gov.uk/exports"]
GITHUB = ["--code-owner", "@example-org/data", "--code-owner", "@ana", "--exports-from", f"ours/data-exports@{COMMIT}"]
DECLARATION = """\
platform:
  account: "593291632749"
  region: eu-west-1
  hub_bucket: example-hub
  pull_bucket_prefix: example-
  user_roles:
    - "alpha_user_*"
  contact: https://example.gov.uk/exports
  alerts:
    - exports@example.gov.uk
"""
PLAIN = ["README.md", "push_datasets/README.md", "pull_datasets/README.md", "exports.yaml"]
WORKFLOWS = [f".github/workflows/{name}.yaml" for name in ("deploy", "drift", "pull-request", "register")]
WHOLE = [*PLAIN[:3], ".github/CODEOWNERS", *WORKFLOWS, "exports.yaml"]
NOBODY = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EXPORTS_"))},
    "NO_COLOR": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""The environment of somebody without credentials."""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("AWS_", "EXPORTS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_an_estate_from_options_is_whole_and_check_finds_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "ours", *PLATFORM, *GITHUB]) == 0
    made = [f"ours/{name}\n" for name in WHOLE]
    assert capsys.readouterr() == (
        "".join(made),
        "next: exports check --estate ours; README.md says how to go on\n",
    )
    assert sorted(files_in(here / "ours")) == sorted(WHOLE)
    assert (here / "ours" / "exports.yaml").read_text() == DECLARATION
    assert main(["check", "--estate", "ours", "--strict"]) == 0
    assert main(["fmt", "--estate", "ours", "--check"]) == 0
    assert "0 push and 0 pull datasets: no findings" in capsys.readouterr().err


def test_the_workflows_are_the_examples_with_the_place_of_data_exports_and_zizmor_finds_nothing(here: Path) -> None:
    assert main(["init", *PLATFORM, *GITHUB]) == 0
    example = ROOT / "examples" / "estate" / ".github" / "workflows"
    uses = []
    for name in WORKFLOWS:
        made, original = (here / name).read_text(), (example / Path(name).name).read_text()
        assert "example-org" not in made
        pairs = zip(made.splitlines(), original.splitlines(), strict=True)
        uses += [line.strip() for line, before in pairs if line != before]
    assert sorted(uses) == sorted(
        [f"- uses: ours/data-exports@{COMMIT}", *[f"- uses: ours/data-exports/install@{COMMIT}"] * 4]
    )
    zizmor = [str(BIN / "zizmor"), "--offline", "--quiet", "--persona", "pedantic", str(here / ".github")]
    looked = subprocess.run(zizmor, capture_output=True, text=True, check=False)
    assert (looked.returncode, looked.stderr) == (0, ""), looked.stdout


def test_the_readme_and_the_code_owners_say_what_was_given(here: Path) -> None:
    assert main(["init", *PLATFORM, *GITHUB]) == 0
    owners = (here / ".github" / "CODEOWNERS").read_text().splitlines()
    assert [line for line in owners if not line.startswith("#")] == ["*  @example-org/data @ana"]
    readme = (here / "README.md").read_text()
    for said in (
        "# What leaves example-hub",
        "account 593291632749",
        f'pip install "git+https://github.com/ours/data-exports@{COMMIT}"',
        f"https://github.com/ours/data-exports/blob/{COMMIT}/docs/deploy-from-ci.md#set-up",
        "exports canary --region eu-west-1",
    ):
        assert said in readme
    assert "$docs" not in readme


def test_without_github_there_are_no_files_for_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", *PLATFORM, "--no-github", "--json"]) == 0
    assert read_json(capsys.readouterr().out) == {
        "schema": "data-exports/init/1",
        "made": PLAIN,
        "kept": [],
        "warnings": [],
        "dry_run": False,
    }
    assert sorted(files_in(here)) == sorted(PLAIN)
    assert "GitHub" not in (here / "README.md").read_text()


def test_a_dry_run_shows_the_files_and_makes_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "ours", *PLATFORM, *GITHUB, "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"ours/{name}" for name in WHOLE]
    assert err == "nothing is made: --dry-run\n"
    assert list(here.iterdir()) == []


def test_what_is_there_already_stays_as_it_is(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / ".git").mkdir()
    (here / ".github").mkdir()
    (here / "README.md").write_text("ours")
    (here / ".github" / "CODEOWNERS").symlink_to("nowhere")
    (here / "push_datasets").mkdir()
    (here / "push_datasets" / "a.yaml").write_text("name: a\ntarget_bucket: landing\nusers: [alpha_user_ana]\n")
    assert main(["init", *PLATFORM, *GITHUB]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [name for name in WHOLE if name not in ("README.md", ".github/CODEOWNERS")]
    assert err == "left as it is: README.md\nleft as it is: .github/CODEOWNERS\nnext: exports check\n"
    assert (here / "README.md").read_text() == "ours"
    assert main(["check"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([*PLATFORM], 2, "missing: --code-owner, --exports-from\n  next: give these options, or --no-github instead"),
        ([*PLATFORM, *GITHUB[:2]], 2, "missing: --exports-from\n  next: give these options, or run it on a terminal"),
        ([*PLATFORM[4:], "--no-github", "--account", "593291632749"], 2, "missing: --region\n"),
        ([*PLATFORM, "--no-github", "--account", "1234"], 2, "error: --account: '1234' is not an AWS account id: it"),
        ([*PLATFORM, "--no-github", "--region", "cn-north-1"], 2, "error: --region: "),
        ([*PLATFORM, "--no-github", "--user-role", "*"], 1, "'*' allows every role of the account"),
        ([*PLATFORM, "--no-github", "--paperwork", "maybe"], 2, "error: --paperwork: 'maybe' is not allowed here\n"),
        ([*PLATFORM, *GITHUB, "--code-owner", "data"], 2, "error: --code-owner: 'data' is not a team or a person"),
        ([*PLATFORM, *GITHUB, "--exports-from", "o/r@v1"], 2, "with all 40 digits of the commit"),
        ([*PLATFORM, *GITHUB, "--exports-from", f"o/r@{COMMIT}\n"], 2, "does not name a commit"),
        ([*PLATFORM, "--no-github", "file/below"], 1, "error: file/below: cannot be written: Not a directory\n"),
        ([*PLATFORM, "--no-github", "file"], 2, "error: file: this is no folder\n"),
        ([*PLATFORM, *GITHUB, "repository/below"], 2, "at the top of a repository only, which is {}/repository\n"),
        ([*PLATFORM, "--no-github", "estate"], 1, "error: estate/exports.yaml: there is an estate already\n"),
    ],
)
def test_what_it_refuses_leaves_everything_as_it_was(
    words: list[str], code: int, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "file").write_text("a file")
    (here / "repository" / ".git").mkdir(parents=True)
    (here / "estate").mkdir()
    (here / "estate" / "exports.yaml").symlink_to("nowhere")
    before = sorted(here.rglob("*"))
    assert main(["init", *words]) == code
    out, err = capsys.readouterr()
    assert (out, said.format(here) in err) == ("", True), err
    assert sorted(here.rglob("*")) == before


def test_where_the_program_was_installed_from_is_known_if_it_is_a_commit_on_github() -> None:
    about = {"url": "https://github.com/ours/data-exports.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
    assert source_in(json.dumps(about)) == f"ours/data-exports@{COMMIT}"
    for url in ("file:///somewhere", "https://example.com/ours/data-exports"):
        assert source_in(json.dumps({**about, "url": url})) == ""
    assert [source_in(text) for text in ("{}", "[]", '{"url": "file:///somewhere", "dir_info": {}}')] == [""] * 3


def asked(dialogue: list[tuple[str, str]], *words: str) -> OnTerminal:
    return run_on_terminal(
        [str(BIN / "exports"), *words],
        env=NOBODY,
        dialogue=[(f"  {question}: ", answer) for question, answer in dialogue],
    )


SETTINGS = [
    ("account", "1234"),
    ("account", "593291632749"),
    ("region", "eu-west-1"),
    ("hub_bucket", "s3://example-hub"),
    ("hub_bucket", "example-hub"),
    ("pull_bucket_prefix", "example-"),
    ("user_roles (one at a time)", "alpha_user_*"),
    ("user_roles (another, or Enter)", ""),
    ("contact", "somebody"),
    ("contact", "https://example.gov.uk/exports"),
    ("paperwork", "maybe"),
    ("paperwork", ""),
    ("alerts (one at a time)", "exports@example.gov.uk"),
    ("alerts (another, or Enter)", ""),
    ("mail_domains (one at a time)", ""),
]


def test_on_a_terminal_it_asks_until_an_answer_is_right_and_makes_a_first_dataset(here: Path) -> None:
    dialogue = [
        *SETTINGS,
        ("github (Y/n)", "Ana Maria"),
        ("github (Y/n)", ""),
        ("code_owners (one at a time)", "@example-org/data"),
        ("code_owners (another, or Enter)", ""),
        ("exports_from", f"https://github.com/ours/data-exports@{COMMIT}"),
        ("push, pull, or Enter for none", "both"),
        ("push, pull, or Enter for none", "push"),
        ("name", "Court Lists"),
        ("name", "court_lists"),
        ("description", ""),
        ("owner", ""),
        ("target_bucket", "landing"),
        ("target_account", "754256621582"),
        ("target_kms_key", ""),
        ("keep_files (y/N)", ""),
        ("users (one at a time)", "alpha_user_ana"),
        ("users (another, or Enter)", ""),
        ("paperwork (one at a time)", "DPIA-3"),
        ("paperwork (another, or Enter)", ""),
        ("expires", ""),
    ]
    done = asked(dialogue, "init", "ours")
    assert done.code == 0, done.shown
    for said in (
        "AWS does not say which account is yours: no credentials",
        "write the bucket's name alone: example-hub",
        "'somebody' is neither an e-mail address nor the address of a page",
        "'maybe' is not allowed here",
        "'ana maria' is neither yes nor no: type y or n, or Enter for yes",
        "'both' is neither push nor pull",
        "did you mean 'court_lists'?",
    ):
        assert said in done.shown
    assert (here / "ours" / "exports.yaml").read_text() == DECLARATION
    assert sorted(files_in(here / "ours")) == sorted([*WHOLE, "push_datasets/court_lists.yaml"])
    assert (
        yaml.safe_load((here / "ours" / ".github" / "workflows" / "drift.yaml").read_text())["name"] == "exports drift"
    )
    assert main(["check", "--estate", "ours", "--strict"]) == 0


def test_a_first_dataset_may_be_one_that_others_fetch(here: Path) -> None:
    dialogue = [
        *SETTINGS,
        ("github (Y/n)", "n"),
        ("push, pull, or Enter for none", "pull"),
        ("name", "tables"),
        ("description", ""),
        ("owner", ""),
        ("pull_arns (one at a time)", ""),
        ("pull_arns (one at a time)", "arn:aws:iam::754256621582:role/reader"),
        ("pull_arns (another, or Enter)", ""),
        ("users (one at a time)", "alpha_user_ana"),
        ("users (another, or Enter)", ""),
        ("allow_push (y/N)", ""),
        ("bucket_versioning (y/N)", ""),
        ("paperwork (one at a time)", "DPIA-3"),
        ("paperwork (another, or Enter)", ""),
        ("expires", ""),
    ]
    done = asked(dialogue, "init", "ours")
    assert done.code == 0, done.shown
    assert "(By options of `exports new` instead: a reader with tokens (--google-" in done.shown
    assert sorted(files_in(here / "ours")) == sorted([*PLAIN, "pull_datasets/tables.yaml"])
    assert main(["check", "--estate", "ours", "--strict"]) == 0


@pytest.mark.parametrize("end", [CTRL_C, CTRL_D])
def test_ctrl_c_while_it_asks_makes_nothing(end: str, here: Path) -> None:
    done = asked([*SETTINGS[:4], ("hub_bucket", end)], "init", "ours")
    assert (done.code, done.shown.endswith("error: interrupted\r\n")) == (130, True)
    assert list(here.iterdir()) == []


def test_no_files_for_github_and_no_first_dataset_if_nobody_wants_them(here: Path) -> None:
    done = asked([*SETTINGS, ("github (Y/n)", "n"), ("push, pull, or Enter for none", "")], "init")
    assert done.code == 0, done.shown
    assert sorted(files_in(here)) == sorted(PLAIN)


def test_an_account_that_is_not_given_is_that_of_the_credentials_and_whose_they_are_is_told(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(monkeypatch, caller()):
        assert main(["init", "ours", *PLATFORM[2:], "--no-github"]) == 0
    assert capsys.readouterr().err.splitlines()[0] == (
        "your credentials: arn:aws:sts::593291632749:assumed-role/alpha_user_ana/ana, in account 593291632749"
    )
    assert (here / "ours" / "exports.yaml").read_text() == DECLARATION
