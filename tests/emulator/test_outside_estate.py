"""An estate whose recipients are in Azure and at Google: declared, deployed, delivered, on a local AWS of its own."""

import os
from pathlib import Path

import pytest

from data_exports.deploy.apply.waves import deploy
from data_exports.local import emulator
from data_exports.local.clients import aws_of
from data_exports.local.clouds.running import start_clouds
from data_exports.local.world import make_local_world
from tests.emulator.deployed import DeployedEstate
from tests.emulator.movers import upload
from tests.emulator.steps import wait_until
from tests.estates import at_azure, at_google, estate_of, push

pytestmark = pytest.mark.emulator


def test_files_of_senders_arrive_in_azure_and_at_google(tmp_path: Path) -> None:
    azure, google = push("to-azure", destination=at_azure()), push("to-google", destination=at_google())
    estate = estate_of(azure, google)
    platform = estate.platform
    local = emulator.start(tmp_path, account=platform.account, region=platform.region, owner_pid=os.getpid())
    try:
        make_local_world(local, estate)
        make_local_world(local, estate)  # again, as `exports local up` may be
        assert deploy(estate, aws_of(local)).is_complete
        deployed, clouds = DeployedEstate(local, estate), start_clouds(local)
        upload(deployed, azure, "a b.csv", b"to Azure")
        upload(deployed, google, "a b.csv", b"to Google")

        def arrived() -> list[bytes]:
            there = (
                clouds.stored("blobs", "hjresearch/incoming", f"{azure.prefix}a b.csv"),
                clouds.stored("objects", "hj-incoming", f"{google.prefix}a b.csv"),
            )
            return [body for stored in there if stored for body in stored[1:]]

        wait_until(lambda: len(arrived()) == 2, arrived)
        assert arrived() == [b"to Azure", b"to Google"]
        receipts = [receipt for each in (azure, google) for receipt in deployed.stage.receipts(each)]
        assert {(each.outcome, each.destination) for each in receipts} >= {
            ("delivered", azure.destination.uri),
            ("delivered", google.destination.uri),
        }
    finally:
        emulator.stop(local)
