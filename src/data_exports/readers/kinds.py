"""The kinds of reader outside AWS that a declaration may name: a kind more is a module, and a line here."""

from collections.abc import Mapping
from typing import get_args

from data_exports.declared import value_of_kind
from data_exports.readers.azure import AzurePrincipal
from data_exports.readers.google import GoogleServiceAccount, GoogleTransfer
from data_exports.readers.oidc import KubernetesServiceAccount, TokenHolder
from data_exports.readers.reader import FederatedReader
from data_exports.readers.sftp import SftpReader, sftp_reader_of

AnyReader = GoogleServiceAccount | GoogleTransfer | AzurePrincipal | KubernetesServiceAccount | TokenHolder
_PROVIDES: tuple[type[FederatedReader], ...] = (
    GoogleServiceAccount,
    GoogleTransfer,
    AzurePrincipal,
    KubernetesServiceAccount,
    TokenHolder,
)  # what is missing in a kind, the type checker tells
READER_KINDS: Mapping[str, type[AnyReader]] = {kind.kind: kind for kind in get_args(AnyReader)}
"""Each by what it is called in a declaration."""


def reader_of(declared: object) -> AnyReader:
    """The reader that `FederatedReader.declaration` was made of. Raises `InvalidNameError` for anything else."""
    return value_of_kind(declared, READER_KINDS, "reader")


OutsideReader = AnyReader | SftpReader
"""Whoever is outside AWS: each has a role of the platform's own."""


def outside_reader_of(declared: object) -> OutsideReader:
    """The reader that its `declaration` was made of. Raises `InvalidNameError` for anything else."""
    if isinstance(declared, Mapping) and "keys" in declared:
        return sftp_reader_of(declared)
    return reader_of(declared)
