"""The example estate, deployed on a local AWS of its own: what tests of the whole system share."""

from dataclasses import dataclass

from data_exports.estate.models import Estate
from data_exports.local.demo.stage import Stage
from data_exports.local.emulator import LocalAws


@dataclass(frozen=True)
class DeployedEstate:
    """A local AWS with a world and a deployed estate."""

    local: LocalAws
    estate: Estate

    @property
    def stage(self) -> Stage:
        """Clients for each of the estate's people."""
        return Stage(self.local, self.estate)
