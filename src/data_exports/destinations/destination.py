"""What a kind of recipient provides, and the values in which it answers.

A destination is a value, made from a declaration. All that differs between a bucket of S3 and other places is asked of
it, and of nothing else: there is no other place that tells kinds apart. In: what it is asked about. Out: values; the
words in them are ready for any view. Effects: none, but for `misfit`, which reads AWS.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Any, Literal, Protocol

from data_exports.contract.tasks import Try
from data_exports.destinations.half import RecipientHalf
from data_exports.names import AccountId, DatasetName, KeyPrefix, RoleArn

if TYPE_CHECKING:
    from data_exports.aws import Aws
    from data_exports.contract.settings import DestinationSettings

Document = dict[str, Any]
"""A policy of IAM, or one of its statements."""


Verb = Literal["read", "write", "delete"]
"""What somebody does with files, in words."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two parts of what declares a destination that do not fit each other."""

    part: str
    """The one where it is said."""
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Right:
    """Something that a mover may do for the sake of its destination."""

    resource: str
    """An ARN; of what is not AWS's its address. A ``*`` may stand at the end."""
    actions: tuple[str, ...]
    owner_account: AccountId | None = None
    """The account that must own the resource."""
    conditions: tuple[tuple[str, str, str], ...] = ()
    """IAM's operators, condition keys and values."""
    counterpart: str = ""
    """What the recipient's own statement for this right is called; "" where none is asked for."""


@dataclass(frozen=True, slots=True)
class Route:
    """The way of one dataset to its destination: what the recipient's half depends on."""

    dataset: DatasetName
    prefix: KeyPrefix
    mover_role: RoleArn
    owner: str = ""
    """The destination's account for people; "" when it is not named."""
    statements: Mapping[str, tuple[Document, ...]] = field(default_factory=dict)
    """For each counterpart of a right: the recipient's statements."""
    policy: Document = field(default_factory=dict)
    """For the destination itself: the policy that serves every dataset of the estate that goes there."""
    also_delivered: tuple[DatasetName, ...] = ()
    """The other datasets that `policy` serves."""
    also_let_in: tuple[RoleArn, ...] = ()
    """The movers' roles of other datasets of the estate that come in by the same door."""
    also_acting: tuple[DatasetName, ...] = ()
    """The other datasets whose movers act as the same identity of the recipient's."""
    issuer: str = ""
    """Who issues the tokens of our account; "" where nobody has asked AWS, or it does not tell."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What somebody has to do before the file can be delivered."""

    text: str
    statements: tuple[Document, ...] = ()
    """Policy statements for the recipient to add to the policy of the bucket."""
    key_statements: tuple[Document, ...] = ()
    """Policy statements for the recipient to add to the policy of the key."""


class Party(StrEnum):
    """Whose half something belongs to."""

    OURS = "ours"
    THEIRS = "theirs"
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is missing, on which side, and what to do."""

    side: Party
    what: str
    next_step: str


class Fault(Enum):
    """What is wrong with a destination that is declared."""

    MISSING = auto()
    OTHER_OWNER = auto()
    NOT_TOLD = auto()
    """It is there, and whose it is cannot be told."""
    NO_FEDERATION = auto()
    """Our own account does not let its roles prove who they are outside AWS."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong, or not known, about a destination that is declared."""

    fault: Fault
    field: str
    """The declaration's field that it is about."""
    message: str
    hint: str


OUTBOUND_FEDERATION = "outbound web identity federation"


@dataclass(frozen=True, slots=True)
class Federation:
    """Whether an account lets its roles have tokens for others."""

    is_on: bool | None
    """None where AWS does not tell us."""
    issuer: str = ""
    """Who issues them: ``https://<id>.tokens.sts.global.api.aws``; "" where it is not on, or not told."""
    not_told: str = ""
    """Why AWS does not tell."""

    @property
    def warning(self) -> str:
        """What to say where it is not known; "" where it is."""
        return f"whether this account allows {OUTBOUND_FEDERATION} is not known: {self.not_told}" * (self.is_on is None)


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a destination may be looked for."""

    aws: "Aws"
    account: AccountId
    """Whose credentials these are."""
    own_buckets: frozenset[str]
    """The buckets of that account, as far as they may be listed."""
    federation: Federation | None = None
    """Whether that account lets its roles have tokens for others; None where nobody needs any."""


class Destination(Protocol):
    """Where the files of a dataset go."""

    @property
    def declaration(self) -> Mapping[str, str | Mapping[str, str] | None]:
        """The fields of the declaration, by name."""

    @property
    def uri(self) -> str:
        """What tells it from every other destination, without a slash at its end: ``s3://bucket``."""

    @property
    def name(self) -> str:
        """What it is called in a sentence."""

    @property
    def account(self) -> AccountId | None:
        """The AWS account that the data is opened to, if it is one and is named."""

    @property
    def door(self) -> str:
        """What lets movers in there: destinations that have it in common ask for one and the same change of it."""

    @property
    def acts_as(self) -> str:
        """As which identity of the recipient's movers write there: each may do all that this one may; "" where none."""

    @property
    def settings(self) -> "DestinationSettings":
        """What its mover is told of it."""

    def rights(self, prefix: KeyPrefix) -> tuple[Right, ...]:
        """What the mover may do, to deliver under this prefix. One is on the files themselves, and ends in ``/*``."""

    def half(self, route: Route) -> RecipientHalf:
        """What its owner must put in place."""

    def advice(self, cause: str, route: Route) -> Advice | None:
        """What to do about failures of a cause that is the recipient's; None where nothing special helps."""

    @property
    def tries(self) -> Mapping[str, tuple[str, str]]:
        """What a mover's probe tries → in words, and the permission it takes."""

    def lacks(self, tries: Sequence[Try], route: Route, *, is_ours_good: bool | None) -> Iterator[Lack]:
        """What is lacking, told from a probe's tries; None: whether our half is good is not known."""

    def misfit(self, lookup: Lookup, owner: str) -> Misfit | None:
        """What is wrong with it, as far as AWS tells, which is asked; `owner` is its account for people."""
