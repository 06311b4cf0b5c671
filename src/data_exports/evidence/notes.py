"""Signed notes: a text, and whose word it is; and keys as Go's tools take them.

In: text, keys, or whoever signs. Out: notes and back, or `NotSignedError`. Effects: none.
https://c2sp.org/signed-note
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from data_exports.evidence.ed25519 import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, is_signed_by

KEYS_FILE = "evidence-keys.txt"
"""In an estate's folder, and in bundles: the keys that sign, or have signed, a line each."""
Sign = Callable[[bytes], bytes]
_ED25519 = b"\x01"
_SPKI = bytes.fromhex("302a300506032b6570032100")
"""What a public key is wrapped in as KMS hands it out. https://www.rfc-editor.org/rfc/rfc8410#section-4"""
_SIGNED_LINE = "— "
LARGEST_KEYS_BYTES = 100_000
"""A file of keys that somebody else has made has no more: some hundreds of keys."""
_KEY_NAME = re.compile(r"[^\s+]+")


class NotSignedError(ValueError):
    """The text is no signed note, or nobody's who is known; `str()` says why."""


class NotOursError(NotSignedError):
    """It does not say that it is ours: it is some other file, and nobody has forged anything."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and the name it signs under; `str()` is how Go's tools take it."""

    name: str
    public_key: bytes

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """`<name>+<id>+<key>`. Raises `NotSignedError`."""
        match text.split("+", 2):
            case [name, identifier, encoded]:
                kind, key = base64_or_nothing(encoded)[:1], cls(name, base64_or_nothing(encoded)[1:])
                is_ed25519 = kind == _ED25519 and len(key.public_key) == PUBLIC_KEY_BYTES
                if is_ed25519 and key.identifier.hex() == identifier and _KEY_NAME.fullmatch(name):
                    return key
        raise NotSignedError("it is no Ed25519 verifier key, <name>+<id>+<key>")

    @classmethod
    def of_kms(cls, name: str, wrapped: bytes) -> "VerifierKey":
        """A key as KMS's GetPublicKey answers it. Raises `NotSignedError`."""
        if not wrapped.startswith(_SPKI) or len(wrapped) != len(_SPKI) + PUBLIC_KEY_BYTES:
            raise NotSignedError("it is no public key of Ed25519")
        return cls(name, wrapped[len(_SPKI) :])

    @property
    def identifier(self) -> bytes:
        """Four bytes by which a signature names its key."""
        return hashlib.sha256(f"{self.name}\n".encode() + _ED25519 + self.public_key).digest()[:4]

    def __str__(self) -> str:
        """The text."""
        return f"{self.name}+{self.identifier.hex()}+{base64.b64encode(_ED25519 + self.public_key).decode()}"


def keys_in(body: bytes) -> tuple[VerifierKey, ...]:
    """The keys that a file holds. Raises `NotSignedError`, also where there are none."""
    keys = tuple(VerifierKey.parse(line.strip()) for line in body.decode(errors="replace").split("\n") if line.strip())
    if not keys:
        raise NotSignedError("it holds no key")
    return keys


def signed_note(text: str, key: VerifierKey, sign: Sign) -> bytes:
    """The note of a text that ends a line; `sign` gives the signature of bytes by this key."""
    signature = base64.b64encode(key.identifier + sign(text.encode())).decode()
    return f"{text}\n{_SIGNED_LINE}{key.name} {signature}\n".encode()


def parts_of_note(note: bytes) -> tuple[str, list[str]]:
    """The text of a note, and the lines that sign it, whoever that is. Raises `NotOursError`."""
    try:
        text, found, signatures = note.decode().rpartition("\n\n")
    except ValueError as error:
        raise NotOursError("it is no text") from error
    if not found:
        raise NotOursError("it is no signed note")
    return f"{text}\n", signatures.split("\n")


def signed_text_in(note: bytes, keys: Iterable[VerifierKey]) -> tuple[str, VerifierKey]:
    """The text of a note, and which of these keys has signed it. Raises `NotSignedError`."""
    text, signatures = parts_of_note(note)
    known = {(key.name, key.identifier): key for key in keys}
    for line in signatures:
        name, _, encoded = line.removeprefix(_SIGNED_LINE).partition(" ")
        signature = base64_or_nothing(encoded)
        key = known.get((name, signature[:4]))
        if key and len(signature) == 4 + SIGNATURE_BYTES:
            if not is_signed_by(key.public_key, text.encode(), signature[4:]):
                raise NotSignedError("its signature is not of this text")
            return text, key
    raise NotSignedError("no key that is known has signed it")


def base64_or_nothing(text: str) -> bytes:
    """The bytes; none for what is no base64, or could be written otherwise: no bit of a note is without a meaning."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if base64.b64encode(found).decode() == text else b""
