"""`exports check --format`: what GitHub's annotations and SARIF readers are given."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from data_exports import __version__
from data_exports.cli.app import main
from data_exports.estate.codes import Code
from data_exports.estate.explanations import explanations
from data_exports.estate.findings import Finding, Place, warning
from data_exports.views import check as formats
from data_exports.views.reference import explain
from tests.unit.estate.written import PLATFORM, PUSH, write_estate

TEXT = {"type": "object", "properties": {"text": {"type": "string", "minLength": 1}}, "required": ["text"]}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def _closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


POSITION = {"type": "integer", "minimum": 1}
RULE = _closed(
    id={"type": "string", "pattern": "^EX[0-9]{3}$"},
    name={"type": "string", "pattern": "^[A-Z][A-Za-z0-9]+$"},
    shortDescription=TEXT,
    fullDescription=TEXT,
    help=_closed(text={"type": "string"}, markdown={"type": "string"}),
    defaultConfiguration=_closed(level=LEVEL),
)
LOCATION = _closed(
    physicalLocation=_closed(
        artifactLocation=_closed(
            uri={"type": "string", "pattern": r"^[A-Za-z0-9._~%/-]+$"}, uriBaseId={"const": "%SRCROOT%"}
        ),
        region=_closed(startLine=POSITION, startColumn=POSITION),
    )
)
RESULT = _closed(
    ruleId={"type": "string"},
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=TEXT,
    locations={"type": "array", "items": LOCATION, "minItems": 1, "maxItems": 1000},
)
DRIVER = _closed(
    name={"const": "exports"},
    fullName={"type": "string"},
    semanticVersion={"type": "string"},
    rules={"type": "array", "items": RULE, "uniqueItems": True},
)
RUN = _closed(
    tool=_closed(driver=DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results={"type": "array", "items": RESULT, "maxItems": 25_000},
)
SARIF = _closed(
    **{"$schema": {"type": "string"}}, version={"const": "2.1.0"}, runs={"type": "array", "items": RUN, "maxItems": 20}
)
"""What SARIF 2.1.0 asks of the properties that we use, and that there are no others; sections 3.13 to 3.58.
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html"""


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("EXPORTS_ESTATE", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return write_estate(tmp_path / "estate", push=PUSH.replace("name: orders", "name: o%d").replace("DPIA-1", "TBD"))


def _places(count: int, *, line: int = 1) -> list[Place]:
    return [Place(Path(f"push_datasets/{number:06}.yaml"), line) for number in range(count)]


def test_github_gets_one_annotation_a_finding_and_the_summary_is_no_data(
    estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--estate", "estate", "--format", "github"]) == 1
    out, err = capsys.readouterr()
    assert out == (
        "::error file=estate/push_datasets/a.yaml,line=1,col=7,title=EX205::'o%25d' is not a dataset name%0A"
        "hint: did you mean 'o_d'? use lower case letters, digits, _ and -, starting and ending with a letter or "
        "digit, at most 52 characters\n"
        "::warning file=estate/push_datasets/a.yaml,line=5,col=12,title=EX601::'TBD' is no paperwork yet%0A"
        "hint: write the link or reference of the impact assessment or sharing agreement after `paperwork:`\n"
    )
    assert err == "1 error, 1 warning: this estate cannot be deployed\n"


def test_paths_for_github_begin_at_the_checkout(
    estate: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(estate.parent))
    monkeypatch.chdir(estate / "push_datasets")
    main(["check", "--format", "github", "--estate", ".."])
    assert capsys.readouterr().out.startswith("::error file=estate/push_datasets/a.yaml,")
    main(["check", "--format", "sarif"])
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    location = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": "estate/push_datasets/a.yaml", "uriBaseId": "%SRCROOT%"}


def test_what_a_message_holds_cannot_end_an_annotation_or_begin_a_command() -> None:
    place = Place(Path("a,b:c%\n.yaml"), 2, 3)
    (line,) = formats.github_lines([Finding(place, "EX205", "x\r\n::add-mask::y", "50%")])
    assert line == "::error file=a%2Cb%3Ac%25\\n.yaml,line=2,col=3,title=EX205::x\\r\\n::add-mask::y%0Ahint: 50%25"
    many = [Finding(each, "EX205", "##[set-output name=x]y", "::error::z") for each in _places(11)]
    plain = [line for line in formats.github_lines(many) if not line.startswith("::error file")][1:]
    assert plain[0].splitlines()[0] == "push_datasets/000009.yaml:1:1 EX205 error: ##\\x5bset-output name=x]y"
    assert plain[0].splitlines()[1] == "    hint: ::error::z"


def test_ten_findings_of_a_kind_are_all_annotated() -> None:
    findings = [warning(place, "EX601", "m") for place in _places(10)]
    lines = list(formats.github_lines(findings))
    assert len(lines) == 10
    assert all(line.startswith("::warning file=") for line in lines)


def test_what_github_would_drop_is_counted_in_the_last_annotation_and_stands_in_the_log() -> None:
    findings = [warning(place, "EX601", "m") for place in _places(12)]
    findings += [Finding(place, "EX205", "n") for place in _places(30)]
    lines = list(formats.github_lines(findings))
    assert [len([line for line in lines if line.startswith(f"::{kind} ")]) for kind in ("error", "warning")] == [10, 10]
    assert "::error title=More findings::21 more: they stand in the log of this step" in lines
    assert "::warning title=More findings::3 more: they stand in the log of this step" in lines
    plain = [line for line in lines if not line.startswith("::")]
    assert [line.split(":")[0] for line in plain] == [
        *[f"push_datasets/{number:06}.yaml" for number in range(9, 30)],
        *[f"push_datasets/{number:06}.yaml" for number in range(9, 12)],
    ]


def test_sarif_holds_every_finding_with_its_rule(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--estate", "estate", "--format", "sarif"]) == 1
    log = json.loads(capsys.readouterr().out)
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    assert run["tool"]["driver"]["semanticVersion"] == __version__
    assert run["tool"]["driver"]["rules"][1] == {
        "id": "EX601",
        "name": "NoPaperwork",
        "shortDescription": {"text": "no paperwork is named"},
        "fullDescription": {"text": explanations()[Code.NO_PAPERWORK].why},
        "help": {
            "text": f"{explanations()[Code.NO_PAPERWORK].why} {explanations()[Code.NO_PAPERWORK].mend}",
            "markdown": explain(Code.NO_PAPERWORK),
        },
        "defaultConfiguration": {"level": "warning"},
    }
    assert run["results"][1] == {
        "ruleId": "EX601",
        "ruleIndex": 1,
        "level": "warning",
        "message": {
            "text": "'TBD' is no paperwork yet. Hint: write the link or reference of the impact assessment or sharing "
            "agreement after `paperwork:`"
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "estate/push_datasets/a.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 5, "startColumn": 12},
                }
            }
        ],
    }


def test_sarif_of_every_code_and_of_strange_file_names_is_valid() -> None:
    names = ["a b.yaml", "\udcff.yaml", "é#?.yaml", "100%.yaml"]
    findings = [Finding(Place(Path(name)), code, "m") for code in Code for name in names]
    log: Any = formats.sarif_of(findings)
    jsonschema.validate(log, SARIF)
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in log["runs"][0]["results"]
    }
    assert uris == {"a%20b.yaml", "%FF.yaml", "%C3%A9%23%3F.yaml", "100%25.yaml"}
    assert [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]] == [str(code) for code in Code]


def test_sarif_of_a_good_estate_has_no_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--estate", str(write_estate(tmp_path)), "--format", "sarif"]) == 0
    log = json.loads(capsys.readouterr().out)
    jsonschema.validate(log, SARIF)
    assert log["runs"][0]["results"] == []


def test_sarif_leaves_out_warnings_before_errors() -> None:
    findings = sorted(
        [
            *(warning(place, "EX601", "m") for place in _places(formats.SARIF_RESULTS)),
            *(Finding(place, "EX205", "n") for place in _places(5, line=2)),
        ]
    )
    log: Any = formats.sarif_of(findings)
    levels = [result["level"] for result in log["runs"][0]["results"]]
    assert (len(levels), levels.count("error")) == (formats.SARIF_RESULTS, 5)


def test_json_and_the_format_json_are_the_same(estate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--estate", "estate", "--json"]) == 1
    first = capsys.readouterr()
    assert main(["check", "--estate", "estate", "--format", "json"]) == 1
    assert capsys.readouterr() == first
    assert [each["code"] for each in json.loads(first.out)["findings"]] == ["EX205", "EX601"]


def test_a_code_is_explained_without_an_estate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", "--explain", "ex406"]) == 0
    assert capsys.readouterr().out == EXPLAINED
    assert main(["check", "--explain", "all"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert (len(listed), "EX406  the account of the target bucket is not named" in listed) == (len(Code), True)
    assert main(["check", "--explain", "EX999"]) == 2
    assert capsys.readouterr().err == (
        "error: there is no code 'EX999'\n  next: `exports check --explain all` lists them\n"
    )


@pytest.mark.parametrize("code", Code)
def test_no_explanation_shows_markdown_or_a_line_wider_than_it_may_be(
    code: Code, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--explain", code]) == 0
    text = capsys.readouterr().out
    assert [mark for mark in ("**", "```", "### ", "](") if mark in text] == []
    own = [line for line in text.splitlines()[1:] if not line.startswith("    ")]  # what is indented is of a file
    assert [line for line in own if len(line) > 100] == []


@pytest.mark.parametrize(
    ("words", "both"),
    [
        (["check", "--json", "--format", "sarif"], "--json and --format sarif"),
        (["check", "--json", "--format", "text"], "--json and --format text"),
        (["check", "--explain", "EX406", "--json"], "--explain and --json"),
        (["check", "--explain", "EX406", "--format", "github"], "--explain and --format github"),
        (["plan", "--json", "--format", "markdown"], "--format markdown and --json"),
        (["handover", "orders", "--json", "--as", "terraform"], "--as terraform and --json"),
    ],
)
def test_two_options_that_each_say_how_the_answer_is_printed_are_refused(
    words: list[str], both: str, estate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--estate", "estate"]) == 2
    out, err = capsys.readouterr()
    assert (out, f"{both} exclude each other" in err) == ("", True)


EXPLAINED = """\
EX406 (warning): the account of the target bucket is not named

A bucket's name can pass to somebody else once its owner deletes it. With the account, S3 refuses to
write to anybody else's bucket; without it, they would receive the files.

    # push_datasets/orders.yaml
    name: orders
    target_bucket: orders-landing
    users: [alpha_user_ana]
    paperwork: DPIA-1

Mend: Ask the recipient for their account id, and add `target_account:`.

    name: orders
    target_bucket: orders-landing
    target_account: "754256621582"
    users: [alpha_user_ana]
    paperwork: DPIA-1
"""


def test_findings_of_a_platform_that_requires_paperwork_are_errors_for_github(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_estate(
        tmp_path, platform=PLATFORM + "  paperwork: required\n", push=PUSH.replace("paperwork: DPIA-1\n", "")
    )
    assert main(["check", "--estate", str(folder), "--format", "github"]) == 1
    assert ",title=EX601::no paperwork is named" in capsys.readouterr().out
