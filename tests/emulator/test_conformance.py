"""The contract of S3: the S3 in memory, on which the proof of tests/model rests, and the local AWS answer as S3 does.

On the local AWS the mover works with a role that has just the rights it is deployed with, in two accounts, with IAM
enforced. `make conformance` holds other S3s to the same scenarios.
"""

from contextlib import AbstractContextManager, nullcontext

import pytest

from tests.conformance.judged import Kind, Server, Verdict, judge, local_aws_server, memory_server
from tests.conformance.lacking import LACKING
from tests.conformance.memory_world import MemoryWorld
from tests.conformance.scenarios import SCENARIOS
from tests.conformance.steps import Capability, Scenario
from tests.conformance.world import World


@pytest.fixture(
    params=[
        "memory, may list",
        "memory, may not list",
        pytest.param("local AWS, may list", marks=pytest.mark.emulator),
        pytest.param("local AWS, may not list", marks=pytest.mark.emulator),
    ]
)
def server(request: pytest.FixtureRequest) -> Server:
    place, _, leave = request.param.partition(", ")
    if place == "memory":
        return memory_server(may_list=leave == "may list")
    return local_aws_server(request.getfixturevalue("local_aws"), may_list=leave == "may list")


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_it_answers_as_s3_does(server: Server, scenario: Scenario) -> None:
    verdict = judge(server, scenario)
    lacked = [need for need in Capability if need in scenario.needs and need in server.lacks]
    expected = Kind.LEFT_OUT if lacked else Kind.HELD
    assert verdict.kind is expected, verdict.words


def test_scenarios_have_names_of_their_own_and_say_where_aws_says_so() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert [s.name for s in SCENARIOS if not s.source.startswith("https://docs.aws.amazon.com/")] == []


def test_what_servers_lack_is_what_scenarios_need() -> None:
    needed = {need for scenario in SCENARIOS for need in scenario.needs}
    assert needed == set(Capability)
    assert {need for lacks in LACKING.values() for need in lacks} <= needed


def in_memory(scenario: Scenario) -> AbstractContextManager[World]:
    return nullcontext(MemoryWorld(scenario, may_list=True))


def test_a_server_that_can_do_after_all_what_it_is_said_to_lack_fails() -> None:
    (scenario,) = (s for s in SCENARIOS if s.needs == {Capability.CONDITIONAL_COPY})
    lacks = {Capability.CONDITIONAL_COPY: "so they say"}
    assert judge(Server("memory", lacks, in_memory), scenario) == Verdict(
        Kind.FAILED, "it can do this after all: take CONDITIONAL_COPY off the list of what it lacks"
    )


def test_a_server_that_answers_otherwise_fails_and_the_step_is_named() -> None:
    (scenario,) = (s for s in SCENARIOS if s.needs == {Capability.NAMES_REGION})
    assert judge(Server("memory", {}, in_memory), scenario) == Verdict(
        Kind.FAILED, "DiffersError: step 1, HubIsNamed(): NotInMemoryError: there are no regions in memory"
    )
