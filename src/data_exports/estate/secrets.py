"""What looks like a secret of another cloud, wherever it stands in a declaration; pure.

In: the text of a file. Out: nothing, or `HeldSecretError` with the place, and nothing of the secret. Private keys of
SSH are found in `readers.ssh_keys`.
"""

import re

_SECRETS = {
    # https://learn.microsoft.com/azure/storage/common/storage-sas-overview#sas-token
    r"[?&;\s\"']sig=[A-Za-z0-9%+/]{20,}|SharedAccessSignature=": "a shared access signature of Azure",
    # 64 bytes in Base64: https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string
    r"AccountKey=|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])": "a key of a storage account of Azure",
    # https://learn.microsoft.com/purview/sit-defn-client-secret-api-key
    r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,34}": "a secret of an application of Entra",
    # https://cloud.google.com/iam/docs/keys-create-delete
    r"private_key(?:_id)?\\?\"?\s*:|type\\?\"\s*:\s*\\?\"service_account": "a key of a service account of Google",
    # https://cloud.google.com/storage/docs/authentication/hmackeys
    r"(?<![A-Za-z0-9])GOOG[A-Z0-9]{20,}": "an HMAC key of Google Cloud Storage",
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.": "a token",  # RFC 7519
    r"(?<![A-Za-z0-9])ya29\.[A-Za-z0-9_-]{20,}": "a token of Google",
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
    r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])": "an access key of AWS",
}
_ANY = re.compile("|".join(f"({pattern})" for pattern in _SECRETS))


class HeldSecretError(ValueError):
    """A text holds a secret; `start` is its place in the text."""

    def __init__(self, what: str, start: int) -> None:
        """Say what it is, and nothing of it."""
        super().__init__(f"this is {what}, which nobody but its owner may have")
        self.start = start
        self.hint = (
            "take it out of this file and of git's history; its owner makes it invalid, for it is no secret any more; "
            "no export needs one: movers prove who they are by tokens of minutes"
        )


def check_holds_no_secret(text: str) -> None:
    """Raise `HeldSecretError` for text that holds what looks like a secret, whatever else it holds."""
    if found := _ANY.search(text):
        place = found.start() + len(found[0]) - len(found[0].lstrip("?&; \t\r\n\"'"))
        raise HeldSecretError(tuple(_SECRETS.values())[found.lastindex - 1 if found.lastindex else 0], place)
