"""Declarations as far as they could be read: every value with its place, ``None`` where it is missing or wrong.

`rules` looks at drafts, so that one wrong field does not hide what is wrong with the others. Drafts without errors in
them become the models.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from data_exports.destinations.s3.destination import S3Destination
from data_exports.estate.models import DEFAULT_MAX_CONCURRENCY, Outsider, Place, Platform, PullDataset, PushDataset
from data_exports.estate.paperwork import is_paperwork
from data_exports.estate.values import Sited
from data_exports.names import AccountId, BucketName, DatasetName, KmsKeyArn, Region, RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformDraft:
    """``exports.yaml``."""

    place: Place
    account: Sited[AccountId] | None = None
    region: Sited[Region] | None = None
    hub_bucket: Sited[BucketName] | None = None
    pull_bucket_prefix: Sited[str] | None = None
    user_roles: tuple[Sited[str], ...] | None = None
    accounts: tuple[tuple[Sited[AccountId], Sited[str]], ...] = ()
    paperwork: Literal["warn", "required"] = "warn"
    recovery_days: int = 7
    large_file_mib: int = 256
    alerts: tuple[Sited[str], ...] | None = None
    """``None`` when there is no such field."""
    mail_domains: tuple[Sited[str], ...] = ()
    tags: tuple[tuple[Sited[str], Sited[str]], ...] = ()

    def model(self) -> Platform | None:
        """The platform, or ``None`` if a required value is missing."""
        if not (self.account and self.region and self.hub_bucket and self.pull_bucket_prefix and self.user_roles):
            return None
        return Platform(
            account=self.account.value,
            region=self.region.value,
            hub_bucket=self.hub_bucket.value,
            pull_bucket_prefix=self.pull_bucket_prefix.value,
            user_roles=tuple(pattern.value for pattern in self.user_roles),
            account_names=tuple((account.value, name.value) for account, name in self.accounts),
            paperwork=self.paperwork,
            recovery_days=self.recovery_days,
            large_file_mib=self.large_file_mib,
            alerts=tuple(address.value for address in self.alerts or ()),
            mail_domains=tuple(domain.value for domain in self.mail_domains),
            tags=tuple((key.value, value.value) for key, value in self.tags),
            place=self.place,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _DatasetDraft:
    place: Place
    name: Sited[DatasetName] | None = None
    users: tuple[Sited[RoleName], ...] = ()
    paperwork: tuple[Sited[str], ...] | None = ()
    """``None`` when it could not be read, which has been reported."""
    owner: Sited[str] | None = None
    description: Sited[str] | None = None
    expires: Sited[date] | None = None

    def placeholders(self) -> tuple[Sited[str], ...]:
        """What stands for paperwork that is still to come."""
        return tuple(entry for entry in self.paperwork or () if not is_paperwork(entry.value))

    def real_paperwork(self) -> tuple[str, ...]:
        """The paperwork without placeholders."""
        return tuple(entry.value for entry in self.paperwork or () if is_paperwork(entry.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDraft(_DatasetDraft):
    """A file of ``push_datasets``."""

    target_bucket: Sited[BucketName] | None = None
    target_account: Sited[AccountId] | None = None
    names_account: bool = False
    """Whether the field `target_account` is there, right or wrong."""
    keep_files: bool = False
    target_kms_key: Sited[KmsKeyArn] | None = None
    max_concurrency: Sited[int] | None = None

    def model(self) -> PushDataset | None:
        """The dataset, or ``None`` if a required value is missing."""
        if not (self.name and self.users and self.target_bucket):
            return None
        return PushDataset(
            name=self.name.value,
            users=tuple(user.value for user in self.users),
            paperwork=self.real_paperwork(),
            owner=_text_of(self.owner),
            description=_text_of(self.description),
            expires=self.expires.value if self.expires else None,
            place=self.place,
            destination=S3Destination(
                self.target_bucket.value,
                self.target_account.value if self.target_account else None,
                self.target_kms_key.value if self.target_kms_key else None,
            ),
            keep_files=self.keep_files,
            max_concurrency=self.max_concurrency.value if self.max_concurrency else DEFAULT_MAX_CONCURRENCY,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PullDraft(_DatasetDraft):
    """A file of ``pull_datasets``."""

    outsiders: tuple[Sited[Outsider], ...] = ()
    allow_push: bool = False
    bucket_versioning: bool = False

    def model(self) -> PullDataset | None:
        """The dataset, or ``None`` if a required value is missing."""
        if not (self.name and self.users and self.outsiders):
            return None
        return PullDataset(
            name=self.name.value,
            users=tuple(user.value for user in self.users),
            paperwork=self.real_paperwork(),
            owner=_text_of(self.owner),
            description=_text_of(self.description),
            expires=self.expires.value if self.expires else None,
            place=self.place,
            outsiders=tuple(outsider.value for outsider in self.outsiders),
            allow_push=self.allow_push,
            bucket_versioning=self.bucket_versioning,
        )


DatasetDraft = PushDraft | PullDraft


@dataclass(frozen=True, slots=True)
class EstateDraft:
    """All files; `platform` is ``None`` when ``exports.yaml`` could not be read at all."""

    platform: PlatformDraft | None
    push: tuple[PushDraft, ...]
    pull: tuple[PullDraft, ...]

    @property
    def datasets(self) -> tuple[DatasetDraft, ...]:
        """Every dataset, push before pull."""
        return (*self.push, *self.pull)


def _text_of(text: Sited[str] | None) -> str:
    return text.value if text else ""
