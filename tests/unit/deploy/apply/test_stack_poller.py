"""Waiting for many stacks: how often CloudFormation is asked, and that no answer is older than asked for."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from data_exports.deploy.apply.stack_poller import StackPoller
from tests.aws_answers import AwsAnswers
from tests.patience import PATIENCE_SECONDS


class CloudFormation(AwsAnswers):
    """Describes stacks, so many on a page of the listing, and counts the calls."""

    def __init__(self, names: list[str], *, on_a_page: int = 100) -> None:
        super().__init__({"describe_stacks": self._describe_stacks})
        self.statuses = dict.fromkeys(names, "CREATE_IN_PROGRESS")
        self.hidden: set[str] = set()
        self.on_a_page = on_a_page
        self.calls: Counter[str] = Counter()

    def _describe_stacks(self, StackName: str | None = None) -> Any:  # noqa: N803 - AWS's name
        if StackName is None:
            return self._pages()
        self.calls["one"] += 1
        return {"Stacks": [self._described(StackName)]}

    def _pages(self) -> Iterator[dict[str, Any]]:
        names = [name for name in self.statuses if name not in self.hidden]
        for first in range(0, len(names), self.on_a_page):
            self.calls["page"] += 1
            yield {"Stacks": [self._described(name) for name in names[first : first + self.on_a_page]]}

    def _described(self, name: str) -> dict[str, str]:
        return {"StackName": name, "StackId": name, "StackStatus": self.statuses[name]}


NAMES = [f"exports-pull-d{number}" for number in range(20)]


def _read_all(cloudformation: CloudFormation, *, rounds: int = 1) -> tuple[set[str], StackPoller]:
    watch = StackPoller(cloudformation)
    seen: set[str] = set()
    with ExitStack() as waits:
        for _ in NAMES:
            waits.enter_context(watch.waiting())
        for _ in range(rounds):
            since = time.monotonic()
            seen |= {stack.status for name in NAMES if (stack := watch.read(name, since=since))}
    return seen, watch


def test_twenty_stacks_are_asked_about_in_one_call_a_round() -> None:
    cloudformation = CloudFormation(NAMES)
    assert _read_all(cloudformation, rounds=3)[0] == {"CREATE_IN_PROGRESS"}
    assert cloudformation.services == {"cloudformation"}
    assert cloudformation.calls == {"page": 3}


def test_a_listing_that_takes_more_calls_than_stacks_are_waited_for_is_not_made_again() -> None:
    cloudformation = CloudFormation([*NAMES, *(f"other-{number}" for number in range(1000))], on_a_page=50)
    _read_all(cloudformation, rounds=2)
    assert cloudformation.services == {"cloudformation"}
    assert cloudformation.calls == {"page": 21, "one": 39}


def test_an_answer_from_before_the_call_that_is_waited_for_is_not_taken() -> None:
    cloudformation = CloudFormation(NAMES)
    watch = StackPoller(cloudformation)
    with watch.waiting(), watch.waiting():
        assert watch.read(NAMES[0], since=time.monotonic())
        cloudformation.statuses[NAMES[1]] = "CREATE_COMPLETE"
        stack = watch.read(NAMES[1], since=time.monotonic())
    assert stack
    assert stack.status == "CREATE_COMPLETE"
    assert cloudformation.services == {"cloudformation"}
    assert cloudformation.calls == {"page": 2}


def test_a_stack_that_a_listing_leaves_out_is_asked_about_alone() -> None:
    cloudformation = CloudFormation(NAMES)
    cloudformation.hidden.add(NAMES[3])
    cloudformation.statuses[NAMES[3]] = "DELETE_COMPLETE"
    assert _read_all(cloudformation)[0] == {"CREATE_IN_PROGRESS", "DELETE_COMPLETE"}
    assert cloudformation.services == {"cloudformation"}
    assert cloudformation.calls == {"page": 1, "one": 1}


def test_few_stacks_are_asked_about_one_by_one() -> None:
    cloudformation = CloudFormation(NAMES)
    watch = StackPoller(cloudformation)
    with watch.waiting():
        assert watch.read(NAMES[0], since=time.monotonic())
    assert cloudformation.services == {"cloudformation"}
    assert cloudformation.calls == {"one": 1}


def test_threads_that_ask_at_once_share_one_listing() -> None:
    cloudformation = CloudFormation(NAMES)
    watch = StackPoller(cloudformation)
    meet = threading.Barrier(len(NAMES), timeout=PATIENCE_SECONDS)
    since = time.monotonic()

    def wait_for(name: str) -> None:
        with watch.waiting():
            meet.wait()
            watch.read(name, since=since)
            meet.wait()

    threads = [threading.Thread(target=wait_for, args=(name,)) for name in NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cloudformation.services == {"cloudformation"}
    assert cloudformation.calls == {"page": 1}
