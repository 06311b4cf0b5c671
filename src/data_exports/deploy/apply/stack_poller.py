"""The stacks that many threads wait for, asked about together.

In: ids of stacks. Out: what CloudFormation says of each, never older than asked for. Effects: DescribeStacks: one call
for each stack while few are waited for, one listing of the whole region for all of them when that takes fewer calls.
CloudFormation counts requests, not stacks. https://repost.aws/knowledge-center/cloudformation-rate-exceeded-error
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from data_exports.aws import Aws
from data_exports.deploy.deployed import DeployedStack
from data_exports.deploy.remote import deployed_stack_of, read_stack, stack_pages


@dataclass(frozen=True, slots=True)
class Listing:
    """Every stack of the region at one moment: when it was asked for, and in how many calls."""

    began: float = float("-inf")
    calls: int = 1
    stacks: Mapping[str, DeployedStack] = field(default_factory=dict)
    """By id."""


class StackPoller:
    """What CloudFormation says of stacks; safe to share between threads."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._waited_for = 0
        self._listing = Listing()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """One more stack is waited for, until this ends."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def read(self, stack_id: str, *, since: float) -> DeployedStack | None:
        """The stack as it was at `since` (by `time.monotonic`) or later; None when it is gone.

        Raises botocore's exceptions.
        """
        if self._waited_for > self._listing.calls:
            found = self._listing_since(since).stacks.get(stack_id)
            if found:
                return found
        return read_stack(self._aws, stack_id)  # a listing leaves out what is deleted, and for a moment what is new

    def _listing_since(self, since: float) -> Listing:
        with self._lock:  # whoever comes meanwhile waits for this listing, and takes it
            if self._listing.began < since:
                began = time.monotonic()
                pages = list(stack_pages(self._aws))
                found = (deployed_stack_of(each) for page in pages for each in page["Stacks"])
                self._listing = Listing(began, len(pages), {stack.stack_id: stack for stack in found})
            return self._listing

    def _count(self, step: int) -> None:
        with self._lock:
            self._waited_for += step
