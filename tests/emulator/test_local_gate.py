"""The local AWS is nobody else's: only who holds the secret of this start gets in, and no web page at all."""

import hashlib
import http.client
import http.server
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from data_exports.local import clients, emulator
from data_exports.local.clients import LocalCredentials
from data_exports.local.emulator import LocalAws
from data_exports.local.processes import command_line_of
from data_exports.local.proof import CLIENT, NONCE_HEADER, PROOF_HEADER, PROOF_PATH, proof_of
from tests.emulator.functions import answer_of, function
from tests.emulator.signed import Answer, ask, signed
from tests.emulator.steps import ACCOUNT, REGION, Steps, refusal_of

pytestmark = pytest.mark.emulator

FORGED = (
    f"AWS4-HMAC-SHA256 Credential={ACCOUNT}/20311123/{REGION}/lambda/aws4_request, SignedHeaders=host, Signature=00"
)


def presigned(local: LocalAws, path: str, *, secret: str, expires: int = 60) -> str:
    """A presigned GET of S3, as path and query."""
    request = AWSRequest("GET", f"{local.endpoint_url}{path}")
    S3SigV4QueryAuth(ReadOnlyCredentials(ACCOUNT, secret, None), "s3", REGION, expires=expires).add_auth(request)
    parts = urlsplit(str(request.url))
    return f"{parts.path}?{parts.query}"


def test_who_signs_with_the_secret_of_this_start_gets_in(local_aws: LocalAws, steps: Steps) -> None:
    bucket = steps.bucket()
    assert ask(local_aws, "HEAD", f"/{bucket}", signed(local_aws, "HEAD", f"/{bucket}"))[0] == 200
    for host in (f"localhost:{local_aws.port}", "localhost", "127.0.0.1:1"):  # the last as through a proxy of ours
        headers = signed(local_aws, "HEAD", f"/{bucket}", host=host)
        assert ask(local_aws, "HEAD", f"/{bucket}", headers, host=host)[0] == 200


@pytest.mark.parametrize(
    ("service", "method", "path", "target", "code"),
    [
        ("lambda", "POST", "/2015-03-31/functions", "", "InvalidSignatureException"),
        ("s3", "PUT", "/a-bucket-of-a-stranger", "", "SignatureDoesNotMatch"),
        ("sqs", "POST", "/", "AmazonSQS.ListQueues", "SignatureDoesNotMatch"),
        ("logs", "POST", "/", "Logs_20140328.DescribeLogGroups", "InvalidSignatureException"),
        ("iam", "POST", "/", "", "SignatureDoesNotMatch"),
    ],
)
def test_a_false_signature_is_refused_by_every_service(
    local_aws: LocalAws, service: str, method: str, path: str, target: str, code: str
) -> None:
    body = b"" if method == "PUT" else b"Action=ListRoles&Version=2010-05-08"
    headers = signed(local_aws, method, path, body, service=service, who=LocalCredentials(ACCOUNT, "test"))
    status, said = ask(local_aws, method, path, {**headers, **({"X-Amz-Target": target} if target else {})}, body)
    assert status in (400, 403)
    assert code in said


def test_a_page_with_a_forged_signature_creates_and_invokes_no_function(local_aws: LocalAws, steps: Steps) -> None:
    role, made = steps.role(), "/2015-03-31/functions"
    body = json.dumps(
        {"FunctionName": "of-a-page", "Role": role, "Runtime": "python3.12", "Handler": "m.h", "Code": {}}
    )
    for headers in (
        {"Authorization": FORGED},
        {},
        {"Authorization": f"AWS {ACCOUNT}:00"},
        {"Authorization": "Basic x"},
    ):
        assert ask(local_aws, "POST", made, headers, body.encode())[0] in (400, 403)
    assert refusal_of(lambda: steps.client("lambda").get_function(FunctionName="of-a-page")) != ""


@pytest.mark.parametrize("key", ["test", "", ACCOUNT, "AKIAIOSFODNN7EXAMPLE"])
def test_no_secret_that_the_emulator_is_known_for_opens_it(local_aws: LocalAws, key: str) -> None:
    headers = signed(local_aws, "GET", "/", who=LocalCredentials(key, "test"))
    assert ask(local_aws, "GET", "/", headers)[0] == 403


