"""STS and IAM as AWS has them: with which token an account's own roles prove who they are outside AWS."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from data_exports.local import clients
from data_exports.local.issuers import published_address_of
from tests.emulator.functions import answer_of, function
from tests.emulator.signed import ask, signed
from tests.emulator.steps import ACCOUNT, REGION, Statement, Steps, allow, policy_of, refusal_of

pytestmark = pytest.mark.emulator

AUDIENCE = "api://AzureADTokenExchange"
ASKED = {"Audience": [AUDIENCE], "SigningAlgorithm": "RS256", "DurationSeconds": 300}
HELD = {
    "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": AUDIENCE},
    "NumericLessThanEquals": {"sts:DurationSeconds": 300},
    "StringEquals": {"sts:SigningAlgorithm": "RS256"},
}


def may_ask(**condition: Any) -> Statement:
    return allow("sts:GetWebIdentityToken", "*", **({"Condition": condition} if condition else {}))


@pytest.fixture
def account(unique_account: Callable[[], str]) -> str:
    return unique_account()


def published(steps: Steps, url: str, name: str) -> Any:
    """What an issuer publishes, asked for by nobody in particular."""
    path = published_address_of(f"{url}/.well-known/{name}", "")
    status, told = ask(steps.local, "GET", path)
    assert status == 200, told
    return json.loads(told)


def claims_of(steps: Steps, token: str, issuer: str) -> dict[str, Any]:
    """What a token says, once its signature was checked by the keys that its issuer publishes."""
    document = published(steps, issuer, "openid-configuration")
    assert (document["issuer"], document["jwks_uri"]) == (issuer, f"{issuer}/.well-known/jwks.json")
    keys = KeySet.import_key_set(published(steps, issuer, "jwks.json"))
    decoded = jwt.decode(token, keys, algorithms=document["id_token_signing_alg_values_supported"])
    return dict(decoded.claims)


def enabled(steps: Steps, account: str) -> str:
    """Turn it on, if it is not; gives the account's issuer."""
    iam = steps.client("iam", account)
    if refusal_of(iam.get_outbound_web_identity_federation_info):
        return str(iam.enable_outbound_web_identity_federation()["IssuerIdentifier"])
    return str(iam.get_outbound_web_identity_federation_info()["IssuerIdentifier"])


def test_an_account_turns_it_on_and_off_and_its_issuer_stays(steps: Steps, account: str) -> None:
    iam = steps.client("iam", account)
    assert refusal_of(iam.get_outbound_web_identity_federation_info) == "FeatureDisabled"
    assert refusal_of(iam.disable_outbound_web_identity_federation) == "FeatureDisabled"
    issuer = enabled(steps, account)
    assert issuer.startswith("https://")
    assert issuer.endswith(".tokens.sts.global.api.aws")
    assert refusal_of(iam.enable_outbound_web_identity_federation) == "FeatureEnabled"
    told = iam.get_outbound_web_identity_federation_info()
    assert (told["IssuerIdentifier"], told["JwtVendingEnabled"]) == (issuer, True)
    iam.disable_outbound_web_identity_federation()
    assert refusal_of(iam.get_outbound_web_identity_federation_info) == "FeatureDisabled"
    assert enabled(steps, account) == issuer


@pytest.mark.parametrize(
    "action",
    [
        "EnableOutboundWebIdentityFederation",
        "DisableOutboundWebIdentityFederation",
        "GetOutboundWebIdentityFederationInfo",
    ],
)
def test_the_switch_is_nobodys_who_was_not_given_it(steps: Steps, account: str, action: str) -> None:
    enabled(steps, account)
    steps.client("iam", account).disable_outbound_web_identity_federation()
    role = steps.role(allow("iam:List*", "*"), account=account)
    given = steps.role(allow(f"iam:{action}", "*"), account=account)
    name = {
        "EnableOutboundWebIdentityFederation": "enable_outbound_web_identity_federation",
        "DisableOutboundWebIdentityFederation": "disable_outbound_web_identity_federation",
        "GetOutboundWebIdentityFederationInfo": "get_outbound_web_identity_federation_info",
    }[action]
    assert refusal_of(getattr(steps.as_role("iam", role), name)) == "AccessDenied"
    assert refusal_of(getattr(steps.as_role("iam", given), name)) in ("", "FeatureDisabled")


