"""Regions are those of the installed botocore, which `check` reads and does not import."""

import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from data_exports.estate.regions import known_regions
from data_exports.names import InvalidNameError, Region
from tests.unit.estate.written import write_estate


def test_the_regions_are_botocores_of_the_partition_aws() -> None:
    session = boto3.session.Session()
    assert "eu-west-2" in known_regions()
    assert set(known_regions()) >= set(session.get_available_regions("s3", "aws"))


@pytest.mark.parametrize(
    "partition", [each for each in boto3.session.Session().get_available_partitions() if each != "aws"]
)
def test_every_region_of_another_partition_is_refused_as_such(partition: str) -> None:
    for region in boto3.session.Session().get_available_regions("s3", partition):
        with pytest.raises(InvalidNameError, match="another AWS partition"):
            Region(region)


def test_check_imports_no_botocore(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from data_exports.estate.loader import load_estate;"
        "assert load_estate(Path(sys.argv[1])).findings == ();"
        "sys.exit(any(name.partition('.')[0] in ('boto3', 'botocore') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program, str(write_estate(tmp_path))], check=False).returncode == 0
