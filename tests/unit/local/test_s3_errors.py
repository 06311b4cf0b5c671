"""A failure of the emulator's own reaches callers of S3 as one of S3's, which they try again."""

import asyncio
from typing import Any

from botocore import retryhandler
from botocore.parsers import create_parser

from data_exports.local.gaps.s3_errors import Answer, a_failure_of_s3_is_told_in_xml


def test_a_failure_is_an_error_of_s3_and_an_answer_stays_as_it_is() -> None:
    async def fails(*_: object) -> Answer:
        raise RuntimeError("dictionary changed size during iteration")

    async def answers(*asked: object) -> Answer:
        return 204, {}, b"".join(str(each).encode() for each in asked)

    status, headers, body = asyncio.run(a_failure_of_s3_is_told_in_xml(fails, "PUT", "/b/k", {}, b"", {}))
    nothing: Any = None
    parsed = create_parser("rest-xml").parse({"status_code": status, "headers": headers, "body": body}, nothing)
    assert (parsed["Error"]["Code"], parsed["ResponseMetadata"]["HTTPStatusCode"]) == ("InternalError", 500)
    is_tried_again: Any = retryhandler.HTTPStatusCodeChecker(500)
    assert is_tried_again(1, (type("Response", (), {"status_code": status}), parsed), None)
    assert asyncio.run(a_failure_of_s3_is_told_in_xml(answers, "a", "b")) == (204, {}, b"ab")
