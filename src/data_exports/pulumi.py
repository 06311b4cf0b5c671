"""The same stacks from a Pulumi program, for teams that deploy with ``pulumi up``.

In: an `Estate`, inside a Pulumi program. Out: one `aws:cloudformation/stack:Stack` for each of our stacks, in the same
waves as `exports deploy`, and the movers' role ARNs. Effects: registers resources; asks AWS, through Pulumi's own
provider, who the caller is and which roles exist; writes the mover's zip to the user's cache. The templates, names and
tags are those of `exports deploy`, byte for byte, so that either may be used on what the other has deployed.

Needs the extra ``pulumi``. https://www.pulumi.com/registry/packages/aws/api-docs/cloudformation/stack/
"""

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pulumi
from pulumi_aws import get_caller_identity
from pulumi_aws.cloudformation import Stack as CloudFormationStack
from pulumi_aws.iam import get_roles
from pulumi_aws.s3 import BucketObject

from data_exports.access.sizes import with_sizes_checked
from data_exports.contract.keys import card_key_of
from data_exports.deploy.plan.outside_words import federation_not_asked_for
from data_exports.deploy.plan.planning import first_stacks, stack_of_dataset
from data_exports.errors import ExportsError
from data_exports.estate.atomic_files import write_file
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate, Platform, PushDataset
from data_exports.limits import TEMPLATE_BODY_BYTES
from data_exports.names import FOUNDATION_STACK, KEEPER_SETTINGS, DatasetName, RoleName
from data_exports.stacks.code import FunctionCode, mover_code, notary_code
from data_exports.stacks.evidence import evidence_stacks
from data_exports.stacks.hub import hub_stack
from data_exports.stacks.keeper_settings import keeper_settings_of
from data_exports.stacks.stack import STACK_CAPABILITIES, ExistingProvider, Stack, Surroundings, template_url_of
from data_exports.stacks.users import split_roles

FIXED_AT_CREATION = ("on_failure", "disable_rollback", "timeout_in_minutes")
"""Inputs whose change makes the provider replace the stack, which would delete it first: never followed.

A stack that `exports deploy` made, and `pulumi import` took over, has none of them.
https://www.pulumi.com/docs/iac/concepts/options/ignorechanges/
"""


@dataclass(frozen=True, slots=True)
class ExportStacks:
    """What `export_stacks` registered."""

    stacks: Mapping[str, CloudFormationStack]
    """By the stack's name, such as ``exports-push-court-hearings``."""
    mover_role_arns: Mapping[str, pulumi.Output[str]]
    """The role of each push dataset's mover, known once its stack is there: what recipients name."""
    missing_roles: Mapping[DatasetName, tuple[RoleName, ...]]
    """Users whose roles do not exist: they get nothing until they do and ``pulumi up`` has run again."""


def read_estate(folder: str | Path) -> Estate:
    """The estate in this folder; warnings go to Pulumi's log.

    Raises `pulumi.RunError` with every mistake, each with its place, when the declarations cannot be used.
    """
    loaded = with_sizes_checked(load_estate(Path(folder)))
    for finding in loaded.findings:
        if finding not in loaded.errors:
            pulumi.log.warn(str(finding))
    try:
        return loaded.require()
    except ExportsError as error:
        raise pulumi.RunError(str(error)) from error


def export_stacks(
    estate: Estate,
    *,
    is_local: bool = False,
    provider: pulumi.ProviderResource | None = None,
    existing_issuers: Collection[str] = (),
) -> ExportStacks:
    """Register every stack of the estate: the foundation, then the datasets' stacks, then the hub.

    `existing_issuers` (``https://…``) are those whose OIDC provider the account has already, by somebody else: that is
    left as it is, and takes tokens for this estate's readers only once its owner has added their audiences. `is_local`
    is for the local AWS only, which speaks plain HTTP: it leaves out the statements that demand TLS.
    Raises `pulumi.RunError` when the provider's credentials are of another account.
    """
    platform, asking = estate.platform, pulumi.InvokeOptions(provider=provider)
    _check_account(platform, asking)
    if said := federation_not_asked_for(estate):  # Pulumi's provider has no way to ask
        pulumi.log.warn(said)
    code = mover_code()
    surroundings = Surroundings(
        code_key=code.key,
        missing_roles=_missing_roles(estate, asking),
        require_tls=not is_local,
        providers=tuple(ExistingProvider(issuer, frozenset()) for issuer in existing_issuers),
    )
    made = _Registered(platform, provider)
    shared = [made.add(stack, after=[]) for stack in first_stacks(estate, surroundings)]
    foundation = made.stacks[FOUNDATION_STACK]
    made.add_keeper_settings(estate, after=[foundation])
    for evidence in evidence_stacks(platform, require_tls=surroundings.require_tls):
        made.add(evidence, after=[foundation, made.add_code(notary_code(), after=[foundation])])
    uploaded = made.add_code(code, after=[foundation]) if estate.push_datasets else foundation
    for dataset in estate.datasets():
        needs = [foundation, uploaded] if isinstance(dataset, PushDataset) else shared
        stack = stack_of_dataset(estate, dataset, surroundings)
        made.add_card(stack, after=[made.add(stack, after=needs)])
    datasets = [made.stacks[dataset.stack_name] for dataset in estate.datasets()]
    made.add(
        hub_stack(platform, estate.push_datasets, require_tls=surroundings.require_tls), after=[foundation, *datasets]
    )
    return ExportStacks(made.stacks, _mover_role_arns(estate, made.stacks), _say_missing(estate, surroundings))


