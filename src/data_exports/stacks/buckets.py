"""What every bucket of the platform has in common.

In: a template and the bucket's particulars. Effects: adds the bucket and its policy to the template.
"""

from typing import Any

from troposphere import Template
from troposphere.s3 import (
    AbortIncompleteMultipartUpload,
    Bucket,
    BucketEncryption,
    BucketPolicy,
    LifecycleRule,
    OwnershipControls,
    OwnershipControlsRule,
    PublicAccessBlockConfiguration,
    ServerSideEncryptionByDefault,
    ServerSideEncryptionRule,
)

from data_exports.access.statements import Policy
from data_exports.contract.timing import ABANDONED_UPLOAD_DAYS
from data_exports.names import BucketName


def add_private_bucket(
    template: Template, *, title: str, name: BucketName, policy: Policy, **properties: Any
) -> tuple[Bucket, BucketPolicy]:
    """Add a bucket that is encrypted, closed to the public, owner-enforced, and kept when its stack goes.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
    """
    bucket = Bucket(
        title,
        BucketName=str(name),
        DeletionPolicy="Retain",
        UpdateReplacePolicy="Retain",
        BucketEncryption=BucketEncryption(
            ServerSideEncryptionConfiguration=[
                ServerSideEncryptionRule(
                    ServerSideEncryptionByDefault=ServerSideEncryptionByDefault(SSEAlgorithm="AES256")
                )
            ]
        ),
        PublicAccessBlockConfiguration=PublicAccessBlockConfiguration(
            BlockPublicAcls=True, BlockPublicPolicy=True, IgnorePublicAcls=True, RestrictPublicBuckets=True
        ),
        OwnershipControls=OwnershipControls(Rules=[OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]),
        **properties,
    )
    bucket_policy = BucketPolicy(f"{title}Policy", Bucket=bucket.ref(), PolicyDocument=policy)
    template.add_resource(bucket)
    template.add_resource(bucket_policy)
    return bucket, bucket_policy


def abort_abandoned_uploads() -> LifecycleRule:
    """Parts of multipart uploads that nobody finished are billed until somebody aborts them.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html
    """
    return LifecycleRule(
        Id="AbortAbandonedUploads",
        Status="Enabled",
        Prefix="",
        AbortIncompleteMultipartUpload=AbortIncompleteMultipartUpload(DaysAfterInitiation=ABANDONED_UPLOAD_DAYS),
    )
