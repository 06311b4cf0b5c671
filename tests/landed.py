"""The program as it was last landed, whole, so that today's can be tried beside it: ``tests/golden/landed.tar.xz``.

In: the archive, and a folder for what is in it. Out: how to run the old program. Effects: writes that folder.

It is a file of the repository and no revision of git, so that a shallow clone and an unpacked release hold it as well.
What an archive was made of is in it: git writes the commit's id into its header. ``make landed`` makes it anew, once a
landing is done.
https://git-scm.com/docs/git-archive
"""

import io
import lzma
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

ARCHIVE = Path(__file__).parent / "golden" / "landed.tar.xz"
ROOT = Path(__file__).parents[1]
PACKED = ("src/data_exports",)


@dataclass(frozen=True, slots=True)
class Landed:
    """The old program, unpacked."""

    source: Path

    @property
    def environment(self) -> dict[str, str]:
        """With it `python -m data_exports` is the old program: PYTHONPATH comes before what is installed."""
        return {**os.environ, "PYTHONPATH": str(self.source)}


def unpack_landed(folder: Path) -> Landed:
    """Unpack the program that was last landed, by the filter that Python has had since 3.11.4 where it is there.

    https://docs.python.org/3/library/tarfile.html#supporting-older-python-versions
    """
    with tarfile.open(ARCHIVE) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        archive.extractall(folder)
    return Landed(folder / "src")


def landed_commit() -> str:
    """The id of the commit that the archive was made of."""
    with tarfile.open(ARCHIVE) as archive:
        return archive.pax_headers["comment"]


def packed(commit: str) -> bytes:
    """The program at a commit, as git packs it. Raises `CalledProcessError` where git does not know the commit."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", commit, *PACKED]
    return subprocess.run(command, check=True, capture_output=True).stdout


def contents(tar: bytes) -> dict[str, bytes]:
    """Name → bytes of each file of an archive."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read() for name, file in files.items() if file}


def main() -> None:
    """Record a commit as the last landed."""
    body = packed(sys.argv[1])
    ARCHIVE.write_bytes(lzma.compress(body, preset=9 | lzma.PRESET_EXTREME))
    print(f"{ARCHIVE.relative_to(ROOT)}: {landed_commit()}, {ARCHIVE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
