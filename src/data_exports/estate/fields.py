"""The table of what may be declared: each field once, with its type, its default and what it means.

Loader, models, JSON Schema, formatter, `exports new` and the tables in the documentation take fields from here. The
types are in `field_types` and `identifier_types`, the three kinds of file with their fields in `file_kinds`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Literal, TypeVar, get_args

from data_exports.contract.timing import SHORTEST_RECEIPTS_DAYS
from data_exports.destinations.kinds import OUTSIDE_KINDS
from data_exports.estate.codes import Code
from data_exports.estate.destination_types import destination_of
from data_exports.estate.evidence_lock import WITNESS_PATTERN, EvidenceLock, LockMode, parse_witness
from data_exports.estate.field_types import (
    BOOLEAN,
    DATE,
    DAY,
    LINE,
    PROSE,
    FieldType,
    Located,
    choice_of,
    count_between,
    fields_of,
    identifier_of,
    line_within,
    list_of,
    none_one_or_list_of,
    pairs_of,
)
from data_exports.estate.identifier_types import (
    ACCOUNT,
    BUCKET,
    BUCKET_PREFIX,
    CONTACT,
    DATASET,
    DOMAIN,
    EMAIL,
    OUTSIDER,
    ROLE,
    ROLE_PATTERN,
    SFTP_READER,
)
from data_exports.estate.identity_types import IDENTITY
from data_exports.estate.paperwork import is_paperwork
from data_exports.estate.promises import PATTERN, parse_promise
from data_exports.estate.regions import parse_key, parse_region
from data_exports.names import KmsKeyArn, Region

T_co = TypeVar("T_co", covariant=True)
D_co = TypeVar("D_co", covariant=True)


class Required(Enum):
    """Stands for the default of a field that has none."""

    REQUIRED = "required"


REQUIRED = Required.REQUIRED


@dataclass(frozen=True, slots=True)
class Field(Generic[T_co, D_co]):
    """One field: its name, what it holds, what it is when it is left out, and what it means."""

    name: str
    type: FieldType[T_co]
    default: D_co
    meaning: str
    older: str = ""
    """An older spelling, still accepted."""
    held_as: str = ""
    """The model's attribute, where that has another name; ``part.attribute`` where a value of its own holds it."""
    is_asked: bool = True
    """Whether `exports new` and `exports init` ask for it; what is hardly ever set has an option, and no question."""

    @property
    def is_required(self) -> bool:
        """Whether it must be there."""
        return self.default is REQUIRED

    @property
    def attribute(self) -> str:
        """What holds it in the model."""
        return self.held_as or self.name

    @property
    def names(self) -> tuple[str, ...]:
        """How it may be spelt, today's name first."""
        return (self.name, self.older) if self.older else (self.name,)

    @property
    def is_nested(self) -> bool:
        """Whether it holds mappings, which no option and no answer on a terminal can write."""
        items: Mapping[str, Any] = self.type.schema.get("items", {})
        return "object" in (self.type.schema.get("type"), items.get("type"))

    @property
    def takes_many(self) -> bool:
        """Whether it holds a list, or may hold one."""
        forms = [self.type.schema, *self.type.schema.get("oneOf", [])]
        return self.type is not BOOLEAN and any(form.get("type") == "array" for form in forms)


# --- push and pull datasets
NAME = Field("name", DATASET, REQUIRED, "Name of the dataset.")
DESCRIPTION = Field("description", PROSE, "", "What the dataset is.")
OWNER = Field("owner", line_within(320), "", "Who answers for the dataset.")  # a team, and an address of 254 characters
USERS = Field("users", list_of(ROLE), REQUIRED, "IAM roles of the platform that may send or work with the data.")
PAPERWORK = Field(
    "paperwork",
    none_one_or_list_of(line_within(500), kept=is_paperwork),  # each stands in every plan
    (),
    "Link or reference of the impact assessment or sharing agreement.",
)
EXPIRES = Field("expires", DATE, None, "Last day of access, in UTC; IAM itself ends it.")

Known = tuple[Field[Any, Any], ...]

