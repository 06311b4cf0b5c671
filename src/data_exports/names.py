"""Identifiers, parsed once: a value of one of these types has been checked and needs no second look.

In: text. Out: `str` subclasses (so they print, sort and serialise as themselves), or `InvalidNameError` with a
reason fit for a finding. Also here: the names AWS resources get, because recipients and users rely on them.
"""

import hashlib
import re
from typing import ClassVar, Self

from data_exports.contract import keys
from data_exports.contract.settings import OTHER_PARTITIONS
from data_exports.limits import BUCKET_NAME_CHARACTERS, ROLE_NAME_CHARACTERS


class InvalidNameError(ValueError):
    """The text is not a name of this kind; `str()` says why, `hint` what to write instead."""

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


_OTHER_PARTITION = re.compile("arn:(aws-[a-z-]+):")
"""The ARN of something in China, GovCloud, the European Sovereign Cloud ...: nothing there can be granted access here.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""


class Identifier(str):
    """A `str` whose text matches `pattern` as a whole."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]]
    reason: ClassVar[str]
    hint: ClassVar[str] = ""

    def __new__(cls, text: str) -> Self:
        """Parse it. Raises `InvalidNameError`."""
        if not cls.pattern.fullmatch(text):
            if other := _OTHER_PARTITION.match(text):
                reason = f"{text!r} is of the AWS partition {other[1]}; only aws is supported"
                raise InvalidNameError(reason, hint="no access crosses partitions: name one of the partition aws")
            raise InvalidNameError(f"{text!r} {cls.reason}", hint=cls.hint)
        return super().__new__(cls, text)


_PATH = r"(?:[A-Za-z0-9_+=,.@-]+/)*"
# IAM lets a path hold any printable character. These ARNs become condition values, where * and ? match anything and
# ${...} is a variable, so a path that holds more than the characters of a name is refused.


class AccountId(Identifier):
    """An AWS account id: 12 digits."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{12}")
    reason = "is not an AWS account id: it must be 12 digits"
    hint = "write all 12 digits, such as 012345678901"


class Region(Identifier):
    """An AWS region name, such as ``eu-west-1``."""

    __slots__ = ()
    pattern = re.compile(rf"(?!{'|'.join(OTHER_PARTITIONS)})[a-z]{{2}}(-[a-z]+)+-[0-9]{{1,2}}")
    reason = "is not an AWS region"
    hint = "write a region name such as eu-west-1"

    def __new__(cls, text: str) -> Self:
        """Parse it; a region of another partition is refused as such."""
        if text.startswith(OTHER_PARTITIONS):
            reason = "is a region of another AWS partition than aws (China, GovCloud, the European Sovereign Cloud ...)"
            raise InvalidNameError(f"{text!r} {reason}, which alone is supported", hint=cls.hint)
        return super().__new__(cls, text)


class DatasetName(Identifier):
    """A dataset's name; the hub prefix, queue, role and stack are named after it.

    At most 52 characters, so that the mover's role ``export_<name>-move`` fits IAM's 64.
    """

    __slots__ = ()
    pattern = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,50}[a-z0-9])?")
    reason = "is not a dataset name"
    hint = "use lower case letters, digits, _ and -, starting and ending with a letter or digit, at most 52 characters"


RESERVED_BUCKET_PREFIXES = ("amzn-s3-demo-", "sthree-", "xn--")
_RESERVED_BUCKET_SUFFIXES = ("--ol-s3", "--table-s3", "--x-s3", "-s3alias", ".mrap")
"""What no bucket's name begins or ends with: those of access points, directory and table buckets do, and examples.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"""