def test_a_presigned_address_needs_the_secret_too_and_expires(local_aws: LocalAws, steps: Steps) -> None:
    bucket = steps.bucket()
    steps.client("s3").put_object(Bucket=bucket, Key="k", Body=b"content")
    assert ask(local_aws, "GET", presigned(local_aws, f"/{bucket}/k", secret=local_aws.secret)) == (200, "content")
    assert "SignatureDoesNotMatch" in ask(local_aws, "GET", presigned(local_aws, f"/{bucket}/k", secret="test"))[1]
    expired = presigned(local_aws, f"/{bucket}/k", secret=local_aws.secret, expires=-1)
    status, said = ask(local_aws, "GET", expired)
    assert (status, "Request has expired" in said) == (403, True)


def test_a_signature_counts_for_the_body_it_was_made_for(local_aws: LocalAws, steps: Steps) -> None:
    bucket = steps.bucket()
    headers = signed(local_aws, "PUT", f"/{bucket}/k", b"signed")
    status, said = ask(local_aws, "PUT", f"/{bucket}/k", headers, b"forged")
    assert (status, "XAmzContentSHA256Mismatch" in said) == (400, True)
    body = b"Action=ListUsers&Version=2010-05-08"
    headers = signed(local_aws, "POST", "/", body, service="iam")
    assert "<ListUsersResult>" in ask(local_aws, "POST", "/", headers, body)[1]
    assert "SignatureDoesNotMatch" in ask(local_aws, "POST", "/", headers, body.replace(b"Users", b"Roles"))[1]


def test_a_second_set_of_credentials_in_the_address_changes_nobody(local_aws: LocalAws, steps: Steps) -> None:
    session = clients.session_of(local_aws, steps.role())
    path = f"/?X-Amz-Credential={ACCOUNT}%2F20311123%2F{REGION}%2Fs3%2Faws4_request"
    status, said = ask(local_aws, "GET", path, signed(local_aws, "GET", path, who=session))
    assert (status, "Please use AWS4-HMAC-SHA256" in said) == (400, True)


ADMINISTRATION = [
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/health"),
    ("GET", "/_ministack/ready"),
    ("GET", "/_ministack/ses/messages"),
    ("GET", "/_ministack/sqs/messages"),
    ("GET", "/_ministack/sns/sms-messages"),
    ("GET", f"/_ministack/lambda-code/{ACCOUNT}/{REGION}/f"),
    ("PUT", "/_ministack/cfn-response/token"),
    ("PUT", "/_ministack/cfn-signal/token"),
    ("POST", "/_ministack/eks-auth/x"),
    ("POST", "/_ministack/rds/iam-auth"),
    ("GET", "/_localstack/health"),
    ("GET", "/_aws/lambda-url/x/"),
    ("GET", "/_alb/x/"),
]
UNSIGNED = [
    ("GET", "/health"),
    ("GET", "/"),
    ("POST", "/"),
    ("OPTIONS", "/"),
    ("POST", "/oauth2/token"),
    ("POST", "/login"),
    ("GET", "/logout"),
    ("GET", "/pool/.well-known/jwks.json"),
    ("GET", "/iceberg/v1/config"),
    ("GET", "/v2/"),
    ("POST", "/?Action=AssumeRoleWithWebIdentity&Version=2011-06-15"),
    ("GET", PROOF_PATH),
]


@pytest.mark.parametrize(("method", "path"), ADMINISTRATION)
def test_the_emulators_administration_is_closed_even_to_who_signs(local_aws: LocalAws, method: str, path: str) -> None:
    for headers in ({}, signed(local_aws, method, path)):
        assert ask(local_aws, method, path, headers) == (
            403,
            "this is a local AWS for development: its administration is closed\n",
        )


@pytest.mark.parametrize(("method", "path"), UNSIGNED)
def test_nothing_is_served_without_a_signature(local_aws: LocalAws, method: str, path: str) -> None:
    assert ask(local_aws, method, path)[0] == 403


def test_who_resets_without_being_asked_in_resets_nothing(local_aws: LocalAws, steps: Steps) -> None:
    bucket = steps.bucket()
    assert ask(local_aws, "POST", "/_ministack/reset")[0] == 403
    assert refusal_of(lambda: steps.client("s3").head_bucket(Bucket=bucket)) == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.org"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_web_page_gets_nothing_whatever_it_signs(local_aws: LocalAws, headers: dict[str, str]) -> None:
    assert ask(local_aws, "GET", "/", {**signed(local_aws, "GET", "/"), **headers}) == (
        403,
        "this is a local AWS for development: it answers no web pages\n",
    )


