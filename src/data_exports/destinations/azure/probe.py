"""What a probe of a container of Azure tries, and which side lacks what. Effects: none.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes
https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
"""

from collections.abc import Iterator, Mapping, Sequence

from data_exports.contract.tasks import Try
from data_exports.destinations.azure.container import DATA_ACTIONS, AzureContainer
from data_exports.destinations.destination import Lack, Route
from data_exports.destinations.federation import GET_TOKEN
from data_exports.destinations.outside_probe import Doors, outside_lacks

_ADD, _WRITE = (each.removeprefix("Microsoft.Storage/storageAccounts/blobServices/") for each in DATA_ACTIONS)
AZURE_TRIES: Mapping[str, tuple[str, str]] = {
    "token": ("get a token of our account", GET_TOKEN),
    "exchange": ("exchange it at Entra", ""),
    "put": ("write a blob", _ADD),
    "block": ("write a blob in blocks", _WRITE),
    "overwrite": ("write it anew", _WRITE),
}
"""What the mover tried → in words, and the permission it takes."""

_KNOWN = {
    "AADSTS7002": "the application has no federated credential with our issuer, the role's ARN and that audience",
    "AADSTS700016": "the tenant knows no such application, or it has no service principal there",
    "AADSTS90002": "there is no such tenant",
    "AADSTS50013": "Entra could not verify our token: the credential's issuer is another one",
    "AuthorizationPermissionMismatch": "the application has no role on the container under that prefix",
    "AuthorizationFailure": "the storage account's firewall, or its policy, keeps requests from AWS out",
    "ContainerNotFound": "there is no such container",
    "ContainerBeingDeleted": "the container is being deleted",
    "ResourceNotFound": "there is no such container",
    "AccountIsDisabled": "the storage account is disabled",
    "InvalidAuthenticationInfo": "the storage account does not take this tenant's tokens: whose is it",
    "BlobImmutable": "a policy of immutability or a legal hold keeps the blob as it is",
}


def container_lacks(
    there: AzureContainer, tries: Sequence[Try], route: Route, *, is_ours_good: bool | None
) -> Iterator[Lack]:
    """What is lacking, told from a probe's tries."""
    exchange = f"Entra's tenant {there.tenant}, as the application {there.client},"
    doors = Doors(exchange, f"the container {there.name}, under {route.prefix},", _KNOWN)
    yield from outside_lacks(doors, tries, route, is_ours_good=is_ours_good)
