"""What is to be sent: files and folders on this machine, each file with its key in the hub.

In: paths and where below the dataset's prefix they go. Out: `Sources`. Effects: reads folders and the facts of files,
never their content. Everything that would be sent otherwise than meant is refused before anything is sent.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from mimetypes import MimeTypes
from pathlib import Path

from data_exports.errors import RefusedError, UsageError
from data_exports.limits import OBJECT_KEY_BYTES
from data_exports.names import KeyPrefix
from data_exports.text import counted, printable

SHOWN_AT_MOST = 10
IN_PARTS_FROM_BYTES = 8 * 1024 * 1024
"""From this size on a file goes up in parts."""
_BEYOND_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML has no way to write: https://www.w3.org/TR/xml/#charsets"""

_TYPES = MimeTypes(filenames=())  # Python's own table: the same on every machine
_TYPES.add_type("application/vnd.apache.parquet", ".parquet")
_TYPES.add_type("application/x-ndjson", ".jsonl")
_TYPES.add_type("application/x-ndjson", ".ndjson")
_TYPE_OF_ENCODING = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


@dataclass(frozen=True, slots=True)
class Source:
    """One file to send, as it was when it was looked at."""

    path: Path
    key: str
    size_bytes: int
    modified_ns: int

    @property
    def content_type(self) -> str | None:
        """Guessed from the name; None leaves it to S3. A compressed file is of its compression's type."""
        kind, encoding = _TYPES.guess_type(self.path.name)
        return _TYPE_OF_ENCODING.get(encoding) if encoding else kind

    def has_changed(self) -> bool:
        """Whether the file is not as it was."""
        try:
            now = self.path.stat()
        except OSError:
            return True
        return (now.st_size, now.st_mtime_ns) != (self.size_bytes, self.modified_ns)


@dataclass(frozen=True, slots=True)
class Sources:
    """All that is to be sent."""

    files: tuple[Source, ...]
    hidden: tuple[Path, ...] = ()
    """Files and folders within the folders that are left out, because their names begin with a dot."""

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(source.size_bytes for source in self.files)


def read_sources(
    paths: Sequence[Path],
    prefix: KeyPrefix,
    *,
    below: str = "",
    key: str = "",
    problem_of_name: Callable[[str], str] = lambda _: "",
) -> Sources:
    """The files, each under its name, and what is in the folders, each under its path within the folder.

    `below` is put between the dataset's prefix and these; `key` names the one file instead. Hidden files are sent when
    they are named themselves, not as part of a folder. `problem_of_name` tells why the recipient cannot hold a key.
    Raises `UsageError`, or `RefusedError` with all that stands in the way.
    """
    start = f"{prefix}{_parts_of(below, '--prefix')}/" if below else str(prefix)
    if key and (len(paths) != 1 or paths[0].is_dir()):
        raise UsageError("--key names one file", next_step="give one file, or use --prefix")
    found: list[Source] = []
    problems: list[str] = []
    hidden: list[Path] = []
    for path in paths:
        if path.is_dir():
            for inner in _walk(path, hidden, problems):
                _add(found, problems, inner, f"{start}{inner.relative_to(path).as_posix()}")
        else:
            _add(found, problems, path, f"{start}{_parts_of(key, '--key') if key else path.name}")
    problems += _collisions(found)
    for each in found:
        if problem := problem_of_name(each.key):
            problems.append(
                f"{each.path}: its recipient cannot hold {each.key}: {problem}; rename it, or send it alone with --key"
            )
    if problems:
        shown = "".join(f"\n  {printable(each)}" for each in problems[:SHOWN_AT_MOST])
        more = len(problems) - SHOWN_AT_MOST
        raise RefusedError(f"nothing was sent:{shown}" + (f"\n  and {more:,} more" if more > 0 else ""))
    if not found:
        left_out = f"; {counted(len(hidden), 'hidden name')} left out" if hidden else ""
        raise UsageError(f"there is no file to send{left_out}", next_step="name the files themselves")
    return Sources(tuple(sorted(found, key=lambda source: source.key)), tuple(hidden))


def _parts_of(text: str, option: str) -> str:
    """A path below the dataset's prefix. Raises `UsageError` for one that leads elsewhere."""
    path = text.strip("/") if option == "--prefix" else text
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise UsageError(
            f"{text!r} is no path below the dataset", where=option, next_step="write for example 2031/july"
        )
    return path


def _walk(folder: Path, hidden: list[Path], problems: list[str]) -> Iterator[Path]:
    """Every file below the folder, sorted; links to folders are problems: they may lead out, or in circles."""
    for place, folders, files in os.walk(folder, onerror=lambda error: problems.append(_words_of(error))):
        here = Path(place)
        hidden += [here / name for name in sorted(folders + files) if name.startswith(".")]
        for name in [name for name in folders if not name.startswith(".") and (here / name).is_symlink()]:
            problems.append(f"{here / name} is a link to a folder; name that folder itself to send it")
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for path in (here / name for name in sorted(files) if not name.startswith(".")):
            if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
                problems.append(f"{path} is a link that leads out of {folder}; name the file itself to send it")
            else:
                yield path


def _add(found: list[Source], problems: list[str], path: Path, key: str) -> None:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            problems.append(f"{path} is no ordinary file")
            return
        with path.open("rb"):
            pass
        size = len(key.encode())
    except UnicodeEncodeError:
        problems.append(f"{str(path)!a}: its name is not UTF-8; rename it")
    except OSError as error:
        problems.append(_words_of(error))
    else:
        if size > OBJECT_KEY_BYTES:
            problems.append(f"{path}: its key would have {size:,} bytes; S3 allows {OBJECT_KEY_BYTES:,}")
        # S3 answers the start of an upload in parts with the key, in XML that boto3 then cannot read, and the upload,
        # which has begun, stays: https://github.com/boto/botocore/issues/3496
        odd = _BEYOND_XML.search(key)
        if odd and facts.st_size >= IN_PARTS_FROM_BYTES:
            problems.append(
                f"{path}: a file of 8 MiB or more goes up in parts, and S3 cannot name those of a key that holds "
                f"{odd[0]!a}; rename it"
            )
        found.append(Source(path, key, facts.st_size, facts.st_mtime_ns))


def _collisions(found: Sequence[Source]) -> Iterator[str]:
    by_key: dict[str, Path] = {}
    for source in found:
        other = by_key.setdefault(source.key, source.path)
        if other is not source.path:
            yield f"{other} and {source.path} would both be {source.key}; send them apart, with --prefix"


def _words_of(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}"
