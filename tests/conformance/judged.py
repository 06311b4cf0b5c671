"""Holds a server to a scenario: does it answer as S3 does, as far as it is said to be able to?

In: a Server and a Scenario. Out: a Verdict. Effects: those of the scenario, in a world of its own.

What a server lacks is on a list (`lacking`). A scenario that needs it is played all the same: if the server answers
like S3 after all, the list is wrong, and that is a failure.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from enum import StrEnum

from data_exports.local.emulator import LocalAws
from tests.conformance.lacking import LACKING
from tests.conformance.local_aws import local_aws_world
from tests.conformance.memory_world import MemoryWorld
from tests.conformance.steps import Capability, Scenario
from tests.conformance.world import World, play


@dataclass(frozen=True)
class Server:
    """An S3: its name, what it lacks and why, and how a world for one scenario is made in it."""

    name: str
    lacks: Mapping[Capability, str]
    world: Callable[[Scenario], AbstractContextManager[World]]


class Kind(StrEnum):
    """What came of a scenario."""

    HELD = "held"
    LEFT_OUT = "left out"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a scenario, and why it is not held."""

    kind: Kind
    words: str = ""


def judge(server: Server, scenario: Scenario) -> Verdict:
    """Play a scenario in a world of the server."""
    lacked = [need for need in Capability if need in scenario.needs and need in server.lacks]
    difference = _difference(server, scenario)
    if lacked and not difference:
        names = ", ".join(need.name for need in lacked)
        return Verdict(Kind.FAILED, f"it can do this after all: take {names} off the list of what it lacks")
    if lacked:
        return Verdict(Kind.LEFT_OUT, "; ".join(f"{need}: {server.lacks[need]}" for need in lacked))
    return Verdict(Kind.FAILED, difference) if difference else Verdict(Kind.HELD)


def _difference(server: Server, scenario: Scenario) -> str:
    unnamed = Capability.COPY_NAMES_VERSION in server.lacks and Capability.COPY_NAMES_VERSION not in scenario.needs
    try:
        with server.world(scenario) as world:
            play(scenario, world, names_copied=not unnamed)
    except Exception as error:  # noqa: BLE001 whatever a server does, the others are still to be judged
        return f"{type(error).__name__}: {error}"
    return ""


def memory_server(*, may_list: bool) -> Server:
    """The S3 of tests/model."""
    name = "memory" if may_list else "memory, may not list"
    return Server(name, LACKING["memory"], lambda scenario: nullcontext(MemoryWorld(scenario, may_list=may_list)))


def local_aws_server(local: LocalAws, *, may_list: bool) -> Server:
    """The local AWS."""
    name = "local AWS" if may_list else "local AWS, may not list"
    return Server(name, LACKING["local AWS"], lambda scenario: local_aws_world(local, scenario, may_list=may_list))
