"""What the environment asks of the way to AWS is honoured or refused by the function, and never ignored."""

import ssl
from dataclasses import replace
from pathlib import Path

import botocore.session
import pytest

from data_exports.mover.places.queue import open_queue
from data_exports.mover.settings import SettingsError, read_settings
from data_exports.mover.time_left import endless
from data_exports.mover.wire import endpoints
from data_exports.names import InvalidNameError, Region
from tests.unit.mover.environment import ENVIRONMENT, SETTINGS
from tests.unit.mover.loopback import Played, serving

QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/593291632749/export_orders"
LOCAL = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}


def regions() -> list[tuple[str, str]]:
    """Every region that AWS's own library knows, with its partition."""
    session = botocore.session.Session()
    partitions = session.get_available_partitions()
    found = {(name, each) for each in partitions for name in session.get_available_regions("s3", each)}
    made_up = {("us-iso-mars-1", "aws-iso"), ("eusc-de-east-2", "aws-eusc"), ("cn-south-9", "aws-cn")}
    return sorted(name_and_partition for name_and_partition in found | made_up if "fips" not in name_and_partition[0])


@pytest.mark.parametrize(("region", "partition"), regions())
def test_the_regions_of_one_partition_are_supported(region: str, partition: str) -> None:
    environment = {**ENVIRONMENT, "AWS_REGION": region}
    if partition == "aws":
        assert (Region(region), read_settings(environment).region) == (region, region)
        return
    with pytest.raises(InvalidNameError, match="is a region of another AWS partition than aws"):
        Region(region)
    with pytest.raises(SettingsError) as raised:
        read_settings(environment)
    told = f"AWS_REGION is {region!r}, a region of another partition than aws, which alone is supported"
    assert str(raised.value) == f"the mover cannot start: {told}. Deploy the dataset's stack again"


NAMED = "remove it, and name them in AWS_ENDPOINT_URL_S3, ..._SQS and ..._SNS"
NO_PROXY = "is set, and the mover uses no proxy: remove it, or add"


@pytest.mark.parametrize(
    ("variables", "problems"),
    [
        (
            {"AWS_USE_FIPS_ENDPOINT": "true"},
            [f"AWS_USE_FIPS_ENDPOINT is true, and the mover chooses no FIPS endpoints by itself: {NAMED}"],
        ),
        (
            {"AWS_USE_DUALSTACK_ENDPOINT": "True"},
            [f"AWS_USE_DUALSTACK_ENDPOINT is true, and the mover chooses no dual-stack endpoints by itself: {NAMED}"],
        ),
        ({"AWS_USE_FIPS_ENDPOINT": "false", "AWS_USE_DUALSTACK_ENDPOINT": ""}, []),
        ({"AWS_CA_BUNDLE": "/no/such.pem"}, ["AWS_CA_BUNDLE names '/no/such.pem', which is not there"]),
        ({"AWS_CA_BUNDLE": ""}, []),
        (
            {"HTTPS_PROXY": "http://proxy:3128"},
            [
                f"HTTPS_PROXY {NO_PROXY} {service}.eu-west-1.amazonaws.com to NO_PROXY"
                for service in ("s3", "sqs", "sns")
            ],
        ),
        (
            {
                "https_proxy": "http://proxy:3128",
                "NO_PROXY": "s3.eu-west-1.amazonaws.com, .sns.eu-west-1.amazonaws.com",
            },
            [f"HTTPS_PROXY {NO_PROXY} sqs.eu-west-1.amazonaws.com to NO_PROXY"],
        ),
        ({"HTTPS_PROXY": "http://proxy:3128", "no_proxy": ".amazonaws.com"}, []),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, []),
        ({"HTTP_PROXY": "http://proxy:3128"}, []),
        ({"HTTPS_PROXY": ""}, []),
        (
            {"ALL_PROXY": "http://proxy:3128", "NO_PROXY": "sqs.eu-west-1.amazonaws.com,sns.eu-west-1.amazonaws.com"},
            [f"ALL_PROXY {NO_PROXY} s3.eu-west-1.amazonaws.com to NO_PROXY"],
        ),
        ({"HTTP_PROXY": "http://proxy:3128", "HTTPS_PROXY": "http://proxy:3128", **LOCAL}, []),
        ({"HTTP_PROXY": "http://proxy:3128", "AWS_ENDPOINT_URL_S3": "http://localhost:1"}, []),
        (
            {"HTTP_PROXY": "http://proxy:3128", "AWS_ENDPOINT_URL_S3": "http://s3.example:1"},
            [f"HTTP_PROXY {NO_PROXY} s3.example to NO_PROXY"],
        ),
    ],
)
def test_what_the_function_does_not_do_is_refused_with_what_to_do(
    variables: dict[str, str], problems: list[str]
) -> None:
    environment = {**ENVIRONMENT, "QUEUE_URL": QUEUE_URL, **variables}
    if not problems:
        read_settings(environment)
        return
    with pytest.raises(SettingsError) as raised:
        read_settings(environment)
    assert str(raised.value) == f"the mover cannot start: {'; '.join(problems)}. Deploy the dataset's stack again"


def test_each_service_has_an_endpoint_of_its_own_or_the_general_one() -> None:
    named = {
        "AWS_ENDPOINT_URL": "http://a:1",
        "AWS_ENDPOINT_URL_SQS": "https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com",
        "AWS_ENDPOINT_URL_SNS": "http://c:3",
    }
    settings = read_settings({**ENVIRONMENT, **named})
    assert (settings.endpoint_url, settings.sqs_endpoint_url, settings.sns_endpoint_url) == (
        "http://a:1",
        "https://vpce-1.sqs.eu-west-1.vpce.amazonaws.com",
        "http://c:3",
    )
    settings = read_settings({**ENVIRONMENT, **named, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"})
    assert (settings.endpoint_url, settings.sqs_endpoint_url, settings.sns_endpoint_url) == (None, None, None)


def test_the_queue_is_asked_at_its_endpoint_and_named_by_its_url() -> None:
    done = Played(200, b'{"Successful": [{"Id": "0"}]}')
    with serving(done) as server:
        settings = replace(SETTINGS, queue_url=QUEUE_URL, sqs_endpoint_url=server.url)
        with open_queue(settings, seconds_left=endless) as queue:
            queue.send(["a"])
    assert QUEUE_URL.encode() in server.asked[0].body


def test_the_authorities_of_aws_ca_bundle_are_those_that_are_trusted(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(endpoints.default_tls_context.cache_clear)
    authority = Path(__file__).parent / "tls" / "certificate.pem"
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority))
    endpoints.default_tls_context.cache_clear()
    (trusted,) = endpoints.default_tls_context().get_ca_certs()
    assert trusted["subject"]
    monkeypatch.delenv("AWS_CA_BUNDLE")
    endpoints.default_tls_context.cache_clear()
    context = endpoints.default_tls_context()
    assert (context.verify_mode, context.minimum_version) == (ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_2)
