"""What a kind of reader outside AWS provides: whose tokens it comes with, and what must stand in them.

A reader is a value, made from a declaration, and all that differs between kinds is asked of it. In: checked
identifiers. Out: values. Effects: none. Each reader gets a role of its own, which nobody else can assume:
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

import hashlib
from collections.abc import Mapping
from typing import ClassVar, Protocol

from data_exports.declared import DeclaredPart
from data_exports.readers.guide import Guide, ReaderWay
from data_exports.readers.identifiers import Audience


class FederatedReader(Protocol):
    """A reader outside AWS; each kind is a frozen dataclass whose fields are its parts."""

    kind: ClassVar[str]
    """What it is called in a declaration."""
    parts: ClassVar[Mapping[str, DeclaredPart]]
    bucket_actions: ClassVar[tuple[str, ...]]
    """What it may do with the bucket as a whole, besides what every reader may."""
    names_sessions: ClassVar[bool]
    """Whether it may call its sessions as it likes, so that their names prove nothing."""

    @property
    def issuer(self) -> str:
        """Whose tokens it comes with: ``https://host/path``."""

    @property
    def subject(self) -> str:
        """The tokens' `sub`."""

    @property
    def audience(self) -> Audience | None:
        """The tokens' `aud`; None where only the issuer knows it."""

    @property
    def words(self) -> tuple[str, str]:
        """What it is, in our words, and what it is called, in somebody's: together a part of a sentence."""

    @property
    def party(self) -> str:
        """Who decides whom such tokens are of: what tells that party from every other one."""

    @property
    def party_words(self) -> tuple[str, str]:
        """The party as in `words`."""

    @property
    def host(self) -> str:
        """The issuer as IAM names it: what its provider is called, and what condition keys begin with."""

    @property
    def provider(self) -> str | None:
        """The name of the OIDC provider that the account needs for it; None for one that AWS has built in."""

    @property
    def conditions(self) -> Mapping[str, str]:
        """Condition keys of the role's trust, and what each must equal."""

    @property
    def label(self) -> str:
        """Who it is, in words."""

    @property
    def identity(self) -> str:
        """What makes two readers one: issuer and subject, whatever else is said of them."""

    @property
    def short_id(self) -> str:
        """8 hexadecimal digits of a digest of its identity."""

    @property
    def known_as(self) -> tuple[str, ...]:
        """By what people may ask for it."""

    @property
    def declaration(self) -> dict[str, dict[str, str]]:
        """What declares it, by the names of its kind and its parts."""

    def guide(self, way: ReaderWay) -> Guide:
        """What its owner is told."""


class TokenReader:
    """What most kinds have in common; a kind that differs says so itself."""

    __slots__ = ()
    bucket_actions: ClassVar[tuple[str, ...]] = ()
    names_sessions: ClassVar[bool] = True

    @property
    def party(self: FederatedReader) -> str:
        """The reader itself."""
        return f"{self.issuer} {self.subject}"

    @property
    def party_words(self: FederatedReader) -> tuple[str, str]:
        """The reader itself."""
        return self.words

    @property
    def host(self: FederatedReader) -> str:
        """The issuer without ``https://``; a slash at its end stays."""
        return self.issuer.removeprefix("https://")

    @property
    def provider(self: FederatedReader) -> str | None:
        """One of the issuer's name."""
        return self.host

    @property
    def conditions(self: FederatedReader) -> Mapping[str, str]:
        """The tokens' `aud`, where it is known, and `sub`.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
        """
        for_whom = {f"{self.host}:aud": str(self.audience)} if self.audience else {}
        return {**for_whom, f"{self.host}:sub": str(self.subject)}

    @property
    def label(self: FederatedReader) -> str:
        """Both its words."""
        return " ".join(self.words)

    @property
    def identity(self: FederatedReader) -> str:
        """Both, a line each."""
        return f"{self.issuer}\n{self.subject}"

    @property
    def short_id(self: FederatedReader) -> str:
        """Its beginning."""
        return hashlib.sha256(self.identity.encode()).hexdigest()[:8]

    @property
    def known_as(self: FederatedReader) -> tuple[str, ...]:
        """By what people may ask for it: all that its declaration says."""
        return tuple(str(getattr(self, name)) for name in self.parts)

    @property
    def declaration(self: FederatedReader) -> dict[str, dict[str, str]]:
        """All its parts."""
        return {self.kind: {name: str(getattr(self, name)) for name in self.parts}}
