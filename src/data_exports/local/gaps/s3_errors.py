"""S3: what it answers when it fails by itself."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app

from data_exports.local.gaps.patching import mends

_logger = logging.getLogger("ministack")
_BODY = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code>'
    b"<Message>We encountered an internal error. Please try again.</Message></Error>"
)

Answer = tuple[int, dict[str, str], bytes]


@mends(app.SERVICE_HANDLERS, "s3", "method path headers body query_params")
async def a_failure_of_s3_is_told_in_xml(original: Callable[..., Awaitable[Answer]], *asked: Any) -> Answer:
    """InternalError is XML as every error of S3 is, so that callers try again, as they do with S3.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (500: "Please try again")
    """
    try:
        return await original(*asked)
    except Exception:
        _logger.exception("S3 failed by itself")
        return 500, {"Content-Type": "application/xml"}, _BODY
