"""What is built for one recipient names nobody else: not in what is shown, nor in the source, nor to a search."""

from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_exports.names import AccountId
from tests.browser.sites import COMMITS, COURTS, DECISIONS, EXAMPLE, KEY_HOLDER, PROBATION, Sites
from tests.browser.visit import visiting

THEIRS = {
    PROBATION: {"victim_survey", "Probation Digital", "survey-loader", "AWSReservedSSO_survey-reader_0a1b2c3d4e5f6789"},
    COURTS: {"court_hearings", "court_outcomes", "Court Hearings Service", "hearings-landing-prod"},
    KEY_HOLDER: {"court_hearings", "prison_population", "Prison Population Forecasting", "population-forecast-inputs"},
}
"""What each may see of all that is named below: their exports, their own name, roles and buckets."""
OURS = {"593291632749", "Analytical Platform"}
FOLDERS = {PROBATION: "probation", COURTS: "courts", KEY_HOLDER: "keys"}


def names(repository: Path) -> Iterator[str]:
    """Every person, account, role, bucket, owner and dataset that the declarations, commits and reviews name."""
    platform = yaml.safe_load((repository / "exports.yaml").read_text(encoding="utf-8"))["platform"]
    for account, name in platform["accounts"].items():
        yield from (account, name)
    yield from platform["user_roles"]
    yield from platform["tags"].values()
    for path in repository.glob("*_datasets/*"):
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield declared["name"]
        yield from declared.get("users", ())
        yield declared.get("owner", "")
        yield declared.get("target_bucket", declared.get("bucket", ""))
        yield from (arn.rpartition("/")[2] for arn in declared.get("pull_arns", ()))
    for _, author, subject, *_paths in COMMITS:
        yield from (author, subject)
    yield "committer@example.gov.uk"
    for _, person, why in DECISIONS:
        yield from (person, why)


@pytest.mark.parametrize("account", [PROBATION, COURTS, KEY_HOLDER])
def test_every_other_name_is_nowhere(browser: Any, sites: Sites, files: str, account: AccountId) -> None:
    mine = THEIRS[account] | OURS | {account}
    known = {name for name in names(sites.repository) if len(name) > 3 and name not in ("true",)}
    assert mine <= known
    others = {name for name in known - mine if not any(name in one for one in mine)}
    assert len(others) > 40
    folder = sites.folder / FOLDERS[account]
    shown = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    with visiting(browser, f"{files}/{FOLDERS[account]}/index.html") as visit:
        for path in [path for path in shown if path.endswith(".html")]:
            visit.page.goto(f"{files}/{FOLDERS[account]}/{path}")
            shown[f"{path}, in the browser"] = visit.page.content() + visit.text + visit.page.title()
        visit.page.goto(f"{files}/{FOLDERS[account]}/index.html")
        for name in sorted(others):
            visit.page.get_by_role("searchbox").fill(name)
            assert visit.page.get_by_role("status").inner_text().startswith("0 of "), name
    found = {(path, name) for path, text in shown.items() for name in others if name.lower() in text.lower()}
    assert found == set()
    assert [name for name in THEIRS[account] if not any(name in text for text in shown.values())] == []


def test_the_whole_register_names_them_all(sites: Sites) -> None:
    text = "".join(unescape(path.read_text(encoding="utf-8")) for path in (sites.folder / "whole").rglob("*.html"))
    unnamed = {"alpha_user_*", "alpha_app_*", "committer@example.gov.uk", "The trial is over (#21)"}
    tags = set(yaml.safe_load((EXAMPLE / "exports.yaml").read_text(encoding="utf-8"))["platform"]["tags"].values())
    assert {name for name in names(sites.repository) if name not in text} <= unnamed | tags
