"""The world around an estate, as it is before the first deployment: users, recipients, outsiders, and strangers.

In: a running local AWS and an estate. Out: a `LocalWorld`, which lists what was made. Effects: IAM roles and users,
buckets and their policies in the local AWS; at the stand-ins of other clouds what our letters ask for, if there are
recipients there. Running it again adds what is new and leaves the rest as it is.
"""

import dataclasses
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from data_exports.access.handover import outsider_policy, route_of
from data_exports.access.statements import Policy
from data_exports.aws import AWS_EXCEPTIONS, code_of
from data_exports.destinations.kinds import outside_destination_in
from data_exports.destinations.s3.destination import S3Destination
from data_exports.estate.identifier_types import SSO_PREFIX
from data_exports.estate.models import Estate, Platform, PushDataset
from data_exports.local.clients import client
from data_exports.local.clouds.declared import CloudThing
from data_exports.local.clouds.recipients import things_put_in_place
from data_exports.local.clouds.running import start_clouds
from data_exports.local.emulator import LocalAws
from data_exports.names import AccountId, BucketName, DatasetName, RoleArn, RoleName, UserArn

UNNAMED_RECIPIENT = AccountId("210987654321")
"""Where the bucket of a recipient is whose declaration names no account."""

_STRANGER = "stranger"


@dataclass(frozen=True)
class LocalWorld:
    """What is there before a deployment."""

    users: tuple[RoleArn, ...]
    """The roles of the platform's users."""
    recipient_buckets: Mapping[BucketName, AccountId]
    """The recipients' buckets, each with the account that owns it."""
    outsiders: tuple[RoleArn | UserArn, ...]
    """The roles, and users, of other accounts that pull."""
    strangers: tuple[RoleArn, ...]
    """One role in each account that no declaration names. Outside the platform it may do everything its own account can
    allow, so that what refuses it is the resource's side."""


def user_role_of(platform: Platform, user: RoleName) -> RoleArn:
    """The role of a user as it is in the platform's account: those of single sign-on live under a path of their own.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
    """
    if not user.startswith(SSO_PREFIX):
        return platform.user_role_arn(user)
    path = f"aws-reserved/sso.amazonaws.com/{platform.region}"
    return RoleArn(f"arn:aws:iam::{platform.account}:role/{path}/{user}")


def s3_destination_of(push: PushDataset) -> S3Destination:
    """Where a dataset is delivered to that goes to a bucket of S3. Raises `TypeError` of one that does not."""
    there = push.destination
    if not isinstance(there, S3Destination):
        raise TypeError(f"{push.name} is not delivered to S3")
    return there


def bucket_of(push: PushDataset) -> BucketName:
    """The recipient's bucket, of a dataset that is delivered to S3."""
    return s3_destination_of(push).bucket


def recipient_account_of(push: PushDataset) -> AccountId:
    """The account of the recipient's bucket: the declared one, or `UNNAMED_RECIPIENT`."""
    return push.destination.account or UNNAMED_RECIPIENT


def recipient_policies_of(estate: Estate) -> dict[BucketName, Policy]:
    """For each recipient's bucket, one policy for all datasets that are delivered to it."""
    return {bucket_of(push): route_of(estate, push).policy for push in _in_s3(estate)}


def _in_s3(estate: Estate) -> Iterator[PushDataset]:
    return (push for push in estate.push_datasets if not outside_destination_in(push.destination))


def stranger_of(estate: Estate, account: AccountId) -> RoleArn:
    """The role of this account that no declaration of the estate names."""
    declared = {outsider.rsplit("/", 1)[-1] for pull in estate.pull_datasets for outsider in pull.outsiders}
    declared |= {user for dataset in estate.datasets() for user in dataset.users}
    name = _STRANGER
    while name in declared:
        name += "-indeed"
    return RoleArn.of(account, RoleName(name))


def make_local_world(local: LocalAws, estate: Estate, *, without_handover: Collection[DatasetName] = ()) -> LocalWorld:
    """Make everything around the platform that exists before a deployment; fine to run again.

    For the datasets in `without_handover` the other side has not put its half in place yet: the recipient's bucket
    policy, or the outside role's permission, is left out (and taken away when it was there).
    Raises botocore's exceptions when the local AWS refuses something.
    """
    platform = estate.platform
    users = sorted({user_role_of(platform, user) for dataset in estate.datasets() for user in dataset.users})
    for user in users:
        _make(local, user)
    buckets = {bucket_of(push): recipient_account_of(push) for push in _in_s3(estate)}
    policies = recipient_policies_of(_only_handed_over(estate, without_handover))
    for bucket, owner in buckets.items():
        _make_bucket(local, bucket, owner, policies.get(bucket))
    _let_in_outside(local, estate, without_handover)
    outsiders = tuple(_make_outsiders(local, estate, without_handover))
    accounts = {platform.account, *buckets.values(), *(outsider.account for outsider in outsiders)}
    strangers = tuple(stranger_of(estate, account) for account in sorted(accounts))
    for stranger in strangers:
        _make(local, stranger)
        if stranger.account != platform.account:
            everything = {"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"}
            _permit(local, stranger, "everything", {"Version": "2012-10-17", "Statement": [everything]})
    return LocalWorld(tuple(users), buckets, outsiders, strangers)


