"""The walk-through of docs/operate.md is what the commands print.

``UPDATE_DOCS=1`` writes what they print into the guide instead of comparing.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from data_exports.access.handover import route_of
from data_exports.deploy.apply.waves import deploy
from data_exports.destinations.s3.bucket import RECEIVE
from data_exports.estate.loader import load_estate
from data_exports.local import emulator
from data_exports.local.clients import aws_of
from data_exports.local.demo.commands import Ran, run_command
from data_exports.local.demo.operating import NOT_YET_GRANTED, give_up_at_once
from data_exports.local.demo.stage import Stage
from data_exports.local.folders import example_estate_folder
from data_exports.local.world import bucket_of, make_local_world
from data_exports.names import DatasetName
from tests.emulator.steps import policy_of, wait_until

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("walkthrough")]

GUIDE = Path(__file__).parents[2] / "docs" / "operate.md"
BLOCK = re.compile(r"^```console\n\$ exports (?P<words>[^\n]+)\n(?P<printed>.*?)^```", flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The example estate, deployed, its last recipient still to be convinced."""
    estate = load_estate(example_estate_folder()).require()
    platform, folder = estate.platform, tmp_path_factory.mktemp("walkthrough-aws")
    local = emulator.start(folder, account=platform.account, region=platform.region, owner_pid=os.getpid())
    try:
        make_local_world(local, estate, without_handover=[DatasetName(NOT_YET_GRANTED)])
        assert deploy(estate, aws_of(local)).is_complete
        yield Stage(local, estate)
    finally:
        emulator.stop(local)


def alike(text: str) -> str:
    """The text without what differs from run to run."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "2031-03-31 09:30:00", text)
    text = re.sub(r"( push +as declared +1 +)\d( +)\d( +1 )", r"\g<1>0\g<2>0\g<3>", text)  # SQS counts approximately
    text = re.sub(r"request [0-9A-Za-z-]{8,}", "request …", text)
    return re.sub(r"\b\d+ (s|min) ago", "5 s ago", re.sub(r"(?<=  )\d+ (s|min)(?=  )", "5 s", text))


def compared(text: str) -> list[str]:
    """The lines, whatever the width of columns."""
    return [re.sub(r"  +", "  ", line).rstrip() for line in alike(text).splitlines()]


def printed(done: Ran) -> str:
    errors = [line for line in done.err.splitlines() if line.startswith(("error:", "  next:"))]
    lines = [*done.out.splitlines(), *errors]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def walked(stage: Stage, folder: Path, commands: list[str]) -> Iterator[str]:
    """What each command prints, in their order; the recipient grants access before the second probe."""
    push = stage.push(NOT_YET_GRANTED)
    give_up_at_once(stage, push)
    sender = stage.estate.platform.user_role_arn(push.users[0])
    (folder / "referrals.csv").write_text("referral,clinic\n1,North\n")
    for number, words in enumerate(commands):
        if words.startswith("probe") and any(each.startswith("probe") for each in commands[:number]):
            policy = policy_of(*route_of(stage.estate, push).statements[RECEIVE])
            stage.as_recipient(push).put_bucket_policy(Bucket=bucket_of(push), Policy=policy)
        if words.startswith("send"):
            done = run_command(stage, sender, *words.replace("referrals.csv", str(folder / "referrals.csv"), 1).split())
            wait_until(lambda: "1 dead letter" in run_command(stage, None, "status", push.name).out)
        else:
            done = run_command(stage, None, *words.split())
        if words.startswith("redrive"):
            wait_until(lambda: any(r.outcome == "delivered" for r in stage.receipts(push)))
        yield printed(done)


def test_the_walk_through_is_what_the_commands_print(stage: Stage, tmp_path: Path) -> None:
    text = GUIDE.read_text()
    start = text.index("## A walk-through")
    end = text.index("\n## ", start)
    blocks = list(BLOCK.finditer(text, start, end))
    found = list(walked(stage, tmp_path, [block["words"] for block in blocks]))
    if os.environ.get("UPDATE_DOCS"):
        for block, output in reversed(list(zip(blocks, found, strict=True))):
            text = text[: block.start("printed")] + alike(output) + text[block.end("printed") :]
        GUIDE.write_text(text)
    assert len(blocks) == 8
    for block, output in zip(BLOCK.finditer(GUIDE.read_text(), start), found, strict=False):
        assert compared(block["printed"]) == compared(output), block["words"]
