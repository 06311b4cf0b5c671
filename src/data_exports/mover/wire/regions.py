"""Where a bucket is, as S3's refusals tell it.

In: the response to a request that went to the wrong region. Out: the region's name. No effects.

S3 names the region in a header, or only in the body (`Region` where the signature is for another one, `Endpoint` in a
redirect), or not at all; then a HeadBucket tells, also where it is refused.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
"""

import re

from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.xml_answers import found_in

# A name becomes part of a host's: nothing else may pass for one.
_REGION = r"[a-z]{2,8}(?:-[a-z]{2,12}){1,3}-\d{1,2}"
_ENDPOINT = re.compile(rf"(?:.+\.)?s3[.-](?:dualstack\.)?({_REGION})\.amazonaws\.com")
_OF_ANOTHER_REGION = {"AuthorizationHeaderMalformed", "PermanentRedirect", "IllegalLocationConstraintException"}


def region_in(response: Response) -> str:
    """The region that the response names for its bucket; nothing if it names none."""
    in_header = response.headers.get("x-amz-bucket-region", "")
    if re.fullmatch(_REGION, in_header):
        return in_header
    in_body = found_in(response.body, "Region")
    if re.fullmatch(_REGION, in_body):
        return in_body
    endpoint = _ENDPOINT.fullmatch(found_in(response.body, "Endpoint"))
    return endpoint[1] if endpoint else ""


def may_be_elsewhere(response: Response) -> bool:
    """Tell whether the bucket may be in another region. The answer to a HEAD has no code, and may mean anything."""
    if response.status in (301, 307):
        return True
    if response.status != 400:
        return False
    return "x-amz-bucket-region" in response.headers or found_in(response.body, "Code") in {*_OF_ANOTHER_REGION, ""}