@pytest.mark.parametrize(
    "host", ["example.org", "example.org:{port}", "127.0.0.1.example.org", "localhost.example.org:{port}", "x:{port}"]
)
def test_a_foreign_name_for_this_computer_is_refused(local_aws: LocalAws, host: str) -> None:
    named = host.format(port=local_aws.port)
    status, said = ask(local_aws, "GET", "/", signed(local_aws, "GET", "/", host=named), host=named)
    assert (status, "it answers as 127.0.0.1 or localhost only" in said) == (
        403,
        True,
    )


def test_a_websocket_is_refused(local_aws: LocalAws) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    assert ask(local_aws, "GET", "/_aws/execute-api/x/y", upgrade)[0] == 403


def test_a_functions_session_cannot_be_told_from_its_names(
    local_aws: LocalAws, steps: Steps, unique: Callable[[str], str]
) -> None:
    name, role = unique("f"), steps.role()
    code = "import os\ndef handler(event, context):\n    return dict(os.environ)\n"
    function(steps, code, role, name=name)
    found = answer_of(steps, name)
    mine = LocalCredentials(found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], found["AWS_SESSION_TOKEN"])
    body = b"Action=GetCallerIdentity&Version=2011-06-15"

    def identity(who: LocalCredentials) -> Answer:
        return ask(local_aws, "POST", "/", signed(local_aws, "POST", "/", body, service="sts", who=who), body)

    assert f":assumed-role/{role.rsplit('/', 1)[-1]}/{name}" in identity(mine)[1]
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    digest = hashlib.sha256(f"{arn}:{role}".encode()).hexdigest()
    secret, token = (hashlib.sha256(f"{kind}:{digest}".encode()).hexdigest() for kind in ("secret", "token"))
    for key in (mine.access_key_id, f"ASIA{digest[:16].upper()}"):
        assert identity(LocalCredentials(key, secret, token))[0] == 403
    assert local_aws.secret not in found.values()


def test_the_secret_is_drawn_anew_and_lies_open_to_nobody(local_aws: LocalAws, tmp_path: Path) -> None:
    other = emulator.start(tmp_path / "aws", account=ACCOUNT, region=REGION, owner_pid=os.getpid())
    try:
        assert other.secret != local_aws.secret
        assert len(other.secret) >= 40
        stranger = boto3.client("s3", "eu-west-1", endpoint_url=other.endpoint_url,
                                aws_access_key_id=ACCOUNT, aws_secret_access_key=local_aws.secret)  # fmt: skip
        assert refusal_of(stranger.list_buckets) == "SignatureDoesNotMatch"
        files = {path: path.stat().st_mode & 0o077 for path in (tmp_path / "aws").glob("*.json")}
        assert files == {tmp_path / "aws" / "state.json": 0}
        assert other.secret not in repr(other)
        assert other.secret not in " ".join(command_line_of(other.pid))
        assert other.secret not in repr(clients.root_of(other, ACCOUNT))
        assert other.secret not in other.log_file.read_text()
    finally:
        emulator.stop(other)


def test_only_who_proves_to_know_the_secret_is_told_whose_it_is(local_aws: LocalAws) -> None:
    assert emulator.answers(local_aws)
    for secret, code in ((local_aws.secret, 200), ("another", 403)):
        headers = {NONCE_HEADER: "n", PROOF_HEADER: proof_of(secret, CLIENT, "n")}
        assert ask(local_aws, "GET", PROOF_PATH, headers)[0] == code


def test_another_program_on_the_port_is_not_taken_for_the_local_aws(tmp_path: Path) -> None:
    class Impostor(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Say yes to everything, with what the client itself has proven."""
            proof = self.headers[PROOF_HEADER].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(proof)))
            self.end_headers()
            self.wfile.write(proof)

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with http.server.HTTPServer(("127.0.0.1", 0), Impostor) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert not emulator.answers(LocalAws(tmp_path, server.server_port, 1, ACCOUNT, REGION, "the secret"))
        server.shutdown()