# --- push datasets
TARGET_BUCKET = Field(
    "target_bucket",
    BUCKET,
    REQUIRED,
    "Bucket that files are delivered to.",
    older="bucket",
    held_as="destination.bucket",
)
TARGET_ACCOUNT = Field(
    "target_account",
    ACCOUNT,
    None,
    "Account that must own the target bucket; otherwise nothing is sent.",
    held_as="destination.account",
)
TARGET_KMS_KEY = Field(
    "target_kms_key",
    identifier_of(parse_key, KmsKeyArn.pattern.pattern),
    None,
    "ARN of the key to encrypt with at the recipient.",
    held_as="destination.kms_key",
)
OUTSIDE_TARGETS: Known = tuple(
    Field(name, destination_of(kind), None, kind.meaning, held_as="destination", is_asked=False)
    for name, kind in OUTSIDE_KINDS.items()
)
"""Destinations outside AWS, each kind by its field."""
KEEP_FILES = Field("keep_files", BOOLEAN, default=False, meaning="Keep uploads in the hub after delivery.")
MAX_CONCURRENCY = Field(
    "max_concurrency",
    count_between(2, 1000),
    5,
    "How many movers deliver the dataset at once; 5 unless set.",
    is_asked=False,
)
"""One mover has 64 copies under way, and S3 takes 100 to 200 ms for a small object: at most 640 copies a second. Five
make 3,200, below the 3,500 writes a second that S3 takes under one prefix.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"""
DUE = Field(
    "due",
    identifier_of(parse_promise, PATTERN, code=Code.BAD_PROMISE),
    None,
    "When a delivery is promised, such as `daily by 06:00 Europe/London`; a missed one is told by mail.",
    is_asked=False,
)
EXCEPT = Field(
    "except",
    list_of(DAY),
    (),
    "Days for which no delivery is promised.",
    held_as="no_delivery_on",
    is_asked=False,
)

# --- pull datasets
PULL_ARNS = Field(
    "pull_arns",
    list_of(OUTSIDER),
    (),
    "ARNs of the outside IAM roles that may read the dataset.",
    held_as="outsiders",
)
SFTP_READERS = Field(
    "sftp_readers",
    list_of(SFTP_READER),
    (),
    "Names and public SSH keys of those who may read the dataset by SFTP; needs the platform's `sftp`.",
    is_asked=False,
)
PULL_IDENTITIES = Field(
    "pull_identities",
    list_of(IDENTITY),
    (),
    "Readers outside AWS, who come with tokens of Google, Azure, a Kubernetes cluster or another issuer.",
    held_as="identities",
    is_asked=False,
)
ALLOW_PUSH = Field(
    "allow_push", BOOLEAN, default=False, meaning="Let those outside write and delete, too; by SFTP add files."
)
BUCKET_VERSIONING = Field("bucket_versioning", BOOLEAN, default=False, meaning="Keep every version of every object.")

