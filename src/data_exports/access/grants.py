"""`grants_of(estate)`: the single answer to "who may do what, where, until when, and why".

In: an `Estate`. Out: sorted, frozen `Grant` values. Effects: none. Policies, plans, handover texts and the proof of
access all read these values; nothing else decides about access.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from data_exports.contract.keys import RECEIPTS, checkpoints_prefix_of, head_key_of, receipts_prefix_of
from data_exports.destinations.destination import Right
from data_exports.destinations.kinds import OutsideDestination, outside_destination_in
from data_exports.estate.models import Dataset, Estate, Platform, PullDataset, PushDataset
from data_exports.json_values import json_as
from data_exports.names import (
    ALERT_TOPIC,
    KEEPER,
    KEEPER_SENT,
    KEEPER_SETTINGS,
    NOTARY,
    AccountId,
    DatasetName,
    KeyPrefix,
    Outsider,
    dead_letter_queue_name_of,
    owner_topic_of,
    queue_name_of,
)
from data_exports.readers.kinds import OutsideReader
from data_exports.readers.sftp import INCOMING


class Role(StrEnum):
    """In which role of the product somebody is granted something."""

    SENDER = "sender"
    MOVER = "mover"
    PULL_USER = "pull user"
    OUTSIDER = "outsider"
    FEDERATED = "federated reader"
    """Somebody outside AWS, who comes with a token of another issuer."""
    SFTP = "reader by SFTP"
    """Somebody outside AWS, who logs in with an SSH key."""


PULL_READERS = frozenset({Role.OUTSIDER, Role.FEDERATED, Role.SFTP})
"""Those to whom a pull dataset is opened who are not users of the platform."""


@json_as("actions resource key_prefix last_day until")
@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One principal may do these actions on this one resource.

    `resource` is an ARN; a ``*`` stands at its end only, for object keys (and log streams). `key_prefix` is set for
    actions on a whole bucket that are confined to keys under a prefix (the `s3:prefix` of a listing).
    """

    principal: Outsider
    role: Role
    dataset: DatasetName
    resource: str
    actions: tuple[str, ...]
    key_prefix: KeyPrefix | None = None
    until: datetime | None = None
    why: tuple[str, ...] = ()
    """The dataset's paperwork."""
    owner_account: AccountId | None = None
    """The account that a recipient's bucket must belong to, if it is named; S3 is told with every copy."""
    conditions: tuple[tuple[str, str, str], ...] = ()
    """IAM's operators, condition keys and values."""
    reader: OutsideReader | None = None
    """Of a reader outside AWS: who it is; the principal is the role that it alone can assume."""
    destination: OutsideDestination | None = None
    """Of a mover's right at a recipient outside AWS: who that is, and as whom the mover is known there."""

    @property
    def is_of_aws(self) -> bool:
        """Whether IAM knows the resource; what a recipient outside AWS allows is no matter of our policies."""
        return self.resource == "*" or self.resource.startswith("arn:")

    @property
    def last_day(self) -> date | None:
        """The last day, in UTC, on which it holds; `until` is the moment after."""
        return (self.until - timedelta(microseconds=1)).astimezone(UTC).date() if self.until else None


# What each role may do. Actions by IAM's names:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
SENDER_OBJECT_ACTIONS = ("s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging")
SENDER_BUCKET_ACTIONS = ("s3:ListBucket",)
# "Did it arrive?" is a sender's own question: the receipts of the dataset, and of no other, answer it.
SENDER_RECEIPT_ACTIONS = ("s3:GetObject",)
# How many dead letters there are, which neither shows nor holds one. The queue itself is left out: its ARN would double
# what this costs of the characters that a role's policies may hold.
SENDER_DEAD_LETTER_ACTIONS = ("sqs:GetQueueAttributes",)

# A conditional delete asks for GetObject as well as DeleteObject, a copy for the tags that it carries along:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
MOVER_READ_ACTIONS = ("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging")
MOVER_RETIRE_ACTIONS = ("s3:DeleteObject",)
MOVER_VERSIONING_ACTIONS = ("s3:GetBucketVersioning",)  # where versioning is off, a delete would be for good
MOVER_LIST_ACTIONS = ("s3:ListBucketVersions",)
MOVER_SWEEP_ACTIONS = ("s3:ListBucket",)  # what is in sight; a hub that keeps its files is swept by its versions
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
MOVER_QUEUE_ACTIONS = (
    "sqs:ChangeMessageVisibility",  # a failed message comes back after a while of the mover's choosing
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",  # to go on with a large file, and of what the sweep finds
)
KEEPER_LOG_ACTIONS = MOVER_LOG_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")
MOVER_RECEIPT_ACTIONS = ("s3:GetObject", "s3:PutObject")  # the sweep reads who was heard of
MOVER_LOG_LIST_ACTIONS = ("s3:ListBucket",)
MOVER_TOPIC_ACTIONS = ("sns:Publish",)
MOVER_CHECKPOINT_ACTIONS = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")

