"""Everything a deployment needs to know before it begins: the account is right, here is the plan.

In: an `Estate` and an `Aws`. Out: a `Prepared` plan. Effects: reads AWS; packs the mover.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from data_exports.aws import Aws
from data_exports.deploy.adoption.candidates import with_takeovers
from data_exports.deploy.plan.effects import with_effects
from data_exports.deploy.plan.planning import Plan, plan_deploy
from data_exports.deploy.plan.providers import read_providers
from data_exports.deploy.plan.templates import read_templates
from data_exports.deploy.remote import check_account, read_deployed, read_missing_roles
from data_exports.destinations.federation import federation_for
from data_exports.estate.models import Estate
from data_exports.names import RoleName
from data_exports.stacks.code import FunctionCode, mover_code
from data_exports.stacks.stack import Surroundings


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and what carrying it out takes."""

    estate: Estate
    plan: Plan
    code: FunctionCode
    role_ids: Mapping[str, RoleName] = field(default_factory=dict)
    """The ids of the users' roles that were found."""


def prepare(estate: Estate, aws: Aws) -> Prepared:
    """Look at AWS and plan; changes nothing there. Raises as `deploy`."""
    check_account(aws, estate.platform)
    code = mover_code()
    roles = read_missing_roles(aws, (user for dataset in estate.datasets() for user in dataset.users))
    deployed = read_deployed(aws)
    surroundings = Surroundings(
        code_key=code.key,
        missing_roles=roles.missing,
        require_tls=not aws.is_local,
        providers=read_providers(aws, estate, deployed),
    )
    plan = plan_deploy(estate, deployed, surroundings, roles_not_checked=roles.not_checked)
    plan = replace(plan, federation=federation_for((push.destination for push in estate.push_datasets), aws))
    plan = with_takeovers(plan, aws, estate.platform)
    plan = with_effects(plan, estate, read_templates(aws, plan), moment=datetime.now(UTC))
    return Prepared(estate, plan, code, roles.ids)
