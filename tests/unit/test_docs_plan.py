"""The guide shows a plan as `exports plan` really writes it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXPORTS = str(Path(sys.executable).parent / "exports")
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
PAROLE = """\
name: parole_reports
pull_arns:
  - arn:aws:iam::990011223344:role/parole-board-reader
users:
  - alpha_user_priya-raman
paperwork: https://example.gov.uk/dpia/1203
expires: 2031-03-31
"""


def _change(file: Path, pattern: str, text: str) -> None:
    """Replace what the pattern finds, which must be there."""
    changed, count = re.subn(pattern, text, file.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1, (file, pattern)
    file.write_text(changed)


def test_the_plan_in_the_guide_is_what_the_command_writes(tmp_path: Path) -> None:
    estate = tmp_path / "estate"
    shutil.copytree(ROOT / "examples" / "estate", estate)
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "--message=x"]):
        subprocess.run([*GIT, *words], cwd=estate, check=True)
    (estate / "pull_datasets" / "parole_reports.yaml").write_text(PAROLE)
    _change(estate / "pull_datasets" / "bail_research.yaml", "2033-06-30", "2036-06-30")
    _change(estate / "pull_datasets" / "custody_dashboard.yaml", "^pull_arns:", "allow_push: true\npull_arns:")
    _change(estate / "push_datasets" / "court_hearings.yaml", "^  - alpha_user_annika-lindqvist\n", "")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EXPORTS_")}
    command = [EXPORTS, "plan", "--base", "main"]
    done = subprocess.run(command, cwd=estate, env=environment, capture_output=True, text=True, check=True)
    page = (ROOT / "docs" / "review-and-deploy.md").read_text()
    shown = re.search(r"^\$ exports plan --base main\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    assert shown
    assert shown[1] == re.sub(r"main \([0-9a-f]{12}\)", "main (4f0c2a1b9d37)", done.stdout)
