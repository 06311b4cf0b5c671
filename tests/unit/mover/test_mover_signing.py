"""Signature Version 4: AWS's own examples, and AWS's own library as a second opinion."""

import calendar
import time
from collections.abc import Mapping

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from data_exports.mover.signing import Credentials, signature_headers

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
EXAMPLE_TIME = calendar.timegm((2013, 5, 24, 0, 0, 0))
HOST = {"host": "examplebucket.s3.amazonaws.com"}


def signature_of(headers: Mapping[str, str]) -> str:
    return headers["authorization"].rpartition("Signature=")[2]


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body", "signature"),
    [
        (
            *("GET", "/test.txt", "", {"range": "bytes=0-9"}, b""),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            *("PUT", "/test%24file.text", ""),
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            *("GET", "/", "lifecycle=", {}, b""),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            *("GET", "/", "max-keys=2&prefix=J", {}, b""),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
    ids=["get", "put", "lifecycle", "list"],
)
def test_awss_examples_are_signed_as_aws_does(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes, signature: str
) -> None:
    signed = signature_headers(
        method, path, HOST | headers, credentials=EXAMPLE, region="us-east-1", query=query, body=body, at=EXAMPLE_TIME
    )
    assert signature_of(signed) == signature


def test_a_request_is_signed_as_awss_library_signs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = Credentials("AKIDEXAMPLE", "secret-of-nobody", "token-of-nobody")
    url = "https://b.s3.eu-west-2.amazonaws.com/orders/a%20b%2Bc%25d%26%3C%C3%A9%3E/../~//?b=%20%2F&a=~"
    copy = {"x-amz-copy-source": "/hub/orders/a%20b", "x-amz-copy-source-if-match": '"e1"', "x-amz-acl": "a   b"}
    request = AWSRequest("PUT", url, headers=copy, data=b"body")
    secret = ReadOnlyCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    S3SigV4Auth(secret, "s3", "eu-west-2").add_auth(request)
    at = calendar.timegm(time.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ"))
    signed = signature_headers(
        "PUT",
        "/orders/a%20b%2Bc%25d%26%3C%C3%A9%3E/../~//",
        {"host": "b.s3.eu-west-2.amazonaws.com", **copy},
        credentials=credentials,
        region="eu-west-2",
        query="a=~&b=%20%2F",
        body=b"body",
        at=at,
    )
    theirs = {name.lower(): value for name, value in request.headers.items()}
    theirs["x-amz-content-sha256"] = signed["x-amz-content-sha256"]  # over https it leaves the body unsigned
    assert (signed["x-amz-date"], signed["x-amz-security-token"]) == (
        theirs["x-amz-date"],
        theirs["x-amz-security-token"],
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-nobody")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-nobody")
    assert Credentials.of_environment() == credentials


def test_credentials_do_not_tell_their_secret() -> None:
    assert repr(EXAMPLE) == "Credentials('AKIAIOSFODNN7EXAMPLE', ...)"
