"""A bucket in another region is found there, however S3 tells which one it is: over HTTP, and asked again once."""

import re
from contextlib import closing

import pytest

from data_exports.contract.causes import Cause
from data_exports.mover.rules.protocol import Copied, Copy, Failed, HeadObject
from data_exports.mover.wire.http_responses import Response
from data_exports.mover.wire.regions import region_in
from data_exports.mover.wire.transport import S3Request, Transport
from tests.unit.mover.loopback import Asked, Loopback, Played, response_to, serving
from tests.unit.mover.places.played import CREDENTIALS, GOOD_COPY, ask

HEADER = (("x-amz-bucket-region", "eu-west-2"),)
ELSEWHERE = "The bucket is in another region, and S3 did not say in which"


def error(status: int, code: str, more: str = "") -> Played:
    return Played(status, f"<Error><Code>{code}</Code><Message>No.</Message>{more}</Error>".encode())


def signed_for(asked: Asked) -> str:
    found = re.search(r"/([a-z0-9-]+)/s3/aws4_request", asked.headers["authorization"])
    assert found
    return found[1]


def regions(server: Loopback) -> list[tuple[str, str]]:
    """Each request: its method, and the region that it is signed for."""
    return [(asked.method, signed_for(asked)) for asked in server.asked]


AUTHORIZATION = "AuthorizationHeaderMalformed"


@pytest.mark.parametrize(
    "played",
    [
        Played(301, headers=HEADER),
        Played(307, headers=HEADER),
        Played(400, headers=HEADER),
        error(400, AUTHORIZATION, "<Region>eu-west-2</Region>"),
        error(400, "IllegalLocationConstraintException", "<Region>eu-west-2</Region>"),
        error(301, "PermanentRedirect", "<Endpoint>recipient-bucket.s3.eu-west-2.amazonaws.com</Endpoint>"),
        error(301, "PermanentRedirect", "<Endpoint>recipient-bucket.s3-eu-west-2.amazonaws.com</Endpoint>"),
        error(307, "TemporaryRedirect", "<Endpoint>recipient.bucket.s3.dualstack.eu-west-2.amazonaws.com</Endpoint>"),
        error(301, "PermanentRedirect", "<Key>t&#x7;.txt</Key><Endpoint>s3.eu-west-2.amazonaws.com</Endpoint>"),
    ],
)
def test_a_bucket_is_asked_again_in_the_region_that_s3_names(played: Played) -> None:
    with serving(played, GOOD_COPY) as server:
        assert ask(server, Copy("orders/a", "e1")) == Copied("v1", "t1", "e9", "now")
    assert regions(server) == [("PUT", "eu-west-1"), ("PUT", "eu-west-2")]
    assert server.asked[0].path == server.asked[1].path


@pytest.mark.parametrize(
    "played",
    [
        Played(301),
        error(301, "PermanentRedirect"),
        error(301, "PermanentRedirect", "<Endpoint>recipient-bucket.s3.amazonaws.com</Endpoint>"),
        error(400, AUTHORIZATION),
    ],
)
@pytest.mark.parametrize("status", [200, 301, 400, 403])
def test_where_s3_does_not_name_the_region_the_bucket_is_asked_for_it(played: Played, status: int) -> None:
    with serving(played, Played(status, headers=HEADER), GOOD_COPY) as server:
        assert ask(server, Copy("orders/a", "e1")) == Copied("v1", "t1", "e9", "now")
    assert regions(server) == [("PUT", "eu-west-1"), ("HEAD", "eu-west-1"), ("PUT", "eu-west-2")]
    assert server.asked[1].path == "/recipient-bucket/"


def test_a_bucket_whose_region_nobody_tells_is_the_recipients_to_name() -> None:
    with serving(error(301, "PermanentRedirect")) as server:
        reply = ask(server, Copy("orders/a", "e1"))
    assert isinstance(reply, Failed)
    assert (reply.cause, reply.reason.endswith(ELSEWHERE)) == (Cause.RECIPIENT_BUCKET, True)
    assert regions(server) == [("PUT", "eu-west-1"), ("HEAD", "eu-west-1")]


def test_a_bucket_is_asked_again_once_and_remembered() -> None:
    there = error(400, AUTHORIZATION, "<Region>eu-west-2</Region>")
    with (
        serving(there, GOOD_COPY, GOOD_COPY) as server,
        closing(Transport(region="eu-west-1", endpoint_url=server.url, connections=1, credentials=CREDENTIALS)) as s3,
    ):
        statuses = [response_to(s3, S3Request("CopyObject", "PUT", "recipient", "k")).status for _ in range(2)]
    assert statuses == [200, 200]
    assert [region for _, region in regions(server)] == ["eu-west-1", "eu-west-2", "eu-west-2"]
    back = error(400, AUTHORIZATION, "<Region>eu-west-1</Region>")
    with serving(there, back) as server:
        ask(server, Copy("orders/a", "e1"))
    assert regions(server) == [("PUT", "eu-west-1"), ("PUT", "eu-west-2")]


def test_a_request_that_is_invalid_for_another_reason_is_not_sent_again() -> None:
    with serving(error(400, "InvalidRequest")) as server:
        ask(server, Copy("orders/a", "e1"))
    assert regions(server) == [("PUT", "eu-west-1")]


def test_a_head_that_is_refused_without_a_word_is_looked_into_once() -> None:
    here = Played(200, headers=(("x-amz-bucket-region", "eu-west-1"),))
    with (
        serving(Played(400), here, Played(400)) as server,
        closing(Transport(region="eu-west-1", endpoint_url=server.url, connections=1, credentials=CREDENTIALS)) as s3,
    ):
        for _ in range(2):
            assert response_to(s3, S3Request("HeadObject", "HEAD", "hub", "k")).status == 400
    assert [asked.path for asked in server.asked] == ["/hub/k", "/hub/", "/hub/k"]
    with serving(Played(400), here, Played(400)) as server:
        reply = ask(server, HeadObject("orders/a"))
    assert isinstance(reply, Failed)
    assert reply.cause is Cause.UPLOAD_SSE_C


@pytest.mark.parametrize(
    "named",
    ["", "mars", "eu-west-2.example.org/", "eu-west-2@example.org", "EU-WEST-2", "e" * 80 + "-1"],
)
def test_what_is_no_regions_name_never_becomes_a_host(named: str) -> None:
    body = f"<Error><Region>{named}</Region><Endpoint>s3.eu-west-2.amazonaws.com.{named or 'org'}</Endpoint></Error>"
    assert region_in(Response(301, {"x-amz-bucket-region": named}, body.encode())) == ""
