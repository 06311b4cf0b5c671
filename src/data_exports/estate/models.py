"""The declarations as values: an `Estate` is the platform and its push and pull datasets.

Nothing here reads or checks; `drafts` makes these values, and only from declarations without errors in them. Defaults,
and what each field means, stand in the table in `fields`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from data_exports.destinations.kinds import AnyDestination, outside_destination_in
from data_exports.estate import fields as f
from data_exports.estate.email_addresses import address_in
from data_exports.estate.evidence_lock import EvidenceLock
from data_exports.estate.findings import Place
from data_exports.estate.promises import Due, Promise
from data_exports.names import (
    AccountId,
    BucketName,
    DatasetName,
    KeyPrefix,
    Outsider,
    Region,
    RoleArn,
    RoleName,
    access_log_bucket_of,
    evidence_bucket_of,
    hub_prefix_of,
    log_bucket_of,
    mover_name_of,
    mover_role_arn_of,
    pull_bucket_of,
    pull_role_of,
    pull_stack_of,
    push_stack_of,
)
from data_exports.readers.kinds import AnyReader, OutsideReader
from data_exports.readers.sftp import SftpReader
from data_exports.text import quoted


@dataclass(frozen=True, slots=True)
class Platform:
    """The settings in ``exports.yaml``."""

    account: AccountId
    region: Region
    hub_bucket: BucketName
    pull_bucket_prefix: str
    user_roles: tuple[str, ...]
    """Patterns (``*`` and ``?``) of the IAM roles that a dataset may name as its users."""
    account_names: tuple[tuple[AccountId, str], ...] = f.ACCOUNTS.default
    contact: str = f.CONTACT_OF_PLATFORM.default
    """Whom recipients turn to: an e-mail address or a page; "" when nobody is named."""
    paperwork: f.PaperworkPolicy = f.PAPERWORK_POLICY.default
    review_every: int = f.REVIEW_EVERY.default
    """Months within which every access is reviewed again."""
    audit: f.AuditTrail | None = f.AUDIT.default
    """What records each request for files with a promise; None: S3's own logs of the pull buckets alone."""
    sftp: bool = f.SFTP.default
    """Whether datasets may name `sftp_readers`."""
    evidence: EvidenceLock | None = f.EVIDENCE.default
    """For how long the log of what was delivered is locked; None: there is none."""
    receipts_days: int | None = f.RECEIPTS_DAYS.default
    """Days after which receipts are deleted; None: they are kept."""
    recovery_days: int = f.RECOVERY_DAYS.default
    """Days for which a delivered upload can still be recovered from the hub."""
    alerts: tuple[str, ...] = f.ALERTS.default
    """E-mail addresses."""
    mail_domains: tuple[str, ...] = f.MAIL_DOMAINS.default
    """Domains in which an address may be told of failures without a consent; each holds for those below it, too."""
    large_file_mib: int = f.LARGE_FILE_MIB.default
    """Size above which a file is copied in parts."""
    tags: tuple[tuple[str, str], ...] = f.TAGS.default
    place: Place = field(default=Place(Path("exports.yaml")), compare=False)

    @property
    def log_bucket(self) -> BucketName:
        """Receipts, templates and the mover's code."""
        return log_bucket_of(self.hub_bucket)

    @property
    def access_log_bucket(self) -> BucketName:
        """What S3 writes of the pull datasets' buckets: who used them."""
        return access_log_bucket_of(self.hub_bucket)

    @property
    def evidence_bucket(self) -> BucketName:
        """The log of receipts and deployments, where `evidence` asks for one."""
        return evidence_bucket_of(self.hub_bucket)

    def user_role_arn(self, user: RoleName) -> RoleArn:
        """The role of a user of this platform."""
        return RoleArn.of(self.account, user)

    def name_of_account(self, account: AccountId) -> str:
        """The account for people: ``"Cloud Platform" (754256621582)``, or the bare id when it has no name."""
        name = dict(self.account_names).get(account)
        return f"{quoted(name)} ({account})" if name else str(account)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dataset:
    name: DatasetName
    users: tuple[RoleName, ...]
    paperwork: tuple[str, ...] = f.PAPERWORK.default
    """Links or references of the impact assessment or sharing agreement; empty when there is none."""
    owner: str = f.OWNER.default
    description: str = f.DESCRIPTION.default
    expires: date | None = f.EXPIRES.default
    """The last day, in UTC, on which the access still holds."""
    place: Place = field(default=Place(Path("dataset.yaml")), compare=False)

    @property
    def owner_address(self) -> str:
        """The e-mail address in `owner`; "" when it holds none."""
        return address_in(self.owner)

    @property
    def until(self) -> datetime | None:
        """The moment the access ends: midnight UTC after the day `expires` names."""
        if self.expires is None:
            return None
        return datetime.combine(self.expires + timedelta(days=1), time(), UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDataset(_Dataset):
    """Senders write under ``s3://<hub>/<name>/``; every file is delivered to the destination."""

    destination: AnyDestination
    keep_files: bool = f.KEEP_FILES.default
    max_concurrency: int = f.MAX_CONCURRENCY.default
    """How many movers may deliver at once."""
    due: Promise | None = f.DUE.default
    """When a delivery is promised."""
    no_delivery_on: tuple[date, ...] = f.EXCEPT.default
    """``except``: days without one."""

    @property
    def is_to_unknown_account(self) -> bool:
        """Whether it goes to a bucket of S3, and nobody has declared whose."""
        return not self.destination.account and outside_destination_in(self.destination) is None

    def missed(self, last: datetime | None, now: datetime) -> Due | None:
        """The first promised delivery that is overdue since the `last` one; of an access that has ended, none is."""
        if self.due is None or (self.until and self.until <= now):
            return None
        return self.due.missed(last, now, frozenset(self.no_delivery_on))

    @property
    def prefix(self) -> KeyPrefix:
        """Where senders write in the hub; deliveries keep the whole key."""
        return hub_prefix_of(self.name)

    @property
    def mover_name(self) -> RoleName:
        """The name of the mover's Lambda and of its role."""
        return mover_name_of(self.name, keep_files=self.keep_files)

    def mover_role_arn(self, platform: Platform) -> RoleArn:
        """The mover's role, as the recipient names it."""
        return mover_role_arn_of(platform.account, self.name, keep_files=self.keep_files)

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack that holds everything of this dataset."""
        return push_stack_of(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullDataset(_Dataset):
    """A bucket of the dataset's own: users read and write it, readers read it (and write, with `allow_push`)."""

    outsiders: tuple[Outsider, ...] = f.PULL_ARNS.default
    """``pull_arns``."""
    sftp_readers: tuple[SftpReader, ...] = f.SFTP_READERS.default
    """Who logs in with an SSH key."""
    identities: tuple[AnyReader, ...] = f.PULL_IDENTITIES.default
    """``pull_identities``."""
    allow_push: bool = f.ALLOW_PUSH.default
    bucket_versioning: bool = f.BUCKET_VERSIONING.default

    def bucket(self, platform: Platform) -> BucketName:
        """The dataset's bucket."""
        return pull_bucket_of(platform.pull_bucket_prefix, self.name)

    @property
    def readers(self) -> tuple[OutsideReader, ...]:
        """All readers outside AWS."""
        return (*self.identities, *self.sftp_readers)

    def role_arn_of(self, reader: OutsideReader, platform: Platform) -> RoleArn:
        """The role of a reader outside AWS."""
        return RoleArn.of(platform.account, pull_role_of(self.name, reader.short_id))

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack that holds everything of this dataset."""
        return pull_stack_of(self.name)


Dataset = PushDataset | PullDataset


@dataclass(frozen=True, slots=True)
class Estate:
    """All declarations of one platform; datasets sorted by name."""

    platform: Platform
    push_datasets: tuple[PushDataset, ...]
    pull_datasets: tuple[PullDataset, ...]

    def datasets(self) -> Iterator[Dataset]:
        """Every dataset, push before pull, by name."""
        yield from self.push_datasets
        yield from self.pull_datasets
