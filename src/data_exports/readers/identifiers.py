"""The identifiers by which other clouds and issuers of tokens know somebody, parsed once.

In: text. Out: `Identifier` values, or `InvalidNameError`. Effects: none. Each becomes a value of ``StringEquals`` in a
role's trust, where ``${...}`` is a variable, through a template, where CloudFormation puts a parameter's value, or a
secret's, in place of ``{{resolve:...}}``: no pattern here lets in ``$`` or braces, nor what looks like a wildcard.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
"""

import re
from typing import Self

from data_exports.names import Identifier, InvalidNameError

_SAFE = r"[A-Za-z0-9!#%&'()+,./:;=@^_|~-]"


class OtherKindError(InvalidNameError):
    """The issuer has a kind of its own, or its tokens are of no use here."""


class Guid(Identifier):
    """A GUID, in lower case as Microsoft's tokens have it."""

    __slots__ = ()
    pattern = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
    reason = "is not a GUID"
    hint = "write 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12, such as 1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394"

    def __new__(cls, text: str) -> Self:
        """Parse it."""
        return super().__new__(cls, text.lower())


class UniqueId(Identifier):
    """The numeric id of a service account at Google, which is never given to another one.

    https://cloud.google.com/iam/docs/service-account-overview#identification
    """

    __slots__ = ()
    pattern = re.compile("[0-9]{15,25}")
    reason = "is not the unique id of a Google service account: that has digits alone"
    hint = "`gcloud iam service-accounts describe EMAIL --format='value(uniqueId)'` tells it"

    def __new__(cls, text: str) -> Self:
        """Parse it; an e-mail address stands in the hint."""
        try:
            return super().__new__(cls, text)
        except InvalidNameError as error:
            named = error.hint.replace("EMAIL", text) if ServiceAccount.pattern.fullmatch(text) else error.hint
            raise InvalidNameError(str(error), hint=named) from error


class TransferSubject(Identifier):
    """The numeric id by which Google's Storage Transfer Service acts for one project.

    https://cloud.google.com/storage-transfer/docs/reference/rest/v1/googleServiceAccounts/get
    """

    __slots__ = ()
    pattern = UniqueId.pattern
    reason = "is not the subject of a Storage Transfer Service: that has digits alone"
    hint = "it is `subjectId` in the answer of googleServiceAccounts.get of the Storage Transfer API"


class ServiceAccount(Identifier):
    """The e-mail address of a service account at Google: for people, since it can pass to another account."""

    __slots__ = ()
    pattern = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}@(?:[a-z0-9-]{1,63}\.){1,4}gserviceaccount\.com")
    reason = "is not the e-mail address of a Google service account"
    hint = "write it as reader@project.iam.gserviceaccount.com"


class Audience(Identifier):
    """What a token says it is for.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
    """

    __slots__ = ()
    pattern = re.compile(f"{_SAFE}{{1,255}}")
    reason = "is not an audience of tokens"
    hint = "write the `aud` of the tokens exactly, such as sts.amazonaws.com or https://exports.example.gov.uk"


class Subject(Identifier):
    """Whom a token is of, as its issuer says it.

    https://openid.net/specs/openid-connect-core-1_0.html#IDToken
    """

    __slots__ = ()
    pattern = re.compile(f"{_SAFE}(?:(?: |{_SAFE}){{0,253}}{_SAFE})?")
    reason = "is not the subject of tokens"
    hint = "write the `sub` of the tokens exactly, such as repo:example/reports:environment:prod"


class Namespace(Identifier):
    """A namespace of Kubernetes.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    """

    __slots__ = ()
    pattern = re.compile("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
    reason = "is not a namespace of Kubernetes"
    hint = "use lower case letters, digits and -, at most 63 characters"


class ServiceAccountName(Identifier):
    """A service account of Kubernetes.

    https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    """

    __slots__ = ()
    pattern = re.compile("(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:[.][a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
    reason = "is not a service account of Kubernetes"
    hint = "use lower case letters, digits, - and ., at most 253 characters"


class AzureVersion(Identifier):
    """Which tokens Microsoft Entra issues for an application.

    https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#token-formats
    """

    __slots__ = ()
    pattern = re.compile("[12]")
    reason = "is not a version of Microsoft's tokens"
    hint = "write 1, or 2 where the application's manifest says so"


_HOST = r"(?=[a-z0-9.-]{1,253}(?:/|$))(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
_NOT_HERE = {
    "accounts.google.com": "write this reader as `google`",
    "sts.windows.net": "write this reader as `azure`",
    "login.microsoftonline.com": "write this reader as `azure`, with `version: 2`",
    "cognito-identity.amazonaws.com": "name the role that Cognito's users assume under `pull_arns`",
    "www.amazon.com": "name the issuer of an organisation's own tokens",
    "graph.facebook.com": "name the issuer of an organisation's own tokens",
}
"""Hosts that AWS knows without a provider of ours, or that have a kind of their own.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html"""
_AWS_TOKENS = ".tokens.sts.global.api.aws"
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_getting_started.html"""
_GITHUB_AND_SLASH = r"token\.actions\.githubusercontent\.com(?:/.*)?/$"
"""No `iss` of GitHub's ends in one. https://docs.github.com/en/actions/reference/security/oidc"""
_NO_FOLDER = r"\.(?:\.|well-known)?(?:/|$)"
"""Dots, which lead elsewhere, and where an issuer describes itself, which people copy.
https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationRequest"""


class Issuer(Identifier):
    """Who issues tokens: ``https://``, a host and perhaps a path, to the letter as in the tokens' `iss`.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html
    """

    __slots__ = ()
    pattern = re.compile(
        rf"https://(?!{_GITHUB_AND_SLASH})(?=.{{1,247}}$){_HOST}(?:/(?!{_NO_FOLDER})[A-Za-z0-9._~-]+)*/?"
    )
    reason = "is not an issuer of tokens"
    hint = (
        "write the `iss` of the tokens exactly: https://, a host, and a path if it has one; no port, no query, no "
        "/.well-known, and no slash at the end that is not there"
    )

    def __new__(cls, text: str) -> Self:
        """Parse it. Raises `OtherKindError` for an issuer that is not declared by its address."""
        made = super().__new__(cls, text)
        if hint := _NOT_HERE.get(made.host):
            raise OtherKindError(f"{text!r} is not declared by its address", hint=hint)
        if made.host.endswith(_AWS_TOKENS):
            hint = "name the role itself under `pull_arns`"
            raise OtherKindError(f"{text!r} is AWS's own, whose tokens AWS does not take back", hint=hint)
        return made

    @property
    def host(self) -> str:
        """Its host."""
        return self.split("/")[2]
