"""Rules on readers by SFTP, who are users of one server: across all datasets."""

from collections.abc import Iterator

from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft
from data_exports.estate.field_types import Located
from data_exports.estate.findings import Finding, Place
from data_exports.readers.sftp import SftpName
from data_exports.readers.ssh_keys import SshPublicKey


def check_platform_has_sftp(draft: EstateDraft) -> Iterator[Finding]:
    """A server that is paid by the hour stands because the platform says so."""
    if draft.platform is None or (f.SFTP in draft.platform and draft.platform[f.SFTP] is None):
        return
    if (setting := draft.setting(f.SFTP)) and setting.value:
        return
    for dataset in draft.pull:
        for reader in (dataset[f.SFTP_READERS] or ())[:1]:
            hint = "add `sftp: true` to exports.yaml, or remove the readers; `exports plan` says what it costs"
            yield Finding(reader.place, Code.NO_SFTP, "the platform has no SFTP", hint)


def check_sftp_names(draft: EstateDraft) -> Iterator[Finding]:
    """One server knows all of them: who logs in under a name is let in to one bucket."""
    first: dict[str, Place] = {}
    for name, _ in _readers(draft):
        key = name.value.lower()  # people do not tell them apart
        if key in first:
            message = f"the name {str(name.value)!r} is taken by {_where(first[key])}"
            hint = "give each reader of each dataset a name of its own, such as the organisation's and the dataset's"
            yield Finding(name.place, Code.SFTP_NAME_TAKEN, message, hint)
        first.setdefault(key, name.place)


def check_ssh_keys(draft: EstateDraft) -> Iterator[Finding]:
    """Whoever holds a key is one reader, and logs say who did what by the reader's name."""
    first: dict[SshPublicKey, tuple[SftpName, Place]] = {}
    for name, keys in _readers(draft):
        for key in keys:
            owner, place = first.setdefault(key.value, (name.value, key.place))
            if place == key.place:
                continue
            if owner == name.value:
                message = f"the SSH key {key.value.fingerprint} is listed twice"
                yield Finding(key.place, Code.SFTP_KEY_TAKEN, message, "keep one of the two")
            else:
                message = f"the SSH key {key.value.fingerprint} is that of {str(owner)!r}, too, in {_where(place)}"
                yield Finding(key.place, Code.SFTP_KEY_TAKEN, message, "ask for a key of its own for each name")


def _readers(draft: EstateDraft) -> Iterator[tuple[Located[SftpName], tuple[Located[SshPublicKey], ...]]]:
    for dataset in draft.pull:
        for reader in dataset[f.SFTP_READERS] or ():
            yield reader.value["name"], reader.value["keys"]


def _where(place: Place) -> str:
    return f"{place.path.parent.name}/{place.path.name}:{place.line}"
