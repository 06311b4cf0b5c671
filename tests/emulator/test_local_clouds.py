"""The stand-ins of other clouds: whom Entra and Google let in, what Blob Storage and Cloud Storage let them do."""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

import pytest

from data_exports.errors import LocalAwsError
from data_exports.local.clouds.declared import (
    ActingAccount,
    BlobContainer,
    EntraApplication,
    RoleAssignment,
    WorkloadProvider,
)
from data_exports.local.clouds.faults import InjectedFault
from data_exports.local.clouds.running import running_clouds, start_clouds
from data_exports.local.issuers import unknown_issuer
from data_exports.operate.crc import crc32c
from tests.emulator.functions import answer_of, function
from tests.emulator.other_clouds import (
    AZURE_AUDIENCE,
    BLOBS,
    BUCKET,
    CLIENT,
    CONTAINER,
    DATA_ACTIONS,
    GOOGLE_AUDIENCE,
    PROVIDER,
    READ_WRITE,
    STORAGE_ACCOUNT,
    TENANT,
    OtherClouds,
    WireAnswer,
    blob_condition,
    issuer_of,
    principal_of,
)
from tests.emulator.steps import Steps, allow

pytestmark = pytest.mark.emulator

ACTOR = "exporter@hj.iam.gserviceaccount.com"
ANY_CLOUD = "https://www.googleapis.com/auth/cloud-platform"
PART = 5 * 1024 * 1024


@pytest.fixture
def there(steps: Steps) -> OtherClouds:
    """The stand-ins, and a role that may ask for tokens; nobody is let in yet."""
    role = steps.role(allow("sts:GetWebIdentityToken", "*"))
    return OtherClouds(start_clouds(steps.local), issuer_of(steps), role)


def token(steps: Steps, there: OtherClouds, audience: str, **more: Any) -> str:
    asked = {"Audience": [audience], "SigningAlgorithm": "RS256", "DurationSeconds": 300} | more
    return str(steps.as_role("sts", there.role).get_web_identity_token(**asked)["WebIdentityToken"])


@pytest.fixture
def azure(steps: Steps, there: OtherClouds) -> tuple[OtherClouds, str]:
    """Somebody whom Azure lets write below the prefix, and its bearer; the container is empty there."""
    there.let_in_by_entra()
    there.let_write_blobs()
    status, told = there.entra_answer(token(steps, there, AZURE_AUDIENCE))
    assert status == 200, told
    return there, told["access_token"]


@pytest.fixture
def google(steps: Steps, there: OtherClouds) -> tuple[OtherClouds, str]:
    """Somebody whom Google lets write below the prefix, and its bearer."""
    there.let_in_by_google()
    there.let_write_objects()
    status, told = there.google_answer(token(steps, there, GOOGLE_AUDIENCE))
    assert status == 200, told
    return there, told["access_token"]


def code_of(answer: WireAnswer) -> tuple[int, str]:
    status, _headers, body = answer
    return status, body.decode().partition("<Code>")[2].partition("</Code>")[0] if status >= 400 else ""


