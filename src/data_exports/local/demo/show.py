"""The demo from start to end: a local AWS of its own, the example estate and two datasets more, every scene played.

In: a `Narrator` who is told the story as it happens. Out: every `Expectation`, held or not. Effects: one local AWS in a
temporary folder, ended and removed again whatever happens.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from data_exports.deploy.apply.outcomes import StackResult
from data_exports.deploy.apply.waves import deploy
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate
from data_exports.local.clients import aws_of
from data_exports.local.demo.elsewhere import AT_GOOGLE, with_recipients_elsewhere
from data_exports.local.demo.operating import NOT_YET_GRANTED
from data_exports.local.demo.scenes import SCENES
from data_exports.local.demo.stage import Expectation, Stage
from data_exports.local.emulator import LocalAws, start, stop
from data_exports.local.world import make_local_world
from data_exports.names import DatasetName
from data_exports.text import datasets_words


class Narrator(Protocol):
    """Whoever tells the story to people."""

    def begin(self, title: str) -> None:
        """A new scene begins."""

    def say(self, text: str) -> None:
        """Something happens."""

    def expect(self, expectation: Expectation) -> None:
        """Something was checked."""

    def end(self) -> None:
        """The scene is over."""

    def waiting(self, text: str) -> AbstractContextManager[None]:
        """Something takes its time."""
        ...


def play(narrator: Narrator) -> None:
    """Play the whole demo, and end everything it started. Raises what starting and deploying raise."""
    with tempfile.TemporaryDirectory(prefix="exports-demo-") as folder, _local_aws(Path(folder), narrator) as stage:
        for title, scene in SCENES:
            narrator.begin(title)
            for part in scene(stage):
                if isinstance(part, Expectation):
                    narrator.expect(part)
                else:
                    narrator.say(part)
        narrator.begin("A second deployment changes nothing")
        narrator.expect(_second_deployment(stage))
        narrator.end()


@contextmanager
def _local_aws(folder: Path, narrator: Narrator) -> Iterator[Stage]:
    """A local AWS with the world around the example estate, and the estate deployed; ended in any case."""
    files = with_recipients_elsewhere(folder / "estate")
    estate = load_estate(files).require()
    narrator.begin("An AWS on this machine, and the example estate deployed to it")
    platform = estate.platform
    with narrator.waiting("starting an AWS on this machine, IAM enforced"):
        local = start(folder, account=platform.account, region=platform.region, owner_pid=os.getpid())
    try:
        with narrator.waiting("making the world around it: users, recipients, outsiders"):
            make_local_world(local, estate, without_handover=[DatasetName(NOT_YET_GRANTED), DatasetName(AT_GOOGLE)])
        yield from _deployed(local, estate, files, narrator)
    finally:
        stop(local)


def _deployed(local: LocalAws, estate: Estate, files: Path, narrator: Narrator) -> Iterator[Stage]:
    datasets = datasets_words(len(estate.push_datasets), len(estate.pull_datasets))
    with narrator.waiting(f"deploying {datasets} with CloudFormation"):
        result = deploy(estate, aws_of(local))
    failed = "; ".join(f"{outcome.name}: {outcome.reason}" for outcome in result.not_done)
    found = failed or f"{len(result.outcomes)} stacks"
    narrator.expect(Expectation("every stack is created and no role is missing", result.is_complete, found))
    yield Stage(local, estate, files)


def _second_deployment(stage: Stage) -> Expectation:
    result = deploy(stage.estate, aws_of(stage.local))
    touched = [outcome.name for outcome in result.outcomes if outcome.result is not StackResult.UNCHANGED]
    return Expectation("no stack is touched", not touched, ", ".join(touched) or f"{len(result.outcomes)} unchanged")