class BucketName(Identifier):
    """An S3 bucket name.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """

    __slots__ = ()
    pattern = re.compile(
        rf"(?!{'|'.join(map(re.escape, RESERVED_BUCKET_PREFIXES))}|[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$)"
        rf"(?!.*(?:\.\.|(?:{'|'.join(map(re.escape, _RESERVED_BUCKET_SUFFIXES))})$))[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]"
    )
    reason = "is not an S3 bucket name"
    hint = "use 3 to 63 lower case letters, digits, - and ., starting and ending with a letter or digit"

    def __new__(cls, text: str) -> Self:
        """Parse it; a name that S3 keeps for something else is refused as such."""
        begins = next(filter(text.startswith, RESERVED_BUCKET_PREFIXES), "")
        ends = next(filter(text.endswith, _RESERVED_BUCKET_SUFFIXES), "")
        if begins or ends:
            reason = f"{text!r} {'begins' if begins else 'ends'} with {begins or ends}, which S3 reserves"
            hint = "choose another beginning" if begins else "name the bucket itself, not an access point or an alias"
            raise InvalidNameError(reason, hint=hint)
        return super().__new__(cls, text)

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:aws:s3:::{self}"


class RoleName(Identifier):
    """An IAM role name, without path.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    """

    __slots__ = ()
    pattern = re.compile(rf"[A-Za-z0-9_+=,.@-]{{1,{ROLE_NAME_CHARACTERS}}}")
    reason = "is not an IAM role name"
    hint = "use letters, digits and + = , . @ - _, at most 64 characters, without a path"


class RoleArn(Identifier):
    """The ARN of one IAM role, with its path if it has one."""

    __slots__ = ()
    pattern = re.compile(rf"arn:aws:iam::[0-9]{{12}}:role/{_PATH}[A-Za-z0-9_+=,.@-]{{1,{ROLE_NAME_CHARACTERS}}}")
    reason = "is not the ARN of an IAM role"
    hint = "write arn:aws:iam::<12 digits>:role/<name>"

    @classmethod
    def of(cls, account: AccountId, name: RoleName, *, path: str = "/") -> Self:
        """The ARN of a role of this account; `path` begins and ends with ``/``."""
        return cls(f"arn:aws:iam::{account}:role{path}{name}")

    @property
    def account(self) -> AccountId:
        """The account the role is in."""
        return AccountId(self.split(":")[4])

    @property
    def name(self) -> RoleName:
        """The role's name, without its path."""
        return RoleName(self.rsplit("/", 1)[1])

    @property
    def path(self) -> str:
        """The role's path; ``/`` when it has none."""
        return "/" + self.split("/", 1)[1].removesuffix(self.name)


class UserArn(Identifier):
    """The ARN of one IAM user: accepted where people already use one, with a warning."""

    __slots__ = ()
    pattern = re.compile(rf"arn:aws:iam::[0-9]{{12}}:user/{_PATH}[A-Za-z0-9_+=,.@-]{{1,64}}")
    reason = "is not the ARN of an IAM user"
    hint = "write arn:aws:iam::<12 digits>:user/<name>"

    @property
    def account(self) -> AccountId:
        """The account the user is in."""
        return AccountId(self.split(":")[4])


class AccountRootArn(Identifier):
    """The ARN of a whole account, ``arn:aws:iam::<account>:root``: every principal it lets act."""

    __slots__ = ()
    pattern = re.compile(r"arn:aws:iam::[0-9]{12}:root")
    reason = "is not the ARN of an account"
    hint = "write arn:aws:iam::<12 digits>:root"

    @property
    def account(self) -> AccountId:
        """The account."""
        return AccountId(self.split(":")[4])


Outsider = RoleArn | UserArn | AccountRootArn
"""Who may be named in `pull_arns`; an account only where the platform lists it in `accounts`."""


class KmsKeyArn(Identifier):
    """The ARN of one KMS key (not of an alias: a grant on an alias grants nothing)."""

    __slots__ = ()
    pattern = re.compile(r"arn:aws:kms:[a-z0-9-]{1,32}:[0-9]{12}:key/[A-Za-z0-9-]{1,64}")
    reason = "is not the ARN of a KMS key"
    hint = "write arn:aws:kms:<region>:<12 digits>:key/<id>; an alias cannot be granted on"