def md5_of(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def entra_numbers(answer: tuple[int, Any]) -> tuple[int, str, list[int]]:
    status, told = answer
    assert told["error_description"].startswith(f"AADSTS{told['error_codes'][0]}: ")
    return status, told["error"], told["error_codes"]


def test_entra_gives_a_bearer_for_a_token_of_the_role_that_it_was_told_of(steps: Steps, there: OtherClouds) -> None:
    there.let_in_by_entra(token_seconds=120)
    status, told = there.entra_answer(token(steps, there, AZURE_AUDIENCE))
    assert (status, told["token_type"], told["expires_in"]) == (200, "Bearer", 120)
    claims = json.loads(base64.urlsafe_b64decode(told["access_token"].split(".")[1] + "=="))
    assert (claims["aud"], claims["iss"]) == ("https://storage.azure.com", f"https://sts.windows.net/{TENANT}/")


ENTRA_REFUSES = [
    ({"issuer": "https://another.tokens.sts.global.api.aws"}, (401, "invalid_client", [700211])),
    ({"subject": "arn:aws:iam::593291632749:role/another"}, (401, "invalid_client", [700213])),
    ({"audiences": ("api://another",)}, (401, "invalid_client", [700212])),
]


@pytest.mark.parametrize(("changed", "expected"), ENTRA_REFUSES)
def test_entra_takes_what_a_credential_says_to_the_letter(
    steps: Steps, there: OtherClouds, changed: dict[str, Any], expected: object
) -> None:
    there.let_in_by_entra(**changed)
    assert entra_numbers(there.entra_answer(token(steps, there, AZURE_AUDIENCE))) == expected


def test_entra_knows_its_tenants_and_their_applications(steps: Steps, there: OtherClouds) -> None:
    there.let_in_by_entra()
    mine, other = token(steps, there, AZURE_AUDIENCE), "00000000-0000-4000-8000-000000000000"
    assert entra_numbers(there.entra_answer(mine, tenant=other)) == (400, "invalid_request", [90002])
    assert entra_numbers(there.entra_answer(mine, client_id=other)) == (400, "unauthorized_client", [700016])
    there.clouds.declare(EntraApplication(TENANT, CLIENT))
    assert entra_numbers(there.entra_answer(mine)) == (401, "invalid_client", [70025])


def test_entra_verifies_who_signed_and_how(steps: Steps, there: OtherClouds) -> None:
    there.let_in_by_entra()
    forger = unknown_issuer(there.issuer, key_id="RSA_0")
    forged = forger.token({"sub": there.role, "aud": AZURE_AUDIENCE})
    assert entra_numbers(there.entra_answer(forged)) == (401, "invalid_client", [700027])
    unknown = unknown_issuer(there.issuer).token({"sub": there.role, "aud": AZURE_AUDIENCE})
    assert entra_numbers(there.entra_answer(unknown)) == (401, "invalid_client", [700027])
    elliptic = token(steps, there, AZURE_AUDIENCE, SigningAlgorithm="ES384")
    assert entra_numbers(there.entra_answer(elliptic)) == (401, "invalid_client", [700027])
    assert entra_numbers(there.entra_answer("nonsense")) == (400, "invalid_request", [50027])


def test_entra_is_asked_for_storage_alone(steps: Steps, there: OtherClouds) -> None:
    there.let_in_by_entra()
    mine = token(steps, there, AZURE_AUDIENCE)
    assert entra_numbers(there.entra_answer(mine, scope="https://storage.azure.com")) == (
        400,
        "invalid_scope",
        [1002012],
    )
    assert entra_numbers(there.entra_answer(mine, scope="https://vault.azure.net/.default"))[1] == "invalid_resource"
    assert there.ask("entra", "GET", f"/{TENANT}/oauth2/v2.0/token", b"", {})[0] == 501


def test_google_gives_a_bearer_for_a_token_that_its_provider_takes(steps: Steps, there: OtherClouds) -> None:
    there.let_in_by_google()
    status, told = there.google_answer(token(steps, there, GOOGLE_AUDIENCE))
    assert (status, told["token_type"], told["expires_in"]) == (200, "Bearer", 3599)


GOOGLE_REFUSES = [
    ({"issuer": "https://another.tokens.sts.global.api.aws"}, (400, "invalid_grant")),
    ({"audiences": ("https://another.example",)}, (400, "invalid_grant")),
    (
        {"attribute_condition": 'assertion.sub == "arn:aws:iam::593291632749:role/another"'},
        (401, "unauthorized_client"),
    ),
    ({"name": f"{PROVIDER}-2"}, (400, "invalid_target")),
]


@pytest.mark.parametrize(("changed", "expected"), GOOGLE_REFUSES)
def test_google_refuses_what_its_provider_does_not_take(
    steps: Steps, there: OtherClouds, changed: dict[str, Any], expected: object
) -> None:
    there.let_in_by_google(name=f"{PROVIDER}-1")
    there.let_in_by_google(**({"name": f"{PROVIDER}-1"} | changed))
    name = f"{PROVIDER}-3" if "name" in changed else f"{PROVIDER}-1"
    mine = token(steps, there, f"https://iam.googleapis.com/{name}")
    status, told = there.google_answer(mine, audience=f"//iam.googleapis.com/{name}")
    assert (status, told["error"]) == expected


def test_google_verifies_who_signed_and_how(steps: Steps, there: OtherClouds) -> None:
    there.let_in_by_google()
    claims = {"sub": there.role, "aud": GOOGLE_AUDIENCE}
    for wrong in (
        unknown_issuer(there.issuer, key_id="RSA_0").token(claims),
        unknown_issuer(there.issuer).token(claims),
        token(steps, there, GOOGLE_AUDIENCE, SigningAlgorithm="ES384"),
        "nonsense",
    ):
        status, told = there.google_answer(wrong)
        assert (status, told["error"]) == (400, "invalid_grant")
    assert (
        there.google_answer(token(steps, there, GOOGLE_AUDIENCE), grant_type="password")[1]["error"]
        == "invalid_request"
    )
    assert there.ask("google_tokens", "POST", "/v1/introspect", b"", {})[0] == 501


def generated(there: OtherClouds, bearer: str, **changed: Any) -> tuple[int, Any]:
    path = f"/v1/projects/-/serviceAccounts/{ACTOR}:generateAccessToken"
    body = json.dumps({"scope": [READ_WRITE], "lifetime": "600s"} | changed).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
    status, _headers, told = there.ask("google_tokens", "POST", path, body, headers)
    return status, json.loads(told)


def test_a_service_account_is_impersonated_by_whom_it_lets(steps: Steps, there: OtherClouds) -> None:
    there.let_in_by_google()
    there.let_write_objects(member=f"serviceAccount:{ACTOR}")
    mine = token(steps, there, GOOGLE_AUDIENCE)
    bearer = there.google_answer(mine, scope=ANY_CLOUD)[1]["access_token"]
    there.clouds.declare(ActingAccount(ACTOR, (principal_of("arn:aws:iam::593291632749:role/another"),)))
    assert generated(there, bearer)[1]["error"]["status"] == "PERMISSION_DENIED"
    there.clouds.declare(ActingAccount(ACTOR, (principal_of(there.role),)))
    narrow = there.google_answer(mine)[1]["access_token"]
    assert generated(there, narrow)[1]["error"]["message"] == "Request had insufficient authentication scopes."
    assert generated(there, "nobody's")[0] == 401
    assert generated(there, bearer, lifetime="3601s")[0] == 400
    status, told = generated(there, bearer)
    assert status == 200
    assert told["expireTime"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 500))
    assert code_of(there.object("PUT", "orders/a", bearer, b"1")) == (403, "AccessDenied")
    assert there.object("PUT", "orders/a", told["accessToken"], b"1")[0] == 200


