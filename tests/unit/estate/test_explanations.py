"""Every code is explained, and what the explanations show is what `check` says."""

import json
import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from data_exports.access.sizes import with_sizes_checked
from data_exports.estate.codes import Code
from data_exports.estate.explanations import explanations
from data_exports.estate.findings import Finding
from data_exports.limits import DECLARATION_BYTES
from data_exports.reviews.checking import check_reviews_in
from data_exports.reviews.models import KEEP, REMOVE, Decision
from data_exports.views.reference import CODE_GROUPS, explain, findings_page, with_field_table
from tests.estates import at_azure
from tests.unit.estate import written
from tests.unit.reviews.of_estates import close, decide, write_review

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "findings.md"
PLATFORM = "exports.yaml"
PUSH = "push_datasets/orders.yaml"
PULL = "pull_datasets/tables.yaml"
EXPLAINED = explanations()
ACCOUNTS = '  accounts: {"318604275917": Prison Population Forecasting}\n'
LIVE = {
    Code.NO_SUCH_ROLE,
    Code.NO_SUCH_BUCKET,
    Code.OTHER_OWNER,
    Code.NOT_TOLD,
    Code.OTHER_EVIDENCE_KEY,
    Code.NO_FEDERATION,
}
"""Found by asking AWS: tests/emulator/test_check_live.py."""


