"""What the owner of a container of Azure Blob Storage puts in place. Effects: none.

https://learn.microsoft.com/entra/workload-id/workload-identity-federation
https://learn.microsoft.com/azure/role-based-access-control/custom-roles
https://learn.microsoft.com/azure/storage/blobs/storage-auth-abac-examples
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data_exports.contract.federation import AZURE_AUDIENCE
from data_exports.contract.keys import probe_key_of
from data_exports.destinations.azure.container import BLOBS, DATA_ACTIONS, AzureContainer
from data_exports.destinations.destination import Document, Route
from data_exports.destinations.half import Expression, Provider, RecipientHalf, TerraformBlock
from data_exports.destinations.outside import NOT_CARRIED, PREMISE, confined_by_identity, issuer_in, issuer_steps
from data_exports.instructions import Instruction

_GROUP = "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP"
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_PROVIDERS = (Provider("azurerm", "hashicorp/azurerm", ">= 3.0"), Provider("azuread", "hashicorp/azuread", ">= 2.44"))
"""azuread's first with `client_id` of applications; https://github.com/hashicorp/terraform-provider-azuread/releases"""


CREDENTIALS_PER_APPLICATION = 20


@dataclass(frozen=True, slots=True)
class ContainerHalf:
    """All of it for programs."""

    storage_account: str
    container: str
    tenant: str
    client: str
    mover_role: str
    issuer: str | None
    """None where nobody has asked AWS."""
    audience: str
    arrives_under: str
    data_actions: Sequence[str]
    condition: str
    federated_credential: Mapping[str, Any]
    role_definition: Document
    probe_object: str


def container_half_of(there: AzureContainer, route: Route) -> RecipientHalf:
    """The half of one dataset."""
    under, probe_object = f"{there.uri}/{route.prefix}", f"{there.uri}/{probe_key_of(route.dataset)}"
    named = _name_of(route)
    return RecipientHalf(
        noun="container",
        name=there.name,
        premise=PREMISE,
        arrival=f"Each file that a sender uploads as PATH arrives as {under}PATH, a block blob, with its content type "
        f"and metadata, in whose names everything but letters, digits and _ becomes _; {NOT_CARRIED}. It usually "
        "arrives within seconds. The same path again takes the place of the blob: keep versions of blobs if you want "
        "the older ones. A large file is there once all of it is.",
        confined="With what we ask for, the role can write there, and nothing more: it cannot read, list or delete in "
        f"your container.{confined_by_identity(there.acts_as, route)}",
        probe_object=probe_object,
        steps=tuple(_steps(there, route)),
        facts=ContainerHalf(
            *(there.storage_account, there.container, there.tenant, there.client, route.mover_role),
            *(route.issuer or None, AZURE_AUDIENCE, under, DATA_ACTIONS, assignment_condition_of(there, route)),
            *(_credential(route), _role_definition(route), probe_object),
        ),
        terraform=tuple(_terraform(there, route)),
        providers=_PROVIDERS,
        commands=(
            f"az ad app federated-credential list --id {there.client}",
            f'az role assignment list --scope "{_scope(there)}" --query "[?roleDefinitionName==\'{named}\']"',
            f"az storage blob list --account-name {there.storage_account} --container-name {there.container} \\",
            f"  --prefix {route.prefix} --auth-mode login --output table",
        ),
        ending=(
            Instruction(
                "This takes our role's access away, within minutes, whatever token it still has; then it gets none any "
                "more:",
                lines=(
                    f'az role assignment delete --role "{named}" --scope "{_scope(there)}"',
                    f"az ad app federated-credential delete --id {there.client} --federated-credential-id {named}",
                ),
                remark="Of a managed identity: `az identity federated-credential delete`. What has arrived stays.",
            ),
        ),
    )


def container_crowding(there: AzureContainer, route: Route) -> str:
    """Each role of ours takes a federated credential; an application, or a managed identity, has so many at most.

    https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
    """
    roles = len({route.mover_role, *route.also_let_in})
    if roles <= CREDENTIALS_PER_APPLICATION:
        return ""
    return f"{there.acts_as} would need {roles} federated credentials; Entra takes {CREDENTIALS_PER_APPLICATION}"


def assignment_condition_of(there: AzureContainer, route: Route) -> str:
    """Of the role's assignment: in this container, under this prefix.

    https://learn.microsoft.com/azure/role-based-access-control/conditions-format
    """
    of_other_actions = " AND ".join(f"!(ActionMatches{{'{each}'}})" for each in DATA_ACTIONS)
    in_container = f"@Resource[{_CONTAINERS}:name] StringEquals '{there.container}'"
    under_prefix = f"@Resource[{BLOBS}:path] StringStartsWith '{route.prefix}'"
    return f"(({of_other_actions}) OR ({in_container} AND {under_prefix}))"


def _name_of(route: Route) -> str:
    """What is made for a dataset is called after it.

    https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
    """
    return f"data-export-{route.dataset}"


def _credential(route: Route) -> dict[str, Any]:
    return {
        "name": _name_of(route),
        "issuer": issuer_in(route),
        "subject": str(route.mover_role),
        "audiences": [AZURE_AUDIENCE],
    }


def _role_definition(route: Route) -> Document:
    return {
        "Name": _name_of(route),
        "IsCustom": True,
        "Description": f"Writes the blobs of the data export {route.dataset}; no read, no delete",
        "Actions": [],
        "DataActions": list(DATA_ACTIONS),
        "AssignableScopes": [_GROUP],
    }


