"""Readers in Google Cloud: a service account with its own tokens, and the Storage Transfer Service. Effects: none.

AWS knows Google's issuer without a provider:
https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from data_exports.readers.identifiers import Audience, ServiceAccount, TransferSubject, UniqueId
from data_exports.readers.reader import ReaderPart, TokenReader

GOOGLE_ISSUER = "https://accounts.google.com"


@dataclass(frozen=True, slots=True, order=True)
class GoogleServiceAccount(TokenReader):
    """A service account that asks for a token with an audience of our choosing."""

    service_account: ServiceAccount
    unique_id: UniqueId
    audience: Audience
    kind: ClassVar[str] = "google"
    parts: ClassVar[Mapping[str, ReaderPart]] = {
        "service_account": ReaderPart(ServiceAccount, "E-mail address of the service account, for people."),
        "unique_id": ReaderPart(UniqueId, "Its numeric id, which alone tells who it is."),
        "audience": ReaderPart(Audience, "What its tokens must say they are for."),
    }
    issuer: ClassVar[str] = GOOGLE_ISSUER
    provider = None

    @property
    def subject(self) -> str:
        """The tokens' `sub`."""
        return self.unique_id

    @property
    def words(self) -> tuple[str, str]:
        """Who it is."""
        return "Google's service account", f"{self.service_account} (unique id {self.unique_id})"

    @property
    def conditions(self) -> dict[str, str]:
        """Of Google's tokens ``:aud`` is the `azp`, which is the account's own id, and ``:oaud`` the `aud`.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
        """
        return {
            f"{self.host}:aud": self.unique_id,
            f"{self.host}:oaud": self.audience,
            f"{self.host}:sub": self.unique_id,
        }


@dataclass(frozen=True, slots=True, order=True)
class GoogleTransfer(TokenReader):
    """The Storage Transfer Service as it acts for one project; its tokens have no audience of ours.

    https://cloud.google.com/storage-transfer/docs/source-amazon-s3#federated_identity
    """

    subject: TransferSubject
    kind: ClassVar[str] = "google_transfer"
    parts: ClassVar[Mapping[str, ReaderPart]] = {
        "subject": ReaderPart(TransferSubject, "Its `subjectId`, one for each project.")
    }
    bucket_actions: ClassVar[tuple[str, ...]] = ("s3:GetBucketLocation",)
    issuer: ClassVar[str] = GOOGLE_ISSUER
    provider = None
    audience = None

    @property
    def words(self) -> tuple[str, str]:
        """Who it is."""
        return "Google's Storage Transfer Service", f"(subject {self.subject})"
