"""The package from Python: what importing it costs, and the answers that need no AWS."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import data_exports
from data_exports.access.grants import grants_of
from data_exports.errors import DeclarationError, PartlyDoneError, UsageError
from data_exports.estate.loader import load_estate
from tests.unit.aws_server import answering, caller, listing, operation_of
from tests.unit.estate.written import PUSH, write_estate
from tests.unit.mover.loopback import Played

EXAMPLE = Path(__file__).parents[2] / "examples" / "estate"


def modules_after(code: str) -> set[str]:
    shown = f"import sys\n{code}\nimport json\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = modules_after("import data_exports")
    assert {name for name in loaded if name.startswith("data_exports")} == {"data_exports"}


def test_opening_an_estate_loads_no_boto3() -> None:
    code = f"import data_exports\nestate = data_exports.open_estate({str(EXAMPLE)!r})\nestate.check(), estate.grants()"
    assert not {"boto3", "botocore", "troposphere"} & modules_after(code)


def test_an_estate_gives_its_findings_grants_and_datasets() -> None:
    estate = data_exports.open_estate(EXAMPLE / "push_datasets")
    loaded = load_estate(EXAMPLE)
    assert estate.folder == EXAMPLE
    assert estate.check() == loaded.findings
    assert estate.grants() == grants_of(loaded.require())
    assert estate.dataset("bail_research") == loaded.require().pull_datasets[0]


def test_what_is_wrong_is_raised_only_when_it_matters(tmp_path: Path) -> None:
    write_estate(tmp_path, push=PUSH.replace("name: orders", "name: Orders!"))
    estate = data_exports.open_estate(str(tmp_path))
    assert [finding.code for finding in estate.check()] == ["EX205"]
    with pytest.raises(DeclarationError, match="'Orders!' is not a dataset name"):
        estate.grants()


def test_a_wrong_name_offers_the_nearest(tmp_path: Path) -> None:
    estate = data_exports.open_estate(EXAMPLE)
    with pytest.raises(UsageError) as stopped:
        estate.dataset("court_hearing")
    assert stopped.value.next_step == "did you mean court_hearings?"
    with pytest.raises(UsageError, match="bail_research is a pull dataset"):
        estate.history("bail_research")
    with pytest.raises(UsageError, match=r"no exports\.yaml here or in any parent folder"):
        data_exports.open_estate(tmp_path)


def test_files_are_sent_under_the_datasets_prefix_and_told_by_key_and_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_estate(tmp_path)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(b"1")
    done = Played(200, b"", (("etag", '"e"'), ("x-amz-version-id", "v1")))
    estate = data_exports.open_estate(tmp_path)
    with answering(monkeypatch, caller(), listing(), done) as aws:
        sent = estate.send([tmp_path / "a.csv", str(tmp_path / "b.csv")], "orders", prefix="2031")
    keys = ["orders/2031/a.csv", "orders/2031/b.csv"]
    assert [(each.key, each.version_id, each.is_delivered) for each in sent] == [(key, "v1", False) for key in keys]
    assert sorted(operation_of(each) for each in aws.asked[2:]) == [f"PUT /mojap-hub-exports/{key}" for key in keys]


def test_files_that_could_not_be_sent_are_an_error_that_names_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_estate(tmp_path)
    (tmp_path / "a.csv").write_bytes(b"1")
    refused = Played(403, b"<Error><Code>AccessDenied</Code><Message>no right</Message></Error>")
    with answering(monkeypatch, caller(), listing(), refused, caller()), pytest.raises(PartlyDoneError) as stopped:
        data_exports.open_estate(tmp_path).send(tmp_path / "a.csv", "orders")
    assert stopped.value.what.splitlines() == [
        "1 of 1 files were not uploaded:",
        f"  {tmp_path}/a.csv: alpha_user_ana may not do s3:PutObject there: access denied: no right",
    ]


def test_the_package_has_no_other_names() -> None:
    assert sorted(data_exports.__all__) == ["OpenEstate", "__version__", "open_estate"]
    with pytest.raises(AttributeError, match="module 'data_exports' has no attribute 'close_estate'"):
        _ = data_exports.close_estate


def test_the_guide_names_every_method() -> None:
    guide = (EXAMPLE.parents[1] / "docs" / "python.md").read_text()
    methods = {name for name, what in vars(data_exports.OpenEstate).items() if callable(what) and name[0] != "_"}
    assert methods >= {"check", "plan", "grants", "send", "status", "history"}
    assert [name for name in sorted(methods) if f"estate.{name}(" not in guide] == []
