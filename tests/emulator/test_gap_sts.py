"""STS as AWS does it: whom it believes who comes from outside AWS with a token, and whom it does not."""

import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from data_exports.local import clients
from data_exports.local.gate import GateCall, may_need_no_signature, needs_no_signature
from data_exports.local.issuers import SigningAlgorithm, local_issuer, token_claims_of, unknown_issuer
from data_exports.readers.google import GOOGLE_ISSUER
from data_exports.readers.kinds import AnyReader
from tests.emulator.federated import (
    AUDIENCE,
    SUBJECT,
    FederatedReader,
    federated_reader,
    new_url,
    provider_of,
    trusting_role,
)
from tests.emulator.signed import ask, signed
from tests.emulator.stack_steps import Resources, apply, delete, template_of
from tests.emulator.steps import ACCOUNT, Steps, allow, policy_of, refusal_of
from tests.estates import READERS_OUTSIDE_AWS

pytestmark = pytest.mark.emulator

OTHER = "754256621582"
DENIED = ("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
NO_JWT = (
    "InvalidIdentityToken",
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
)
NO_KEY = (
    "InvalidIdentityToken",
    (
        "Couldn't retrieve verification key from your identity provider,  "
        "please reference AssumeRoleWithWebIdentity documentation for requirements"
    ),
)
NOT_SIGNED_BY_IT = ("InvalidIdentityToken", "The signature of the ID Token is invalid")
WRONG_AUDIENCE = ("InvalidIdentityToken", "Incorrect token audience")
BELIEVED = ("", "")


def part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_right_token_gives_the_roles_credentials_and_says_whose_it_was(
    steps: Steps, algorithm: SigningAlgorithm
) -> None:
    reader = federated_reader(steps, algorithm=algorithm)
    sts = clients._client(steps.local, "sts", None, "eu-west-1")
    answer = sts.assume_role_with_web_identity(
        RoleArn=reader.role, RoleSessionName="ana@example", WebIdentityToken=reader.token()
    )
    name = reader.role.rsplit("/", 1)[1]
    role_id = steps.client("iam").get_role(RoleName=name)["Role"]["RoleId"]
    given = answer["Credentials"]
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role_id}:ana@example",
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/ana@example",
    }
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == (SUBJECT, AUDIENCE)
    assert answer["Provider"] == f"arn:aws:iam::{ACCOUNT}:oidc-provider/{reader.issuer.url.removeprefix('https://')}"
    assert answer["Provider"].endswith("/")
    assert 3500 < given["Expiration"].timestamp() - time.time() <= 3600
    caller = clients.client_with(steps.local, "sts", reader.session(session_name="ana@example")).get_caller_identity()
    assert caller["Arn"] == answer["AssumedRoleUser"]["Arn"]


def test_a_session_may_what_the_role_may_until_its_permission_expires(steps: Steps) -> None:
    bucket = steps.bucket()
    steps.client("s3").put_object(Bucket=bucket, Key="x", Body=b"1")
    until = {"DateLessThan": {"aws:CurrentTime": "2031-01-01T00:00:00Z"}}
    past = {"DateLessThan": {"aws:CurrentTime": "2021-01-01T00:00:00Z"}}
    read = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*")
    s3 = federated_reader(steps, read | {"Condition": until}).client("s3")
    assert s3.get_object(Bucket=bucket, Key="x")["Body"].read() == b"1"
    assert refusal_of(lambda: s3.put_object(Bucket=bucket, Key="y", Body=b"")) == "AccessDenied"
    late = federated_reader(steps, read | {"Condition": past}).client("s3")
    assert refusal_of(lambda: late.get_object(Bucket=bucket, Key="x")) == "AccessDenied"


def test_a_bucket_policy_knows_a_federated_reader_by_its_role(steps: Steps) -> None:
    reader, other = federated_reader(steps), federated_reader(steps)
    bucket = steps.bucket()
    named = {"Principal": {"AWS": reader.role}}
    steps.client("s3").put_bucket_policy(
        Bucket=bucket, Policy=policy_of(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}", **named))
    )
    assert refusal_of(lambda: reader.client("s3").list_objects_v2(Bucket=bucket)) == ""
    assert refusal_of(lambda: other.client("s3").list_objects_v2(Bucket=bucket)) == "AccessDenied"


