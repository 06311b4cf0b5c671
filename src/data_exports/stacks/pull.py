"""The stack of one pull dataset: its bucket, what outsiders may do there, readers' roles, and its users' policy.

In: the platform, the dataset, and the surroundings. Out: one `Stack`. Effects: none. The bucket outlives the stack.
"""

from troposphere.s3 import LifecycleConfiguration, VersioningConfiguration

from data_exports.access.grants import grants_of_pull
from data_exports.access.policies import pull_bucket_policy, pull_user_policy
from data_exports.estate.models import Platform, PullDataset
from data_exports.names import pull_users_policy_of
from data_exports.stacks.access_logs import logging_of
from data_exports.stacks.alerts import add_owner_topic
from data_exports.stacks.buckets import abort_abandoned_uploads, add_private_bucket
from data_exports.stacks.readers import add_reader_roles
from data_exports.stacks.sftp import add_sftp_users
from data_exports.stacks.stack import Stack, Surroundings, Wave, dataset_metadata, new_template, stack_of
from data_exports.stacks.users import add_users_policy, split_roles


def pull_stack(platform: Platform, pull: PullDataset, surroundings: Surroundings) -> Stack:
    """Everything of one pull dataset."""
    grants = grants_of_pull(platform, pull)
    present, missing = split_roles(pull, surroundings)
    template = new_template(f"Data exports: pull dataset {pull.name}", dataset_metadata(pull, grants, missing))
    bucket = pull.bucket(platform)
    versioning = (
        {"VersioningConfiguration": VersioningConfiguration(Status="Enabled")} if pull.bucket_versioning else {}
    )
    add_private_bucket(
        template,
        title="Bucket",
        name=bucket,
        policy=pull_bucket_policy(bucket, grants, require_tls=surroundings.require_tls),
        LifecycleConfiguration=LifecycleConfiguration(Rules=[abort_abandoned_uploads()]),
        LoggingConfiguration=logging_of(platform),
        **versioning,
    )
    add_reader_roles(template, platform, pull, grants)
    add_sftp_users(template, platform, pull, grants)
    add_users_policy(template, pull_users_policy_of(pull.name), pull_user_policy(grants), present)
    add_owner_topic(template, platform, pull)
    return stack_of(
        template,
        name=pull.stack_name,
        wave=Wave.DATASETS,
        platform=platform,
        dataset=pull.name,
        buckets=(bucket,),
    )