def _let_in_outside(local: LocalAws, estate: Estate, without_handover: Collection[DatasetName]) -> None:
    """Have recipients outside AWS do what our letters say, at the stand-ins; nothing where there are none."""
    if not any(outside_destination_in(push.destination) for push in estate.push_datasets):
        return
    iam = client(local, "iam", account=estate.platform.account)
    try:
        iam.enable_outbound_web_identity_federation()
    except AWS_EXCEPTIONS as error:
        if code_of(error) != "FeatureEnabled":
            raise
    start_clouds(local).declare(*outside_things_of(local, _only_handed_over(estate, without_handover)))


def outside_things_of(local: LocalAws, estate: Estate) -> tuple[CloudThing, ...]:
    """What the estate's recipients outside AWS put in place when they do what our letters say."""
    iam = client(local, "iam", account=estate.platform.account)
    issuer = iam.get_outbound_web_identity_federation_info()["IssuerIdentifier"]
    halves = [
        there.half(route_of(estate, push, issuer=issuer)).facts
        for push in estate.push_datasets
        if (there := outside_destination_in(push.destination))
    ]
    return tuple(things_put_in_place(halves))


def _only_handed_over(estate: Estate, without_handover: Collection[DatasetName]) -> Estate:
    kept = tuple(push for push in estate.push_datasets if push.name not in without_handover)
    return dataclasses.replace(estate, push_datasets=kept)


def _make_outsiders(
    local: LocalAws, estate: Estate, without_handover: Collection[DatasetName]
) -> Iterator[RoleArn | UserArn]:
    """Make the roles and users that pull, with the permissions their accounts owe them.

    IAM knows a name once in an account, whatever its path: of two outsiders that differ in the path alone only the
    first exists, as on AWS.
    """
    made: set[RoleArn | UserArn] = set()
    for pull in estate.pull_datasets:
        for outsider in pull.outsiders:
            if not isinstance(outsider, RoleArn | UserArn):
                continue  # a whole account needs nothing made
            if not _make(local, outsider):
                continue
            made.add(outsider)
            handed_over = pull.name not in without_handover
            _permit(
                local, outsider, f"pull-{pull.name}", outsider_policy(estate, pull, outsider) if handed_over else None
            )
    yield from sorted(made)


def _make(local: LocalAws, who: RoleArn | UserArn) -> bool:
    """Make a role, assumable by its account's root, or a user without keys; whether it is there under this very ARN."""
    kind = "Role" if isinstance(who, RoleArn) else "User"
    path, name = f"/{who.split('/', 1)[1]}".rsplit("/", 1)
    trusted = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{who.account}:root"}, "Action": "sts:AssumeRole"}
    trust = {"AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [trusted]})}
    iam, named = client(local, "iam", account=who.account), {f"{kind}Name": name}
    try:
        getattr(iam, f"create_{kind.lower()}")(**named, Path=f"{path}/", **(trust if kind == "Role" else {}))
    except iam.exceptions.EntityAlreadyExistsException:
        return bool(getattr(iam, f"get_{kind.lower()}")(**named)[kind]["Arn"] == who)
    return True


def _permit(local: LocalAws, who: RoleArn | UserArn, policy: str, document: Mapping[str, Any] | None) -> None:
    """Give a role or user this inline policy, or take it away (None)."""
    iam = client(local, "iam", account=who.account)
    kind = "role" if isinstance(who, RoleArn) else "user"
    named = {f"{kind.capitalize()}Name": who.rsplit("/", 1)[1], "PolicyName": policy}
    if document is not None:
        getattr(iam, f"put_{kind}_policy")(**named, PolicyDocument=json.dumps(document))
        return
    try:
        getattr(iam, f"delete_{kind}_policy")(**named)
    except iam.exceptions.NoSuchEntityException:
        return


def _make_bucket(local: LocalAws, bucket: BucketName, owner: AccountId, policy: Mapping[str, Any] | None) -> None:
    """Make a recipient's bucket (owner enforced, encrypted, not versioned), with this policy or without any."""
    s3 = client(local, "s3", account=owner)
    where = {} if local.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": local.region}}
    try:
        s3.create_bucket(Bucket=bucket, ObjectOwnership="BucketOwnerEnforced", **where)
    except AWS_EXCEPTIONS as error:
        if code_of(error) != "BucketAlreadyOwnedByYou":
            raise
    else:
        default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [default]})
    if policy is None:
        s3.delete_bucket_policy(Bucket=bucket)
    else:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