def test_a_session_policy_narrows_a_session(steps: Steps) -> None:
    bucket = steps.bucket()
    reader = federated_reader(steps, allow("s3:*", "*"))
    sts = clients._client(steps.local, "sts", None, "eu-west-1")
    named = {"RoleArn": reader.role, "RoleSessionName": "xx", "WebIdentityToken": reader.token()}
    narrow = policy_of(allow("s3:ListAllMyBuckets", "*"))
    made = sts.assume_role_with_web_identity(**named, Policy=narrow)["Credentials"]
    keys = clients.LocalCredentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    s3 = clients.client_with(steps.local, "s3", keys)
    assert refusal_of(s3.list_buckets) == ""
    assert refusal_of(lambda: s3.list_objects_v2(Bucket=bucket)) == "AccessDenied"
    assert refusal_of(lambda: sts.assume_role_with_web_identity(**named, Policy="{")) == "MalformedPolicyDocument"


def test_another_keys_signature_is_refused(steps: Steps) -> None:
    reader = federated_reader(steps)
    forger = unknown_issuer(reader.issuer.url, key_id=reader.issuer.key.kid)
    assert reader.refusal(forger.token(reader.claims)) == NOT_SIGNED_BY_IT
    another_kind = unknown_issuer(reader.issuer.url, algorithm="ES256", key_id=reader.issuer.key.kid)
    assert reader.refusal(another_kind.token(reader.claims)) == NOT_SIGNED_BY_IT


def test_changed_claims_are_refused(steps: Steps) -> None:
    reader = federated_reader(steps)
    header, _claims, signature = reader.token().split(".")
    changed = part({"iss": reader.issuer.url, **reader.claims, "iat": 1, "exp": time.time() + 9000})
    assert reader.refusal(f"{header}.{changed}.{signature}") == NOT_SIGNED_BY_IT


def test_an_unknown_key_is_refused(steps: Steps) -> None:
    reader = federated_reader(steps)
    assert reader.refusal(unknown_issuer(reader.issuer.url).token(reader.claims)) == NO_KEY
    stranger = local_issuer(steps.local.folder, new_url())
    assert reader.refusal(stranger.token({**reader.claims, "iss": reader.issuer.url})) == NO_KEY


def test_a_token_of_no_algorithm_is_refused(steps: Steps) -> None:
    reader = federated_reader(steps)
    header, claims, signature = reader.token().split(".")
    kid = reader.issuer.key.kid
    assert reader.refusal(f"{part({'alg': 'none', 'kid': kid})}.{claims}.") == NOT_SIGNED_BY_IT
    assert reader.refusal(f"{part({'alg': 'none', 'kid': kid})}.{claims}.{signature}") == NOT_SIGNED_BY_IT
    assert reader.refusal(f"{header}.{claims}.") == NOT_SIGNED_BY_IT
    assert reader.refusal(f"{part({'alg': 'RS256'})}.{claims}.{signature}") == NO_KEY


def test_a_shared_secret_is_no_key(steps: Steps) -> None:
    reader = federated_reader(steps)
    public = json.dumps(reader.issuer.key.as_dict(private=False)).encode()
    claims = {"iss": reader.issuer.url, "iat": int(time.time()), "exp": int(time.time()) + 60, **reader.claims}
    forged = jwt.encode({"alg": "HS256", "kid": reader.issuer.key.kid}, claims, OctKey.import_key(public))
    assert reader.refusal(forged) == NOT_SIGNED_BY_IT


def test_an_expired_token_is_refused_five_minutes_later(steps: Steps) -> None:
    reader, now = federated_reader(steps), int(time.time())
    code, words = reader.refusal(reader.token(exp=now - 301))
    assert (code, words.endswith(f"must be before the expiration date/time {now - 301}")) == (
        "ExpiredTokenException",
        True,
    )
    assert reader.refusal(reader.token(exp=now - 240)) == BELIEVED


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_of_tomorrow_is_refused(steps: Steps, claim: str) -> None:
    reader, later = federated_reader(steps), int(time.time()) + 600
    code, words = reader.refusal(reader.token(**{claim: later}))
    assert (code, words.startswith(f"The ID Token is not valid yet: {claim} is {later}")) == (
        "InvalidIdentityToken",
        True,
    )


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "iat"])
def test_a_token_without_a_claim_that_aws_asks_for_is_refused(steps: Steps, claim: str) -> None:
    reader = federated_reader(steps)
    expected = ("InvalidIdentityToken", f"Missing a required claim: {claim}")
    assert reader.refusal(reader.token(**{claim: None})) == expected


