"""AWS's refusals as our errors: told apart by code, with where, what and what next."""

import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore import exceptions
from botocore.exceptions import ClientError

from data_exports.aws import (
    Aws,
    AwsAnswer,
    answer_of,
    aws_error_of,
    aws_errors,
    aws_with_keys,
    call_or_none,
    code_of,
    reason_of,
    refusal_of,
)
from data_exports.deploy.drift.presigned import read_presigned
from data_exports.errors import AwsError, ExportsError, RefusedError
from data_exports.loopback import is_loopback
from tests.unit.mover.loopback import Played, serving
from tests.unit.mover.wire.dialogue import TLS, always, server


def _refusal(code: str, message: str = "no", *, status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "RequestId": "r-1",
                "HTTPStatusCode": status,
                "HTTPHeaders": {},
                "HostId": "",
                "RetryAttempts": 0,
            },
        },
        "CreateChangeSet",
    )


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (_refusal("AccessDenied"), AwsAnswer.FORBIDDEN),
        (_refusal("AccessDeniedException"), AwsAnswer.FORBIDDEN),
        (_refusal("403", status=403), AwsAnswer.FORBIDDEN),
        (_refusal("NoSuchEntity", status=404), AwsAnswer.NOT_FOUND),
        (_refusal("NoSuchBucket"), AwsAnswer.NOT_FOUND),
        (_refusal("404", status=404), AwsAnswer.NOT_FOUND),
        (_refusal("NewKindOfAbsence", status=404), AwsAnswer.NOT_FOUND),
        (_refusal("ValidationError", "Stack with id x does not exist"), AwsAnswer.NOT_FOUND),
        (_refusal("ValidationError", "Template format error"), AwsAnswer.UNKNOWN),
        (_refusal("ExpiredToken"), AwsAnswer.EXPIRED),
        (_refusal("InvalidClientTokenId", status=403), AwsAnswer.BAD_CREDENTIALS),
        (_refusal("Throttling"), AwsAnswer.THROTTLED),
        (_refusal("LimitExceededException"), AwsAnswer.UNKNOWN),
        (_refusal("InternalError", status=500), AwsAnswer.UNKNOWN),
        (exceptions.NoCredentialsError(), AwsAnswer.NO_CREDENTIALS),
        (exceptions.UnauthorizedSSOTokenError(), AwsAnswer.EXPIRED),
        (exceptions.ProfileNotFound(profile="p"), AwsAnswer.SETTINGS),
        (exceptions.EndpointConnectionError(endpoint_url="http://x"), AwsAnswer.UNREACHABLE),
        (exceptions.ConnectTimeoutError(endpoint_url="http://x"), AwsAnswer.UNREACHABLE),
        (exceptions.ReadTimeoutError(endpoint_url="http://x"), AwsAnswer.UNREACHABLE),
        (exceptions.SSLError(endpoint_url="http://x", error=OSError("e")), AwsAnswer.UNREACHABLE),
    ],
)
def test_every_refusal_has_its_meaning(error: Exception, answer: AwsAnswer) -> None:
    assert answer_of(error) is answer


def test_access_denied_names_the_action_that_is_missing() -> None:
    said = "User: arn:aws:iam::1:user/x is not authorized to perform: cloudformation:CreateChangeSet on resource: y"
    error = aws_error_of(_refusal("AccessDenied", said))
    assert error.exit_code == 3
    assert error.code == "AccessDenied"
    assert str(error) == (
        f"AWS CreateChangeSet: access denied: {said}\n"
        "  next: use a role that may do cloudformation:CreateChangeSet, or ask the account's owner to allow it\n"
        "  AWS request id: r-1"
    )


def test_unknown_refusal_shows_awss_code_and_words() -> None:
    assert aws_error_of(_refusal("InternalError", "try later")).what == "InternalError: try later"
    assert aws_error_of(_refusal("InternalError"), where="role x").where == "role x"


def _refusing(error: Exception) -> Any:
    def call() -> str:
        raise error

    return call


@pytest.mark.parametrize(
    ("code", "refusals"),
    [
        ("NoSuchKey", ()),
        ("AccessDenied", (AwsAnswer.NOT_FOUND, AwsAnswer.FORBIDDEN)),
        ("NoSuchTagSet", ("NoSuchTagSet",)),
    ],
)
def test_an_expected_refusal_is_none(code: str, refusals: tuple[AwsAnswer | str, ...]) -> None:
    assert call_or_none(_refusing(_refusal(code)), *refusals) is None
    assert call_or_none(lambda: "answer", *refusals) == "answer"


