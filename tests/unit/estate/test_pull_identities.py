"""Readers outside AWS in a declaration: read, written back, shaped by `exports fmt`."""

import json
from pathlib import Path

import pytest

from data_exports.estate.file_kinds import PULL
from data_exports.estate.formatter import CannotFormatError, format_declaration
from data_exports.estate.models import PullDataset
from data_exports.stacks.stack import declaration_of, plain_of
from data_exports.stacks.written import WrittenDataset, by_field_name, load_written
from tests.estates import PLATFORM, READERS_OUTSIDE_AWS, pull
from tests.unit.estate import written

PLAIN = """\
name: tables
pull_identities:
  - google:
      service_account: reader@reports.iam.gserviceaccount.com
      unique_id: "117203498723049872304"
      audience: https://exports.example.gov.uk
  # the tables' own copy
  - google_transfer: # of the project reports
      subject: "104320958746283910576"
  - azure:
      tenant: 1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394
      object: 8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5
      audience: api://exports
users:
  - alpha_user_ana
paperwork: DPIA-2
"""
MESSY = """\
name: tables
users: [alpha_user_ana]
paperwork: DPIA-2
pull_identities:
- {google: {service_account: reader@reports.iam.gserviceaccount.com, unique_id: 117203498723049872304,
   audience: 'https://exports.example.gov.uk'}}
# the tables' own copy
- google_transfer: {subject: '104320958746283910576'} # of the project reports
-   azure:
        tenant: 1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394
        object: 8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5
        audience: api://exports
"""


def test_fmt_writes_each_reader_on_lines_of_its_own() -> None:
    assert format_declaration(MESSY, Path("x.yaml"), PULL) == PLAIN
    assert format_declaration(PLAIN, Path("x.yaml"), PULL) == PLAIN


def test_fmt_leaves_other_nested_values_alone() -> None:
    with pytest.raises(CannotFormatError):
        format_declaration(PLAIN + "description: {a: {b: c}}\n", Path("x.yaml"), PULL)


def test_a_dataset_may_have_readers_outside_aws_alone(tmp_path: Path) -> None:
    (found,) = written.load(written.write_estate(tmp_path, pull=PLAIN)).require().pull_datasets
    assert (found.outsiders, found.identities) == ((), READERS_OUTSIDE_AWS[:3])


def test_what_a_template_tells_of_readers_is_read_back() -> None:
    declared = pull(identities=READERS_OUTSIDE_AWS, outsiders=(), paperwork=("DPIA-2",))
    told = json.loads(json.dumps(plain_of(by_field_name(declaration_of(declared), PULL))))
    platform = {
        name: plain_of(getattr(PLATFORM, name))
        for name in ("account", "region", "hub_bucket", "pull_bucket_prefix", "user_roles")
    }
    loaded = load_written(platform, [WrittenDataset(PULL, declared.name, told)])
    (found,) = loaded.require().pull_datasets
    assert isinstance(found, PullDataset)
    assert (found.identities, found.outsiders) == (READERS_OUTSIDE_AWS, ())