def test_an_issuer_that_the_account_does_not_know_is_refused(steps: Steps) -> None:
    known = federated_reader(steps)
    for url in (known.issuer.url.removesuffix("/"), new_url()):
        token = local_issuer(steps.local.folder, url).token(known.claims)
        expected = ("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {url}")
        assert known.refusal(token) == expected
    elsewhere = FederatedReader(steps, known.issuer, known.role.replace(ACCOUNT, OTHER))
    assert elsewhere.refusal(known.token())[1].startswith("No OpenIDConnect provider found in your account for ")


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_an_issuer_without_https_is_none(steps: Steps, scheme: str) -> None:
    reader = federated_reader(steps)
    plain = reader.issuer.url.replace("https://", scheme)
    code, words = reader.refusal(local_issuer(steps.local.folder, plain).token(reader.claims))
    assert (code, words) == ("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {plain}")


def test_an_audience_that_the_provider_does_not_know_is_refused(steps: Steps) -> None:
    reader = federated_reader(steps)
    assert reader.refusal(reader.token(aud="api://others")) == WRONG_AUDIENCE
    assert reader.refusal(reader.token(aud=["api://others", "sts.amazonaws.com"])) == WRONG_AUDIENCE
    assert reader.refusal(reader.token(aud=["api://others", AUDIENCE])) == BELIEVED
    assert reader.refusal(reader.token(aud={"a": AUDIENCE})) == WRONG_AUDIENCE


def test_a_tokens_authorized_party_counts_before_its_audience(steps: Steps) -> None:
    client_id = str(uuid.uuid4())
    reader = federated_reader(steps)
    assert reader.refusal(reader.token(azp=client_id)) == WRONG_AUDIENCE
    entra = federated_reader(steps, audience=client_id)
    assert entra.refusal(entra.token(azp=client_id)) == BELIEVED
    assert entra.refusal(entra.token(aud=client_id)) == BELIEVED


def test_the_trust_decides_on_audience_and_subject(steps: Steps) -> None:
    reader = federated_reader(steps)
    steps.client("iam").add_client_id_to_open_id_connect_provider(
        OpenIDConnectProviderArn=provider_arn(reader), ClientID="api://others"
    )
    assert reader.refusal(reader.token(aud="api://others")) == DENIED
    assert reader.refusal(reader.token(sub=SUBJECT.upper())) == DENIED
    assert reader.refusal(reader.token(sub=f"{SUBJECT} ")) == DENIED
    assert reader.refusal(reader.token()) == BELIEVED


FURTHER = [
    ("https://aws.amazon.com/tags", {"principal_tags": {"team": ["a"]}}, "sts:TagSession"),
    ("https://aws.amazon.com/source_identity", "ana", "sts:SetSourceIdentity"),
]


@pytest.mark.parametrize(("claim", "value", "action"), FURTHER)
def test_what_a_token_says_of_its_session_the_trust_must_allow(
    steps: Steps, claim: str, value: Any, action: str
) -> None:
    reader = federated_reader(steps)
    saying = reader.token(**{claim: value})
    assert (reader.refusal(saying), reader.refusal(reader.token(**{claim: None}))) == (DENIED, BELIEVED)
    name, iam = reader.role.rsplit("/", 1)[1], steps.client("iam")
    document = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    plain = document["Statement"][0]["Action"]
    document["Statement"][0]["Action"] = [plain, action]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))
    assert reader.refusal(saying) == BELIEVED
    document["Statement"][0]["Action"] = [plain, "sts:AssumeRole"]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))
    assert reader.refusal(saying) == DENIED


def provider_arn(reader: FederatedReader) -> str:
    return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{reader.issuer.url.removeprefix('https://')}"


def test_a_slash_at_the_end_belongs_to_the_issuers_name(steps: Steps) -> None:
    url = new_url()
    name, issuer = url.removeprefix("https://"), local_issuer(steps.local.folder, url)
    provider = provider_of(steps, url, AUDIENCE)
    without = name.removesuffix("/")
    right = trusting_role(steps, provider, {f"{name}:sub": SUBJECT})
    for federated, key in ((provider.removesuffix("/"), name), (provider, without)):
        wrong = trusting_role(steps, federated, {f"{key}:sub": SUBJECT})
        assert FederatedReader(steps, issuer, wrong).refusal(FederatedReader(steps, issuer, wrong).token()) == DENIED
    assert FederatedReader(steps, issuer, right).session().session_token


