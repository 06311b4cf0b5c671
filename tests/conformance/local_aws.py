"""The local AWS as the ground of scenarios: two accounts, IAM enforced, a mover with just the rights of a deployed one.

In: a running local AWS. Out: worlds. Effects: a role and the buckets of each scenario, in the local AWS.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from data_exports.contract.settings import DatasetSettings
from data_exports.local import clients
from data_exports.local.emulator import LocalAws
from data_exports.mover.wire.signing import Credentials
from tests.conformance.http_world import Ground, HttpWorld, http_world, set_policy
from tests.conformance.scenarios.common import NOBODYS_BUCKET
from tests.conformance.steps import Scenario
from tests.emulator.steps import ACCOUNT, REGION, Statement, Steps, allow, policy_of

RECIPIENT = "754256621582"
ELSEWHERE = "eu-west-2"
_PUT = ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl"]


@contextmanager
def local_aws_world(local: LocalAws, scenario: Scenario, *, may_list: bool) -> Iterator[HttpWorld]:
    """A world on the local AWS."""
    steps = Steps(local)
    role = steps.role()
    ground = ground_of(local, role, may_list=may_list)
    name = ground.function_name
    with http_world(ground, scenario) as world:
        rights = rights_of(world, may_list=may_list)
        steps.client("iam").put_role_policy(RoleName=name, PolicyName="mover", PolicyDocument=policy_of(*rights))
        target = world.settings.bucket.target_bucket
        of_uploads = [*_PUT, "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
        statements = [allow(of_uploads, below(target), Principal={"AWS": role})]
        statements += [allow("s3:ListBucketMultipartUploads", f"arn:aws:s3:::{target}", Principal={"AWS": role})]
        recipient = ground.recipient_elsewhere if scenario.target_elsewhere else ground.recipient
        set_policy(recipient, target, *statements)
        yield world


def ground_of(local: LocalAws, role: str, *, may_list: bool) -> Ground:
    """Where the mover is this role, in a function of its name."""
    steps, name = Steps(local), role.rpartition("/")[2]
    session = clients.session_of(local, role, session_name=name)
    return Ground(
        endpoint_url=local.endpoint_url,
        region=REGION,
        other_region=ELSEWHERE,
        owner=steps.client("s3"),
        recipient=steps.client("s3", RECIPIENT),
        recipient_elsewhere=clients.client(local, "s3", account=RECIPIENT, region=ELSEWHERE),
        hub_account=ACCOUNT,
        target_account=RECIPIENT,
        credentials=Credentials(session.access_key_id, session.secret_access_key, session.session_token),
        function_name=name,
        may_list=may_list,
    )


def rights_of(world: HttpWorld, *, may_list: bool) -> list[Statement]:
    """What a mover is deployed with; `may_list`: and leave to list the hub."""
    target = world.settings.bucket.target_bucket
    return [
        *own_rights_of(world.settings, may_list=may_list),
        allow([*_PUT, "s3:AbortMultipartUpload"], below(target)),
        allow(_PUT, f"arn:aws:s3:::{NOBODYS_BUCKET}/orders/*"),
        allow("s3:ListBucketMultipartUploads", f"arn:aws:s3:::{target}"),
    ]


def own_rights_of(settings: DatasetSettings, *, may_list: bool) -> list[Statement]:
    """What a mover is deployed with, whatever the kind of its destination."""
    hub, log = f"arn:aws:s3:::{settings.hub_bucket}", f"arn:aws:s3:::{settings.log_bucket}"
    read = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging"]
    prefix = {"StringLike": {"s3:prefix": ["orders/*", "orders/two\nlines*"]}}
    checkpoints = f"{log}/checkpoints/dataset=orders/*"
    own = {"StringLike": {"s3:prefix": "checkpoints/dataset=orders/*"}}
    return [
        allow([*read, "s3:DeleteObject"], below(settings.hub_bucket)),
        allow("s3:ListBucketVersions", hub, Condition=prefix),
        allow("s3:GetBucketVersioning", hub),
        allow("s3:PutObject", f"{log}/deliveries/dataset=orders/*"),
        allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], checkpoints),
        allow("s3:ListBucket", log, Condition=own),
        *([allow("s3:ListBucket", hub)] if may_list else []),
    ]


def below(bucket: str) -> list[str]:
    """All keys of the dataset. On AWS * matches a line end, too; the emulator's does not, so that key is spelt out."""
    return [f"arn:aws:s3:::{bucket}/orders/*", f"arn:aws:s3:::{bucket}/orders/two\nlines*"]
