"""The names of change sets, which say from which commit a deployment is said to come."""

import re

import pytest

from data_exports.contract.change_sets import ClaimedCommit, change_set_name, claimed_commit

DIGEST, COMMIT = "ab" * 32, "0123456789" * 4


@pytest.mark.parametrize(
    "commit",
    [None, ClaimedCommit(COMMIT), ClaimedCommit(COMMIT, is_edited=True), ClaimedCommit("c" * 64, is_edited=True)],
)
def test_a_name_says_its_commit_and_is_one_that_cloudformation_takes(commit: ClaimedCommit | None) -> None:
    name = change_set_name(DIGEST, "0a1b2c3d", commit)
    assert claimed_commit(name, DIGEST) == commit
    assert re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", name)


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        (change_set_name(DIGEST, "0a1b2c3d", ClaimedCommit(COMMIT)), "cd" * 32),  # it brought another template
        ("", DIGEST),
        ("somebody-elses", DIGEST),
        (f"exports-{DIGEST[:12]}-0a1b2c3d", DIGEST),  # of an earlier version
        (f"exports-{DIGEST[:12]}-0a1b2c3d-{COMMIT[1:]}", DIGEST),
        (f"exports-{DIGEST[:12]}-0a1b2c3d-{COMMIT}-edite", DIGEST),
    ],
)
def test_any_other_name_says_nothing(name: str, digest: str) -> None:
    assert claimed_commit(name, digest) is None
