"""A reader in Azure: a managed identity, or an application's service principal, with a token of Microsoft Entra.

Effects: none.
https://aws.amazon.com/blogs/security/how-to-access-aws-resources-from-microsoft-entra-id-tenants-using-aws-security-token-service/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from data_exports.declared import DeclaredPart
from data_exports.instructions import Instruction
from data_exports.names import InvalidNameError
from data_exports.readers.guide import Guide, ReaderWay, program_profile_step, program_step, with_profile
from data_exports.readers.identifiers import Audience, AzureVersion, Guid
from data_exports.readers.reader import TokenReader
from data_exports.text import code_span, shell_word

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
    parts: ClassVar[Mapping[str, DeclaredPart]] = {
        "tenant": DeclaredPart(Guid, "Id of the directory."),
        "object": DeclaredPart(Guid, "Object id of the managed identity, or of the application's service principal."),
        "audience": DeclaredPart(
            Audience, "Application ID URI of the application that its tokens are for; with `version: 2` its client id."
        ),
        "version": DeclaredPart(AzureVersion, "Version of the tokens: 1 unless set, or 2.", is_required=False),
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

    def guide(self, way: ReaderWay) -> Guide:
        """With a token that `az` has, or the machine's own endpoint for its managed identity.

        https://learn.microsoft.com/en-us/cli/azure/account#az-account-get-access-token
        https://learn.microsoft.com/en-us/cli/azure/authenticate-azure-cli-managed-identity
        https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
        """
        audience = shell_word(self.audience)
        machine = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
        is_first = self.version == "1"
        named = f"whose {'Application ID URI' if is_first else 'client id'} is {code_span(self.audience)}"
        access = "null or 1" if is_first else "2"
        return Guide(
            needs=f"In your tenant {self.tenant}: an application registration {named}, with a service principal, and "
            f"with requestedAccessTokenVersion {access} in its manifest; and the managed identity, or the service "
            f"principal of an application, whose object id is {self.object}. No secret is shared with us.",
            steps=(
                Instruction(
                    "Sign in as the identity, once. Of a managed identity, on the machine that has it:",
                    lines=("az login --identity --allow-no-subscriptions",),
                    remark="As an application: `az login --service-principal`, with its certificate or its federated "
                    "token. On a machine without `az`, leave this out, and take the program's other way to a token.",
                ),
                program_step(
                    way,
                    f"az account get-access-token --resource {audience} --query accessToken --output tsv",
                    "# or, from the machine's own endpoint, without az:",
                    f"# curl -fsS -H Metadata:true -G --data-urlencode resource={audience} "
                    f"--data-urlencode object_id={self.object} '{machine}' | jq -r .access_token",
                ),
                program_profile_step(way),
            ),
            use=with_profile(way),
            to_know="An identity that is deleted and made again has another object id: tell us first. Should `az` say "
            "that it hides tokens, add --plaintext to its line.",
        )
