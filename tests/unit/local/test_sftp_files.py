"""Paths of SFTP users: where they lead in S3, and that none leads out of a home."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_exports.local.gaps.sftp_files import S3Place, absolute_path, mapped_below, s3_place_of

HOME = {"HomeDirectoryType": "LOGICAL", "HomeDirectoryMappings": [{"Entry": "/", "Target": "/bucket/home"}]}
SEVERAL = {
    "HomeDirectoryType": "LOGICAL",
    "HomeDirectoryMappings": [
        {"Entry": "/in", "Target": "/bucket/incoming"},
        {"Entry": "/in/deep", "Target": "/other"},
        {"Entry": "/a/b", "Target": "/third/x/"},
    ],
}
PATH = {"HomeDirectoryType": "PATH", "HomeDirectory": "/bucket/home"}

segments = st.lists(st.one_of(st.sampled_from(["..", ".", "", "home", "bucket"]), st.text(max_size=5)), max_size=12)


@given(segments, st.booleans())
def test_no_path_leads_out_of_a_home(parts: list[str], is_absolute: bool) -> None:
    path = ("/" if is_absolute else "") + "/".join(parts)
    place = s3_place_of(HOME, path)
    assert place is not None
    assert (place.bucket, f"{place.key}/"[:5]) == ("bucket", "home/")
    assert ".." not in place.key.split("/")


@pytest.mark.parametrize(
    ("user", "path", "place"),
    [
        (HOME, ".", S3Place("bucket", "home")),
        (HOME, "a/./b//c/../d", S3Place("bucket", "home/a/b/d")),
        (HOME, "//a", S3Place("bucket", "home/a")),
        (SEVERAL, "/", None),
        (SEVERAL, "/x", None),
        (SEVERAL, "/inner", None),
        (SEVERAL, "/in", S3Place("bucket", "incoming")),
        (SEVERAL, "/in/x", S3Place("bucket", "incoming/x")),
        (SEVERAL, "/in/deep", S3Place("other", "")),
        (SEVERAL, "/in/deep/er", S3Place("other", "er")),
        (SEVERAL, "/a/b/c", S3Place("third", "x/c")),
        (PATH, ".", S3Place("bucket", "home")),
        (PATH, "x", S3Place("bucket", "home/x")),
        (PATH, "..", S3Place("bucket", "")),
        (PATH, "/other/x", S3Place("other", "x")),
        (PATH, "/", None),
        ({}, ".", None),
    ],
)
def test_a_path_leads_to_a_bucket_and_a_key(user: dict[str, object], path: str, place: S3Place | None) -> None:
    assert s3_place_of(user, path) == place


def test_folders_above_what_is_mapped_are_there() -> None:
    found = {path: mapped_below(SEVERAL, path) for path in ("/", "/a", "/a/b", "/in", "/x")}
    assert found == {"/": ["a", "in"], "/a": ["b"], "/a/b": [], "/in": ["deep"], "/x": []}
    assert absolute_path(PATH, ".") == "/bucket/home"
