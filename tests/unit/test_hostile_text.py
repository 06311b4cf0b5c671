"""Whatever anybody writes into any field, key or file name: no output holds a character that cannot be seen, and each
has the lines that it would have for a harmless text."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_exports.access.changes import UnknownAccess
from data_exports.cli.app import main
from data_exports.cli.output import write_data, write_foreign_json
from data_exports.contract.receipts import Damaged, receipt_of
from data_exports.deploy.apply.outcomes import DeployResult, StackOutcome, StackResult
from data_exports.deploy.drift.finding import Drift, DriftReport
from data_exports.deploy.plan.offline import plan_against
from data_exports.deploy.plan.plan_data import PlanFindings, plan_as_data
from data_exports.deploy.plan.planning import Plan, SettingChange
from data_exports.destinations.destination import Lack, Party
from data_exports.errors import AwsError
from data_exports.estate.findings import Finding, Place
from data_exports.estate.models import Estate
from data_exports.mover.places.alerts import GivenUp, alert_of
from data_exports.names import AccountId
from data_exports.operate.canary.facts import Fact
from data_exports.operate.canary.run import FactVerdict, Report, Result, cost_of
from data_exports.operate.canary.seen import Seen
from data_exports.operate.canary.world import World
from data_exports.operate.cancel import UploadedVersion, Withdrawal
from data_exports.operate.failing import Failing, NextTry
from data_exports.operate.failures import Failures, UploadFailure
from data_exports.operate.follow import Followed
from data_exports.operate.handover.halves import halves_of
from data_exports.operate.history import HistoryEntry
from data_exports.operate.people import Uploader
from data_exports.operate.probe.findings import Check, CheckAnswer, Probed
from data_exports.operate.queues import DeadLetter
from data_exports.operate.send import NotUploaded, Sent, Uploaded
from data_exports.operate.sources import Source, Sources
from data_exports.operate.status import DatasetStatus, Status
from data_exports.operate.who.holdings import holdings_of
from data_exports.reviews.models import KEEP, Review
from data_exports.reviews.rows import review_of_estate
from data_exports.text import csv_line, is_seen
from data_exports.views import check as formats
from data_exports.views import send as sending
from data_exports.views.access_review import review_of
from data_exports.views.canary import render_report
from data_exports.views.cancel import CancelMessageData, render_stray, render_withdrawal
from data_exports.views.deployment import render_result, result_as_data
from data_exports.views.drift import render_drift
from data_exports.views.error import error_as_data
from data_exports.views.failures import failures_as_data, render_failures
from data_exports.views.handover.cloudformation import cloudformation_of
from data_exports.views.handover.data import handover_as_data
from data_exports.views.handover.letter import letter_of
from data_exports.views.handover.terraform import terraform_of
from data_exports.views.history import entry_as_row, render_damaged, render_entry, render_followed_receipt
from data_exports.views.plan import render_plan
from data_exports.views.plan_markdown import plan_as_markdown
from data_exports.views.probe import render_probed
from data_exports.views.redrive import Redriven, redriven_as_data, render_redriven
from data_exports.views.review import (
    ReviewData,
    ReviewStatusData,
    render_review_rows,
    render_review_status,
    review_status_as_data,
)
from data_exports.views.review_page import review_page
from data_exports.views.status import render_change, render_status, status_as_data
from data_exports.views.who import holding_as_data, render_holdings
from tests.estates import PLATFORM, estate_of, pull, push
from tests.unit.estate.written import PULL, write_estate
from tests.unit.operate.receipt_log import line

NOW = datetime(2026, 11, 28, tzinfo=UTC)
OURS = re.compile(r"\x1b\[(?:0|1|3[0-7]|1;3[0-7])m")
"""The colours of a plan on a terminal."""
PIECES = [
    *"\x00\x07\t\n\x0b\r\x7f\x85\x9b\xa0\xad\u200b\u2028\u2029\u202e\u2066\u2800\u3164\ufe0f\ufeff\udcff\U000e0100",
    *("\x1b[2m", "\r\n::error::x\n", '"\r\n"delivered","', "); and x (", "@all", "`", "|", "=1", "'", '"', "\\", "é "),
]
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join)
"""Short: a plan says so when it shortens a text."""
INIT = (
    *("--account", "593291632749", "--region", "eu-west-1", "--hub-bucket", "example-hub", "--no-github"),
    *("--pull-bucket-prefix", "example-", "--user-role", "alpha_user_*", "--alert", "exports@example.gov.uk"),
    *("--contact", "exports@example.gov.uk"),
)


def _estate(text: str) -> Estate:
    said: dict[str, Any] = {"paperwork": (text, "DPIA-1"), "owner": text, "description": text}
    names = ((AccountId("754256621582"), text), (PLATFORM.account, text))
    return estate_of(push(**said), pull(**said), platform=replace(PLATFORM, account_names=names))


def _findings(text: str) -> list[Finding]:
    return [Finding(Place(Path(f"push_datasets/a{text}b.yaml")), "EX205", text, text)]


def _plan(text: str) -> Plan:
    plan = plan_against(_estate(text), estate_of(push("old", paperwork=(text,))), name=text, moment=NOW)
    unknown = UnknownAccess(push().name, text)
    return replace(
        plan,
        compared=replace(plan.access, unknown=(unknown,)),
        steps=tuple(replace(step, reason=text, next_step=text) for step in plan.steps),
        settings=(SettingChange("alerts", None, text),),
        roles_not_checked=text,
    )


def _result(text: str) -> DeployResult:
    plan = _plan(text)
    return DeployResult(
        plan, tuple(StackOutcome(step, StackResult.FAILED, text, text, text) for step in plan.steps), 1.0
    )


def _entry(text: str) -> HistoryEntry:
    told = line(key=f"hearings/{text}", reason=text, version_id=text, etag=text, mover_version=text, outcome="failed")
    return HistoryEntry(receipt_of(told), Uploader(f"AROAX:{text}"))


def _failures(text: str) -> Failures:
    dead = UploadFailure(True, text, text, text, 3, text, Uploader(text), NOW, text, text)
    no_upload = replace(dead, key="")
    tried = replace(dead, given_up=False, next_try=NextTry(NOW, NOW))
    return Failures(push(), (dead, no_upload, tried), 2, 2, NOW)


def _failing(text: str) -> Failing:
    return Failing(2, (text, "unwell"), NextTry(NOW, NOW))


def _status(text: str) -> Status:
    row = DatasetStatus(push().name, "push", "different", text, failing=_failing(text))
    return Status(NOW, (row,), (("exports-hub", "different"),), (text,))


def _sources(text: str) -> Sources:
    return Sources((_source(text), Source(Path(f"b{text}"), f"hearings/b{text}", 1, 0)), (Path(text), Path("x")))


def _source(text: str) -> Source:
    return Source(Path(text), f"hearings/{text}", 1, 0)


def _sent(text: str) -> Sent:
    return Sent(NOW, [Uploaded(_source(text), text, changed=True)], [NotUploaded(_source(text), text)])


def _followed(text: str) -> tuple[Followed, ...]:
    return (Followed(f"hearings/{text}", text, _entry(text).receipt),)


def _redriven(text: str) -> Redriven:
    receipt = replace(_entry(text).receipt, cause=text, recorded_at=NOW.isoformat())
    return Redriven("hearings", NOW, 0, failing=(receipt,), followed=_followed(text))


def _sending(text: str) -> str:
    sources, sent = _sources(text), _sent(text)
    lines = [sending.render_hidden(sources), sending.render_superseded(push(), [text])]
    lines += [*map(sending.render_file_result, sent.uploaded), *map(sending.render_file_result, sent.failed)]
    lines += [sending.render_interrupted(sources, sent), sending.render_sent(sent, ())]
    return "\n".join([*lines, str(sending.error_of_sending(push(), replace(sent, failed=[]), ()))])


def _withdrawal(text: str) -> Withdrawal:
    version = UploadedVersion(text, 1, NOW, is_marker=False)
    return Withdrawal(f"hearings/{text}", (version,))


def _probed(text: str) -> Probed:
    checks = (Check(text, CheckAnswer.LACKING, text, text),)
    return Probed("hearings", text, checks, (Lack(Party.OURS, text, text),), text, text)


def _drift(text: str) -> DriftReport:
    return DriftReport((Drift("exports-hub", text),), (Drift("exports-hub", text),), 1, 0.1)


def _canary(text: str) -> Report:
    fact = Fact("copy", "it copies", "https://docs.aws.amazon.com/", lambda _: iter(()))
    seen = (Seen("a copy", "200", text, text),)
    return Report(World("1f0a9c3e", "1", "eu-west-1"), (Result(fact, FactVerdict.FAILED, seen, text),), cost_of(1), ())


def _letters(text: str, write: Callable[..., str]) -> str:
    estate = _estate(text)
    return "\n".join(write(half) for dataset in estate.datasets() for half in halves_of(estate, dataset))


def _review(text: str) -> Review:
    found = review_of_estate(_estate(text), Path("reviews/2027-Q1.yaml"), today=date(2027, 1, 15))
    decided = [
        replace(dataset, accesses=tuple(replace(row, decision=KEEP, by=text, reason=text) for row in dataset.accesses))
        for dataset in found.datasets
    ]
    return replace(found, platform=text, datasets=tuple(decided))


def _review_status(text: str) -> ReviewStatusData:
    estate = _estate(text)
    review = review_of_estate(estate, Path("reviews/2027-Q1.yaml"), today=date(2027, 1, 15))
    gone = replace(review.datasets[0], accesses=(replace(review.datasets[0].accesses[0], who=text),))
    review = replace(review, datasets=(gone, *review.datasets[1:]))
    return review_status_as_data(review, estate, today=date(2027, 1, 15), path=Path("reviews/2027-Q1.yaml"))


TOLD: dict[str, Callable[[str], object]] = {
    "plan": lambda text: render_plan(_plan(text), _estate(text).platform, PlanFindings(tuple(_findings(text)))),
    "plan as Markdown": lambda text: plan_as_markdown(
        _plan(text), _estate(text).platform, PlanFindings(tuple(_findings(text)))
    ),
    "plan as JSON": lambda text: plan_as_data(_plan(text), PlanFindings(tuple(_findings(text)))),
    "result": lambda text: render_result(_result(text)),
    "result as JSON": lambda text: result_as_data(_result(text)),
    "who": lambda text: render_holdings(holdings_of(_estate(text)), _estate(text).platform, now=NOW),
    "who as JSON": lambda text: [
        holding_as_data(each, _estate(text).platform, now=NOW) for each in holdings_of(_estate(text))
    ],
    "review": lambda text: review_of(
        holdings_of(_estate(text)), _estate(text).platform, now=NOW, source="as declared", asked=text
    ),
    "review on record": lambda text: render_review_rows(_review(text)),
    "review as a page": lambda text: review_page(_review(text)),
    "review as JSON": lambda text: ReviewData(_review(text)),
    "how a review stands": lambda text: render_review_status(_review_status(text)),
    "how a review stands, as JSON": _review_status,
    "terraform": lambda text: _letters(text, terraform_of),
    "cloudformation": lambda text: _letters(text, cloudformation_of),
    "handover as JSON": lambda text: handover_as_data(
        [half for each in _estate(text).datasets() for half in halves_of(_estate(text), each)]
    ),
    "history": lambda text: render_entry(_entry(text)),
    "damaged receipts": lambda text: render_damaged([Damaged(text, 2, text)] * 4),
    "history as CSV": lambda text: csv_line(entry_as_row(_entry(text))),
    "history as JSON": _entry,
    "failures": lambda text: render_failures(_failures(text), _estate(text)),
    "failures as JSON": lambda text: failures_as_data([_failures(text)], _estate(text)),
    "status": lambda text: render_status(_status(text), _estate(text).platform),
    "status as it changes": lambda text: render_change(Status(NOW, ()), _status(text)),
    "status as JSON": lambda text: status_as_data(_status(text)),
    "redrive": lambda text: render_redriven(_redriven(text), now=False),
    "redrive as JSON": lambda text: redriven_as_data(_redriven(text)),
    "receipt that was waited for": lambda text: render_followed_receipt(_entry(text).receipt),
    "sending": _sending,
    "sent as JSON": lambda text: sending.sent_as_data(push(), PLATFORM, _sent(text), _followed(text)),
    "withdrawal": lambda text: render_withdrawal(_withdrawal(text)),
    "stray": lambda text: render_stray("hearings", DeadLetter(text, text, NOW)),
    "stray as JSON": lambda text: CancelMessageData("hearings", DeadLetter(text, text, NOW)),
    "probe": lambda text: render_probed(_probed(text)),
    "drift": lambda text: render_drift(_drift(text)),
    "canary": lambda text: render_report(_canary(text)),
    "error as JSON": lambda text: error_as_data(AwsError(text, code=text, where=text, next_step=text)),
    "findings": lambda text: "\n".join(map(str, _findings(text))),
    "findings as annotations": lambda text: "\n".join(formats.github_lines(_findings(text) * 12)),
    "findings as SARIF": lambda text: formats.sarif_of(_findings(text)),
    "findings as JSON": _findings,
    "alert": lambda text: alert_of("hearings", [GivenUp(text, text, None, "m1")]).text,
}


def _printed(told: object) -> str:
    """What leaves the program."""
    with redirect_stdout(io.StringIO()) as out:
        write_data(told) if isinstance(told, str) else write_foreign_json(told)
    return out.getvalue()


def _unseen(text: str) -> list[str]:
    return [char for char in text.replace("\n", "") if not is_seen(char)]


@pytest.mark.parametrize("name", list(TOLD))
@settings(max_examples=25)
@given(text=TEXTS)
def test_every_output_has_its_lines_and_no_hidden_character(name: str, text: str) -> None:
    told, harmless = TOLD[name](text), TOLD[name]("harmless")
    assert _unseen(told if isinstance(told, str) and name == "alert" else _printed(told)) == []
    assert _printed(told).count("\n") == _printed(harmless).count("\n")


def test_what_becomes_of_a_file_is_told_on_its_lines_whatever_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for place, name in (("a", "plain"), ("b", "\x1b[2m\n::error::x\u202e\u3164")):
        folder = write_estate(tmp_path / place)
        (folder / "push_datasets" / f"{name}.yaml").write_text("# a\nname:   [x\n", encoding="utf-8")
        (folder / "pull_datasets" / f"{name}.yaml").write_text(PULL, encoding="utf-8")
        assert main(["fmt", "--check", "--estate", str(folder)]) == 1
        assert main(["schema", "--check", "--estate", str(folder)]) == 1
        printed.append("".join(capsys.readouterr()))
    assert _unseen(printed[1]) == []
    assert printed[1].count("\n") == printed[0].count("\n")


def test_init_tells_its_folder_on_one_line_and_as_one_word_of_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "a\n::error::$(x)", *INIT]) == 0
    out, err = capsys.readouterr()
    assert {line.partition("/")[0] for line in out.splitlines()} == {r"a\n::error::$(x)"}
    assert err == "next: exports check --estate 'a\\n::error::$(x)'; README.md says how to go on\n"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--code-owner", "@ana\n* @mallory"),
        ("--code-owner", "@ana @mallory"),
        ("--code-owner", "@ana # "),
        ("--exports-from", "ours/x@" + "a" * 40 + "\n        run: id"),
        ("--exports-from", "ours/${{ github.token }}@" + "a" * 40),
        ("--exports-from", r"ours/\g<0>@" + "a" * 40),
        ("--hub-bucket", "hub\n  user_roles: ['*']"),
        ("--region", "eu-west-1\n${x}"),
        ("--user-role", 'a"]\nb: ['),
        ("--alert", "a@b.example\nc: d"),
    ],
)
def test_init_writes_nothing_of_a_value_that_would_be_more_than_itself(
    option: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", *INIT, option, value]) in (1, 2)
    assert (list(tmp_path.iterdir()), _unseen("".join(capsys.readouterr()))) == ([], [])


@settings(max_examples=25)
@given(text=TEXTS)
def test_a_letter_holds_no_hidden_character_and_its_title_lines_are_ours(text: str) -> None:
    hostile, harmless = (_letters(each, letter_of) for each in (text, "harmless"))
    assert _unseen(hostile) == []
    titles = [
        [each for each in letter.splitlines() if re.match(r"[A-Z][A-Z ,]{8,}$", each)] for letter in (hostile, harmless)
    ]
    assert titles[0] == titles[1]


@settings(max_examples=10)
@given(text=TEXTS)
def test_on_a_terminal_no_colour_is_another_than_ours(text: str) -> None:
    platform = _estate(text).platform
    shown = [
        render_plan(_plan(text), platform, PlanFindings(tuple(_findings(text))), width=200),
        render_result(_result(text), width=200),
    ]
    assert [_unseen(OURS.sub("", each)) for each in shown] == [[], []]


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_a_file_name_shows_itself_in_every_format(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for place, name in (("a", "plain"), ("b", "\x1b[2m\n::error::x\u202e\u3164")):
        folder = write_estate(tmp_path / place)
        (folder / "push_datasets" / f"{name}.yaml").write_text("- a\n", encoding="utf-8")
        assert main(["check", "--estate", str(folder), "--format", form]) == 1
        printed.append(capsys.readouterr().out)
    assert _unseen(printed[1]) == []
    assert printed[1].count("\n") == printed[0].count("\n")
