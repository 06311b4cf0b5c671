"""The other side's half of one dataset, as values: what its owner must put in place, and what will happen then.

In: an estate and a dataset. Out: a `Receiving` (push); or one `Reading` for each outside account and one `TokenReading`
or `SftpReading` for each reader outside AWS (pull). Effects: none.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from data_exports.access.handover import outsider_policy, route_of
from data_exports.access.statements import Policy
from data_exports.destinations.half import RecipientHalf
from data_exports.errors import RefusedError, UsageError
from data_exports.estate.models import Estate, Platform, PullDataset, PushDataset
from data_exports.instructions import Instruction
from data_exports.json_values import json_as
from data_exports.names import AccountId, AccountRootArn, BucketName, Outsider, RoleArn
from data_exports.readers.guide import Guide, ReaderWay
from data_exports.readers.kinds import AnyReader
from data_exports.readers.sftp import NO_ADDRESS, SftpAddress, SftpReader
from data_exports.text import code_span

_SINGLE_SIGN_ON_PATH = "/aws-reserved/sso.amazonaws.com/"


class AttachTo(StrEnum):
    """What an outside principal's identity policy is put on."""

    ITSELF = "the role or user itself"
    PERMISSION_SET = "the role's permission set"
    """IAM lets nobody edit a role of single sign-on; Identity Center makes it from its permission set.
    https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html"""
    OWN_CHOICE = "roles of the account's choice"


@dataclass(frozen=True, slots=True)
class Receiving:
    """What the owner of a destination puts in place for one push dataset."""

    platform: Platform
    dataset: PushDataset
    theirs: RecipientHalf
    kind: Literal["push"] = "push"

    @property
    def mover_role(self) -> RoleArn:
        """The role that will write."""
        return self.dataset.mover_role_arn(self.platform)

    @property
    def steps(self) -> tuple[Instruction, ...]:
        """What they are asked to do."""
        return self.theirs.steps


