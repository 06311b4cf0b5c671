"""What to do about deliveries that a container of Azure does not take, told from the cause. Effects: none.

https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
"""

from data_exports.contract.causes import Cause
from data_exports.destinations.azure.container import AzureContainer
from data_exports.destinations.destination import Advice, Route


def container_advice(there: AzureContainer, cause: str, route: Route) -> Advice | None:
    """What to do about failures of this cause; None where it is none of the recipient's."""
    letter = f"exports handover {route.dataset} says how"
    texts: dict[str, str] = {
        Cause.RECIPIENT_FEDERATION: f"Entra does not let the role in; the reason says why. The recipient looks at the "
        f"federated credential of the application {there.client} in tenant {there.tenant}: its issuer, its subject "
        f"{route.mover_role} and its audience must be these to the letter ({letter}); then redrive",
        Cause.RECIPIENT_DENIED: f"the recipient gives the application {there.client} its role on the container "
        f"{there.name} under {route.prefix} ({letter}; a new assignment may take ten minutes to hold), and lets "
        "requests from AWS through the storage account's firewall, if it has one; then redrive",
        Cause.RECIPIENT_BUCKET: f"check with the recipient that the container {there.name} exists and its account is "
        "enabled; if its name is another, correct target_azure and deploy; then redrive",
        Cause.RECIPIENT_KEY: "the storage account cannot use its own key, the reason says why; mended at the "
        "recipient's, redrive",
        Cause.RECIPIENT_NOT_ACCEPTED: "Azure does not take the blob, the reason says why: a policy of immutability, a "
        "legal hold or a lease on the blob that is there, for instance; mended at the recipient's, redrive",
    }
    return Advice(texts[cause]) if cause in texts else None
