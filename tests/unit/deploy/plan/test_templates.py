"""Deployed templates are read of the stacks that a plan changes or deletes, and what is wrong with one is said."""

from typing import Any

import pytest

from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.plan.effects import TemplateLookup
from data_exports.deploy.plan.planning import Action, Plan, StackStep
from data_exports.deploy.plan.templates import read_templates
from data_exports.errors import AwsError
from data_exports.stacks.stack import DIGEST_TAG, HUB_TAG, Wave, body_of, digest_of
from tests.aws_answers import AwsAnswers, refusal

TEMPLATE = {"Resources": {"A": {"Type": "T"}}}
DIGEST = digest_of(body_of(TEMPLATE))


def step(action: Action, *, status: str = "UPDATE_COMPLETE", digest: str = DIGEST, hub: str = "hub") -> StackStep:
    tags = tuple((key, value) for key, value in ((DIGEST_TAG, digest), (HUB_TAG, hub)) if value)
    return StackStep(action, "exports-x", Wave.DATASETS, deployed=DeployedStack("exports-x", "id", status, tags))


def read(answer: Any, *steps: StackStep) -> dict[str, TemplateLookup]:
    aws = AwsAnswers({"get_template": answer})
    found = read_templates(aws, Plan(tuple(steps)))
    assert aws.asked == [("get_template", {"StackName": "id", "TemplateStage": "Original"})] * len(found)
    return found


@pytest.mark.parametrize("action", [Action.UPDATE, Action.DELETE])
def test_the_template_of_a_stack_that_is_changed_or_deleted_is_read(action: Action) -> None:
    assert read({"TemplateBody": TEMPLATE}, step(action)) == {"exports-x": TemplateLookup(TEMPLATE)}


@pytest.mark.parametrize(
    "other",
    [
        step(Action.UNCHANGED),
        step(Action.REPLACE, status="ROLLBACK_COMPLETE"),
        step(Action.UPDATE, hub=""),
        step(Action.UPDATE, digest=""),
        StackStep(Action.CREATE, "exports-x", Wave.DATASETS),
    ],
    ids=["unchanged", "replaced", "of nobody", "without a digest", "new"],
)
def test_no_other_template_is_read(other: StackStep) -> None:
    assert read({"TemplateBody": TEMPLATE}, other) == {}


def test_a_stack_that_is_replaced_after_a_deletion_that_failed_may_give_access_still() -> None:
    found = read({"TemplateBody": TEMPLATE}, step(Action.REPLACE, status="DELETE_FAILED"))
    assert found == {"exports-x": TemplateLookup(TEMPLATE)}


STRANGE = "its template is not the one that its digest names; others have changed it"


@pytest.mark.parametrize(
    ("answer", "status", "template"),
    [
        ({"TemplateBody": {"Resources": {}}}, "UPDATE_COMPLETE", TemplateLookup({"Resources": {}}, STRANGE)),
        ({"TemplateBody": {"Resources": {}}}, "UPDATE_ROLLBACK_COMPLETE", TemplateLookup({"Resources": {}})),
        (
            {"TemplateBody": "Resources: {}"},
            "UPDATE_COMPLETE",
            TemplateLookup(problem="its template is not the JSON that this product writes"),
        ),
        (
            refusal("AccessDenied", "no right"),
            "UPDATE_COMPLETE",
            TemplateLookup(problem="its template could not be read: access denied: no right"),
        ),
        (
            refusal("ValidationError", "Stack with id x does not exist"),
            "UPDATE_COMPLETE",
            TemplateLookup(problem="its template could not be read: not found: Stack with id x does not exist"),
        ),
    ],
    ids=["of others", "rolled back", "no JSON", "refused", "gone"],
)
def test_what_is_wrong_with_a_template_is_said(answer: Any, status: str, template: TemplateLookup) -> None:
    assert read(answer, step(Action.UPDATE, status=status)) == {"exports-x": template}


def test_another_refusal_ends_the_plan_and_names_the_stack() -> None:
    with pytest.raises(AwsError) as raised:
        read(refusal("Throttling"), step(Action.UPDATE))
    assert raised.value.where == "exports-x"
