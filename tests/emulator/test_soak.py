"""The short form of the soak; `make soak` runs the long one."""

from pathlib import Path
from random import Random

import pytest

from benchmarks.wire import Request
from tests.patience import PATIENCE_SECONDS
from tests.soak.faults import OF_BEARER_STORES, OF_S3, Fault, Faults
from tests.soak.schedule import schedule_of
from tests.soak.soak import soak


@pytest.mark.emulator
def test_under_every_fault_at_once_the_newest_content_arrives_and_nothing_is_left(tmp_path: Path) -> None:
    soaked = soak(tmp_path, seed=7, uploads=100, share_of_faults=0.05, drain_timeout_seconds=PATIENCE_SECONDS)
    assert soaked.violations == ()
    assert soaked.uploads == 100
    assert soaked.large > 0
    assert min(soaked.killed, soaked.repeated, soaked.held_up, soaked.faults.total(), soaked.retires_outside) > 0


def test_a_seed_decides_what_happens() -> None:
    assert schedule_of(1, 500) == schedule_of(1, 500)
    assert schedule_of(1, 500) != schedule_of(2, 500)


@pytest.mark.parametrize("mix", [OF_S3, OF_BEARER_STORES])
def test_which_request_meets_which_fault_does_not_depend_on_their_order(mix: tuple[Fault, ...]) -> None:
    copy = {"x-amz-copy-source": "/hub/key"}
    requests = [Request("PUT", f"/orders-landing/orders/{number % 50}", copy, b"") for number in range(1_000)]
    shuffled = Random(1).sample(requests, len(requests))
    met: list[dict[tuple[str, int], tuple[Fault | None, bool]]] = []
    for order in (requests, shuffled):
        faults, seen = Faults(3, 0.2, mix), dict.fromkeys((request.target for request in requests), 0)
        found = {}
        for request in order:
            seen[request.target] += 1
            found[request.target, seen[request.target]] = faults.fault_of(request)
        met.append(found)
    assert met[0] == met[1]
    assert {fault for fault, _ in met[0].values()} >= set(mix)
