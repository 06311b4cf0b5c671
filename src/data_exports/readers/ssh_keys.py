"""Public SSH keys as OpenSSH writes them: one line, parsed as strictly as a server would.

In: text that somebody pasted. Out: an `SshPublicKey`, or `InvalidNameError` with a reason. Effects: none. What was
pasted stands in no message: it may be a private key.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Self

from data_exports.names import InvalidNameError

LEAST_RSA_BITS, MOST_RSA_BITS = 2048, 4096
"""Shorter ones are not safe, longer ones only slow.
https://csrc.nist.gov/pubs/sp/800/57/pt1/r5/final"""
_CURVES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
"""Curve → bytes of a point, uncompressed. https://www.rfc-editor.org/rfc/rfc5656#section-3.1"""
KEY_TYPES = ("ssh-ed25519", "ssh-rsa", *(f"ecdsa-sha2-{curve}" for curve in _CURVES))
"""What AWS Transfer Family takes from its users.
https://docs.aws.amazon.com/transfer/latest/userguide/key-management.html
https://docs.aws.amazon.com/transfer/latest/APIReference/API_ImportSshPublicKey.html"""
KEY_PATTERN = rf"\s*(?:{'|'.join(KEY_TYPES)})[ \t]+[A-Za-z0-9+/]+=*(?:[ \t].*)?"

_PRIVATE = re.compile(r"BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File|b3BlbnNzaC1rZXktdjE", re.IGNORECASE)
"""What private keys hold: PEM and OpenSSH, PuTTY's files, and the beginning of OpenSSH's own format in Base64.
https://www.rfc-editor.org/rfc/rfc7468#section-10
https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key"""
_UNSUPPORTED = {
    "ssh-dss": "a DSA key, which nobody should use any more",
    "sk-": "a key of a security key, which AWS Transfer Family does not take",
    "-cert-v01@openssh.com": "a certificate, which AWS Transfer Family does not take",
}
_HOW = "have its owner run `ssh-keygen -t ed25519`, and paste the one line of the file that ends in .pub"


def check_holds_no_private_key(text: str) -> None:
    """Raise `PrivateKeyError` for text that holds a private SSH key, whatever else it holds."""
    if found := _PRIVATE.search(text):
        raise PrivateKeyError(found.start())


class PrivateKeyError(InvalidNameError):
    """Somebody pasted a private key; `start` is its place in the text."""

    def __init__(self, start: int) -> None:
        """Say what to do with it, and nothing of it."""
        hint = (
            "take it out of this file and of git's history; its owner makes a new pair, for this one is no secret any"
        )
        super().__init__("this is a private key, which nobody but its owner may have", hint=f"{hint} more: {_HOW}")
        self.start = start


class SshPublicKey(str):
    """One public key: its type and its Base64, without the comment. Two keys are one if this text is."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Parse a line of OpenSSH; what follows the key, its comment, is left out."""
        check_holds_no_private_key(text)
        if "BEGIN" in text:
            raise InvalidNameError(
                "this is a public key in another form than OpenSSH's",
                hint="convert it with `ssh-keygen -i -f FILE`, and paste the one line that it prints",
            )
        words = text.split()
        if "\n" in text.strip() or len(words) < 2 or words[0] not in KEY_TYPES:
            raise InvalidNameError(_why_no_line(text, words), hint=_HOW)
        kind, encoded = words[:2]
        _check_blob(kind, _decoded(encoded))
        return super().__new__(cls, f"{kind} {encoded}")

    @property
    def fingerprint(self) -> str:
        """``SHA256:`` and 43 characters, as `ssh-keygen -l` shows it."""
        digest = hashlib.sha256(base64.b64decode(self.split(" ")[1])).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _why_no_line(text: str, words: list[str]) -> str:
    if not words:
        return "this is no SSH key: it is blank"
    if "\n" in text.strip():
        return "this is no SSH key: it has several lines"
    for mark, what in _UNSUPPORTED.items():
        if words[0].startswith(mark) or words[0].endswith(mark):
            return f"this is {what}"
    if any(word in KEY_TYPES for word in words[1:]):
        return "options stand before the SSH key, which mean nothing to AWS Transfer Family"
    if words[0] in KEY_TYPES:
        return f"this is no SSH key: nothing follows {words[0]}"
    return f"this is no SSH key of a type that AWS Transfer Family takes: {', '.join(KEY_TYPES)}"


def _decoded(encoded: str) -> bytes:
    try:
        blob = base64.b64decode(encoded, validate=True)
    except ValueError:  # no ASCII, or no Base64
        blob = b""
    if not blob or base64.b64encode(blob).decode() != encoded:
        raise InvalidNameError("this is no SSH key: its Base64 is damaged", hint=f"copy the whole line, or {_HOW}")
    return blob


def _check_blob(kind: str, blob: bytes) -> None:
    """Refuse a key that is not what its line says, is damaged, or is too short.

    https://www.rfc-editor.org/rfc/rfc4253#section-6.6
    https://www.rfc-editor.org/rfc/rfc8709#section-4
    """
    fields = list(_fields_of(blob))
    if not fields or fields[0] != kind.encode():
        raise InvalidNameError(f"the SSH key is not of the type that stands before it, {kind}", hint=_HOW)
    match kind.removeprefix("ecdsa-sha2-"), fields[1:]:
        case "ssh-ed25519", [point] if len(point) == 32:
            return
        case "ssh-rsa", [exponent, modulus] if _is_positive(exponent) and _is_positive(modulus):
            _check_rsa(int.from_bytes(exponent), int.from_bytes(modulus))
        case curve, [name, point] if curve in _CURVES and name == curve.encode() and _is_point(curve, point):
            return
        case _:
            raise InvalidNameError("this is no SSH key: it is damaged", hint=f"copy the whole line, or {_HOW}")


def _fields_of(blob: bytes) -> Iterator[bytes]:
    """The strings that a key is made of; none at all when it is cut, or something follows."""
    found, place = [], 0
    while place < len(blob):
        length = int.from_bytes(blob[place : place + 4])
        found.append(blob[place + 4 : place + 4 + length])
        place += 4 + length
    return iter(found if place == len(blob) else ())


def _is_positive(number: bytes) -> bool:
    """Whether a number stands as SSH writes one above 0: no leading zero but before a high bit."""
    return bool(number) and number[0] < 0x80 and (number[0] > 0 or (len(number) > 1 and number[1] >= 0x80))


def _is_point(curve: str, point: bytes) -> bool:
    return len(point) == _CURVES[curve] and point[0] == 4


def _check_rsa(exponent: int, modulus: int) -> None:
    bits = modulus.bit_length()
    if not LEAST_RSA_BITS <= bits <= MOST_RSA_BITS:
        message = f"the RSA key has {bits:,} bits; {LEAST_RSA_BITS:,} to {MOST_RSA_BITS:,} are taken"
        raise InvalidNameError(message, hint=_HOW)
    if exponent < 3 or exponent % 2 == 0 or modulus % 2 == 0:
        raise InvalidNameError("this is no SSH key: it is damaged", hint=f"copy the whole line, or {_HOW}")