@pytest.mark.parametrize(
    ("error", "refusals"),
    [
        (_refusal("AccessDenied"), ()),
        (_refusal("NoSuchKey"), ("NoSuchTagSet",)),
        (exceptions.EndpointConnectionError(endpoint_url="http://x"), ()),
    ],
)
def test_any_other_refusal_stays_what_it_is(error: Exception, refusals: tuple[str, ...]) -> None:
    with pytest.raises(type(error)) as raised:
        call_or_none(_refusing(error), *refusals)
    assert raised.value is error


@pytest.mark.parametrize("error", [_refusal("Throttling"), exceptions.NoCredentialsError(), S3UploadFailedError("no")])
def test_what_aws_says_against_a_block_is_raised_as_our_error_with_its_cause(error: Exception) -> None:
    with pytest.raises(AwsError) as raised, aws_errors(where="bucket b"):
        raise error
    assert (raised.value.where, raised.value.__cause__) == ("bucket b", error)


def test_what_is_not_awss_leaves_a_block_as_it_is() -> None:
    with pytest.raises(KeyError), aws_errors():
        raise KeyError("a")


def test_the_refusal_of_an_item_is_read_like_that_of_a_call() -> None:
    refused = refusal_of("AccessDenied", "not this one", "DeleteObjects")
    assert (code_of(refused), answer_of(refused)) == ("AccessDenied", AwsAnswer.FORBIDDEN)
    assert str(aws_error_of(refused)).startswith("AWS DeleteObjects: access denied: not this one")


def test_our_own_errors_stay_what_they_are() -> None:
    own = AwsError("what", where="where")
    assert aws_error_of(own) is own
    assert reason_of(RefusedError("no", next_step="n")) == "no"


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://127.8.9.1", True),
        ("http://localhost:1", True),
        ("http://s3.localhost:1", True),
        ("http://[::1]:4566", True),
        ("https://s3.eu-west-1.amazonaws.com", False),
        ("http://10.0.0.1", False),
        ("https://localhost.example.org", False),
        ("https://127.0.0.1.example.org", False),
    ],
)
def test_loopback_is_told_from_everything_else(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def _aws(endpoint_url: str) -> Aws:
    return aws_with_keys(
        "eu-west-1",
        endpoint_url=endpoint_url,
        access_key_id="593291632749",
        secret_access_key="x",
    )


def test_clients_retry_say_who_we_are_and_are_made_once() -> None:
    aws = _aws("http://127.0.0.1:9")
    config: Any = aws.client("s3").meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 8}
    paced: Any = aws.client("cloudformation").meta.config
    assert paced.retries == {"mode": "adaptive", "total_max_attempts": 8}
    who: Any = aws.client("sts").meta.config
    assert who.retries == {"mode": "standard", "total_max_attempts": 2}, "without a network, people hear of it soon"
    assert config.user_agent_extra.startswith("data-exports/")
    assert config.s3 == {"addressing_style": "path"}
    assert aws.client("s3") is aws.client("s3")
    assert aws.is_local


def test_endpoint_elsewhere_is_not_local() -> None:
    aws = _aws("https://vpce.example.org")
    assert not aws.is_local
    config: Any = aws.client("s3").meta.config
    assert config.s3 is None


def test_services_split_between_this_machine_and_aws_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "1",
        "AWS_SECRET_ACCESS_KEY": "1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AwsError, match="s3 would be reached on this machine and the rest on AWS"):
        _ = Aws("eu-west-1").is_local


@pytest.mark.parametrize("written", ["2026-11-02T09:00:00", "2026-11-02T09:00:00.000Z"])
def test_every_time_has_a_zone_so_that_times_compare(written: str) -> None:
    body = f"<ListAllMyBucketsResult><Buckets><Bucket><CreationDate>{written}</CreationDate></Bucket></Buckets>"
    with serving(Played(200, f"{body}</ListAllMyBucketsResult>".encode())) as server:
        aws = aws_with_keys("eu-west-1", endpoint_url=server.url, access_key_id="a", secret_access_key="b")
        (bucket,) = aws.client("s3").list_buckets()["Buckets"]
    assert bucket["CreationDate"] == datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        ({}, "https://s3.eu-west-1.amazonaws.com"),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "https://s3-fips.eu-west-1.amazonaws.com"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://s3.dualstack.eu-west-1.amazonaws.com"),
        ({"AWS_ENDPOINT_URL_S3": "https://s3.example"}, "https://s3.example"),
        ({"AWS_ENDPOINT_URL_SQS": "https://sqs.example"}, "https://s3.eu-west-1.amazonaws.com"),
    ],
)
def test_endpoints_are_those_that_the_environment_asks_for(
    variables: dict[str, str], endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", **variables}.items():
        monkeypatch.setenv(name, value)
    s3 = Aws("eu-west-1").client("s3")
    with pytest.raises(AskedError) as asked:
        ask_nothing(s3)
    assert asked.value.url == f"{endpoint}/"


class AskedError(Exception):
    """Ends a call once its request is made."""

    def __init__(self, url: str) -> None:
        self.url = url


def ask_nothing(s3: Any) -> None:
    def stop(request: Any, **_: Any) -> None:
        raise AskedError(request.url)

    s3.meta.events.register("before-send.s3", stop)
    s3.list_buckets()


def test_no_proxy_stands_between_us_and_a_local_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Played(500)) as proxy, serving(Played(200, b"<ListAllMyBucketsResult/>")) as server:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        aws = aws_with_keys("eu-west-1", endpoint_url=server.url, access_key_id="a", secret_access_key="b")
        aws.client("s3").list_buckets()
    assert (len(server.asked), proxy.asked) == (1, [])