def test_a_role_trusts_one_tenant_and_no_other(steps: Steps) -> None:
    mine, theirs = federated_reader(steps), federated_reader(steps)
    assert mine.refusal(theirs.token()) == DENIED
    assert FederatedReader(steps, mine.issuer, f"{mine.role}-not").refusal(mine.token()) == DENIED


def test_a_provider_of_another_account_counts_for_nothing(steps: Steps) -> None:
    reader = federated_reader(steps)
    abroad = trusting_role(steps, provider_arn(reader), {}, account=OTHER)
    code, words = FederatedReader(steps, reader.issuer, abroad).refusal(reader.token())
    assert (code, words.startswith("No OpenIDConnect provider")) == ("InvalidIdentityToken", True)
    provider_of(steps, reader.issuer.url, AUDIENCE, account=OTHER)
    assert FederatedReader(steps, reader.issuer, abroad).refusal(reader.token()) == DENIED


def test_google_needs_no_provider_and_its_audience_is_the_authorized_party(steps: Steps) -> None:
    unique_id, audience = "117203498723049872304", "https://exports.example.gov.uk"
    google = local_issuer(steps.local.folder, GOOGLE_ISSUER)
    pinned = {
        "accounts.google.com:aud": unique_id,
        "accounts.google.com:oaud": audience,
        "accounts.google.com:sub": unique_id,
    }
    role = trusting_role(steps, "accounts.google.com", pinned)
    claims = {"azp": unique_id, "aud": audience, "sub": unique_id}
    reader = FederatedReader(steps, google, role, claims)
    assert reader.refusal(reader.token()) == BELIEVED
    for claim, value in (("azp", "1"), ("aud", "https://another.example"), ("sub", "1")):
        assert reader.refusal(reader.token(**{claim: value})) == DENIED
    assert reader.refusal(reader.token(azp=None)) == DENIED
    answer = clients._client(steps.local, "sts", None, "eu-west-1").assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="google", WebIdentityToken=reader.token()
    )
    assert (answer["Provider"], answer["Audience"]) == ("accounts.google.com", unique_id)


def test_googles_transfer_agent_has_no_audience_of_ours(steps: Steps) -> None:
    subject = "104320958746283910576"
    role = trusting_role(steps, "accounts.google.com", {"accounts.google.com:sub": subject})
    agent = FederatedReader(
        steps, local_issuer(steps.local.folder, GOOGLE_ISSUER), role, {"aud": role, "azp": subject, "sub": subject}
    )
    assert agent.refusal(agent.token()) == BELIEVED
    assert agent.refusal(agent.token(sub="1")) == DENIED


@pytest.mark.parametrize("reader", READERS_OUTSIDE_AWS, ids=lambda reader: reader.kind)
def test_the_stand_in_of_each_kind_of_reader_says_what_its_role_asks_for(
    steps: Steps, reader: AnyReader, unique_account: Callable[[], str]
) -> None:
    account = unique_account()
    federated = reader.host
    if reader.provider:
        federated = provider_of(steps, reader.issuer, str(reader.audience), account=account)
    role = trusting_role(steps, federated, reader.conditions, account=account)
    issuer = local_issuer(steps.local.folder, reader.issuer)
    played = FederatedReader(steps, issuer, role, token_claims_of(reader))
    assert played.refusal(played.token()) == BELIEVED
    assert played.refusal(played.token(sub="another")) == DENIED
    if reader.audience:
        assert played.refusal(played.token(aud="another")) in (DENIED, WRONG_AUDIENCE)


def test_the_trust_may_end_at_a_moment(steps: Steps) -> None:
    reader = federated_reader(steps)
    name, iam = reader.role.rsplit("/", 1)[1], steps.client("iam")
    document = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    document["Statement"][0]["Condition"]["DateLessThan"] = {"aws:CurrentTime": "2021-01-01T00:00:00Z"}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))
    assert reader.refusal(reader.token()) == DENIED


