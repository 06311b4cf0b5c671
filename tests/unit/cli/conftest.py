"""What tests of commands share."""

from pathlib import Path

import pytest

from tests.unit.estate.written import write_estate


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good estate of one push and one pull dataset, which is the current folder."""
    monkeypatch.delenv("EXPORTS_ESTATE", raising=False)
    folder = write_estate(tmp_path / "estate")
    monkeypatch.chdir(folder)
    return folder
