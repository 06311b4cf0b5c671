"""A reader with an SSH key: the name that they log in with, and their public keys. AWS Transfer Family lets them in.

Effects: none. https://docs.aws.amazon.com/transfer/latest/userguide/service-managed-users.html
"""

import hashlib
import re
from dataclasses import dataclass

from data_exports.names import Identifier
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

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Of each key, sorted: the order of keys means nothing."""
        return tuple(sorted(key.fingerprint for key in self.keys))

    @property
    def words(self) -> tuple[str, str]:
        """What it is, in our words, and who."""
        keys = self.fingerprints
        return f"by SFTP with the SSH {'keys' if keys[1:] else 'key'} {', '.join(keys)}", str(self.name)

    @property
    def short_id(self) -> str:
        """8 hexadecimal digits that tell it from other readers; the same whatever its keys are."""
        return hashlib.sha256(f"sftp {self.name}".encode()).hexdigest()[:8]