def test_a_session_is_no_longer_than_its_role_allows(steps: Steps) -> None:
    reader = federated_reader(steps)
    longer = federated_reader(steps, MaxSessionDuration=7200)
    words = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    assert reader.refusal(reader.token(), seconds=3601) == ("ValidationError", words)
    assert longer.refusal(longer.token(), seconds=7200) == BELIEVED
    assert longer.refusal(longer.token(), seconds=7201) == ("ValidationError", words)
    assert longer.refusal(longer.token(), seconds=43201)[0] == "ValidationError"


@pytest.mark.parametrize("given", [{"DurationSeconds": "899"}, {"RoleSessionName": "a"}, {"RoleSessionName": "a/b"}])
def test_what_sts_cannot_use_is_refused(steps: Steps, given: dict[str, str]) -> None:
    reader = federated_reader(steps)
    status, told = ask_sts(steps, reader, given)
    assert (status, "<Code>ValidationError</Code>" in told) == (400, True)


def ask_sts(steps: Steps, reader: FederatedReader, given: dict[str, str]) -> tuple[int, str]:
    """The call as it goes over the wire, without any signature."""
    fields = {"Action": "AssumeRoleWithWebIdentity", "RoleArn": reader.role, "RoleSessionName": "reader"}
    body = urlencode({**fields, "WebIdentityToken": reader.token(), **given}).encode()
    return ask(steps.local, "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, body)


NOT_EVEN_TOKENS = [
    "nonsense",
    "a.b.c",
    "....",
    f"{part({})}.{part({})}.",
    f"{part([])}.{part({})}.eA",
    f"{part({'alg': 'RS256'})}.{part([])}.eA",
    f"{part({'alg': 'RS256'})}.{part('[' * 9000)}.eA",
    f"{part('[' * 9000)}.{part({})}.eA",
    f"{part({'alg': 5, 'kid': 5})}.{part('{')}.eA",
    "\u00fc.\u00fc.\u00fc",
]


@pytest.mark.parametrize("token", NOT_EVEN_TOKENS)
def test_what_is_no_token_is_refused(steps: Steps, token: str) -> None:
    code, _words = federated_reader(steps).refusal(token)
    assert code == "InvalidIdentityToken"


@pytest.mark.parametrize("exp", ["soon", True, [1], float("inf"), float("nan")])
def test_times_are_numbers(steps: Steps, exp: Any) -> None:
    reader = federated_reader(steps)
    assert reader.refusal(reader.token(exp=exp)) == NO_JWT


def test_an_unsigned_request_is_let_in_for_this_call_only(steps: Steps) -> None:
    reader = federated_reader(steps)
    assert ask_sts(steps, reader, {})[0] == 200
    for action in ("GetCallerIdentity", "AssumeRole", "CreateRole", ""):
        status, told = ask_sts(steps, reader, {"Action": action})
        assert (status, "Missing" in told) == (403, True), told
    body = b"Action=AssumeRoleWithWebIdentity&Action=CreateRole"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask_sts(steps, reader, {"Policy": "x" * 100_000})[0] == 403
    assert ask(steps.local, "PUT", "/", form, b"Action=AssumeRoleWithWebIdentity")[0] == 403
    assert ask(steps.local, "POST", "/", form, body)[0] == 403
    assert ask(steps.local, "POST", "/a-bucket/a-key", form, b"Action=AssumeRoleWithWebIdentity")[0] == 403
    assert ask(steps.local, "POST", "/?Action=ListRoles", form, b"Action=AssumeRoleWithWebIdentity")[0] == 403
    assert ask(steps.local, "POST", "/", {**form, "Origin": "https://page.example"}, body)[0] == 403


FORM = {"host": "127.0.0.1", "content-type": "application/x-www-form-urlencoded; charset=utf-8", "content-length": "99"}
ASKED = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"


def gate_call(method: str = "POST", path: str = "/", query: str = "", **headers: str) -> GateCall:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return GateCall(method, path, path, {query: [""]} if query else {}, FORM | named)


@pytest.mark.parametrize(
    "call",
    [
        gate_call(method="PUT"),
        gate_call(path="/bucket"),
        gate_call(query="uploads"),
        gate_call(content_type="application/json"),
        gate_call(content_length="100001"),
        gate_call(content_length="-1"),
    ],
)
def test_of_what_is_unsigned_only_short_forms_are_read_at_all(call: GateCall) -> None:
    assert may_need_no_signature(gate_call())
    assert not may_need_no_signature(call)


def test_what_the_emulator_takes_for_another_service_is_no_call_of_sts() -> None:
    assert needs_no_signature(gate_call(), ASKED)
    assert not needs_no_signature(gate_call(x_amz_target="AmazonSQS.ListQueues"), ASKED)
    assert not needs_no_signature(gate_call(), ASKED + b"&Action=ListRoles")


def test_the_protocol_that_sts_does_not_speak_is_no_way_around(steps: Steps) -> None:
    reader = federated_reader(steps)
    forged = unknown_issuer(reader.issuer.url).token(reader.claims)
    body = json.dumps({"RoleArn": reader.role, "RoleSessionName": "xx", "WebIdentityToken": forged}).encode()
    target = {"X-Amz-Target": "AWSSecurityTokenServiceV20110615.AssumeRoleWithWebIdentity"}
    headers = signed(steps.local, "POST", "/", body, service="sts") | target
    status, told = ask(steps.local, "POST", "/", {**headers, "Content-Type": "application/x-amz-json-1.1"}, body)
    assert (status, "Credentials" in told) == (400, False)


def test_what_is_told_of_a_token_is_escaped(steps: Steps) -> None:
    reader = federated_reader(steps)
    code, words = reader.refusal(reader.token(iss="https://x/<Code>\u202e\x1b"))
    assert (code, words) == (
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account for https://x/<Code>\\u202e\\x1b",
    )


def test_a_key_may_be_changed_for_a_new_one_while_old_tokens_live(steps: Steps) -> None:
    reader = federated_reader(steps)
    old = reader.token()
    newer = FederatedReader(steps, local_issuer(steps.local.folder, reader.issuer.url), reader.role)
    assert (reader.refusal(old), newer.refusal(newer.token())) == (BELIEVED, BELIEVED)


def test_private_keys_are_not_written(steps: Steps) -> None:
    issuer = local_issuer(steps.local.folder, new_url())
    kept = [path.read_text() for path in steps.local.folder.rglob("issuers/*/*")]
    told = [json.loads(text) for text in kept if str(issuer.key.kid) in text]
    assert [set(one) & {"d", "p", "q", "dp", "dq", "qi"} for one in told] == [set()]
    assert "d" in issuer.key.as_dict(private=True)
    assert str(issuer.key.as_dict(private=True)["d"]) not in repr(issuer)


def test_a_provider_is_told_without_its_scheme_and_its_clients_are_changed_one_by_one(steps: Steps) -> None:
    iam, url = steps.client("iam"), new_url()
    named = {"OpenIDConnectProviderArn": provider_of(steps, url, "a", "b")}
    assert named["OpenIDConnectProviderArn"] == f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url.removeprefix('https://')}"
    listed = [each["Arn"] for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    assert named["OpenIDConnectProviderArn"] in listed
    for client_id in ("c", "a"):
        iam.add_client_id_to_open_id_connect_provider(**named, ClientID=client_id)
    for client_id in ("b", "b"):
        iam.remove_client_id_from_open_id_connect_provider(**named, ClientID=client_id)
    found = iam.get_open_id_connect_provider(**named)
    assert (found["Url"], found["ClientIDList"]) == (url.removeprefix("https://"), ["a", "c"])
    assert refusal_of(lambda: iam.create_open_id_connect_provider(Url=url)) == "EntityAlreadyExists"
    iam.delete_open_id_connect_provider(**named)
    assert refusal_of(lambda: iam.get_open_id_connect_provider(**named)) == "NoSuchEntity"
    add = {**named, "ClientID": "x"}
    assert refusal_of(lambda: iam.add_client_id_to_open_id_connect_provider(**add)) == "NoSuchEntity"


@pytest.mark.parametrize("url", ["http://x.example", "x.example", "https://x.example/?a=b", "https://" + "x" * 250])
def test_an_address_that_is_none_of_an_issuer_makes_no_provider(steps: Steps, url: str) -> None:
    iam = steps.client("iam")
    assert refusal_of(lambda: iam.create_open_id_connect_provider(Url=url)) == "InvalidInput"


def test_a_provider_has_a_hundred_clients_at_most(steps: Steps) -> None:
    iam = steps.client("iam")
    provider = provider_of(steps, new_url(), *(f"client-{number}" for number in range(100)))
    named = {"OpenIDConnectProviderArn": provider, "ClientID": "one-more"}
    assert refusal_of(lambda: iam.add_client_id_to_open_id_connect_provider(**named)) == "LimitExceeded"


def test_a_right_may_name_one_provider(steps: Steps) -> None:
    mine, others = new_url(), new_url()
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{mine.removeprefix('https://')}"
    actions = ["iam:CreateOpenIDConnectProvider", "iam:AddClientIDToOpenIDConnectProvider"]
    iam = steps.as_role("iam", steps.role(allow(actions, arn)))
    assert refusal_of(lambda: iam.create_open_id_connect_provider(Url=others)) == "AccessDenied"
    assert refusal_of(lambda: iam.create_open_id_connect_provider(Url=mine)) == ""
    more = {"OpenIDConnectProviderArn": arn, "ClientID": "x"}
    assert refusal_of(lambda: iam.add_client_id_to_open_id_connect_provider(**more)) == ""
    other = {"OpenIDConnectProviderArn": provider_of(steps, others), "ClientID": "x"}
    assert refusal_of(lambda: iam.add_client_id_to_open_id_connect_provider(**other)) == "AccessDenied"


def provider_resource(url: str, *clients: str, **more: Any) -> Resources:
    return {"Provider": {"Type": "AWS::IAM::OIDCProvider", "Properties": {"Url": url, "ClientIdList": clients}, **more}}


def test_a_stack_makes_changes_and_deletes_a_provider(steps: Steps, unique: Callable[[str], str]) -> None:
    iam, url, stack = steps.client("iam"), new_url(), unique("oidc")
    outputs = {"Outputs": {"Ref": {"Value": {"Ref": "Provider"}}, "Arn": {"Value": {"Fn::GetAtt": "Provider.Arn"}}}}
    made = apply(steps, stack, template_of(provider_resource(url, "a"), **outputs), Tags=[{"Key": "k", "Value": "v"}])
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url.removeprefix('https://')}"
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert {each["OutputValue"] for each in made["Outputs"]} == {arn}
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (found["ClientIDList"], {"Key": "k", "Value": "v"} in found["Tags"]) == (["a"], True)
    changed = apply(steps, stack, template_of(provider_resource(url, "b", "c")), kind="UPDATE")
    assert changed["StackStatus"] == "UPDATE_COMPLETE"
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["b", "c"]
    moved = new_url()
    assert apply(steps, stack, template_of(provider_resource(moved, "b")), kind="UPDATE")["StackStatus"] == (
        "UPDATE_COMPLETE"
    )
    assert refusal_of(lambda: iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)) == "NoSuchEntity"
    new_arn = arn.replace(url.removeprefix("https://"), moved.removeprefix("https://"))
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=new_arn)["ClientIDList"] == ["b"]
    assert delete(steps, made["StackId"]) == "DELETE_COMPLETE"
    assert refusal_of(lambda: iam.get_open_id_connect_provider(OpenIDConnectProviderArn=new_arn)) == "NoSuchEntity"


