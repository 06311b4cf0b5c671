"""`exports check --live`: what AWS tells about roles and buckets, what it does not tell, and to whom."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data_exports.local.clients import client, environment_of, session_of
from data_exports.local.emulator import LocalAws
from tests.emulator.deploying import Ground, ground_of
from tests.envelopes import read_json
from tests.patience import PATIENCE_SECONDS
from tests.unit.estate.written import PUSH, write_estate

pytestmark = pytest.mark.emulator

EXPORTS = str(Path(sys.executable).parent / "exports")


@dataclass
class Live:
    """An account to ask in, an estate on disk, and a recipient's account."""

    local: LocalAws
    ground: Ground
    folder: Path
    recipient: str
    bucket: str

    def declare(self, **changes: str) -> None:
        """One push dataset of `alpha_user_ana` to the recipient's bucket, changed as named."""
        platform = self.ground.platform
        settings = (
            f'platform:\n  account: "{platform.account}"\n  region: {platform.region}\n'
            f"  hub_bucket: {platform.hub_bucket}\n  pull_bucket_prefix: {platform.pull_bucket_prefix}\n"
            "  user_roles: [alpha_user_*]\n  alerts: [a@b.uk]\n  contact: a@b.uk\n"
        )
        push = PUSH.replace("orders-landing", changes.get("bucket", self.bucket))
        push = push.replace("754256621582", changes.get("account", self.recipient))
        push = push.replace("alpha_user_ana", changes.get("user", "alpha_user_ana"))
        write_estate(self.folder, platform=settings, push=changes.get("push", push))
        (self.folder / "pull_datasets" / "b.yaml").unlink()

    def make_bucket(self, account: str, policy: dict[str, Any] | None = None) -> None:
        """Make the target bucket in an account, with a policy."""
        s3 = client(self.local, "s3", account=account)
        s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": self.local.region})
        if policy:
            s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))

    def check(self, *words: str, **environment: str) -> tuple[int, list[tuple[str, int, str, str, str]], str]:
        """Exit code, findings (code, line, severity, message, hint) and stderr of the installed command."""
        keys = {"AWS_ACCESS_KEY_ID": str(self.ground.platform.account), **environment}
        done = subprocess.run(
            [EXPORTS, "check", "--live", "--json", "--estate", str(self.folder), *words],
            env={**os.environ, **environment_of(self.local), **keys},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        facts = read_json(done.stdout)["findings"] if done.stdout else []
        keys_of = ("code", "line", "severity", "message", "next_step")
        return done.returncode, [tuple(each[key] for key in keys_of) for each in facts], done.stderr


@pytest.fixture
def live(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str], tmp_path: Path) -> Live:
    ground = ground_of(local_aws, unique_account(), unique("live"))
    made = Live(local_aws, ground, tmp_path / "estate", unique_account(), unique("target"))
    made.declare()
    return made


def _may_list(bucket: str, account: str) -> dict[str, Any]:
    allow = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "s3:ListBucket"}
    return {"Version": "2012-10-17", "Statement": [{**allow, "Resource": f"arn:aws:s3:::{bucket}"}]}


def test_what_exists_and_is_right_is_not_worth_a_word(live: Live) -> None:
    live.ground.make_roles(["alpha_user_ana"])
    live.make_bucket(live.recipient, _may_list(live.bucket, live.ground.platform.account))
    assert live.check() == (0, [], "1 push and 0 pull datasets: no findings\n")


def test_a_role_that_does_not_exist_is_found_and_the_nearest_offered(live: Live) -> None:
    live.ground.make_roles(["alpha_user_anna", "alpha_user_ben"])
    live.make_bucket(live.recipient, _may_list(live.bucket, live.ground.platform.account))
    said = ("EX801", 4, "error", "there is no role alpha_user_ana", "did you mean 'alpha_user_anna'?")
    assert live.check()[:2] == (1, [said])
    live.declare(user="alpha_user_zoe")
    code, found, _ = live.check()
    assert (code, found[0][4]) == (1, "correct the name, or deploy again once the role exists")


def test_a_bucket_that_does_not_exist_is_found(live: Live) -> None:
    live.ground.make_roles(["alpha_user_ana"])
    hint = "correct the name, or ask the recipient to make the bucket"
    assert live.check()[:2] == (1, [("EX802", 2, "error", f"there is no bucket {live.bucket}", hint)])


def test_a_bucket_of_another_account_is_found_by_who_may_list_it(live: Live, unique_account: Callable[[], str]) -> None:
    live.ground.make_roles(["alpha_user_ana"])
    live.make_bucket(unique_account(), _may_list(live.bucket, live.ground.platform.account))
    code, found, _ = live.check()
    assert (code, [each[:4] for each in found]) == (
        1,
        [("EX803", 3, "error", f"the bucket {live.bucket} does not belong to {live.recipient}")],
    )


