"""Access ends by IAM's own clock: the same policies, a day before and a day after their last day."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from data_exports.access.grants import Grant, grants_of_pull, grants_of_push
from data_exports.access.policies import mover_policy, pull_bucket_policy, pull_user_policy, sender_policy
from data_exports.deploy.apply.waves import deploy
from data_exports.local.clients import aws_of
from data_exports.local.emulator import LocalAws
from data_exports.local.world import bucket_of, make_local_world
from data_exports.names import AccountId, BucketName, RoleArn
from data_exports.operate.receipts import read_receipts
from tests.emulator.steps import Steps, refusal_of, wait_until
from tests.estates import PLATFORM, at_s3, estate_of, pull, push

pytestmark = pytest.mark.emulator

TIMES = [(1, ""), (0, ""), (-1, "AccessDenied")]
"""Days from today to the last day of access, and the refusal."""


@pytest.fixture
def today() -> date:
    """The day in UTC, which does not end within minutes."""
    wait_until(lambda: datetime.now(UTC).time() < time(23, 57))
    return datetime.now(UTC).date()


@pytest.fixture
def give(steps: Steps) -> Callable[[Any], RoleArn]:
    """Makes a role with this policy."""

    def made(policy: Any, **where: str) -> RoleArn:
        return RoleArn(steps.role(*policy["Statement"], **where))

    return made


@pytest.mark.parametrize(("days", "refusal"), TIMES)
def test_a_sender_and_the_mover(
    steps: Steps, give: Callable[[Any], RoleArn], unique: Callable[[str], str], today: date, days: int, refusal: str
) -> None:
    expires = today + timedelta(days=days)
    platform = replace(PLATFORM, hub_bucket=BucketName(steps.bucket(name=unique("hub"), versioned=True)))
    grants = grants_of_push(platform, push(expires=expires))
    hub, key = platform.hub_bucket, "hearings/a.txt"
    steps.client("s3").put_object(Bucket=hub, Key=key, Body=b"x")
    sender = steps.as_role("s3", give(sender_policy(grants)))
    mover = steps.as_role("s3", give(mover_policy(grants)))
    assert refusal_of(lambda: sender.put_object(Bucket=hub, Key="hearings/b.txt", Body=b"x")) == refusal
    assert refusal_of(lambda: sender.list_objects_v2(Bucket=hub, Prefix="hearings/")) == refusal
    assert refusal_of(lambda: mover.get_object(Bucket=hub, Key=key)) == refusal
    assert refusal_of(lambda: mover.delete_object(Bucket=hub, Key=key)) == refusal


@pytest.mark.parametrize(("days", "refusal"), TIMES)
def test_a_pull_user_and_an_outsider(
    steps: Steps,
    give: Callable[..., RoleArn],
    unique: Callable[[str], str],
    unique_account: Callable[[], str],
    today: date,
    days: int,
    refusal: str,
) -> None:
    expires = today + timedelta(days=days)
    platform = replace(PLATFORM, pull_bucket_prefix=unique("pull") + "-")
    everything = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    outsider = give(everything, account=unique_account())
    dataset = pull(expires=expires, outsiders=(outsider,))
    grants, bucket = grants_of_pull(platform, dataset), dataset.bucket(platform)
    steps.bucket(name=bucket)
    owner = steps.client("s3")
    owner.put_object(Bucket=bucket, Key="a.txt", Body=b"x")
    owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps(pull_bucket_policy(bucket, grants, require_tls=False)))
    for person in (give(pull_user_policy(grants)), outsider):
        s3 = steps.as_role("s3", person)
        assert refusal_of(lambda s3=s3: s3.get_object(Bucket=bucket, Key="a.txt")) == refusal  # type: ignore[misc]
        assert refusal_of(lambda s3=s3: s3.list_objects_v2(Bucket=bucket)) == refusal  # type: ignore[misc]


def test_everybody_loses_access_at_the_very_moment_and_nothing_has_to_run_for_it(
    steps: Steps,
    give: Callable[..., RoleArn],
    unique: Callable[[str], str],
    unique_account: Callable[[], str],
    today: date,
) -> None:
    """The same policies, sessions and requests on both sides of the moment."""
    platform = replace(PLATFORM, hub_bucket=BucketName(unique("hub")), pull_bucket_prefix=unique("pull") + "-")
    everything = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    outsider = give(everything, account=unique_account())
    sent = push(expires=today, destination=at_s3(unique("target")))
    pulled = pull(expires=today, outsiders=(outsider,))
    bucket, owner = pulled.bucket(platform), steps.client("s3")
    for name, key in ((platform.hub_bucket, "hearings/a"), (bucket_of(sent), "x"), (bucket, "a")):
        owner.put_object(Bucket=steps.bucket(name=name), Key=key, Body=b"x")

    def calls_that_end_at(moment: datetime) -> dict[str, Callable[[], Any]]:
        of_push = _ending(grants_of_push(platform, sent), moment)
        of_pull = _ending(grants_of_pull(platform, pulled), moment)
        policy = pull_bucket_policy(bucket, of_pull, require_tls=False)
        owner.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
        sender, mover = (
            steps.as_role("s3", give(sender_policy(of_push))),
            steps.as_role("s3", give(mover_policy(of_push))),
        )
        user, outside = steps.as_role("s3", give(pull_user_policy(of_pull))), steps.as_role("s3", outsider)
        return {
            "sender": lambda: sender.put_object(Bucket=platform.hub_bucket, Key="hearings/b", Body=b"x"),
            "mover, in the hub": lambda: mover.get_object(Bucket=platform.hub_bucket, Key="hearings/a"),
            "mover, at the recipient": lambda: mover.put_object(Bucket=bucket_of(sent), Key="hearings/a", Body=b"x"),
            "pull user": lambda: user.get_object(Bucket=bucket, Key="a"),
            "outsider": lambda: outside.get_object(Bucket=bucket, Key="a"),
        }

    for seconds in (3, 10, 40, 160):  # until this machine is quick enough to ask before the moment
        moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
        calls = calls_that_end_at(moment)
        before = {name: refusal_of(call) for name, call in calls.items()}
        if datetime.now(UTC) < moment:
            break
    assert before == dict.fromkeys(calls, "")
    wait_until(lambda: datetime.now(UTC) >= moment)
    assert {name: refusal_of(call) for name, call in calls.items()} == dict.fromkeys(calls, "AccessDenied")


def _ending(grants: Iterable[Grant], moment: datetime) -> tuple[Grant, ...]:
    """The grants, those that end ending at this moment."""
    return tuple(replace(grant, until=moment) if grant.until else grant for grant in grants)


def test_an_upload_that_comes_after_the_end_stays_and_is_on_record(
    local_aws: LocalAws, steps: Steps, unique: Callable[[str], str], unique_account: Callable[[], str], today: date
) -> None:
    account, hub = AccountId(unique_account()), BucketName(unique("hub"))
    late = push(expires=today - timedelta(days=1), destination=at_s3(unique("target")))
    estate = estate_of(late, platform=replace(PLATFORM, account=account, hub_bucket=hub))
    make_local_world(local_aws, estate)
    assert deploy(estate, aws_of(local_aws, f"arn:aws:iam::{account}:root")).is_complete
    owner = steps.client("s3", account)
    owner.put_object(Bucket=hub, Key="hearings/late.csv", Body=b"too late")
    wait_until(lambda: bool(read_receipts(owner, estate.platform.log_bucket, late.name)))
    (receipt,) = read_receipts(owner, estate.platform.log_bucket, late.name)
    assert (receipt.key, receipt.outcome) == ("hearings/late.csv", "failed")
    assert "AccessDenied" in (receipt.reason or "")
    assert [each["Key"] for each in owner.list_objects_v2(Bucket=hub)["Contents"]] == ["hearings/late.csv"]
