"""Writes small estates to a folder, and reads findings back with paths from there."""

from datetime import date
from pathlib import Path

from data_exports.estate.loader import Loaded, load_estate

TODAY = date(2031, 1, 15)

PLATFORM = """\
platform:
  account: "593291632749"
  region: eu-west-1
  hub_bucket: mojap-hub-exports
  pull_bucket_prefix: mojap-
  user_roles: [alpha_user_*]
  contact: https://example.gov.uk/exports
  alerts: [exports@example.gov.uk]
"""
PUSH = """\
name: orders
target_bucket: orders-landing
target_account: "754256621582"
users: [alpha_user_ana]
paperwork: DPIA-1
"""
PULL = """\
name: tables
pull_arns: [arn:aws:iam::754256621582:role/reader]
users: [alpha_user_ana]
paperwork: DPIA-2
"""


def write_estate(folder: Path, **files: str | bytes) -> Path:
    """Write a good estate of one push and one pull dataset; `platform`, `push`, `pull` replace what is in the files.

    Other names are files of their own, with two underscores for ``/`` and without ``.yaml``.
    """
    contents: dict[str, str | bytes] = {
        "exports.yaml": files.pop("platform", PLATFORM),
        "push_datasets/a.yaml": files.pop("push", PUSH),
        "pull_datasets/b.yaml": files.pop("pull", PULL),
        **{f"{name.replace('__', '/')}.yaml": content for name, content in files.items()},
    }
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def load(folder: Path) -> Loaded:
    """The estate as it is on `TODAY`."""
    return load_estate(folder, today=TODAY)


def said(folder: Path) -> list[str]:
    """Each finding as one line, hint behind an arrow, paths from `folder`."""
    found = load(folder).findings
    return [
        f"{finding.place.path.relative_to(folder)}:{finding.place.line}:{finding.place.column} "
        f"{finding.code} {finding.severity}: {finding.message} -> {finding.hint}"
        for finding in found
    ]
