"""A recipient outside AWS as a world: the hub on the local AWS, tokens from its STS, a store that others let us in to.

In: a running local AWS, a `Recipient`. Out: an `OutsideWorld`. Effects: a role and buckets in the local AWS; the
recipient's own. The mover's credentials are those of its environment, as in Lambda, for as long as the world lasts.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from data_exports.contract.settings import AzureSettings, GoogleSettings
from data_exports.errors import ExportsError
from data_exports.local.emulator import LocalAws
from data_exports.mover.wire.endpoints import default_tls_context
from tests.conformance.http_world import Ground, HttpWorld
from tests.conformance.local_aws import ground_of, own_rights_of
from tests.conformance.steps import Scenario
from tests.emulator.other_clouds import issuer_of
from tests.emulator.steps import Steps, allow, policy_of

Found = tuple[bytes, Mapping[str, str]]
_MOST_ROUNDS = 2


@dataclass(frozen=True)
class OutsideStore:
    """Where a recipient's store is and what the mover is told of it. `urls`: fields of the mover's settings.

    `clear`: takes away what is there, when the scenario has ended.
    """

    destination: AzureSettings | GoogleSettings
    urls: Mapping[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    clear: Callable[[], None] = lambda: None


class Recipient(Protocol):
    """Somebody with a store outside AWS."""

    def let_in(self, local: LocalAws, issuer: str, role: str) -> OutsideStore:
        """Make a store for one scenario, and let the role in that the issuer vouches for."""

    def found(self, key: str) -> Found | None:
        """What is there, by the names of S3's headers."""


class OutsideWorld(HttpWorld):
    """A World whose recipient is not in AWS."""

    def __init__(self, ground: Ground, scenario: Scenario, recipient: Recipient) -> None:
        super().__init__(ground, scenario)
        self._recipient_outside = recipient

    def move_out(self, store: OutsideStore) -> None:
        """Have the destination be this one from now on."""
        self.settings = replace(self.settings, destination=store.destination, **store.urls)

    def arrived(self, key: str) -> Found | None:
        return self._recipient_outside.found(key)


@contextmanager
def outside_world(local: LocalAws, scenario: Scenario, recipient: Recipient) -> Iterator[OutsideWorld]:
    """A world whose destination is a recipient's; its bucket on the local AWS stays empty."""
    steps = Steps(local)
    role = steps.role()
    ground = ground_of(local, role, may_list=True)
    world = OutsideWorld(ground, scenario, recipient)
    world.make_buckets(scenario)
    rights = [*own_rights_of(world.settings, may_list=True), allow("sts:GetWebIdentityToken", "*")]
    name = ground.function_name
    steps.client("iam").put_role_policy(RoleName=name, PolicyName="mover", PolicyDocument=policy_of(*rights))
    store = recipient.let_in(local, issuer_of(steps), role)
    world.move_out(store)
    keys = ground.credentials
    with environment_with(
        AWS_ACCESS_KEY_ID=keys.access_key_id,
        AWS_SECRET_ACCESS_KEY=keys.secret_access_key,
        AWS_SESSION_TOKEN=keys.session_token,
        **store.environment,
    ):
        try:
            yield world
        finally:
            world.close()
            store.clear()


@contextmanager
def environment_with(**variables: str) -> Iterator[None]:
    """This process's environment, with these, for the time of the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    default_tls_context.cache_clear()  # whom it trusts, the environment says, too
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
        default_tls_context.cache_clear()


class LeftBehindError(Exception):
    """Something of a scenario is still at the recipient's."""


def remove_left(left: Callable[[], list[str]], remove: Callable[[str], None], place: str) -> None:
    """Remove what is left there, as often as that shows more of it. Raises `LeftBehindError` if some stays."""
    try:
        for _ in range(_MOST_ROUNDS):
            for name in sorted(left(), reverse=True):
                remove(name)
        names = left()
    except (OSError, ExportsError) as error:
        raise LeftBehindError(f"what is left at {place} is not known: {error}") from error
    if names:
        raise LeftBehindError(f"left at {place}: {', '.join(names)}")
