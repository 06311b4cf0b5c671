"""The example estate, deployed on a local AWS of its own: what tests of the whole system share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from data_exports.deploy.apply.waves import deploy
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate, PullDataset, PushDataset
from data_exports.local import emulator
from data_exports.local.clients import aws_of
from data_exports.local.demo.stage import Stage
from data_exports.local.emulator import LocalAws
from data_exports.local.folders import example_estate_folder
from data_exports.local.world import make_local_world
from tests.estates import estate_of


@dataclass(frozen=True)
class DeployedEstate:
    """A local AWS with a world and a deployed estate."""

    local: LocalAws
    estate: Estate

    @property
    def stage(self) -> Stage:
        """Clients for each of the estate's people."""
        return Stage(self.local, self.estate)


@contextmanager
def example_deployed(folder: Path, *more: PushDataset | PullDataset) -> Iterator[DeployedEstate]:
    """The example estate, and more datasets, on a local AWS of its own, every handover in place, for the block."""
    estate = load_estate(example_estate_folder()).require()
    own = estate.platform
    estate = estate_of(*estate.push_datasets, *estate.pull_datasets, *more, platform=own)
    platform = replace(own, sftp=any(each.sftp_readers for each in estate.pull_datasets))
    estate = replace(estate, platform=platform)
    local = emulator.start(folder, account=platform.account, region=platform.region, owner_pid=os.getpid())
    try:
        make_local_world(local, estate)
        assert deploy(estate, aws_of(local)).is_complete
        yield DeployedEstate(local, estate)
    finally:
        emulator.stop(local)
