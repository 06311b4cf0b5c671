"""Rules on who is let in: users of the platform, and outsiders."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from fnmatch import fnmatchcase

from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft
from data_exports.estate.field_types import Located
from data_exports.estate.findings import Finding, Severity, warning
from data_exports.estate.identifier_types import PROTECTED_ROLES, SSO_PATH, SSO_PREFIX, sso_advice
from data_exports.limits import AUDIENCES_PER_PROVIDER
from data_exports.names import AccountId, AccountRootArn, Outsider, RoleArn, RoleName, UserArn
from data_exports.readers.kinds import AnyReader
from data_exports.readers.sftp import SftpReader

NEAR = 0.8
"""How alike two beginnings of a name must be for one to be a slip of the other."""


def check_users_are_allowed(draft: EstateDraft) -> Iterator[Finding]:
    """Only roles that the platform lists can be granted anything."""
    patterns = draft.setting(f.USER_ROLES)
    if patterns is None:
        return
    allowed = ", ".join(pattern.value for pattern in patterns)
    for user in draft.users():
        if not any(fnmatchcase(user.value, pattern.value) for pattern in patterns):
            message = f"{str(user.value)!r} is not a role that this platform lets datasets name"
            hint = f"exports.yaml allows {allowed}; upper and lower case matter"
            if near := _nearest_allowed(user.value, [pattern.value for pattern in patterns]):
                hint = f"did you mean {near!r}? {hint}"
            yield Finding(user.place, Code.USER_NOT_ALLOWED, message, hint)


def check_users_can_be_granted_to(draft: EstateDraft) -> Iterator[Finding]:
    """Users are granted access by a policy of their role, which AWS must let somebody change."""
    for user in draft.users():
        for prefix, whose in PROTECTED_ROLES.items():
            if user.value.startswith(prefix):
                message = f"{str(user.value)!r} is a role of {whose}, which AWS lets nobody give a policy"
                hint = "name a role of the platform's own that its people can assume"
                yield Finding(user.place, Code.PROTECTED_USER, message, hint)


def _nearest_allowed(user: RoleName, patterns: Sequence[str]) -> str:
    """The user's name, begun as a pattern of the form ``alpha_user_*`` has it, if it begins nearly so."""
    for start in (pattern[:-1] for pattern in patterns if pattern.endswith("*")):
        mark = start[-1:]
        if set(start) & set("*?") or mark.isalnum():
            continue
        *begun, rest = user.split(mark, start.count(mark))
        if SequenceMatcher(None, mark.join([*begun, ""]).lower(), start.lower()).ratio() >= NEAR:
            return start + rest
    return ""


def check_nobody_is_listed_twice(draft: EstateDraft) -> Iterator[Finding]:
    """Two entries for one role are a slip: somebody else was meant, or only one is removed one day."""
    for dataset in draft.datasets:
        yield from _repeated(dataset[f.USERS] or ())
    for pull in draft.pull:
        yield from _repeated(pull[f.PULL_ARNS] or ())
        yield from _repeated_readers(pull[f.PULL_IDENTITIES] or ())


def _repeated(entries: Sequence[Located[Outsider]] | Sequence[Located[RoleName]]) -> Iterator[Finding]:
    lines: dict[str, int] = {}
    for entry in entries:
        key = entry.value.lower()  # IAM knows no two roles that differ in case only
        if key in lines:
            message = f"{str(entry.value)!r} is listed twice; first on line {lines[key]}"
            yield Finding(entry.place, Code.TWICE, message, "keep one of the two")
        lines.setdefault(key, entry.place.line)


def _repeated_readers(identities: Sequence[Located[AnyReader]]) -> Iterator[Finding]:
    """One identity is one, whatever else is said of it: it has one role."""
    first: dict[str, Located[AnyReader]] = {}
    for entry in identities:
        other = first.setdefault(entry.value.identity, entry)
        if other is not entry:
            message = f"{entry.value.label} is listed twice; first on line {other.place.line}"
            yield Finding(entry.place, Code.TWICE, message, "keep one of the two")


