"""A reader in Azure: a managed identity, or an application's service principal, with a token of Microsoft Entra.

Effects: none. https://aws.amazon.com/blogs/security/access-aws-using-a-microsoft-entra-id-identity-provider/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from data_exports.names import InvalidNameError
from data_exports.readers.identifiers import Audience, AzureVersion, Guid
from data_exports.readers.reader import ReaderPart, TokenReader

VERSION_1 = AzureVersion("1")


@dataclass(frozen=True, slots=True, order=True)
class AzurePrincipal(TokenReader):
    """A principal of a tenant; its tokens' issuer depends on their version.

    https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
    """

    tenant: Guid
    object: Guid
    audience: Audience
    version: AzureVersion = VERSION_1
    kind: ClassVar[str] = "azure"
    parts: ClassVar[Mapping[str, ReaderPart]] = {
        "tenant": ReaderPart(Guid, "Id of the directory."),
        "object": ReaderPart(Guid, "Object id of the managed identity, or of the application's service principal."),
        "audience": ReaderPart(
            Audience, "Application ID URI of the application that its tokens are for; with `version: 2` its client id."
        ),
        "version": ReaderPart(AzureVersion, "Version of the tokens: 1 unless set, or 2.", is_required=False),
    }

    def __post_init__(self) -> None:
        """Refuse an audience that tokens of version 2 cannot have: theirs is a GUID, in lower case."""
        if self.version == "1":
            return
        if not Guid.pattern.fullmatch(self.audience):
            raise InvalidNameError(
                f"{self.audience!r} is not the audience of tokens of version 2: that is a GUID",
                hint="write the client id of the application that the tokens are for, or leave `version: 2` out",
            )
        object.__setattr__(self, "audience", Audience(self.audience.lower()))

    @property
    def issuer(self) -> str:
        """Of version 1 with a slash at its end, which IAM keeps."""
        if self.version == "2":
            return f"https://login.microsoftonline.com/{self.tenant}/v2.0"
        return f"https://sts.windows.net/{self.tenant}/"

    @property
    def subject(self) -> str:
        """The tokens' `sub`: of a token without a user the principal itself."""
        return self.object

    @property
    def words(self) -> tuple[str, str]:
        """Who it is."""
        return "Azure's principal", f"{self.object} of tenant {self.tenant}"

    @property
    def party(self) -> str:
        """The tenant, whatever the version of its tokens."""
        return f"azure {self.tenant}"

    @property
    def party_words(self) -> tuple[str, str]:
        """The tenant."""
        return "the Azure tenant", str(self.tenant)