@pytest.mark.parametrize("algorithm", ["RS256", "ES384"])
def test_a_token_says_which_role_asked_and_is_signed_by_the_accounts_issuer(
    steps: Steps, account: str, algorithm: str
) -> None:
    issuer = enabled(steps, account)
    role = steps.role(may_ask(), account=account, path="/exports/")
    name = role.rsplit("/", 1)[1]
    steps.client("iam", account).tag_role(RoleName=name, Tags=[{"Key": "team", "Value": "hub"}])
    asked = {"Audience": [AUDIENCE], "SigningAlgorithm": algorithm}
    answer = steps.as_role("sts", role).get_web_identity_token(**asked)
    claims = claims_of(steps, answer["WebIdentityToken"], issuer)
    at, ends = claims.pop("iat"), claims.pop("exp")
    assert (ends - at, abs(at - time.time()) < 60) == (300, True)
    assert abs(answer["Expiration"].timestamp() - ends) <= 1
    assert claims.pop("jti")
    session_ends = claims["https://sts.amazonaws.com/"].pop("original_session_exp")
    assert session_ends > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert claims == {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": role,
        "https://sts.amazonaws.com/": {
            "aws_account": account,
            "source_region": REGION,
            "principal_id": role,
            "principal_tags": {"team": "hub"},
        },
    }


def test_a_function_asks_with_the_role_that_it_runs_as(steps: Steps, unique: Callable[[str], str]) -> None:
    issuer, name = enabled(steps, ACCOUNT), unique("asking")
    code = (
        "import boto3\n"
        "def handler(event, context):\n"
        "    return boto3.client('sts').get_web_identity_token(**event)['WebIdentityToken']\n"
    )
    role = steps.role(may_ask(**HELD))
    function(steps, code, role, name=name, Timeout=60)
    claims = claims_of(steps, answer_of(steps, name, ASKED), issuer)
    of_aws = claims["https://sts.amazonaws.com/"]
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    assert (claims["sub"], of_aws["lambda_source_function_arn"]) == (role, arn)


def test_several_audiences_are_a_list(steps: Steps, account: str) -> None:
    issuer = enabled(steps, account)
    sts = steps.as_role("sts", steps.role(may_ask(), account=account))
    token = sts.get_web_identity_token(**(ASKED | {"Audience": ["api://b", "api://a"]}))["WebIdentityToken"]
    assert claims_of(steps, token, issuer)["aud"] == ["api://b", "api://a"]


def test_no_token_is_given_while_the_account_has_not_turned_it_on(steps: Steps, account: str) -> None:
    sts = steps.as_role("sts", steps.role(may_ask(), account=account))
    code = "OutboundWebIdentityFederationDisabledException"
    assert refusal_of(lambda: sts.get_web_identity_token(**ASKED)) == code
    enabled(steps, account)
    assert refusal_of(lambda: sts.get_web_identity_token(**ASKED)) == ""
    steps.client("iam", account).disable_outbound_web_identity_federation()
    assert refusal_of(lambda: sts.get_web_identity_token(**ASKED)) == code


OTHERWISE = [
    {"Audience": ["api://another"]},
    {"Audience": [AUDIENCE, "api://another"]},
    {"DurationSeconds": 301},
    {"DurationSeconds": None},
    {"SigningAlgorithm": "ES384"},
]


@pytest.mark.parametrize("given", OTHERWISE, ids=str)
def test_a_right_may_be_held_to_audience_duration_and_algorithm(
    steps: Steps, account: str, given: dict[str, Any]
) -> None:
    enabled(steps, account)
    sts = steps.as_role("sts", steps.role(may_ask(**HELD), account=account))
    asked = {name: value for name, value in (ASKED | given).items() if value is not None}
    assert refusal_of(lambda: sts.get_web_identity_token(**ASKED)) == ""
    assert refusal_of(lambda: sts.get_web_identity_token(**asked)) == "AccessDenied"


