"""The ids of users' roles, recorded in the log bucket by every deployment: so it stays known whose old uploads are.

In: the ids that a deployment has seen. Out: all that were ever recorded. Effects: reads and writes one object.

S3 names an uploader by the id of the role. A role that is deleted and made again has another id, and IAM then knows the
old one no more. Only operators may read the object: it names roles of every dataset.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
"""

import json
from collections.abc import Mapping
from typing import Any

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, call_or_none, code_of
from data_exports.errors import RefusedError
from data_exports.estate.models import Platform
from data_exports.names import RoleName

ROLE_IDS_KEY = "roles/ids.json"
_TRIES = 3
_WRITTEN_MEANWHILE = ("PreconditionFailed", "ConditionalRequestConflict")


def read_recorded_role_ids(aws: Aws, platform: Platform) -> dict[str, RoleName]:
    """Id → name of each role that any deployment has seen; none where we may not read it.

    Raises botocore's exceptions.
    """
    answer = _read(aws, platform)
    return {key: RoleName(name) for key, name in (names_in(answer["Body"].read() if answer else b"{}") or {}).items()}


def write_role_ids(aws: Aws, platform: Platform, seen: Mapping[str, RoleName]) -> None:
    """Add these ids to the recorded ones; what is recorded stays.

    Raises botocore's exceptions, and `RefusedError` when what lies there is not what deployments write: it may hold the
    past of roles.
    """
    for attempt in range(_TRIES):
        found = _read(aws, platform)
        known = names_in(found["Body"].read() if found else b"{}")
        if known is None:
            raise RefusedError(f"{ROLE_IDS_KEY} in {platform.log_bucket} is not as a deployment writes it")
        if all(known.get(identifier) == name for identifier, name in seen.items()):
            return
        try:
            aws.client("s3").put_object(**request_to_add(platform, {**known, **seen}, found))
        except AWS_EXCEPTIONS as error:  # another deployment was quicker: both are kept
            if code_of(error) not in _WRITTEN_MEANWHILE or attempt == _TRIES - 1:
                raise
        else:
            return


def _read(aws: Aws, platform: Platform) -> Any:
    refused = (AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN)
    return call_or_none(lambda: aws.client("s3").get_object(**_where(platform)), *refused)


def request_to_add(platform: Platform, role_ids: Mapping[str, str], found: Any) -> dict[str, Any]:
    """The request that writes these ids over what was found, and over nothing else: others may record meanwhile.

    `found` is S3's answer with the object; None when there is none.
    """
    only_if = {"IfMatch": str(found["ETag"])} if found else {"IfNoneMatch": "*"}
    body = json.dumps(role_ids, indent=1, sort_keys=True)
    return {**_where(platform), "Body": body, "ContentType": "application/json", **only_if}


def names_in(body: bytes) -> dict[str, str] | None:
    """Id → name, as the object holds them; None when it is none of ours."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    is_ours = isinstance(found, dict) and all(
        isinstance(name, str) and RoleName.pattern.fullmatch(name) for name in found.values()
    )
    return found if is_ours else None


def _where(platform: Platform) -> dict[str, Any]:
    return {
        "Bucket": str(platform.log_bucket),
        "Key": ROLE_IDS_KEY,
        "ExpectedBucketOwner": str(platform.account),
    }
