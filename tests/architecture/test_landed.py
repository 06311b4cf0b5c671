"""The program that was last landed is what git knows under its commit."""

import lzma
import subprocess

import pytest

from tests.landed import ARCHIVE, contents, landed_commit, packed


def test_the_archive_of_the_last_landed_program_holds_what_its_commit_holds() -> None:
    try:
        known = packed(landed_commit())
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip(f"git does not know {landed_commit()} here: a shallow clone, or no clone at all")
    assert contents(lzma.decompress(ARCHIVE.read_bytes())) == contents(known)
