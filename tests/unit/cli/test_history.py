"""`exports history`: which datasets an account's history is of, and what is said of those left out."""

from pathlib import Path

import pytest

from data_exports.cli.app import main

ESTATE = str(Path(__file__).parents[3] / "examples" / "estate")
UNKNOWN = "left out, as whose account they go to is not declared (target_account): probation_caseload\n"
ELSEWHERE = "left out, as they go to another account: court_hearings (to 203591025782)\n"


@pytest.fixture(autouse=True)
def _without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS does not answer, so that a command that has decided what to ask ends there."""
    for name, value in {
        "ENDPOINT_URL": "http://127.0.0.1:1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "MAX_ATTEMPTS": "1"
    }.items():  # fmt: skip
        monkeypatch.setenv(f"AWS_{name}", value)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """The exit code, and both streams."""
    code = main(["history", *words, "--estate", ESTATE])
    return (code, *capsys.readouterr())


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["prison_population", "probation_caseload"], UNKNOWN),
        (["prison_population", "court_hearings"], ELSEWHERE),
        (["court_hearings", "probation_caseload", "prison_population"], UNKNOWN + ELSEWHERE),
        (["prison_population"], ""),
        ([], UNKNOWN),  # that others go elsewhere is what is asked for
    ],
)
def test_what_is_left_out_of_an_accounts_history_is_told_with_the_reason(
    names: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = told(capsys, *names, "--account", "318604275917")
    assert (code, out, err.partition("error: ")[0]) == (3, "", said)


@pytest.mark.parametrize(
    "words", [["probation_caseload"], ["court_hearings"], ["--follow", "--outcome", "failed", "court_hearings"]]
)
def test_a_history_of_no_dataset_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = told(capsys, *words, "--account", "318604275917")
    assert (code, out) == (2, "")
    assert err.startswith("left out, as ")
    assert "error: --account: no dataset that is asked about goes to account 318604275917\n" in err
