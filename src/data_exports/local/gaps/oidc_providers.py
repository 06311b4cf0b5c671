"""IAM: an account's OIDC providers, by its own calls and in CloudFormation's stacks."""
# ruff: noqa: SLF001 - the emulator offers no other way in

from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id
from ministack.services import iam
from ministack.services.cloudformation import drift, provisioners

from data_exports.local.gaps.patching import mends
from data_exports.local.gaps.s3_errors import Answer
from data_exports.names import AccountId, identity_provider_arn_of

ProviderFields = Mapping[str, Any]

_TYPE = "AWS::IAM::OIDCProvider"
_MOST_CLIENTS = 100
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


def _arn_of(account: str, url: str) -> str:
    return identity_provider_arn_of(AccountId(account), url.removeprefix("https://"))


def _create(url: str, client_ids: Iterable[str], thumbprints: Iterable[str], tags: Iterable[Any]) -> str:
    """Make a provider in the account that asks; raises `ValueError` with IAM's code and its words."""
    arn, clients = _arn_of(get_account_id(), url), list(dict.fromkeys(client_ids))
    if not url.startswith("https://") or "?" in url or "#" in url or len(url) > 255:
        raise ValueError("InvalidInput", "Invalid Open ID Connect Provider URL")
    if len(clients) > _MOST_CLIENTS:
        raise ValueError("LimitExceeded", f"Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {_MOST_CLIENTS}")
    if arn in iam._oidc_providers:
        raise ValueError("EntityAlreadyExists", f"Provider with url {url} already exists.")
    iam._oidc_providers[arn] = {
        "Url": url.removeprefix("https://"),  # GetOpenIDConnectProvider tells it so
        "ClientIDList": clients,
        "ThumbprintList": list(thumbprints),
        "Arn": arn,
        "CreateDate": iam._now(),
        "Tags": list(tags),
    }
    return arn


def _members(params: ProviderFields, name: str) -> Iterable[str]:
    number = 1
    while value := iam._p(params, f"{name}.member.{number}"):
        yield value
        number += 1


@mends(iam._IAM_HANDLERS, "CreateOpenIDConnectProvider", "p")
def a_providers_address_stays_as_it_is(_original: Callable[..., Any], params: ProviderFields) -> Answer:
    """A slash at the end of an issuer, as Entra's v1 tokens have it, stays in the provider's ARN.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
    """
    lists = (_members(params, "ClientIDList"), _members(params, "ThumbprintList"), iam._extract_tags(params))
    try:
        arn = _create(iam._p(params, "Url"), *lists)
    except ValueError as error:
        code, message = error.args
        return _told(iam._error(409 if code in ("EntityAlreadyExists", "LimitExceeded") else 400, code, message))
    return _done("Create", f"<OpenIDConnectProviderArn>{arn}</OpenIDConnectProviderArn>")


def _client_id_added(params: ProviderFields) -> Answer:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html."""
    return _changed(params, "AddClientIDTo", lambda clients, named: [*clients, *({named} - set(clients))])


def _client_id_removed(params: ProviderFields) -> Answer:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveClientIDFromOpenIDConnectProvider.html."""
    return _changed(params, "RemoveClientIDFrom", lambda clients, named: [one for one in clients if one != named])


iam._IAM_HANDLERS["AddClientIDToOpenIDConnectProvider"] = _client_id_added
iam._IAM_HANDLERS["RemoveClientIDFromOpenIDConnectProvider"] = _client_id_removed


def _changed(params: ProviderFields, what: str, change: Callable[[list[str], str], list[str]]) -> Answer:
    """Set the clients of a provider anew; either call may be repeated, and changes nothing then."""
    arn = iam._p(params, "OpenIDConnectProviderArn")
    provider = iam._oidc_providers.get(arn)
    if provider is None:
        return _told(iam._error(404, "NoSuchEntity", f"OpenIDConnect Provider not found for arn {arn}"))
    clients = change(provider["ClientIDList"], iam._p(params, "ClientID"))
    if len(clients) > _MOST_CLIENTS:
        return _told(iam._error(409, "LimitExceeded", "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider"))
    provider["ClientIDList"] = clients
    return _done(what, "")


def _done(what: str, result: str) -> Answer:
    name = f"{what}OpenIDConnectProvider"
    return _told(iam._xml(200, f"{name}Response", f"<{name}Result>{result}</{name}Result>" if result else ""))


def _told(answer: Answer) -> Answer:
    return answer


@mends(iam_actions, "extract_resource_arn", "service method path headers body query_params region account_id")
def a_right_may_name_a_provider(original: Callable[..., str], service: str, *asked: Any) -> str:
    """The resource of a call about a provider is its ARN.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
    """
    params, account = asked[4], asked[6]
    if service == "iam":
        arn = iam._p(params, "OpenIDConnectProviderArn")
        if iam._p(params, "Action") == "CreateOpenIDConnectProvider":
            arn = _arn_of(account, iam._p(params, "Url"))
        if arn:
            return str(arn)
    return original(service, *asked)


def _created(_logical_id: str, properties: ProviderFields, _stack: str) -> tuple[str, dict[str, str]]:
    try:
        arn = _create(properties["Url"], *_lists_of(properties))
    except ValueError as error:
        code, message = error.args
        raise ValueError(f"{message} (Service: Iam, Error Code: {code})") from error
    return arn, {"Arn": arn}


def _updated(physical_id: str, _old: ProviderFields, new: ProviderFields, stack: str) -> tuple[str, dict[str, str]]:
    if physical_id not in iam._oidc_providers:
        return _created("", new, stack)
    names = ("ClientIDList", "ThumbprintList", "Tags")
    iam._oidc_providers[physical_id].update(zip(names, _lists_of(new), strict=True))
    return physical_id, {"Arn": physical_id}


def _lists_of(properties: ProviderFields) -> tuple[list[Any], list[Any], list[Any]]:
    clients, thumbprints, tags = (properties.get(name) or [] for name in ("ClientIdList", "ThumbprintList", "Tags"))
    return list(clients), list(thumbprints), list(tags)


def _deleted(physical_id: str, *_properties: ProviderFields) -> None:
    iam._oidc_providers.pop(physical_id, None)


def _as_properties(physical_id: str, _expected: ProviderFields) -> MutableMapping[str, Any] | None:
    """The provider as it is, in its template's terms; None when it is gone."""
    found = iam._oidc_providers.get(physical_id)
    if found is None:
        return None
    clients, thumbprints = list(found["ClientIDList"]), list(found["ThumbprintList"])
    return {"ClientIdList": clients, "ThumbprintList": thumbprints, "Tags": provisioners._tag_map(found["Tags"])}


provisioners._RESOURCE_HANDLERS[_TYPE] = {"create": _created, "update": _updated, "delete": _deleted}
provisioners._REPLACING_PROPERTIES.setdefault(_TYPE, ("Url",))
provisioners._STACK_TAG_PROPERTY[_TYPE] = ("Tags", "list")
drift._DRIFT_READERS[_TYPE] = (_as_properties, frozenset({"ClientIdList", "ThumbprintList", "Tags"}))
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-oidcprovider.html"""
