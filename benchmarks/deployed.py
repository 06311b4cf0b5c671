"""An estate deployed on a local AWS, for the time of a measurement.

In: an `Estate` and a folder. Out: the local AWS, and how long the deployment took. Effects: the emulator's process,
gone afterwards, and its files in the folder.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.tables import tell
from benchmarks.usage import BenchmarkError
from data_exports.deploy.apply.waves import deploy
from data_exports.estate.models import Estate
from data_exports.local import emulator
from data_exports.local.clients import aws_of
from data_exports.local.emulator import LocalAws
from data_exports.local.world import make_local_world


@contextmanager
def deployed(estate: Estate, folder: Path) -> Iterator[tuple[LocalAws, float]]:
    """Start a local AWS with the world around the estate, and deploy that; the seconds the deployment alone took.

    Raises `BenchmarkError` where the deployment is not complete.
    """
    platform = estate.platform
    local = emulator.start(
        folder, account=platform.account, region=platform.region, owner_pid=os.getpid(), timeout_seconds=60
    )
    try:
        tell(f"{sum(1 for _ in estate.datasets()):,} datasets: making the world around them, and deploying")
        make_local_world(local, estate)
        begun = time.perf_counter()
        if not deploy(estate, aws_of(local)).is_complete:
            raise BenchmarkError("the deployment was not complete")
        yield local, time.perf_counter() - begun
    finally:
        emulator.stop(local)
