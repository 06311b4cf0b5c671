"""Each kind of thing changed by hand in AWS, and seen by name; nothing else is named."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from data_exports.deploy.drift.finding import DriftReport, read_drift
from data_exports.deploy.sftp_server import read_sftp_server_id
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate
from data_exports.local.clients import environment_of
from data_exports.local.emulator import LocalAws
from data_exports.names import RoleName
from tests.emulator.breaking import break_everything, deployed_ground
from tests.emulator.deploying import Ground, ground_of, write_estate
from tests.envelopes import check_printed
from tests.patience import PATIENCE_SECONDS

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("drift")]

EXPORTS = str(Path(sys.executable).parent / "exports")
GOLDEN = Path(__file__).parents[1] / "golden" / "drift.txt"
ACTION_OF = {
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
}
"""IAM's name for an action, where S3's own is another.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""


SUBSCRIPTION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The end of a subscription's ARN, which nobody chooses."""


@dataclass(frozen=True)
class Drifted:
    """A deployed estate, what drift said of it before, and after everything was changed by hand."""

    ground: Ground
    estate: Estate
    before: DriftReport
    after: DriftReport
    asked: frozenset[str]
    """What was asked of AWS for the first report: ``s3:GetBucketPolicy``."""

    def named(self, text: str) -> str:
        """The text with this estate's own names in it."""
        platform = self.ground.platform
        return text.format(
            account=platform.account,
            hub=platform.hub_bucket,
            log=platform.log_bucket,
            pull=platform.pull_bucket_prefix,
            endpoint=self.ground.local.endpoint_url,
            subscription="{subscription}",
            server=read_sftp_server_id(self.ground.aws),
        )


@pytest.fixture(scope="module")
def drifted(local_aws: LocalAws) -> Drifted:
    ground, estate = deployed_ground(local_aws)
    calls = ground.recorded()
    before = _read(ground, estate)
    asked = frozenset(calls)
    break_everything(ground)
    return Drifted(ground, estate, before, _read(ground, estate), asked)


def _read(ground: Ground, estate: Estate) -> DriftReport:
    return read_drift(estate, ground.aws, counted=lambda *_: None)


def test_what_was_just_deployed_has_not_drifted(drifted: Drifted) -> None:
    assert (drifted.before.drifts, drifted.before.not_checked, drifted.before.stacks) == ((), (), 16)


def test_the_rights_that_the_guide_asks_for_are_those_that_it_takes(drifted: Drifted) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "review-and-deploy.md").read_text(encoding="utf-8")
    (block,) = (text for text in guide.split("```") if "cloudformation:DetectStackDrift" in text)
    # All stacks are described in one call, which takes a second right:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    taken = {ACTION_OF.get(call, call) for call in drifted.asked} | {"cloudformation:ListStacks"}
    assert taken == set(block.split()[1:])


def test_each_thing_changed_by_hand_is_named_and_nothing_else(drifted: Drifted) -> None:
    expected = [line for line in GOLDEN.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found = [SUBSCRIPTION.sub("{subscription}", f"{drift.where}: {drift.what}") for drift in drifted.after.drifts]
    assert found == [drifted.named(line) for line in expected]
    assert drifted.after.not_checked == ()


def test_what_may_not_be_looked_at_is_said_and_the_rest_is_looked_at(drifted: Drifted) -> None:
    reports: dict[str, DriftReport] = {}
    for action, where, what in (
        ("s3:GetBucketPolicy", "exports-hub", "its buckets: access denied: "),
        ("iam:GetRolePolicy", "exports-push-orders", "its roles: access denied: "),
        ("lambda:ListEventSourceMappings", "exports-push-orders", "its queues, functions and alarms: access denied: "),
        ("cloudformation:DetectStackDrift", "exports-hub", "the rest of it: access denied: "),
        ("cloudformation:GetTemplate", "exports-hub", "its template: access denied: "),
        ("events:DescribeRule", "exports-foundation", "its queues, functions and alarms: access denied: "),
        ("lambda:GetFunction", "exports-foundation", "the code in its template: access denied: "),
        ("transfer:DescribeUser", "exports-pull-owned", "its SFTP server and users: access denied: "),
        ("transfer:DescribeServer", "exports-sftp", "its SFTP server and users: access denied: "),
        ("transfer:ListUsers", "exports-sftp", "its users: access denied: "),
        ("s3:GetObject", "exports-foundation", "what the keeper is told: access denied: "),
        ("s3:GetObject", "exports-foundation", "the recorded ids of roles: access denied: "),
        ("s3:GetObject", "exports-push-lost", "its card: access denied: "),
    ):
        if action not in reports:
            reports[action] = read_drift(drifted.estate, drifted.ground.without(action), counted=lambda *_: None)
        report = reports[action]
        assert any(each.where == where and each.what.startswith(what) for each in report.not_checked), action
        assert any(each.where == "exports-push-sent" for each in report.drifts)


def test_the_command_says_it_in_sentences_and_ends_with_1(drifted: Drifted, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "estate", drifted.ground, names=["orders"], users=[RoleName("alpha_user_ana")])
    done = _run(drifted.ground, folder)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[lines.index("exports-pull-old") + 1] == drifted.named("  the bucket {pull}old is gone")
    count = sum(line.startswith("  ") for line in lines)
    assert lines[-1].startswith(f"{count} differences, 15 stacks (")
    facts = json.loads(_run(drifted.ground, folder, "--json").stdout)
    assert {"stack": "exports-pull-old", "what": drifted.named("the bucket {pull}old is gone")} in facts["drift"]
    assert (facts["not_checked"], facts["stack_count"]) == ([], 15)


def test_the_command_ends_with_0_when_nothing_differs_and_with_4_when_it_may_not_look(
    local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str], tmp_path: Path
) -> None:
    ground = ground_of(local_aws, unique_account(), unique("f"))
    folder = write_estate(tmp_path / "estate", ground, names=["orders"], users=[user := RoleName("alpha_user_ana")])
    ground.make_roles([user])
    missing = _run(ground, folder)
    assert (missing.returncode, missing.stdout.splitlines()[-1][:23]) == (1, "4 differences, 0 stacks")
    ground.deploy(load_estate(folder).require())
    done = _run(ground, folder)
    assert (done.returncode, done.stdout[:22]) == (0, "As deployed: 4 stacks ")
    in_part = _run(ground, folder, **ground.keys_without("s3:GetBucketPolicy"))
    assert in_part.returncode == 4, in_part.stderr
    assert in_part.stdout.startswith("As far as could be looked at, as deployed: 4 stacks ")
    assert "not looked at: exports-hub: its buckets: access denied: " in in_part.stderr
    assert "error: not everything could be looked at" in in_part.stderr


def _run(ground: Ground, folder: Path, *words: str, **keys: str) -> subprocess.CompletedProcess[str]:
    keys = keys or {"AWS_ACCESS_KEY_ID": str(ground.platform.account)}
    done = subprocess.run(
        [EXPORTS, "drift", *words, "--estate", str(folder)],
        env={**os.environ, **environment_of(ground.local), **keys},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    check_printed(("drift", *words), done.stdout, done.stderr, done.returncode)
    return done
