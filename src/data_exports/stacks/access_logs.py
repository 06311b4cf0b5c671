"""The stack of the access logs: the bucket to which S3 writes who used the pull datasets' buckets, and them as a table.

In: the platform and its pull datasets. Out: one `Stack`. Effects: none. It is a stack of its own, so that an older
version's `deploy` leaves it alone: out of the foundation it would drop the bucket, which outlives that, and which
nothing adopts into a stack that is there.

S3 writes logs to a bucket of the same account and region, without Object Lock, encrypted with S3's own keys:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
"""

import json
from collections.abc import Sequence

from troposphere.cloudtrail import AdvancedEventSelector, AdvancedFieldSelector, Trail
from troposphere.glue import Database, DatabaseInput, SerdeInfo, StorageDescriptor, Table, TableInput
from troposphere.s3 import LifecycleConfiguration, LifecycleRule, LoggingConfiguration, PartitionedPrefix
from troposphere.s3 import TargetObjectKeyFormat as KeyFormat

from data_exports.access.policies import access_log_bucket_policy
from data_exports.estate.models import Platform, PullDataset
from data_exports.names import ACCESS_LOG_PREFIX, ACCESS_LOGS_STACK, AUDIT_PREFIX, AUDIT_TRAIL
from data_exports.stacks.buckets import abort_abandoned_uploads, add_private_bucket
from data_exports.stacks.receipts_table import columns_of
from data_exports.stacks.stack import (
    Stack,
    Wave,
    add_dependencies,
    new_template,
    stack_of,
    with_template,
)

ACCESS_DATABASE = "data_exports_access"
"""A database of its own: the receipts' one comes with another stack, made at the same time."""
ACCESS_TABLE = "requests"

LOG_COLUMNS = (
    *("bucket_owner", "bucket_name", "requested_at", "remote_ip", "requester", "request_id", "operation", "key"),
    *("request_uri", "http_status", "error_code", "bytes_sent", "object_size", "total_time", "turn_around_time"),
    *("referrer", "user_agent", "version_id", "rest"),
)
"""The fields of a line, each as text.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html"""
_PATTERN = (
    r'([^ ]*) ([^ ]*) \[(.*?)\] ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) ("[^ ]* ?[^ ]* ?[^ ]*"|-) (-|[0-9]*) ([^ ]*)'
    r' ([^ ]*) ([^ ]*) ([^ ]*) ([^ ]*) (".*?"|-) (".*"|-) ([^ ]*)(?: (.*))?$'
)
"""What is quoted may hold quotes, the last two also blanks: requesters write it."""
SELECTOR_VALUES = 490
"""A trail takes 500 values; with more pull datasets than this, all buckets with their prefix are recorded.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html"""
ACCESS_LOG_DAYS = 400
"""How long logs are kept: longer than the year from one review of accesses to the next."""


def access_logs_stack(platform: Platform, pulls: Sequence[PullDataset], *, require_tls: bool) -> Stack:
    """The bucket, whose policy lets S3's log service write, and the table over it; with `audit` CloudTrail's trail."""
    template = new_template("Data exports: who used the pull datasets' buckets", {})
    _, policy = add_private_bucket(
        template,
        title="AccessLogBucket",
        name=platform.access_log_bucket,
        policy=access_log_bucket_policy(platform, require_tls=require_tls),
        LifecycleConfiguration=LifecycleConfiguration(Rules=[_forget_old_logs(), abort_abandoned_uploads()]),
    )
    database = template.add_resource(
        Database(
            "AccessLogDatabase",
            CatalogId=str(platform.account),
            DatabaseInput=DatabaseInput(
                Name=ACCESS_DATABASE, Description="Data exports: who used the pull datasets' buckets"
            ),
        )
    )
    table = template.add_resource(
        Table(
            "AccessLogTable", CatalogId=str(platform.account), DatabaseName=ACCESS_DATABASE, TableInput=_table(platform)
        )
    )
    add_dependencies(table, database)
    if platform.audit:
        add_dependencies(template.add_resource(_trail(platform, pulls)), policy)
    return stack_of(
        template,
        name=ACCESS_LOGS_STACK,
        wave=Wave.FOUNDATION,
        platform=platform,
        buckets=(platform.access_log_bucket,),
    )


