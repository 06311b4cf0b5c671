"""Who made a request to a pull dataset's bucket, as S3's log names them and as the declarations do.

In: the text of a log's field, a platform, a pull dataset. Out: values and words. Effects: none.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html#log-record-fields (Requester)
"""

from dataclasses import dataclass

from data_exports.estate.models import Platform, PullDataset
from data_exports.names import AccountId, AccountRootArn, Outsider, RoleArn, is_pull_role
from data_exports.readers.kinds import OutsideReader
from data_exports.text import quoted


@dataclass(frozen=True, slots=True)
class Requester:
    """Who made a request, as far as S3's log tells."""

    account: str
    """``""`` when the log names no ARN."""
    name: str
    """Of the role or user, without a path; of anybody else what the log has."""
    kind: str
    """``role``, ``user``, or anything else."""
    session: str = ""
    """What the session of a role is called: mostly a choice of whoever began it, and no proof of anything."""

    def is_of(self, principal: Outsider) -> bool:
        """Whether a grant to this principal is a grant to the requester."""
        if isinstance(principal, AccountRootArn):
            return self.account == principal.account
        kind = "role" if isinstance(principal, RoleArn) else "user"
        return (self.account, self.name, self.kind) == (principal.account, principal.rpartition("/")[2], kind)

    def words(self, platform: Platform) -> str:
        """Who it is for people: a role of the platform by its name, everybody else with the account."""
        name = self.name if self.kind in ("role", "", "root") else f"{self.kind} {self.name}"
        if not self.account or (self.account == platform.account and self.kind != "root"):
            gone = " (the role of a reader outside AWS that is not declared)" if is_pull_role(self.name) else ""
            return name + gone
        is_account = AccountId.pattern.fullmatch(self.account)
        account = platform.name_of_account(AccountId(self.account)) if is_account else self.account
        return f"{name} of {account}"

    def reader(self, platform: Platform, pull: PullDataset) -> OutsideReader | None:
        """The reader outside AWS whose role it is, if the dataset declares one."""
        own = (each for each in pull.readers if self.is_of(pull.role_arn_of(each, platform)))
        return next(own, None)

    def told(self, platform: Platform, pull: PullDataset) -> str:
        """Who it is for people: a reader outside AWS as declared, and what it called its session; else `words`."""
        reader = self.reader(platform, pull)
        if reader is None:
            return self.words(platform)
        own_word = f", as the session {quoted(self.session)}" if reader.names_sessions and self.session else ""
        return reader.label + own_word


def requester_of(text: str) -> Requester:
    """Who is named: a session's role, a user, a service, or nobody."""
    parts = text.split(":", 5)
    if len(parts) < 6:
        return Requester("", text or "nobody who signed", kind="")
    kind, _, rest = parts[5].partition("/")
    if kind == "assumed-role":
        role, _, session = rest.partition("/")
        return Requester(parts[4], role, kind="role", session=session)
    return Requester(parts[4], rest.rpartition("/")[2] or parts[5], kind)