def _good(folder: Path) -> Path:
    """A good estate under the file names of the page."""
    texts = {
        PLATFORM: written.PLATFORM + ACCOUNTS,
        PUSH: written.PUSH,
        PULL: written.PULL,
        "push_datasets/more.yaml": written.PUSH.replace("orders", "or_ders").replace("or_ders-landing", "more-landing"),
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _put(folder: Path, file: str, snippet: str, *, whole: bool) -> None:
    """Write a whole file, or a good one in which the snippet's fields take the place of those of the same name."""
    path = folder / file
    if not whole:
        indent = "  " if file == PLATFORM else ""
        names = re.findall(rf"^{indent}(\w+):", snippet, flags=re.MULTILINE)
        kept = [
            line
            for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
            if not any(line.startswith(f"{indent}{name}:") for name in names)
        ]
        snippet = "".join(kept) + snippet
    path.write_text(snippet, encoding="utf-8")


def _findings(folder: Path) -> tuple[Finding, ...]:
    loaded = with_sizes_checked(written.load(folder))
    return tuple(sorted([*loaded.findings, *check_reviews_in(folder, loaded, written.TODAY)]))


def _more(folder: Path, count: int) -> None:
    for number in range(count):
        text = written.PUSH.replace("name: orders", f"name: more_{number}")
        (folder / "push_datasets" / f"more_{number}.yaml").write_text(text, encoding="utf-8")


def _many_outsiders(folder: Path) -> None:
    arns = "".join(f"\n  - arn:aws:iam::754256621582:role/organisation-{number:03}" for number in range(400))
    _put(folder, PULL, f"pull_arns:{arns}\n", whole=False)


def _many_in_azure(folder: Path, count: int) -> None:
    there = json.dumps(at_azure().declaration)[1:-1]
    for number in range(count):
        text = f"name: azure_{number}\n{there}\npaperwork: DPIA-1\nusers: [alpha_user_{number}]\n"
        (folder / "push_datasets" / f"azure_{number}.yaml").write_text(text, encoding="utf-8")


def _many_audiences(folder: Path) -> None:
    readers = "".join(
        f"\n  - oidc: {{issuer: https://a.example.org, subject: s{number}, audience: a{number}}}"
        for number in range(101)
    )
    _put(folder, PULL, f"pull_identities:{readers}\n", whole=False)


def _replace(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(f" {old}", f" {new}", 1), encoding="utf-8")


def _change_after(review: Path) -> None:
    _put(review.parents[1], PUSH, "expires: 2035-03-31\n", whole=False)


def _closed(folder: Path, decision: Decision, day: date = written.TODAY) -> Path:
    path = write_review(folder)
    decide(path, lambda *_: decision)
    close(path, day)
    return path


BUILT: dict[Code, Callable[[Path], object]] = {
    Code.UNREADABLE: lambda folder: (folder / "push_datasets" / "gone.yaml").mkdir(),
    Code.LINK: lambda folder: (folder / "push_datasets" / "out.yaml").symlink_to(PAGE),
    Code.TOO_LARGE: lambda folder: (folder / PUSH).write_bytes(b"#" * (DECLARATION_BYTES + 1)),
    Code.NOT_UTF8: lambda folder: (folder / PUSH).write_bytes("owner: José\n".encode("latin-1")),
    Code.NOT_COUNTED: lambda folder: (folder / "push_datasets" / "orders.txt").touch(),
    Code.NO_DATASETS: lambda folder: (folder / "push_datasets").rename(folder / "push-datasets"),
    Code.SAME_FILE_NAME: lambda folder: (folder / PUSH).with_name("Orders.yaml").touch(),
    Code.HIDDEN_TEXT: lambda folder: (folder / PUSH).write_text(
        "# read only\u2028allow_push: true\n", encoding="utf-8"
    ),
    Code.TOO_MANY: lambda folder: _more(folder, 101),
    Code.SHARED_IDENTITY: lambda folder: _many_in_azure(folder, 2),
    Code.CROWDED_DOOR: lambda folder: _many_in_azure(folder, 21),
    Code.ROLE_POLICIES_TOO_LARGE: lambda folder: _more(folder, 40),
    Code.BUCKET_POLICY_TOO_LARGE: _many_outsiders,
    Code.TOO_MANY_AUDIENCES: _many_audiences,
    Code.NOT_REVIEWED: lambda folder: _closed(folder, KEEP, date(2029, 12, 15)),
    Code.REVIEW_OVERDUE: lambda folder: write_review(folder, due=date(2031, 1, 10)),
    Code.NOT_CARRIED_OUT: lambda folder: _closed(folder, REMOVE),
    Code.ACCESS_CHANGED: lambda folder: _change_after(write_review(folder)),
    Code.BAD_DECISION: lambda folder: _replace(write_review(folder), "decision:\n", "decision: yes\n"),
    Code.CLOSED_REVIEW_CHANGED: lambda folder: _replace(_closed(folder, REMOVE), "decision: remove", "decision: keep"),
}
"""Those that no text of a file can show."""


def test_every_code_is_explained_and_in_a_group() -> None:
    assert list(EXPLAINED) == list(Code)
    assert {code[:3] for code in Code} == set(CODE_GROUPS)


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == findings_page(), "make docs"


def test_the_table_of_fields_is_current() -> None:
    page = (DOCS / "request-an-export.md").read_text(encoding="utf-8")
    assert page == with_field_table(page), "make docs"
    assert "| push: `max_concurrency` | `5` | How many movers deliver the dataset at once; 5 unless set. |\n" in page


def test_only_codes_that_no_file_can_show_are_without_one() -> None:
    assert {code for code, about in EXPLAINED.items() if not about.file} == set(BUILT) | LIVE


def test_the_estate_around_the_examples_is_good(tmp_path: Path) -> None:
    assert _findings(_good(tmp_path)) == ()


@pytest.mark.parametrize("code", [code for code, about in EXPLAINED.items() if about.file], ids=lambda code: code.name)
def test_the_example_is_found_where_it_is_shown_and_is_gone_when_mended(code: Code, tmp_path: Path) -> None:
    about = EXPLAINED[code]
    folder = _good(tmp_path)
    if not (folder / about.file).exists():
        (folder / about.file).touch()
    before = {path: path.read_bytes() for path in folder.rglob("*.yaml")}
    _put(folder, about.file, about.wrong, whole=about.whole)
    found = {(each.place.path, each.severity) for each in _findings(folder) if each.code == code}
    assert found == {(folder / about.file, about.severity)}
    for path, data in before.items():
        path.write_bytes(data)
    if about.right:
        _put(folder, about.file, about.right, whole=about.whole)
        assert [each for each in _findings(folder) if each.code == code] == []


@pytest.mark.parametrize("code", BUILT, ids=lambda code: code.name)
def test_what_is_only_described_is_found_too(code: Code, tmp_path: Path) -> None:
    folder = _good(tmp_path)
    BUILT[code](folder)
    assert {each.severity for each in _findings(folder) if each.code == code} == {EXPLAINED[code].severity}


def test_names_that_differ_in_the_form_of_an_accent_are_one(tmp_path: Path) -> None:
    folder = _good(tmp_path)
    for name, dataset in (("caf\u00e9.yaml", "a"), ("cafe\u0301.yaml", "b")):
        text = written.PUSH.replace("name: orders", f"name: {dataset}")
        (folder / "push_datasets" / name).write_text(text, encoding="utf-8")
    (found,) = _findings(folder)
    assert (os.fspath(found.place.path.name), found.code) == ("caf\u00e9.yaml", Code.SAME_FILE_NAME)


def test_an_explanation_names_code_severity_example_and_mend() -> None:
    assert explain(Code.BAD_BOOLEAN) == (
        "### EX206: a value is neither true nor false\n\n"
        "*error.* YAML readers differ on `yes`, `on` and quoted words.\n\n"
        "```yaml\n# push_datasets/orders.yaml\nkeep_files: yes\n```\n\n"
        "**Mend:** Write `true` or `false`, without quotes.\n\n"
        "```yaml\nkeep_files: true\n```\n"
    )
