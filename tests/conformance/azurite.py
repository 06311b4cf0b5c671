"""Azurite, Azure Blob Storage as Microsoft emulates it, as a recipient.

In: a folder for its certificate, token and output. Out: a `Recipient`, named as Azure itself is (`named_stores`), so
that each run of this one runs what the real one would. Effects: a process (`benchmarks.azurite`), gone when the block
ends. It looks at what a token says, and at no signature; and it knows no roles: what is not allowed is tried at our
stand-in alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.azurite import azurite_server, owner_token
from data_exports.estate.atomic_files import write_private
from tests.conformance.azure_container import AzureContainer
from tests.conformance.named_stores import AZURE, azure_named
from tests.conformance.outside_world import environment_with
from tests.emulator.other_clouds import CONTAINER, STORAGE_ACCOUNT


@contextmanager
def azurite(folder: Path) -> Iterator[AzureContainer]:
    """One that runs for the time of the block. Raises BenchmarkError where it is not installed."""
    with azurite_server(folder, STORAGE_ACCOUNT) as server:
        write_private(folder / "token", owner_token())
        named = {
            AZURE: f"{STORAGE_ACCOUNT}/{CONTAINER}",
            f"{AZURE}_URL": server.account_url,
            f"{AZURE}_TOKEN_FILE": str(folder / "token"),
        }
        trusting = {"AWS_CA_BUNDLE": str(server.certificate)}
        found = azure_named(named, trusting)
        server.make_container(CONTAINER)
        with environment_with(**trusting):
            found.check_access()
        yield found
