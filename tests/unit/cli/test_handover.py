"""`exports handover`: its forms, and what a wrong call is told. It needs no AWS."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from data_exports.cli.app import main
from tests.envelopes import read_json
from tests.estates import at_azure
from tests.ssh_keys import ED25519
from tests.unit.aws_server import answering, caller
from tests.unit.estate.written import PLATFORM, PULL, PUSH, write_estate

GIT_NAMES = {
    f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "x"), ("EMAIL", "x@x"))
}
ESTATE = str(Path(__file__).parents[3] / "examples" / "estate")


def run(*words: str) -> int:
    return main(["handover", *words, "--estate", ESTATE])


@pytest.fixture(autouse=True)
def _without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")


def test_a_letter_is_written_unless_another_form_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("court_hearings") == 0
    assert capsys.readouterr().out.startswith("Subject: Data export court_hearings: please let it into")


def test_each_account_and_each_reader_outside_aws_gets_a_letter_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("custody_dashboard", "--offline") == 0
    to = [line for line in capsys.readouterr().out.splitlines() if line.startswith("To the ") or "answers for" in line]
    assert [line.rpartition(" `")[0] for line in to] == [
        "To the owner of account",
        "To whoever answers for Google's service account",
        "To whoever answers for Azure's principal",
        "To the holder of the SSH key of",
    ]
    assert run("custody_dashboard", "--account", "754256621582", "--as", "json") == 0
    (half,) = read_json(capsys.readouterr().out)["handovers"]
    assert [each["arn"].rsplit("/", 1)[1] for each in half["readers"]] == [
        "custody-dashboard-reader",
        "custody-dashboard-loader",
    ]


def test_json_is_a_form_and_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("court_outcomes", "--json") == 0
    said = capsys.readouterr().out
    assert run("court_outcomes", "--as", "json") == 0
    assert capsys.readouterr().out == said
    assert read_json(said)["handovers"][0]["last_day"] == "2035-03-31"


def test_terraform_and_cloudformation_are_written_for_one_account(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("court_hearings", "--as", "terraform") == 0
    assert 'resource "aws_s3_bucket_policy" "export_court_hearings"' in capsys.readouterr().out
    assert run("court_hearings", "--as", "cloudformation") == 0
    assert list(yaml.safe_load(capsys.readouterr().out)["Resources"]) == ["ReceivePolicy"]


def test_readers_outside_aws_have_letters_beside_what_accounts_apply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    identities = "pull_identities:\n  - oidc: {issuer: https://id.example.org, subject: a, audience: b}\n"
    estate = str(write_estate(tmp_path, pull=PULL + identities))
    assert main(["handover", "tables", "--estate", estate]) == 0
    assert capsys.readouterr().out.count("Subject: ") == 2
    assert main(["handover", "tables", "--estate", estate, "--as", "terraform"]) == 0
    assert 'resource "aws_iam_role_policy" "export_tables_1"' in capsys.readouterr().out
    alone = write_estate(tmp_path / "alone", pull="name: tables\nusers: [alpha_user_ana]\n" + identities)
    assert main(["handover", "tables", "--estate", str(alone), "--as", "cloudformation"]) == 1
    assert "CloudFormation has nothing to attach for readers outside AWS" in capsys.readouterr().err


def test_where_the_sftp_server_is_aws_is_asked_unless_it_is_not_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    readers = f"sftp_readers:\n  - name: meridian\n    keys: ['{ED25519}']\n"
    estate = str(write_estate(tmp_path, pull=PULL + readers, platform=f"{PLATFORM}  sftp: true\n"))
    said = ["handover", "tables", "--estate", estate]
    assert main(said) == 3
    out, err = capsys.readouterr()
    assert (out, "error: AWS: no credentials: " in err) == ("", True), err
    assert main([*said, "--offline"]) == 0
    assert "    server:             HOST, port 22\n" in capsys.readouterr().out
    for more in (("--account", "754256621582"), ("--as", "terraform")):
        assert main([*said, *more]) == 0
        assert "HOST" not in capsys.readouterr().out


def test_who_issues_tokens_and_where_the_server_is_is_asked_of_the_platforms_own_account_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = json.dumps(at_azure().declaration)[1:-1]
    push = f"name: orders\n{there}\nusers: [alpha_user_ana]\npaperwork: DPIA-1\n"
    pull = PULL + f"sftp_readers:\n  - name: meridian\n    keys: ['{ED25519}']\n"
    estate = str(write_estate(tmp_path, push=push, pull=pull, platform=f"{PLATFORM}  sftp: true\n"))
    for name in ("orders", "tables"):
        with answering(monkeypatch, caller("arn:aws:sts::111122223333:assumed-role/a/b")) as aws:
            assert main(["handover", name, "--estate", estate]) == 1
            out, err = capsys.readouterr()
            assert out == ""
            assert "the credentials are of account 111122223333" in err
            assert len(aws.asked) == 1


def test_what_has_changed_since_a_revision_is_a_letter_and_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estate = write_estate(tmp_path)
    for words in ("init --quiet --initial-branch=main", "add .", "commit --quiet --message=x"):
        subprocess.run(["git", *words.split()], cwd=estate, env={**os.environ, **GIT_NAMES}, check=True)
    said = ["handover", "orders", "--since", "main", "--estate", str(estate)]
    assert main(said) == 0
    assert "Nothing has changed for you in the dataset orders since main (" in capsys.readouterr().out
    write_estate(estate, push=PUSH + "expires: 2035-03-31\n", push_datasets__new=PUSH.replace("orders", "new"))
    assert main([*said, "--json"]) == 0
    (change,) = read_json(capsys.readouterr().out)["changes"]
    assert (change["change"], change["facts"]) == (
        "changed",
        [{"fact": "last_day", "before": [], "after": ["2035-03-31"]}],
    )
    assert main(["handover", "new", *said[2:]]) == 0
    assert "had no part in the dataset new at main (" in capsys.readouterr().out
    for revision, code, told in (
        ("nowhere", 2, "error: --since: git knows no revision 'nowhere' here"),
        ("main --as terraform", 2, "--as terraform and --since exclude each other"),
    ):
        assert main(["handover", "orders", "--since", *revision.split(), "--estate", str(estate)]) == code
        out, err = capsys.readouterr()
        assert (out, told in err) == ("", True), err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("court_hearing",), 2, "error: no dataset is named 'court_hearing'\n  next: did you mean court_hearings?"),
        (("court_hearings", "--account", "1"), 2, "'1' is neither an AWS account id nor one of the names"),
        (("court_hearings", "--account", "cloud platform"), 2, "has no handover for account '754256621582'"),
        (("court_hearings", "--as", "pdf"), 2, "'pdf' is not one of"),
        ((), 2, "Missing argument 'NAME'"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(
    words: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == code
    out, err = capsys.readouterr()
    assert (out, said in err) == ("", True), err
