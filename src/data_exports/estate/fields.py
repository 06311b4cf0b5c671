"""The fields of each kind of file, in the order in which people write them: the one list of what may be declared.

The loader takes its fields from here, and so do the JSON Schema, the formatter and the documentation.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from data_exports.estate.models import DEFAULT_MAX_CONCURRENCY
from data_exports.estate.regions import parse_key, parse_region
from data_exports.estate.values import (
    ACCOUNT,
    ACCOUNT_NAME,
    BOOLEAN,
    BUCKET,
    BUCKET_PREFIX,
    DATASET,
    DATE,
    DOMAIN,
    EMAIL,
    LINE,
    OUTSIDER,
    PROSE,
    REFERENCE,
    ROLE,
    ROLE_PATTERN,
    SHORT_LINE,
    Kind,
    choice_of,
    count_between,
    list_of,
    mapping_of,
    name_of,
    one_or_list_of,
)
from data_exports.names import KmsKeyArn, Region

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field(Generic[T]):
    """One field: its name, what it holds, and what it means."""

    name: str
    kind: Kind[T]
    meaning: str
    required: bool = False
    older: str = ""
    """An older spelling, still accepted."""


# --- push and pull datasets
NAME = Field("name", DATASET, "Name of the dataset.", required=True)
USERS = Field("users", list_of(ROLE), "IAM roles of the platform that may send or work with the data.", required=True)
PAPERWORK = Field(
    "paperwork",
    one_or_list_of(REFERENCE, may_be_empty=True),
    "Link or reference of the impact assessment or sharing agreement.",
)
OWNER = Field("owner", SHORT_LINE, "Who answers for the dataset.")
DESCRIPTION = Field("description", PROSE, "What the dataset is.")
EXPIRES = Field("expires", DATE, "Last day of access, in UTC; IAM itself ends it.")

# --- push datasets
TARGET_BUCKET = Field("target_bucket", BUCKET, "Bucket that files are delivered to.", required=True, older="bucket")
TARGET_ACCOUNT = Field("target_account", ACCOUNT, "Account that must own the target bucket; otherwise nothing is sent.")
KEEP_FILES = Field("keep_files", BOOLEAN, "Keep uploads in the hub after delivery.")
TARGET_KMS_KEY = Field(
    "target_kms_key",
    name_of(parse_key, KmsKeyArn.pattern.pattern),
    "Key to encrypt with at the recipient.",
)
MAX_CONCURRENCY = Field(
    "max_concurrency",
    count_between(2, 1000),
    f"How many movers deliver the dataset at once; {DEFAULT_MAX_CONCURRENCY} unless set.",
)

# --- pull datasets
PULL_ARNS = Field("pull_arns", list_of(OUTSIDER), "Outside IAM roles that may read the dataset.", required=True)
ALLOW_PUSH = Field("allow_push", BOOLEAN, "Let the outside roles write, too.")
BUCKET_VERSIONING = Field("bucket_versioning", BOOLEAN, "Keep every version of every object.")

PUSH_FIELDS: tuple[Field[Any], ...] = (
    NAME,
    DESCRIPTION,
    OWNER,
    TARGET_BUCKET,
    TARGET_ACCOUNT,
    TARGET_KMS_KEY,
    KEEP_FILES,
    MAX_CONCURRENCY,
    USERS,
    PAPERWORK,
    EXPIRES,
)
PULL_FIELDS: tuple[Field[Any], ...] = (
    NAME,
    DESCRIPTION,
    OWNER,
    PULL_ARNS,
    USERS,
    ALLOW_PUSH,
    BUCKET_VERSIONING,
    PAPERWORK,
    EXPIRES,
)

# --- exports.yaml, below `platform`
PLATFORM_ACCOUNT = Field("account", ACCOUNT, "Account of the platform.", required=True)
REGION = Field("region", name_of(parse_region, Region.pattern.pattern), "Region of everything deployed.", required=True)
HUB_BUCKET = Field("hub_bucket", BUCKET, "Bucket that senders write to.", required=True)
PULL_BUCKET_PREFIX = Field("pull_bucket_prefix", BUCKET_PREFIX, "What pull buckets' names begin with.", required=True)
USER_ROLES = Field(
    "user_roles",
    list_of(ROLE_PATTERN, whole=True),
    "Patterns (* and ?) of the IAM roles that datasets may name as users.",
    required=True,
)
ACCOUNTS = Field("accounts", mapping_of(ACCOUNT, ACCOUNT_NAME), "Names of accounts, for messages.")
PAPERWORK_POLICY = Field("paperwork", choice_of("warn", "required"), "What becomes of a dataset without paperwork.")
RECOVERY_DAYS = Field("recovery_days", count_between(1, 365), "Days for which a delivered upload can be recovered.")
LARGE_FILE_MIB = Field(
    "large_file_mib", count_between(5, 256), "Size in MiB above which a file is copied in parts; 256 unless set."
)
ALERTS = Field("alerts", list_of(EMAIL), "E-mail addresses that are told of failures.")
MAIL_DOMAINS = Field(
    "mail_domains",
    list_of(DOMAIN, whole=True),
    "Domains in which `alerts` and owners' addresses need no consent; each holds for those below it, too.",
)
TAGS = Field("tags", mapping_of(LINE, LINE), "Tags of everything deployed.")

PLATFORM_FIELDS: tuple[Field[Any], ...] = (
    PLATFORM_ACCOUNT,
    REGION,
    HUB_BUCKET,
    PULL_BUCKET_PREFIX,
    USER_ROLES,
    ACCOUNTS,
    PAPERWORK_POLICY,
    RECOVERY_DAYS,
    LARGE_FILE_MIB,
    ALERTS,
    MAIL_DOMAINS,
    TAGS,
)
