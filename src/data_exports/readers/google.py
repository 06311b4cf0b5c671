"""Readers in Google Cloud: a service account with its own tokens, and the Storage Transfer Service. Effects: none.

AWS knows Google's issuer without a provider:
https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from data_exports.declared import DeclaredPart
from data_exports.instructions import Instruction
from data_exports.readers.guide import Guide, ReaderWay, program_profile_step, program_step, with_profile
from data_exports.readers.identifiers import Audience, ServiceAccount, TransferSubject, UniqueId
from data_exports.readers.reader import TokenReader
from data_exports.text import json_text, shell_word

GOOGLE_ISSUER = "https://accounts.google.com"


@dataclass(frozen=True, slots=True, order=True)
class GoogleServiceAccount(TokenReader):
    """A service account that asks for a token with an audience of our choosing."""

    service_account: ServiceAccount
    unique_id: UniqueId
    audience: Audience
    kind: ClassVar[str] = "google"
    parts: ClassVar[Mapping[str, DeclaredPart]] = {
        "service_account": DeclaredPart(ServiceAccount, "E-mail address of the service account, for people."),
        "unique_id": DeclaredPart(UniqueId, "Its numeric id, which alone tells who it is."),
        "audience": DeclaredPart(Audience, "What its tokens must say they are for."),
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

    def guide(self, way: ReaderWay) -> Guide:
        """With an ID token that `gcloud` has by impersonation, or the machine from its metadata server.

        https://cloud.google.com/sdk/gcloud/reference/auth/print-identity-token
        https://cloud.google.com/docs/authentication/get-id-token
        """
        audience, account = shell_word(self.audience), self.service_account
        metadata = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts"
        return Guide(
            needs=f"The service account {account}, whose unique id is {self.unique_id}, and somebody signed in to "
            "`gcloud` who may act as it (roles/iam.serviceAccountOpenIdTokenCreator on it), or a machine at Google "
            "that runs as it. No key of the service account is needed, and nothing is shared with us.",
            steps=(
                program_step(
                    way,
                    f"gcloud auth print-identity-token --impersonate-service-account={account} --audiences={audience}",
                    "# or, on a machine at Google that runs as the service account:",
                    f"# curl -fsS -H 'Metadata-Flavor: Google' -G --data-urlencode audience={audience} "
                    f"{metadata}/{account}/identity",
                ),
                program_profile_step(way),
            ),
            use=with_profile(way),
            to_know="A service account that is deleted and made again, even under the same address, has another unique "
            "id: tell us first.",
        )


@dataclass(frozen=True, slots=True, order=True)
class GoogleTransfer(TokenReader):
    """The Storage Transfer Service as it acts for one project; its tokens have no audience of ours.

    https://cloud.google.com/storage-transfer/docs/source-amazon-s3#federated_identity
    """

    subject: TransferSubject
    kind: ClassVar[str] = "google_transfer"
    parts: ClassVar[Mapping[str, DeclaredPart]] = {
        "subject": DeclaredPart(TransferSubject, "Its `subjectId`, one for each project.")
    }
    bucket_actions: ClassVar[tuple[str, ...]] = ("s3:GetBucketLocation",)
    issuer: ClassVar[str] = GOOGLE_ISSUER
    provider = None
    audience = None

    @property
    def words(self) -> tuple[str, str]:
        """Who it is."""
        return "Google's Storage Transfer Service", f"(subject {self.subject})"

    def guide(self, way: ReaderWay) -> Guide:
        """A transfer job with the role's ARN.

        https://cloud.google.com/storage-transfer/docs/source-amazon-s3#federated_identity
        https://cloud.google.com/sdk/gcloud/reference/transfer/jobs/create
        """
        return Guide(
            needs=f"A project whose Storage Transfer Service has the subjectId {self.subject} "
            "(googleServiceAccounts.get of the Storage Transfer API tells it), and a bucket of yours to which it may "
            "write. No key is needed: the service itself proves to AWS who it is.",
            steps=(
                Instruction(
                    f"Write this file, {way.profile}.json. It holds no secret:",
                    lines=(json_text({"roleArn": way.role}),),
                ),
                Instruction(
                    "Make a transfer job; PROJECT and BUCKET are yours:",
                    lines=(
                        f"gcloud transfer jobs create s3://{way.bucket} gs://BUCKET \\",
                        f"  --source-creds-file={way.profile}.json --project=PROJECT",
                    ),
                    remark="In the console: source Amazon S3, AWS IAM role for identity federation, the ARN above.",
                ),
            ),
            use=(
                Instruction(
                    "To see that it works, list the operations of the job that the command above names:",
                    lines=("gcloud transfer operations list --job-names=JOB --project=PROJECT",),
                ),
            ),
            to_know="Another project has another subjectId: tell us first.",
        )