def check_readers_have_roles_of_their_own(draft: EstateDraft) -> Iterator[Finding]:
    """A role is named after a reader's short id, which somebody can find to be another's."""
    for pull in draft.pull:
        by_sftp = [Located(SftpReader(each.value["name"].value, ()), each.place) for each in pull[f.SFTP_READERS] or ()]
        first: dict[str, Located[AnyReader | SftpReader]] = {}
        for entry in [*(pull[f.PULL_IDENTITIES] or ()), *by_sftp]:
            other = first.setdefault(entry.value.short_id, entry)
            if other.value.identity != entry.value.identity:
                message = f"{entry.value.label} would have the role of the reader on line {other.place.line}, by chance"
                hint = "put one of the two into a dataset of its own, or give it another name or subject"
                yield Finding(entry.place, Code.TWICE, message, hint)


def check_number_of_audiences(draft: EstateDraft) -> Iterator[Finding]:
    """A provider of tokens in IAM takes so many audiences."""
    audiences: dict[str, set[str]] = {}
    for entry in (entry for pull in draft.pull for entry in pull[f.PULL_IDENTITIES] or ()):
        reader = entry.value
        if reader.provider and reader.audience:
            known = audiences.setdefault(reader.issuer, set())
            is_over = len({*known, reader.audience}) > AUDIENCES_PER_PROVIDER >= len(known)
            known.add(reader.audience)
            if is_over:
                message = (
                    f"{reader.issuer} would have more than {AUDIENCES_PER_PROVIDER} audiences, which IAM does not take"
                )
                yield Finding(entry.place, Code.TOO_MANY_AUDIENCES, message, "let several readers use one audience")


def check_outsiders(draft: EstateDraft) -> Iterator[Finding]:
    """Who is let in from outside: a role is best, a user or single sign-on doubtful, a whole account must be known."""
    own = draft.setting(f.ACCOUNT_ID)
    known = frozenset(account.value for account, _ in draft.setting(f.ACCOUNTS) or ())
    for outsider in (outsider for dataset in draft.pull for outsider in dataset[f.PULL_ARNS] or ()):
        yield from _check_kind(outsider, known)
        if own and outsider.value.account == own.value:
            yield _check_own(outsider, draft.setting(f.USER_ROLES) or ())


def _check_own(outsider: Located[Outsider], patterns: Sequence[Located[str]]) -> Finding:
    """A role of the platform's own account that `user_roles` does not let a dataset name is none by another way."""
    name = outsider.value.name if isinstance(outsider.value, RoleArn) else ""
    is_allowed = any(fnmatchcase(name, pattern.value) for pattern in patterns)
    message = "this is in the platform's own account" + ("" if is_allowed else ", and user_roles does not allow it")
    hint = "list the platform's own roles under `users`; check that the account is right"
    severity = Severity.WARNING if is_allowed else Severity.ERROR
    return Finding(outsider.place, Code.OWN_ACCOUNT_OUTSIDER, message, hint, severity)


def _check_kind(outsider: Located[Outsider], known: frozenset[AccountId]) -> Iterator[Finding]:
    match outsider.value:
        case AccountRootArn() as whole if whole.account not in known:
            message = f"{str(whole)!r} lets in whoever account {whole.account} chooses"
            hint = "name its roles, or list the account under `accounts` in exports.yaml"
            yield Finding(outsider.place, Code.WHOLE_ACCOUNT, message, hint)
        case AccountRootArn() as whole:
            message = f"this lets in whoever account {whole.account} chooses, now and later"
            yield warning(outsider.place, Code.LISTED_ACCOUNT, message, "name the roles that need it instead")
        case UserArn():
            message = "this is an IAM user, whose access keys do not run out"
            yield warning(outsider.place, Code.USER_ARN, message, "ask the recipient for a role to name instead")
        case RoleArn() as role if role.name.startswith(SSO_PREFIX) and not role.path.startswith(SSO_PATH):
            message = "a role of single sign-on has a path; without it nobody fits this ARN"
            yield Finding(outsider.place, Code.SSO_PATH, message, sso_advice(role.account, role.name))
        case RoleArn() as role if role.name.startswith(SSO_PREFIX):
            message = "single sign-on gives this role another name when it is set up again; access then stops"
            yield warning(outsider.place, Code.SSO_ROLE, message, "ask the recipient for a role of their own making")
        case _:
            pass
