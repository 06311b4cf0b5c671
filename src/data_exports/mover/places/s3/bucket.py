"""Buckets, as requests name them.

In: what is to be done with one. Out: an `S3Request`. No effects. Every request names the account that must own the
bucket, where it is known: a bucket name that somebody else has taken over receives nothing.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from data_exports.contract.settings import BucketSettings
from data_exports.mover.wire.http_connection import USUAL_LIMITS, RequestLimits
from data_exports.mover.wire.transport import S3Request

XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"
XML = {"content-type": "application/xml"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and the account that must own it; None: it is not known."""

    name: str
    account: str | None

    def __str__(self) -> str:
        return f"s3://{self.name}"

    def request(
        self,
        operation: str,
        method: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        checksum_of_body: bool = True,
        limits: RequestLimits = USUAL_LIMITS,
    ) -> S3Request:
        """What asks for an operation on a key; with none, on the bucket itself."""
        if self.account:
            headers = {**(headers or {}), "x-amz-expected-bucket-owner": self.account}
        return S3Request(operation, method, self.name, key, query, headers, body, checksum_of_body, limits)

    def source(self, key: str, version_id: str | None = None) -> str:
        """What is copied from here, as a header names it."""
        version = "" if version_id is None else f"?versionId={quote(version_id, safe='')}"
        return f"/{self.name}/{quote(key, safe='/~')}{version}"


def headers_of_a_write(target: BucketSettings, *, acl: bool = True, with_key: bool = True) -> dict[str, str]:
    """The headers of every write to the bucket: who shall own the file, and how it is encrypted."""
    # Without the ACL the file would belong to us in a bucket that uses ACLs.
    headers = {"x-amz-acl": "bucket-owner-full-control"} if acl else {}
    if target.target_kms_key is None or not with_key:
        return {**headers, "x-amz-server-side-encryption": "AES256"}
    key = {"x-amz-server-side-encryption-aws-kms-key-id": target.target_kms_key}
    return {**headers, "x-amz-server-side-encryption": "aws:kms", **key}


def escape_xml(text: str) -> str:
    """Write a text into XML, between tags."""
    return html.escape(text, quote=False)
