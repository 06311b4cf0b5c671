"""Every stack of an estate looked at: what somebody did to the stacks themselves, and what could not be looked at."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from data_exports.contract.keys import card_key_of
from data_exports.deploy.apply.role_ids import ROLE_IDS_KEY
from data_exports.deploy.drift.finding import USERS_ROLES, Drift, read_drift
from data_exports.errors import AwsError, RefusedError
from data_exports.names import KEEPER_SETTINGS
from data_exports.stacks.card import card_of
from data_exports.stacks.stack import (
    ADOPTING_TAG,
    DATASET_TAG,
    DIGEST_TAG,
    HUB_TAG,
    METADATA_KEY,
    body_of,
    digest_of,
)
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, estate_of, push

ESTATE = estate_of(push())
HUB = str(PLATFORM.hub_bucket)
FOUNDATION, ACCESS_LOGS, HUB_STACK = "exports-foundation", "exports-access-logs", "exports-hub"
DATASET = "exports-push-hearings"
ROLE = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": "ours", "PolicyDocument": {}, "Roles": ["alpha"]}}

SHARED = (FOUNDATION, ACCESS_LOGS, HUB_STACK)


@dataclass
class Deployed:
    """A stack as it was deployed, but for what is changed: its status, its tags, its template."""

    name: str
    status: str = "UPDATE_COMPLETE"
    tags: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)
    template: Any = None
    """What CloudFormation answers for the template, if not the template."""

    @property
    def body(self) -> dict[str, Any]:
        return {"Metadata": {METADATA_KEY: {"tags": {"owner": "Data Engineering"}}}, "Resources": self.resources}

    def described(self) -> dict[str, Any]:
        tags = {HUB_TAG: HUB, DIGEST_TAG: digest_of(body_of(self.body)), "owner": "Data Engineering", **self.tags}
        if self.name == DATASET:
            tags = {DATASET_TAG: "hearings", **tags}
        return {
            "StackName": self.name,
            "StackId": f"arn:aws:cloudformation:eu-west-1:593291632749:stack/{self.name}/1",
            "StackStatus": self.status,
            "Tags": [{"Key": key, "Value": value} for key, value in tags.items() if value != "-"],
        }


def aws_with(*changed: Deployed, **answers: Any) -> AwsAnswers:
    stacks = {each.name: each for each in (*map(Deployed, SHARED), Deployed(DATASET), *changed)}

    def template(StackName: str) -> Any:  # noqa: N803
        found = stacks[StackName.split("/")[1]]
        return found.template or {"TemplateBody": found.body}

    right: Mapping[str, Any] = {
        "caller": (str(PLATFORM.account), "arn:me"),
        "describe_stacks": [{"Stacks": [each.described()]} for each in stacks.values() if each.status != "gone"],
        "get_template": template,
        "detect_stack_drift": {"StackDriftDetectionId": "1"},
        "describe_stack_drift_detection_status": {"DetectionStatus": "DETECTION_COMPLETE"},
        "describe_stack_resource_drifts": {"StackResourceDrifts": []},
        "get_role_policy": {"PolicyDocument": {}},
        "list_role_policies": [{"PolicyNames": []}],
        "get_role": {"Role": {"RoleId": "AROAALPHA"}},
    }
    return AwsAnswers({**right, **answers})


def found(aws: AwsAnswers) -> tuple[list[tuple[str, str]], list[tuple[str, str]], int]:
    """What differs, what was not looked at, and how many stacks there are."""
    counts: list[tuple[int, int]] = []
    report = read_drift(ESTATE, aws, counted=lambda count, total: counts.append((count, total)))
    assert counts == [(number, report.stacks) for number in range(1, report.stacks + 1)]
    assert report.drifts == tuple(sorted(report.drifts))
    assert report.not_checked == tuple(sorted(report.not_checked))
    assert report.seconds >= 0
    pairs = [[(each.where, each.what) for each in part] for part in (report.drifts, report.not_checked)]
    return pairs[0], pairs[1], report.stacks


def test_an_estate_that_nobody_touched_has_no_drift() -> None:
    assert found(aws_with()) == ([], [], 4)


def test_stacks_of_others_are_not_ours_to_look_at() -> None:
    others = (
        Deployed("exports-push-of-others", tags={HUB_TAG: "another-hub"}),
        Deployed("exports-x", tags={HUB_TAG: "-"}),
    )
    assert found(aws_with(*others)) == ([], [], 4)


@pytest.mark.parametrize("name", [*SHARED, DATASET])
def test_a_declared_stack_that_is_not_there_is_told(name: str) -> None:
    missing = (name, "it is declared, and its stack is not there")
    assert found(aws_with(Deployed(name, status="gone"))) == ([missing], [], 3)


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        (Deployed(HUB_STACK, "ROLLBACK_COMPLETE"), ["its resources are not all there: ROLLBACK_COMPLETE"]),
        (Deployed(HUB_STACK, "UPDATE_ROLLBACK_FAILED"), ["CloudFormation reports UPDATE_ROLLBACK_FAILED"]),
        (
            Deployed(HUB_STACK, tags={ADOPTING_TAG: "true"}),
            ["it has begun to adopt what existed, and has not finished: deploy again"],
        ),
        (Deployed(HUB_STACK, tags={DIGEST_TAG: "0" * 64}), ["its template was changed by somebody else"]),
        (
            Deployed(HUB_STACK, tags={"owner": "Somebody"}),
            ["its tag owner is Somebody, deployed as Data Engineering"],
        ),
        (Deployed(HUB_STACK, tags={"owner": "-"}), ["its tag owner is gone, deployed as Data Engineering"]),
        (Deployed(HUB_STACK, tags={"more": "than deployed"}), []),
        (Deployed(HUB_STACK, "UPDATE_ROLLBACK_COMPLETE", tags={"owner": "Somebody", ADOPTING_TAG: "true"}), []),
    ],
)
def test_what_was_done_to_a_stack_itself_is_told(stack: Deployed, said: list[str]) -> None:
    assert found(aws_with(stack)) == ([(HUB_STACK, line) for line in said], [], 4)


def test_a_stack_that_is_being_worked_on_is_not_looked_at() -> None:
    said = (HUB_STACK, "CloudFormation is at work on it: UPDATE_IN_PROGRESS")
    aws = aws_with(Deployed(HUB_STACK, "UPDATE_IN_PROGRESS"))
    assert found(aws) == ([], [said], 4)
    assert all(HUB_STACK not in str(asked) for operation, asked in aws.asked if operation == "get_template")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (refusal("AccessDenied", "no right"), "access denied: no right"),
        (
            EndpointConnectionError(endpoint_url="https://x"),
            'unreachable: Could not connect to the endpoint URL: "https://x"',
        ),
    ],
)
def test_a_template_that_cannot_be_read_is_told_and_the_rest_is_looked_at(error: Exception, reason: str) -> None:
    aws = aws_with(Deployed(HUB_STACK, template=error))
    assert found(aws) == ([], [(HUB_STACK, f"its template: {reason}")], 4)


def test_a_template_that_was_written_as_text_is_read_too() -> None:
    plain = Deployed(HUB_STACK)
    assert found(aws_with(Deployed(HUB_STACK, template={"TemplateBody": json.dumps(plain.body)}))) == ([], [], 4)


def test_each_look_that_is_refused_is_told_by_its_name_and_the_others_are_made() -> None:
    def resource(kind: str, **properties: Any) -> dict[str, Any]:
        return {"Type": kind, "Properties": properties}

    resources = {
        "A": resource("AWS::S3::Bucket", BucketName="a"),
        "B": resource("AWS::IAM::Role", RoleName="b", AssumeRolePolicyDocument={"Statement": []}),
        "C": resource("AWS::Lambda::Function", FunctionName="c", Code={"S3Key": "k"}),
    }
    denied = refusal("AccessDenied", "no right")
    operations = ("get_bucket_tagging", "get_role", "get_function_configuration", "detect_stack_drift")
    aws = aws_with(Deployed(HUB_STACK, resources=resources), **dict.fromkeys(operations, denied))
    what = ("its buckets", "its queues, functions and alarms", "its roles", "the rest of it")
    rest = [(name, "the rest of it: access denied: no right") for name in (FOUNDATION, ACCESS_LOGS, DATASET)]
    assert found(aws) == ([], sorted([(HUB_STACK, f"{each}: access denied: no right") for each in what] + rest), 4)


def test_what_cloudformation_cannot_look_at_is_told_with_its_reason() -> None:
    failed = {"DetectionStatus": "DETECTION_FAILED", "DetectionStatusReason": "too busy"}
    said = "the rest of it: CloudFormation could not look at all of it: too busy"
    assert found(aws_with(describe_stack_drift_detection_status=failed)) == (
        [],
        [(name, said) for name in sorted((*SHARED, DATASET))],
        4,
    )


KEEPER = {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "exports-keeper", "Code": {"S3Key": "k"}}}


def with_keeper(**answers: Any) -> AwsAnswers:
    """An estate whose templates tell of no declarations."""
    stacks = (Deployed(FOUNDATION, resources={"Keeper": KEEPER}), Deployed(DATASET, resources={"P": ROLE}))
    return aws_with(*stacks, get_function_configuration={}, get_function_concurrency={}, **answers)


def test_where_the_templates_do_not_tell_what_was_declared_that_is_not_looked_at_and_named() -> None:
    reason = (
        "what was declared: its template does not tell, so what deployments recorded of it is compared with nothing"
    )
    not_checked = [(FOUNDATION, reason), (DATASET, reason)]
    dues = datetime(datetime.now(UTC).year + 2, 1, 1, tzinfo=UTC).timestamp()
    told = {"horizon": dues, "datasets": [{"name": "hearings"}]}

    def recorded(*, Key: str, **_: Any) -> Any:  # noqa: N803
        texts = {
            card_key_of("hearings"): card_of(PLATFORM, push()),
            ROLE_IDS_KEY: '{"AROAALPHA": "alpha"}',
            KEEPER_SETTINGS: json.dumps(told),
        }
        return {"Body": io.BytesIO(texts[Key].encode()), "ETag": '"1"'}

    assert found(with_keeper(get_object=recorded)) == ([], not_checked, 4)
    told["datasets"] = [{"name": "hearings"}, {"name": "of nobody"}]
    said = (FOUNDATION, "what the keeper is told also holds what no deployment writes: of nobody")
    assert found(with_keeper(get_object=recorded)) == ([said], not_checked, 4)
    denied = [
        (FOUNDATION, "the recorded ids of roles: access denied: no right"),
        (FOUNDATION, "what the keeper is told: access denied: no right"),
        (FOUNDATION, reason),
        (DATASET, "its card: access denied: no right"),
        (DATASET, reason),
    ]
    assert found(with_keeper(get_object=refusal("AccessDenied", "no right"))) == ([], denied, 4)


def test_users_roles_are_looked_at_for_what_no_stack_put_there() -> None:
    hub = {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{HUB}/*"}
    aws = aws_with(
        Deployed(DATASET, resources={"P": ROLE}),
        list_role_policies=[{"PolicyNames": ["ours", "strange"]}],
        get_role_policy=lambda PolicyName, **_: {  # noqa: N803
            "PolicyDocument": {"Statement": [hub]} if PolicyName == "strange" else {}
        },
    )
    said = f"the role alpha: its policy strange, which no dataset declares, reaches arn:aws:s3:::{HUB}/*"
    assert found(aws) == ([(USERS_ROLES, said)], [], 4)


def test_a_users_role_that_may_not_be_looked_at_is_told() -> None:
    aws = aws_with(Deployed(DATASET, resources={"P": ROLE}), list_role_policies=refusal("AccessDenied", "no right"))
    assert found(aws) == ([], [(USERS_ROLES, "the role alpha: access denied: no right")], 4)


def test_credentials_of_another_account_are_refused() -> None:
    with pytest.raises(RefusedError, match="the credentials are of account 111122223333"):
        found(aws_with(caller=("111122223333", "arn:x")))


@pytest.mark.parametrize("error", [refusal("AccessDenied"), EndpointConnectionError(endpoint_url="https://x")])
def test_without_the_list_of_stacks_there_is_no_report(error: ClientError) -> None:
    with pytest.raises(AwsError):
        found(aws_with(describe_stacks=error))


def test_drifts_are_in_the_order_of_where_they_are() -> None:
    assert sorted([Drift("b", "1"), Drift("a", "2"), Drift("a", "1")]) == [
        Drift("a", "1"),
        Drift("a", "2"),
        Drift("b", "1"),
    ]