def test_a_bucket_of_the_platforms_own_account_is_nobody_elses(live: Live) -> None:
    live.ground.make_roles(["alpha_user_ana"])
    live.make_bucket(live.ground.platform.account)
    code, found, _ = live.check()
    assert (code, [each[0] for each in found]) == (1, ["EX803"])
    live.declare(account=live.ground.platform.account)
    code, found, _ = live.check()
    assert (code, [each[0] for each in found]) == (0, ["EX407"])


def test_to_whom_the_bucket_is_closed_its_owner_is_not_told_right_or_wrong(
    live: Live, unique_account: Callable[[], str]
) -> None:
    live.ground.make_roles(["alpha_user_ana"])
    live.make_bucket(live.recipient)
    message = f"the bucket {live.bucket} exists; whether it belongs to {live.recipient}, AWS does not tell us"
    hint = "no delivery goes to another owner; once deployed, `exports probe` tells whether it is right"
    assert live.check()[:2] == (0, [("EX804", 3, "warning", message, hint)])
    other = unique_account()
    live.declare(account=other)
    code, found, _ = live.check()
    assert (code, [each[:3] for each in found]) == (0, [("EX804", 3, "warning")])


def test_without_an_account_only_the_bucket_is_looked_for(live: Live) -> None:
    live.ground.make_roles(["alpha_user_ana"])
    push = PUSH.replace("orders-landing", live.bucket).replace('target_account: "754256621582"\n', "")
    live.declare(push=push)
    code, found, _ = live.check()
    assert (code, [each[0] for each in found]) == (1, ["EX406", "EX802"])
    live.make_bucket(live.recipient)
    code, found, _ = live.check()
    assert (code, [each[0] for each in found]) == (0, ["EX406"])


def test_who_may_ask_for_nothing_is_told_what_is_unknown(live: Live) -> None:
    live.ground.make_roles(["alpha_user_ana"])
    live.make_bucket(live.recipient)
    root = f"arn:aws:iam::{live.ground.platform.account}:root"
    arn = root.replace("root", "role/powerless")
    trust = {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}
    live.ground.client("iam").create_role(
        RoleName="powerless", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )
    keys = session_of(live.local, arn)
    code, found, _ = live.check(
        AWS_ACCESS_KEY_ID=keys.access_key_id,
        AWS_SECRET_ACCESS_KEY=keys.secret_access_key,
        AWS_SESSION_TOKEN=keys.session_token,
    )
    assert (code, [each[:3] for each in found]) == (0, [("EX804", 6, "warning"), ("EX804", 3, "warning")])
    assert found[0][3].startswith("whether the users' roles exist is not known: access denied: ")


def test_mistakes_in_other_files_do_not_keep_aws_from_being_asked(live: Live) -> None:
    (live.folder / "push_datasets" / "c.yaml").write_text("name: X\n", encoding="utf-8")
    code, found, _ = live.check()
    assert (code, {each[0] for each in found}) == (1, {"EX203", "EX205", "EX601", "EX801", "EX802"})


def test_in_another_account_nothing_is_asked(live: Live, unique_account: Callable[[], str]) -> None:
    code, found, said = live.check(AWS_ACCESS_KEY_ID=unique_account())
    assert (code, found) == (1, [])
    assert f"the platform is {live.ground.platform.account}" in said


def test_without_a_platform_aws_is_not_asked(live: Live) -> None:
    (live.folder / "exports.yaml").write_text("platform: {region: eu-west-1}\n", encoding="utf-8")
    code, found, said = live.check(AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert (code, {each[0] for each in found}) == (1, {"EX203", "EX304", "EX308"})
    assert said.startswith("AWS was not asked: exports.yaml does not say enough about the platform\n")


def test_an_aws_that_does_not_answer_is_exit_code_3(live: Live) -> None:
    code, found, said = live.check(AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert (code, found) == (3, [])
    assert "unreachable" in said


ELSEWHERE = """\
name: orders
target_azure:
  storage_account: hjresearch
  container: incoming
  tenant: 1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394
  client: 8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5
users: [alpha_user_ana]
paperwork: DPIA-1
"""


def test_an_account_that_lets_no_mover_out_is_an_error_with_its_cure_and_not_knowing_is_a_warning(live: Live) -> None:
    live.ground.make_roles(["alpha_user_ana"])
    live.declare(push=ELSEWHERE)
    code, found, _ = live.check()
    assert (code, found) == (
        1,
        [
            (
                *("EX806", 3, "error"),
                "this account does not allow outbound web identity federation, by which movers get into other clouds",
                "`aws iam enable-outbound-web-identity-federation`, once for the account",
            )
        ],
    )
    denied = live.ground.keys_without("iam:GetOutboundWebIdentityFederationInfo")
    code, found, _ = live.check(**denied)
    assert (code, [each[:3] for each in found]) == (0, [("EX804", 3, "warning")])
    assert "whether this account allows outbound web identity federation is not known" in found[0][3]
    live.ground.client("iam").enable_outbound_web_identity_federation()
    assert live.check()[:2] == (0, [])