LOOKING = """
import os

def handler(event, context):
    return {name: value for name, value in os.environ.items() if name.startswith(("AZURE_", "GOOGLE_"))}
"""


def test_a_function_of_the_local_aws_finds_them(steps: Steps, there: OtherClouds, unique: Callable[[str], str]) -> None:
    name = unique("looking")
    function(steps, LOOKING, steps.role(), name=name, Timeout=60)
    assert answer_of(steps, name) == there.clouds.variables


def test_they_run_once_beside_a_local_aws(steps: Steps, there: OtherClouds) -> None:
    assert start_clouds(steps.local) == running_clouds(steps.local) == there.clouds
    assert there.clouds.owner_token not in repr(there.clouds)


def test_owners_alone_say_what_is_allowed(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    headers = {"Authorization": f"Bearer {bearer}"}
    assert there.ask("administration", "PUT", "/declared", b"{}", headers)[0] == 403
    assert there.ask("administration", "PUT", "/declared", b"{}", {})[0] == 403


def test_a_web_page_is_answered_nothing(there: OtherClouds) -> None:
    for headers in ({"Origin": "https://page.example"}, {"Host": "page.example"}):
        assert there.ask("blobs", "GET", "/a/b/c", b"", headers)[0] == 403


UNKNOWN_HERE: list[Callable[[], object]] = [
    lambda: replace(WorkloadProvider(PROVIDER, "https://a"), attribute_condition="true"),
    lambda: replace(WorkloadProvider(PROVIDER, "https://a"), attribute_mapping={"google.subject": "assertion.arn"}),
]


@pytest.mark.parametrize("make", UNKNOWN_HERE)
def test_what_they_do_not_know_is_refused_when_it_is_declared(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="the stand-in knows"):
        make()


def test_what_they_cannot_read_is_refused(there: OtherClouds) -> None:
    with pytest.raises(LocalAwsError, match="BadRequest"):
        there.clouds._put("faults", {"nothing": 1})
    with pytest.raises(LocalAwsError, match="kind must be one of"):
        there.clouds._put("declared", {"kind": "Elephant"})


# Azure Blob Storage


def test_a_blob_is_written_and_replaced_and_read_by_its_owner_alone(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    described = {"Content_Type": "text/csv", "Content_Encoding": "gzip", "x_ms_meta_team": "alpha"}
    status, headers, _body = there.blob(
        "PUT", "orders/a%20b", bearer, b"first", Content_MD5=md5_of(b"first"), **described
    )
    assert (status, headers["content-md5"]) == (201, md5_of(b"first"))
    stored = there.clouds.stored("blobs", f"{STORAGE_ACCOUNT}/{CONTAINER}", "orders/a b")
    assert stored is not None
    told, body = stored
    assert body == b"first"
    assert (told["content-type"], told["content-encoding"], told["x-ms-meta-team"]) == ("text/csv", "gzip", "alpha")
    assert told["etag"] == headers["etag"]
    status, newer, _body = there.blob("PUT", "orders/a%20b", bearer, b"second")
    assert (status, newer["etag"] == headers["etag"]) == (201, False)
    for method in ("GET", "HEAD", "DELETE"):
        assert there.blob(method, "orders/a%20b", bearer)[0] == 403


def block_id(number: int) -> str:
    return quote(base64.b64encode(f"v1-{number:05d}".encode()).decode(), safe="")


def block_list(*numbers: int) -> bytes:
    ids = "".join(f"<Latest>{base64.b64encode(f'v1-{n:05d}'.encode()).decode()}</Latest>" for n in numbers)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{ids}</BlockList>'.encode()


def test_a_blob_in_blocks_is_there_when_its_list_is(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    key, place = "orders/large", f"{STORAGE_ACCOUNT}/{CONTAINER}"
    there.clouds.remove_stored("blobs", place, key)
    for number, body in ((2, b"two"), (1, b"one,")):
        query = f"?comp=block&blockid={block_id(number)}"
        assert there.blob("PUT", key, bearer, body, query, Content_MD5=md5_of(body))[0] == 201
    assert there.clouds.stored("blobs", place, key) is None
    assert code_of(there.blob("PUT", key, bearer, block_list(1, 3), "?comp=blocklist")) == (400, "InvalidBlockList")
    described = {"x_ms_blob_content_type": "text/plain", "x_ms_meta_a": "1", "Content_Type": "application/xml"}
    assert there.blob("PUT", key, bearer, block_list(1, 2), "?comp=blocklist", **described)[0] == 201
    stored = there.clouds.stored("blobs", place, key)
    assert stored is not None
    assert (stored[1], stored[0]["content-type"], stored[0]["x-ms-meta-a"]) == (b"one,two", "text/plain", "1")
    # The latest of an id is one that waits, or else one that the blob is made of: what it is not made of is gone.
    # https://learn.microsoft.com/rest/api/storageservices/put-block-list
    assert there.blob("PUT", key, bearer, block_list(1), "?comp=blocklist")[0] == 201
    again = there.clouds.stored("blobs", place, key)
    assert again is not None
    assert again[1] == b"one,"
    assert code_of(there.blob("PUT", key, bearer, block_list(2), "?comp=blocklist")) == (400, "InvalidBlockList")


def test_blocks_have_ids_of_one_length(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    assert there.blob("PUT", "orders/ids", bearer, b"1", f"?comp=block&blockid={block_id(1)}")[0] == 201
    for wrong, code in (("YQ%3D%3D", "InvalidBlobOrBlock"), ("%21", "InvalidQueryParameterValue"), ("", "Invalid")):
        answer = there.blob("PUT", "orders/ids", bearer, b"1", f"?comp=block&blockid={wrong}")
        assert code_of(answer)[0] == 400
        assert code_of(answer)[1].startswith(code)


def test_what_was_changed_on_the_way_is_refused(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    for query in ("", f"?comp=block&blockid={block_id(1)}"):
        answer = there.blob("PUT", "orders/damaged", bearer, b"1", query, Content_MD5=md5_of(b"2"))
        assert code_of(answer) == (400, "Md5Mismatch")


def test_writes_may_be_conditional(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    key, place = "orders/conditional", f"{STORAGE_ACCOUNT}/{CONTAINER}"
    there.clouds.remove_stored("blobs", place, key)
    past, future = formatdate(time.time() - 60, usegmt=True), formatdate(time.time() + 60, usegmt=True)
    assert code_of(there.blob("PUT", key, bearer, b"1", If_Match='"0x1"')) == (412, "ConditionNotMet")
    assert there.blob("PUT", key, bearer, b"1", If_Unmodified_Since=past)[0] == 201
    assert code_of(there.blob("PUT", key, bearer, b"2", If_None_Match="*")) == (409, "BlobAlreadyExists")
    assert code_of(there.blob("PUT", key, bearer, b"2", If_Unmodified_Since=past)) == (412, "ConditionNotMet")
    listed = there.blob("PUT", key, bearer, block_list(), "?comp=blocklist", If_Unmodified_Since=past)
    assert code_of(listed) == (412, "ConditionNotMet")
    status, headers, _body = there.blob("PUT", key, bearer, b"2", If_Unmodified_Since=future)
    assert status == 201
    assert there.blob("PUT", key, bearer, b"3", If_Match=headers["etag"])[0] == 201
    assert code_of(there.blob("PUT", key, bearer, b"4", If_Match=headers["etag"])) == (412, "ConditionNotMet")
    both = there.blob("PUT", key, bearer, b"4", If_Match="*", If_None_Match="*")
    assert code_of(both) == (400, "MultipleConditionHeadersNotSupported")
    stored = there.clouds.stored("blobs", place, key)
    assert stored is not None
    assert stored[1] == b"3"


DENIED = (403, "AuthorizationPermissionMismatch")


def test_a_role_is_held_to_its_actions_and_its_condition(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    key = "orders/held"
    there.clouds.remove_stored("blobs", f"{STORAGE_ACCOUNT}/{CONTAINER}", key)
    assert code_of(there.blob("PUT", "others/held", bearer, b"1")) == DENIED
    assert code_of(there.blob("PUT", "order", bearer, b"1")) == DENIED
    there.let_write_blobs((DATA_ACTIONS[0],))
    assert there.blob("PUT", key, bearer, b"1")[0] == 201
    overwriting = (403, "UnauthorizedBlobOverwrite")
    assert code_of(there.blob("PUT", key, bearer, b"2")) == overwriting
    assert code_of(there.blob("PUT", key, bearer, b"2", f"?comp=block&blockid={block_id(1)}")) == overwriting
    there.let_write_blobs((f"{BLOBS}/read",))
    assert there.blob("GET", key, bearer)[0] == 200
    assert code_of(there.blob("PUT", key, bearer, b"1")) == DENIED
    there.let_write_blobs(condition=blob_condition(container="another"))
    assert code_of(there.blob("PUT", key, bearer, b"1")) == DENIED


def test_a_bearer_is_of_the_accounts_tenant_and_valid(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    assert code_of(there.blob("PUT", "orders/x", "", b"1")) == (401, "NoAuthenticationInformation")
    for wrong in ("nobody's", bearer[:-2]):
        assert code_of(there.blob("PUT", "orders/x", wrong, b"1")) == (401, "InvalidAuthenticationInfo")
    assignment = RoleAssignment(CLIENT, DATA_ACTIONS)
    another = "00000000-0000-4000-8000-000000000000"
    there.clouds.declare(BlobContainer(STORAGE_ACCOUNT, CONTAINER, another, (assignment,)))
    assert code_of(there.blob("PUT", "orders/x", bearer, b"1")) == (401, "InvalidAuthenticationInfo")


def test_a_bearer_ends(steps: Steps, there: OtherClouds) -> None:
    there.let_in_by_entra(token_seconds=0)
    there.let_write_blobs()
    bearer = there.entra_answer(token(steps, there, AZURE_AUDIENCE))[1]["access_token"]
    assert code_of(there.blob("PUT", "orders/x", bearer, b"1")) == (401, "InvalidAuthenticationInfo")


def test_a_container_may_be_gone_or_keep_what_it_has_or_be_closed(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    assert there.blob("PUT", "orders/kept", bearer, b"1")[0] == 201
    there.let_write_blobs(immutable=True)
    assert code_of(there.blob("PUT", "orders/kept", bearer, b"2")) == (409, "BlobImmutableDueToPolicy")
    there.let_write_blobs(firewall=True)
    assert code_of(there.blob("PUT", "orders/kept", bearer, b"2")) == (403, "AuthorizationFailure")
    there.let_write_blobs(exists=False)
    assert code_of(there.blob("PUT", "orders/kept", bearer, b"2")) == (404, "ContainerNotFound")


def test_metadata_and_names_are_held_to_their_rules(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    assert code_of(there.blob("PUT", "orders/m", bearer, b"1", **{"x-ms-meta-a-b": "1"})) == (400, "InvalidMetadata")
    assert code_of(there.blob("PUT", "orders/m", bearer, b"1", **{"x-ms-meta-a": "1" * 8192}))[1] == "MetadataTooLarge"
    assert code_of(there.blob("PUT", f"orders/{'a' * 1018}", bearer, b"1")) == (400, "InvalidResourceName")
    assert code_of(there.blob("PUT", "orders/a.", bearer, b"1")) == (400, "InvalidUri")
    assert code_of(there.blob("PUT", "orders/m", bearer, b"1", "?comp=tags")) == (501, "NotImplemented")
    assert code_of(there.blob("PUT", "orders/m", bearer, b"1", **{"x-ms-blob-type": "PageBlob"}))[0] == 400
    assert code_of(there.blob("PUT", "orders/m", bearer, b"1", **{"x-ms-version": "2015-01-01"}))[0] == 400


def test_faults_are_met_by_the_next_requests_and_then_no_more(azure: tuple[OtherClouds, str]) -> None:
    there, bearer = azure
    place = f"{STORAGE_ACCOUNT}/{CONTAINER}"
    there.clouds.add_fault(InjectedFault("blobs", 503, "ServerBusy", times=2, retry_after=1))
    there.clouds.add_fault(InjectedFault("blobs", 500, "OperationTimedOut", after=True))
    for _ in range(2):
        answer = there.blob("PUT", "orders/faulty", bearer, b"1")
        assert (code_of(answer), answer[1]["retry-after"]) == ((503, "ServerBusy"), "1")
    assert code_of(there.blob("PUT", "orders/faulty", bearer, b"2")) == (500, "OperationTimedOut")
    stored = there.clouds.stored("blobs", place, "orders/faulty")
    assert stored is not None
    assert stored[1] == b"2"
    there.clouds.add_fault(InjectedFault("blobs", 0))
    with pytest.raises(ConnectionError):
        there.blob("PUT", "orders/faulty", bearer, b"3")
    assert there.blob("PUT", "orders/faulty", bearer, b"3")[0] == 201


# Google Cloud Storage


def hash_of(body: bytes) -> str:
    return f"crc32c={base64.b64encode(crc32c(body).digest()).decode()}"


def test_an_object_is_written_and_replaced_and_read_by_its_owner_alone(google: tuple[OtherClouds, str]) -> None:
    there, bearer = google
    there.clouds.remove_stored("objects", BUCKET, "orders/a b")
    described = {"Content_Type": "text/csv", "x_goog_meta_team": "alpha"}
    status, first, _body = there.object(
        "PUT", "orders/a%20b", bearer, b"first", x_goog_if_generation_match="0", **described
    )
    assert (status, first["x-goog-hash"]) == (200, f"{hash_of(b'first')},md5={md5_of(b'first')}")
    again = there.object("PUT", "orders/a%20b", bearer, b"second", x_goog_if_generation_match="0")
    assert code_of(again) == (412, "PreconditionFailed")
    generation = first["x-goog-generation"]
    status, second, _body = there.object(
        "PUT", "orders/a%20b", bearer, b"second", x_goog_if_generation_match=generation
    )
    assert (status, int(second["x-goog-generation"]) > int(generation)) == (200, True)
    stored = there.clouds.stored("objects", BUCKET, "orders/a b")
    assert stored is not None
    assert (stored[1], stored[0]["x-goog-generation"]) == (b"second", second["x-goog-generation"])
    for method in ("GET", "HEAD", "DELETE"):
        assert there.object(method, "orders/a%20b", bearer)[0] == (204 if method == "DELETE" else 403)


def test_an_object_in_parts_is_there_when_it_is_completed(google: tuple[OtherClouds, str]) -> None:
    there, bearer = google
    key, bodies = "orders/large", {1: b"a" * PART, 2: b"bc"}
    there.clouds.remove_stored("objects", BUCKET, key)
    status, _headers, told = there.object("POST", key, bearer, b"", "?uploads", Content_Type="text/csv")
    upload = told.decode().partition("<UploadId>")[2].partition("</UploadId>")[0]
    assert (status, bool(upload)) == (200, True)
    tags = {}
    for number, body in reversed(bodies.items()):
        query = f"?partNumber={number}&uploadId={upload}"
        status, headers, _body = there.object("PUT", key, bearer, body, query, Content_MD5=md5_of(body))
        assert (status, headers["x-goog-hash"].split(",")[0]) == (200, hash_of(body))
        tags[number] = headers["etag"]
    assert there.clouds.stored("objects", BUCKET, key) is None

    def listing(*numbers: int) -> bytes:
        parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tags.get(n, 'x')}</ETag></Part>" for n in numbers)
        return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()

    for numbers, code in (((1, 3), "InvalidPart"), ((2, 1), "InvalidPartOrder"), ((), "InvalidPart")):
        refused = there.object("POST", key, bearer, listing(*numbers), f"?uploadId={upload}")
        assert code_of(refused) == (400, code)
    status, headers, _body = there.object("POST", key, bearer, listing(1, 2), f"?uploadId={upload}")
    assert (status, headers["x-goog-hash"]) == (200, hash_of(bodies[1] + bodies[2]))
    stored = there.clouds.stored("objects", BUCKET, key)
    assert stored is not None
    assert (stored[1] == bodies[1] + bodies[2], stored[0]["content-type"]) == (True, "text/csv")
    assert code_of(there.object("DELETE", key, bearer, b"", f"?uploadId={upload}")) == (404, "NoSuchUpload")


def test_small_parts_and_conditions_are_not_for_uploads_in_parts(google: tuple[OtherClouds, str]) -> None:
    there, bearer = google
    key = "orders/small-parts"
    conditional = there.object("POST", key, bearer, b"", "?uploads", x_goog_if_generation_match="0")
    assert code_of(conditional) == (501, "NotImplemented")
    _status, _headers, told = there.object("POST", key, bearer, b"", "?uploads")
    upload = told.decode().partition("<UploadId>")[2].partition("</UploadId>")[0]
    listed = ""
    for number in (1, 2):
        _s, headers, _b = there.object("PUT", key, bearer, b"x", f"?partNumber={number}&uploadId={upload}")
        listed += f"<Part><PartNumber>{number}</PartNumber><ETag>{headers['etag']}</ETag></Part>"
    body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
    assert code_of(there.object("POST", key, bearer, body, f"?uploadId={upload}")) == (400, "EntityTooSmall")
    assert there.object("DELETE", key, bearer, b"", f"?uploadId={upload}")[0] == 204
    assert code_of(there.object("PUT", key, bearer, b"x", f"?partNumber=1&uploadId={upload}")) == (404, "NoSuchUpload")


def test_a_binding_is_held_to_its_permissions_and_its_condition(google: tuple[OtherClouds, str]) -> None:
    there, bearer = google
    denied, key = (403, "AccessDenied"), "orders/held"
    there.clouds.remove_stored("objects", BUCKET, key)
    assert code_of(there.object("PUT", "others/held", bearer, b"1")) == denied
    there.let_write_objects(("storage.objects.create",))
    assert there.object("PUT", key, bearer, b"1")[0] == 200
    assert code_of(there.object("PUT", key, bearer, b"2")) == denied
    assert code_of(there.object("PUT", key, bearer, b"2", x_goog_if_generation_match="0")) == (
        412,
        "PreconditionFailed",
    )
    assert code_of(there.object("POST", key, bearer, b"", "?uploads")) == denied
    there.let_write_objects(member=principal_of("arn:aws:iam::593291632749:role/another"))
    assert code_of(there.object("PUT", key, bearer, b"2")) == denied
    there.let_write_objects(retained=True)
    assert code_of(there.object("PUT", key, bearer, b"2")) == (403, "RetentionPolicyNotMet")


def test_who_bears_nothing_or_too_little_writes_nothing(steps: Steps, google: tuple[OtherClouds, str]) -> None:
    there, bearer = google
    assert code_of(there.object("PUT", "orders/x", "", b"1")) == (401, "AuthenticationRequired")
    assert code_of(there.object("PUT", "orders/x", bearer[:-1], b"1")) == (401, "AuthenticationRequired")
    scope = READ_WRITE.replace("read_write", "read_only")
    reading = there.google_answer(token(steps, there, GOOGLE_AUDIENCE), scope=scope)[1]["access_token"]
    assert code_of(there.object("PUT", "orders/x", reading, b"1")) == (403, "AccessDenied")
    other = there.ask("objects", "PUT", "/another-bucket/orders/x", b"1", {"Authorization": f"Bearer {bearer}"})
    assert code_of(other) == (404, "NoSuchBucket")


def test_objects_names_metadata_and_hashes_are_held_to_their_rules(google: tuple[OtherClouds, str]) -> None:
    there, bearer = google
    for key in (f"orders/{'a' * 1018}", "orders/a%0Ab"):
        assert code_of(there.object("PUT", key, bearer, b"1")) == (400, "InvalidObjectName")
    large = {"x-goog-meta-a": "1" * 8192}
    assert code_of(there.object("PUT", "orders/m", bearer, b"1", **large)) == (400, "MetadataTooLarge")
    assert code_of(there.object("PUT", "orders/m", bearer, b"1", Content_MD5=md5_of(b"2"))) == (400, "BadDigest")
    assert code_of(there.object("PUT", "orders/m", bearer, b"1", x_goog_hash=hash_of(b"2"))) == (400, "BadDigest")
    assert there.object("PUT", "orders/m", bearer, b"1", x_goog_hash=hash_of(b"1"))[0] == 200
    assert code_of(there.object("GET", "orders/m", bearer, b"", "?uploadId=1")) == (501, "NotImplemented")
