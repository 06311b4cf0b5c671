"""Who holds what by what is deployed: read from the stacks, and said where a stack does not tell."""

import json
from typing import Any

import pytest

from data_exports.errors import AwsError, RefusedError
from data_exports.operate.who.holdings import holdings_of
from data_exports.operate.who.live import read_holdings
from data_exports.stacks.pull import pull_stack
from data_exports.stacks.push import push_stack
from data_exports.stacks.stack import DATASET_TAG, HUB_TAG, Stack, Surroundings
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, estate_of, pull, push

AROUND = Surroundings(code_key="code/mover-0.zip")
HEARINGS, LISTS = push(owner="hearings@example.gov.uk"), pull()
STACKS = (push_stack(PLATFORM, HEARINGS, AROUND), pull_stack(PLATFORM, LISTS, AROUND))


def described(stack: Stack, status: str = "UPDATE_COMPLETE", **changes: str) -> dict[str, Any]:
    tags = {**dict(stack.tags), **changes}
    pairs = [{"Key": key, "Value": value} for key, value in tags.items() if value]
    return {"StackName": stack.name, "StackId": stack.name, "StackStatus": status, "Tags": pairs}


def aws_with(*stacks: dict[str, Any], **templates: Any) -> AwsAnswers:
    bodies: dict[str, Any] = {stack.name: json.loads(stack.body) for stack in STACKS}
    bodies |= {f"exports-{name}": body for name, body in templates.items()}

    def template(StackName: str, TemplateStage: str) -> Any:  # noqa: N803 - AWS's names
        assert TemplateStage == "Original"
        body = bodies[StackName]
        return body if isinstance(body, Exception) else {"TemplateBody": body}

    return AwsAnswers(
        {
            "caller": (str(PLATFORM.account), "arn:me"),
            "describe_stacks": [{"Stacks": [each]} for each in stacks],
            "get_template": template,
        }
    )


def test_what_is_deployed_is_held_as_it_was_declared() -> None:
    found, unread = read_holdings(PLATFORM, aws_with(*map(described, STACKS)))
    assert (found, unread) == (holdings_of(estate_of(HEARINGS, LISTS)), [])


@pytest.mark.parametrize(
    "stack",
    [
        described(STACKS[0], "REVIEW_IN_PROGRESS"),
        described(STACKS[0], "CREATE_FAILED"),
        described(STACKS[0], **{HUB_TAG: "another-hub"}),
        described(STACKS[0], **{DATASET_TAG: ""}),
    ],
)
def test_a_stack_without_resources_or_of_another_estate_gives_nobody_anything(stack: dict[str, Any]) -> None:
    aws = aws_with(stack, described(STACKS[1]))
    assert read_holdings(PLATFORM, aws) == (holdings_of(estate_of(LISTS)), [])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (refusal("AccessDenied", "no right"), "its template could not be read: access denied: no right"),
        (refusal("ValidationError", "Stack with id x does not exist"), "its template could not be read: not found"),
        ({"Resources": {}}, None),
    ],
)
def test_a_stack_that_does_not_tell_is_named_with_the_reason_and_hides_no_other(answer: Any, said: str | None) -> None:
    aws = aws_with(*map(described, STACKS), **{"push-hearings": answer})
    found, (line,) = read_holdings(PLATFORM, aws)
    assert found == holdings_of(estate_of(LISTS))
    assert line.startswith(f"  exports-push-hearings: {said or ''}")


def test_another_refusal_is_an_error_at_the_stack() -> None:
    with pytest.raises(AwsError) as stopped:
        read_holdings(PLATFORM, aws_with(described(STACKS[0]), **{"push-hearings": refusal("Throttling")}))
    assert stopped.value.where == "exports-push-hearings"


def test_credentials_of_another_account_read_nothing() -> None:
    aws = aws_with()
    aws.answers["caller"] = ("111122223333", "arn:x")
    with pytest.raises(RefusedError, match="the credentials are of account 111122223333"):
        read_holdings(PLATFORM, aws)
