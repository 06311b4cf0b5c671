"""AWS denies each call of deploying and destroying in turn: what is not done is said, and a later run completes it.

Of `sqs:SendMessage`, which the local AWS does not ask for a batch, see `test_what_could_not_be_handed_over_is_said`.
"""

from collections.abc import Callable

import pytest

from data_exports.aws import Aws
from data_exports.deploy.apply.outcomes import error_of_deploying
from data_exports.deploy.apply.waves import deploy
from data_exports.deploy.plan.consents import Consent
from data_exports.deploy.removal.destroy import destroy, error_of_destroying, read_destruction
from data_exports.errors import AwsError, ExportsError, PartlyDoneError
from data_exports.estate.models import Estate
from data_exports.local.emulator import LocalAws
from tests.emulator.deploying import Ground, ground_of
from tests.estates import pull, push

pytestmark = pytest.mark.emulator

DONE = type(None)


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("n"))


def _error_of_deploying(estate: Estate, aws: Aws) -> ExportsError | None:
    try:
        return error_of_deploying(deploy(estate, aws, allow=set(Consent)))
    except ExportsError as error:
        return error


def _error_of_destroying(estate: Estate, aws: Aws) -> ExportsError | None:
    try:
        return error_of_destroying(destroy(estate, aws, read_destruction(estate, aws)))
    except ExportsError as error:
        return error


def _check_said(error: ExportsError | None, action: str, kind: type[object]) -> None:
    assert type(error) is kind, error
    if error:
        said = str(error)
        assert "access denied: " in said
        assert action in said or "Access Denied" in said  # of each key that it keeps S3 says no more than this
        assert error.next_step


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("cloudformation:DescribeStacks", AwsError),
        ("cloudformation:CreateChangeSet", AwsError),
        ("cloudformation:DescribeChangeSet", AwsError),
        ("cloudformation:ExecuteChangeSet", AwsError),
        ("iam:GetRole", DONE),
        ("s3:GetObject", DONE),
        ("s3:ListBucket", DONE),
        ("s3:PutObject", PartlyDoneError),
    ],
)
def test_a_first_deployment_says_what_it_may_not_do(ground: Ground, action: str, kind: type[object]) -> None:
    ground.make_users_of(estate := ground.estate(push("orders"), pull("lists")))
    _check_said(_error_of_deploying(estate, ground.without(action)), action, kind)
    assert ground.deploy(estate).is_complete
    assert set(ground.statuses().values()) <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert ground.rules() == ["orders/"]


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("cloudformation:DeleteStack", PartlyDoneError),
        ("s3:GetBucketNotification", DONE),
        ("s3:ListBucketVersions", PartlyDoneError),
        ("sqs:GetQueueUrl", PartlyDoneError),
    ],
)
def test_a_later_deployment_says_what_it_may_not_do(ground: Ground, action: str, kind: type[object]) -> None:
    ground.make_users_of(before := ground.estate(push("orders")))
    ground.deploy(before)
    ground.client("s3").put_object(Bucket=str(ground.platform.hub_bucket), Key="moves/a", Body=b"1")
    after = ground.estate(push("moves"))
    _check_said(_error_of_deploying(after, ground.without(action)), action, kind)
    assert ground.deploy(after, allow=set(Consent)).is_complete
    assert ground.rules() == ["moves/"]
    assert "exports-push-orders" not in ground.statuses()


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("cloudformation:DescribeStacks", AwsError),
        ("cloudformation:DeleteStack", PartlyDoneError),
        ("s3:DeleteBucket", PartlyDoneError),
        ("s3:DeleteObjectVersion", PartlyDoneError),
        ("s3:GetBucketTagging", AwsError),
        ("s3:ListAllMyBuckets", AwsError),
        ("s3:ListBucket", AwsError),
        ("s3:ListBucketVersions", AwsError),
        ("s3:PutBucketNotification", PartlyDoneError),
    ],
)
def test_destroying_says_what_it_may_not_do(ground: Ground, action: str, kind: type[object]) -> None:
    ground.make_users_of(estate := ground.estate(push("orders"), pull("lists")))
    ground.deploy(estate)
    _check_said(_error_of_destroying(estate, ground.without(action)), action, kind)
    assert _error_of_destroying(estate, ground.aws) is None
    assert ground.statuses() == {}
    assert ground.buckets() == [ground.platform.access_log_bucket]  # its logs tell of this very destruction
