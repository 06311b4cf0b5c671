"""`exports plan --base` as people run it: in a process of its own, without AWS."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.estate.written import PULL, PUSH, write_estate

EXPORTS = str(Path(sys.executable).parent / "exports")
SETTINGS = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}


def _run(folder: Path, *words: str, program: str = EXPORTS) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EXPORTS_"))}
    return subprocess.run(
        [program, *words], cwd=folder, env={**environment, **SETTINGS}, capture_output=True, text=True, check=False
    )


def _commit(folder: Path) -> str:
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "--message=x"]):
        assert _run(folder, *words, program="git").returncode == 0
    return _run(folder, "rev-parse", "HEAD", program="git").stdout[:12]


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    return write_estate(tmp_path / "estate")


def test_a_plan_tells_access_first_then_stacks_then_new_findings_then_consents(estate: Path) -> None:
    write_estate(estate, push=PUSH.replace("DPIA-1", "TBD"))
    commit = _commit(estate)
    (estate / "push_datasets" / "a.yaml").write_text(PUSH.replace("DPIA-1", "TBD") + "expires: 2020-03-31\n")
    (estate / "pull_datasets" / "b.yaml").write_text(PULL.replace("754256621582", "112233445566"))
    done = _run(estate, "plan", "--base", "main")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"Plan: against main ({commit}), account 593291632749, eu-west-1, hub mojap-hub-exports",
        "Access: gains 1, loses 3; new accounts: account 112233445566 through tables",
        "Marks: new account 1, read 1",
        "Accounts that gain: account 112233445566 (new)",
        '  gains    [NEW ACCOUNT] may read s3://mojap-tables: account 112233445566 role reader (paperwork "DPIA-2")',
        (
            "  loses    [HAS ENDED] files of orders go to s3://orders-landing/orders/ of account 754256621582, but that"
            " ended with 31 March 2020 (before: without an end) (no paperwork)"
        ),
        "  loses    may no longer read s3://mojap-tables: account 754256621582 role reader",
        (
            "  loses    [HAS ENDED] may write under s3://mojap-hub-exports/orders/, but that ended with 31 March 2020"
            " (before: without an end): alpha_user_ana (no paperwork)"
        ),
        "Stacks: 2 update, 3 unchanged",
        "  update    exports-push-orders    change MoverRole (Policies) and change UsersPolicy (PolicyDocument)",
        "  update    exports-pull-tables    change BucketPolicy (PolicyDocument)",
        "Findings: 1",
        "  push_datasets/a.yaml:6:10 EX602 warning: access ended on 2020-03-31; nobody can use this dataset",
        "    hint: remove the file, or agree on a new date",
        "Findings that were there before: 1; `exports check` shows them",
        (
            "NEEDS --allow account: it opens data to accounts that had no access before: account 112233445566"
            " through tables"
        ),
    ]


def test_nothing_changed_is_told_in_two_lines(estate: Path) -> None:
    _commit(estate)
    done = _run(estate, "plan", "--base", "HEAD")
    assert done.stdout.splitlines()[1:] == ["Access: nobody gains or loses any", "Stacks: 5 unchanged"]


def test_json_and_markdown_give_the_same_facts(estate: Path) -> None:
    commit = _commit(estate)
    (estate / "pull_datasets" / "b.yaml").unlink()
    facts = json.loads(_run(estate, "plan", "--base", "main", "--json").stdout)
    assert facts == json.loads(_run(estate, "plan", "--base", "main", "--format", "json").stdout)
    assert [each["sentence"] for each in facts["access"]["changes"]] == [
        "may no longer read s3://mojap-tables: account 754256621582 role reader",
        "may no longer read and write s3://mojap-tables: alpha_user_ana",
    ]
    assert (facts["against"], facts["local"]) == (f"main ({commit})", False)
    assert facts["access"]["changes"][0]["before"] == {
        "dataset": "tables",
        "role": "outsider",
        "principal": "arn:aws:iam::754256621582:role/reader",
        "account": "754256621582",
        "where": "s3://mojap-tables",
        "read": True,
        "write": False,
        "key": None,
        "keeps_files": None,
        "last_day": None,
        "until": None,
        "paperwork": ["DPIA-2"],
    }
    assert facts["consents"] == {"removal": ["tables"]}
    markdown = _run(estate, "plan", "--base", "main", "--format", "markdown").stdout.splitlines()
    assert markdown[:2] == ["<!-- data-exports plan -->", "### Plan: loses 2"]
    assert "- **delete** `exports-pull-tables` `no longer declared`" in markdown


def test_a_new_estate_is_new_as_a_whole_and_needs_no_consent(estate: Path, tmp_path: Path) -> None:
    (tmp_path / "README").write_text("x")
    estate.rename(tmp_path / "later")
    (tmp_path / "later").rename(tmp_path.parent / f"{tmp_path.name}-later")
    commit = _commit(tmp_path)
    (tmp_path.parent / f"{tmp_path.name}-later").rename(estate)
    done = _run(estate, "plan", "--base", "main")
    assert done.returncode == 0
    assert done.stderr == f"main ({commit}) has no exports.yaml in this folder: all that is declared here is new\n"
    assert done.stdout.splitlines()[1] == "Access: gains 5; a first deployment, so all of it is new"
    assert "NEEDS" not in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--base", "nowhere"], 2, "error: --base: git knows no revision 'nowhere' here\n  next: name a branch"),
        (["--base", "main", "--live"], 2, "error: --base and --live exclude each other\n  next: give one of them"),
        (["--base", "main", "--format", "xml"], 2, "'xml' is not one of 'text', 'json', 'markdown'"),
    ],
)
def test_a_call_that_makes_no_sense_ends_with_2_and_says_why(
    estate: Path, words: list[str], code: int, said: str
) -> None:
    _commit(estate)
    done = _run(estate, "plan", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_in_either_state_end_with_1(estate: Path) -> None:
    write_estate(estate, push=PUSH.replace("orders", "Orders!"))
    _commit(estate)
    assert _run(estate, "plan", "--base", "main").returncode == 1
    write_estate(estate)
    done = _run(estate, "plan", "--base", "main")
    assert (done.returncode, done.stdout) == (1, "")
    assert "hold errors, so nobody can tell what they granted\nmain:push_datasets/a.yaml:1:7 EX205" in done.stderr


def test_a_plan_against_a_revision_needs_no_boto3(estate: Path) -> None:
    _commit(estate)
    (estate / "pull_datasets" / "b.yaml").unlink()
    program = (
        "import sys\n"
        "from data_exports.cli.app import main\n"
        "code = main(['plan', '--base', 'main'])\n"
        "sys.exit(code or (9 if {'boto3', 'botocore'} & set(sys.modules) else 0))"
    )
    done = _run(estate, "-c", program, program=sys.executable)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_plan_against_a_revision_cannot_be_kept_to_be_carried_out(estate: Path) -> None:
    _commit(estate)
    done = _run(estate, "plan", "--base", "main", "--out", "plan.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "error: --out keeps a plan to be carried out, and one against a git revision cannot be",
        "  next: give one of them",
    ]
    assert not (estate / "plan.json").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "plan.json: the plan could not be read: No such file or directory"),
        (b"\xff\x00", "plan.json: this holds no plan that can be carried out: it is not JSON"),
        (
            b'{"schema": "data-exports/plan/1"}',
            "plan.json: the plan is not as it was written: its content does not fit",
        ),
    ],
)
def test_a_file_that_holds_no_plan_is_refused_before_aws_is_asked(
    estate: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (estate / "plan.json").write_bytes(content)
    done = _run(estate, "deploy", "plan.json")
    assert (done.returncode, done.stdout) == (1 if content and b"schema" in content else 2, "")
    assert said in done.stderr
    assert "  next: " in done.stderr
    assert "Traceback" not in done.stderr