class KeyPrefix(Identifier):
    """A prefix of object keys that ends in ``/``, so that ``orders/`` never reaches ``orders_private/``."""

    __slots__ = ()
    pattern = re.compile(r"[^*?/][^*?]*/")
    reason = "is not a key prefix: it must end in / and hold no * or ?"

    @property
    def pattern_below(self) -> str:
        """The IAM pattern of every key under this prefix."""
        return f"{self}*"


# --- the names that recipients, users and the old program rely on -------------------------------------------------

FOUNDATION_STACK = "exports-foundation"
HUB_STACK = "exports-hub"
ACCESS_LOGS_STACK = "exports-access-logs"
IDENTITY_PROVIDERS_STACK = "exports-identity-providers"
"""Whose tokens readers outside AWS come with."""
SFTP_STACK = "exports-sftp"
"""The server for readers of pull datasets who log in with an SSH key."""
SFTP_SERVER_EXPORT = f"{SFTP_STACK}-server"
"""The export of CloudFormation by which the stacks of datasets know the server's id."""
SFTP_LOG_GROUP = f"/aws/transfer/{SFTP_STACK}"
EVIDENCE_STACK = "exports-evidence"
ACCESS_LOG_PREFIX = "pull/"
"""Where in the access-log bucket S3 writes who used the pull datasets' buckets."""
AUDIT_TRAIL = "exports-audit"
"""CloudTrail's record of the requests for files of the hub and the pull buckets, where the platform wants one."""
AUDIT_PREFIX = "cloudtrail"
"""Where in the access-log bucket CloudTrail writes it."""

ALERT_TOPIC = "exports-alerts"
ALERT_KEY_ALIAS = "alias/exports-alerts"
"""The topic of the platform's own `alerts`."""

SERVICE_ROLE_PATH = "/service-role/"
MOVER_NAME_PREFIX = "export_"
"""Where the movers' roles live; recipients' bucket policies name them with this path."""


def hub_prefix_of(dataset: DatasetName) -> KeyPrefix:
    """Where in the hub the dataset's senders write."""
    return KeyPrefix(keys.hub_prefix_of(dataset))


def mover_name_of(dataset: DatasetName, *, keep_files: bool) -> RoleName:
    """The name of the mover's Lambda and of its role."""
    return RoleName(f"{MOVER_NAME_PREFIX}{dataset}-{'copy' if keep_files else 'move'}")


def mover_role_arn_of(account: AccountId, dataset: DatasetName, *, keep_files: bool) -> RoleArn:
    """The mover's role, as recipients name it in their bucket policies."""
    return RoleArn.of(account, mover_name_of(dataset, keep_files=keep_files), path=SERVICE_ROLE_PATH)


KEEPER = RoleName("exports-keeper")
"""The function that tells people before an access ends and when a promised delivery is missed, and its role."""
KEEPER_SETTINGS = "keeper/settings.json"
"""What the keeper is told of the datasets, in the log bucket."""
KEEPER_SENT = "keeper/sent/"
"""Where in the log bucket the keeper notes what it has settled."""


def keeper_role_arn_of(account: AccountId) -> RoleArn:
    """The keeper's role."""
    return RoleArn.of(account, KEEPER, path=SERVICE_ROLE_PATH)


NOTARY = RoleName("exports-notary")
"""The function that logs receipts and deployments, and alone signs the log, and its role."""
EVIDENCE_KEY_ALIAS = "alias/exports-evidence"
"""The key that signs the log."""


def notary_role_arn_of(account: AccountId) -> RoleArn:
    """The notary's role."""
    return RoleArn.of(account, NOTARY, path=SERVICE_ROLE_PATH)


MOVER_POLICY = "deliver"
"""The inline policy of a mover's role."""


def push_users_policy_of(dataset: DatasetName) -> str:
    """The inline policy that each sender's role carries."""
    return f"hub-exports-push-{dataset}"


def pull_users_policy_of(dataset: DatasetName) -> str:
    """The inline policy that the role of each user of a pull dataset carries."""
    return f"hub-exports-pull-{dataset}"


