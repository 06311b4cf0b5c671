"""The emulator's secrets that anybody knows, replaced by ones that only this start knows.

In: the secret of this start. Effects: notes mends. In the emulator the secret access key of every account's root is
``test``, and the credentials of a function are a hash of its ARN and its role's, which are no secrets.
"""
# ruff: noqa: SLF001 - the emulator offers no other way in

import hmac
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from ministack.core import iam_evaluator, lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc, s3, sts

from data_exports.local.gaps.lambda_functions import code_path_of
from data_exports.local.gaps.patching import mends


def require_the_secret(secret: str) -> None:
    """Note the mends that put this secret in place of those that are known."""

    def a_roots_secret_is_of_this_start(original: Callable[..., Any], access_key_id: str, *more: Any) -> Any:
        found = original(access_key_id, *more)
        is_root = iam_evaluator.is_root_access_key(access_key_id)
        if is_root and isinstance(found, iam_evaluator.ResolvedCredential):
            return replace(found, secret_access_key=secret)
        return found

    for holder in (iam_evaluator, s3):
        mends(holder, "resolve_credential", "access_key_id account_id session_token")(a_roots_secret_is_of_this_start)

    def a_functions_session_cannot_be_guessed(_original: Callable[..., Any], config: dict[str, Any]) -> dict[str, str]:
        return _function_session(secret, config)

    for holder in (lambda_runtime, lambda_svc):
        mends(holder, "execution_credentials", "config")(a_functions_session_cannot_be_guessed)

    def a_functions_code_is_fetched_with_a_signature(_original: Callable[..., str], func_name: str) -> str:
        """Lambda says where a function's code lies, in an address that is signed, and good for some minutes.

        https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html
        """
        where = f"http://{os.environ['MINISTACK_HOST']}:{os.environ['GATEWAY_PORT']}{code_path_of(func_name)}"
        asked = AWSRequest("GET", where)
        signer = ReadOnlyCredentials(get_account_id(), secret, None)
        SigV4QueryAuth(signer, "lambda", get_region(), expires=600).add_auth(asked)
        return str(asked.url)

    mends(lambda_svc, "_presigned_code_url", "func_name")(a_functions_code_is_fetched_with_a_signature)


def _function_session(secret: str, config: Mapping[str, Any]) -> dict[str, str]:
    """The credentials of a function's role, registered; the same for one function and role, as long as this runs.

    https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
    """
    account, _region = lambda_runtime._account_region_from_function_config(config)
    role, session = config.get("Role", "").rsplit("/", 1)[-1], config["FunctionName"][:64]
    whose = f"{config.get('FunctionArn')}:{config.get('Role')}"

    def drawn(kind: str) -> str:
        return hmac.digest(secret.encode(), f"data-exports function {kind} {whose}".encode(), "sha256").hex()

    access_key_id = f"ASIA{drawn('id')[:16].upper()}"
    made = {"SecretAccessKey": drawn("secret"), "SessionToken": drawn("token")}
    arn = f"arn:aws:sts::{account}:assumed-role/{role}/{session}"
    named = {"Arn": arn, "UserId": f"{role}:{session}", "FunctionArn": config.get("FunctionArn")}
    sts.register_session(access_key_id, {**named, **made})
    return {
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
        "AWS_SESSION_TOKEN": made["SessionToken"],
    }
