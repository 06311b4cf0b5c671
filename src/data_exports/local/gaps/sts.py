"""STS: who gets a role's credentials for a token of somebody outside AWS, and who does not."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext
from ministack.core.responses import get_region
from ministack.services import iam, sts

from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.s3_errors import Answer
from data_exports.local.gaps.web_identity import StsRefusedError, WebIdentity, web_identity_of

_ACTION = "AssumeRoleWithWebIdentity"
_DEFAULT_SECONDS = 3600


@mends(app.SERVICE_HANDLERS, "sts", "method path headers body query_params")
async def a_role_is_given_for_a_token_that_is_verified(
    original: Callable[..., Awaitable[Answer]], *asked: Any
) -> Answer:
    """A token is believed if its issuer signed it, for this account's client, and now; and then the trust decides.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    """
    method, _path, headers, body, query = asked
    form = parse_qs(body.decode("utf-8", errors="replace")) if method == "POST" else {}
    fields = {name: values[0] if isinstance(values, list) else values for name, values in {**query, **form}.items()}
    in_json = _ACTION in headers.get("x-amz-target", "")  # of which AWS knows nothing, and which the emulator believes
    if fields.get("Action") != _ACTION and not in_json:
        return await original(*asked)
    try:
        return _answer_to(fields)
    except StsRefusedError as error:
        answer: Answer = sts._error(error.status, error.code, escape(str(error)), ns="sts")
        return answer


def _answer_to(fields: Mapping[str, str]) -> Answer:
    """Credentials for a token; raises `StsRefusedError`."""
    _check_fields(fields)
    role_arn, seconds = fields["RoleArn"], int(fields.get("DurationSeconds") or _DEFAULT_SECONDS)
    account = role_arn.split(":")[4]
    identity = web_identity_of(fields["WebIdentityToken"], account)
    role = _role_trusting(role_arn, identity)
    if role is None:
        raise StsRefusedError(f"Not authorized to perform sts:{_ACTION}", "AccessDenied", status=403)
    if seconds > role.get("MaxSessionDuration", _DEFAULT_SECONDS):
        raise StsRefusedError(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", "ValidationError"
        )
    policies, malformed = sts._session_policies(fields, account)
    return malformed or _session_answer(role, fields["RoleSessionName"], identity, seconds, policies)


def _check_fields(fields: Mapping[str, str]) -> None:
    """Raise `StsRefusedError` unless the parameters keep to their patterns."""
    rules = {
        "RoleArn": r"arn:aws:iam::[0-9]{12}:role/[\x21-\x7e]+",
        "RoleSessionName": r"[\w+=,.@-]{2,64}",
        "WebIdentityToken": r"[\s\S]{4,20000}",
        "DurationSeconds": r"([0-9]{1,5})?",
    }
    for name, pattern in rules.items():
        if not re.fullmatch(pattern, fields.get(name, ""), re.ASCII):
            raise StsRefusedError(
                f"1 validation error detected: Value at '{name}' failed to satisfy constraint: {pattern}",
                "ValidationError",
            )
    if not 900 <= int(fields.get("DurationSeconds") or _DEFAULT_SECONDS) <= 43200:
        raise StsRefusedError(
            "1 validation error detected: Value at 'DurationSeconds' must be between 900 and 43200", "ValidationError"
        )


def _role_trusting(role_arn: str, identity: WebIdentity) -> Mapping[str, Any] | None:
    """The role, if there is one of this very ARN that trusts the identity."""
    account = role_arn.split(":")[4]
    role: Mapping[str, Any] | None = iam._roles.get_scoped(account, None, role_arn.rsplit("/", 1)[-1])
    if role is None:
        return None
    context = EvalContext(
        principal_arn=identity.provider,
        principal_type="WebIdentityUser",
        principal_account=account,
        action=f"sts:{_ACTION}",
        resource_arn=role_arn,
        region=get_region(),
        service_context=dict(identity.condition_keys),
    )
    trust = role["AssumeRolePolicyDocument"]
    asked = (trust, *(_trust_for(trust, action) for action in identity.further_actions))
    trusts = all(iam_evaluator.evaluate_trust_policy(each, identity.provider, context) for each in asked)
    return role if trusts else None


def _trust_for(trust: Any, action: str) -> Mapping[str, Any]:
    """What a trust says of a further action; the emulator knows whoever comes with a token for one action alone."""
    statements = (json.loads(trust) if isinstance(trust, str) else trust)["Statement"]
    of_it = (
        each
        for each in ([statements] if isinstance(statements, dict) else statements)
        if iam_evaluator._action_matches(action, _listed(each.get("Action")), _listed(each.get("NotAction")))
    )
    named = [{**each, "Action": f"sts:{_ACTION}", "NotAction": []} for each in of_it]
    return {"Version": "2012-10-17", "Statement": named}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _session_answer(
    role: Mapping[str, Any], session_name: str, identity: WebIdentity, seconds: int, policies: Mapping[str, Any]
) -> Answer:
    """Register a session of the role, and tell its credentials."""
    account, name = role["Arn"].split(":")[4], role["RoleName"]
    arn, user_id = f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}", f"{role['RoleId']}:{session_name}"
    key_id, secret, token = sts._gen_session_access_key(), sts._gen_secret(), sts._gen_session_token()
    session = {
        "Arn": arn,
        "UserId": user_id,
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": time.time() + seconds,
        "AccountId": account,
        "PrincipalType": "AssumedRole",
        "SessionPolicies": policies if any(policies.values()) else None,
    }
    sts.register_session(key_id, session)
    told = {
        "Credentials": {
            "AccessKeyId": key_id,
            "SecretAccessKey": secret,
            "SessionToken": token,
            "Expiration": sts._future(seconds),
        },
        "AssumedRoleUser": {"AssumedRoleId": user_id, "Arn": arn},
        "SubjectFromWebIdentityToken": identity.subject,
        "Audience": identity.audience,
        "Provider": identity.provider,
        "PackedPolicySize": "0",
    }
    answer: Answer = sts._xml(
        200, f"{_ACTION}Response", f"<{_ACTION}Result>{_elements(told)}</{_ACTION}Result>", ns="sts"
    )
    return answer


def _elements(fields: Mapping[str, Any]) -> str:
    return "".join(
        f"<{name}>{_elements(value) if isinstance(value, Mapping) else escape(value)}</{name}>"
        for name, value in fields.items()
    )