# --- exports.yaml, below `platform`
ACCOUNT_ID = Field("account", ACCOUNT, REQUIRED, "Account of the platform.")
REGION = Field(
    "region", identifier_of(parse_region, Region.pattern.pattern), REQUIRED, "Region of everything deployed."
)
HUB_BUCKET = Field("hub_bucket", BUCKET, REQUIRED, "Bucket that senders write to.")
PULL_BUCKET_PREFIX = Field("pull_bucket_prefix", BUCKET_PREFIX, REQUIRED, "What pull buckets' names begin with.")
USER_ROLES = Field(
    "user_roles",
    list_of(ROLE_PATTERN, whole=True),
    REQUIRED,
    "Patterns (* and ?) of the IAM roles that datasets may name as users.",
)
ACCOUNTS = Field(
    "accounts",
    pairs_of(ACCOUNT, line_within(100)),  # twice what AWS lets a name have; it stands beside the id in every plan
    (),
    "Names of accounts, for messages.",
    held_as="account_names",
)
CONTACT_OF_PLATFORM = Field(
    "contact", CONTACT, "", "Whom recipients turn to: an e-mail address, or a page (https://...); it stands in letters."
)
PaperworkPolicy = Literal["warn", "required"]
PAPERWORK_POLICY: Field[Located[PaperworkPolicy], PaperworkPolicy] = Field(
    "paperwork", choice_of("warn", "required"), "warn", "What becomes of a dataset without paperwork."
)
REVIEW_EVERY = Field(
    "review_every",
    count_between(1, 120),
    12,
    "Months within which every access is reviewed again; 12 unless set.",
    is_asked=False,
)
AuditTrail = Literal["cloudtrail"]
AUDIT: Field[Located[AuditTrail], AuditTrail | None] = Field(
    "audit",
    choice_of("cloudtrail"),
    None,
    "`cloudtrail` records each request for files of the hub and the pull buckets, at a price; S3's logs promise none.",
    is_asked=False,
)
SFTP = Field(
    "sftp",
    BOOLEAN,
    default=False,
    meaning="Let datasets name `sftp_readers`: AWS Transfer Family has a server as long as one does, at a price.",
    is_asked=False,
)
EVIDENCE = Field(
    "evidence",
    fields_of(
        EvidenceLock,
        lock_days=count_between(1, 36_500),
        optional={
            "mode": choice_of(*get_args(LockMode)),
            "witness": identifier_of(parse_witness, WITNESS_PATTERN),
            "witness_account": ACCOUNT,
        },
    ),
    None,
    "`{lock_days: 3650}` logs receipts and deployments where nobody can change them unseen; S3 keeps the log so long.",
    is_asked=False,
)
RECEIPTS_DAYS: Field[Located[int], int | None] = Field(
    "receipts_days",
    count_between(SHORTEST_RECEIPTS_DAYS, 36_500),
    None,
    "Days after which S3 deletes receipts, which name people and files; kept for ever unless set.",
    is_asked=False,
)
RECOVERY_DAYS = Field(
    "recovery_days",
    count_between(1, 365),
    7,
    "Days for which a delivered upload can be recovered; 7 unless set.",
    is_asked=False,
)
LARGE_FILE_MIB = Field(
    "large_file_mib",
    count_between(5, 256),
    256,
    "Size in MiB above which a file is copied in parts; 256 unless set.",
    is_asked=False,
)
ALERTS = Field("alerts", list_of(EMAIL), (), "E-mail addresses that are told of failures, missed deliveries and ends.")
MAIL_DOMAINS = Field(
    "mail_domains",
    list_of(DOMAIN, whole=True),
    (),
    "Domains in which `alerts` and owners' addresses need no consent; each holds for those below it, too.",
)
TAGS = Field("tags", pairs_of(LINE, LINE), (), "Tags of everything deployed.")

# --- the order in which people write them
PUSH_FIELDS: Known = (
    NAME,
    DESCRIPTION,
    OWNER,
    TARGET_BUCKET,
    TARGET_ACCOUNT,
    TARGET_KMS_KEY,
    *OUTSIDE_TARGETS,
    KEEP_FILES,
    MAX_CONCURRENCY,
    USERS,
    PAPERWORK,
    EXPIRES,
    DUE,
    EXCEPT,
)
PULL_FIELDS: Known = (
    NAME,
    DESCRIPTION,
    OWNER,
    PULL_ARNS,
    PULL_IDENTITIES,
    SFTP_READERS,
    USERS,
    ALLOW_PUSH,
    BUCKET_VERSIONING,
    PAPERWORK,
    EXPIRES,
)
READER_FIELDS: Known = (PULL_ARNS, PULL_IDENTITIES, SFTP_READERS)
"""Who fetches the files of a pull dataset: at least one of these must be there."""
TARGET_FIELDS: Known = (TARGET_BUCKET, *OUTSIDE_TARGETS)
"""Where the files of a push dataset go: exactly one of these must be there."""
PLATFORM_FIELDS: Known = (
    ACCOUNT_ID,
    REGION,
    HUB_BUCKET,
    PULL_BUCKET_PREFIX,
    USER_ROLES,
    ACCOUNTS,
    CONTACT_OF_PLATFORM,
    PAPERWORK_POLICY,
    REVIEW_EVERY,
    AUDIT,
    SFTP,
    EVIDENCE,
    RECEIPTS_DAYS,
    RECOVERY_DAYS,
    LARGE_FILE_MIB,
    ALERTS,
    MAIL_DOMAINS,
    TAGS,
)
