"""Kinds of destinations outside AWS, each at our stand-in and at a server that others built: held to one suite.

In: a running local AWS. Out: verdicts on each check of `destinations.SUITE`. Effects: the servers' processes, gone when
the block ends.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.azurite import azurite_is_installed
from data_exports.local.emulator import LocalAws
from tests.conformance.azurite import azurite
from tests.conformance.destinations import SUITE
from tests.conformance.fake_gcs import fake_gcs
from tests.conformance.judged import Kind, Verdict
from tests.conformance.lacking import LACKING_ELSEWHERE
from tests.conformance.outside_world import LeftBehindError, Recipient, outside_world
from tests.conformance.stand_ins import ActingGoogleStandIn, AzureStandIn
from tests.conformance.steps import Scenario
from tests.conformance.world import World

EMPTY = Scenario("a destination", "https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html", ())
NO_AZURITE = "left out: Azurite (it needs Node and npm, and is installed by: make conformance)"
Check = Callable[[World], None]


@dataclass(frozen=True)
class OutsideServer:
    """Where a kind's recipients are; `lacks`: which checks it does not hold, and why."""

    name: str
    recipient: Recipient
    lacks: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def outside_servers(
    names: Sequence[str], stores: Mapping[str, Recipient], folder: Path
) -> Iterator[list[OutsideServer]]:
    """Those of these names, or all of them that are installed; and the stores that the environment names."""
    with ExitStack() as stack:
        found = [
            OutsideServer(name, recipient())
            for name, recipient in (("azure", AzureStandIn), ("google", ActingGoogleStandIn))
            if not names or name in names
        ]
        if "azurite" in names or (not names and azurite_is_installed()):
            found.append(OutsideServer("azurite", stack.enter_context(azurite(folder / "azurite"))))
        elif not names:
            print(NO_AZURITE)
        if not names or "fake-gcs" in names:
            found.append(OutsideServer("fake-gcs", stack.enter_context(fake_gcs(folder / "fake-gcs"))))
        found += [OutsideServer(name, store) for name, store in stores.items()]
        yield [replace(each, lacks=LACKING_ELSEWHERE.get(each.name, {})) for each in found]


def name_of_check(check: Check) -> str:
    """The check in words."""
    return check.__name__.replace("_", " ")


def judge_outside(server: OutsideServer, local: LocalAws) -> list[Verdict]:
    """Hold it to each check, in a world of its own."""
    return [_verdict(server, check, local) for check in SUITE]


def _verdict(server: OutsideServer, check: Check, local: LocalAws) -> Verdict:
    lack = server.lacks.get(check.__name__)
    try:
        with outside_world(local, EMPTY, server.recipient) as world:
            check(world)
    except LeftBehindError as error:
        return Verdict(Kind.FAILED, str(error))
    except Exception as error:  # noqa: BLE001 whatever a server does, the others are still to be judged
        told = f"{type(error).__name__}: {error}"
        return Verdict(Kind.LEFT_OUT, lack) if lack else Verdict(Kind.FAILED, told)
    return Verdict(Kind.FAILED, "it can do this after all: take it off the list") if lack else Verdict(Kind.HELD)
