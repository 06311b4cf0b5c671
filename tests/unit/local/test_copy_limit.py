"""S3 as AWS does it, where a real request would need gigabytes: the size a copy may have."""

from collections.abc import Iterator

import pytest
from ministack.services import s3

from data_exports.local.gaps.s3_objects import a_copy_holds_up_to_5_gib

LIMIT_BYTES = 5_368_709_120


@pytest.fixture
def source() -> Iterator[str]:
    """A bucket whose objects say how large they are, without being it."""
    objects = {"fits": {"size": LIMIT_BYTES}, "too-large": {"size": LIMIT_BYTES + 1}}
    s3._buckets["large-things"] = {"objects": objects}
    s3._object_versions[("large-things", "fits")] = [{"version_id": "v1", "size": LIMIT_BYTES + 1}]
    yield "large-things"
    del s3._buckets["large-things"], s3._object_versions[("large-things", "fits")]


def copy(source: str) -> int:
    def original(*_arguments: object) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b""

    status, _headers, _body = a_copy_holds_up_to_5_gib(original, "target", "k", {"x-amz-copy-source": source})
    return int(status)


def test_a_copy_of_five_gibibytes_is_taken_and_of_one_byte_more_refused(source: str) -> None:
    assert copy(f"{source}/fits") == 200
    assert copy(f"{source}/too-large") == 400


def test_the_size_that_counts_is_that_of_the_named_version(source: str) -> None:
    assert copy(f"{source}/fits?versionId=v1") == 400
    assert copy(f"{source}/fits?versionId=none") == 200


def test_a_source_that_is_not_there_is_left_to_the_emulator(source: str) -> None:
    assert copy(f"{source}/none") == 200
    assert copy("no-such-bucket/none") == 200
