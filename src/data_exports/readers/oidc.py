"""Readers with tokens of an issuer that is named by its address: Kubernetes, GitHub Actions, any other. Effects: none.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from data_exports.readers.identifiers import Audience, Issuer, Namespace, ServiceAccountName, Subject
from data_exports.readers.reader import ReaderPart, TokenReader

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
_ISSUER = ReaderPart(Issuer, "Who issues its tokens, to the letter as in their `iss`.")
_AUDIENCE = ReaderPart(Audience, "What its tokens must say they are for.")


@dataclass(frozen=True, slots=True, order=True)
class KubernetesServiceAccount(TokenReader):
    """A service account of a cluster, with a projected token.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens
    """

    issuer: Issuer
    namespace: Namespace
    service_account: ServiceAccountName
    audience: Audience
    kind: ClassVar[str] = "kubernetes"
    parts: ClassVar[Mapping[str, ReaderPart]] = {
        "issuer": _ISSUER,
        "namespace": ReaderPart(Namespace, "Namespace of the service account."),
        "service_account": ReaderPart(ServiceAccountName, "Name of the service account."),
        "audience": _AUDIENCE,
    }

    @property
    def subject(self) -> str:
        """The tokens' `sub`."""
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"

    @property
    def words(self) -> tuple[str, str]:
        """Who it is."""
        return "the service account", f"{self.namespace}/{self.service_account} of the cluster {self.issuer}"

    @property
    def party(self) -> str:
        """The cluster."""
        return self.issuer

    @property
    def party_words(self) -> tuple[str, str]:
        """The cluster."""
        return "the Kubernetes cluster", str(self.issuer)


@dataclass(frozen=True, slots=True, order=True)
class TokenHolder(TokenReader):
    """Whoever an issuer calls by one subject."""

    issuer: Issuer
    subject: Subject
    audience: Audience
    kind: ClassVar[str] = "oidc"
    parts: ClassVar[Mapping[str, ReaderPart]] = {
        "issuer": _ISSUER,
        "subject": ReaderPart(Subject, "Whom its tokens are of: their `sub`, to the letter."),
        "audience": _AUDIENCE,
    }

    @property
    def words(self) -> tuple[str, str]:
        """Who it is."""
        return "the holder of a token", f"of {self.issuer} for {self.subject}"

    @property
    def party(self) -> str:
        """At GitHub, which issues tokens for everybody, the repository's owner; elsewhere the reader itself."""
        owner = self._github_owner
        return f"{self.issuer} {owner}" if owner else f"{self.issuer} {self.subject}"

    @property
    def party_words(self) -> tuple[str, str]:
        """The same for people."""
        return ("the owner of repositories at GitHub", self._github_owner) if self._github_owner else self.words

    @property
    def _github_owner(self) -> str:
        """Who owns the repository of a workflow; "" where the subject does not begin with one.

        https://docs.github.com/en/actions/reference/security/oidc#example-subject-claims
        """
        kind, _, rest = self.subject.partition(":")
        return rest.partition("/")[0] if self.issuer == GITHUB_ISSUER and kind == "repo" and "/" in rest else ""
