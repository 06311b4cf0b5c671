"""An AWS for what makes its own clients: a server on this machine, which answers in the order that it is told."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.unit.mover.loopback import Asked, Loopback, Played, serving

_STS = "https://sts.amazonaws.com/doc/2011-06-15/"


def caller(arn: str = "arn:aws:sts::593291632749:assumed-role/alpha_user_ana/ana") -> Played:
    """STS's answer to who asks."""
    account = arn.split(":")[4]
    inner = f"<GetCallerIdentityResult><Arn>{arn}</Arn><Account>{account}</Account></GetCallerIdentityResult>"
    return xml(f'<GetCallerIdentityResponse xmlns="{_STS}">{inner}</GetCallerIdentityResponse>')


def xml(body: str) -> Played:
    """An answer of S3 or STS."""
    return Played(200, body.encode(), (("content-type", "text/xml"),))


def sqs(**facts: object) -> Played:
    """An answer of SQS."""
    return Played(200, json.dumps(facts).encode(), (("content-type", "application/x-amz-json-1.0"),))


def listing(*keys: str) -> Played:
    """S3's listing of these keys."""
    return xml(
        f"<ListBucketResult>{''.join(f'<Contents><Key>{key}</Key></Contents>' for key in keys)}</ListBucketResult>"
    )


def role(identifier: str) -> Played:
    """IAM's description of a role with this id."""
    inner = f"<GetRoleResult><Role><RoleId>{identifier}</RoleId></Role></GetRoleResult>"
    return xml(f'<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">{inner}</GetRoleResponse>')


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch, *answers: Played) -> Iterator[Loopback]:
    """AWS answers so, the last answer again and again, for the time of the block."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with serving(*answers) as server:
        settings = {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "ENDPOINT_URL": server.url}
        for name, value in {**settings, "CONFIG_FILE": os.devnull, "SHARED_CREDENTIALS_FILE": os.devnull}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield server


def operation_of(asked: Asked) -> str:
    """What SQS was asked to do; of other services method and path."""
    return asked.headers.get("x-amz-target", f"{asked.method} {asked.path.partition('?')[0]}").removeprefix(
        "AmazonSQS."
    )
