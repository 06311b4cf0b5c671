"""A store that speaks to a server of ours, which plays S3's answers."""

import random
from contextlib import closing
from dataclasses import replace

from data_exports.mover.places.store import open_store
from data_exports.mover.rules.protocol import (
    Call,
    Copied,
    StoreAnswer,
)
from data_exports.mover.settings import Settings
from data_exports.mover.wire.signing import Credentials
from data_exports.mover.wire.transport import Transport
from tests.unit.mover.environment import SETTINGS, delivering_to
from tests.unit.mover.loopback import Asked, Loopback, Played
from tests.unit.mover.places.answers import COPY_RESULT

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret-of-nobody", "token-of-nobody")
OWNERS = delivering_to(SETTINGS, target_account="754256621582")
GOOD_COPY = Played(200, COPY_RESULT.encode(), (("x-amz-copy-source-version-id", "v1"), ("x-amz-version-id", "t1")))
ODD_KEY = "orders/a b+c%d&<é>€\n\x01/../~//'\"?#"
ODD_PATH = "/orders/a%20b%2Bc%25d%26%3C%C3%A9%3E%E2%82%AC%0A%01/../~//%27%22%3F%23"


def error(status: int, code: str) -> Played:
    return Played(status, f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode())


class Impatient(random.Random):
    """Draws the shortest waits."""

    def random(self) -> float:
        return 0.0


def ask(server: Loopback, call: Call, settings: Settings = OWNERS) -> StoreAnswer:
    settings = replace(settings, endpoint_url=server.url)
    transport = Transport(region="eu-west-1", endpoint_url=server.url, connections=4, credentials=CREDENTIALS)
    with closing(open_store(settings, way=transport, rng=Impatient())) as store:
        store.send(call, 7)
        tag, answer = store.wait()
    assert tag == 7
    return replace(answer, at="now") if isinstance(answer, Copied) else answer


def sent(asked: Asked) -> dict[str, str]:
    """The headers that are ours, without those that signing and HTTP add."""
    added = {"authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "user-agent", "host"}
    return {name: value for name, value in asked.headers.items() if name not in added}
