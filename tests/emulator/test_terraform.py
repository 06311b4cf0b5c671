"""The handover applied by a real Terraform in the other side's account: policies are attached, a second plan is empty.

`make terraform` fetches it. It is an old one: its provider knows no lifecycle rules of a bucket as a resource of their
own, so they are left out here, and the version that the file asks for is made smaller.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from data_exports.access.handover import outsider_policy, route_of
from data_exports.local.clients import client, root_of
from data_exports.local.emulator import LocalAws
from data_exports.names import RoleArn
from data_exports.operate.handover.halves import halves_of
from data_exports.views.handover.terraform import terraform_of
from tests.estates import at_s3, estate_of, pull, push
from tests.patience import PATIENCE_SECONDS

INSTALLED = Path(__file__).parents[2] / ".venv" / "terraform" / "cloudrail"
TERRAFORM = INSTALLED / "terraform_0_15" / "terraform"
PROVIDER = INSTALLED / "terraform_plugins" / "terraform-provider-aws_3.39.0_linux_amd64.zip"
NO_CHANGE, CHANGES = 0, 2
"""https://developer.hashicorp.com/terraform/cli/commands/plan#detailed-exitcode"""
SETTINGS = """\
provider "aws" {
  region                      = "%(region)s"
  access_key                  = "%(account)s"
  secret_key                  = "%(secret)s"
  s3_force_path_style         = true
  skip_metadata_api_check     = true
  skip_get_ec2_platforms      = true
  endpoints {
    iam = "%(url)s"
    s3  = "%(url)s"
    sts = "%(url)s"
  }
}
"""

pytestmark = [
    pytest.mark.emulator,
    pytest.mark.skipif(not TERRAFORM.is_file(), reason="no Terraform here: `make terraform` fetches it"),
]


class Owner:
    """The owner of the other side's account, with Terraform and their own credentials."""

    def __init__(self, local: LocalAws, account: str, folder: Path) -> None:
        self.local, self.account, self.folder = local, account, folder
        mirror = folder / "mirror" / "registry.terraform.io" / "hashicorp" / "aws"
        mirror.mkdir(parents=True)
        (mirror / PROVIDER.name).symlink_to(PROVIDER)
        keys = root_of(local, account)
        values = {
            "region": local.region,
            "account": account,
            "secret": keys.secret_access_key,
            "url": local.endpoint_url,
        }
        (folder / "provider.tf").write_text(SETTINGS % values)

    def run(self, *words: str) -> int:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
        done = subprocess.run(
            [str(TERRAFORM), *words, "-no-color"],
            cwd=self.folder,
            env={**environment, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode in (NO_CHANGE, CHANGES), done.stdout + done.stderr
        return done.returncode

    def apply(self, handover: str, **answers: str) -> list[int]:
        """Put the handover in place; what the plans before and after it say."""
        (self.folder / "handover.tf").write_text(handover)
        words = ["-input=false", *(f"-var={name}={answer}" for name, answer in answers.items())]
        self.run("init", "-input=false", f"-plugin-dir={self.folder / 'mirror'}")
        before = self.run("plan", "-detailed-exitcode", *words)
        self.run("apply", "-auto-approve", *words)
        return [before, self.run("plan", "-detailed-exitcode", *words)]


def test_the_owner_of_a_bucket_attaches_its_policy(
    local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str], tmp_path: Path
) -> None:
    account, bucket = unique_account(), unique("landing")
    s3 = client(local_aws, "s3", account=account)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": local_aws.region})
    dataset = push("orders", destination=at_s3(bucket, account))
    estate = estate_of(dataset, push("returns", destination=at_s3(bucket, account)))
    (half,) = halves_of(estate, dataset)
    names = [f"export_orders_bucket_has_no_other_{what}" for what in ("policy", "lifecycle_rules")]

    handover = _for_an_old_provider(terraform_of(half))
    owner = Owner(local_aws, account, tmp_path)
    assert owner.apply(handover, **dict.fromkeys(names, "true")) == [CHANGES, NO_CHANGE]
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == route_of(estate, dataset).policy


def test_the_owner_of_a_role_gives_it_its_policy(
    local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str], tmp_path: Path
) -> None:
    account, name = unique_account(), unique("reader")
    iam = client(local_aws, "iam", account=account)
    nobody = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=nobody)
    reader = RoleArn(f"arn:aws:iam::{account}:role/{name}")
    dataset = pull("court_lists", outsiders=(reader,))
    estate = estate_of(dataset)
    (half,) = halves_of(estate, dataset)

    owner = Owner(local_aws, account, tmp_path)
    assert owner.apply(_for_an_old_provider(terraform_of(half))) == [CHANGES, NO_CHANGE]
    found = iam.get_role_policy(RoleName=name, PolicyName="pull-court_lists")["PolicyDocument"]
    assert found == outsider_policy(estate, dataset, reader)


def _for_an_old_provider(handover: str) -> str:
    assert handover.count('version = ">= 4.0"') == 1
    rules = re.compile(r'^resource "aws_s3_bucket_lifecycle_configuration" .*?^}\n', re.DOTALL | re.MULTILINE)
    return rules.sub("", handover).replace('version = ">= 4.0"', 'version = ">= 3.0"')
