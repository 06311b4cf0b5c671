"""The local AWS for tests: one process for each pytest worker, IAM enforced, ended with the session or with pytest."""

import os
import uuid
from collections.abc import Callable, Iterator

import pytest

from data_exports.local import emulator
from data_exports.local.emulator import LocalAws
from tests.emulator.deployed import DeployedEstate, example_deployed
from tests.emulator.steps import ACCOUNT, REGION, Steps


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running local AWS, shared by all tests of this worker: make names of your own with `unique`."""
    local = emulator.start(tmp_path_factory.mktemp("local-aws"), account=ACCOUNT, region=REGION, owner_pid=os.getpid())
    yield local
    emulator.stop(local)


@pytest.fixture(scope="session")
def deployed_example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedEstate]:
    """The example estate on a local AWS of its own, every handover in place; for the xdist group `example`."""
    with example_deployed(tmp_path_factory.mktemp("example-aws")) as deployed:
        yield deployed


@pytest.fixture(scope="session")
def operated_example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedEstate]:
    """Another one, for the xdist group `operate`, whose tests count everything that was ever delivered or given up."""
    with example_deployed(tmp_path_factory.mktemp("operated-aws")) as deployed:
        yield deployed


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes a name nobody else uses: ``unique("hub")`` is ``hub-1f0a9c3e``. Good for buckets, roles and datasets."""

    def name(start: str = "x") -> str:
        return f"{start}-{uuid.uuid4().hex[:8]}"

    return name


@pytest.fixture
def unique_account() -> Callable[[], str]:
    """Makes a 12-digit account id nobody else uses; in the local AWS every account exists."""
    return lambda: f"{uuid.uuid4().int % 10**11 + 10**11:012d}"


@pytest.fixture
def steps(local_aws: LocalAws) -> Steps:
    """Makes roles, buckets, queues and clients in the local AWS."""
    return Steps(local_aws)
