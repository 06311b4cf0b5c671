"""`exports review`: from the start to a branch, what is refused, and the questions on a terminal."""

import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from data_exports.cli.app import main
from data_exports.reviews.models import Review
from data_exports.reviews.review_file import read_reviews
from tests.envelopes import read_json
from tests.terminal import CTRL_C, CTRL_D, Answer, OnTerminal, run_on_terminal
from tests.unit.reviews.git_estate import ENV, commit_all, git, write_repository

TODAY = datetime.now(UTC).date()
NAME = f"{TODAY.year}-Q{(TODAY.month + 2) // 3}"
LATER = str(TODAY + timedelta(days=90))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed estate of one push and one pull dataset, which is the current folder."""
    monkeypatch.delenv("EXPORTS_ESTATE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    folder = write_repository(tmp_path)
    monkeypatch.chdir(folder)
    return folder


def review(*words: str) -> int:
    return main(["review", *words])


def on_record(folder: Path) -> Review:
    (found,) = read_reviews(folder).reviews
    return found


def decisions(folder: Path) -> list[tuple[str, str, str, str, str]]:
    return [
        (dataset.dataset, row.who.rsplit("/")[-1], str(row.decision or ""), row.by, row.reason)
        for dataset, row in on_record(folder).rows()
    ]


def test_from_the_start_to_a_branch(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert review("start", "--due", LATER) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [
        f"{NAME}: 0 of 4 accesses decided, due on {LATER}",
        "  waits for nobody named: 4 accesses of orders, tables",
    ]
    assert err == "  next: exports review decide\n"
    assert {row.last_use for _, row in on_record(folder).rows()} == {"not looked at"}
    assert review("decide", "--dataset", "orders", "--keep", "--reason", "asked the owner") == 0
    user = next(row for _, row in on_record(folder).rows() if row.role == "user")
    shortened = ("decide", "--dataset", "tables", "--shorten", LATER, "--reason", "the project ends", "--by", "Ben")
    assert review(*shortened) == 0
    assert capsys.readouterr().err.endswith(f"next: commit reviews/{NAME}.yaml, then: exports review close\n")
    ana = "Ana Lopez <ana@example.gov.uk>"
    assert decisions(folder) == [
        ("orders", "", "keep", ana, "asked the owner"),
        ("orders", "alpha_user_ana", "keep", ana, "asked the owner"),
        ("tables", "alpha_user_ana", f"shorten to {LATER}", "Ben", "the project ends"),
        ("tables", "reader", f"shorten to {LATER}", "Ben", "the project ends"),
    ]
    assert review("decide", user.access.removeprefix("sha256:")[:8], "--keep", "--reason", "x") == 0
    commit_all(folder)
    capsys.readouterr()
    assert review("close") == 1
    out, err = capsys.readouterr()
    assert (out, "tables ends for all of its accesses on one day" in err, ":1:1" in err) == ("", True, False)
    assert review(*shortened) == 0
    commit_all(folder)
    capsys.readouterr()
    assert review("close", "--json") == 0
    out, err = capsys.readouterr()
    answer = read_json(out)
    assert {key: answer[key] for key in ("review", "branch", "kept", "shortened", "removed")} == {
        "review": NAME,
        "branch": f"review-{NAME}",
        "kept": 2,
        "shortened": 2,
        "removed": 0,
    }
    assert err == f"  next: git push -u origin review-{NAME}, then open a pull request\n"
    git(folder, "merge", "--quiet", f"review-{NAME}")
    assert main(["check", "--strict"]) == 0
    assert (folder / "pull_datasets" / "b.yaml").read_text().endswith(f"\nexpires: {LATER}\n")
    assert on_record(folder).closed == TODAY


def test_what_is_decided_and_not_carried_out_is_a_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert review("start") == 0
    assert review("decide", "--dataset", "orders", "--keep", "--reason", "x") == 0
    assert review("decide", "--dataset", "tables", "--remove", "--reason", "x") == 0
    commit_all(folder)
    assert review("close") == 0
    git(folder, "checkout", "--quiet", f"review-{NAME}", "--", f"reviews/{NAME}.yaml")
    capsys.readouterr()
    assert main(["check"]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if "EX903" in line]
    rows = [row for dataset, row in on_record(folder).rows() if dataset.dataset == "tables"]
    assert said == [
        f"reviews/{NAME}.yaml:{row.place.line}:9 EX903 warning: {row.who}, {row.role} of tables, is granted, still or "
        "again; decided was: remove"
        for row in rows
    ]


def test_an_open_review_is_brought_up_to_date_and_keeps_what_is_decided(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review("start") == 0
    assert review("decide", "--dataset", "orders", "--keep", "--reason", "asked") == 0
    assert review("decide", "--dataset", "tables", "--keep", "--reason", "asked") == 0
    declaration = folder / "push_datasets" / "a.yaml"
    declaration.write_text(declaration.read_text().replace("[alpha_user_ana]", "[alpha_user_ana, alpha_user_new]"))
    capsys.readouterr()
    assert review("status") == 0
    assert "changed since it was started: orders: sender alpha_user_new (new)" in capsys.readouterr().out
    assert main(["check"]) == 0
    assert "EX904 warning: orders: sender alpha_user_new (new) since the review was started" in capsys.readouterr().out
    assert review("start") == 1
    assert "a review is open" in capsys.readouterr().err
    assert review("start", "--refresh") == 0
    assert [each[2] for each in decisions(folder)] == ["keep", "keep", "", "keep", "keep"]
    assert main(["check"]) == 0
    assert "EX904" not in capsys.readouterr().out


def test_a_review_is_shown_for_people_and_programs_and_as_a_page(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review("start") == 0
    assert review("decide", "--dataset", "tables", "--remove", "--reason", "nobody | uses <it>") == 0
    capsys.readouterr()
    assert review("show") == 0
    shown = capsys.readouterr().out
    assert (
        'tables (pull), NOBODY NAMED, no end, paperwork "DPIA-2"\n  user alpha_user_ana: may read, add and delete'
        in shown
    )
    assert "    remove, by Ana Lopez <ana@example.gov.uk>: nobody | uses <it>\n" in shown
    assert review("show", NAME, "--json") == 0
    answer = read_json(capsys.readouterr().out)
    row = answer["datasets"][1]["accesses"][0]
    assert (row["who"], row["decision"], row["is_decided"]) == (
        "alpha_user_ana",
        {"result": "remove", "last_day": None},
        True,
    )
    assert review("show", "--html") == 0
    page = capsys.readouterr().out
    assert page.startswith("<!doctype html>\n")
    assert "nobody | uses &lt;it&gt;" in page
    assert main(["who", "--markdown"]) == 0
    out = capsys.readouterr().out
    assert f"The latest review on record is `reviews/{NAME}.yaml`, which is open: 2 of 4 decided." in out
    assert "mojap-hub-exports-log" not in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("decide", "--keep", "--remove"), "--keep and --remove exclude each other"),
        (("decide", "--keep"), "a decision needs a reason"),
        (("decide", "--keep", "--reason", "x"), "it is not said about which accesses this is"),
        (("decide", "ffffffffffffffffff", "--keep", "--reason", "x"), "'ffffffffffffffffff' fits no access in"),
        (("decide", "--dataset", "ordres", "--keep", "--reason", "x"), "the review has no dataset 'ordres'"),
        (("decide", "--dataset", "orders", "--shorten", "soon", "--reason", "x"), "'soon' is not a date"),
        (("decide", "--dataset", "orders", "--shorten", "2020-01-01", "--reason", "x"), "2020-01-01 has passed"),
        (("decide", "--dataset", "orders", "--keep", "--reason", "x\u202ey"), "this cannot be written"),
        (("decide",), "nobody is there to be asked"),
        (("show", "1999-Q1"), "no review is named '1999-Q1'"),
        (("start", "--refresh", "--due", "31/12/2026"), "'31/12/2026' is not a date"),
    ],
)
def test_a_wrong_call_is_told_what_to_do(
    words: tuple[str, ...], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review("start") == 0
    before = (folder / "reviews" / f"{NAME}.yaml").read_bytes()
    capsys.readouterr()
    assert review(*words) == 2
    out, err = capsys.readouterr()
    assert (out, said in err, "next:" in err) == ("", True, True)
    assert (folder / "reviews" / f"{NAME}.yaml").read_bytes() == before


@pytest.mark.parametrize("words", [("decide",), ("status",), ("show",), ("close",), ("start", "--refresh")])
def test_without_a_review_one_is_to_be_started(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review(*words) == 2
    assert capsys.readouterr().err.endswith("  next: exports review start\n")


def test_a_file_of_nonsense_stops_the_reviews_and_names_the_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review("start") == 0
    path = folder / "reviews" / f"{NAME}.yaml"
    path.write_text(path.read_text().replace("        decision:\n", "        decision: perhaps\n", 1))
    capsys.readouterr()
    assert review("close") == 1
    out, err = capsys.readouterr()
    line = path.read_text().splitlines().index("        decision: perhaps") + 1
    assert (out, f"{NAME}.yaml:{line}:19 EX905 error: 'perhaps' is no decision" in err) == ("", True)
    assert main(["check"]) == 1
    assert f"reviews/{NAME}.yaml:{line}:19 EX905 error" in capsys.readouterr().out
    assert main(["check", f"reviews/{NAME}.yaml"]) == 1
    assert capsys.readouterr().err == "1 file: 1 error\n"
    assert main(["check", "push_datasets/a.yaml"]) == 0
    assert capsys.readouterr().err == "1 file: no findings; and 1 error in other files\n"


# --- on a terminal ---------------------------------------------------------------------------------------------------

EXPORTS = str(Path(sys.executable).with_name("exports"))
WHICH = "[k/s/r/-/q] "


def asked(folder: Path, *dialogue: tuple[str, Answer]) -> OnTerminal:
    env = {**os.environ, **ENV, "NO_COLOR": "1"}
    return run_on_terminal([EXPORTS, "review", "decide"], env=env, cwd=folder, dialogue=dialogue)


def test_it_asks_one_by_one_and_goes_on_where_somebody_stopped(folder: Path) -> None:
    assert review("start") == 0
    first = asked(folder, (WHICH, "k"), ("why? ", "still sends daily"), (WHICH, "perhaps"), (WHICH, CTRL_C))
    assert first.code == 130
    assert "orders (push), NOBODY NAMED, no end, paperwork" in first.shown
    assert "[1/4] recipient s3://orders-landing/orders/ of 754256621582: may get every file of orders" in first.shown
    assert "type k, s, r, - or q" in first.shown
    assert [each[2] for each in decisions(folder)] == ["keep", "", "", ""]
    second = asked(
        folder,
        (WHICH, "-"),
        (WHICH, "s"),
        ("last day (YYYY-MM-DD): ", "2020-01-01"),
        (WHICH, "s"),
        ("last day (YYYY-MM-DD): ", LATER),
        ("why? ", "ends"),
        ("[y/N] ", "y"),
    )
    assert second.code == 0
    assert "[1/3] sender alpha_user_ana" in second.shown
    assert [each[2] for each in decisions(folder)] == ["keep", "", f"shorten to {LATER}", f"shorten to {LATER}"]
    third = asked(folder, (WHICH, "k"), ("why? ", ""), ("why? ", CTRL_D))
    assert ("a decision needs a reason" in third.shown, third.code) == (True, 0)
    assert asked(folder, (WHICH, "q")).code == 0
    assert [each[2] for each in decisions(folder)][1] == ""


def test_the_day_of_a_decision_is_before_the_end_that_there_is(folder: Path) -> None:
    declaration = folder / "push_datasets" / "a.yaml"
    declaration.write_text(f"{declaration.read_text()}expires: {LATER}\n")
    assert review("start") == 0
    assert review("decide", "--dataset", "orders", "--shorten", LATER, "--reason", "x") == 2
    earlier = str(date.fromisoformat(LATER) - timedelta(days=1))
    assert review("decide", "--dataset", "orders", "--shorten", earlier, "--reason", "x") == 0


def test_how_far_to_look_back_wants_a_look(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", "start", "--since", "30d", "--estate", str(folder)]) == 2
    assert "--since says how far --live looks back" in capsys.readouterr().err