def test_who_was_not_given_the_right_gets_no_token(steps: Steps, account: str) -> None:
    enabled(steps, account)
    sts = steps.as_role("sts", steps.role(allow("s3:*", "*"), account=account))
    assert refusal_of(lambda: sts.get_web_identity_token(**ASKED)) == "AccessDenied"


def test_a_token_does_not_outlive_the_session_that_asks(steps: Steps, account: str) -> None:
    enabled(steps, account)
    role = steps.role(may_ask(), account=account)
    made = steps.client("sts", account).assume_role(RoleArn=role, RoleSessionName="short", DurationSeconds=900)
    keys = made["Credentials"]
    who = clients.LocalCredentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    sts = clients.client_with(steps.local, "sts", who)
    assert refusal_of(lambda: sts.get_web_identity_token(**(ASKED | {"DurationSeconds": 800}))) == ""
    longer = ASKED | {"DurationSeconds": 3600}
    assert refusal_of(lambda: sts.get_web_identity_token(**longer)) == "SessionDurationEscalationException"


UNUSABLE = [
    ("", 400),
    ("&Audience=api://a", 400),
    ("&Audience.member.1=api://a&DurationSeconds=59", 400),
    ("&Audience.member.1=api://a&DurationSeconds=3601", 400),
    ("&Audience.member.1=api://a&DurationSeconds=long", 400),
    ("&Audience.member.1=api://a&SigningAlgorithm=HS256", 400),
    ("&Audience.member.1=api://a&Tags.member.1.Key=a&Tags.member.1.Value=b", 501),
]


@pytest.mark.parametrize(("more", "status"), UNUSABLE)
def test_what_sts_cannot_use_is_refused(steps: Steps, account: str, more: str, status: int) -> None:
    enabled(steps, account)
    who = clients.session_of(steps.local, steps.role(may_ask(), account=account))
    algorithm = "" if "SigningAlgorithm" in more else "&SigningAlgorithm=RS256"
    body = f"Action=GetWebIdentityToken&Version=2011-06-15{algorithm}{more}".encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    headers = signed(steps.local, "POST", "/", body, service="sts", who=who) | form
    found, told = ask(steps.local, "POST", "/", headers, body)
    assert (found, "WebIdentityToken>" in told) == (status, False), told


def test_an_account_signs_for_itself_alone(steps: Steps, unique_account: Callable[[], str]) -> None:
    mine, theirs = unique_account(), unique_account()
    issuers = {account: enabled(steps, account) for account in (mine, theirs)}
    token = steps.as_role("sts", steps.role(may_ask(), account=mine)).get_web_identity_token(**ASKED)
    with pytest.raises(BadSignatureError):
        claims_of(steps, token["WebIdentityToken"], issuers[theirs])


def test_its_tokens_give_no_role_of_aws(steps: Steps, account: str) -> None:
    issuer = enabled(steps, account)
    iam = steps.client("iam", account)
    provider = iam.create_open_id_connect_provider(Url=issuer, ClientIDList=[AUDIENCE])["OpenIDConnectProviderArn"]
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    role = iam.create_role(RoleName="itself", AssumeRolePolicyDocument=policy_of(trust))["Role"]["Arn"]
    asking = steps.as_role("sts", steps.role(may_ask(), account=account))
    token = asking.get_web_identity_token(**ASKED)["WebIdentityToken"]
    assert refusal_of(lambda: clients.session_by_token(steps.local, role, token)) == "InvalidIdentityToken"


@pytest.mark.parametrize(
    "name", ["nobody.tokens.sts.global.api.aws/.well-known/jwks.json", "", "x/.well-known/../../reset"]
)
def test_nothing_else_is_published(steps: Steps, account: str, name: str) -> None:
    enabled(steps, account)
    status, _told = ask(steps.local, "GET", f"/_data-exports/issuers/{name}")
    assert status in (403, 404)


def test_a_page_in_a_browser_is_told_no_keys(steps: Steps, account: str) -> None:
    path = published_address_of(f"{enabled(steps, account)}/.well-known/jwks.json", "")
    assert ask(steps.local, "GET", path)[0] == 200
    assert ask(steps.local, "GET", path, {"Origin": "https://page.example"})[0] == 403
    assert ask(steps.local, "POST", path)[0] == 403
