"""The heads that a witness keeps, as they are found: ours, and nothing of strangers beside them."""

import io
from pathlib import Path
from typing import Any

import pytest

from data_exports.errors import UsageError
from data_exports.names import BucketName
from data_exports.operate.witness import read_witness
from tests.aws_answers import AwsAnswers

EVIDENCE = BucketName("example-hub-evidence")
OURS = f"exports/{EVIDENCE}/2031-03-31"
STRANGERS = (
    "readme.txt",
    "exports/2031-03-31",
    "exports/another-hub-evidence/2031-03-31",
    f"exports/{EVIDENCE}/readme.txt",
    f"exports/{EVIDENCE}/2031-03-31.txt",
    f"exports/not-{EVIDENCE}/2031-03-31",
)


def aws_with(*keys: str) -> AwsAnswers:
    def listed(*, Bucket: str, Prefix: str) -> Any:  # noqa: N803 - boto3's
        return [{"Contents": [{"Key": key} for key in sorted(keys) if key.startswith(Prefix)]}]

    def get(*, Bucket: str, Key: str) -> Any:  # noqa: N803
        return {"Body": io.BytesIO(f"{Bucket} {Key}".encode())}

    return AwsAnswers({"list_objects_v2": listed, "get_object": get})


@pytest.mark.parametrize("place", ["", "/", "/exports", "/exports/", f"/exports/{EVIDENCE}/", f"/{OURS}"])
def test_in_a_bucket_the_heads_lie_where_the_notary_puts_them(place: str) -> None:
    found = read_witness(f"s3://their-heads{place}", aws_with(OURS, *STRANGERS), EVIDENCE)
    assert found == {f"s3://their-heads/{OURS}": f"their-heads {OURS}".encode()}


def test_a_bucket_without_heads_of_this_log_keeps_none() -> None:
    with pytest.raises(UsageError, match="the witness keeps no head there"):
        read_witness("s3://their-heads/", aws_with(*STRANGERS), EVIDENCE)


def test_a_file_that_is_named_is_read_whatever_it_is_called() -> None:
    found = read_witness("s3://their-heads/readme.txt", aws_with(OURS, *STRANGERS), EVIDENCE)
    assert list(found) == ["s3://their-heads/readme.txt"]


def test_a_folder_holds_heads_by_any_name_and_below_it_those_of_this_log(tmp_path: Path) -> None:
    for path in (OURS, *STRANGERS):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    found = read_witness(str(tmp_path), aws_with(), EVIDENCE)
    assert found == {str(tmp_path / path): path.encode() for path in (OURS, "readme.txt")}
    alone = tmp_path / OURS
    assert read_witness(str(alone), aws_with(), EVIDENCE) == {str(alone): OURS.encode()}