PULL_USER_OBJECT_ACTIONS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
    "s3:PutObjectTagging",
    "s3:RestoreObject",
)
PULL_USER_BUCKET_ACTIONS = ("s3:ListBucket", "s3:ListBucketVersions")

OUTSIDER_READ_ACTIONS = ("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging")
OUTSIDER_WRITE_ACTIONS = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject")
OUTSIDER_BUCKET_ACTIONS = ("s3:ListBucket",)

# What AWS Transfer Family needs to list and read for somebody; there is no way to ask for an older version by SFTP.
# https://docs.aws.amazon.com/transfer/latest/userguide/users-policies-all-access.html
SFTP_READ_ACTIONS = ("s3:GetObject", "s3:GetObjectVersion")
# No delete: what somebody has handed in is not theirs to take back. So nothing can be renamed either, which is a copy
# and a delete, and programs that upload under another name first must be told not to.
SFTP_WRITE_ACTIONS = ("s3:AbortMultipartUpload", "s3:PutObject")


def grants_of(estate: Estate) -> tuple[Grant, ...]:
    """Every access that the estate's declarations give, sorted."""
    found = (grant for dataset in estate.datasets() for grant in grants_of_dataset(estate.platform, dataset))
    return tuple(sorted(found, key=_order))


def grants_of_push(platform: Platform, push: PushDataset) -> tuple[Grant, ...]:
    """The accesses of one push dataset: its senders' and its mover's."""
    return tuple(sorted([*_sender_grants(platform, push), *_mover_grants(platform, push)], key=_order))


def grants_of_pull(platform: Platform, pull: PullDataset) -> tuple[Grant, ...]:
    """The accesses of one pull dataset: its users', the outsiders', and those of readers outside AWS."""
    found = [*_pull_user_grants(platform, pull), *_outsider_grants(platform, pull), *_federated_grants(platform, pull)]
    return tuple(sorted([*found, *_sftp_grants(platform, pull)], key=_order))


def grants_of_dataset(platform: Platform, dataset: Dataset) -> tuple[Grant, ...]:
    """The accesses of one dataset of either kind."""
    if isinstance(dataset, PushDataset):
        return grants_of_push(platform, dataset)
    return grants_of_pull(platform, dataset)


def _order(grant: Grant) -> tuple[str, ...]:
    return (grant.principal, grant.role, grant.dataset, grant.resource, *grant.actions, grant.key_prefix or "")


def _sender_grants(platform: Platform, push: PushDataset) -> Iterator[Grant]:
    hub, log, receipts = platform.hub_bucket.arn, platform.log_bucket.arn, KeyPrefix(receipts_prefix_of(push.name))
    for user in push.users:
        sender = platform.user_role_arn(user)
        for resource, actions, key_prefix in (
            (f"{hub}/{push.prefix.pattern_below}", SENDER_OBJECT_ACTIONS, None),
            (hub, SENDER_BUCKET_ACTIONS, push.prefix),
            (f"{log}/{receipts.pattern_below}", SENDER_RECEIPT_ACTIONS, None),
            (log, SENDER_BUCKET_ACTIONS, receipts),
            (dead_letter_queue_arn_of(platform, push), SENDER_DEAD_LETTER_ACTIONS, None),
        ):
            yield Grant(sender, Role.SENDER, push.name, resource, actions, key_prefix, push.until, push.paperwork)