def _scope(there: AzureContainer) -> str:
    account = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/{there.storage_account}"
    return f"{account}/blobServices/default/containers/{there.container}"


def _steps(there: AzureContainer, route: Route) -> Iterator[Instruction]:
    named, credential = _name_of(route), _credential(route)
    role_file, condition_file = f"{named}-role.json", f"{named}-condition.txt"
    yield from issuer_steps(route)
    yield Instruction(
        f"Let our role in as the application {there.client} of your tenant {there.tenant}: a federated credential that "
        f"names this role alone. Write this file, {named}.json; it holds no secret:",
        credential,
    )
    yield Instruction(
        "Then, signed in to that tenant:",
        lines=(f"az ad app federated-credential create --id {there.client} --parameters {named}.json",),
        remark="If that is the client id of a user-assigned managed identity instead: `az identity "
        f"federated-credential create --name {named} --identity-name IDENTITY --resource-group GROUP` with --issuer, "
        "--subject and --audiences from the file. An application without a service principal gets one by `az ad sp "
        f"create --id {there.client}`.",
    )
    yield Instruction(
        f"Make a role that can write blobs, and nothing else. Write this file, {role_file}; SUBSCRIPTION and GROUP, "
        "here and below, are those of the storage account:",
        _role_definition(route),
    )
    yield Instruction(
        f"Give the application that role in your container alone, under {route.prefix} alone. Write this file, "
        f"{condition_file}, on one line:",
        lines=(assignment_condition_of(there, route),),
    )
    yield Instruction(
        "Then:",
        lines=(
            f"az role definition create --role-definition @{role_file}",
            "az role assignment create \\",
            f'  --assignee-object-id "$(az ad sp show --id {there.client} --query id --output tsv)" \\',
            f'  --assignee-principal-type ServicePrincipal --role "{named}" \\',
            f'  --scope "{_scope(there)}" \\',
            f"  --condition-version 2.0 --condition @{condition_file}",
        ),
        remark="A new assignment may take ten minutes to hold. If the storage account has a firewall, it must let in "
        "requests from AWS, whose addresses are many and change; our role's token is what holds them.",
    )


def _terraform(there: AzureContainer, route: Route) -> Iterator[TerraformBlock]:
    name, credential = f"export_{route.dataset}", _credential(route)
    group, identity = f"{name}_resource_group", f"{name}_managed_identity_id"
    issuer: Any = credential["issuer"]
    if not route.issuer:
        asks = f"Who issues the tokens of our account: ask us, {issuer} is no address."
        yield TerraformBlock(("variable", f"{name}_issuer"), {"type": Expression("string"), "description": asks})
        issuer = Expression(f"var.{name}_issuer")
    asks = f"The resource group of the storage account {there.storage_account}."
    yield TerraformBlock(("variable", group), {"type": Expression("string"), "description": asks})
    asks = f"The resource id of the managed identity whose client id is {there.client}; null if it is an application's."
    null = {"type": Expression("string"), "default": Expression("null"), "description": asks}
    yield TerraformBlock(("variable", identity), null)
    yield TerraformBlock(("data", "azurerm_resource_group", name), {"name": Expression(f"var.{group}")})
    yield TerraformBlock(
        ("data", "azurerm_storage_account", name),
        {"name": there.storage_account, "resource_group_name": Expression(f"var.{group}")},
    )
    yield TerraformBlock(("data", "azuread_service_principal", name), {"client_id": there.client})
    is_application = Expression(f"var.{identity} == null ? 1 : 0")
    yield TerraformBlock(("data", "azuread_application", name), {"count": is_application, "client_id": there.client})
    common = {"issuer": issuer, "subject": credential["subject"]}
    yield TerraformBlock(
        ("resource", "azuread_application_federated_identity_credential", name),
        {
            "count": is_application,
            "application_id": Expression(f'"/applications/${{data.azuread_application.{name}[0].object_id}}"'),
            "display_name": credential["name"],
            "audiences": credential["audiences"],
            **common,
        },
    )
    yield TerraformBlock(
        ("resource", "azurerm_federated_identity_credential", name),
        {
            "count": Expression(f"var.{identity} == null ? 0 : 1"),
            "name": credential["name"],
            "resource_group_name": Expression(f'split("/", var.{identity})[4]'),
            "parent_id": Expression(f"var.{identity}"),
            "audience": credential["audiences"],
            **common,
        },
    )
    yield TerraformBlock(
        ("resource", "azurerm_role_definition", name),
        {
            "name": credential["name"],
            "scope": Expression(f"data.azurerm_resource_group.{name}.id"),
            "description": _role_definition(route)["Description"],
            "assignable_scopes": [Expression(f"data.azurerm_resource_group.{name}.id")],
        },
        (TerraformBlock(("permissions",), {"actions": [], "data_actions": list(DATA_ACTIONS)}),),
    )
    container = f"blobServices/default/containers/{there.container}"
    yield TerraformBlock(
        ("resource", "azurerm_role_assignment", name),
        {
            "scope": Expression(f'"${{data.azurerm_storage_account.{name}.id}}/{container}"'),
            "role_definition_id": Expression(f"azurerm_role_definition.{name}.role_definition_resource_id"),
            "principal_id": Expression(f"data.azuread_service_principal.{name}.object_id"),
            "condition_version": "2.0",
            "condition": assignment_condition_of(there, route),
        },
    )