def test_a_proxy_and_authorities_that_the_environment_names_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Played(200, b"<ListAllMyBucketsResult/>")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        aws = aws_with_keys("eu-west-1", endpoint_url="http://s3.example", access_key_id="a", secret_access_key="b")
        aws.client("s3").list_buckets()
    assert [asked.path for asked in proxy.asked] == ["http://s3.example/"]
    monkeypatch.setenv("AWS_CA_BUNDLE", "/no/such.pem")
    aws = aws_with_keys("eu-west-1", endpoint_url="https://s3.example", access_key_id="a", secret_access_key="b")
    client: Any = aws.client("s3")
    assert client._endpoint.http_session._verify == "/no/such.pem"


CERTIFICATES = str(TLS / "certificate.pem")
SIGNED = "/code.zip?X-Amz-Credential=AKIA&X-Amz-Signature=5ecre7"
CODE = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ncode"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file without certificates, and none in the environment."""
    for name in (
        "AWS_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "HTTPS_PROXY",
        "https_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "config"
    file.write_text("[profile office]\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    return file


def verified_by(aws: Aws) -> Any:
    """Which certificates botocore's own client trusts."""
    return aws.client("sts")._endpoint.http_session._verify  # type: ignore[attr-defined]  # botocore shows it nowhere


@pytest.mark.parametrize("setting", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle"])
def test_a_presigned_address_is_read_with_the_certificates_that_the_clients_trust(
    settings: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    assert Aws("eu-west-1", profile="office").trusts is True
    if setting == "ca_bundle":
        settings.write_text(f"[profile office]\nca_bundle = {CERTIFICATES}\n", encoding="utf-8")
    else:
        monkeypatch.setenv(setting, CERTIFICATES)
    aws = Aws("eu-west-1", profile="office")
    assert aws.trusts == verified_by(aws) == CERTIFICATES
    with server(always(CODE), tls=True) as (host, _):
        assert read_presigned(aws, f"https://{host.name}:{host.port}{SIGNED}") == b"code"


def test_what_a_presigned_address_refuses_is_told_without_what_is_signed(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = Aws("eu-west-1", profile="office")
    assert verified_by(aws) is True

    def refused(url: str) -> str:
        with pytest.raises(ExportsError) as stop:
            read_presigned(aws, f"{url}{SIGNED}")
        shown = "".join(traceback.format_exception(stop.value))
        assert not [each for each in ("5ecre7", "AKIA", "code.zip") if each in shown]
        return stop.value.what

    with server(always(CODE), tls=True) as (host, _):
        there = f"localhost:{host.port}"
        for name in (there, f"somebody:AKIA@{there}"):
            assert refused(f"https://{name}") == f"{there} cannot be read: SSLError"
        monkeypatch.setenv("AWS_CA_BUNDLE", str(settings.with_name("gone.pem")))
        aws = Aws("eu-west-1", profile="office")
        assert refused(f"https://{there}") == f"{there} cannot be read: SSLError"
    assert refused("http://127.0.0.1:1") == "127.0.0.1:1 cannot be read: NewConnectionError"
    with serving(Played(403)) as denying:
        there = denying.url.removeprefix("http://")
        assert refused(denying.url) == f"{there} answered 403"
        monkeypatch.setenv("HTTPS_PROXY", denying.url)
        assert refused("https://example.invalid").startswith("example.invalid cannot be read: ")
    with serving(Played(200, b"code", cut=2)) as broken:
        assert refused(broken.url).startswith(f"{broken.url.removeprefix('http://')} cannot be read: ")