@json_as("arn attach_to policy")
@dataclass(frozen=True, slots=True)
class Reader:
    """One outside role, user or account, and the identity policy it needs."""

    arn: Outsider
    policy: Policy

    @property
    def attach_to(self) -> AttachTo:
        """What the policy is put on."""
        match self.arn:
            case AccountRootArn():
                return AttachTo.OWN_CHOICE
            case RoleArn(path=path) if path.startswith(_SINGLE_SIGN_ON_PATH):
                return AttachTo.PERMISSION_SET
            case _:
                return AttachTo.ITSELF

    @property
    def is_attachable(self) -> bool:
        """Whether a policy can be put on the very principal that the declaration names."""
        return self.attach_to is AttachTo.ITSELF

    @property
    def step(self) -> Instruction:
        """What its account is asked to do."""
        match self.attach_to:
            case AttachTo.ITSELF:
                asks = f"Give {code_span(self.arn)} this policy:"
            case AttachTo.PERMISSION_SET:
                asks = (
                    f"Put this policy into the permission set that {code_span(self.arn)} comes from (IAM Identity "
                    "Center, Permission sets, Inline policy): IAM lets nobody edit such a role itself. Should it be "
                    "provisioned anew, its name changes, and we need to know the new one."
                )
            case AttachTo.OWN_CHOICE:
                asks = (
                    "Our half lets in your account as a whole. Give this policy to the roles, and only those, that "
                    "need it:"
                )
        return Instruction(asks, self.policy)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the owner of one outside account puts in place for one pull dataset."""

    platform: Platform
    dataset: PullDataset
    account: AccountId
    readers: tuple[Reader, ...]
    kind: Literal["pull"] = "pull"

    @property
    def bucket(self) -> BucketName:
        """The bucket they read."""
        return self.dataset.bucket(self.platform)

    @property
    def steps(self) -> tuple[Instruction, ...]:
        """What they are asked to do."""
        return tuple(reader.step for reader in self.readers)


@dataclass(frozen=True, slots=True)
class TokenReading:
    """What the owner of a reader with tokens of another issuer is told of one pull dataset."""

    platform: Platform
    dataset: PullDataset
    reader: AnyReader
    kind: Literal["pull_identity"] = "pull_identity"

    @property
    def role(self) -> RoleArn:
        """The role that it alone can assume."""
        return self.dataset.role_arn_of(self.reader, self.platform)

    @property
    def bucket(self) -> BucketName:
        """The bucket it reads."""
        return self.dataset.bucket(self.platform)

    @property
    def issuer(self) -> str:
        """Who must have issued its tokens."""
        return str(self.reader.issuer)

    @property
    def subject(self) -> str:
        """Whom they must be of."""
        return str(self.reader.subject)

    @property
    def audience(self) -> str | None:
        """For whom they must be; None where only the issuer knows."""
        return self.reader.audience and str(self.reader.audience)

    @property
    def guide(self) -> Guide:
        """What its owner is told."""
        region, dataset = self.platform.region, self.dataset
        return self.reader.guide(ReaderWay(dataset.name, self.role, self.bucket, region, dataset.allow_push))

    @property
    def steps(self) -> tuple[Instruction, ...]:
        """What they are asked to do."""
        return self.guide.steps


@dataclass(frozen=True, slots=True)
class SftpReading:
    """What a reader with an SSH key is told of one pull dataset."""

    platform: Platform
    dataset: PullDataset
    reader: SftpReader
    server: SftpAddress | None
    """None where nobody has asked AWS, or there is no server yet."""
    kind: Literal["sftp_reader"] = "sftp_reader"

    @property
    def bucket(self) -> BucketName:
        """The bucket that it sees as its home."""
        return self.dataset.bucket(self.platform)

    @property
    def user(self) -> str:
        """As whom it logs in."""
        return str(self.reader.name)

    @property
    def host(self) -> str | None:
        """Where, if that is known."""
        return self.server.host if self.server else None

    @property
    def host_key(self) -> str | None:
        """The fingerprint of the server's host key, if that is known."""
        return self.server.host_key if self.server else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The fingerprints of the keys that let it in."""
        return self.reader.fingerprints

    @property
    def guide(self) -> Guide:
        """What it is told."""
        role = self.dataset.role_arn_of(self.reader, self.platform)
        way = ReaderWay(self.dataset.name, role, self.bucket, self.platform.region, self.dataset.allow_push)
        return self.reader.guide(way, self.server or NO_ADDRESS)

    @property
    def steps(self) -> tuple[Instruction, ...]:
        """What it is asked to do."""
        return self.guide.steps


ReadingOutside = TokenReading | SftpReading
Half = Receiving | Reading | ReadingOutside


def halves_of(
    estate: Estate,
    dataset: PushDataset | PullDataset,
    *,
    account: str = "",
    server: SftpAddress | None = None,
    issuer: str = "",
) -> tuple[Half, ...]:
    """What the other side must put in place, one for each of its accounts; with `account` that one's alone.

    What readers by SFTP are told needs the `server`, and what recipients in other clouds are told the `issuer` of the
    platform's tokens: AWS alone knows either.

    Raises `UsageError` when the account has no part in the dataset.
    """
    whole = _halves_of(estate, dataset, server, issuer)
    chosen = tuple(half for half in whole if account in ("", owner_of(half)))
    if account and not chosen:
        owners = ", ".join(str(owner_of(half)) for half in whole if owner_of(half))
        raise UsageError(
            f"{dataset.name} has no handover for account {account!r}",
            next_step=f"its other side is: {owners}" if owners else "leave --account out: the declaration names none",
        )
    return chosen


def owner_of(half: Half) -> AccountId | None:
    """The account that puts this half in place, where the declaration says which."""
    match half:
        case Receiving():
            return half.dataset.destination.account
        case Reading():
            return half.account
        case TokenReading() | SftpReading():
            return None


def nothing_to_attach(half: Half, tool: str) -> RefusedError:
    """What to say when a tool can put nothing on whom or what the declaration names."""
    if isinstance(half, Receiving):
        return RefusedError(
            f"{tool} can make nothing in the {half.theirs.noun} of {half.dataset.name}", next_step="use --as text"
        )
    if isinstance(half, TokenReading | SftpReading):
        return RefusedError(
            f"{tool} has nothing to attach for readers outside AWS, and {half.dataset.name} has no other ones",
            next_step="use --as text",
        )
    return RefusedError(
        f"{tool} can attach nothing to what {half.dataset.name} names in account {half.account}",
        next_step="use --as text: the policy goes into a permission set, or to roles of the account's choice",
    )


def _halves_of(
    estate: Estate, dataset: PushDataset | PullDataset, server: SftpAddress | None, issuer: str
) -> tuple[Half, ...]:
    if isinstance(dataset, PushDataset):
        theirs = dataset.destination.half(route_of(estate, dataset, issuer=issuer))
        return (Receiving(estate.platform, dataset, theirs),)
    accounts = sorted({outsider.account for outsider in dataset.outsiders})
    return (
        *(_reading(estate, dataset, account) for account in accounts),
        *(TokenReading(estate.platform, dataset, reader) for reader in dataset.identities),
        *(SftpReading(estate.platform, dataset, reader, server) for reader in dataset.sftp_readers),
    )


def _reading(estate: Estate, pull: PullDataset, account: AccountId) -> Reading:
    theirs = [outsider for outsider in pull.outsiders if outsider.account == account]
    readers = tuple(Reader(outsider, outsider_policy(estate, pull, outsider)) for outsider in theirs)
    return Reading(estate.platform, pull, account, readers)
