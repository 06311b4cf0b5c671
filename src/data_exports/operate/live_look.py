"""What delivery and access rest on, looked at cheaply: whether it is there, and switched on.

In: a dataset, or all push datasets for their hub, and an `Aws`. Out: sentences on what is not as it was deployed.
Effects: reads; one request for what feeds a mover or for a bucket's policy, one for each user, two for the hub.
`exports drift` looks at all the rest; it takes longer.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from data_exports.aws import Aws, call_or_none
from data_exports.deploy.remote import prefix_of_rule
from data_exports.estate.models import Dataset, Platform, PullDataset, PushDataset
from data_exports.names import RoleName, pull_users_policy_of, push_users_policy_of
from data_exports.operate.rights import needing

MOST_POLICIES = 200
"""Of an estate with more users' policies none is asked for: IAM throttles, and `status` is to be quick."""


def look_at_dataset(platform: Platform, dataset: Dataset, users: Sequence[RoleName], aws: Aws) -> list[str]:
    """What is amiss with one dataset, and with its policies on these users' roles.

    Raises `NotAllowedError` when we may not look, `AwsError` when AWS cannot be asked.
    """
    look = _look_at_mover(dataset, aws) if isinstance(dataset, PushDataset) else _look_at_bucket(platform, dataset, aws)
    return [*look, *_look_at_users(dataset, users, aws)]


def look_at_hub(platform: Platform, pushes: Sequence[PushDataset], aws: Aws) -> list[str]:
    """What is amiss with the hub of these datasets, which are deployed. Raises as `look_at_dataset`."""
    s3, hub = aws.client("s3"), platform.hub_bucket
    where = {"Bucket": str(hub), "ExpectedBucketOwner": str(platform.account)}
    with needing(aws, "s3:GetBucketVersioning and s3:GetBucketNotification", str(hub)):
        status = s3.get_bucket_versioning(**where).get("Status", "never on")
        rules = s3.get_bucket_notification_configuration(**where).get("QueueConfigurations", [])
    told = {prefix_of_rule(rule) for rule in rules}
    said = f"the hub's versioning is {status}: what is delivered does not leave the hub"
    untold = [push.name for push in pushes if push.prefix not in told]
    return [
        *([said] if status != "Enabled" else []),
        *(f"nothing tells the mover of {name} of files" for name in untold),
    ]


def _look_at_mover(push: PushDataset, aws: Aws) -> Iterator[str]:
    name = str(push.mover_name)
    with needing(aws, "lambda:ListEventSourceMappings", name):
        pages = aws.client("lambda").get_paginator("list_event_source_mappings").paginate(FunctionName=name)
        found = call_or_none(lambda: [each for page in pages for each in page["EventSourceMappings"]])
    if found is None:
        yield f"its mover {name} is gone"
    elif not any(each["State"] not in ("Disabled", "Disabling") for each in found):
        yield "nothing feeds its mover" if not found else "what feeds its mover is switched off"


def _look_at_bucket(platform: Platform, pull: PullDataset, aws: Aws) -> Iterator[str]:
    bucket = pull.bucket(platform)
    where = {"Bucket": str(bucket), "ExpectedBucketOwner": str(platform.account)}
    with needing(aws, "s3:GetBucketPolicy", str(bucket)):
        if call_or_none(partial(aws.client("s3").get_bucket_policy, **where)) is None:
            yield f"its bucket {bucket} is gone, or has no policy"


def _look_at_users(dataset: Dataset, users: Sequence[RoleName], aws: Aws) -> Iterator[str]:
    named = push_users_policy_of if isinstance(dataset, PushDataset) else pull_users_policy_of
    for user in users:
        read = partial(aws.client("iam").get_role_policy, RoleName=str(user), PolicyName=named(dataset.name))
        with needing(aws, "iam:GetRolePolicy", str(user)):
            if call_or_none(read) is None:
                yield f"{user} has lost its access: its policy {named(dataset.name)} is gone"