@dataclass(slots=True)
class _Registered:
    """The resources so far."""

    platform: Platform
    provider: pulumi.ProviderResource | None
    stacks: dict[str, CloudFormationStack] = field(default_factory=dict)

    def add(self, stack: Stack, *, after: Sequence[pulumi.Resource]) -> CloudFormationStack:
        """One stack; a template too large for the request goes through the log bucket."""
        is_small = len(stack.body.encode()) <= TEMPLATE_BODY_BYTES
        if not is_small:
            after = [*after, self._add_template(stack, after=after)]
        made = CloudFormationStack(
            stack.name,
            name=stack.name,
            region=str(self.platform.region),
            capabilities=list(STACK_CAPABILITIES),
            on_failure="DELETE",  # a failed creation would otherwise stay as ROLLBACK_COMPLETE, and block the next one
            tags=dict(stack.tags),
            **({"template_body": stack.body} if is_small else {"template_url": template_url_of(self.platform, stack)}),
            opts=self._options(after, ignore_changes=list(FIXED_AT_CREATION)),
        )
        self.stacks[stack.name] = made
        return made

    def add_code(self, code: FunctionCode, *, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        """A function's zip, in the log bucket."""
        path = _cache_folder() / code.key
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, code.body)  # another program's engine may read it at this moment
        return self._add_object(f"{code.function}-code", code.key, after, source=pulumi.FileAsset(str(path)))

    def add_card(self, stack: Stack, *, after: Sequence[pulumi.Resource]) -> None:
        """What senders are told of a push dataset, in the log bucket."""
        if stack.card and stack.dataset:
            self._add_object(f"{stack.name}-card", card_key_of(stack.dataset), after, content=stack.card)

    def add_keeper_settings(self, estate: Estate, *, after: Sequence[pulumi.Resource]) -> None:
        """What the keeper is told of the datasets, in the log bucket; of another content each year."""
        content = keeper_settings_of(estate, datetime.now(UTC).date())
        self._add_object("keeper-settings", KEEPER_SETTINGS, after, content=content)

    def _add_template(self, stack: Stack, *, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        return self._add_object(f"{stack.name}-template", stack.template_key, after, content=stack.body)

    def _add_object(
        self, name: str, key: str, after: Sequence[pulumi.Resource], **content: str | pulumi.Asset
    ) -> pulumi.Resource:
        where = {"bucket": str(self.platform.log_bucket), "key": key, "region": str(self.platform.region)}
        made: pulumi.Resource = BucketObject(name, **where, **content, opts=self._options(after))
        return made

    def _options(
        self, after: Sequence[pulumi.Resource], ignore_changes: list[str] | None = None
    ) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(provider=self.provider, depends_on=list(after), ignore_changes=ignore_changes)


def _cache_folder() -> Path:
    """Where the zip lies for Pulumi's engine: `XDG_CACHE_HOME`, or the system's usual place.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    usual = Path.home() / (Path("Library/Caches") if sys.platform == "darwin" else Path(".cache"))
    return (Path(named) if Path(named).is_absolute() else usual) / "data-exports"


def _check_account(platform: Platform, asking: pulumi.InvokeOptions) -> None:
    caller = get_caller_identity(opts=asking)
    if caller.account_id != platform.account:
        raise pulumi.RunError(
            f"the credentials are of account {caller.account_id} ({caller.arn}); the platform is "
            f"{platform.name_of_account(platform.account)}. Use credentials of that account, or correct "
            "platform.account"
        )


def _missing_roles(estate: Estate, asking: pulumi.InvokeOptions) -> frozenset[RoleName]:
    """The users whose roles do not exist: one of them would fail its dataset's whole stack."""
    users = {user for dataset in estate.datasets() for user in dataset.users}
    return frozenset(users - set(get_roles(opts=asking).names))


def _say_missing(estate: Estate, surroundings: Surroundings) -> dict[DatasetName, tuple[RoleName, ...]]:
    found = {dataset.name: split_roles(dataset, surroundings)[1] for dataset in estate.datasets()}
    missing = {name: roles for name, roles in found.items() if roles}
    for name, roles in missing.items():
        pulumi.log.warn(f"{name}: no such role: {', '.join(roles)}; left out until it exists and `pulumi up` has run")
    return missing


def _mover_role_arns(estate: Estate, stacks: Mapping[str, CloudFormationStack]) -> dict[str, pulumi.Output[str]]:
    return {
        str(push.name): pulumi.Output.all(stacks[push.stack_name].id, str(push.mover_role_arn(estate.platform))).apply(
            lambda known: str(known[1])
        )
        for push in estate.push_datasets
    }