def _mover_grants(platform: Platform, push: PushDataset) -> Iterator[Grant]:
    mover = push.mover_role_arn(platform)
    hub, below = platform.hub_bucket.arn, push.prefix.pattern_below
    retire = () if push.keep_files else MOVER_RETIRE_ACTIONS
    data = [
        Right(f"{hub}/{below}", tuple(sorted(MOVER_READ_ACTIONS + retire))),
        *push.destination.rights(push.prefix),
        *([] if push.keep_files else [Right(hub, MOVER_VERSIONING_ACTIONS)]),
    ]
    for right in data:
        ends, why = push.until, push.paperwork
        on = (right.resource, right.actions, None, ends, why, right.owner_account, right.conditions)
        grant = Grant(mover, Role.MOVER, push.name, *on)
        yield grant if grant.is_of_aws else replace(grant, destination=outside_destination_in(push.destination))
    # These reach no data and do not end: what was uploaded too late must still get its receipt, which says so.
    log, receipts, checkpoints = (
        platform.log_bucket.arn,
        KeyPrefix(receipts_prefix_of(push.name)),
        KeyPrefix(checkpoints_prefix_of(push.name)),
    )
    sweep = () if push.keep_files else MOVER_SWEEP_ACTIONS
    records: list[tuple[str, tuple[str, ...], KeyPrefix | None]] = [
        (hub, tuple(sorted(MOVER_LIST_ACTIONS + sweep)), push.prefix),
        (queue_arn_of(platform, queue_name_of(push.name)), MOVER_QUEUE_ACTIONS, None),
        (f"{log}/{receipts.pattern_below}", MOVER_RECEIPT_ACTIONS, None),
        (f"{log}/{checkpoints.pattern_below}", MOVER_CHECKPOINT_ACTIONS, None),
        (log, MOVER_LOG_LIST_ACTIONS, receipts),
        (log, MOVER_LOG_LIST_ACTIONS, checkpoints),
        (f"{log_group_arn_of(platform, push)}:*", MOVER_LOG_ACTIONS, None),
        *((topic, MOVER_TOPIC_ACTIONS, None) for topic in alert_topic_arns_of(platform, push)),
    ]
    for resource, actions, key_prefix in records:
        yield Grant(mover, Role.MOVER, push.name, resource, actions, key_prefix, None, push.paperwork)


def _pull_user_grants(platform: Platform, pull: PullDataset) -> Iterator[Grant]:
    bucket = pull.bucket(platform).arn
    for user in pull.users:
        arn = platform.user_role_arn(user)
        for resource, actions in ((bucket, PULL_USER_BUCKET_ACTIONS), (f"{bucket}/*", PULL_USER_OBJECT_ACTIONS)):
            yield Grant(arn, Role.PULL_USER, pull.name, resource, actions, None, pull.until, pull.paperwork)


def _outsider_grants(platform: Platform, pull: PullDataset) -> Iterator[Grant]:
    bucket = pull.bucket(platform).arn
    for outsider in pull.outsiders:
        for resource, actions in ((bucket, OUTSIDER_BUCKET_ACTIONS), (f"{bucket}/*", _outside_actions(pull))):
            yield Grant(outsider, Role.OUTSIDER, pull.name, resource, actions, None, pull.until, pull.paperwork)


def _federated_grants(platform: Platform, pull: PullDataset) -> Iterator[Grant]:
    bucket = pull.bucket(platform).arn
    for reader in pull.identities:
        role, on_bucket = (
            pull.role_arn_of(reader, platform),
            tuple(sorted(OUTSIDER_BUCKET_ACTIONS + reader.bucket_actions)),
        )
        for resource, actions in ((bucket, on_bucket), (f"{bucket}/*", _outside_actions(pull))):
            on = (resource, actions, None, pull.until, pull.paperwork)
            yield Grant(role, Role.FEDERATED, pull.name, *on, reader=reader)


def _sftp_grants(platform: Platform, pull: PullDataset) -> Iterator[Grant]:
    bucket = pull.bucket(platform).arn
    rights = [(bucket, OUTSIDER_BUCKET_ACTIONS), (f"{bucket}/*", SFTP_READ_ACTIONS)]
    rights += [(f"{bucket}/{INCOMING}*", SFTP_WRITE_ACTIONS)] if pull.allow_push else []
    for reader in pull.sftp_readers:
        role = pull.role_arn_of(reader, platform)
        for resource, actions in rights:
            on = (resource, actions, None, pull.until, pull.paperwork)
            yield Grant(role, Role.SFTP, pull.name, *on, reader=reader)


def _outside_actions(pull: PullDataset) -> tuple[str, ...]:
    """What anybody to whom the bucket is opened may do with its objects."""
    return tuple(sorted(OUTSIDER_READ_ACTIONS + (OUTSIDER_WRITE_ACTIONS if pull.allow_push else ())))


@dataclass(frozen=True, slots=True)
class FunctionRight:
    """Something that one of the platform's own functions may do; topics' and keys' policies say what more."""

    sid: str
    resource: str
    actions: tuple[str, ...]
    key_prefix: KeyPrefix | None = None


