"""A container of Azure Blob Storage as it is declared, and what the mover may do there. Effects: none."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from data_exports.contract.federation import AZURE_AUDIENCE
from data_exports.contract.settings import AzureSettings
from data_exports.declared import DeclaredPart
from data_exports.destinations.destination import Right, Verb
from data_exports.destinations.federation import token_right
from data_exports.destinations.identifiers import ContainerName, StorageAccountName
from data_exports.names import KeyPrefix
from data_exports.readers.identifiers import Guid

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
DATA_ACTIONS = (f"{BLOBS}/add/action", f"{BLOBS}/write")
"""To write a blob that is new, and one that is there. Neither reads, lists or deletes.
https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory#permissions-for-blob-service-operations"""


@dataclass(frozen=True, slots=True)
class AzureContainer:
    """A container, the tenant that it is in, and the application as which movers are known there."""

    storage_account: StorageAccountName
    container: ContainerName
    tenant: Guid
    client: Guid
    field: ClassVar[str] = "target_azure"
    meaning: ClassVar[str] = (
        "Container of Azure Blob Storage that files are delivered to: `storage_account`, `container`, `tenant`, "
        "`client`."
    )
    address: ClassVar[str] = "https://{storage_account}.blob.core.windows.net/{container}"
    parts: ClassVar[Mapping[str, DeclaredPart]] = {
        "storage_account": DeclaredPart(StorageAccountName, "Storage account of Azure that the container is in."),
        "container": DeclaredPart(ContainerName, "Container of Azure Blob Storage that files are delivered to."),
        "tenant": DeclaredPart(Guid, "Id of the directory that the storage account is in."),
        "client": DeclaredPart(
            Guid, "Client id of the application, or of the user-assigned managed identity, that lets our role in."
        ),
    }
    verbs: ClassVar[Mapping[str, Verb]] = {f"{BLOBS}/write": "write"}
    contradiction: ClassVar[None] = None
    account: ClassVar[None] = None

    @property
    def declaration(self) -> dict[str, Mapping[str, str]]:
        """The field of the declaration."""
        return {self.field: {each.name: str(getattr(self, each.name)) for each in fields(self)}}

    @property
    def uri(self) -> str:
        """Where it is: ``https://<storage account>.blob.core.windows.net/<container>``."""
        return self.settings.uri

    @property
    def name(self) -> str:
        """``<storage account>/<container>``."""
        return f"{self.storage_account}/{self.container}"

    @property
    def door(self) -> str:
        """The application."""
        return f"{self.tenant} {self.client}"

    @property
    def acts_as(self) -> str:
        """The application."""
        return f"the application {self.client} of the tenant {self.tenant}"

    @property
    def settings(self) -> AzureSettings:
        """What its mover is told of it."""
        return AzureSettings(**self.declaration[self.field])

    @property
    def party(self) -> str:
        """Whom data is opened to: another one whatever of the declaration is another."""
        return f"azure {self.name} {self.tenant} {self.client}"

    @property
    def words(self) -> tuple[str, str]:
        """The party in our words, and in others'."""
        return "the Azure container", f"{self.name} (tenant {self.tenant}, client {self.client})"

    @property
    def whose(self) -> tuple[tuple[str, str], ...]:
        """What a sentence says after where it is: our words, and others'."""
        return ((" of the Azure tenant ", str(self.tenant)), (", written as its client ", str(self.client)))

    def rights(self, prefix: KeyPrefix) -> tuple[Right, ...]:
        """Blobs written under the prefix, and tokens that prove who writes them."""
        return (Right(f"{self.uri}/{prefix.pattern_below}", DATA_ACTIONS), token_right(AZURE_AUDIENCE))