def pull_role_of(dataset: DatasetName, short_id: str) -> RoleName:
    """The role that one reader outside AWS assumes, by its `short_id` of 8 characters.

    A dataset's name that leaves no room for the rest within IAM's 64 characters is cut, and told by its digest.
    """
    room = ROLE_NAME_CHARACTERS - len(f"{MOVER_NAME_PREFIX}-pull-{short_id}")
    digest = hashlib.sha256(dataset.encode()).hexdigest()[:8]
    name = dataset if len(dataset) <= room else f"{dataset[: room - len(digest) - 1]}-{digest}"
    return RoleName(f"{MOVER_NAME_PREFIX}{name}-pull-{short_id}")


def is_pull_role(name: str) -> bool:
    """Whether a role of the platform's account is called as `pull_role_of` calls one, of whichever dataset."""
    return re.fullmatch(rf"{MOVER_NAME_PREFIX}.+-pull-[0-9a-f]{{8}}", name) is not None


def sftp_log_group_arn_of(region: Region, account: AccountId) -> str:
    """The ARN of the log group of the SFTP server, without the ``:*`` that stands for its streams."""
    return f"arn:aws:logs:{region}:{account}:log-group:{SFTP_LOG_GROUP}"


def identity_provider_arn_of(account: AccountId, provider: str) -> str:
    """The ARN of an OIDC provider of the account, by its issuer without ``https://``; a slash at its end stays."""
    return f"arn:aws:iam::{account}:oidc-provider/{provider}"


PULL_ROLE_POLICY = "fetch"
"""The inline policy of such a role."""


def queue_name_of(dataset: DatasetName) -> str:
    """The queue of the dataset's upload events."""
    return f"export_{dataset}"


def dead_letter_queue_name_of(dataset: DatasetName) -> str:
    """The queue of events given up on; its capitals keep it apart from the queue of any dataset."""
    return f"export_{dataset}-DLQ"


def owner_topic_of(dataset: DatasetName) -> str:
    """The topic of a dataset whose `owner` holds an e-mail address."""
    return f"{ALERT_TOPIC}-{slug_of(dataset)}"


def slug_of(dataset: DatasetName) -> str:
    """The dataset's name where ``_`` is not allowed (buckets, stacks)."""
    return dataset.replace("_", "-")


def push_stack_of(dataset: DatasetName) -> str:
    """The CloudFormation stack of a push dataset."""
    return f"exports-push-{slug_of(dataset)}"


def pull_stack_of(dataset: DatasetName) -> str:
    """The CloudFormation stack of a pull dataset."""
    return f"exports-pull-{slug_of(dataset)}"


def pull_bucket_of(prefix: str, dataset: DatasetName) -> BucketName:
    """The bucket of a pull dataset.

    Raises `InvalidNameError` when prefix and name together are no bucket name (63 characters at most).
    """
    text = f"{prefix}{slug_of(dataset)}"
    if len(text) > BUCKET_NAME_CHARACTERS:
        raise InvalidNameError(
            f"the bucket {text!r} would have {len(text)} characters, S3 allows {BUCKET_NAME_CHARACTERS}",
            hint="shorten the dataset's name or the platform's pull_bucket_prefix",
        )
    try:
        return BucketName(text)
    except InvalidNameError as error:
        hint = "change the dataset's name or the platform's pull_bucket_prefix"
        raise InvalidNameError(f"the bucket {error}", hint=hint) from error


def log_bucket_of(hub_bucket: BucketName) -> BucketName:
    """The bucket of receipts, templates and the mover's code."""
    return BucketName(f"{hub_bucket}-log")


def access_log_bucket_of(hub_bucket: BucketName) -> BucketName:
    """The bucket to which S3 writes who used the pull datasets' buckets; no longer a name than the log bucket's."""
    return BucketName(f"{hub_bucket}-use")


def evidence_bucket_of(hub_bucket: BucketName) -> BucketName:
    """The bucket of the notary's log, where the platform wants one."""
    return BucketName(f"{hub_bucket}-evidence")
