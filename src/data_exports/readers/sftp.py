"""A reader with an SSH key: the name that they log in with, and their public keys. AWS Transfer Family lets them in.

Effects: none. https://docs.aws.amazon.com/transfer/latest/userguide/service-managed-users.html
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from data_exports.instructions import Instruction
from data_exports.names import Identifier, InvalidNameError
from data_exports.readers.guide import Guide, ReaderWay
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
class SftpAddress:
    """Where readers log in, and what tells that server from any other."""

    host: str
    host_key: str
    """The fingerprint of its host key as `ssh-keygen -l` shows it: ``SHA256:`` and 43 characters."""


NO_ADDRESS = SftpAddress("HOST", "FINGERPRINT")
"""What stands in its place before there is a server."""


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
    def identity(self) -> str:
        """What makes two readers one, whatever their keys are."""
        return f"sftp {self.name}"

    @property
    def short_id(self) -> str:
        """8 hexadecimal digits of a digest of its identity."""
        return hashlib.sha256(self.identity.encode()).hexdigest()[:8]

    @property
    def declaration(self) -> dict[str, str | list[str]]:
        """What declares it."""
        return {"name": str(self.name), "keys": [str(key) for key in self.keys]}

    @property
    def known_as(self) -> tuple[str, ...]:
        """By what people may ask for it."""
        return (str(self.name), *self.fingerprints)

    def guide(self, way: ReaderWay, address: SftpAddress) -> Guide:
        """How to log in: the server's name and its host key's fingerprint are what no other server may have.

        https://docs.aws.amazon.com/transfer/latest/userguide/transfer-file.html
        """
        known = f"{way.profile}.known_hosts"
        keys = " or ".join(self.fingerprints)
        return Guide(
            needs=f"Any program that speaks SFTP, and the private key of {keys}: below it is the file PRIVATE_KEY. It "
            "stays with you; we know its public half alone. Port 22 must be open for you to the server.",
            steps=(
                Instruction(
                    "Fetch the host key of the server, and see that it is the right one: the second command shows its "
                    f"fingerprint, which must be {address.host_key}. If it is another, do not log in, and tell us.",
                    lines=(f"ssh-keyscan {address.host} > {known}", f"ssh-keygen -l -f {known}"),
                ),
            ),
            use=(
                *self._with_openssh(way, address, known),
                *self._with_rclone(way, address, known),
                self._with_winscp(way, address),
            ),
            to_know="A new key, or another one besides, is put in place when you send us its public half. Should the "
            "server ever get another name or host key, we tell you before: trust no other source.",
            premise="That takes no account at AWS: you log in by SFTP, with your SSH key."
            + (f" You may also hand in files, under {INCOMING}." if way.may_write else ""),
            to_keep="Send nobody the private key.",
        )

    def _with_openssh(self, way: ReaderWay, address: SftpAddress, known: str) -> Iterator[Instruction]:
        """https://man.openbsd.org/sftp."""
        options = f"-i PRIVATE_KEY -o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes"
        there, folder = f"{options} {self.name}@{address.host}", way.dataset
        yield Instruction("To look around:", lines=(f"sftp {there}",))
        fetch = (f"mkdir -p {folder}", f"echo 'get -R /* {folder}/' | sftp -b - {there}")
        yield Instruction("To fetch all files:", lines=fetch)
        if way.may_write:
            yield Instruction(
                f"To hand in a file, under {INCOMING}. It cannot be renamed or removed there afterwards, so a program "
                "must not upload it under another name first.",
                lines=(f"echo 'put FILE {INCOMING}FILE' | sftp -b - {there}",),
            )

    def _with_rclone(self, way: ReaderWay, address: SftpAddress, known: str) -> Iterator[Instruction]:
        """https://rclone.org/sftp/."""
        remote = way.profile
        server = (f"[{remote}]", "type = sftp", f"host = {address.host}", f"user = {self.name}")
        keys = ("key_file = PRIVATE_KEY", f"known_hosts_file = {known}")
        quirks = ("shell_type = none", "disable_hashcheck = true", "set_modtime = false")
        yield Instruction("As a remote of rclone, in rclone.conf:", lines=(*server, *keys, *quirks))
        copies = [f"rclone copy {remote}:/ {way.dataset}/"]
        copies += [f"rclone copy --inplace FILE {remote}:/{INCOMING}"] if way.may_write else []
        yield Instruction("With that remote:", lines=tuple(copies))

    def _with_winscp(self, way: ReaderWay, address: SftpAddress) -> Instruction:
        """https://winscp.net/eng/docs/ui_login."""
        rows = [
            ("File protocol", "SFTP"),
            ("Host name", address.host),
            ("Port number", "22"),
            ("User name", str(self.name)),
            ("Private key file", "yours, as a .ppk (Advanced, SSH, Authentication; PuTTYgen makes one)"),
            ("Host key", f"accept it only if WinSCP shows {address.host_key}"),
        ]
        if way.may_write:
            rows.append(("Temporary filenames", "Disable (Preferences, Transfer, Endurance)"))
        return Instruction("In WinSCP:", lines=tuple(f"{title + ':':<21}{text}" for title, text in rows))


def sftp_reader_of(declared: Mapping[str, object]) -> SftpReader:
    """The reader that `SftpReader.declaration` was made of. Raises `InvalidNameError` for anything else."""
    name, keys = declared.get("name"), declared.get("keys")
    if set(declared) != {"name", "keys"} or not isinstance(name, str) or not isinstance(keys, list) or not keys:
        raise InvalidNameError("a reader by SFTP has a name and keys, and nothing else")
    return SftpReader(SftpName(name), tuple(SshPublicKey(str(key)) for key in keys))
