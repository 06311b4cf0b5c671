"""What S3 answers about a bucket and its owner, and what is told from it."""

import pytest
from botocore.exceptions import ClientError

from data_exports.destinations.destination import Fault, Lookup, Misfit
from data_exports.errors import AwsError
from data_exports.names import AccountId
from tests.aws_answers import AwsAnswers
from tests.estates import at_s3

OURS, THEIRS = AccountId("593291632749"), AccountId("754256621582")


def answering(alone: str, owned: str) -> AwsAnswers:
    """HeadBucket answered with these codes, without and with the expected owner; "" is: shown."""

    def head_bucket(**asked: str) -> ClientError | None:
        assert asked["Bucket"] == "cp-hearings"
        code = owned if "ExpectedBucketOwner" in asked else alone
        answered = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": int(code or 200)}}
        return ClientError(answered, "HeadBucket") if code else None  # type: ignore[arg-type]

    return AwsAnswers({"head_bucket": head_bucket})


def misfit(alone: str, owned: str, *, account: str | None = THEIRS, own: tuple[str, ...] = ()) -> Misfit | None:
    aws = answering(alone, owned)
    lookup = Lookup(aws, OURS, frozenset(own))
    found = at_s3(account=account).misfit(lookup, f"account {account}" if account else "")
    assert aws.services <= {"s3"}
    return found


@pytest.mark.parametrize(
    ("alone", "owned", "fault", "field"),
    [
        ("", "", None, ""),
        ("", "403", Fault.OTHER_OWNER, "target_account"),
        ("403", "403", Fault.NOT_TOLD, "target_account"),
        ("404", "404", Fault.MISSING, "target_bucket"),
    ],
)
def test_a_refusal_tells_of_the_owner_only_where_the_bucket_is_shown(
    alone: str, owned: str, fault: Fault | None, field: str
) -> None:
    found = misfit(alone, owned)
    assert (found and found.fault, found.field if found else "") == (fault, field)


@pytest.mark.parametrize(("alone", "fault"), [("", None), ("403", None), ("404", Fault.MISSING)])
def test_without_a_named_account_a_bucket_has_to_be_there_and_no_more(alone: str, fault: Fault | None) -> None:
    found = misfit(alone, "403", account=None)
    assert (found and found.fault) == fault


def test_whose_our_own_buckets_are_is_known_without_a_look() -> None:
    assert misfit("500", "500", account=OURS, own=("cp-hearings",)) is None
    found = misfit("500", "500", own=("cp-hearings",))
    assert found == Misfit(
        Fault.OTHER_OWNER,
        "target_account",
        "the bucket cp-hearings does not belong to account 754256621582",
        "ask the recipient which bucket and which account are theirs; until then nothing is delivered",
    )


def test_an_answer_of_another_kind_is_no_answer() -> None:
    with pytest.raises(AwsError) as stopped:
        misfit("500", "500")
    assert stopped.value.where == "bucket cp-hearings"
