"""`exports who`: its questions and forms, and what a wrong call is told. From declarations it needs no AWS."""

import csv
import io
import os
import sys
from pathlib import Path

import pytest

from data_exports.cli.app import main
from tests.envelopes import read_json
from tests.terminal import run_on_terminal

ESTATE = str(Path(__file__).parents[3] / "examples" / "estate")


def run(*words: str) -> int:
    return main(["who", *words, "--estate", ESTATE])


@pytest.fixture(autouse=True)
def _without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")


def test_a_user_is_shown_with_everything_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("alpha_user_Ines-Carvalho") == 0
    out, err = capsys.readouterr()
    assert out == (
        "alpha_user_Ines-Carvalho\n"
        '  as pull user of pull dataset reoffending_statistics, no end, paperwork: "https://example.gov.uk/dpia/987"\n'
        "    read, write and delete s3://mojap-reoffending-statistics/\n"
        "  as pull user of pull dataset victim_survey, no end, NO PAPERWORK\n"
        "    read, write and delete s3://mojap-victim-survey/\n"
    )
    assert err.endswith("2 accesses of 1 principal\n")


def test_a_place_an_account_and_what_is_missing_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("can", "read", "s3://mojap-bail-research/x.csv", "--json") == 0
    named = [each["name"] for each in read_json(capsys.readouterr().out)["accesses"]]
    assert named == ["alpha_user_priya-raman", "bail-research"]
    assert run("--account", "318604275917", "--json") == 0
    (mover,) = read_json(capsys.readouterr().out)["accesses"]
    assert (mover["name"], mover["recipient_account"]) == ("export_prison_population-copy", "318604275917")
    assert run("--no-paperwork", "--json") == 0
    datasets = {each["dataset"] for each in read_json(capsys.readouterr().out)["accesses"]}
    assert datasets == {"prison_population", "probation_caseload", "victim_survey"}


def test_a_dataset_is_shown_with_everybody_who_has_a_part_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bail_research", "--json") == 0
    named = [(each["name"], each["dataset"]) for each in read_json(capsys.readouterr().out)["accesses"]]
    assert named == [("alpha_user_priya-raman", "bail_research"), ("bail-research", "bail_research")]


def test_an_account_is_named_by_what_the_platform_calls_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--account", "prison population Forecasting", "--json") == 0
    named = capsys.readouterr().out
    assert run("--account", "318604275917", "--json") == 0
    assert capsys.readouterr().out == named
    assert run("--account", "Prison Populations") == 2
    assert 'did you mean "Prison Population Forecasting"?' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "is_said"),
    [
        ((), True),
        (("probation_caseload",), True),
        (("court_hearings",), False),
        (("can", "write", "s3://probation-digital-landing/probation_caseload/x"), True),
    ],
)
def test_what_goes_to_nobody_knows_whose_account_is_left_out_and_said(
    words: tuple[str, ...], is_said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words, "--account", "460183957226") == 0
    said = "left out, as whose account they go to is not declared (target_account): probation_caseload\n"
    assert (said in capsys.readouterr().err) is is_said
    assert run(*words) == 0
    assert "left out" not in capsys.readouterr().err


def test_a_spreadsheet_gets_a_line_for_each_access(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bail_research", "--account", "871026394550", "--csv") == 0
    head, line = csv.reader(io.StringIO(capsys.readouterr().out))
    assert dict(zip(head, line, strict=True)) == {
        "principal": "arn:aws:iam::871026394550:role/bail-research",
        "role": "outsider",
        "account": "871026394550",
        "account_name": "Health and Justice Research",
        "recipient_account": "",
        "dataset": "bail_research",
        "kind": "pull",
        "may": "read s3://mojap-bail-research/",
        "last_day": "2033-06-30",
        "has_ended": "no",
        "paperwork": "Sharing agreement HJ-1987",
        "owner": "Health and Justice",
        "reader": "",
        "recipient": "",
    }


def test_nobody_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("can", "write", "s3://somebody-elses-bucket") == 0
    out, err = capsys.readouterr()
    assert (out, err.endswith("nobody: no such access is granted by this estate\n")) == ("", True)
    assert run("--expiring", "1d", "--json") == 0
    assert read_json(capsys.readouterr().out) == {"schema": "data-exports/who/1", "accesses": []}


def test_on_a_narrow_terminal_no_line_is_wider_and_no_name_is_cut() -> None:
    exports = str(Path(sys.executable).parent / "exports")
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "60", "NO_COLOR": "1"}
    done = run_on_terminal([exports, "who", "bail_research", "--estate", ESTATE], env=env, streams=("stdout",))
    lines = done.shown.splitlines()
    assert (done.code, max(map(len, lines)) <= 60) == (0, True), done.shown
    assert "    read, write and delete s3://mojap-bail-research/" in lines
    piped = run_on_terminal([exports, "who", "bail_research", "--estate", ESTATE], env=env, streams=("stderr",))
    assert max(map(len, piped.out.splitlines())) > 60


def test_a_review_is_written_in_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--account", "871026394550", "--markdown") == 0
    out = capsys.readouterr().out
    assert out.startswith('# Access review: `"Analytical Platform" (593291632749)`\n')
    assert "as declared" in out
    assert "Asked for: `account 871026394550`." in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("alpha_user_priya",), "did you mean alpha_user_priya-raman?"),
        (("can", "fly", "s3://x"), "'can fly s3://x' is no question"),
        (("can",), "'can' is no question"),
        (("a", "b"), "'a b' is no question"),
        (("can", "read", "mojap-bail-research"), "'mojap-bail-research' is no address of a bucket or a container"),
        (("--account", "7542"), "'7542' is neither an AWS account id nor one of the names in `accounts`"),
        (("--expiring", "soon"), "'soon' is no length of time"),
        (("--json", "--markdown"), "--markdown and --json exclude each other"),
        (("--csv", "--json"), "--csv and --json exclude each other"),
        (("did", "--csv", "--json"), "--csv and --json exclude each other"),
        (("did", "--account", "Cloud Platform"), "did and --account exclude each other"),
        (("did", "--expiring", "60d"), "did and --expiring exclude each other"),
        (("did", "--no-paperwork"), "did and --no-paperwork exclude each other"),
        (("did", "--live"), "did and --live exclude each other"),
        (("did", "--markdown"), "did and --markdown exclude each other"),
        (("court_hearings", "--since", "7d"), "--since is about what people did"),
        (("did", "--since", "soon"), "'soon'"),
        (("did", "court_hearing"), "did you mean court_hearings?"),
        (
            ("can", "read", "s3://mojap\N{EN DASH}bail-research/a"),
            "next: write 'mojap-bail-research' with the keyboard's hyphen: here stands U+2013 EN DASH",
        ),
        (("can", "read", "s3://mojap\N{MINUS SIGN}bail-research"), "here stands U+2212 MINUS SIGN"),
        (("can", "read", "s3://a\N{EN DASH}B"), "next: write s3://BUCKET/KEY"),
        (
            ("alpha_user_priya\N{EN DASH}raman",),
            "a hyphen is typed as -, and here stands U+2013 EN DASH; did you mean alpha_user_priya-raman?",
        ),
    ],
)
def test_a_wrong_call_is_told_what_to_do(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    out, err = capsys.readouterr()
    assert (out, said in err) == ("", True), err
