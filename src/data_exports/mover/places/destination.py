"""Where files are delivered: what a kind of destination has to be able to do.

A kind is a folder beside this module, with a class that is a `DestinationPlace`; `store` opens it. Whatever its
protocol is, a copy reads one version of the hub and writes it under the same key, at one moment and whole or not at
all: nobody ever sees half of a file. Between reading and writing anything may happen. `tests/conformance/destinations`
holds every kind to this.

In: calls. Out: operations. No effects.
"""

from collections.abc import Callable
from typing import Protocol

from data_exports.contract.tasks import Try
from data_exports.mover.places.operation import CallStep, Operation
from data_exports.mover.rules.capabilities import Capabilities
from data_exports.mover.rules.protocol import (
    AbortUpload,
    CompleteUpload,
    Copy,
    CopyPart,
    CopyVersion,
    FindUploads,
    StartUpload,
    StoreAnswer,
)

Ask = Callable[[Operation[StoreAnswer]], StoreAnswer]
"""Carries out one operation and returns its answer."""


class DestinationPlace(Protocol):
    """One recipient's place. What each call asks for, and what it may be answered, is told in `rules.protocol`."""

    @property
    def capabilities(self) -> Capabilities:
        """What this kind can do."""

    def copy(self, call: Copy) -> CallStep:
        """Write the hub's current version, if it has this ETag. Never repeated by itself: the rules count tries."""

    def copy_version(self, call: CopyVersion) -> CallStep:
        """Write this very version; never repeated by itself, either."""

    def start_upload(self, call: StartUpload) -> CallStep:
        """Begin an upload in parts. Repeated only if the first one is known not to have begun anything."""

    def find_uploads(self, call: FindUploads) -> CallStep:
        """Look for uploads in parts that this mover has begun; none where such a thing leaves nothing behind."""

    def copy_part(self, call: CopyPart) -> CallStep:
        """Write one part of this very version into an upload."""

    def complete_upload(self, call: CompleteUpload) -> CallStep:
        """Make the file of its parts: this is the write."""

    def abort_upload(self, call: AbortUpload) -> CallStep:
        """Remove an upload and its parts. Afterwards it cannot be completed, not even by a request that is late."""

    def probe(self, key: str, ask: Ask) -> list[Try]:
        """Try what a delivery needs, without replacing anything; at most a file under `key` stays."""
