"""A reader with an SSH key: the name that they log in with, and their public keys. AWS Transfer Family lets them in.

Effects: none. https://docs.aws.amazon.com/transfer/latest/userguide/service-managed-users.html
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from data_exports.names import Identifier, InvalidNameError
from data_exports.readers.ssh_keys import SshPublicKey

INCOMING = "incoming/"
"""Where in a pull dataset's bucket such readers write, where they may."""


class SftpName(Identifier):
    """What somebody logs in with by SFTP; AWS Transfer Family lets nobody in as ``root``.

    https://docs.aws.amazon.com/transfer/latest/APIReference/API_CreateUser.html
    https://docs.aws.amazon.com/transfer/latest/userguide/create-user.html
    """

    __slots__ = ()
    pattern = re.compile(r"(?!root$)[A-Za-z0-9_][A-Za-z0-9_@.-]{2,99}")
    reason = "is not a name to log in with by SFTP"
    hint = "use 3 to 100 letters, digits and _ @ . -, beginning with a letter, a digit or _; root is nobody's"


@dataclass(frozen=True, slots=True)
class SftpReader:
    """Somebody outside who logs in by SFTP."""

    name: SftpName
    keys: tuple[SshPublicKey, ...]
    """Sorted: their order means nothing."""
    names_sessions: ClassVar[bool] = False  # AWS Transfer Family does

    def __post_init__(self) -> None:
        """Sort the keys."""
        object.__setattr__(self, "keys", tuple(sorted(self.keys)))

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of each key, sorted."""
        return tuple(sorted(key.fingerprint for key in self.keys))

    @property
    def words(self) -> tuple[str, str]:
        """What it is, in our words, and what it is called and by what it proves that."""
        return "by SFTP", f"{self.name} (SSH {'keys' if self.keys[1:] else 'key'} {', '.join(self.fingerprints)})"

    @property
    def party(self) -> str:
        """The reader itself: who holds its keys, only its owner knows."""
        return f"sftp {self.name}"

    @property
    def party_words(self) -> tuple[str, str]:
        """The same for people."""
        return "whoever holds the SSH keys of", str(self.name)

    @property
    def label(self) -> str:
        """Who it is, in words, whatever its keys are."""
        return f"{self.name} by SFTP"

    @property
    def short_id(self) -> str:
        """8 hexadecimal digits that tell it from other readers; the same whatever its keys are."""
        return hashlib.sha256(f"sftp {self.name}".encode()).hexdigest()[:8]

    @property
    def declaration(self) -> dict[str, str | list[str]]:
        """What declares it."""
        return {"name": str(self.name), "keys": [str(key) for key in self.keys]}

    @property
    def known_as(self) -> tuple[str, ...]:
        """By what people may ask for it."""
        return (str(self.name), *self.fingerprints)


def sftp_reader_of(declared: Mapping[str, object]) -> SftpReader:
    """The reader that `SftpReader.declaration` was made of. Raises `InvalidNameError` for anything else."""
    name, keys = declared.get("name"), declared.get("keys")
    if set(declared) != {"name", "keys"} or not isinstance(name, str) or not isinstance(keys, list) or not keys:
        raise InvalidNameError("a reader by SFTP has a name and keys, and nothing else")
    return SftpReader(SftpName(name), tuple(SshPublicKey(str(key)) for key in keys))
