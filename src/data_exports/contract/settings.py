"""The function's environment: what a dataset's stack tells its mover.

In: DatasetSettings and those of a kind of destination, or an environment. Out: the environment, or the settings and
what is wrong with them. No effects.

DATASET  HUB_BUCKET  HUB_ACCOUNT  LOG_BUCKET  MOVER_VERSION   required
KEEP_FILES             `true` or `false`: whether uploads stay in the hub after delivery; required
LARGEST_COPY_BYTES     largest file to copy in one piece, 5 MiB to 5 GiB, default 256 MiB; larger ones go in parts
PART_BYTES             usual size of a part, 5 MiB to 5 GiB, default 64 MiB
QUEUE_URL              the dataset's queue; empty: what fails waits for the queue's visibility timeout
MOST_RECEIVES          how often a message is received before it is a dead letter, default 8
LONGEST_WAIT_SECONDS   longest time a failed message stays away, default 3 h
SWEEP_PATIENCE_SECONDS how long an upload waits before the sweep looks into it, default 15 minutes
RECEIPTS_DAYS          days after which S3 deletes receipts, so that the card beside them is renewed; empty: never
ALERT_TOPICS           ARNs of SNS topics, with commas between, that are told what is given up; empty: nobody is

The destination, of one kind:

TARGET_BUCKET          S3: the bucket; required
TARGET_ACCOUNT         account that must own the target bucket; empty: not checked
TARGET_KMS_KEY         ARN of the key to encrypt with at the recipient; empty: AES256
TARGET_AZURE_ACCOUNT  TARGET_AZURE_CONTAINER   Azure Blob Storage: storage account, and container in it; required
TARGET_AZURE_TENANT  TARGET_AZURE_CLIENT   the Entra tenant whose tokens it takes, our application in it; required
TARGET_GOOGLE_BUCKET  TARGET_GOOGLE_PROVIDER   Google Cloud Storage: bucket, and who takes our tokens there; required
TARGET_GOOGLE_SERVICE_ACCOUNT   service account that writes; empty: whoever the provider makes of our role

A function that is deployed keeps its environment: a variable that comes later needs a default.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, fields
from typing import Any

from data_exports.contract.federation import FEDERATED_SECONDS, IMPERSONATION_SECONDS
from data_exports.contract.object_names import problem_of_blob_name, problem_of_object_name
from data_exports.contract.timing import (
    CARRIED_OUT_SECONDS,
    LONGEST_WAIT_SECONDS,
    MOST_RECEIVES,
    SWEEP_PATIENCE_SECONDS,
    UNDER_WAY_SECONDS,
)

# What the names of regions begin with where ARNs do not begin with arn:aws: and endpoints are others.
# https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
OTHER_PARTITIONS = ("cn-", "eu-iso", "eusc-", "us-gov-", "us-iso")
MIB = 1024 * 1024
# One copy must end well within the 30 s of silence after which a request is given up (`connections`).
LARGEST_COPY_BYTES = 256 * MIB
USUAL_PART_BYTES = 64 * MIB
_SMALLEST_BYTES, _LARGEST_BYTES = 5 * MIB, 5 * 1024 * MIB  # a kind of destination may have closer limits
_ACCOUNT = (r"\d{12}", "an account id of 12 digits")
_BUCKET = (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "a bucket name")
_SECONDS = (r"\d+", "a number of seconds")
_UUID = (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "an id such as 1b9e8c6a-0d3f-4b52-9d5e-2f3c4a5b6c7d")
# https://learn.microsoft.com/en-us/azure/storage/common/storage-account-overview#storage-account-name
_STORAGE_ACCOUNT = (r"[a-z0-9]{3,24}", "the name of a storage account")
# https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
_CONTAINER = (r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*", "the name of a container")
# https://cloud.google.com/storage/docs/buckets#naming
_GOOGLE_BUCKET = (r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", "a bucket name")
# https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
_POOL = "[a-z0-9-]{3,32}"
_PROVIDER = (
    rf"projects/\d+/locations/global/workloadIdentityPools/{_POOL}/providers/{_POOL}",
    "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
)
# https://cloud.google.com/iam/docs/service-accounts-create
_SERVICE_ACCOUNT = (r"[a-z0-9.-]+@[a-z0-9.-]+\.gserviceaccount\.com", "the address of a service account")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSettings:
    """What a mover serves, but for its destination. Each field's variable has its name in capitals."""

    dataset: str
    hub_bucket: str
    hub_account: str
    keep_files: bool
    log_bucket: str
    mover_version: str
    largest_copy_bytes: int = LARGEST_COPY_BYTES
    part_bytes: int = USUAL_PART_BYTES
    queue_url: str | None = None
    most_receives: int = MOST_RECEIVES
    longest_wait_seconds: int = LONGEST_WAIT_SECONDS
    sweep_patience_seconds: int = SWEEP_PATIENCE_SECONDS
    receipts_days: int | None = None
    alert_topics: tuple[str, ...] = ()

    def to_environment(self) -> dict[str, str]:
        """The variables that say so. What is empty is left out, and what is as usual unless it is always said."""
        told = {field.name: getattr(self, field.name) for field in fields(DatasetSettings) if _is_told(self, field)}
        return _environment_of(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSettings:
    """The recipient's bucket; the account that must own it and the key that encrypts there, where they are known."""

    target_bucket: str
    target_account: str | None = None
    target_kms_key: str | None = None

    @property
    def uri(self) -> str:
        """Where it is, as receipts name it."""
        return f"s3://{self.target_bucket}"

    @property
    def name_in_checkpoints(self) -> str:
        """Nothing: earlier movers read checkpoints, and know buckets of S3 alone."""
        return ""

    @property
    def under_way_seconds(self) -> int:
        """For how long a request without an answer may still be carried out there."""
        return UNDER_WAY_SECONDS

    def problem_of_name(self, key: str) -> str:
        """Why a file of this name cannot be held there; nothing if it can."""
        del key
        return ""

    def to_environment(self) -> dict[str, str]:
        """The variables that say so."""
        return _variables_of(self, _S3)


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSettings:
    """A container of Azure Blob Storage, and by which application of which Entra tenant it is reached."""

    storage_account: str
    container: str
    tenant: str
    client: str

    @property
    def uri(self) -> str:
        """Where it is, as receipts name it."""
        return f"https://{self.storage_account}.blob.core.windows.net/{self.container}"

    @property
    def name_in_checkpoints(self) -> str:
        """What tells a copy that was begun here from one of another destination."""
        return self.uri

    @property
    def under_way_seconds(self) -> int:
        """For how long a request without an answer may matter there: any write since makes it fail, however late."""
        return UNDER_WAY_SECONDS

    def problem_of_name(self, key: str) -> str:
        """Why a file of this name cannot be held there; nothing if it can."""
        return problem_of_blob_name(key)

    def to_environment(self) -> dict[str, str]:
        """The variables that say so."""
        return _variables_of(self, _AZURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoogleSettings:
    """A bucket of Google Cloud Storage, the provider that takes our tokens, and on whose behalf it is written to.

    `provider`: `projects/<number>/locations/global/workloadIdentityPools/<pool>/providers/<provider>`.
    """

    bucket: str
    provider: str
    service_account: str | None = None

    @property
    def uri(self) -> str:
        """Where it is, as receipts name it."""
        return f"gs://{self.bucket}"

    @property
    def name_in_checkpoints(self) -> str:
        """What tells a copy that was begun here from one of another destination."""
        return self.uri

    @property
    def under_way_seconds(self) -> int:
        """For how long a request without an answer may still be carried out there: as long as its token lives."""
        token_seconds = IMPERSONATION_SECONDS if self.service_account else FEDERATED_SECONDS
        return token_seconds + CARRIED_OUT_SECONDS

    def problem_of_name(self, key: str) -> str:
        """Why a file of this name cannot be held there; nothing if it can."""
        return problem_of_object_name(key)

    def to_environment(self) -> dict[str, str]:
        """The variables that say so."""
        return _variables_of(self, _GOOGLE)


DestinationSettings = BucketSettings | AzureSettings | GoogleSettings


def longest_under_way_seconds(uri: str | None) -> int:
    """For how long a request may still be carried out at a destination of which only the address is known."""
    is_google = (uri or "").startswith("gs://")
    return FEDERATED_SECONDS + CARRIED_OUT_SECONDS if is_google else UNDER_WAY_SECONDS


_S3 = {name: name.upper() for name in ("target_bucket", "target_account", "target_kms_key")}
_AZURE = {
    "storage_account": "TARGET_AZURE_ACCOUNT",
    "container": "TARGET_AZURE_CONTAINER",
    "tenant": "TARGET_AZURE_TENANT",
    "client": "TARGET_AZURE_CLIENT",
}
_GOOGLE = {
    "bucket": "TARGET_GOOGLE_BUCKET",
    "provider": "TARGET_GOOGLE_PROVIDER",
    "service_account": "TARGET_GOOGLE_SERVICE_ACCOUNT",
}
_ALWAYS_TOLD = ("largest_copy_bytes", "most_receives")


def _is_told(settings: DatasetSettings, field: Field[Any]) -> bool:
    return field.name in _ALWAYS_TOLD or getattr(settings, field.name) != field.default


def _variables_of(settings: DestinationSettings, names: Mapping[str, str]) -> dict[str, str]:
    return _environment_of({variable: getattr(settings, name) for name, variable in names.items()})


def _environment_of(values: Mapping[str, object]) -> dict[str, str]:
    return {name.upper(): text for name, value in values.items() if (text := _text_of(value))}


def _text_of(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return ",".join(map(str, value))
        case _:
            return "" if value is None else str(value)


class EnvironmentReader:
    """Variables, each checked as it is read; `problems` grows with what is missing or wrong."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._environment = environment

    def read(self, name: str, pattern: str = r".+", meaning: str = "a value", *, default: str | None = None) -> str:
        """A variable's text; the default if it is empty."""
        value = self._environment.get(name, "").strip()
        if not value and default is not None:
            return default
        if not re.fullmatch(pattern, value):
            self.problems.append(f"{name} must be {meaning}, not {value!r}" if value else f"{name} is missing")
        return value

    def names_any(self, names: Iterable[str]) -> bool:
        """Whether any of these variables is there, and not empty."""
        return any(self._environment.get(name, "").strip() for name in names)

    def read_size(self, name: str, *, default: int) -> int:
        """A number of bytes that S3 takes for a part."""
        text = self.read(name, r"\d+", "a number of bytes", default=str(default))
        size = int(text) if text.isdecimal() else default
        if not _SMALLEST_BYTES <= size <= _LARGEST_BYTES:
            self.problems.append(f"{name} must be between 5 MiB and 5 GiB in bytes, not {text!r}")
        return size

    def read_number(self, name: str, pattern: str, meaning: str, *, default: int) -> int:
        """A number."""
        text = self.read(name, pattern, meaning, default=str(default))
        return int(text) if text.isdecimal() else default


def dataset_settings_in(reader: EnvironmentReader) -> tuple[DatasetSettings, DestinationSettings]:
    """The settings, and the destination's; where the reader notes problems, they are of no use."""
    read = reader.read
    dataset = read("DATASET", r"[a-z0-9_-]+", "a dataset's name")
    hub_bucket, hub_account = read("HUB_BUCKET", *_BUCKET), read("HUB_ACCOUNT", *_ACCOUNT)
    target = _destination_in(reader)
    topics = read("ALERT_TOPICS", r"arn:[^\s,]+(,arn:[^\s,]+)*", "ARNs of topics", default="")
    settings = DatasetSettings(
        dataset=dataset,
        hub_bucket=hub_bucket,
        hub_account=hub_account,
        keep_files=read("KEEP_FILES", "true|false", "true or false") == "true",
        log_bucket=read("LOG_BUCKET", *_BUCKET),
        mover_version=read("MOVER_VERSION"),
        largest_copy_bytes=reader.read_size("LARGEST_COPY_BYTES", default=LARGEST_COPY_BYTES),
        part_bytes=reader.read_size("PART_BYTES", default=USUAL_PART_BYTES),
        queue_url=read("QUEUE_URL", r"https?://\S+", "the URL of a queue", default="") or None,
        most_receives=reader.read_number("MOST_RECEIVES", r"[1-9]\d*", "a number above 0", default=MOST_RECEIVES),
        longest_wait_seconds=reader.read_number("LONGEST_WAIT_SECONDS", *_SECONDS, default=LONGEST_WAIT_SECONDS),
        sweep_patience_seconds=reader.read_number("SWEEP_PATIENCE_SECONDS", *_SECONDS, default=SWEEP_PATIENCE_SECONDS),
        receipts_days=reader.read_number("RECEIPTS_DAYS", r"[1-9]\d*", "a number of days", default=0) or None,
        alert_topics=tuple(filter(None, topics.split(","))),
    )
    bucket = target.target_bucket if isinstance(target, BucketSettings) else ""
    if bucket and bucket in (settings.hub_bucket, settings.log_bucket):
        problem = f"TARGET_BUCKET must be the recipient's bucket, not {bucket!r}, which is the platform's"
        reader.problems.append(problem)
    return settings, target


def _destination_in(reader: EnvironmentReader) -> DestinationSettings:
    """The destination, of the one kind that is named; with none, what is missing is S3's."""
    read, named = reader.read, [kind for kind in (_S3, _AZURE, _GOOGLE) if reader.names_any(kind.values())]
    if len(named) > 1:
        names = " and ".join(next(iter(kind.values())) for kind in named)
        reader.problems.append(f"one kind of destination must be named, not {names}")
    if _AZURE in named:
        return AzureSettings(
            storage_account=read(_AZURE["storage_account"], *_STORAGE_ACCOUNT),
            container=read(_AZURE["container"], *_CONTAINER),
            tenant=read(_AZURE["tenant"], *_UUID),
            client=read(_AZURE["client"], *_UUID),
        )
    if _GOOGLE in named:
        return GoogleSettings(
            bucket=read(_GOOGLE["bucket"], *_GOOGLE_BUCKET),
            provider=read(_GOOGLE["provider"], *_PROVIDER),
            service_account=read(_GOOGLE["service_account"], *_SERVICE_ACCOUNT, default="") or None,
        )
    return BucketSettings(
        target_bucket=read("TARGET_BUCKET", *_BUCKET),
        target_account=read("TARGET_ACCOUNT", *_ACCOUNT, default="") or None,
        target_kms_key=read("TARGET_KMS_KEY", r"arn:.+", "the ARN of a key", default="") or None,
    )