def test_a_retained_provider_outlives_its_stack(steps: Steps, unique: Callable[[str], str]) -> None:
    url = new_url()
    made = apply(steps, unique("oidc"), template_of(provider_resource(url, "a", DeletionPolicy="Retain")))
    assert delete(steps, made["StackId"]) == "DELETE_COMPLETE"
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url.removeprefix('https://')}"
    assert steps.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["a"]


def test_a_stack_fails_on_a_provider_that_is_there_already(steps: Steps, unique: Callable[[str], str]) -> None:
    url = new_url()
    provider_of(steps, url, "theirs")
    made = apply(steps, unique("oidc"), template_of(provider_resource(url, "a")))
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url.removeprefix('https://')}"
    assert steps.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["theirs"]


def test_drift_of_a_provider_is_seen(steps: Steps, unique: Callable[[str], str]) -> None:
    cfn, iam, url = steps.client("cloudformation"), steps.client("iam"), new_url()
    made = apply(steps, unique("oidc"), template_of(provider_resource(url, "a", "b")))

    def status() -> str:
        found = cfn.detect_stack_resource_drift(StackName=made["StackId"], LogicalResourceId="Provider")
        return str(found["StackResourceDrift"]["StackResourceDriftStatus"])

    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{url.removeprefix('https://')}"
    assert status() == "IN_SYNC"
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    assert status() == "MODIFIED"
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert status() == "DELETED"
