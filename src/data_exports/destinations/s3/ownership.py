"""Whether a recipient's bucket exists, and whose it is.

In: the declared bucket, and what AWS tells. Out: a `Misfit`, or None. Effects: reads AWS, which tells not everything to
everybody; what it does not tell is a misfit of its own, and never taken for yes or no:

- ``HeadBucket`` answers 404 when nobody has the bucket and 403 when somebody has it and we may not list it.
- With ``x-amz-expected-bucket-owner`` it answers 403, too, when the owner is another one. So a 403 tells something
  about the owner only to somebody who may list the bucket.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

from data_exports.destinations.destination import Fault, Lookup, Misfit
from data_exports.destinations.s3.bucket import S3Bucket
from data_exports.names import AccountId, BucketName


def misfit_of(there: S3Bucket, lookup: Lookup, owner: str) -> Misfit | None:
    """What is wrong with the bucket, or not known. Raises `AwsError` when AWS does not say even that."""
    bucket, named = there.bucket, owner or "the recipient"
    about = "target_account" if there.account else "target_bucket"
    fault = _fault_of(there, lookup)
    match fault:
        case None:
            return None
        case Fault.MISSING:
            about, message = "target_bucket", f"there is no bucket {bucket}"
            hint = "correct the name, or ask the recipient to make the bucket"
        case Fault.OTHER_OWNER:
            message = f"the bucket {bucket} does not belong to {named}"
            hint = "ask the recipient which bucket and which account are theirs; until then nothing is delivered"
        case Fault.NOT_TOLD:
            message = f"the bucket {bucket} exists; whether it belongs to {named}, AWS does not tell us"
            hint = "no delivery goes to another owner; once deployed, `exports probe` tells whether it is right"
    return Misfit(fault, about, message, hint)


def _fault_of(there: S3Bucket, lookup: Lookup) -> Fault | None:
    bucket, account = there.bucket, there.account
    if bucket in lookup.own_buckets and account is not None:
        return None if account == lookup.account else Fault.OTHER_OWNER
    seen = _look_at(bucket, None, lookup)
    if account is None or seen is Fault.MISSING:
        return seen if seen is Fault.MISSING else None
    if seen is None:
        return Fault.OTHER_OWNER if _look_at(bucket, account, lookup) else None
    return Fault.NOT_TOLD


def _look_at(bucket: BucketName, owner: AccountId | None, lookup: Lookup) -> Fault | None:
    """Whether AWS shows us the bucket as this owner's; `NOT_TOLD` when it refuses. Raises `AwsError`."""
    from data_exports.aws import AWS_EXCEPTIONS, AwsAnswer, answer_of, aws_error_of  # boto3 takes long

    expected = {"ExpectedBucketOwner": str(owner)} if owner else {}
    try:
        lookup.aws.client("s3").head_bucket(Bucket=str(bucket), **expected)
    except AWS_EXCEPTIONS as error:
        faults = {AwsAnswer.NOT_FOUND: Fault.MISSING, AwsAnswer.FORBIDDEN: Fault.NOT_TOLD}
        if fault := faults.get(answer_of(error)):
            return fault
        raise aws_error_of(error, where=f"bucket {bucket}") from error
    return None
