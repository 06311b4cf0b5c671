"""Findings as other programs read them: plain facts, GitHub's annotations, SARIF. Pure.

In: findings whose paths are already relative to where the reader starts. Out: values and lines to print.
"""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from data_exports import __version__
from data_exports.estate.codes import CODES, Code
from data_exports.estate.explanations import explanations
from data_exports.estate.findings import Finding, Severity
from data_exports.text import printable
from data_exports.views.reference import explain

ANNOTATIONS_PER_STEP = 10
"""Of each kind; GitHub drops the rest without a word.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands"""

SARIF_RESULTS = 25_000
"""GitHub refuses a run with more.
https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning"""

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def github_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Workflow commands that annotate a pull request, and plain lines for the findings that GitHub would drop."""
    for severity in Severity:
        of_kind = [finding for finding in findings if finding.severity is severity]
        shown = of_kind if len(of_kind) <= ANNOTATIONS_PER_STEP else of_kind[: ANNOTATIONS_PER_STEP - 1]
        for finding in shown:
            yield _annotation(finding)
        rest = of_kind[len(shown) :]
        if rest:
            yield f"::{severity} title=More findings::{len(rest)} more: they stand in the log of this step"
        for finding in rest:
            yield str(finding).replace("##[", "##\\x5b")  # the older form of a command, which may stand anywhere


def _annotation(finding: Finding) -> str:
    text = printable(finding.message) + (f"\nhint: {printable(finding.hint)}" if finding.hint else "")
    place = finding.place
    properties = {"file": printable(str(place.path)), "line": place.line, "col": place.column, "title": finding.code}
    said = ",".join(f"{name}={_escaped_property(str(value))}" for name, value in properties.items())
    return f"::{finding.severity} {said}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def sarif_of(findings: Sequence[Finding]) -> dict[str, object]:
    """A SARIF 2.1.0 log of one run; of too many findings the first errors, then the first warnings.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    kept = most_severe(findings, SARIF_RESULTS)
    codes = sorted({CODES[finding.code] for finding in kept})
    driver = {
        "name": "exports",
        "fullName": "exports check",
        "semanticVersion": __version__,
        "rules": [_sarif_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(finding, codes) for finding in kept],
    }
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def most_severe(findings: Iterable[Finding], most: int) -> list[Finding]:
    """At most so many findings, errors before warnings, sorted by place again."""
    by_severity = sorted(findings, key=lambda finding: finding.severity is not Severity.ERROR)
    return sorted(by_severity[:most])


def _sarif_rule(code: Code) -> dict[str, object]:
    about = explanations()[code]
    return {
        "id": str(code),
        "name": code.name.title().replace("_", ""),
        "shortDescription": {"text": code.meaning},
        "fullDescription": {"text": about.why},
        "help": {"text": f"{about.why} {about.mend}", "markdown": explain(code)},
        "defaultConfiguration": {"level": str(about.severity)},
    }


def _sarif_result(finding: Finding, codes: list[Code]) -> dict[str, object]:
    code = CODES[finding.code]
    text = printable(f"{finding.message}. Hint: {finding.hint}" if finding.hint else finding.message)
    # An undecodable byte in a file's name is a lone surrogate in the path; a URI holds the byte itself.
    uri = quote(finding.place.path.as_posix().encode(errors="surrogateescape"))
    location = {
        "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": finding.place.line, "startColumn": finding.place.column},
    }
    return {
        "ruleId": str(code),
        "ruleIndex": codes.index(code),
        "level": str(finding.severity),
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    }
