"""Everything a deployment needs to know before it begins: the account is right, nothing is moving, here is the plan.

In: an `Estate` and an `Aws`. Out: a `Prepared` plan. Effects: reads AWS; packs the mover.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from data_exports.aws import Aws, aws_error_of
from data_exports.deploy.adoption.candidates import with_takeovers
from data_exports.deploy.apply.change_sets import StackFailedError, Work, wait_for_others
from data_exports.deploy.apply.outcomes import Note, Progress, ignore
from data_exports.deploy.plan.effects import with_differences
from data_exports.deploy.plan.planning import Plan, plan_deploy
from data_exports.deploy.plan.templates import read_templates
from data_exports.deploy.remote import check_account, read_deployed, read_missing_roles
from data_exports.estate.models import Estate
from data_exports.stacks.code import MoverCode, mover_code
from data_exports.stacks.stack import Surroundings


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and what carrying it out takes."""

    estate: Estate
    plan: Plan
    code: MoverCode


def prepare(estate: Estate, aws: Aws) -> Prepared:
    """Look at AWS and plan; changes nothing there. Raises as `deploy`."""
    check_account(aws, estate.platform)
    code = mover_code()
    roles = read_missing_roles(aws, (user for dataset in estate.datasets() for user in dataset.users))
    surroundings = Surroundings(
        code_key=code.key,
        missing_roles=roles.missing,
        require_tls=not aws.is_local,
    )
    plan = plan_deploy(estate, read_deployed(aws), surroundings, roles_not_checked=roles.not_checked)
    plan = with_takeovers(plan, aws, estate.platform)
    return Prepared(estate, with_differences(plan, estate, read_templates(aws, plan), moment=datetime.now(UTC)), code)


def settle(work: Work, *, progress: Progress = ignore) -> None:
    """Wait for what CloudFormation is still doing to our stacks, as after an interrupted run. Raises `AwsError`."""
    for stack in read_deployed(work.aws).stacks:
        if stack.is_in_progress and stack.belongs_to(work.platform.hub_bucket):
            progress(Note(f"waiting for CloudFormation: {stack.name} is {stack.status}"))
            try:
                wait_for_others(work, stack)
            except StackFailedError as error:  # it takes too long: the plan will say so
                progress(Note(f"{stack.name}: {error}"))
            except (ClientError, BotoCoreError) as error:
                raise aws_error_of(error) from error
