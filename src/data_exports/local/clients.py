"""Ways to talk to the local AWS: boto3 clients and environment variables, as an account's root or as a role.

In: a `LocalAws`. Out: clients, credentials, variables. Effects: `sts:AssumeRole` for roles, one small config file in
the local AWS's folder. The laptop's own AWS profiles are never read: nothing done here can reach the real AWS.
"""

import os
import threading
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_exports.local.emulator import LocalAws

if TYPE_CHECKING:
    import boto3

    from data_exports.aws import Aws

_SESSION_NAME = "local"
_NO_SERVER = Path(__file__).with_name("no_server.pem")
_creating = threading.Lock()


@dataclass(frozen=True)
class LocalCredentials:
    """Access key id, secret and session token; the token is ``""`` for an account's root."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def root_of(local: LocalAws, account: str) -> LocalCredentials:
    """The credentials of an account's root: its access key id is the account's own, its secret is of this start."""
    return LocalCredentials(account, local.secret)


@cache
def _session() -> "boto3.Session":
    """A session that reads no profile and no config file, whatever the environment names."""
    import boto3
    import botocore.session

    nothing = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.Session(botocore_session=botocore.session.Session(session_vars=nothing))


def _client(local: LocalAws, service: str, credentials: LocalCredentials | None, region: str) -> Any:
    with _creating:  # botocore's sessions are not thread-safe while a client is made; the client itself is
        return _kept_client(local.endpoint_url, service, credentials, region)


@lru_cache(maxsize=128)
def _kept_client(endpoint_url: str, service: str, credentials: LocalCredentials | None, region: str) -> Any:
    from botocore import UNSIGNED
    from botocore.config import Config

    keys = credentials or LocalCredentials("", "")
    return _session().client(  # type: ignore[call-overload]  # the service's name is only known at run time
        service,
        region_name=region,
        endpoint_url=endpoint_url,
        aws_access_key_id=keys.access_key_id or None,
        aws_secret_access_key=keys.secret_access_key or None,
        aws_session_token=keys.session_token or None,
        config=Config(
            signature_version=None if credentials else UNSIGNED,
            connect_timeout=60,  # for each piece of a body that is sent, too
            read_timeout=60,
            retries={"total_max_attempts": 2, "mode": "standard"},
            max_pool_connections=32,
            s3={"addressing_style": "path"},
        ),
    )


def client(local: LocalAws, service: str, *, account: str, region: str | None = None) -> Any:
    """A boto3 client of this service as the account's root; in the local AWS's region unless another is named."""
    return _client(local, service, root_of(local, account), region or local.region)


def session_of(local: LocalAws, arn: str, *, session_name: str = _SESSION_NAME) -> LocalCredentials:
    """Credentials of a role, through `sts:AssumeRole` by its own account's root, for an hour; or of an account's root.

    Raises botocore's AccessDenied when there is no such role or it does not trust its account.
    """
    account = arn.split(":")[4]
    if arn.endswith(":root"):
        return root_of(local, account)
    sts = client(local, "sts", account=account)
    made = sts.assume_role(RoleArn=arn, RoleSessionName=session_name)["Credentials"]
    return LocalCredentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def session_by_token(
    local: LocalAws, role_arn: str, token: str, *, session_name: str = _SESSION_NAME, duration_seconds: int = 3600
) -> LocalCredentials:
    """Credentials of a role for a token of somebody outside AWS, through `sts:AssumeRoleWithWebIdentity`, unsigned.

    Raises botocore's ClientError with STS's code and words when the token or its bearer is refused.
    """
    made = _client(local, "sts", None, local.region).assume_role_with_web_identity(
        RoleArn=role_arn, RoleSessionName=session_name, WebIdentityToken=token, DurationSeconds=duration_seconds
    )["Credentials"]
    return LocalCredentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def client_with(local: LocalAws, service: str, credentials: LocalCredentials, *, region: str | None = None) -> Any:
    """A boto3 client of this service with these credentials; in the local AWS's region unless another is named."""
    return _client(local, service, credentials, region or local.region)


def client_as(
    local: LocalAws,
    service: str,
    role_arn: str,
    *,
    session_name: str = _SESSION_NAME,
    region: str | None = None,
) -> Any:
    """A boto3 client of this service as a session of the role; raises as `session_of`."""
    credentials = session_of(local, role_arn, session_name=session_name)
    return _client(local, service, credentials, region or local.region)


def aws_of(local: LocalAws, arn: str | None = None, *, region: str | None = None) -> "Aws":
    """The local AWS as `deploy` and the other commands take it: as a role, or as the platform account's root (None).

    Raises as `session_of`.
    """
    from data_exports.aws import aws_with_keys

    credentials = root_of(local, local.account) if arn is None else session_of(local, arn)
    return aws_with_keys(
        region or local.region,
        endpoint_url=local.endpoint_url,
        access_key_id=credentials.access_key_id,
        secret_access_key=credentials.secret_access_key,
        session_token=credentials.session_token,
    )


_HIDING = {
    "AWS_CA_BUNDLE": str(_NO_SERVER),
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_PROFILE": "default",
    "AWS_DEFAULT_PROFILE": "default",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    "AWS_PAGER": "",
}
VARIABLES = (
    *("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE", *_HIDING),
    *("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"),
)
"""What `environment_of` sets in any case."""


def environment_of(local: LocalAws, role_arn: str | None = None, *, token_file: Path | None = None) -> dict[str, str]:
    """The variables that point any AWS tool at the local AWS, as the platform account's root or as a role.

    With a token file the tool itself asks for the role, with the token of somebody outside AWS, as it does there.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html

    They also hide the laptop's own AWS profiles, so that a real one can never be used by mistake. No server of AWS's
    is trusted either, so what leaves nevertheless ends before a byte of a request is sent: `aws` of version 1 sends
    sqs commands to the real AWS whatever AWS_ENDPOINT_URL says. An empty AWS_SESSION_TOKEN replaces one that the
    caller's environment may hold; AWS's tools take it as none. Endpoints of single services (`AWS_ENDPOINT_URL_S3`)
    would win over `AWS_ENDPOINT_URL`, so those that are set are set anew.
    """
    if token_file is not None:
        credentials = LocalCredentials("", "")
    else:
        credentials = root_of(local, local.account) if role_arn is None else session_of(local, role_arn)
    config = local.folder / "aws-config"
    config.write_text("[default]\ns3 =\n    addressing_style = path\n", encoding="utf-8")
    single = {name: local.endpoint_url for name in os.environ if name.startswith("AWS_ENDPOINT_URL_")}
    return {
        **single,
        "AWS_ENDPOINT_URL": local.endpoint_url,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
        "AWS_REGION": local.region,
        "AWS_DEFAULT_REGION": local.region,
        "AWS_CONFIG_FILE": str(config),
        "AWS_ROLE_ARN": role_arn or "" if token_file else "",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token_file.resolve()) if token_file else "",
        **_HIDING,
    }
