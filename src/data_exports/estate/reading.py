"""Bytes of one declaration → its mapping with a place for every value, or findings. Reads files, changes nothing.

In: a path inside an estate. Out: the top mapping as `Fields`, or ``None``, and what is wrong.
"""

import os
import stat
from pathlib import Path

from data_exports.estate.codes import Code
from data_exports.estate.findings import Finding
from data_exports.estate.models import Place
from data_exports.estate.nodes import Fields, Items, Node, Text
from data_exports.estate.parsing import UnparsableError, parse_nodes, place_after
from data_exports.limits import DECLARATION_BYTES

OPENING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
"""Without waiting, which opening a pipe otherwise does until somebody writes to it."""


def read_declaration(path: Path, *, within: Path | None) -> tuple[Fields | None, list[Finding]]:
    """The top mapping of a file, and the findings; ``None`` when there is none to go on with.

    `within` is the estate's folder: a link that leads out of it is not followed. With ``None`` no link is followed at
    all; the folder that holds the file has been looked at before.
    """
    try:
        text = text_of(read_bytes(path, within=within), path)
    except UnparsableError as stop:
        return None, [stop.finding]
    return parse_declaration(text, path)


def parse_declaration(text: str, path: Path) -> tuple[Fields | None, list[Finding]]:
    """As `read_declaration`, of a text that is or will be in the file; `path` is for the places only."""
    try:
        top, findings = parse_nodes(text, path)
        return _mapping(top, path), findings
    except UnparsableError as stop:
        return None, [stop.finding]


def find_outside(path: Path, *, within: Path) -> Finding | None:
    """A finding if a symbolic link at or above the path leads out of the estate."""
    real = os.path.realpath(path)
    if Path(real).is_relative_to(os.path.realpath(within)):
        return None
    hint = "put the file itself here: what is reviewed must be what is deployed"
    return Finding(Place(path), Code.OUTSIDE, f"leads out of the estate, to {real!r}", hint)


def is_link(path: Path) -> bool:
    """Whether the path is a symbolic link; no, if we may not look."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def unreadable(path: Path, error: OSError) -> Finding:
    """The finding for what the operating system said about a path."""
    reason = (error.strerror or type(error).__name__).lower()
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        reason = "the symbolic link leads to nothing"
    return Finding(Place(path), Code.UNREADABLE, f"cannot be read: {reason}", "mend it, or remove it from the estate")


def read_bytes(path: Path, *, within: Path | None) -> bytes:
    """What a declaration's file holds; `within` as for `read_declaration`. Raises `UnparsableError`."""
    if within and (outside := find_outside(path, within=within)):
        raise UnparsableError(outside)
    try:
        descriptor = os.open(path, OPENING | (0 if within else os.O_NOFOLLOW))
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                hint = "put a YAML file here, or remove it"
                raise UnparsableError(Finding(Place(path), Code.UNREADABLE, "is not a file", hint))
            data = _read_to_end(descriptor, chunk_bytes=min(about.st_size, DECLARATION_BYTES) + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnparsableError(unreadable(path, error)) from error
    if len(data) > DECLARATION_BYTES:
        message, hint = f"is larger than {DECLARATION_BYTES:,} bytes", "a declaration is one short file per dataset"
        raise UnparsableError(Finding(Place(path), Code.TOO_LARGE, message, hint))
    return data


def _read_to_end(descriptor: int, *, chunk_bytes: int) -> bytes:
    """What the file holds, or enough of it to see that it is too large.

    The chunk is as large as the file is said to be: setting the most aside for every one takes longer than reading it.
    """
    data = b""
    while len(data) <= DECLARATION_BYTES and (more := os.read(descriptor, chunk_bytes)):
        data += more
    return data


def text_of(data: bytes, path: Path) -> str:
    """The text that a declaration's bytes are; `path` is for the place only. Raises `UnparsableError`."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace")
        place = place_after(before, path)
        message = f"is not UTF-8: byte 0x{data[error.start]:02x} is no part of a character"
        raise UnparsableError(Finding(place, Code.NOT_UTF8, message, "save the file as UTF-8")) from error


def _mapping(top: Node | None, path: Path) -> Fields:
    hint = "write fields as `name: value`, one per line"
    match top:
        case Fields():
            return top
        case Items() as wrong:
            message = "the file is a list, not a mapping of fields"
            raise UnparsableError(Finding(wrong.place, Code.WRONG_SHAPE, message, hint))
        case Text(is_empty=False) as wrong:
            message = "the file is one text, not a mapping of fields"
            raise UnparsableError(Finding(wrong.place, Code.WRONG_SHAPE, message, hint))
        case _:
            raise UnparsableError(Finding(Place(path), Code.EMPTY, "declares nothing", f"{hint}, or remove the file"))
