"""Grants as people think of them: one `Access` for each principal and dataset.

In: grants. Out: `Access` values, which keep the grants they were made from. Effects: none. A principal's grants on one
dataset are several, because IAM names buckets and objects apart; a reviewer sees one access.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from data_exports.access.grants import PULL_READERS, Grant, Role
from data_exports.access.statements import KEY_ARNS
from data_exports.destinations.kinds import OutsideDestination
from data_exports.json_values import json_as
from data_exports.names import AccountId, AccountRootArn, DatasetName, Outsider
from data_exports.readers.kinds import OutsideReader
from data_exports.readers.sftp import INCOMING, SftpReader

_S3 = "arn:aws:s3:::"
_READ = "s3:GetObject"
_WRITE = "s3:PutObject"
_DELETE = "s3:DeleteObject"
_READ_VERSION = "s3:GetObjectVersion"
"""The action that tells a mover's grant on the hub from its others."""
_TELLING = {Role.MOVER: "s3:PutObjectAcl", Role.SENDER: _WRITE}
"""Role → the action that tells the grant on the data itself from those on the platform's records."""


class UnclearGrantsError(ValueError):
    """These grants do not add up to an access; `str()` says why."""


@json_as("dataset role principal account where read=reads write=writes key keeps_files last_day until paperwork")
@dataclass(frozen=True)
class Access:
    """What one principal may do with the data of one dataset."""

    grants: tuple[Grant, ...]
    """All of them, sorted; the rest is told from them."""

    @property
    def dataset(self) -> DatasetName:
        """The dataset."""
        return self.grants[0].dataset

    @property
    def role(self) -> Role:
        """In which role of the product."""
        return self.grants[0].role

    @property
    def principal(self) -> Outsider:
        """Who."""
        return self.grants[0].principal

    @cached_property
    def where(self) -> str:
        """Where the data is, as ``s3://bucket`` or ``s3://bucket/prefix/``; of a mover, where it delivers to."""
        resource = self._data.resource
        where = f"s3://{resource.removeprefix(_S3)}" if resource.startswith(_S3) else resource
        return where.removesuffix("*").removesuffix("/") + ("/" if self.role in (Role.SENDER, Role.MOVER) else "")

    @property
    def reads(self) -> bool:
        """Whether objects may be read there."""
        return _READ in self._data.actions

    @property
    def writes(self) -> bool:
        """Whether objects may be written or deleted there."""
        if self.role is Role.SFTP:
            return any(_WRITE in grant.actions for grant in self.grants)
        return self.destination is not None or _WRITE in self._data.actions or _DELETE in self._data.actions

    @property
    def where_written(self) -> str:
        """Where objects may be written, of somebody who may read all of it: all of it, unless SFTP says less."""
        return f"{self.where}/{INCOMING}" if self.role is Role.SFTP else self.where

    @property
    def ssh_keys(self) -> frozenset[str]:
        """The fingerprints of the keys that let somebody in by SFTP."""
        return frozenset(self.reader.fingerprints if isinstance(self.reader, SftpReader) else ())

    @property
    def until(self) -> datetime | None:
        """The moment it ends, if it does: the first at which IAM refuses."""
        return self._data.until

    @property
    def last_day(self) -> date | None:
        """The last day, in UTC, on which it holds."""
        return self._data.last_day

    @property
    def paperwork(self) -> tuple[str, ...]:
        """On what grounds."""
        return self._data.why

    @property
    def recipient(self) -> AccountId | None:
        """Of a mover: the account that the recipient's bucket must belong to, if it is named."""
        return self._data.owner_account

    @property
    def key(self) -> str | None:
        """Of a mover: the key it encrypts with at the recipient, if one is named."""
        return next((grant.resource for grant in self.grants if grant.resource.startswith(KEY_ARNS)), None)

    @property
    def keeps_files(self) -> bool | None:
        """Of a mover: whether delivered files stay in the hub."""
        if self.role is not Role.MOVER:
            return None
        return not any(_DELETE in grant.actions and _READ_VERSION in grant.actions for grant in self.grants)

    @property
    def account(self) -> AccountId | None:
        """The account that the data is opened to: an outsider's or a recipient's.

        None when it is not named, and of a reader outside AWS, who has none.
        """
        if self.reader:
            return None
        return self.recipient if self.role is Role.MOVER else self.principal.account

    @property
    def reader(self) -> OutsideReader | None:
        """Of a reader outside AWS: who it is."""
        return self.grants[0].reader

    @property
    def destination(self) -> OutsideDestination | None:
        """Of a mover to a recipient outside AWS: who that is."""
        return self._data.destination

    @property
    def party(self) -> str:
        """Whom the data is opened to: an account, a bucket whose account is not named, or whoever is outside AWS."""
        if somebody := self.reader or self.destination:
            return somebody.party
        return self.account or self.bucket

    @property
    def bucket(self) -> str:
        """``s3://bucket``, or the address of a recipient's place outside AWS."""
        return self.destination.uri if self.destination else "/".join(self.where.split("/")[:3])

    @property
    def party_words(self) -> tuple[str, str]:
        """Of somebody outside AWS: the party in words, as `FederatedReader.party_words`; else empty."""
        if self.destination:
            return self.destination.words
        return self.reader.party_words if self.reader else ("", "")

    @property
    def is_outside(self) -> bool:
        """Whether it opens data to somebody who is not a user of the platform."""
        return self.role is Role.MOVER or self.role in PULL_READERS

    @property
    def is_of_everybody(self) -> bool:
        """Whether it is a whole account's: whoever that account chooses."""
        return isinstance(self.principal, AccountRootArn)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes two accesses, before and after, one and the same; a dataset has one mover, whatever its name.

        Another reader is another one, also under a role whose name was found to be the same.
        """
        who = self.reader.identity if self.reader else self.principal
        return (self.dataset, self.role, "" if self.role is Role.MOVER else who)

    def has_ended(self, now: datetime) -> bool:
        """Whether IAM's clock has ended it by this moment."""
        return self.until is not None and self.until <= now

    @cached_property
    def _data(self) -> Grant:
        """The grant on the data itself."""
        wanted = _TELLING.get(self.role)
        for grant in self.grants:
            on_objects = grant.resource.endswith("/*") and (grant.resource.startswith(_S3) or not grant.is_of_aws)
            if on_objects and (wanted is None or wanted in grant.actions or not grant.is_of_aws):
                return grant
        raise UnclearGrantsError(f"the grants of {self.principal} in {self.dataset} reach no objects")


def accesses_of(grants: Iterable[Grant]) -> tuple[Access, ...]:
    """The accesses that these grants amount to, sorted. Raises `UnclearGrantsError`."""
    groups: dict[tuple[str, str, str], list[Grant]] = {}
    for grant in grants:
        groups.setdefault((grant.dataset, grant.role, grant.principal), []).append(grant)
    found = [Access(tuple(sorted(of_one, key=_order))) for _, of_one in sorted(groups.items())]
    for access in found:
        _ = access.where  # whatever cannot be told is found out here
    return tuple(found)


def _order(grant: Grant) -> tuple[str, ...]:
    return (grant.resource, *grant.actions)
