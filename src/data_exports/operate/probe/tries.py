"""Tries of the calls that somebody's grants allow, by themselves: what they may do, and what they may not.

In: the grants of one dataset that are theirs, and an `Aws` that is them. Out: checks, and what is lacking. Effects:
lists, asks for the head of an object, begins and aborts an upload in parts, which leaves nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from data_exports.access.grants import Grant
from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, code_of, reason_of
from data_exports.destinations.destination import Lack, Party
from data_exports.estate.models import Estate, PullDataset
from data_exports.operate.probe.findings import PUT_IN_PLACE, Check, CheckAnswer

Found = Iterator[tuple[Check, Lack | None]]

_PROBE_KEY = ".exports-probe"
"""Never written: only asked for, and begun as an upload in parts that is aborted."""


@dataclass(frozen=True, slots=True)
class Blame:
    """Whose fault a refusal is, and what to do about it."""

    side: Party
    next_step: str


def try_grants(
    estate: Estate, pull: PullDataset, aws: Aws, grants: Sequence[Grant], blame: Blame, *, is_confined: bool = False
) -> Found:
    """Try each call that these grants allow; where they are `is_confined` also that writing is refused otherwise."""
    bucket, s3 = str(pull.bucket(estate.platform)), aws.client("s3")
    actions = {action for grant in grants for action in grant.actions}
    owner: dict[str, Any] = {"Bucket": bucket, "ExpectedBucketOwner": str(estate.platform.account)}
    listed: dict[str, Any] = {}

    def list_once() -> None:
        listed.update(s3.list_objects_v2(**owner, MaxKeys=1))

    def locate() -> None:
        s3.get_bucket_location(**owner)

    def read_once() -> None:
        key = next((each["Key"] for each in listed.get("Contents", [])), _PROBE_KEY)
        s3.head_object(**owner, Key=key)

    def write_and_withdraw() -> None:
        upload = s3.create_multipart_upload(**owner, Key=_PROBE_KEY)["UploadId"]
        s3.abort_multipart_upload(**owner, Key=_PROBE_KEY, UploadId=upload)

    def abort_nothing() -> None:
        s3.abort_multipart_upload(**owner, Key=_PROBE_KEY, UploadId="exports-probe-no-such-upload")

    yield _try("list the bucket", "s3:ListBucket", list_once, blame)
    if "s3:GetBucketLocation" in actions:
        yield _try("see where the bucket is", "s3:GetBucketLocation", locate, blame)
    yield _try("read an object", "s3:GetObject", read_once, blame)
    if "s3:PutObject" in actions:
        check, lack = _try("abort an upload", "s3:AbortMultipartUpload", abort_nothing, blame)
        yield check, lack
        if lack is None:
            yield _try("write an object", "s3:PutObject", write_and_withdraw, blame)
    elif is_confined:
        yield _try_in_vain("write an object", "s3:PutObject", write_and_withdraw)


def _try(text: str, action: str, call: Callable[[], None], blame: Blame) -> tuple[Check, Lack | None]:
    text = f"as ourselves: {text}"
    try:
        call()
    except AWS_EXCEPTIONS as error:
        match answer_of(error):
            case AwsAnswer.NOT_FOUND if code_of(error) != "NoSuchBucket":
                return Check(text, CheckAnswer.GOOD, action=action), None  # allowed, and there is nothing
            case AwsAnswer.FORBIDDEN | AwsAnswer.NOT_FOUND:
                lack = Lack(blame.side, f"we may not do {action}", blame.next_step)
                return Check(text, CheckAnswer.LACKING, reason_of(error), action), lack
            case _:
                raise aws_error_of(error) from error
    return Check(text, CheckAnswer.GOOD, action=action), None


def _try_in_vain(text: str, action: str, call: Callable[[], None]) -> tuple[Check, Lack | None]:
    """Try what nobody may do who only reads."""
    text = f"as ourselves: {text}, which is refused"
    try:
        call()
    except AWS_EXCEPTIONS as error:
        if answer_of(error) is AwsAnswer.FORBIDDEN:
            return Check(text, CheckAnswer.GOOD, action=action), None
        raise aws_error_of(error) from error
    lack = Lack(Party.OURS, f"we may do {action}, which nothing declares", PUT_IN_PLACE)
    return Check(text, CheckAnswer.LACKING, "it was allowed", action), lack
