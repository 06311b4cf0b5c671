"""What everybody holds by what is deployed, read from the metadata of the stacks.

In: an `Aws` and the platform. Out: holdings, and what some stacks would not tell. Effects: reads AWS: one listing, and
the template of each dataset's stack, several at once. Needs neither the declarations nor their history.
"""

from collections.abc import Mapping
from typing import Any

from data_exports.access.grants import Grant
from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, reason_of
from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.remote import check_account, read_deployed
from data_exports.estate.models import Platform
from data_exports.names import DatasetName, InvalidNameError
from data_exports.operate.who.holdings import Holding, held
from data_exports.parallel import map_ordered
from data_exports.stacks.metadata import UnreadableMetadataError, grants_in
from data_exports.stacks.stack import DATASET_TAG, METADATA_KEY


def read_holdings(platform: Platform, aws: Aws) -> tuple[tuple[Holding, ...], list[str]]:
    """The holdings of this estate's deployed stacks, and a line for each stack that does not tell.

    Users whose roles were missing hold nothing. Raises `AwsError`, or `RefusedError` for another account's credentials.
    """
    check_account(aws, platform)
    stacks = [stack for stack in read_deployed(aws).stacks if _is_of_dataset(stack, platform)]
    answers = list(map_ordered(lambda stack: _read(aws, stack), stacks))
    grants: list[Grant] = []
    owners: dict[DatasetName, str] = {}
    unread: list[str] = []
    for stack, answer in zip(stacks, answers, strict=True):
        if isinstance(answer, str):
            unread.append(f"  {stack.name}: {answer}")
            continue
        dataset, of_one, owner = answer
        grants += of_one
        owners[dataset] = owner
    return held(grants, owners), unread


def _is_of_dataset(stack: DeployedStack, platform: Platform) -> bool:
    return stack.has_resources and stack.belongs_to(platform.hub_bucket) and DATASET_TAG in dict(stack.tags)


def _read(aws: Aws, stack: DeployedStack) -> tuple[DatasetName, tuple[Grant, ...], str] | str:
    """The dataset of a stack, its grants and who answers for it; or why it does not tell them."""
    try:
        dataset = DatasetName(dict(stack.tags)[DATASET_TAG])
        answer = aws.client("cloudformation").get_template(StackName=stack.stack_id, TemplateStage="Original")
        template = answer["TemplateBody"]
        return dataset, grants_in(template, dataset), _owner(template)
    except (InvalidNameError, UnreadableMetadataError) as error:
        return str(error)
    except AWS_EXCEPTIONS as error:
        if answer_of(error) in (AwsAnswer.FORBIDDEN, AwsAnswer.NOT_FOUND):
            return f"its template could not be read: {reason_of(error)}"
        raise aws_error_of(error, where=stack.name) from error


def _owner(template: Mapping[str, Any]) -> str:
    """Who answers for the dataset, as far as the metadata can be read; it decides about no access."""
    declared = template["Metadata"][METADATA_KEY].get("declaration")
    return str(declared.get("owner", "")) if isinstance(declared, Mapping) else ""