def keeper_rights_of(platform: Platform) -> tuple[FunctionRight, ...]:
    """What the keeper may do: read receipts and its settings, note what it has settled, write its log. No data."""
    log, receipts, sent = platform.log_bucket.arn, KeyPrefix(RECEIPTS), KeyPrefix(KEEPER_SENT)
    log_group = f"arn:aws:logs:{platform.region}:{platform.account}:log-group:{KEEPER_LOG_GROUP}"
    return (
        FunctionRight("ListReceipts", log, ("s3:ListBucket",), receipts),
        FunctionRight("ListSent", log, ("s3:ListBucket",), sent),
        FunctionRight("NoteSent", f"{log}/{sent.pattern_below}", ("s3:PutObject",)),
        FunctionRight("ReadReceipts", f"{log}/{receipts.pattern_below}", ("s3:GetObject",)),
        FunctionRight("ReadSettings", f"{log}/{KEEPER_SETTINGS}", ("s3:GetObject",)),
        FunctionRight("WriteLog", f"{log_group}:*", KEEPER_LOG_ACTIONS),
    )


def notary_rights_of(platform: Platform) -> tuple[FunctionRight, ...]:
    """What the notary may do: read receipts and stacks, add to its log. No data. That it signs, its key's policy says.

    All stacks are described in one request, so that none can be kept from it; that takes both rights, on everything.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    log, evidence, receipts = platform.log_bucket.arn, platform.evidence_bucket.arn, KeyPrefix(RECEIPTS)
    place = f"{platform.region}:{platform.account}"
    witness = witness_arn_of(platform)
    return (
        FunctionRight("DescribeStacks", "*", ("cloudformation:DescribeStacks", "cloudformation:ListStacks")),
        FunctionRight("KeepLog", f"{evidence}/*", ("s3:GetObject", "s3:PutObject")),
        FunctionRight("ListLog", evidence, ("s3:ListBucket",)),
        FunctionRight("ListReceipts", log, ("s3:ListBucket",), receipts),
        FunctionRight(
            "ReadDeclarations", f"arn:aws:cloudformation:{place}:stack/exports-*", ("cloudformation:GetTemplate",)
        ),
        FunctionRight("ReadReceipts", f"{log}/{receipts.pattern_below}", ("s3:GetObject",)),
        *([FunctionRight("TellWitness", witness, ("s3:PutObject",))] if witness else ()),
        FunctionRight("WriteLog", f"arn:aws:logs:{place}:log-group:{NOTARY_LOG_GROUP}:*", KEEPER_LOG_ACTIONS),
    )


def witness_arn_of(platform: Platform) -> str:
    """The heads in the witness's bucket, which the notary may add; "" when there is none."""
    lock = platform.evidence
    if lock is None or lock.witness_bucket is None:
        return ""
    return f"{lock.witness_bucket.arn}/{head_key_of(lock.witness_prefix, platform.evidence_bucket, '*')}"


def queue_arn_of(platform: Platform, queue_name: str) -> str:
    """The ARN of a queue of the platform."""
    return f"arn:aws:sqs:{platform.region}:{platform.account}:{queue_name}"


def topic_arn_of(platform: Platform, topic_name: str) -> str:
    """The ARN of a topic of the platform."""
    return f"arn:aws:sns:{platform.region}:{platform.account}:{topic_name}"


def owner_alert_address_of(platform: Platform, dataset: Dataset) -> str:
    """The owner's e-mail address, unless the platform's own alerts go there anyway; "" when there is none."""
    return "" if dataset.owner_address in platform.alerts else dataset.owner_address


def alert_topic_arns_of(platform: Platform, dataset: Dataset) -> tuple[str, ...]:
    """The topics that are told of a dataset: the platform's, and the owner's if there is an address."""
    names = [ALERT_TOPIC, *([owner_topic_of(dataset.name)] if owner_alert_address_of(platform, dataset) else [])]
    return tuple(topic_arn_of(platform, name) for name in names)


def dead_letter_queue_arn_of(platform: Platform, push: PushDataset) -> str:
    """The ARN of the queue of events given up on."""
    return queue_arn_of(platform, dead_letter_queue_name_of(push.name))


KEEPER_LOG_GROUP = f"/aws/lambda/{KEEPER}"
NOTARY_LOG_GROUP = f"/aws/lambda/{NOTARY}"


def log_group_name_of(push: PushDataset) -> str:
    """The log group of the dataset's mover."""
    return f"/aws/lambda/{push.mover_name}"


def log_group_arn_of(platform: Platform, push: PushDataset) -> str:
    """The ARN of the mover's log group, without the ``:*`` that stands for its streams."""
    return f"arn:aws:logs:{platform.region}:{platform.account}:log-group:{log_group_name_of(push)}"
