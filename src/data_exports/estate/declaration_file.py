"""Bytes of one declaration → its mapping with a place for every value, or findings. Reads files, changes nothing.

In: a path inside an estate. Out: the top mapping as `Fields`, or ``None``, and what is wrong.
"""

import errno
import os
import stat
from pathlib import Path

from data_exports.estate.codes import Code
from data_exports.estate.findings import Finding, Place
from data_exports.estate.secrets import HeldSecretError, check_holds_no_secret
from data_exports.estate.yaml_tree import Fields, Items, Node, Text, UnparsableError, parse_yaml, place_after
from data_exports.limits import DECLARATION_BYTES
from data_exports.readers.ssh_keys import PrivateKeyError, check_holds_no_private_key

OPENING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
"""Without waiting, which opening a pipe otherwise does until somebody writes to it; and no symbolic link."""


def read_declaration(path: Path) -> tuple[Fields | None, list[Finding]]:
    """The top mapping of a file, and the findings; ``None`` when there is none to go on with."""
    try:
        text = decode_declaration(read_bytes(path), path)
    except UnparsableError as stop:
        return None, [stop.finding]
    return parse_declaration(text, path)


def parse_declaration(text: str, path: Path) -> tuple[Fields | None, list[Finding]]:
    """As `read_declaration`, of a text that is or will be in the file; `path` is for the places only."""
    try:
        check_no_secrets(text, path)
        top, findings = parse_yaml(text, path)
        return _mapping(top, path), findings
    except UnparsableError as stop:
        return None, [stop.finding]


def check_no_secrets(text: str, path: Path) -> None:
    """Stop at a secret, in whichever field or comment: what is wrong with a value is said with the value.

    Raises `UnparsableError`.
    """
    try:
        check_holds_no_secret(text)
        check_holds_no_private_key(text)
    except (HeldSecretError, PrivateKeyError) as error:
        code = Code.SECRET if isinstance(error, HeldSecretError) else Code.BAD_SSH_KEY
        place = place_after(text[: error.start], path)
        raise UnparsableError(Finding(place, code, str(error), error.hint)) from error


def linked(path: Path, what: str = "is a symbolic link") -> Finding:
    """The finding for what stands in the place of a file or folder, but leads elsewhere."""
    hint = "put the files themselves here: reviews, and CODEOWNERS, go by where a file lies"
    return Finding(Place(path), Code.LINK, what, hint)


def unreadable(path: Path, error: OSError) -> Finding:
    """The finding for what the operating system said about a path."""
    if error.errno == errno.ELOOP:  # what O_NOFOLLOW says of a link
        return linked(path)
    reason = (error.strerror or type(error).__name__).lower()
    return Finding(Place(path), Code.UNREADABLE, f"cannot be read: {reason}", "mend it, or remove it from the estate")


def read_bytes(path: Path, *, most: int = DECLARATION_BYTES) -> bytes:
    """What a file of an estate holds, a declaration unless `most` is more. Raises `UnparsableError`."""
    try:
        descriptor = os.open(path, OPENING)
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                hint = "put a YAML file here, or remove it"
                raise UnparsableError(Finding(Place(path), Code.UNREADABLE, "is not a file", hint))
            data = _read_to_end(descriptor, most, chunk_bytes=min(about.st_size, most) + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnparsableError(unreadable(path, error)) from error
    if len(data) > most:
        is_declaration = most == DECLARATION_BYTES
        hint = "a declaration is one short file per dataset" if is_declaration else "start a new one"
        message = f"is larger than {most:,} bytes"
        raise UnparsableError(Finding(Place(path), Code.TOO_LARGE, message, hint))
    return data


def _read_to_end(descriptor: int, most: int, *, chunk_bytes: int) -> bytes:
    """What the file holds, or enough of it to see that it is too large.

    The chunk is as large as the file is said to be: setting the most aside for every one takes longer than reading it.
    """
    data = b""
    while len(data) <= most and (more := os.read(descriptor, chunk_bytes)):
        data += more
    return data


def decode_declaration(data: bytes, path: Path) -> str:
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
