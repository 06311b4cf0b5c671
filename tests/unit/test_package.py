"""The built package holds what the installed command needs beside its modules."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
BESIDE = {
    "estate/explanations.toml",
    "estate/new_estate.md",
    "estate/new_estate_github.md",
    "example_estate/.github/CODEOWNERS",
    "example_estate/.github/workflows/deploy.yaml",
    "example_estate/.github/workflows/drift.yaml",
    "example_estate/.github/workflows/pull-request.yaml",
    "example_estate/.github/workflows/register.yaml",
    "example_estate/exports.yaml",
    "local/no_server.pem",
    "views/register/assets/register.js",
    "views/register/templates/dataset.html",
}


def test_the_wheel_holds_texts_and_the_example_estate_with_its_workflows(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = {name.removeprefix("data_exports/") for name in zipfile.ZipFile(wheel).namelist()}
    assert BESIDE - names == set()