def without_logging(stack: Stack) -> Stack:
    """A pull dataset's stack whose bucket is not logged: where there is no bucket for logs, access is to be right."""
    template = json.loads(stack.body)
    for resource in template["Resources"].values():
        resource.get("Properties", {}).pop("LoggingConfiguration", None)
    return with_template(stack, template)


def logging_of(platform: Platform) -> LoggingConfiguration:
    """What a pull dataset's bucket says of its logs: a folder a day, by the time of the requests.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PartitionedPrefix.html
    """
    return LoggingConfiguration(
        DestinationBucketName=str(platform.access_log_bucket),
        LogFilePrefix=ACCESS_LOG_PREFIX,
        TargetObjectKeyFormat=KeyFormat(PartitionedPrefix=PartitionedPrefix(PartitionDateSource="EventTime")),
    )


def _trail(platform: Platform, pulls: Sequence[PullDataset]) -> Trail:
    """Each request for an object of the hub and of the pull buckets, with digests that show a record that was changed.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
    """
    buckets = sorted(f"{pull.bucket(platform).arn}/" for pull in pulls)
    if len(buckets) >= SELECTOR_VALUES:
        buckets = [f"arn:aws:s3:::{platform.pull_bucket_prefix}"]
    places = [f"{platform.hub_bucket.arn}/", *buckets]
    selector = AdvancedEventSelector(
        Name="Files of the hub and of pull datasets",
        FieldSelectors=[
            AdvancedFieldSelector(Field="eventCategory", Equals=["Data"]),
            AdvancedFieldSelector(Field="resources.type", Equals=["AWS::S3::Object"]),
            AdvancedFieldSelector(Field="resources.ARN", StartsWith=places),
        ],
    )
    return Trail(
        "AuditTrail",
        TrailName=AUDIT_TRAIL,
        S3BucketName=str(platform.access_log_bucket),
        S3KeyPrefix=AUDIT_PREFIX,
        IsLogging=True,
        EnableLogFileValidation=True,
        IncludeGlobalServiceEvents=False,
        AdvancedEventSelectors=[selector],
    )


def _forget_old_logs() -> LifecycleRule:
    return LifecycleRule(Id="ForgetOldLogs", Status="Enabled", Prefix="", ExpirationInDays=ACCESS_LOG_DAYS)


def _table(platform: Platform) -> TableInput:
    """Athena works out from a query's conditions where to look: `bucket` is to be named, `day` is a range.

    https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
    https://docs.aws.amazon.com/athena/latest/ug/regex-serde.html
    """
    place = f"s3://{platform.access_log_bucket}/{ACCESS_LOG_PREFIX}{platform.account}/{platform.region}/"
    return TableInput(
        Name=ACCESS_TABLE,
        Description="One row for each request to a pull dataset's bucket, as S3 logs it: best effort, hours late",
        TableType="EXTERNAL_TABLE",
        Parameters={
            "EXTERNAL": "TRUE",
            "projection.enabled": "true",
            "projection.bucket.type": "injected",
            "projection.day.type": "date",
            "projection.day.format": "yyyy/MM/dd",
            "projection.day.range": f"NOW-{ACCESS_LOG_DAYS}DAYS,NOW+1DAY",
            "storage.location.template": f"{place}${{bucket}}/${{day}}/",
        },
        PartitionKeys=columns_of((("bucket", "string"), ("day", "string"))),
        StorageDescriptor=StorageDescriptor(
            Columns=columns_of(tuple((name, "string") for name in LOG_COLUMNS)),
            Location=place,
            InputFormat="org.apache.hadoop.mapred.TextInputFormat",
            OutputFormat="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            SerdeInfo=SerdeInfo(
                SerializationLibrary="org.apache.hadoop.hive.serde2.RegexSerDe", Parameters={"input.regex": _PATTERN}
            ),
        ),
    )
