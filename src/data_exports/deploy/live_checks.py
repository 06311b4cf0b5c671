"""Whether the names in declarations stand for something: users' roles that do not exist, target buckets of others.

And whether the key that signs the evidence is one that the estate keeps.

In: drafts, and an `Aws` with any rights. Out: findings at the names. Effects: reads AWS. AWS tells not everything to
everybody; what it does not tell is a warning of its own, and never taken for yes or no.
"""

from collections.abc import Iterator
from difflib import SequenceMatcher

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, aws_error_of, aws_errors, call_or_none
from data_exports.deploy.evidence_keys import OTHER_KEY_NEXT, said_of_deployed_key
from data_exports.deploy.remote import check_account, read_missing_roles
from data_exports.destinations.destination import Fault, Lookup, Misfit
from data_exports.destinations.federation import federation_for
from data_exports.destinations.kinds import AnyDestination
from data_exports.errors import UsageError
from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft, PushDraft
from data_exports.estate.findings import Finding, warning
from data_exports.estate.models import Platform
from data_exports.names import RoleName
from data_exports.parallel import map_ordered

SLIP_LETTERS = 2
"""How many letters a slip of the pen adds, drops or (counted twice) exchanges."""


_CODES = {
    Fault.MISSING: Code.NO_SUCH_BUCKET,
    Fault.OTHER_OWNER: Code.OTHER_OWNER,
    Fault.NOT_TOLD: Code.NOT_TOLD,
    Fault.NO_FEDERATION: Code.NO_FEDERATION,
}


def check_live(draft: EstateDraft, platform: Platform, aws: Aws) -> tuple[Finding, ...]:
    """Every finding that only AWS can tell, sorted. Raises `AwsError`, and `RefusedError` in another account."""
    check_account(aws, platform)
    found = (*_check_roles(draft, aws), *_check_targets(draft, platform, aws), *_check_key(draft, platform, aws))
    return tuple(sorted(found))


# --- users' roles --------------------------------------------------------------------------------------------------


def _check_roles(draft: EstateDraft, aws: Aws) -> Iterator[Finding]:
    users = list(draft.users())
    lookup = read_missing_roles(aws, (user.value for user in users))
    if lookup.not_checked and (patterns := draft.setting(f.USER_ROLES)):
        place = patterns[0].place
        message = f"whether the users' roles exist is not known: {lookup.not_checked}"
        yield warning(place, Code.NOT_TOLD, message, "use credentials that may do iam:GetRole")
    roles = _role_names(aws) if lookup.missing else []
    for user in users:
        if user.value in lookup.missing:
            message = f"there is no role {user.value}"
            yield Finding(user.place, Code.NO_SUCH_ROLE, message, _role_hint(user.value, roles))


def _role_hint(user: RoleName, roles: list[str]) -> str:
    near = min(roles, key=lambda role: _distance(user, role), default="")
    if near and _distance(user, near) <= SLIP_LETTERS:
        return f"did you mean {near!r}?"
    return "correct the name, or deploy again once the role exists"


def _distance(one: str, other: str) -> int:
    """Letters that are in one of the two only; upper and lower case are one."""
    alike = SequenceMatcher(None, one.lower(), other.lower()).get_matching_blocks()
    return len(one) + len(other) - 2 * sum(block.size for block in alike)


def _role_names(aws: Aws) -> list[str]:
    """The account's roles, for hints; none if we may not list them."""
    pages = aws.client("iam").get_paginator("list_roles").paginate()
    with aws_errors():
        return call_or_none(lambda: [r["RoleName"] for page in pages for r in page["Roles"]], AwsAnswer.FORBIDDEN) or []


# --- destinations --------------------------------------------------------------------------------------------------


def _check_targets(draft: EstateDraft, platform: Platform, aws: Aws) -> Iterator[Finding]:
    found = [(dataset, dataset.part("destination")) for dataset in draft.push]
    pushes: list[tuple[PushDraft, AnyDestination]] = [(dataset, there) for dataset, there in found if there]
    destinations = list({there for _, there in pushes})
    lookup = Lookup(aws, platform.account, _own_buckets(aws), federation_for(destinations, aws))

    def misfit_of(there: AnyDestination) -> Misfit | None:
        return there.misfit(lookup, platform.name_of_account(there.account) if there.account else "")

    misfits = dict(zip(destinations, map_ordered(misfit_of, destinations), strict=True))
    for dataset, there in pushes:
        if misfit := misfits[there]:
            tell = warning if misfit.fault is Fault.NOT_TOLD else Finding
            yield tell(dataset.place_of(misfit.field), _CODES[misfit.fault], misfit.message, misfit.hint)


def _own_buckets(aws: Aws) -> frozenset[str]:
    """The buckets of the platform's own account, as far as we may list them."""
    with aws_errors():
        found = call_or_none(aws.client("s3").list_buckets, AwsAnswer.FORBIDDEN)
    return frozenset(bucket["Name"] for bucket in found["Buckets"]) if found else frozenset()


# --- the evidence's key --------------------------------------------------------------------------------------------


def _check_key(draft: EstateDraft, platform: Platform, aws: Aws) -> Iterator[Finding]:
    if draft.platform is None or platform.evidence is None:
        return
    place = draft.platform.place_of(f.EVIDENCE.name)
    try:
        said = said_of_deployed_key(place.path.parent, platform, aws)
    except UsageError as error:
        yield warning(place, Code.OTHER_EVIDENCE_KEY, error.what, error.next_step)
    except AWS_EXCEPTIONS as error:
        if answer_of(error) is not AwsAnswer.FORBIDDEN:
            raise aws_error_of(error) from error
        message = "whether the evidence is signed by a key that the estate keeps is not known: access denied"
        yield warning(place, Code.NOT_TOLD, message, "use credentials that may do kms:GetPublicKey")
    else:
        if said:
            yield warning(place, Code.OTHER_EVIDENCE_KEY, said, OTHER_KEY_NEXT)
