"""Signature Version 4: AWS's own examples and vectors, and AWS's own library as a second opinion."""

import calendar
import hashlib
import json
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from data_exports.mover.wire.http_requests import Host
from data_exports.mover.wire.signing import Credentials, authorization_of, canonical_request, signature_headers
from data_exports.mover.wire.transport import S3Request, signed_request

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


VECTORS = json.loads((Path(__file__).parent / "signature_vectors.json").read_text(encoding="utf-8"))
"""The facts of AWS's own vectors: https://github.com/awslabs/aws-c-auth/tree/main/tests/aws-signing-test-suite/v4"""


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_awss_vectors_are_signed_as_aws_does(vector: dict[str, Any]) -> None:
    body_hash = hashlib.sha256(vector["body"].encode()).hexdigest()
    request = canonical_request(vector["method"], vector["path"], vector["query"], vector["headers"], body_hash)
    assert request == vector["canonical_request"].rstrip("\n")
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    signed = authorization_of(
        request, moment="20150830T123600Z", credentials=credentials, region="us-east-1", service="service"
    )
    assert signature_of({"authorization": signed}) == vector["signature"]


def test_there_are_all_vectors() -> None:
    assert len(VECTORS) == 38


def words(draw: random.Random, characters: str, most: int) -> str:
    return "".join(draw.choices(characters, k=draw.randint(0, most)))


ODD_CHARACTERS = "".join(map(chr, [*range(1, 128), 0xA0, 0xE0, 0xE9, 0x2028, 0x20AC, 0x1F600])) + "//..  %%++&&==??~~"
VALUE_CHARACTERS = "abc/:;,=\"'\t   àéÅ…𝄞" + "".join(map(chr, range(0x21, 0x7F)))


def any_request(draw: random.Random) -> S3Request:
    names = ["x-amz-meta-a", "x-amz-meta-b", "content-type", "x-amz-copy-source", "if-match", "content-disposition"]
    headers = {name: words(draw, VALUE_CHARACTERS, 30).encode().decode("latin-1") for name in draw.sample(names, 3)}
    parameters = draw.sample(["versionId", "uploads", "prefix", "key-marker", "uploadId", "Z", "max-keys"], 3)
    return S3Request(
        "Any",
        draw.choice(["GET", "PUT", "POST", "HEAD", "DELETE"]),
        draw.choice(["bucket", "a.bucket.with.dots"]),
        words(draw, ODD_CHARACTERS, 40),
        {name: words(draw, ODD_CHARACTERS, 20) for name in parameters} if draw.random() < 0.7 else None,
        headers,
        draw.randbytes(draw.choice([0, 0, 5, 3000])),
        checksum_of_body=draw.random() < 0.5,
    )


def as_awss_library_signs(sent: bytes, host: Host, credentials: Credentials) -> str:
    """The signature that botocore gives the request that was sent, read again from its bytes."""
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    moment, _ = headers.pop("x-amz-date"), headers.pop("authorization")
    unsigned = {"user-agent", "content-length", "x-amz-content-sha256", "x-amz-security-token"}
    request = AWSRequest(
        method,
        f"http://{host.name}{target}",  # over https it would leave the body unsigned
        headers={name: value for name, value in headers.items() if name not in unsigned},
        data=body,
    )
    secret = ReadOnlyCredentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    signer = S3SigV4Auth(secret, "s3", "eu-west-2")
    signer.add_auth(request)  # which takes the time of now
    request.context["timestamp"] = moment
    request.headers.replace_header("X-Amz-Date", moment)
    del request.headers["Authorization"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert headers["x-amz-content-sha256"] == request.headers["X-Amz-Content-SHA256"]
    return str(signer.signature(text, request))


def test_what_is_sent_is_signed_as_awss_library_signs_it() -> None:
    draw = random.Random(22)
    credentials = Credentials("AKIDEXAMPLE", "secret-of-nobody", "token-of-nobody")
    for _ in range(3000):
        request = any_request(draw)
        host, sent = signed_request(
            request, region="eu-west-2", endpoint_url=None, credentials=credentials, at=draw.randrange(2**31)
        )
        ours = re.search(rb"\r\nauthorization: ([^\r]*)\r\n", sent)
        assert ours, request
        assert ours[1].decode().rpartition("=")[2] == as_awss_library_signs(sent, host, credentials), request


@pytest.mark.parametrize("value", ["caf\xc3\xa0", "\xa0a\xa0\xa0b\xa0", "a\x85", "\x1ca\x1f"])
def test_bytes_that_are_white_space_in_no_encoding_of_headers_are_signed(value: str) -> None:
    text = canonical_request("GET", "/", "", {"x-amz-meta-a": f"  {value} \t b  "}, "hash")
    assert f"\nx-amz-meta-a:{value} b\n" in text


def test_credentials_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-nobody")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token-of-nobody")
    assert Credentials.of_environment() == Credentials("AKIDEXAMPLE", "secret-of-nobody", "token-of-nobody")


def test_credentials_do_not_tell_their_secret() -> None:
    assert repr(EXAMPLE) == "Credentials('AKIAIOSFODNN7EXAMPLE', ...)"
