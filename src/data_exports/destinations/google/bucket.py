"""A bucket of Google Cloud Storage as it is declared, and what the mover may do there. Effects: none."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from data_exports.contract.federation import google_audience_of
from data_exports.contract.settings import GoogleSettings
from data_exports.declared import DeclaredPart
from data_exports.destinations.destination import Contradiction, Right, Verb
from data_exports.destinations.federation import token_right
from data_exports.destinations.identifiers import GoogleBucketName, PoolProvider, ProjectNumber
from data_exports.names import KeyPrefix
from data_exports.readers.identifiers import ServiceAccount

PERMISSIONS = (
    "storage.multipartUploads.abort",
    "storage.multipartUploads.create",
    "storage.objects.create",
    "storage.objects.delete",
)
"""To write an object, also in parts; to write one that is there takes the right to delete it, which nothing else needs.
https://cloud.google.com/storage/docs/access-control/iam-xml"""


@dataclass(frozen=True, slots=True)
class GoogleBucket:
    """A bucket, and the provider by which movers get into the project; as a service account of it, if one is named."""

    bucket: GoogleBucketName
    project_number: ProjectNumber
    provider: PoolProvider
    service_account: ServiceAccount | None = None
    field: ClassVar[str] = "target_google"
    meaning: ClassVar[str] = (
        "Bucket of Google Cloud Storage that files are delivered to: `bucket`, `project_number`, `provider`, and a "
        "`service_account` to act as, if it is to be one."
    )
    address: ClassVar[str] = "gs://{bucket}"
    parts: ClassVar[Mapping[str, DeclaredPart]] = {
        "bucket": DeclaredPart(GoogleBucketName, "Bucket of Google Cloud Storage that files are delivered to."),
        "project_number": DeclaredPart(ProjectNumber, "Number of the project that lets our role in."),
        "provider": DeclaredPart(
            PoolProvider,
            "Full name of the provider of a workload identity pool of that project, to which our tokens are shown.",
        ),
        "service_account": DeclaredPart(
            ServiceAccount, "E-mail address of the service account to act as, if it is to be one.", is_required=False
        ),
    }
    verbs: ClassVar[Mapping[str, Verb]] = {"storage.objects.create": "write", "storage.objects.delete": "delete"}
    account: ClassVar[None] = None

    @property
    def contradiction(self) -> Contradiction | None:
        """The project is named twice, so that a slip in one of the two is seen."""
        if self.provider.project_number == self.project_number:
            return None
        return Contradiction(
            "provider",
            f"this provider is of the project {self.provider.project_number}, not of {self.project_number}",
            "write the number of the project that the provider is in under `project_number`",
        )

    @property
    def declaration(self) -> dict[str, Mapping[str, str]]:
        """The field of the declaration."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        return {self.field: {name: str(value) for name, value in told.items() if value}}

    @property
    def uri(self) -> str:
        """Where it is: ``gs://<bucket>``."""
        return self.settings.uri

    @property
    def name(self) -> str:
        """The bucket's name."""
        return str(self.bucket)

    @property
    def door(self) -> str:
        """The provider."""
        return str(self.provider)

    @property
    def acts_as(self) -> str:
        """The service account, if there is one; without, each mover is a principal of its own."""
        return f"the service account {self.service_account}" if self.service_account else ""

    @property
    def settings(self) -> GoogleSettings:
        """What its mover is told of it."""
        account = str(self.service_account) if self.service_account else None
        return GoogleSettings(bucket=str(self.bucket), provider=str(self.provider), service_account=account)

    @property
    def party(self) -> str:
        """Whom data is opened to: another one whatever of the declaration is another."""
        return f"google {self.bucket} {self.provider} {self.service_account or ''}"

    @property
    def words(self) -> tuple[str, str]:
        """The party in our words, and in others'."""
        acts = f", as {self.service_account}" if self.service_account else ""
        return "the Google bucket", f"{self.bucket} (by {self.provider}{acts})"

    @property
    def whose(self) -> tuple[tuple[str, str], ...]:
        """What a sentence says after where it is: our words, and others'."""
        acts = ((", as the service account ", str(self.service_account)),) if self.service_account else ()
        return ((" of Google Cloud, by the provider ", str(self.provider)), *acts)

    def rights(self, prefix: KeyPrefix) -> tuple[Right, ...]:
        """Objects written under the prefix, and tokens that prove who writes them."""
        files = Right(f"{self.uri}/{prefix.pattern_below}", PERMISSIONS)
        return (files, token_right(google_audience_of(self.provider)))
